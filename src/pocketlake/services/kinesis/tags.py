"""Tags of streams, through the older calls by name and the newer ones by ARN; those of consumers by ARN."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource, Resources

from . import addresses, quotas
from .service import errors, kinesis

ALLOWED = re.compile(r"[\w\s./\-=+@:]*")


def check_tags(new: dict[str, str], present: dict[str, str]) -> None:
    """At most 50, of letters, digits, white space and `_ . / = + - @ :`. Wording: recorded by kinesalite."""
    for text in (*new, *new.values()):
        if not ALLOWED.fullmatch(text):
            raise errors.InvalidArgumentException(
                "Some tags contain invalid characters. Valid characters: "
                "Unicode letters, digits, white space, _ . / = + - % @ :."
            )
    if len({**present, **new}) > quotas.TAGS.value:
        raise errors.InvalidArgumentException(
            f"A stream cannot have more than {int(quotas.TAGS.value)} tags associated with it."
        )


def _tag(kind: Resources, resource: Resource, tags: dict[str, str]) -> dict[str, Any]:
    check_tags(tags, resource.tags)
    kind.tag(resource, tags)
    return {}


def _untag(kind: Resources, resource: Resource, keys: Iterable[str]) -> dict[str, Any]:
    kind.untag(resource, list(keys))
    return {}


def _shown(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]


@kinesis.operation
def add_tags_to_stream(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _tag(call.resources("stream"), addresses.find(call, request), request["Tags"])


@kinesis.operation
def remove_tags_from_stream(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _untag(call.resources("stream"), addresses.find(call, request), request["TagKeys"])


@kinesis.operation
def list_tags_for_stream(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """By key, after ExclusiveStartTagKey, `Limit` at a time."""
    stream = addresses.find(call, request)
    after = request.get("ExclusiveStartTagKey", "")
    tags = _shown({key: value for key, value in stream.tags.items() if key > after})
    limit = request.get("Limit", int(quotas.TAGS.value))
    return {"Tags": tags[:limit], "HasMoreTags": len(tags) > limit}


@kinesis.operation
def tag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _tag(*addresses.find_tagged(call, request["ResourceARN"]), request["Tags"])


@kinesis.operation
def untag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _untag(*addresses.find_tagged(call, request["ResourceARN"]), request["TagKeys"])


@kinesis.operation
def list_tags_for_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    _, resource = addresses.find_tagged(call, request["ResourceARN"])
    return {"Tags": _shown(resource.tags)}
