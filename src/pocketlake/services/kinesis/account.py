"""What the account may have, and has."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call

from . import quotas, streams
from .service import kinesis


@kinesis.operation
def describe_limits(call: Call, _: dict[str, Any]) -> dict[str, Any]:
    provisioned, on_demand = streams.usage(call)
    return {
        "ShardLimit": quotas.shard_limit(call.region),
        "OpenShardCount": provisioned,
        "OnDemandStreamCount": on_demand,
        "OnDemandStreamCountLimit": int(quotas.ON_DEMAND_STREAMS.value),
    }


@kinesis.operation
def describe_account_settings(_: Call, __: dict[str, Any]) -> dict[str, Any]:
    """The minimum throughput billing commitment, which no account here has made."""
    return {"MinimumThroughputBillingCommitment": {"Status": "DISABLED"}}
