"""Capacity mode, and the size of one record: settings of a stream that a caller may change."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501

from . import addresses, quotas, shards
from .service import errors, kinesis

DAY = 86_400.0


@kinesis.operation
def update_stream_mode(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Provisioned to on-demand or back, twice in 24 hours; the shards stay as they are.  [KDS-019]"""
    if request.get("WarmThroughputMiBps"):
        raise NotImplemented501("Warm throughput")
    stream = addresses.find(call, request)
    mode = request["StreamModeDetails"]["StreamMode"]
    if mode == stream["StreamMode"]:
        return {}
    switched = [moment for moment in stream.get("ModeSwitches", []) if moment > call.now - DAY]
    if call.limits_on and len(switched) >= quotas.MODE_SWITCHES.value:
        raise errors.LimitExceededException(
            f"Stream {stream.name} under account {call.account} has already switched its capacity mode "
            f"{len(switched)} times in the last 24 hours."
        )
    call.resources("stream").update(stream, StreamMode=mode, ModeSwitches=[*switched, call.now])
    return {}


@kinesis.operation
def update_max_record_size(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """From 1 to 10 MiB.  [KDS-511]"""
    stream = addresses.find(call, request)
    call.resources("stream").update(stream, MaxRecordSizeInKiB=request["MaxRecordSizeInKiB"])
    shards.forget(call, stream.arn)
    return {}
