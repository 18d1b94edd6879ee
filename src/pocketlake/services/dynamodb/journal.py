"""The rows of tables' journals, and of those who follow them (history.py)."""

from __future__ import annotations

from typing import Any, NamedTuple

from pocketlake.kernel.store import Store

from .store import Place


class Change(NamedTuple):
    """`old` and `new` are JSON; None where there was, or is, no item."""

    sequence: int
    origin: str
    hash: bytes
    sort: bytes
    old_size: int
    old: bytes | None
    new_size: int
    new: bytes | None


Follower = tuple[int, float | None, float | None]  # since, keep, until


def put(db: Store, owner: int, change: Change) -> None:
    db.append("INSERT INTO dynamodb_changes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (owner, *change))


def page(db: Any, owner: int, after: int, up_to: int, most: int) -> list[Change]:
    """With after < sequence <= up_to, in order: the primary key."""
    rows = db.execute(
        "SELECT sequence, origin, hash, sort, old_size, old, new_size, new FROM dynamodb_changes"
        " WHERE owner = ? AND sequence > ? AND sequence <= ? ORDER BY sequence LIMIT ?",
        (owner, after, up_to, most),
    )
    return [Change(*row) for row in rows]


def first_of_each_key(
    db: Any, owner: int, at: int, after: Place | None, most: int, up_to: tuple[bytes, bytes] | None = None
) -> list[tuple[bytes, bytes, int, bytes | None]]:
    """Keys after `after`, up to and with `up_to`, that changed since `at`, with what they held before it.

    dynamodb_changes_by_key, and the primary key: CROSS keeps SQLite from reading the whole journal for each key.
    """
    start = (after.hash, after.sort) if after else (b"", b"")
    bound, end = (" AND (hash, sort) <= (?, ?)", up_to) if up_to else ("", ())
    rows = db.execute(
        "SELECT c.hash, c.sort, c.old_size, c.old FROM"
        f" (SELECT min(sequence) AS first FROM dynamodb_changes WHERE owner = ? AND (hash, sort) > (?, ?){bound}"
        "  AND sequence > ? GROUP BY hash, sort ORDER BY hash, sort LIMIT ?)"
        " CROSS JOIN dynamodb_changes c ON c.owner = ? AND c.sequence = first ORDER BY c.hash, c.sort",
        (owner, *start, *end, at, most, owner),
    )
    return list(rows)


def changed_keys(
    db: Any, owner: int, after: int, up_to: int, place: Place | None, most: int
) -> list[tuple[bytes, bytes, int, bytes | None, bytes | None, int]]:
    """Keys after `place` that changed with after < sequence <= up_to: dynamodb_changes_by_key, and the primary key.

    With the last change's sequence, what was there before the first and after the last, and the larger one's size.
    """
    start = (place.hash, place.sort) if place else (b"", b"")
    rows = db.execute(
        "SELECT l.hash, l.sort, l.sequence, f.old, l.new, max(f.old_size, l.new_size) FROM"
        " (SELECT min(sequence) AS first, max(sequence) AS last FROM dynamodb_changes WHERE owner = ?"
        "  AND (hash, sort) > (?, ?) AND sequence > ? AND sequence <= ?"
        "  GROUP BY hash, sort ORDER BY hash, sort LIMIT ?)"
        " CROSS JOIN dynamodb_changes f ON f.owner = ? AND f.sequence = first"
        " CROSS JOIN dynamodb_changes l ON l.owner = ? AND l.sequence = last ORDER BY l.hash, l.sort",
        (owner, *start, after, up_to, most, owner, owner),
    )
    return list(rows)


def first_of_key(db: Any, owner: int, at: int, hash: bytes, sort: bytes) -> tuple[int, bytes | None] | None:
    """What an item was before its first change since `at`: size and JSON; None: none since. dynamodb_changes_by_key."""
    row = db.execute(
        "SELECT old_size, old FROM dynamodb_changes WHERE owner = ? AND hash = ? AND sort = ? AND sequence > ?"
        " ORDER BY sequence LIMIT 1",
        (owner, hash, sort, at),
    ).fetchone()
    return None if row is None else (row[0], row[1])


def last(db: Store, owner: int) -> int:
    """The primary key."""
    row = db.one("SELECT max(sequence) FROM dynamodb_changes WHERE owner = ?", (owner,))
    return int(row[0] or 0) if row else 0


def first(db: Store, owner: int) -> int | None:
    """The primary key."""
    row = db.one("SELECT min(sequence) FROM dynamodb_changes WHERE owner = ?", (owner,))
    return row[0] if row else None


def trim(db: Store, owner: int, before: int, most: int) -> bool:
    """Remove up to `most` changes with a smaller sequence number; whether some may remain: the primary key."""
    db.execute(
        "DELETE FROM dynamodb_changes WHERE owner = ? AND sequence IN"
        " (SELECT sequence FROM dynamodb_changes WHERE owner = ? AND sequence < ? ORDER BY sequence LIMIT ?)",
        (owner, owner, before, most),
    )
    return int(db.db.changes()) >= most


def followers(db: Store, owner: int) -> dict[str, Follower]:
    """By name: the primary key."""
    rows = db.rows("SELECT name, since, keep, until FROM dynamodb_followers WHERE owner = ?", (owner,))
    return {name: (since, keep, until) for name, since, keep, until in rows}


def put_follower(db: Store, owner: int, name: str, follower: Follower) -> None:
    db.execute("INSERT OR REPLACE INTO dynamodb_followers VALUES (?, ?, ?, ?, ?)", (owner, name, *follower))


def drop_follower(db: Store, owner: int, name: str) -> None:
    db.execute("DELETE FROM dynamodb_followers WHERE owner = ? AND name = ?", (owner, name))


def cursor(db: Any, owner: int, after: int, up_to: int, hashes: tuple[bytes, bytes] | None = None) -> Any:
    """Over changes with after < sequence <= up_to, in order: the primary key. Close it.

    `hashes`: only those of keys from the first up to but not including the second.
    """
    return db.execute(
        "SELECT sequence, origin, hash, sort, old_size, old, new_size, new FROM dynamodb_changes"
        f" WHERE owner = ? AND sequence > ? AND sequence <= ?{' AND +hash >= ? AND +hash < ?' if hashes else ''}"
        " ORDER BY sequence",
        (owner, after, up_to, *(hashes or ())),
    )


def sequence_behind(db: Any, owner: int, after: int, count: int) -> int | None:
    """The sequence number of the `count`th change after `after`, if there are so many: the primary key."""
    row = db.execute(
        "SELECT sequence FROM dynamodb_changes WHERE owner = ? AND sequence > ? ORDER BY sequence LIMIT 1 OFFSET ?",
        (owner, after, count - 1),
    ).fetchone()
    return row[0] if row else None
