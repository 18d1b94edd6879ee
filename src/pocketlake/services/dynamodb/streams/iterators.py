"""Shard iterators: sealed notes of a place in a shard of a stream, good for fifteen minutes."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.pages import InvalidToken
from pocketlake.kernel.resources import Resource

from .. import history, journal, quotas
from ..service import errors, refuse, stream_operation
from . import streams
from .shards import Shard, parsed

LIFE = quotas.STREAM_ITERATOR_LIFE.value
WITH_SEQUENCE = ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER")
PURPOSE = "dynamodb-stream"


class Place(NamedTuple):
    """Behind change `after` in a shard of the stream of this name, `table/label`."""

    stream: str
    generation: int
    part: int
    after: int


@stream_operation
def get_shard_iterator(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """A place to read from: the oldest or newest of the shard, a sequence number, a time."""
    kind = request["ShardIteratorType"]
    _check_arguments(request, kind)
    stream = streams.find(call, request["StreamArn"])
    shard = _shard(call, stream, request["ShardId"])
    if kind == "TRIM_HORIZON":
        after = max(shard.start - 1, streams.horizon(call))
    elif kind == "LATEST":
        after = shard.end - 1 if shard.end is not None else max(shard.start - 1, journal.last(call.db, stream["Owner"]))
    elif kind == "AT_TIMESTAMP":
        after = max(shard.start - 1, streams.horizon(call), _before(call, request["Timestamp"]))
    else:
        after = _sequence(call, stream, shard, request["SequenceNumber"]) - (kind == "AT_SEQUENCE_NUMBER")
    return {"ShardIterator": seal(call, Place(stream.name, shard.generation, shard.part, after))}


def _check_arguments(request: dict[str, Any], kind: str) -> None:
    for member, kinds in (("SequenceNumber", WITH_SEQUENCE), ("Timestamp", ("AT_TIMESTAMP",))):
        if kind in kinds and member not in request:
            raise refuse(f"{member} must be specified for ShardIteratorType {kind}")
        if kind not in kinds and member in request:
            raise refuse(f"{member} must not be specified for ShardIteratorType {kind}")


def _shard(call: Call, stream: Resource, id: str) -> Shard:
    for shard in streams.shards(call, stream).visible(streams.horizon(call)):
        if shard.id == id:
            return shard
    raise errors.ResourceNotFoundException(f"Requested resource not found: Shard: {id} of {stream.arn} not found")


def _before(call: Call, moment: float) -> int:
    """Below all changes whose ApproximateCreationDateTime, in whole seconds, is at or after `moment`."""
    if moment > call.now + 1:  # clients round
        raise refuse("Timestamp must not be in the future")
    return (math.ceil(moment) * 1000 << history.COUNTER_BITS) - 1


def _sequence(call: Call, stream: Resource, shard: Shard, number: str) -> int:
    """One of this shard's that is not trimmed, nor still to come."""
    try:
        sequence = parsed(number)
    except ValueError:
        raise refuse("Invalid SequenceNumber") from None
    last = shard.end - 1 if shard.end is not None else history.next_sequence(call, stream["Owner"])
    if not shard.start <= sequence <= last:
        raise refuse("Invalid SequenceNumber")
    if sequence <= streams.horizon(call):
        raise trimmed()
    return sequence


def trimmed() -> ServiceError:
    error: ServiceError = errors.TrimmedDataAccessException("The data you are trying to access has been trimmed.")
    return error


def seal(call: Call, place: Place) -> str:
    return call.pages.seal([PURPOSE, int(call.now * 1000), *place])


def open_iterator(call: Call, token: str) -> Place:
    """ValidationException for what is none, ExpiredIteratorException after fifteen minutes."""
    try:
        purpose, issued, *place = call.pages.open(token)
    except (InvalidToken, TypeError, ValueError):
        raise refuse("Invalid ShardIterator") from None
    if purpose != PURPOSE:
        raise refuse("Invalid ShardIterator")
    if int(call.now * 1000) - issued > LIFE * 1000:
        raise errors.ExpiredIteratorException("The provided iterator exceeds the maximum age allowed.")
    return Place(*place)
