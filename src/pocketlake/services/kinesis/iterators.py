"""Shard iterators: sealed notes of a place in a shard, good for five minutes."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable
from typing import Any, NamedTuple

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.kernel.pages import InvalidToken
from pocketlake.kernel.resources import Resource

from . import addresses, quotas, sequences, shards, store, topics
from .service import errors, kinesis
from .shards import Tail

WITH_SEQUENCE = ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER")


class Place(NamedTuple):
    """The next record to read is `counter` of the shard; `shard_id` tells apart shards of streams with one name."""

    stream: str
    number: int
    shard_id: int
    counter: int


@kinesis.operation
def get_shard_iterator(call: Call, request: dict[str, Any]) -> dict[str, Any] | Awaitable[dict[str, Any]]:
    """A place to read from.  [KDS-041 ... KDS-046]"""
    if request.get("DryRun"):
        raise NotImplemented501("DryRun")
    stream = addresses.find(call, request)
    tail = shards.tail_of(call, stream, request["ShardId"])
    check_arguments(request)
    if call.limits_on and not tail.iterator_calls.take(1, call.now):
        raise errors.ProvisionedThroughputExceededException(shards.rate_exceeded(call, stream.name, tail))

    def answer(counter: int) -> dict[str, Any]:
        return {"ShardIterator": seal(call, Place(stream.name, tail.shard.number, tail.shard.id, counter))}

    if call.lake.streams is not None and (topic := topics.of(call, stream)) is not None:
        moment = asked_there(call, request)
        if moment is not None:
            behind = shards.rate_exceeded(call, stream.name, tail)
            return topics.get_shard_iterator(call, topic, tail, moment, behind, answer)
    return answer(starting_counter(call, request, stream, tail))


def asked_there(call: Call, request: dict[str, Any]) -> float | None:
    """The moment (milliseconds) whose place only an engine of streams knows, LATEST being infinity; else None."""
    if request["ShardIteratorType"] == "AT_TIMESTAMP":
        return asked_moment(call, request)
    return math.inf if request["ShardIteratorType"] == "LATEST" else None


def check_arguments(request: dict[str, Any]) -> None:
    """StartingSequenceNumber and Timestamp with the types that need them. Wording: recorded by kinesalite."""
    kind = request["ShardIteratorType"]
    has_sequence, has_timestamp = "StartingSequenceNumber" in request, "Timestamp" in request
    if kind == "AT_TIMESTAMP":
        if not has_timestamp:
            raise errors.InvalidArgumentException(
                "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. "
                "Current request has no timestamp parameter."
            )
        if has_sequence:
            raise _either_or(kind, "also")
    elif kind in WITH_SEQUENCE and not has_sequence:
        raise _either_or(kind, "no")


def _either_or(kind: str, which: str) -> Any:
    said = "no StartingSequenceNumber" if which == "no" else "also a StartingSequenceNumber"
    return errors.InvalidArgumentException(
        "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or "
        f"(2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified {kind} and {said}."
    )


def starting_counter(
    call: Call, request: dict[str, Any], stream: Resource, tail: Tail, operation: str = "GetShardIterator"
) -> int:
    """The next record to read; `operation` is what errors call the request."""
    kind = request["ShardIteratorType"]
    if kind == "LATEST":
        return tail.next
    if kind == "TRIM_HORIZON":
        return 0
    if kind == "AT_TIMESTAMP":
        start = tail.shard.start
        return store.first_arrived_after(call.db, start, start + tail.next, asked_moment(call, request) - 1) - start
    sequence = _sequence(call, request["StartingSequenceNumber"], stream, tail, operation)
    return sequence.counter + (kind == "AFTER_SEQUENCE_NUMBER" or sequence.is_between)


def asked_moment(call: Call, request: dict[str, Any]) -> int:
    """The Timestamp in milliseconds. What lies in the future is refused, as AWS does."""
    # Cut off like arrivals, so that a moment finds the record put in it; a float may lie a hair below its millisecond.
    asked, now = int(request["Timestamp"] * 1000 + 0.001), int(call.now * 1000)
    if asked > now + 1:  # clients round to the millisecond; the clock may stand still
        raise errors.InvalidArgumentException(
            "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. "
            f"timestampInMillis: {asked}, currentTimestampInMillis: {now}"
        )
    return asked


def _sequence(call: Call, text: str, stream: Resource, tail: Tail, operation: str) -> sequences.Sequence:
    """A sequence number of this very shard. Wording: recorded by kinesalite."""
    used = (
        f"StartingSequenceNumber {text} used in {operation} on shard {tail.id} in stream {stream.name} "
        f"under account {call.account} is invalid"
    )
    try:
        sequence = sequences.parse(text)
    except ValueError:
        raise errors.InvalidArgumentException(f"{used}.") from None
    if sequence.shard != tail.shard.number:
        raise errors.InvalidArgumentException(
            f"Invalid StartingSequenceNumber. It encodes {sequences.shard_id(sequence.shard)}, "
            f"while it was used in a call to a shard with {tail.id}"
        )
    if sequence.epoch != tail.shard.epoch:
        raise errors.InvalidArgumentException(f"{used} because it did not come from this stream.")
    return sequence


def seal(call: Call, place: Place) -> str:
    return call.pages.seal(["iterator", int(call.now * 1000), *place])


def open_iterator(call: Call, token: str) -> Place:
    """The place in the token; ExpiredIteratorException after five minutes of the lake's clock."""
    try:
        purpose, issued, *place = call.pages.open(token)
    except (InvalidToken, TypeError, ValueError):
        raise errors.InvalidArgumentException("Invalid ShardIterator.") from None
    if purpose != "iterator" or len(place) != len(Place._fields):
        raise errors.InvalidArgumentException("Invalid ShardIterator.")
    life = int(quotas.ITERATOR_LIFE.value * 1000)
    now = int(call.now * 1000)
    if now - issued > life:
        raise errors.ExpiredIteratorException(
            f"Iterator expired. The iterator was created at time {_date(issued)} while right now it is {_date(now)} "
            f"which is further in the future than the tolerated delay of {life} milliseconds."
        )
    return Place(*place)


def _date(milliseconds: int) -> str:
    """`Thu Jan 22 01:22:02 UTC 2015`."""
    return time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(milliseconds // 1000))
