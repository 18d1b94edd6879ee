"""What the account may have, and has; and its commitment to a least throughput, which opens warm throughput to it."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import capacity, quotas, rates
from .service import kinesis

NAME = "commitment"  # there is one resource of this kind in an account and region
ENABLED, DISABLED, ENDING = "ENABLED", "DISABLED", "ENABLED_UNTIL_EARLIEST_ALLOWED_END"


@kinesis.operation
def describe_limits(call: Call, _: dict[str, Any]) -> dict[str, Any]:
    rates.admit(call, quotas.LIMITS_CALLS, f"{call.account}:{call.region}", "DescribeLimits")
    provisioned, on_demand = capacity.usage(call)
    return {
        "ShardLimit": quotas.shard_limit(call.region),
        "OpenShardCount": provisioned,
        "OnDemandStreamCount": on_demand,
        "OnDemandStreamCountLimit": int(quotas.ON_DEMAND_STREAMS.value),
    }


@kinesis.operation
def describe_account_settings(call: Call, _: dict[str, Any]) -> dict[str, Any]:
    rates.admit(call, quotas.SETTINGS_CALLS, f"{call.account}:{call.region}", "DescribeAccountSettings")
    return {"MinimumThroughputBillingCommitment": _describe(_commitment(call))}


@kinesis.operation
def update_account_settings(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Begin the commitment, or end it: no sooner than 24 hours after its beginning; enabling again takes that back."""
    rates.admit(call, quotas.SETTINGS_CALLS, f"{call.account}:{call.region}", "UpdateAccountSettings")
    commitment = _commitment(call)
    asked = request["MinimumThroughputBillingCommitment"]["Status"]
    if asked == ENABLED and commitment["Status"] == DISABLED:
        earliest = call.now + quotas.COMMITMENT.value
        body = {"Status": ENABLED, "StartedAt": call.now, "EarliestAllowedEndAt": earliest}
        commitment = _of(call).replace_body(commitment, body)
    elif asked == ENABLED and commitment["Status"] == ENDING:
        call.alarms.clear(end_commitment, NAME)
        commitment = _of(call).update(commitment, Status=ENABLED)
    elif asked == DISABLED and commitment["Status"] == ENABLED:
        if call.now >= commitment["EarliestAllowedEndAt"]:
            commitment = _of(call).update(commitment, Status=DISABLED, EndedAt=call.now)
        else:
            call.alarms.set(end_commitment, NAME, commitment["EarliestAllowedEndAt"])
            commitment = _of(call).update(commitment, Status=ENDING)
    return {"MinimumThroughputBillingCommitment": _describe(commitment)}


@kinesis.alarm
def end_commitment(call: Call, _: str) -> None:
    _of(call).update(_commitment(call), Status=DISABLED, EndedAt=call.now)


def is_committed(call: Call) -> bool:
    """On-demand Advantage, as the guide calls it."""
    found = _of(call).find(NAME)
    return found is not None and found["Status"] != DISABLED


def _of(call: Call) -> Any:
    return call.resources("account")


def _commitment(call: Call) -> Resource:
    found: Resource | None = _of(call).find(NAME)
    return found or Resource("", NAME, "", {"Status": DISABLED}, {}, call.now)


def _describe(commitment: Resource) -> dict[str, Any]:
    members = ("Status", "StartedAt", "EndedAt", "EarliestAllowedEndAt")
    return {member: commitment[member] for member in members if member in commitment.body}
