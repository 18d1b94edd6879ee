"""What lies buffered: one row for each call that put records, and how far each source shard was read."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

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
    """
]

LENGTH = struct.Struct("<I")


class Batch(NamedTuple):
    """`size` counts the records' own bytes, without the packing."""

    sequence: int
    arrival: float
    size: int
    payload: bytes


def add(db: Store, stream: str, arrival: float, records: Sequence[bytes]) -> int:
    """Buffer one call's records; returns how many bytes they are."""
    size = sum(map(len, records))
    payload = b"".join([part for record in records for part in (LENGTH.pack(len(record)), record)])
    db.execute(
        "INSERT INTO firehose_batches (stream, arrival, bytes, payload) VALUES (?, ?, ?, ?)",
        (stream, arrival, size, payload),
    )
    return size


def unpack(payload: bytes) -> list[bytes]:
    records, position = [], 0
    while position < len(payload):
        (length,) = LENGTH.unpack_from(payload, position)
        position += LENGTH.size
        records.append(payload[position : position + length])
        position += length
    return records


def take(db: Store, stream: str, limit_bytes: int) -> list[Batch]:
    """The oldest batches, up to the one that fills the buffer. firehose_batches_by_stream serves this."""
    batches, size = [], 0
    for row in db.execute(
        "SELECT sequence, arrival, bytes, payload FROM firehose_batches WHERE stream = ? ORDER BY sequence", (stream,)
    ):
        batches.append(Batch(*row))
        size += batches[-1].size
        if size >= limit_bytes:
            break
    return batches


def remove(db: Store, stream: str, batches: Iterable[Batch]) -> None:
    db.executemany(
        "DELETE FROM firehose_batches WHERE sequence = ? AND stream = ?",
        [(batch.sequence, stream) for batch in batches],
    )


def buffered(db: Store, stream: str) -> tuple[int, float | None]:
    """(bytes, arrival of the oldest). firehose_batches_by_stream serves this."""
    row = db.one("SELECT total(bytes), min(arrival) FROM firehose_batches WHERE stream = ?", (stream,))
    assert row is not None
    return int(row[0]), row[1]


def checkpoint(db: Store, stream: str, shard: str) -> str | None:
    row = db.one("SELECT after FROM firehose_checkpoints WHERE stream = ? AND shard = ?", (stream, shard))
    return None if row is None else str(row[0])


def set_checkpoint(db: Store, stream: str, shard: str, after: str) -> None:
    db.execute("INSERT OR REPLACE INTO firehose_checkpoints VALUES (?, ?, ?)", (stream, shard, after))


def forget(db: Store, stream: str) -> None:
    db.execute("DELETE FROM firehose_batches WHERE stream = ?", (stream,))
    db.execute("DELETE FROM firehose_checkpoints WHERE stream = ?", (stream,))
