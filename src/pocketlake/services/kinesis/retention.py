"""How long records stay. They are invisible the moment they are too old, and leave the disk in the background."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import addresses, quotas, shards, states, store, topics
from .service import errors, kinesis
from .shards import horizon as horizon

LEAST, MOST = int(quotas.RETENTION_LEAST.value), int(quotas.RETENTION_MOST.value)
ROUNDS_PER_RETENTION = 24  # removal lags by at most this part of the retention
REMOVED_ROWS, REMOVED_BYTES = 1000, 16 * 1024 * 1024  # in one turn, so that nobody waits long


@kinesis.operation
def increase_stream_retention_period(call: Call, request: dict[str, Any]) -> dict[str, Any] | Awaitable[dict[str, Any]]:
    """Up to 365 days. Records that are gone stay gone.  [KDS-518, KDS-620]"""
    stream, hours = addresses.find(call, request), request["RetentionPeriodHours"]
    states.check_active(call, stream)
    _check_bounds(hours)
    if hours < stream["RetentionPeriodHours"]:
        raise errors.InvalidArgumentException(
            f"Requested retention period ({hours} hours) for stream {stream.name} can not be shorter than existing "
            f"retention period ({stream['RetentionPeriodHours']} hours). Use DecreaseRetentionPeriod API."
        )
    trimmed = max(horizon(stream, call.now), 0)
    if "Topic" in stream.body:
        return topics.retain(call, stream, RetentionPeriodHours=hours, TrimmedBefore=trimmed)
    call.resources("stream").update(stream, RetentionPeriodHours=hours, TrimmedBefore=trimmed)
    return {}


@kinesis.operation
def decrease_stream_retention_period(call: Call, request: dict[str, Any]) -> dict[str, Any] | Awaitable[dict[str, Any]]:
    """Down to 24 hours; older records are inaccessible at once.  [KDS-518, KDS-620]"""
    stream, hours = addresses.find(call, request), request["RetentionPeriodHours"]
    states.check_active(call, stream)
    _check_bounds(hours)
    if hours > stream["RetentionPeriodHours"]:
        raise errors.InvalidArgumentException(
            f"Requested retention period ({hours} hours) for stream {stream.name} can not be longer than existing "
            f"retention period ({stream['RetentionPeriodHours']} hours). Use IncreaseRetentionPeriod API."
        )
    if "Topic" in stream.body:
        return topics.retain(call, stream, RetentionPeriodHours=hours)
    call.resources("stream").update(stream, RetentionPeriodHours=hours)
    if call.alarms.due(expire, stream.name) is not None:
        call.alarms.set(expire, stream.name, call.now)
    return {}


def _check_bounds(hours: int) -> None:
    if hours < LEAST:
        raise errors.InvalidArgumentException(
            f"Minimum allowed retention period is {LEAST} hours. "
            f"Requested retention period ({hours} hours) is too short."
        )
    if hours > MOST:
        raise errors.InvalidArgumentException(
            f"Maximum allowed retention period is {MOST} hours. Requested retention period ({hours} hours) is too long."
        )


def watch(call: Call, stream: Resource, arrival: int) -> None:
    """Records arrived, or shards closed: see to it that they are removed one day."""
    if call.alarms.due(expire, stream.name) is None:
        call.alarms.set(expire, stream.name, _removal(stream, arrival))


def stop(call: Call, stream: Resource) -> None:
    """The stream is gone: nothing expires any more, everything is swept."""
    call.alarms.clear(expire, stream.name)
    call.alarms.set(sweep, "", call.now)


def _removal(stream: Resource, arrival: int) -> float:
    kept = float(stream["RetentionPeriodHours"] * 3600)
    return arrival / 1000 + kept + kept / ROUNDS_PER_RETENTION


@kinesis.alarm
def expire(call: Call, key: str) -> None:
    """Remove the records of stream `key` that are too old, a piece at a time, and closed shards after their last."""
    stream = call.resources("stream").find(key)
    if stream is None:
        return
    before, oldest, gone = horizon(stream, call.now), None, False
    for tail in shards.layout(call, stream).tails.values():
        start, end = tail.shard.start, tail.shard.start + tail.next
        first = store.first_from(call.db, start, end)
        if first is not None and first[2] <= before:
            store.remember_end(call.db, tail.shard.id, tail.next, tail.arrival)
            boundary = store.first_arrived_after(call.db, start, end, before)
            if store.remove(call.db, start, boundary, REMOVED_ROWS, REMOVED_BYTES):
                call.alarms.set(expire, key, call.now)
                return
            first = store.first_from(call.db, boundary, end)
        waits = first[2] if first is not None else _closed(tail.shard)
        if waits is not None and first is None and waits <= before:
            store.forget_shard(call.db, tail.shard.id)
            gone = True
        elif waits is not None and (oldest is None or waits < oldest):
            oldest = waits
    if gone:
        shards.renew(call, stream)
    if oldest is not None:
        call.alarms.set(expire, key, max(_removal(stream, oldest), call.now + 1))


def _closed(shard: store.Shard) -> int | None:
    """Milliseconds: an empty shard is kept for its place in the lineage as long as a record of its last moment."""
    return None if shard.closed is None else int(shard.closed * 1000)


@kinesis.alarm
def sweep(call: Call, key: str) -> None:
    """Remove the records of deleted streams, a piece at a time."""
    for shard in store.abandoned(call.db):
        start = shard << store.COUNTER_BITS
        if store.remove(call.db, start, start + store.COUNTERS, REMOVED_ROWS, REMOVED_BYTES):
            call.alarms.set(sweep, key, call.now)
            return
        store.forget_shard(call.db, shard)
