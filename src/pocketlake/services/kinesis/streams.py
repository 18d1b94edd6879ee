"""Streams: made, described, listed, deleted.

AWS takes some seconds to make or delete a stream. Nothing has to be provisioned here, so a stream is ACTIVE, or gone,
when the call returns; the records of a deleted stream leave the disk in the background.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.kernel.pages import InvalidToken
from pocketlake.kernel.resources import Resource

from . import (
    addresses,
    capacity,
    consumers,
    on_demand,
    quotas,
    ranges,
    retention,
    sequences,
    shards,
    states,
    store,
    topics,
    warm_throughput,
)
from .capacity import ON_DEMAND, PROVISIONED
from .service import errors, kinesis
from .tags import check_tags


@kinesis.operation
def create_stream(call: Call, request: dict[str, Any]) -> dict[str, Any] | Awaitable[dict[str, Any]]:
    """A stream of `ShardCount` shards, or of four when on-demand.  [KDS-003, KDS-020, KDS-021, KDS-526, KDS-527]"""
    name = request["StreamName"]
    mode = request.get("StreamModeDetails", {}).get("StreamMode", PROVISIONED)
    if request.get("RecordDistributionStrategy") == "AUTO":
        raise NotImplemented501("The AUTO record distribution strategy")
    _check_free(call, name)
    check_tags(request.get("Tags", {}), {})
    count, warm = _shard_count(request, mode), request.get("WarmThroughputMiBps", 0)
    if warm:
        warm_throughput.check(call, mode, warm)
        count = warm_throughput.shards_for(warm)
    if mode == ON_DEMAND:
        capacity.check_on_demand(call)
    else:
        capacity.check_shards(call, count)
    body = {
        "StreamMode": mode,
        "RetentionPeriodHours": int(quotas.RETENTION_LEAST.value),
        "MaxRecordSizeInKiB": request.get("MaxRecordSizeInKiB", int(quotas.RECORD_KIB.value)),
    }
    if warm:
        body["WarmThroughputMiBps"] = warm

    def begin(topic: str | None = None) -> dict[str, Any]:
        _check_free(call, name)
        whole = body if topic is None else {**body, "Topic": topic}
        stream = call.resources("stream").create(
            name, whole, arn=call.arn(f"stream/{name}"), tags=request.get("Tags", {})
        )
        store.open_shards(call.db, stream.arn, stream.created, ranges.tile(count))
        if mode == ON_DEMAND:
            on_demand.begin(call, stream)
        return {}

    if call.lake.streams is not None:
        return topics.create(call, name, count, body["RetentionPeriodHours"], begin)
    return begin()


def _check_free(call: Call, name: str) -> None:
    if call.resources("stream").find(name) is not None:
        raise errors.ResourceInUseException(f"Stream {name} under account {call.account} already exists.")


def _shard_count(request: dict[str, Any], mode: str) -> int:
    count: int | None = request.get("ShardCount")
    if mode == ON_DEMAND:
        if count is not None:
            raise errors.ValidationException("ShardCount can not be specified for a stream in On-Demand mode.")
        return int(quotas.ON_DEMAND_SHARDS.value)
    if count is None:
        raise errors.ValidationException(
            "1 validation error detected: Value null at 'shardCount' failed to satisfy constraint: "
            "Member must not be null"
        )
    return count


@kinesis.operation
def delete_stream(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Gone at once; its records leave the disk in the background."""
    stream = addresses.find(call, request)
    consumers.leave(call, stream, enforce=request.get("EnforceConsumerDeletion", False))
    call.resources("stream").delete(stream)
    store.abandon(call.db, stream.arn)
    shards.forget(call, stream.arn)
    on_demand.end(call, stream)
    retention.stop(call, stream)
    if "Topic" in stream.body:
        topics.leave(call, stream)
    call.notify(f"kinesis.records:{stream.arn}")
    return {}


@kinesis.operation
def describe_stream(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The stream with up to 100 of its shards."""
    stream = addresses.find(call, request)
    after = -1
    if "ExclusiveStartShardId" in request:
        after = sequences.shard_number(request["ExclusiveStartShardId"]) or 0
    tails = [tail for tail in shards.existing(call, stream) if tail.shard.number > after]
    limit = min(request.get("Limit", quotas.DESCRIBE_SHARDS.value), int(quotas.DESCRIBE_SHARDS.value))
    shown = tails[: int(limit)]
    description = {
        **_describe(stream),
        "Shards": [shards.describe(tail) for tail in shown],
        "HasMoreShards": len(tails) > len(shown),
    }
    return {"StreamDescription": description}


@kinesis.operation
def describe_stream_summary(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    stream = addresses.find(call, request)
    summary = {
        **_describe(stream),
        "OpenShardCount": len(shards.layout(call, stream).open),
        "ConsumerCount": consumers.count(call, stream),
        "MaxRecordSizeInKiB": stream["MaxRecordSizeInKiB"],
        **warm_throughput.describe(call, stream),
    }
    return {"StreamDescriptionSummary": summary}


@kinesis.operation
def list_streams(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """By name, at most 100 at a time."""
    after = request.get("ExclusiveStartStreamName", "")
    if "NextToken" in request:
        try:
            after = call.pages.open(request["NextToken"])["list_streams"]
        except (InvalidToken, KeyError, TypeError):
            raise errors.InvalidArgumentException("NextToken is invalid.") from None
    limit = int(min(request.get("Limit", quotas.LIST_STREAMS.value), quotas.LIST_STREAMS.value))
    found = call.resources("stream").list(after=after, limit=limit + 1)
    shown = found[:limit]
    more = len(found) > limit
    return {
        "StreamNames": [stream.name for stream in shown],
        "HasMoreStreams": more,
        "NextToken": call.pages.seal({"list_streams": shown[-1].name}) if more else None,
        "StreamSummaries": [
            {
                "StreamName": stream.name,
                "StreamARN": stream.arn,
                "StreamStatus": states.status(stream),
                "StreamModeDetails": {"StreamMode": stream["StreamMode"]},
                "StreamCreationTimestamp": stream.created,
            }
            for stream in shown
        ],
    }


def _describe(stream: Resource) -> dict[str, Any]:
    """What both descriptions say."""
    return {
        "StreamName": stream.name,
        "StreamARN": stream.arn,
        "StreamStatus": states.status(stream),
        "StreamModeDetails": {"StreamMode": stream["StreamMode"]},
        "RetentionPeriodHours": stream["RetentionPeriodHours"],
        "StreamCreationTimestamp": stream.created,
        "EnhancedMonitoring": [{"ShardLevelMetrics": stream.get("ShardLevelMetrics", [])}],
        "EncryptionType": "NONE",
    }
