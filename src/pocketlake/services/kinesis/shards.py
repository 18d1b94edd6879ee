"""Shards: what is known of each while the lake runs, and listing them."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.pages import InvalidToken
from pocketlake.kernel.quotas import TokenBucket
from pocketlake.kernel.resources import Resource

from . import addresses, quotas, ranges, sequences, store
from .service import errors, kinesis
from .store import Shard
from .throttling import ReadLimit, WriteLimit


class Tail:
    """A shard's end, and what it still lets through: kept in memory, found again from the store."""

    __slots__ = ("arrival", "id", "iterator_calls", "next", "reads", "shard", "writes")

    def __init__(self, shard: Shard, now: float, largest_record: int) -> None:
        self.shard = shard
        self.id = sequences.shard_id(shard.number)
        self.next = shard.next  # the next record's counter
        self.arrival = shard.arrival  # of the last record, milliseconds
        self.writes = WriteLimit(now, largest_record)
        self.reads = ReadLimit(now)
        self.iterator_calls = TokenBucket(quotas.ITERATOR_CALLS.value, now=now)


class Layout:
    """A stream's shards: `tails` by number, and the open ones in the order of their hash ranges."""

    __slots__ = ("_open", "_starts", "tails")

    def __init__(self, shards: list[Shard], now: float, largest_record: int) -> None:
        self.tails = {shard.number: Tail(shard, now, largest_record) for shard in shards}
        self._open = sorted(
            (tail for tail in self.tails.values() if tail.shard.closed is None), key=lambda tail: tail.shard.first_hash
        )
        self._starts = [ranges.place(tail.shard.first_hash) for tail in self._open]

    @property
    def open(self) -> list[Tail]:
        return self._open

    def holding(self, places: list[bytes]) -> list[Tail]:
        """The open shard whose range holds each place; ranges of open shards tile the space, so there is one."""
        tails, starts = self._open, self._starts
        return [tails[bisect_right(starts, place) - 1] for place in places]

    def children(self, number: int) -> list[Shard]:
        return [t.shard for t in self.tails.values() if number in (t.shard.parent, t.shard.adjacent_parent)]


def layout(call: Call, stream: Resource) -> Layout:
    known: Layout | None = call.memory.get(stream.arn)
    if known is None:
        largest = stream["MaxRecordSizeInKiB"] * 1024
        known = Layout(store.shards(call.db, stream.arn), call.now, largest)
        call.memory[stream.arn] = known
        # What was read may be taken back with this turn; then it must be read again.
        call.undo(lambda: forget(call, stream.arn))
    return known


def forget(call: Call, arn: str) -> None:
    """The shards or limits of the stream changed."""
    call.memory.pop(arn, None)


def tail_of(call: Call, stream: Resource, shard_name: str) -> Tail:
    """The shard that a request names.

    AWS takes `123` for `shardId-000000000123` and answers with the long form. Source: recorded by kinesalite.
    """
    number = sequences.shard_number(shard_name)
    if number is None:
        raise errors.ResourceNotFoundException(
            f"Could not find shard {shard_name} in stream {stream.name} under account {call.account}."
        )
    tail = layout(call, stream).tails.get(number)
    if tail is None:
        raise missing(call, stream.name, number)
    return tail


def missing(call: Call, stream: str, number: int) -> Any:
    return errors.ResourceNotFoundException(
        f"Shard {sequences.shard_id(number)} in stream {stream} under account {call.account} does not exist"
    )


def rate_exceeded(call: Call, stream: str, tail: Tail) -> str:
    return f"Rate exceeded for shard {tail.id} in stream {stream} under account {call.account}."


def describe(tail: Tail) -> dict[str, Any]:
    shard = tail.shard
    numbers = {"StartingSequenceNumber": str(sequences.number(shard.epoch, shard.number, 0, shard.epoch))}
    if shard.closed is not None:
        ending = sequences.number(shard.epoch, shard.number, tail.next, int(shard.closed))
        numbers["EndingSequenceNumber"] = str(ending)
    return {
        "ShardId": tail.id,
        "ParentShardId": None if shard.parent is None else sequences.shard_id(shard.parent),
        "AdjacentParentShardId": None if shard.adjacent_parent is None else sequences.shard_id(shard.adjacent_parent),
        "HashKeyRange": {"StartingHashKey": str(shard.first_hash), "EndingHashKey": str(shard.last_hash)},
        "SequenceNumberRange": numbers,
    }


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
    tails = [
        tail
        for number, tail in layout(call, stream).tails.items()
        if number > page["after"] and _matches(tail.shard, page["filter"], call.now, stream["RetentionPeriodHours"])
    ]
    limit = min(request.get("MaxResults", quotas.LIST_SHARDS.value), int(quotas.LIST_SHARDS.value))
    shown = tails[: int(limit)]
    answer: dict[str, Any] = {"Shards": [describe(tail) for tail in shown]}
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


def _matches(shard: Shard, shard_filter: dict[str, Any], now: float, retention_hours: int) -> bool:
    horizon = now - retention_hours * 3600
    if shard.closed is not None and shard.closed <= horizon:
        return False  # expired: no record of it is left
    kind = shard_filter["Type"]
    if kind == "AFTER_SHARD_ID":
        return shard.number > _number(shard_filter["ShardId"])
    if kind == "AT_LATEST":
        return shard.closed is None
    moment = max(shard_filter.get("Timestamp", horizon), horizon)
    still_open = shard.closed is None or shard.closed >= moment
    if kind in ("AT_TIMESTAMP", "AT_TRIM_HORIZON"):
        # The first shards of a stream younger than its retention stand for its trim horizon.
        opened_by_then = shard.opened <= moment or (kind == "AT_TRIM_HORIZON" and shard.parent is None)
        return opened_by_then and still_open
    return still_open
