"""What recovery points refer to, and the objects of S3 backups."""

from __future__ import annotations

from typing import NamedTuple

from pocketlake.kernel.store import Store

MIGRATIONS = [
    """
    CREATE TABLE backup_contents (
        id TEXT NOT NULL PRIMARY KEY,   -- a backup of DynamoDB's (its ARN), or of a bucket (s3/...)
        refs INTEGER NOT NULL           -- recovery points that stand on it
    ) WITHOUT ROWID;
    CREATE TABLE backup_objects (
        content TEXT NOT NULL, key TEXT NOT NULL,
        version TEXT NOT NULL,          -- of the object in its bucket
        size INTEGER NOT NULL, blob TEXT NOT NULL,
        document BLOB NOT NULL,         -- members of a PutObject that would bring it back, as JSON
        PRIMARY KEY (content, key)
    ) WITHOUT ROWID;
    """
]


class Stored(NamedTuple):
    """An object of a bucket's backup."""

    key: str
    version: str
    size: int
    blob: str
    document: bytes


def refer(db: Store, content: str) -> None:
    """One more recovery point stands on it."""
    db.execute("INSERT INTO backup_contents VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET refs = refs + 1", (content,))


def release(db: Store, content: str) -> bool:
    """One less; whether none is left."""
    db.execute("UPDATE backup_contents SET refs = refs - 1 WHERE id = ?", (content,))
    db.execute("DELETE FROM backup_contents WHERE id = ? AND refs <= 0", (content,))
    return db.db.changes() > 0


def put_object(db: Store, content: str, stored: Stored) -> None:
    db.execute("INSERT OR REPLACE INTO backup_objects VALUES (?, ?, ?, ?, ?, ?)", (content, *stored))


def find_object(db: Store, content: str, key: str) -> Stored | None:
    """The primary key."""
    row = db.one(
        "SELECT key, version, size, blob, document FROM backup_objects WHERE content = ? AND key = ?", (content, key)
    )
    return None if row is None else Stored(*row)


def objects(db: Store, content: str, after: str, most: int) -> list[Stored]:
    """By key: the primary key."""
    rows = db.rows(
        "SELECT key, version, size, blob, document FROM backup_objects WHERE content = ? AND key > ?"
        " ORDER BY key LIMIT ?",
        (content, after, most),
    )
    return [Stored(*row) for row in rows]


def drop_object(db: Store, content: str, key: str) -> None:
    db.execute("DELETE FROM backup_objects WHERE content = ? AND key = ?", (content, key))


def size(db: Store, content: str) -> int:
    """Bytes of a bucket's backup: the primary key."""
    row = db.one("SELECT total(size) FROM backup_objects WHERE content = ?", (content,))
    return int(row[0]) if row else 0
