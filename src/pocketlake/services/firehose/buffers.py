"""Buffers: records gather until their time has come or the buffer is full, then the delivery is due."""

from __future__ import annotations

from typing import Any, NamedTuple

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import quotas, store

DELIVER = "deliver"  # the alarm, in deliveries


class Held(NamedTuple):
    """What lies in a buffer. While a delivery is under way nobody else schedules the next one."""

    size: int
    oldest: float | None
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
    held = Held(held.size + added, arrival if held.oldest is None else min(held.oldest, arrival))
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
    held = Held(*store.buffered(call.db, stream["Id"]))
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
    due = _due(stream, Held(*store.buffered(call.db, stream["Id"])))
    return due is not None and due <= call.now


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


def _remember(call: Call, stream: Resource, held: Held) -> None:
    call.memory["held", stream["Id"]] = held
    call.undo(lambda: call.memory.pop(("held", stream["Id"]), None))


def _due(stream: Resource, held: Held) -> float | None:
    """When the buffer is to be delivered: a full one is overdue, an empty one never due."""
    if held.oldest is None:
        return None
    size, seconds = hints(stream)
    return 0.0 if held.size >= size else held.oldest + seconds
