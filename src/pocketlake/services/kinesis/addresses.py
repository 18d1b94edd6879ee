"""Which stream a request means: by name, by ARN, or by both."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.arn import parse
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.resources import Resource, Resources

from .service import errors

RESOURCE = "stream/"
CONSUMER = "/consumer/"


def find(call: Call, request: dict[str, Any]) -> Resource:
    """The stream of StreamName or StreamARN; ResourceNotFoundException when there is none."""
    arn = request.get("StreamARN")
    name = request.get("StreamName")
    if arn is not None:
        account, named = _owner_and_name(call, arn)
        if name is not None and name != named:
            raise errors.InvalidArgumentException(f"StreamARN {arn} and StreamName {name} name different streams.")
        if account != call.account or parse(arn).region != call.region:
            raise not_found(named, account)
        name = named
    elif name is None:
        raise errors.InvalidArgumentException("Either StreamARN or StreamName must be provided.")
    stream = call.resources("stream").find(name)
    if stream is None:
        raise not_found(name, call.account)
    return stream


def find_tagged(call: Call, arn: str) -> tuple[Resources, Resource]:
    """The stream or consumer of a ResourceARN, and all of its kind.

    One that is not there is named by its ARN, as AWS does in this place.
    """
    _, name = _owner_and_name(call, arn)
    stream, _, consumer = name.partition(CONSUMER)
    kind = call.resources("consumer" if consumer else "stream")
    found = kind.find(consumer.rpartition(":")[0], arn.partition(CONSUMER)[0]) if consumer else kind.find(stream)
    if found is None or found.arn != arn:
        raise not_found(arn, call.account)
    return kind, found


def not_found(name: str, account: str) -> ServiceError:
    error: ServiceError = errors.ResourceNotFoundException(f"Stream {name} under account {account} not found.")
    return error


def _owner_and_name(call: Call, arn: str) -> tuple[str, str]:
    parsed = parse(arn)
    if not parsed.resource.startswith(RESOURCE):
        raise not_found(arn, call.account)
    return parsed.account, parsed.resource.removeprefix(RESOURCE)
