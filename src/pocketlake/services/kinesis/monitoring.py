"""Enhanced monitoring: which shard-level metrics a stream publishes."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import addresses, shards
from .metrics import SHARD_LEVEL
from .service import kinesis


@kinesis.operation
def enable_enhanced_monitoring(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    stream = addresses.find(call, request)
    current, asked = stream.get("ShardLevelMetrics", []), request["ShardLevelMetrics"]
    if "ALL" in asked or "ALL" in current:
        return _change(call, stream, ["ALL"])
    return _change(call, stream, current + [metric for metric in dict.fromkeys(asked) if metric not in current])


@kinesis.operation
def disable_enhanced_monitoring(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    stream = addresses.find(call, request)
    current, asked = stream.get("ShardLevelMetrics", []), request["ShardLevelMetrics"]
    if "ALL" in asked:
        return _change(call, stream, [])
    return _change(
        call, stream, [metric for metric in (SHARD_LEVEL if "ALL" in current else current) if metric not in asked]
    )


def _change(call: Call, stream: Resource, desired: list[str]) -> dict[str, Any]:
    current = stream.get("ShardLevelMetrics", [])
    call.resources("stream").update(stream, ShardLevelMetrics=desired)
    shards.layout(call, stream).measures.watch(desired)
    call.undo(lambda: shards.forget(call, stream.arn))
    return {
        "StreamName": stream.name,
        "StreamARN": stream.arn,
        "CurrentShardLevelMetrics": current,
        "DesiredShardLevelMetrics": desired,
    }
