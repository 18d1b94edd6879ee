"""Dead-letter queues: where messages go that were received too often, and which queues may send theirs."""

from __future__ import annotations

import re
from typing import Any

import orjson

from pocketlake.kernel.call import Call

from . import addresses, fifo, fifo_store, quotas, settling, store
from .live import Queue
from .service import errors, invalid, sqs
from .store import Row

NUMBER = re.compile("[0-9]{1,18}")
PERMISSIONS = ("allowAll", "denyAll", "byQueue")


def parse(call: Call, source_arn: str, text: str) -> dict[str, Any]:
    """A RedrivePolicy: target and count.  [SQS-003, SQS-023]"""
    document = _document(text, "RedrivePolicy")
    target = document.get("deadLetterTargetArn")
    count = document.get("maxReceiveCount")
    if not target:
        raise invalid(
            text, "RedrivePolicy", "Redrive policy does not contain mandatory attribute: deadLetterTargetArn."
        )
    if count is None:
        raise invalid(text, "RedrivePolicy", "Redrive policy does not contain mandatory attribute: maxReceiveCount.")
    most = int(quotas.RECEIVES.value)
    if isinstance(count, bool) or not NUMBER.fullmatch(str(count)) or not 1 <= int(count) <= most:
        raise invalid(
            text,
            "RedrivePolicy",
            f"Invalid value for maxReceiveCount: {count}, valid values are from 1 to {most} both inclusive.",
        )
    if not isinstance(target, str) or target.count(":") != 5:
        raise invalid(text, "RedrivePolicy", "Invalid value for deadLetterTargetArn.")
    queue = addresses.by_arn(call, target)
    if queue is None:
        raise invalid(text, "RedrivePolicy", "Dead letter target does not exist.")
    if source_arn.endswith(".fifo") != queue.is_fifo:
        raise invalid(text, "RedrivePolicy", "Dead-letter queue must be same type of queue as the source.")
    if not _allows(queue, source_arn):
        raise invalid(text, "RedrivePolicy", f"Dead letter target does not allow {source_arn} as its source queue.")
    return {"deadLetterTargetArn": target, "maxReceiveCount": int(count)}


def check_allowance(text: str) -> None:
    """A RedriveAllowPolicy. Source: API reference, SetQueueAttributes."""
    document = _document(text, "RedriveAllowPolicy")
    permission, sources = document.get("redrivePermission"), document.get("sourceQueueArns")
    if permission not in PERMISSIONS:
        raise invalid(text, "RedriveAllowPolicy", "Invalid value for redrivePermission.")
    if (permission == "byQueue") != bool(sources):
        raise invalid(text, "RedriveAllowPolicy", "sourceQueueArns goes with the redrivePermission byQueue only.")
    if sources and (not isinstance(sources, list) or len(sources) > quotas.SOURCES.value):
        raise invalid(text, "RedriveAllowPolicy", f"Up to {int(quotas.SOURCES.value)} sourceQueueArns can be named.")


def _document(text: str, name: str) -> dict[str, Any]:
    try:
        document = orjson.loads(text)
        if isinstance(document, dict):
            return document
    except orjson.JSONDecodeError:
        pass
    raise errors.InvalidAttributeValue(f"Invalid value for the parameter {name}.")


def _allows(queue: Queue, source_arn: str) -> bool:
    text = queue.resource["Attributes"].get("RedriveAllowPolicy")
    if text is None:
        return True
    document = orjson.loads(text)
    permission = document["redrivePermission"]
    return permission == "allowAll" or (permission == "byQueue" and source_arn in document["sourceQueueArns"])


def target_of(call: Call, queue: Queue) -> Queue | None:
    """None also when the dead-letter queue was deleted: messages then stay where they are."""
    return addresses.by_arn(call, queue.dead_letter_arn) if queue.dead_letter_arn else None


def bury(call: Call, queue: Queue, target: Queue, row: Row, now: int) -> None:
    """Move a message that was received too often.  [SQS-003, SQS-022]

    On a standard queue it keeps the time at which it was sent, so that its retention goes on. Source: developer guide,
    "Using dead-letter queues", "Dead-letter queue retention".
    """
    call.undo(target.forget)
    sent = now if queue.is_fifo else row.sent
    position = target.place(call)
    store.move(call.db, row, position, sent, queue.arn)
    queue.leaves(0, row.receives, row.grp)
    target.enters(0, sent)
    if queue.is_fifo:
        fifo.renew_group(call, queue, row.grp or "", now)
        fifo_store.open_group(call.db, target.id, row.grp or "", 0, position)
    settling.watch(call, target)
    call.notify(target.topic)


@sqs.operation
def list_dead_letter_source_queues(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The queues whose RedrivePolicy names this one.  [SQS-022]"""
    queue = addresses.find(call, request)

    def read(after: str, limit: int) -> list[Any]:
        sources = [
            resource
            for resource in call.resources("queue").list(after=after)
            if (resource.get("Redrive") or {}).get("deadLetterTargetArn") == queue.arn
        ]
        return sources[:limit]

    shown, token = addresses.page(call, request, "list_dead_letter_source_queues", read)
    return {"queueUrls": [addresses.url(call, None, call.account, one.name) for one in shown], "NextToken": token}


def sources_of(call: Call, queue: Queue) -> list[str]:
    """ARNs of the queues whose RedrivePolicy names this one."""
    kind = call.resources("queue")
    return [one.arn for one in kind.list() if (one.get("Redrive") or {}).get("deadLetterTargetArn") == queue.arn]
