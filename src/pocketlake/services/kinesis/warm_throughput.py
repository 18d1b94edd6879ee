"""Warm throughput: an on-demand stream is given shards for traffic that is yet to come.

For accounts with a billing commitment (account.py). A shard bears 1 MiB/s, so MiB/s are shards.
"""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import account, addresses, quotas, rates, resharding, shards, states
from .capacity import ON_DEMAND
from .service import errors, kinesis


@kinesis.operation
def update_stream_warm_throughput(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """More shards before the traffic comes, or fewer after it: what was seen in the last 30 days is forgotten."""
    stream = addresses.find(call, request)
    rates.admit(call, quotas.WARM_CALLS, f"{call.account}:{call.region}", f"stream {stream.name}")
    asked = request["WarmThroughputMiBps"]
    check(call, stream["StreamMode"], asked)
    states.check_active(call, stream)
    current = _current(call, stream)
    resharding.begin(call, stream, {"Warm": shards_for(asked)}, WarmThroughputMiBps=asked, Peaks={})
    return {
        "StreamARN": stream.arn,
        "StreamName": stream.name,
        "WarmThroughput": {"TargetMiBps": asked, "CurrentMiBps": current},
    }


def check(call: Call, mode: str, asked: int) -> None:
    """Whether a stream of this mode may be given so many MiB/s in this account and region."""
    if mode != ON_DEMAND:
        raise errors.ValidationException("Warm throughput is supported only for streams in On-Demand mode.")
    if not account.is_committed(call):
        raise errors.ValidationException(
            "Warm throughput is supported only for accounts that have MinimumThroughputBillingCommitment enabled."
        )
    most = min(int(quotas.WARM_MIB.value), quotas.on_demand_limit(call.region))
    if asked > most:
        raise errors.LimitExceededException(
            f"Warm throughput of {asked} MiB/s exceeds the limit of {most} MiB/s for a stream in {call.region}."
        )


def shards_for(asked: int) -> int:
    return max(asked, int(quotas.ON_DEMAND_SHARDS.value))


def describe(call: Call, stream: Resource) -> dict[str, Any]:
    """`WarmThroughput` of a summary; absent where the account or the mode does not have it."""
    if stream["StreamMode"] != ON_DEMAND or not account.is_committed(call):
        return {}
    current = _current(call, stream)
    return {"WarmThroughput": {"TargetMiBps": stream.get("WarmThroughputMiBps", current), "CurrentMiBps": current}}


def _current(call: Call, stream: Resource) -> int:
    return len(shards.layout(call, stream).open)
