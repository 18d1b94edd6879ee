"""Queues: made, found, listed, deleted."""

from __future__ import annotations

import re
import secrets
from typing import Any

from pocketlake.kernel.call import Call

from . import addresses, attributes, live, quotas, settling, store, tags
from .addresses import GONE, find, named, url
from .live import Queue
from .service import errors, sqs

NAME = re.compile(r"[A-Za-z0-9_-]+(?:\.fifo)?")


@sqs.operation
def create_queue(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """A queue, or the URL of the one that is there with the same attributes.  [SQS-007]"""
    name, given = request["QueueName"], request.get("Attributes", {})
    _check_name(name, given)
    existing = named(call, name)
    if existing is not None:
        attributes.check_same(call, existing, given)
        return {"QueueUrl": url(call, existing)}
    _check_recreation(call, name)
    new_tags = request.get("tags", {})
    tags.check(name, new_tags, {})
    arn = call.arn(name)
    body = attributes.initial(call, arn, given)
    body |= {"Id": store.open_queue(call.db, arn), "Secret": secrets.token_hex(16), "Modified": int(call.now)}
    call.resources("queue").create(name, body, arn=arn, tags=new_tags)
    return {"QueueUrl": url(call, None, call.account, name)}


def _check_name(name: str, given: dict[str, str]) -> None:
    """[SQS-007]"""
    fits = len(name) <= quotas.NAME_LENGTH.value and NAME.fullmatch(name)
    wants_fifo = given.get("FifoQueue", "").lower() == "true"
    if wants_fifo and not (fits and name.endswith(".fifo")):
        raise errors.InvalidParameterValueException(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, "
            "must end with .fifo suffix and be 1 to 80 in length."
        )
    if not fits or (name.endswith(".fifo") and not wants_fifo):
        raise errors.InvalidParameterValueException(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        )


def _check_recreation(call: Call, name: str) -> None:
    """A deleted queue's name is taken for 60 seconds; `--limits off` lifts that."""
    deleted = call.resources("deleted")
    remains = deleted.find(name)
    if remains is None:
        return
    if call.limits_on and call.now < remains["At"] + quotas.RECREATION.value:
        raise errors.QueueDeletedRecently(
            "You must wait 60 seconds after deleting a queue before you can create another with the same name."
        )
    deleted.delete(remains)


@sqs.operation
def get_queue_url(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    queue = named(call, request["QueueName"], request.get("QueueOwnerAWSAccountId", ""))
    if queue is None:
        raise errors.QueueDoesNotExist(GONE)
    return {"QueueUrl": url(call, queue)}


@sqs.operation
def list_queues(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """By name; a page only when MaxResults is given, as on AWS."""
    found, token = addresses.page(
        call, request, "list_queues", lambda after, limit: call.resources("queue").list(
            prefix=request.get("QueueNamePrefix", ""), after=after, limit=limit
        )
    )  # fmt: skip
    urls = [url(call, None, call.account, resource.name) for resource in found]
    return {"QueueUrls": urls or None, "NextToken": token}


@sqs.operation
def delete_queue(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Gone at once; its messages leave the disk in the background."""
    queue = find(call, request)
    scope = live.scoped(call, queue)
    scope.resources("queue").delete(queue.resource)
    scope.resources("deleted").create(queue.name, {"At": call.now})
    discard(scope, queue)
    scope.alarms.clear(settling.expire, queue.name)
    call.notify(queue.topic)
    return {}


def discard(call: Call, queue: Queue) -> None:
    """Its messages are nobody's any more."""
    store.abandon(call.db, queue.id)
    call.alarms.set(settling.sweep, "", call.now)
    call.undo(queue.forget)
    queue.forget()
