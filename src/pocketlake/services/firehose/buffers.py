"""Buffers: records gather until their time has come or the buffer is full, then the delivery is due."""

from __future__ import annotations

from typing import Any, NamedTuple

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import processing, quotas, store

DELIVER = "deliver"  # the alarm, in deliveries


class Held(NamedTuple):
    """What lies in a buffer: `full` is the size at which its delivery is due, `ripe` when one of its partitions is due
    whatever comes. While a delivery is under way nobody else schedules the next one."""

    size: int
    oldest: float | None
    full: float = 0.0
    ripe: float | None = None
    is_under_way: bool = False


def buffer(
    call: Call, stream: Resource, records: list[bytes], arrival: float, origin: dict[str, Any] | None = None
) -> None:
    """Keep the records, and see to it that they are delivered when their time or the buffer's size is reached."""
    grow(call, stream, store.add(call.db, stream["Id"], arrival, records, origin), arrival)


def grow(call: Call, stream: Resource, added: int, arrival: float) -> None:
    """Count what was added in memory: asking the store each time would cost more the fuller the buffer is.

    The alarm moves only when this addition makes the buffer due sooner.
    """
    held = call.memory.get(("held", stream["Id"]))
    if held is None:
        schedule(call, stream)
        return
    if held.is_under_way:
        return  # the delivery schedules what it leaves behind
    before = _due(stream, held)
    held = held._replace(size=held.size + added, oldest=arrival if held.oldest is None else min(held.oldest, arrival))
    _remember(call, stream, held)
    due = _due(stream, held)
    if due is not None and (before is None or due < before):
        call.alarms.set(DELIVER, stream.name, max(due, call.now))


def schedule(call: Call, stream: Resource) -> None:
    """Set the delivery for when the oldest record has waited long enough, or now if the buffer is full.

    A delivery that waits for its next attempt keeps its time.
    """
    if store.attempt(call.db, stream["Id"]) is not None:
        under_way(call, stream)
        return
    held = _held(call, stream)
    _remember(call, stream, held)
    due = _due(stream, held)
    if due is None:
        call.alarms.clear(DELIVER, stream.name)
    else:
        call.alarms.set(DELIVER, stream.name, max(due, call.now))


def reschedule(call: Call, stream: Resource) -> None:
    """After the destination was changed: a delivery that was refused is tried again at once."""
    if store.attempt(call.db, stream["Id"]) is not None:
        call.alarms.set(DELIVER, stream.name, call.now)
    schedule(call, stream)


def under_way(call: Call, stream: Resource) -> None:
    """From now on a delivery is at work, or waits for its next attempt."""
    _remember(call, stream, Held(0, None, is_under_way=True))


def is_due(call: Call, stream: Resource) -> bool:
    due = _due(stream, _held(call, stream))
    return due is not None and due <= call.now


def is_ripe(call: Call, stream: Resource, partition: store.Partition) -> bool:
    """Whether a partition's own buffer is full or its time has come."""
    return _ripe(stream, partition) <= call.now


def size_of_delivery(call: Call, stream: Resource) -> float:
    """How many bytes the next delivery takes: the buffer's size, more when delivery has fallen behind.

    Source: developer guide, "Configure buffering hints": when delivery falls behind, Firehose raises the buffer size to
    catch up. By how much is not documented: here up to the largest buffer that S3 destinations can have.
    """
    size, _ = hints(stream)
    held, _ = store.buffered(call.db, stream["Id"])
    return max(size, min(held, quotas.GROWN_BUFFER_BYTES.value)) if held >= 2 * size else size


def hints(stream: Resource) -> tuple[float, float]:
    """(bytes, seconds) after which the buffer is delivered."""
    given = stream["Destination"]["BufferingHints"]
    return given["SizeInMBs"] * quotas.MIB, float(given["IntervalInSeconds"])


def _held(call: Call, stream: Resource) -> Held:
    """Of a partitioned stream the buffer is to be sorted as soon as its records could fill a partition."""
    size, oldest = store.buffered(call.db, stream["Id"])
    full, _ = hints(stream)
    partitions = store.partitions(call.db, stream["Id"])
    if processing.is_partitioned(stream["Destination"]):
        largest = max((partition.bytes for partition in partitions if not partition.is_sealed), default=0)
        full = max(full - largest, quotas.SORTED_BYTES.value)
    return Held(size, oldest, full, min((_ripe(stream, partition) for partition in partitions), default=None))


def _ripe(stream: Resource, partition: store.Partition) -> float:
    """When a partition is due: at once if it is full, or sealed, or its stream has no partitions any more."""
    size, seconds = hints(stream)
    is_due = partition.is_sealed or partition.bytes >= size or not processing.is_partitioned(stream["Destination"])
    return 0.0 if is_due else partition.since + seconds


def _remember(call: Call, stream: Resource, held: Held) -> None:
    call.memory["held", stream["Id"]] = held
    call.undo(lambda: call.memory.pop(("held", stream["Id"]), None))


def _due(stream: Resource, held: Held) -> float | None:
    """When there is something to deliver: a full buffer is overdue, an empty one never due."""
    if held.oldest is None:
        return held.ripe
    due = 0.0 if held.size >= held.full else held.oldest + hints(stream)[1]
    return due if held.ripe is None else min(due, held.ripe)
