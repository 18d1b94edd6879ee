"""On-demand streams: shards follow the traffic.

A stream bears twice its peak of the last 30 days. While records come, each minute is looked at: a shard that bore
more than half of what it can (the mean of the minute, in bytes or in records) is split, so that what it took may
double. When a peak is 30 days old, quiet neighbours are merged. Beyond its shards a stream throttles like any other.

A single hot key would have its shard split for ever, and to no use: the count is held to the four shards of a new
stream and four for each shard's worth of the peak, which evenly spread traffic never reaches.  [KDS-020, KDS-528]
Source: developer guide, "On-demand Standard mode"; AWS Big Data Blog on scaling to 1 GB/s (half, the minute).
"""

from __future__ import annotations

import math

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import quotas, resharding, shards, store
from .capacity import ON_DEMAND
from .lineage import Lineage
from .service import kinesis

DAY = 86_400
MINUTE = quotas.OBSERVED.value
BUSY = 0.5


def begin(call: Call, stream: Resource) -> None:
    """The stream is on-demand from now on. The shards it has stay for as long as a peak would."""
    call.watches.add(f"kinesis.records:{stream.arn}", observe, stream.name, delay=MINUTE)
    call.alarms.set(shrink, stream.name, call.now + quotas.PEAK_DAYS.value * DAY)


def end(call: Call, stream: Resource) -> None:
    """It is provisioned from now on, or gone."""
    call.watches.remove(f"kinesis.records:{stream.arn}", observe, stream.name)
    call.alarms.clear(observe, stream.name)
    call.alarms.clear(shrink, stream.name)


@kinesis.alarm
def observe(call: Call, key: str) -> None:
    """A minute has passed since records came to stream `key`."""
    stream = call.resources("stream").find(key)
    if stream is None or stream["StreamMode"] != ON_DEMAND:
        return
    loads = _loads(call, stream)
    size, count = (sum(load[at] for load in loads.values()) for at in (0, 1))
    peak, today = _in_shards(size, count), str(int(call.now // DAY))
    peaks = _recent(stream, call.now)
    if peak > peaks.get(today, 0.0):
        peaks[today] = peak
        stream = call.resources("stream").update(stream, Peaks=peaks)
    _grow(call, stream, {number: _in_shards(*load) for number, load in loads.items()})
    if call.alarms.due(shrink, key) is None:
        call.alarms.set(shrink, key, call.now + (quotas.PEAK_DAYS.value + 1) * DAY)


def _loads(call: Call, stream: Resource) -> dict[int, tuple[int, int]]:
    """Bytes and records that came to each shard in the last minute."""
    since = int((call.now - MINUTE) * 1000) - 1
    loads = {}
    for number, tail in shards.layout(call, stream).tails.items():
        start, end = tail.shard.start, tail.shard.start + tail.next
        if isinstance(tail, shards.TopicTail):
            loads[number] = tail.partition.take_load()
        elif tail.arrival > since:
            loads[number] = store.traffic(call.db, store.first_arrived_after(call.db, start, end, since), end)
    return loads


def _in_shards(size: int, count: int) -> float:
    """How many shards bear so many bytes and records a minute."""
    return max(size / quotas.WRITE_BYTES.value, count / quotas.WRITE_RECORDS.value) / MINUTE


def _recent(stream: Resource, now: float) -> dict[str, float]:
    """Peaks of days since 1970, those that still count."""
    oldest = int(now // DAY) - int(quotas.PEAK_DAYS.value)
    return {day: peak for day, peak in stream.get("Peaks", {}).items() if int(day) >= oldest}


def _most(call: Call, stream: Resource) -> int:
    """As many shards as the peak can have use for, and those kept warm; at most what AWS allows."""
    peak = max(_recent(stream, call.now).values(), default=0.0)
    least = max(int(quotas.ON_DEMAND_SHARDS.value), stream.get("WarmThroughputMiBps", 0))
    return min(least + math.ceil(2 * peak / BUSY), quotas.on_demand_limit(call.region))


def _grow(call: Call, stream: Resource, loads: dict[int, float]) -> None:
    """Split the shards that are more than half busy."""
    pieces = [piece._replace(load=loads.get(piece.number, 0.0)) for piece in resharding.pieces(call, stream)]
    lineage = Lineage(pieces, resharding.following(call, stream))
    lineage.split_until(_most(call, stream), above=BUSY)
    resharding.carry_out(call, stream, lineage.steps)


@kinesis.alarm
def shrink(call: Call, key: str) -> None:
    """Once a day while peaks count or shards stand by: has a peak of stream `key` become too old?"""
    stream = call.resources("stream").find(key)
    if stream is None or stream["StreamMode"] != ON_DEMAND:
        return
    peaks = _recent(stream, call.now)
    stream = call.resources("stream").update(stream, Peaks=peaks)
    lineage = Lineage(resharding.pieces(call, stream), resharding.following(call, stream))
    lineage.merge_until(_most(call, stream))
    resharding.carry_out(call, stream, lineage.steps)
    if peaks:
        call.alarms.set(shrink, key, call.now + DAY)
