"""The partitions of a table or global index: ranges of its keys, of which each bears 3,000 reads and 1,000 writes a
second.  [DDB-507, DDB-514]

There are as many as throughput and size ask for. Adaptive capacity works on them: a partition that is more than half
busy for some minutes is divided where its load is halved, and a key that has most of the load gets a partition of its
own, until a single item is alone. Collections of tables with local indexes are never divided. All of it lies in memory:
after a restart the ranges are even again, and full.

Sources: developer guide, Partitions and data distribution; Burst and adaptive capacity. Amazon DynamoDB: A Scalable,
Predictably Performant, and Fully Managed NoSQL Database Service (USENIX ATC 2022), "Splitting for consumption".
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from .. import quotas

MINUTE = 60.0
BUSY = 0.5  # of the rate, in the mean of a minute
HASHES = 1 << 32
MOST_SEEN = 128  # keys whose load is told apart within a busy partition


class Gauge:
    """What flows through one place in one direction: a token bucket that knows how busy its minutes were."""

    __slots__ = ("burst", "busy", "ends", "last", "level", "rate", "updated", "used")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate = rate
        self.burst = self.level = burst
        self.updated = now
        self.used = 0.0  # in the minute that runs
        self.last = 0.0  # in the minute before
        self.ends = now + MINUTE
        self.busy = 0  # minutes in a row that were busy

    def refill(self, now: float) -> float:
        """The units there are at `now`. A clock that was set back adds none."""
        elapsed = now - self.updated
        if elapsed > 0.0:
            level = self.level + elapsed * self.rate
            self.level = level if level < self.burst else self.burst
        self.updated = now
        if now >= self.ends:
            self._turn(now)
        return self.level

    def take(self, units: float) -> None:
        self.level -= units
        self.used += units

    def change(self, rate: float, burst: float) -> None:
        """A new rate holds at once; what was kept stays, and a second's worth is there."""
        if rate != self.rate or burst != self.burst:
            self.rate, self.burst = rate, burst
            self.level = min(burst, max(self.level, rate))

    def _turn(self, now: float) -> None:
        missed = now >= self.ends + MINUTE
        self.last = 0.0 if missed else self.used
        self.used = 0.0
        self.busy = self.busy + 1 if self.last > BUSY * self.rate * MINUTE else 0
        self.ends = now + MINUTE if missed else self.ends + MINUTE


class Partition:
    __slots__ = ("read", "seen", "write")

    def __init__(self, now: float) -> None:
        reads, writes = quotas.PARTITION_READS.value, quotas.PARTITION_WRITES.value
        self.read = Gauge(reads, reads, now)
        self.write = Gauge(writes, writes, now)
        self.seen: dict[bytes, float] = {}  # load of keys while it is busy


class Partitions:
    """`lows[n]` is the first key of `parts[n]`. Keys are partition keys behind their hash, with the sort key after."""

    __slots__ = ("even", "lows", "parts")

    def __init__(self, count: int, now: float) -> None:
        self.even = 0
        self.lows: list[bytes] = []
        self.parts: list[Partition] = []
        self.grow(count, now)

    def at(self, key: bytes) -> Partition:
        return self.parts[bisect_right(self.lows, key) - 1]

    def grow(self, count: int, now: float) -> None:
        """Be `count` even ranges at least; what was divided for its load stays divided."""
        if count > self.even:
            self.even = count
            self._divide((b"", *((HASHES * n // count).to_bytes(4, "big") for n in range(1, count))), now)

    def heat(self, partition: Partition, gauge: Gauge, key: bytes, units: float, now: float) -> None:
        """A busy partition is at work: see where, and divide it when it has been busy for long enough."""
        seen = partition.seen
        if key in seen or len(seen) < MOST_SEEN:
            seen[key] = seen.get(key, 0.0) + units
        else:
            _forget_lightest(seen)
        if gauge.busy >= quotas.SPLIT_MINUTES.value:
            gauge.busy = 0  # the next division needs minutes of its own
            self._divide(division(seen), now)
            partition.seen = {}

    def _divide(self, lows: Iterable[bytes], now: float) -> None:
        known = dict(zip(self.lows, self.parts, strict=True))
        self.lows = sorted({*self.lows, *lows})
        self.parts = [known.get(low) or Partition(now) for low in self.lows]


def division(seen: dict[bytes, float]) -> tuple[bytes, ...]:
    """Where to divide a range whose keys were seen to bear so much: around one that bears half of it, or in the middle.

    A range that is a single key already comes out as it is.
    """
    half = sum(seen.values()) / 2
    below = 0.0
    for key in sorted(seen):
        if seen[key] >= half:
            return key, key + b"\0"
        below += seen[key]
        if below >= half:
            return (key + b"\0",)
    return ()


def _forget_lightest(seen: dict[bytes, float]) -> None:
    """Make room by the key of the least load: heavy ones stay (Misra and Gries)."""
    lightest = min(seen.values())
    for key in list(seen):
        seen[key] -= lightest
        if seen[key] <= 0.0:
            del seen[key]


def needed(reads: float, writes: float, size: int) -> int:
    """Partitions for units a second and bytes.  Source: developer guide, Partitions and data distribution"""
    by_reads = -(-reads // quotas.PARTITION_READS.value)
    by_writes = -(-writes // quotas.PARTITION_WRITES.value)
    return int(max(1, by_reads, by_writes, -(-size // quotas.PARTITION_BYTES.value)))
