"""Tags of delivery streams."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call

from . import quotas
from .delivery_streams import KIND, find
from .service import errors, firehose


@firehose.operation
def tag_delivery_stream(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    stream = find(call, request["DeliveryStreamName"])
    tags = {tag["Key"]: tag.get("Value", "") for tag in request["Tags"]}
    if len({**stream.tags, **tags}) > quotas.TAGS_OF_A_STREAM.value:
        raise errors.LimitExceededException(f"A delivery stream has at most {quotas.TAGS_OF_A_STREAM.value:.0f} tags.")
    call.resources(KIND).tag(stream, tags)
    return {}


@firehose.operation
def untag_delivery_stream(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    call.resources(KIND).untag(find(call, request["DeliveryStreamName"]), request["TagKeys"])
    return {}


@firehose.operation
def list_tags_for_delivery_stream(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    stream = find(call, request["DeliveryStreamName"])
    after = request.get("ExclusiveStartTagKey", "")
    limit = request.get("Limit", int(quotas.TAGS_OF_A_STREAM.value))
    tags = [{"Key": key, "Value": value} for key, value in sorted(stream.tags.items()) if key > after]
    return {"Tags": tags[:limit], "HasMoreTags": len(tags) > limit}
