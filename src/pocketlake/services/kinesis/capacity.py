"""Capacity modes, and how much of each an account may have in a region."""

from __future__ import annotations

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import quotas, shards
from .service import errors

PROVISIONED, ON_DEMAND = "PROVISIONED", "ON_DEMAND"


def usage(call: Call) -> tuple[int, int]:
    """Open shards of provisioned streams, and the number of on-demand streams, in this account and region."""
    provisioned = on_demand = 0
    for stream in call.resources("stream").list():
        if stream["StreamMode"] == ON_DEMAND:
            on_demand += 1
        else:
            provisioned += len(shards.layout(call, stream).open)
    return provisioned, on_demand


def check_shards(call: Call, additional: int) -> None:
    """Room for so many more provisioned shards. Wording: recorded by kinesalite."""
    if not call.limits_on:
        return
    provisioned, _ = usage(call)
    limit = quotas.shard_limit(call.region)
    if provisioned + additional > limit:
        raise errors.LimitExceededException(
            f"This request would exceed the shard limit for the account {call.account} in {call.region}. "
            f"Current shard count for the account: {provisioned}. Limit: {limit}. "
            f"Number of additional shards that would have resulted from this request: {additional}. "
            "Refer to the AWS Service Limits page "
            "(http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) "
            "for current limits and how to request higher limits."
        )


def check_on_demand(call: Call) -> None:
    """Room for one more on-demand stream."""
    if not call.limits_on:
        return
    _, on_demand = usage(call)
    limit = int(quotas.ON_DEMAND_STREAMS.value)
    if on_demand >= limit:
        raise errors.LimitExceededException(
            f"This request would exceed the on-demand stream limit for the account {call.account} in {call.region}."
            f" Current on-demand stream count for the account: {on_demand}. Limit: {limit}."
        )


def check_provisioned(call: Call, stream: Resource) -> None:
    """What only provisioned streams can do. Wording: moto, StreamCannotBeUpdatedError.  [KDS-580]"""
    if stream["StreamMode"] == ON_DEMAND:
        raise errors.ValidationException(
            f"Request is invalid. Stream {stream.name} under account {call.account} is in On-Demand mode."
        )
