"""Capacity mode, and the size of one record: settings of a stream that a caller may change."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import addresses, capacity, on_demand, quotas, resharding, shards, states, warm_throughput
from .capacity import ON_DEMAND
from .service import errors, kinesis

DAY = 86_400.0


@kinesis.operation
def update_stream_mode(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Provisioned to on-demand or back, twice in 24 hours; the shards stay as they are.  [KDS-019]"""
    stream = addresses.find(call, request)
    mode, warm = request["StreamModeDetails"]["StreamMode"], request.get("WarmThroughputMiBps", 0)
    if warm:
        warm_throughput.check(call, mode, warm)
    states.check_active(call, stream)
    if mode == stream["StreamMode"]:
        return {}
    switched = [moment for moment in stream.get("ModeSwitches", []) if moment > call.now - DAY]
    if call.limits_on and len(switched) >= quotas.MODE_SWITCHES.value:
        raise errors.LimitExceededException(
            f"Stream {stream.name} under account {call.account} has already switched its capacity mode "
            f"{len(switched)} times in the last 24 hours."
        )
    if mode == ON_DEMAND:
        capacity.check_on_demand(call)
    else:
        capacity.check_shards(call, len(shards.layout(call, stream).open))
    changes = {"StreamMode": mode, "ModeSwitches": [*switched, call.now]}
    _switch(call, call.resources("stream").update(stream, **changes, Peaks=None, WarmThroughputMiBps=None), warm)
    return {}


def _switch(call: Call, stream: Resource, warm: int) -> None:
    if stream["StreamMode"] != ON_DEMAND:
        on_demand.end(call, stream)
        return
    on_demand.begin(call, stream)
    if warm:
        resharding.begin(call, stream, {"Warm": warm_throughput.shards_for(warm)}, WarmThroughputMiBps=warm)


@kinesis.operation
def update_max_record_size(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """From 1 to 10 MiB.  [KDS-511]"""
    stream = addresses.find(call, request)
    states.check_active(call, stream)
    call.resources("stream").update(stream, MaxRecordSizeInKiB=request["MaxRecordSizeInKiB"])
    shards.forget(call, stream.arn)
    return {}
