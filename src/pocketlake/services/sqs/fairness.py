"""Fair queues: on a standard queue whose messages carry groups, a noisy tenant's messages come after the others'.

Source: developer guide, "How Amazon SQS fair queues work". Of its two measures, the share of the messages in flight
is built; the share of processing time is not.
"""

from __future__ import annotations

from pocketlake.kernel.call import Call

from . import quotas, store
from .live import Queue
from .store import Row

LOOKING = 10_000  # ready messages among which quieter tenants are looked for


def noisy(queue: Queue) -> list[str]:
    """Tenants with more than a tenth of the messages in flight, and at least thirty."""
    least = max(quotas.NOISY_MESSAGES.value, queue.in_flight * quotas.NOISY_SHARE.value + 1e-9)
    return [tenant for tenant, count in queue.tenants.items() if count >= least]


def choose(call: Call, queue: Queue, limit: int) -> list[Row]:
    """The next messages to hand out."""
    loud = noisy(queue) if queue.tenants else []
    if not loud:
        return store.ready(call.db, queue.id, limit)
    quiet = store.ready_of_others(call.db, queue.id, loud, limit, LOOKING)
    rows = store.at(call.db, quiet) if quiet else []
    if len(rows) < limit:
        taken = set(quiet)
        more = store.ready(call.db, queue.id, limit + len(rows))
        rows += [row for row in more if row.position not in taken][: limit - len(rows)]
    return rows
