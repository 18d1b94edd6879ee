"""What makes a queue FIFO: message groups in strict order, and sends that are recognised as repeated.

A group gives messages only while none of its messages is in flight. Its row says until when it is hidden, and where its
first message lies: groups take turns in that order.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Any

from pocketlake.kernel.call import Call

from . import fifo_store, quotas, store
from .live import Queue
from .service import errors, invalid, missing

BASE = 18_849_496_460_467_696_128  # AWS's sequence numbers have twenty digits
STEP = 256
HEAD = int(quotas.RECEIVE.value) + 1  # no more of a group can be in flight at once
WINDOW = int(quotas.DEDUPLICATION.value) * 1000
CLEANING = 1024  # sends between two removals of what need not be remembered any more
CACHED = 100_000  # deduplication IDs of a queue held in memory; with more, the store is asked each time


def sequence_number(position: int) -> str:
    """Rises with each message of the queue.  [SQS-015]"""
    return str(BASE + (position & (store.COUNTERS - 1)) * STEP)


def sequence_of(counter: int) -> str:
    return str(BASE + counter * STEP)


# Groups


def renew_group(call: Call, queue: Queue, name: str, now: int) -> None:
    """Say again until when the group is hidden, after one of its messages has come, gone, or been hidden otherwise."""
    rows = fifo_store.group_head(call.db, queue.id, name, HEAD)
    if not rows:
        fifo_store.close_group(call.db, queue.id, name)
        return
    in_flight = [visible for _, visible, receives in rows if receives and visible > now]
    head, visible, _ = rows[0]
    hidden = max(in_flight) if in_flight else visible if visible > now else 0
    fifo_store.set_group(call.db, queue.id, name, hidden, head)
    if hidden:
        queue.soonest = min(queue.soonest, hidden)


def renew_all(call: Call, queue: Queue, now: int) -> None:
    for (name,) in call.db.rows("SELECT name FROM sqs_groups WHERE queue = ?", (queue.id,)):
        renew_group(call, queue, name, now)


# Deduplication


def key(queue: Queue, request: dict[str, Any]) -> tuple[str, str]:
    """The message's deduplication ID, and the ID within its scope.  [SQS-013, SQS-508]"""
    group = request.get("MessageGroupId")
    if group is None:
        raise missing("MessageGroupId")
    given: str | None = request.get("MessageDeduplicationId")
    if given is None:
        if not queue.by_content:
            raise errors.InvalidParameterValueException(
                "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
                "explicitly"
            )
        given = hashlib.sha256(request["MessageBody"].encode()).hexdigest()
    if request.get("DelaySeconds"):
        raise invalid(
            request["DelaySeconds"],
            "DelaySeconds",
            "The request include parameter that is not valid for this queue type.",
        )
    return given, f"{group}\0{given}" if queue.per_group else given


def repeated(call: Call, queue: Queue, scoped: str, now: int) -> tuple[bytes, int] | None:
    """ID and counter of the message that was sent with this deduplication ID within five minutes."""
    known = queue.deduplication
    if known is None:
        rows = fifo_store.all_remembered(call.db, queue.id, now, CACHED + 1)
        if len(rows) > CACHED:
            return fifo_store.remembered(call.db, queue.id, scoped, now)
        known = OrderedDict((name, (until, message, counter)) for name, until, message, counter in rows)
        queue.deduplication = known
        call.undo(queue.forget)
    while known:
        first = next(iter(known))
        if known[first][0] > now:
            break
        del known[first]
    found = known.get(scoped)
    return None if found is None or found[0] <= now else (found[1], found[2])


def remember(call: Call, queue: Queue, scoped: str, message: bytes, position: int, now: int) -> None:
    counter = position & (store.COUNTERS - 1)
    if counter % CLEANING == 0:
        fifo_store.forget_ended(call.db, queue.id, now)
    fifo_store.remember(call.db, queue.id, scoped, now + WINDOW, message, counter)
    known = queue.deduplication
    if known is not None:
        known.pop(scoped, None)
        known[scoped] = (now + WINDOW, message, counter)
        if len(known) > CACHED:
            queue.deduplication = None
