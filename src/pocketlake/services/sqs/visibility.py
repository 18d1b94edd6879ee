"""The visibility timeout of messages in flight: longer, shorter, or over at once."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call

from . import addresses, batches, fifo, quotas, receipts, settling, store
from .live import Queue, milliseconds
from .service import errors, invalid, missing, sqs

MOST = int(quotas.VISIBILITY.value)


@sqs.operation
def change_message_visibility(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Counts from now; in all, 12 hours from the receive.  [SQS-017, SQS-020]"""
    queue = addresses.find(call, request)
    queue.admit(call)
    return _change(call, queue, request, milliseconds(call))


@sqs.operation
def change_message_visibility_batch(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    queue = addresses.find(call, request)
    queue.admit(call)
    entries = request["Entries"]
    batches.check(entries, "ChangeMessageVisibilityBatchRequestEntry")
    now = milliseconds(call)
    return batches.run(entries, lambda entry: _change(call, queue, entry, now))


def _change(call: Call, queue: Queue, request: dict[str, Any], now: int) -> dict[str, Any]:
    timeout, handle = request.get("VisibilityTimeout"), request["ReceiptHandle"]
    if timeout is None:
        raise missing("VisibilityTimeout")
    if not 0 <= timeout <= MOST:
        raise invalid(timeout, "VisibilityTimeout", f"VisibilityTimeout must be an integer between 0 and {MOST}.")
    position, receives = receipts.read(queue, handle)
    settling.settle(call, queue, now)
    found = store.find(call.db, position)
    # Any handle of a message in flight does on a standard queue, as AWS does it (moto's tests tell of it).
    if found is None or (queue.is_fifo and found[1] != receives):
        raise invalid(
            handle, "ReceiptHandle", "Message does not exist or is not available for visibility timeout change."
        )
    visible, receives, first, group, _ = found
    if not visible:
        raise errors.MessageNotInflight("The message referred to is not in flight.")
    if first and receives == 1 and now + timeout * 1000 > first + MOST * 1000:
        raise invalid(
            timeout,
            "VisibilityTimeout",
            f"Total VisibilityTimeout for the message is beyond the limit [{MOST} seconds]",
        )
    call.undo(queue.forget)
    hidden = now + timeout * 1000 if timeout else 0
    store.hide(call.db, position, hidden)
    if hidden:
        queue.soonest = min(queue.soonest, hidden)
    else:
        queue.leaves(visible, receives, group)
        queue.ready += 1
    if queue.is_fifo:
        fifo.renew_group(call, queue, group or "", now)
    call.notify(queue.topic)
    return {}
