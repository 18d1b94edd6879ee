"""Shards, and the records in them.

A record's place is one integer: the shard's row ID above, the record's counter in the low 40 bits. A batch of records
is one row, keyed by the place of its first, so that appending writes at the shard's end, reading is one seek, and
neither needs an index beside the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import apsw

from pocketlake.kernel.store import Store

MIGRATIONS = [
    """
    CREATE TABLE kinesis_shards (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        stream TEXT NOT NULL,           -- its ARN (account and region are in it); '' when the stream is gone
        number INTEGER NOT NULL,
        epoch INTEGER NOT NULL,         -- the second in its sequence numbers; rises from parent to child
        first_hash TEXT NOT NULL, last_hash TEXT NOT NULL,
        parent INTEGER, adjacent_parent INTEGER,    -- numbers of shards of the same stream
        opened REAL NOT NULL, closed REAL,
        next INTEGER NOT NULL DEFAULT 1,        -- the next record's counter, or less while records lie behind it
        arrival INTEGER NOT NULL DEFAULT 0      -- no later record arrives before this (milliseconds)
    );
    CREATE INDEX kinesis_shards_by_stream ON kinesis_shards (stream, number);
    CREATE TABLE kinesis_batches (
        position INTEGER PRIMARY KEY,   -- shard ID << 40 | counter of the first record
        count INTEGER NOT NULL,
        arrival INTEGER NOT NULL,       -- milliseconds
        size INTEGER NOT NULL,          -- bytes of keys and data
        payload BLOB NOT NULL           -- see batches.py
    );
    """
]

COUNTER_BITS = 40
COUNTERS = 1 << COUNTER_BITS


@dataclass(slots=True, frozen=True)
class Shard:
    id: int
    number: int
    epoch: int
    first_hash: int
    last_hash: int
    parent: int | None
    adjacent_parent: int | None
    opened: float
    closed: float | None
    next: int
    arrival: int

    @property
    def start(self) -> int:
        """The place before its first record."""
        return self.id << COUNTER_BITS


def open_shards(db: Store, stream: str, opened: float, ranges: list[tuple[int, int]]) -> None:
    """The first shards of a new stream."""
    db.executemany(
        "INSERT INTO kinesis_shards (stream, number, epoch, first_hash, last_hash, opened) VALUES (?, ?, ?, ?, ?, ?)",
        [(stream, number, int(opened), str(low), str(high), opened) for number, (low, high) in enumerate(ranges)],
    )


def shards(db: Store, stream: str) -> list[Shard]:
    """All of the stream, by number: kinesis_shards_by_stream. `next` and `arrival` take the records into account."""
    rows = db.execute(
        "SELECT id, number, epoch, first_hash, last_hash, parent, adjacent_parent, opened, closed, next, arrival"
        " FROM kinesis_shards WHERE stream = ? ORDER BY number",
        (stream,),
    )
    return [_shard(db, *row) for row in rows]


def _shard(db: Store, id: int, number: int, epoch: int, low: str, high: str, *rest: Any) -> Shard:
    parent, adjacent, opened, closed, next_counter, arrival = rest
    start = id << COUNTER_BITS
    last = last_before(db, start, start + COUNTERS)
    if last is not None:
        position, count, last_arrival = last
        next_counter, arrival = max(next_counter, position - start + count), max(arrival, last_arrival)
    return Shard(id, number, epoch, int(low), int(high), parent, adjacent, opened, closed, next_counter, arrival)


def abandon(db: Store, stream: str) -> None:
    """The stream is gone; its shards wait for the sweep. kinesis_shards_by_stream."""
    db.execute("UPDATE kinesis_shards SET stream = '' WHERE stream = ?", (stream,))


def abandoned(db: Store) -> Iterator[int]:
    for (id,) in db.rows("SELECT id FROM kinesis_shards WHERE stream = '' ORDER BY number"):
        yield id


def close_shards(db: Store, stream: str, closed: dict[int, float]) -> None:
    """When each shard, by its number, was closed. kinesis_shards_by_stream."""
    db.executemany(
        "UPDATE kinesis_shards SET closed = ? WHERE stream = ? AND number = ?",
        [(moment, stream, number) for number, moment in closed.items()],
    )


def open_children(db: Store, stream: str, children: list[Shard]) -> list[Shard]:
    """Shards made of others, in the order of their numbers; returns them with the IDs that the database gave them.

    Some of them may be closed again: what they were made into is among them too.
    """
    db.executemany(
        "INSERT INTO kinesis_shards (stream, number, epoch, first_hash, last_hash, parent, adjacent_parent, opened,"
        " closed, arrival) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                stream,
                child.number,
                child.epoch,
                str(child.first_hash),
                str(child.last_hash),
                child.parent,
                child.adjacent_parent,
                child.opened,
                child.closed,
                child.arrival,
            )
            for child in children
        ],
    )
    given = db.execute(
        "SELECT id FROM kinesis_shards WHERE stream = ? AND number >= ? ORDER BY number", (stream, children[0].number)
    )
    return [replace(child, id=id) for child, (id,) in zip(children, given, strict=True)]


def traffic(db: Store, low: int, high: int) -> tuple[int, int]:
    """Bytes and records in [low, high): the primary key. Payloads are not touched."""
    found = db.one(
        "SELECT total(size), total(count) FROM kinesis_batches WHERE position >= ? AND position < ?", (low, high)
    )
    assert found is not None
    return int(found[0]), int(found[1])


def forget_shard(db: Store, id: int) -> None:
    db.execute("DELETE FROM kinesis_shards WHERE id = ?", (id,))


def append(db: Store, position: int, count: int, arrival: int, size: int, payload: bytes) -> None:
    db.append("INSERT INTO kinesis_batches VALUES (?, ?, ?, ?, ?)", (position, count, arrival, size, payload))


def last_before(db: Store, low: int, high: int) -> tuple[int, int, int] | None:
    """Position, count and arrival of the last batch in [low, high): the primary key."""
    return db.one(
        "SELECT position, count, arrival FROM kinesis_batches WHERE position >= ? AND position < ?"
        " ORDER BY position DESC LIMIT 1",
        (low, high),
    )


def first_from(db: Store, low: int, high: int) -> tuple[int, int, int] | None:
    """Position, count and arrival of the first batch in [low, high): the primary key."""
    return db.one(
        "SELECT position, count, arrival FROM kinesis_batches WHERE position >= ? AND position < ?"
        " ORDER BY position LIMIT 1",
        (low, high),
    )


def first_arrived_after(db: Store, low: int, high: int, arrival: int) -> int:
    """The position of the first batch in [low, high) that arrived later than `arrival`; `high` when there is none.

    Arrivals never fall within a shard, so halving the interval finds it: some forty seeks, and no index on arrival.
    """
    end = high
    while low < high:
        middle = (low + high) // 2
        found = first_from(db, middle, high)
        if found is None or found[2] > arrival:
            high = middle
        else:
            low = found[0] + found[1]
    found = first_from(db, low, end)
    return end if found is None else found[0]


def batches(db: Store, low: int, high: int) -> Any:
    """A cursor over position, count, arrival, size and payload in [low, high): the primary key. Close it."""
    return db.execute(
        "SELECT position, count, arrival, size, payload FROM kinesis_batches WHERE position >= ? AND position < ?"
        " ORDER BY position",
        (low, high),
    )


def remove(db: Store, low: int, high: int, rows: int, size: int) -> bool:
    """Delete the first batches of [low, high), at most so many rows or about so many bytes; whether some remain."""
    total, last = 0, None
    for position, batch_size in db.rows(
        "SELECT position, size FROM kinesis_batches WHERE position >= ? AND position < ? ORDER BY position LIMIT ?",
        (low, high, rows),
    ):
        total, last = total + batch_size, position
        if total >= size:
            break
    if last is None:
        return False
    db.execute("DELETE FROM kinesis_batches WHERE position >= ? AND position <= ?", (low, last))
    return first_from(db, last + 1, high) is not None


def remember_end(db: Store, id: int, next_counter: int, arrival: int) -> None:
    """Where the shard goes on, now that the records which said so are removed."""
    db.execute("UPDATE kinesis_shards SET next = ?, arrival = ? WHERE id = ?", (next_counter, arrival, id))


def loads(db: Any, low: int, high: int, horizon: int) -> dict[int, tuple[int, int]]:
    """Records and bytes in [low, high) that arrived after `horizon`, by second of arrival: the primary key."""
    rows = db.execute(
        "SELECT arrival / 1000, sum(count), sum(size) FROM kinesis_batches"
        " WHERE position >= ? AND position < ? AND arrival > ? GROUP BY 1",
        (low, high, horizon),
    )
    return {second: (count, size) for second, count, size in rows}


def loads_beside(path: str, bounds: list[tuple[int, int]], horizon: int) -> list[dict[int, tuple[int, int]]]:
    """The same for several shards, on a connection of its own: in a thread."""
    beside = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return [loads(beside, low, high, horizon) for low, high in bounds]
    finally:
        beside.close()
