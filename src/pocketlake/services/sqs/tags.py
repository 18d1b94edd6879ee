"""Tags of queues: stored and listed; the name says what each operation does."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call

from . import addresses, live, quotas
from .live import Queue
from .service import errors, missing, sqs

KEY_LENGTH, VALUE_LENGTH = 128, 256


def check(name: str, new: dict[str, str], present: dict[str, str]) -> None:
    """Source: developer guide, queue quotas, "Queue tag"."""
    for key, value in new.items():
        if not 1 <= len(key) <= KEY_LENGTH or key.lower().startswith("aws:"):
            raise errors.InvalidParameterValueException(
                f"Tag keys must be between 1 and {KEY_LENGTH} characters in length and must not begin with aws:."
            )
        if len(value) > VALUE_LENGTH:
            raise errors.InvalidParameterValueException(
                f"Tag values must be between 0 and {VALUE_LENGTH} characters in length."
            )
    if len({**present, **new}) > quotas.TAGS.value:
        raise errors.InvalidParameterValueException(f"Too many tags added for queue {name}.")


def _keep(call: Call, queue: Queue, resource: Any) -> None:
    call.undo(queue.forget)
    queue.adopt(resource)


@sqs.operation
def tag_queue(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    queue = addresses.find(call, request)
    if not request["Tags"]:
        raise missing("Tags")
    check(queue.name, request["Tags"], queue.resource.tags)
    _keep(call, queue, live.scoped(call, queue).resources("queue").tag(queue.resource, request["Tags"]))
    return {}


@sqs.operation
def untag_queue(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    queue = addresses.find(call, request)
    if not request["TagKeys"]:
        raise errors.InvalidParameterValueException("Tag keys must be between 1 and 128 characters in length.")
    _keep(call, queue, live.scoped(call, queue).resources("queue").untag(queue.resource, request["TagKeys"]))
    return {}


@sqs.operation
def list_queue_tags(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return {"Tags": addresses.find(call, request).resource.tags or None}
