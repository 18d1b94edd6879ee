"""ListShards: a stream's shards by page, and by what a consumer needs of them."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.pages import InvalidToken

from . import addresses, quotas, sequences, shards
from .service import errors, kinesis
from .store import Shard


@kinesis.operation
def list_shards(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The stream's shards, 1,000 at a time; closed ones as long as they hold records.  [KDS-003, KDS-507]"""
    token = request.get("NextToken")
    if token is not None:
        page = _resume(call, request, token)
    else:
        page = {
            "stream": addresses.find(call, request).name,
            "after": _number(request["ExclusiveStartShardId"]) if "ExclusiveStartShardId" in request else -1,
            "filter": _check_filter(request.get("ShardFilter")),
        }
    stream = addresses.find(call, {"StreamName": page["stream"]})
    created = request.get("StreamCreationTimestamp")
    if created is not None and int(created) != int(stream.created):
        raise addresses.not_found(stream.name, call.account)
    horizon = shards.horizon(stream, call.now) / 1000
    tails = [
        tail
        for tail in shards.existing(call, stream)
        if tail.shard.number > page["after"] and _matches(tail.shard, page["filter"], horizon)
    ]
    limit = min(request.get("MaxResults", quotas.LIST_SHARDS.value), int(quotas.LIST_SHARDS.value))
    shown = tails[: int(limit)]
    answer: dict[str, Any] = {"Shards": [shards.describe(tail) for tail in shown]}
    if len(tails) > len(shown):
        page = {**page, "after": shown[-1].shard.number, "issued": call.now}
        answer["NextToken"] = call.pages.seal({"list_shards": page})
    return answer


def _resume(call: Call, request: dict[str, Any], token: str) -> dict[str, Any]:
    """What NextToken stands for. It names the stream, so the request may not. Wording: Terraform's provider, #40499."""
    for member in ("StreamName", "ExclusiveStartShardId", "StreamCreationTimestamp"):
        if member in request:
            raise errors.InvalidArgumentException(f"NextToken and {member} cannot be provided together.")
    try:
        page: dict[str, Any] = call.pages.open(token)["list_shards"]
    except (InvalidToken, KeyError, TypeError):
        raise errors.InvalidArgumentException("NextToken is invalid.") from None
    if call.now - page["issued"] > quotas.TOKEN_LIFE.value:
        raise errors.ExpiredNextTokenException("NextToken has expired; tokens live for 300 seconds.")
    return page


def _number(shard_name: str) -> int:
    number = sequences.shard_number(shard_name)
    if number is None:
        raise errors.InvalidArgumentException(f"ExclusiveStartShardId {shard_name} is not a shard ID.")
    return number


def _check_filter(shard_filter: dict[str, Any] | None) -> dict[str, Any]:
    """The filter with the member that its type needs and none that it does not."""
    if shard_filter is None:
        return {"Type": "FROM_TRIM_HORIZON"}
    kind = shard_filter["Type"]
    needs = {"AFTER_SHARD_ID": "ShardId", "AT_TIMESTAMP": "Timestamp", "FROM_TIMESTAMP": "Timestamp"}.get(kind)
    for member in ("ShardId", "Timestamp"):
        if (member in shard_filter) != (member == needs):
            verb = "must" if member == needs else "must not"
            raise errors.InvalidArgumentException(f"{member} {verb} be provided with the ShardFilter type {kind}.")
    return shard_filter


def _matches(shard: Shard, shard_filter: dict[str, Any], horizon: float) -> bool:
    """Whether the filter wants this shard, which has not expired; `horizon` is the stream's trim horizon in seconds."""
    kind = shard_filter["Type"]
    if kind == "AFTER_SHARD_ID":
        return shard.number > _number(shard_filter["ShardId"])
    if kind == "AT_LATEST":
        return shard.closed is None
    moment = _milliseconds(max(shard_filter.get("Timestamp", horizon), horizon))
    still_open = shard.closed is None or _milliseconds(shard.closed) >= moment
    if kind in ("AT_TIMESTAMP", "AT_TRIM_HORIZON"):
        # The first shards of a stream younger than its retention stand for its trim horizon.
        opened_by_then = _milliseconds(shard.opened) <= moment or (kind == "AT_TRIM_HORIZON" and shard.parent is None)
        return opened_by_then and still_open
    return still_open


def _milliseconds(moment: float) -> int:
    """The precision that the API reference gives to a filter's Timestamp."""
    return round(moment * 1000)
