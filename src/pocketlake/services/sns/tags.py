"""Tags of topics: stored and listed."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.resources import Resource

from . import addresses, quotas
from .service import errors, sns


def read(given: list[dict[str, str]], present: dict[str, str]) -> dict[str, str]:
    """New tags, checked together with those that are there."""
    tags = {tag["Key"]: tag["Value"] for tag in given}
    if len(tags) < len(given):
        raise errors.InvalidParameterException("Invalid parameter: Duplicated keys are not allowed.")
    if any(key.lower().startswith("aws:") for key in tags):
        raise errors.InvalidParameterException("Invalid parameter: Tags Reason: aws: prefixed tag keys are reserved")
    if len({**present, **tags}) > quotas.TAGS.value:
        raise errors.TagLimitExceededException("Could not complete request: tag quota of per resource exceeded")
    return tags


def _topic(call: Call, request: dict[str, Any]) -> tuple[Call, Resource]:
    try:
        return addresses.topic(call, request["ResourceArn"], "ResourceArn")
    except ServiceError as error:
        raise errors.ResourceNotFoundException("Resource does not exist") from error


@sns.operation
def tag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    call, topic = _topic(call, request)
    call.resources("topic").tag(topic, read(request["Tags"], topic.tags))
    return {}


@sns.operation
def untag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    call, topic = _topic(call, request)
    call.resources("topic").untag(topic, request["TagKeys"])
    return {}


@sns.operation
def list_tags_for_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    _, topic = _topic(call, request)
    return {"Tags": [{"Key": key, "Value": value} for key, value in topic.tags.items()]}
