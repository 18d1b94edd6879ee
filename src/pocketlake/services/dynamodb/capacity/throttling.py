"""What tables, indexes and their partitions let through.  [DDB-502, DDB-504, DDB-506, DDB-507, DDB-514, DDB-556]

A request passes while there is anything left of its table's or index's units and of its partition's, and may overdraw
both: an item of 400 KB passes a small table once, and then it is silent until the debt is paid. Provisioned units are
kept for 300 seconds. On-demand tables bear what they have grown to (on_demand.py), second by second; a maximum that
their owner set may be overdrawn by a burst. Partitions keep nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError

from .. import metrics, quotas
from ..changes import Entry
from ..schemas import Index, Table
from ..service import errors
from . import contributors, on_demand, warm_throughput
from .contributors import Insight
from .partitions import MINUTE, Gauge, Partition, Partitions, needed

BURST = quotas.BURST.value
READ, WRITE = "Read", "Write"
PROVISIONED, KEY_RANGE = "ProvisionedThroughputExceeded", "KeyRangeThroughputExceeded"
ACCOUNT, MAXIMUM = "AccountLimitExceeded", "MaxOnDemandThroughputExceeded"

OF_TABLE = (
    "The level of configured provisioned throughput for the table was exceeded. "
    "Consider increasing your provisioning level with the UpdateTable API."
)
OF_INDEX = (
    "The level of configured provisioned throughput for one or more global secondary indexes of the table was "
    "exceeded. Consider increasing your provisioning level for the under-provisioned global secondary indexes with the "
    "UpdateTable API"
)
OF_DEMAND = (
    "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or "
    "index so please try again shortly. If exceptions persist, check if you have a hot key: "
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html"
)
OF_MAXIMUM = "Throughput exceeds the maximum OnDemandThroughput configured on table or index"


class Meter:
    """What a table or global index lets through: its own units, its partitions, and who counts its keys."""

    __slots__ = ("insight", "measured", "of", "partitions", "read", "table", "write")

    def __init__(self, call: Call, table: Table, index: Index | None, now: float) -> None:
        self.read, self.write = Gauge(0.0, 0.0, now), Gauge(0.0, 0.0, now)
        self.partitions = Partitions(1, now)
        self.insight: Insight | None = None
        self.adopt(call, table, index, now)
        self.read.level, self.write.level = self.read.burst, self.write.burst

    def adopt(self, call: Call, table: Table, index: Index | None, now: float) -> None:
        """The table's description has changed."""
        self.table = table
        self.of = index or table
        self.measured = metrics.meter(call, table, index)
        for gauge, kind in ((self.read, READ), (self.write, WRITE)):
            rate, limit = _rate(table, index, kind)
            gauge.change(rate, rate if limit in (KEY_RANGE, ACCOUNT) else rate * BURST)
        reads, writes = warm_throughput.units(table.resource, index.name if index else None)
        _, size, _ = call.memory.get(("count", self.of.number), (0, 0, 0.0))  # where it has been counted
        self.partitions.grow(needed(reads, writes, size), now)
        self.insight = contributors.insight(table, index, self.insight, now)


Admission = tuple[Meter, Partition | None, bytes, bytes, float] | None


def admit_write(
    call: Call,
    table: Table,
    hash: bytes,
    sort: bytes,
    units: float,
    indexes: dict[Index, float],
    entries: Iterable[Entry] = (),
) -> None:
    """Take what a write costs from the table, from global indexes and from partitions; or nothing, and raise."""
    if not call.limits_on:
        if contributors.MEMBER in table.resource.body:
            _count_only(call, table, hash, sort)
        return
    now = call.now
    meter = _meter(call, table, None, now)
    partition = meter.partitions.at(hash if table.has_local else hash + sort)
    _admit(meter, meter.write, partition.write, hash, sort, WRITE, now)
    if indexes:
        _write_indexes(call, table, indexes, entries, now)
        units += sum(used for index, used in indexes.items() if not index.is_global)
    meter.write.take(units)
    partition.write.take(units)
    if partition.write.busy or meter.write.busy or meter.insight is not None:
        _note(call, meter, partition, WRITE, hash, sort, units, now)


def admit_read(call: Call, table: Table, index: Index | None, hash: bytes = b"", sort: bytes = b"") -> Admission:
    """Let a read in; `charge` takes what it came to. A scan (no `hash`) is the table's affair, not a partition's."""
    if not call.limits_on:
        if contributors.MEMBER in table.resource.body and hash:
            _count_only(call, table, hash, sort, index)
        return None
    now = call.now
    meter = _meter(call, table, index if index is not None and index.is_global else None, now)
    if not hash:
        _admit(meter, meter.read, None, hash, sort, READ, now)
        return meter, None, hash, sort, now
    partition = meter.partitions.at(hash if table.has_local else hash + sort)
    _admit(meter, meter.read, partition.read, hash, sort, READ, now)
    return meter, partition, hash, sort, now


def charge(call: Call, admission: Admission, units: float) -> None:
    if admission is None:
        return
    meter, partition, hash, sort, now = admission
    meter.read.take(units)
    if partition is None:
        _observe(call, meter, READ)
        return
    partition.read.take(units)
    if partition.read.busy or meter.read.busy or meter.insight is not None:
        _note(call, meter, partition, READ, hash, sort, units, now)


def forget(call: Call, owner: int) -> None:
    """The table or index is gone."""
    for forgotten in (("meter", owner), ("peaks", owner, READ), ("peaks", owner, WRITE)):
        call.memory.pop(forgotten, None)


def insight_of(call: Call, table: Table, index: Index | None) -> Insight | None:
    """Who counts the keys of the table or index, if anybody."""
    return _meter(call, table, index, call.now).insight


def _meter(call: Call, table: Table, index: Index | None, now: float) -> Meter:
    of = table if index is None else index
    meter: Meter | None = call.memory.get(("meter", of.number))
    if meter is None:
        meter = call.memory["meter", of.number] = Meter(call, table, index, now)
    elif meter.table is not table:
        meter.adopt(call, table, index, now)
    return meter


def _admit(meter: Meter, whole: Gauge, part: Gauge | None, hash: bytes, sort: bytes, kind: str, now: float) -> None:
    """Raise unless there is something left of both."""
    if whole.refill(now) > 0.0:
        if part is None or part.refill(now) > 0.0:
            return
        limit = KEY_RANGE
    else:
        limit = _rate(meter.table, None if meter.of is meter.table else meter.of, kind)[1]
    if meter.insight is not None and part is not None:
        meter.insight.throttled(hash, sort)
    meter.measured.add(f"{kind}ThrottleEvents", 1, now)
    raise _refusal(meter, kind, limit)


def _write_indexes(call: Call, table: Table, indexes: dict[Index, float], entries: Iterable[Entry], now: float) -> None:
    """A write that one of its global indexes cannot take is not made.  [DDB-556]"""
    taken: list[tuple[Meter, Partition, bytes, bytes, float]] = []
    for entry in entries:
        index = entry.index
        if not index.is_global:
            continue
        meter = _meter(call, table, index, now)
        places = [place for place in (entry.old, entry.new) if place is not None]
        for place in places:
            partition = meter.partitions.at(place.hash + place.sort)
            _admit(meter, meter.write, partition.write, place.hash, place.sort, WRITE, now)
            taken.append((meter, partition, place.hash, place.sort, indexes[index] / len(places)))
    for meter, partition, hash, sort, units in taken:
        meter.write.take(units)
        partition.write.take(units)
        if partition.write.busy or meter.write.busy or meter.insight is not None:
            _note(call, meter, partition, WRITE, hash, sort, units, now)


def _note(
    call: Call, meter: Meter, partition: Partition, kind: str, hash: bytes, sort: bytes, units: float, now: float
) -> None:
    """What only busy tables and watched keys need."""
    part = partition.read if kind == READ else partition.write
    if part.busy:
        meter.partitions.heat(partition, part, hash if meter.table.has_local else hash + sort, units, now)
    _observe(call, meter, kind)
    if meter.insight is not None:
        meter.insight.accessed(hash, sort)


def _observe(call: Call, meter: Meter, kind: str) -> None:
    """A busy minute of a table on demand may be its peak."""
    whole = meter.read if kind == READ else meter.write
    if whole.busy:
        whole.busy = 0  # once a minute
        if meter.table.on_demand:
            on_demand.observe(call, meter.table, meter.of, kind, whole.last / MINUTE)


def _count_only(call: Call, table: Table, hash: bytes, sort: bytes, index: Index | None = None) -> None:
    """Limits are off, but keys are to be counted."""
    meter = _meter(call, table, index if index is not None and index.is_global else None, call.now)
    if meter.insight is not None:
        meter.insight.accessed(hash, sort)


def _rate(table: Table, index: Index | Table | None, kind: str) -> tuple[float, str]:
    """Units a second of the table or a global index, and the limit that is met beyond them."""
    of = index or table
    if not table.on_demand:
        return float(of.reads if kind == READ else of.writes), PROVISIONED
    name = index.name if index is not None else None
    capacity = on_demand.capacity(table.resource, name, kind)
    rate, limit = min((capacity, KEY_RANGE), (quotas.TABLE_UNITS.value, ACCOUNT))
    most = on_demand.maximum(table.resource, name, kind)
    return (most, MAXIMUM) if most is not None and most <= rate else (rate, limit)


def _refusal(meter: Meter, kind: str, limit: str) -> ServiceError:
    """Source of reasons and messages: developer guide, Diagnosing throttling; API reference, ThrottlingReason."""
    is_index = meter.of is not meter.table
    reason = {"reason": f"{'Index' if is_index else 'Table'}{kind}{limit}", "resource": meter.of.arn}
    if meter.table.on_demand:
        message = OF_MAXIMUM if limit == MAXIMUM else OF_DEMAND
        error: ServiceError = errors.ThrottlingException(message, throttlingReasons=[reason])
    else:
        message = OF_INDEX if is_index else OF_TABLE
        error = errors.ProvisionedThroughputExceededException(message, ThrottlingReasons=[reason])
    return error
