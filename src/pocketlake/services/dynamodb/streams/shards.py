"""The shards of a stream: ranges of partition keys for some hours each, parents before children.

Nothing of a shard is stored. A stream's shards follow from when it began: every four hours the open ones close and each
has its children take over, as many together as the table has partitions by then. So a shard is a range of the table's
journal (history.py) and of the keys' hashes, and a consumer that reads parents before children sees the changes of each
key in their order.

Source: developer guide, "Reading and processing a stream"; a shard is replaced about every four hours ("Shards are
ephemeral"), and leaves the description when its last record is 24 hours old.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from .. import history, quotas, store

ROLL = int(quotas.SHARD_LIFE.value * 1000)
HASHES = 1 << 32
DIGITS = 21  # of a sequence number on the wire, which has 21 to 40
SCALE = 100  # what makes 21 of our 19


@dataclass(slots=True, frozen=True)
class Shard:
    """Changes with start <= sequence < end. `end` is None while it is open.

    `hashes` are the first of the keys and the one after the last; None: it has the whole table.
    """

    id: str
    parent: str | None
    generation: int
    part: int  # which of its generation
    start: int
    end: int | None
    hashes: tuple[bytes, bytes] | None


class Shards:
    """`stream` is its document, `mark` a sequence number above all that the table's changes have by now."""

    def __init__(self, stream: dict[str, Any], arn: str, mark: int) -> None:
        self.since: int = stream["Since"]
        self.until: int | None = stream.get("Until")
        self._arn = arn
        self._partitions: list[list[int]] = stream["Partitions"]
        self._begun = self.since >> history.COUNTER_BITS
        self.last = self.generation(mark if self.until is None else self.until)

    def generation(self, sequence: int) -> int:
        return max(0, ((sequence >> history.COUNTER_BITS) - self._begun) // ROLL)

    def visible(self, horizon: int) -> Iterator[Shard]:
        """By ID, those that may hold a change above `horizon`."""
        for generation in range(min(self.generation(horizon + 1), self.last), self.last + 1):
            for index in range(self.count(generation)):
                yield self.shard(generation, index)

    def count(self, generation: int) -> int:
        return next(count for begin, count in reversed(self._partitions) if begin <= generation)

    def shard(self, generation: int, index: int) -> Shard:
        count = self.count(generation)
        parent = None
        if generation:
            parent = self._id(generation - 1, index * self.count(generation - 1) // count)
        end = self._start(generation + 1) if generation < self.last else self.until
        return Shard(
            self._id(generation, index),
            parent,
            generation,
            index,
            self._start(generation),
            end,
            (_bound(index, count), _bound(index + 1, count)) if count > 1 else None,
        )

    def _start(self, generation: int) -> int:
        return (self._begun + generation * ROLL) << history.COUNTER_BITS if generation else self.since

    def _id(self, generation: int, index: int) -> str:
        """`shardId-00000001573952490000-000a1b2c`: sorted by name they are in order of time."""
        number = self._begun + generation * ROLL
        return f"shardId-{number:020d}-{index:03x}{crc32(f'{self._arn}/{number}/{index}'.encode()) & 0xFFFFF:05x}"


def _bound(index: int, count: int) -> bytes:
    return (HASHES * index // count).to_bytes(4, "big") if index < count else store.LAST


def rounded(partitions: int) -> int:
    """Shards for so many partitions: a power of two, so that each child has one parent."""
    return 1 << (partitions - 1).bit_length()


def text(sequence: int) -> str:
    """A sequence number as it goes out: digits that sort as numbers and as text."""
    return str(sequence * SCALE).zfill(DIGITS)


def parsed(number: str) -> int:
    """ValueError for what is no sequence number. One between two of ours counts as the smaller."""
    if not (number.isascii() and number.isdecimal()):
        raise ValueError(number)
    return int(number) // SCALE
