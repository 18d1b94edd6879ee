"""Tags of databases, connections and crawlers, by ARN."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource, Resources

from . import quotas
from .service import errors, glue

# The word in the ARN, and the kind of resource.
TAGGED = {"database": "database", "connection": "connection", "crawler": "crawler", "table": "table"}


def _find(call: Call, arn: str) -> tuple[Resources, Resource]:
    kind = TAGGED.get(arn.split(":")[5].split("/")[0]) if arn.count(":") >= 5 else None
    if kind is None:
        raise errors.InvalidInputException(f"Invalid resource ARN: {arn}")
    resources = call.resources(kind)
    resource = resources.by_arn(arn)
    if resource is None:
        raise errors.EntityNotFoundException(f"Resource {arn} not found.")
    return resources, resource


@glue.operation
def tag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    resources, resource = _find(call, request["ResourceArn"])
    if len({**resource.tags, **request["TagsToAdd"]}) > quotas.TAGS.value:
        raise errors.InvalidInputException(f"A resource can have at most {quotas.TAGS.value} tags.")
    resources.tag(resource, request["TagsToAdd"])
    return {}


@glue.operation
def untag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    resources, resource = _find(call, request["ResourceArn"])
    resources.untag(resource, request["TagsToRemove"])
    return {}


@glue.operation
def get_tags(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return {"Tags": _find(call, request["ResourceArn"])[1].tags}
