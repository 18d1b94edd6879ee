"""Messages leave: deleted one by one by their receipt handles, or purged all at once."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call

from . import addresses, batches, disorder, fifo, live, queues, quotas, receipts, settling, store
from .live import Queue, milliseconds
from .service import errors, invalid, sqs


@sqs.operation
def delete_message(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """For good.  [SQS-002, SQS-024, SQS-026]

    On a standard queue the handle of any receive will do, and that of a message that has gone is no error; on a FIFO
    queue a handle ends with its visibility timeout. Source: moto's pull 4655, verified against AWS; the reference says
    that an older handle "might not" delete.
    """
    queue = addresses.find(call, request)
    queue.admit(call)
    return _delete(call, queue, request, milliseconds(call))


@sqs.operation
def delete_message_batch(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """[SQS-011]"""
    queue = addresses.find(call, request)
    queue.admit(call)
    entries = request["Entries"]
    batches.check(entries, "DeleteMessageBatchRequestEntry")
    now = milliseconds(call)
    return batches.run(entries, lambda entry: _delete(call, queue, entry, now))


def _delete(call: Call, queue: Queue, request: dict[str, Any], now: int) -> dict[str, Any]:
    handle = request["ReceiptHandle"]
    position, receives = receipts.read(queue, handle)
    if queue.soonest <= now:
        settling.settle(call, queue, now)
    if queue.is_fifo:
        found = store.find(call.db, position)
        if found is not None and (found[1] != receives or not found[0]):
            raise invalid(handle, "ReceiptHandle", "The receipt handle has expired.")
    elif call.lake.faults.behaviours and disorder.outlasts(call, queue, position):
        return {}
    call.undo(queue.forget)
    gone = store.take_away(call.db, position)
    if gone is not None:
        visible, receives, group = gone
        queue.leaves(visible, receives, group)
        if queue.is_fifo:
            fifo.renew_group(call, queue, group or "", now)
            call.notify(queue.topic)  # its group may have more
    queue.meter.add("NumberOfMessagesDeleted", 1, now / 1000)
    return {}


@sqs.operation
def purge_queue(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Every message goes, those in flight too; once in 60 seconds.  [SQS-005, SQS-006, SQS-027]"""
    queue = addresses.find(call, request)
    last = queue.resource.get("Purged")
    if call.limits_on and last is not None and call.now < last + quotas.PURGE_INTERVAL.value:
        raise errors.PurgeQueueInProgress(f"Only one PurgeQueue operation on {queue.name} is allowed every 60 seconds.")
    scope = live.scoped(call, queue)
    scope.resources("queue").update(queue.resource, Id=store.open_queue(call.db, queue.arn), Purged=call.now)
    queues.discard(scope, queue)
    return {}
