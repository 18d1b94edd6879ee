"""Tags of tables."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import quotas
from .schemas import forget
from .service import errors, operation, refuse


def check_tags(new: dict[str, str], present: dict[str, str]) -> None:
    if any(key.startswith("aws:") for key in new):
        raise refuse("One or more parameter values were invalid: aws: prefix is reserved for tag keys")
    if len({**present, **new}) > quotas.TAGS.value:
        raise refuse(f"One or more parameter values were invalid: Too many tags: the limit is {int(quotas.TAGS.value)}")


def _find(call: Call, arn: str) -> Resource:
    found = call.resources("table").by_arn(arn)
    if found is None:
        raise errors.ResourceNotFoundException(f"Requested resource not found: ResourcArn: {arn} not found")
    return call.resources("table").find(found.name) or found


@operation
def tag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    table = _find(call, request["ResourceArn"])
    tags = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
    check_tags(tags, table.tags)
    forget(call, call.resources("table").tag(table, tags))
    return {}


@operation
def untag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    table = _find(call, request["ResourceArn"])
    forget(call, call.resources("table").untag(table, request["TagKeys"]))
    return {}


@operation
def list_tags_of_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Ten at a time, by key."""
    table = _find(call, request["ResourceArn"])
    names = sorted(table.tags)
    after = request.get("NextToken", "")
    left = [name for name in names if name > after]
    page = left[:10]
    tags = [{"Key": name, "Value": table.tags[name]} for name in page]
    return {"Tags": tags, "NextToken": page[-1] if len(left) > len(page) else None}
