"""What lies buffered: one row for each call that put records, which of them are being delivered, the partitions that
they were sorted into, and how far each source shard was read."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import apsw
import orjson

from pocketlake.kernel.store import Store

MIGRATIONS = [
    """
    CREATE TABLE firehose_batches (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        stream TEXT NOT NULL, arrival REAL NOT NULL, bytes INTEGER NOT NULL, payload BLOB NOT NULL
    );
    CREATE INDEX firehose_batches_by_stream ON firehose_batches (stream, sequence);
    CREATE TABLE firehose_checkpoints (
        stream TEXT NOT NULL, shard TEXT NOT NULL, after TEXT NOT NULL, PRIMARY KEY (stream, shard)
    ) WITHOUT ROWID;
    """,
    """
    ALTER TABLE firehose_batches ADD COLUMN origin BLOB;
    CREATE TABLE firehose_attempts (
        stream TEXT NOT NULL PRIMARY KEY, last INTEGER NOT NULL, since REAL NOT NULL, made INTEGER NOT NULL
    ) WITHOUT ROWID;
    """,
    # Before, each record stood in the payload behind its own length.
    "ALTER TABLE firehose_batches ADD COLUMN lengths BLOB",
    """
    CREATE TABLE firehose_partitions (
        number INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, name TEXT NOT NULL, folder TEXT NOT NULL,
        since REAL NOT NULL, bytes INTEGER NOT NULL, is_sealed INTEGER NOT NULL
    );
    CREATE INDEX firehose_partitions_by_stream ON firehose_partitions (stream, number);
    CREATE TABLE firehose_partitioned (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT, partition INTEGER NOT NULL,
        arrival REAL NOT NULL, payload BLOB NOT NULL, lengths BLOB NOT NULL, origin BLOB
    );
    CREATE INDEX firehose_partitioned_by_partition ON firehose_partitioned (partition, sequence);
    """,
]

LENGTH = struct.Struct("<I")


class Arrival(NamedTuple):
    """The records of one call: their bytes one after the other, and the length of each.

    `origin` tells of records from a shard: {"shard", "numbers", "subnumbers", "keys", "arrivals"}, the last four
    with an entry for each of them.
    """

    sequence: int
    arrival: float
    payload: bytes
    lengths: tuple[int, ...]
    origin: dict[str, Any] | None

    def records(self) -> list[bytes]:
        ends = list(accumulate(self.lengths, initial=0))
        return [self.payload[start:end] for start, end in pairwise(ends)]


class Packed(NamedTuple):
    """Records as a row holds them."""

    payload: bytes
    lengths: bytes
    origin: bytes | None


class Partition(NamedTuple):
    """A partition's buffer, one object to be. `name` tells it from the stream's others, `since` is when its first
    record arrived; a sealed one is being delivered and takes no more records."""

    number: int
    name: str
    folder: str
    since: float
    bytes: int
    is_sealed: bool


class Attempt(NamedTuple):
    """The delivery under way: of all rows up to `last`, begun at `since`, tried `made` times."""

    last: int
    since: float
    made: int


def add(db: Store, stream: str, arrival: float, records: Sequence[bytes], origin: dict[str, Any] | None = None) -> int:
    """Buffer one call's records; returns how many bytes they are."""
    packed = pack(records, origin)
    db.append(
        "INSERT INTO firehose_batches (stream, arrival, bytes, payload, lengths, origin) VALUES (?, ?, ?, ?, ?, ?)",
        (stream, arrival, len(packed.payload), *packed),
    )
    return len(packed.payload)


def pack(records: Sequence[bytes], origin: dict[str, Any] | None) -> Packed:
    lengths = struct.pack(f"<{len(records)}I", *map(len, records))
    return Packed(b"".join(records), lengths, orjson.dumps(origin) if origin else None)


def last_of_a_buffer(db: Store, stream: str, limit_bytes: float) -> int:
    """The sequence of the oldest row that fills the buffer, else of the newest. firehose_batches_by_stream serves."""
    size = last = 0
    for sequence, length in db.execute(
        "SELECT sequence, bytes FROM firehose_batches WHERE stream = ? ORDER BY sequence", (stream,)
    ):
        size, last = size + length, sequence
        if size >= limit_bytes:
            break
    return last


def take(db: Store | apsw.Connection, stream: str, last: int) -> list[Arrival]:
    """The rows up to `last`, oldest first: as much as the largest buffer. firehose_batches_by_stream serves this."""
    rows = db.execute(
        "SELECT sequence, arrival, payload, lengths, origin FROM firehose_batches"
        " WHERE stream = ? AND sequence <= ? ORDER BY sequence",
        (stream, last),
    )
    return [_arrival(row) for row in rows]


def oldest(db: Store, stream: str, last: int) -> float | None:
    """When the first of the rows up to `last` arrived. firehose_batches_by_stream serves this."""
    row = db.one("SELECT min(arrival) FROM firehose_batches WHERE stream = ? AND sequence <= ?", (stream, last))
    return None if row is None else row[0]


def _arrival(row: tuple[Any, ...]) -> Arrival:
    sequence, arrival, payload, lengths, origin = row
    return Arrival(sequence, arrival, *_parts(payload, lengths), None if origin is None else orjson.loads(origin))


def _parts(payload: bytes, lengths: bytes | None) -> tuple[bytes, tuple[int, ...]]:
    if lengths is not None:
        return payload, struct.unpack(f"<{len(lengths) // LENGTH.size}I", lengths)
    records, at = [], 0
    while at < len(payload):
        (length,) = LENGTH.unpack_from(payload, at)
        records.append(payload[at + LENGTH.size : at + LENGTH.size + length])
        at += LENGTH.size + length
    return b"".join(records), tuple(map(len, records))


def remove(db: Store, stream: str, last: int) -> None:
    db.execute("DELETE FROM firehose_batches WHERE stream = ? AND sequence <= ?", (stream, last))


def remove_expired(db: Store, stream: str, before: float) -> int:
    """Forget what arrived then or earlier; returns how many rows that were. firehose_batches_by_stream serves this."""
    gone = db.rows("DELETE FROM firehose_batches WHERE stream = ? AND arrival <= ? RETURNING 1", (stream, before))
    return len(gone)


def buffered(db: Store, stream: str) -> tuple[int, float | None]:
    """(bytes, arrival of the oldest). firehose_batches_by_stream serves this."""
    row = db.one("SELECT total(bytes), min(arrival) FROM firehose_batches WHERE stream = ?", (stream,))
    assert row is not None
    return int(row[0]), row[1]


def partitions(db: Store, stream: str) -> list[Partition]:
    """All of a stream, the oldest first. firehose_partitions_by_stream serves this."""
    rows = db.execute(
        "SELECT number, name, folder, since, bytes, is_sealed FROM firehose_partitions"
        " WHERE stream = ? ORDER BY number",
        (stream,),
    )
    return [
        Partition(number, name, folder, since, size, bool(sealed)) for number, name, folder, since, size, sealed in rows
    ]


def open_partition(db: Store, stream: str, name: str, folder: str, since: float) -> int:
    """A new, empty one; returns its number."""
    row = db.one(
        "INSERT INTO firehose_partitions (stream, name, folder, since, bytes, is_sealed) VALUES (?, ?, ?, ?, 0, 0)"
        " RETURNING number",
        (stream, name, folder, since),
    )
    assert row is not None
    return int(row[0])


def fill_partition(db: Store, number: int, arrival: float, packed: Packed) -> None:
    db.append(
        "INSERT INTO firehose_partitioned (partition, arrival, payload, lengths, origin) VALUES (?, ?, ?, ?, ?)",
        (number, arrival, *packed),
    )
    added = len(packed.payload)
    db.execute("UPDATE firehose_partitions SET bytes = bytes + ? WHERE number = ?", (added, number))


def seal_partition(db: Store, number: int) -> None:
    db.execute("UPDATE firehose_partitions SET is_sealed = 1 WHERE number = ?", (number,))


def take_partition(db: Store | apsw.Connection, number: int) -> list[Arrival]:
    """Its rows, oldest first. firehose_partitioned_by_partition serves this."""
    rows = db.execute(
        "SELECT sequence, arrival, payload, lengths, origin FROM firehose_partitioned"
        " WHERE partition = ? ORDER BY sequence",
        (number,),
    )
    return [_arrival(row) for row in rows]


def remove_partition(db: Store, number: int) -> None:
    db.execute("DELETE FROM firehose_partitioned WHERE partition = ?", (number,))
    db.execute("DELETE FROM firehose_partitions WHERE number = ?", (number,))


def attempt(db: Store, stream: str) -> Attempt | None:
    row = db.one("SELECT last, since, made FROM firehose_attempts WHERE stream = ?", (stream,))
    return None if row is None else Attempt(*row)


def set_attempt(db: Store, stream: str, attempt: Attempt) -> None:
    db.execute("INSERT OR REPLACE INTO firehose_attempts VALUES (?, ?, ?, ?)", (stream, *attempt))


def end_attempt(db: Store, stream: str) -> None:
    db.execute("DELETE FROM firehose_attempts WHERE stream = ?", (stream,))


def checkpoint(db: Store, stream: str, shard: str) -> str | None:
    row = db.one("SELECT after FROM firehose_checkpoints WHERE stream = ? AND shard = ?", (stream, shard))
    return None if row is None else str(row[0])


def set_checkpoint(db: Store, stream: str, shard: str, after: str) -> None:
    db.execute("INSERT OR REPLACE INTO firehose_checkpoints VALUES (?, ?, ?)", (stream, shard, after))


def forget(db: Store, stream: str) -> None:
    db.execute("DELETE FROM firehose_batches WHERE stream = ?", (stream,))
    db.execute("DELETE FROM firehose_attempts WHERE stream = ?", (stream,))
    db.execute("DELETE FROM firehose_checkpoints WHERE stream = ?", (stream,))
    for partition in partitions(db, stream):
        remove_partition(db, partition.number)
