"""What FIFO queues keep beside their messages: groups, deduplication IDs, and attempts to receive."""

from __future__ import annotations

from pocketlake.kernel.store import Store

from .store import READ, Row

FORGOTTEN = 10_000  # deduplication IDs that one turn removes
OPEN_GROUP = "INSERT OR IGNORE INTO sqs_groups VALUES (?, ?, ?, ?)"
REMEMBER = "INSERT OR REPLACE INTO sqs_deduplication VALUES (?, ?, ?, ?, ?)"


def open_group(db: Store, queue: int, name: str, hidden: int, head: int) -> None:
    """Unless it is open."""
    db.append(OPEN_GROUP, (queue, name, hidden, head))


def remember(db: Store, queue: int, key: str, until: int, message: bytes, counter: int) -> None:
    db.append(REMEMBER, (queue, key, until, message, counter))


def remembered(db: Store, queue: int, key: str, now: int) -> tuple[bytes, int] | None:
    """The message that was sent under this deduplication key: the primary key."""
    row = db.one(
        "SELECT message, counter FROM sqs_deduplication WHERE queue = ? AND key = ? AND until > ?", (queue, key, now)
    )
    return None if row is None else (row[0], row[1])


def all_remembered(db: Store, queue: int, now: int, limit: int) -> list[tuple[str, int, bytes, int]]:
    """Key, end, message and counter by end, at most so many: sqs_deduplication_by_end."""
    return db.rows(
        "SELECT key, until, message, counter FROM sqs_deduplication WHERE queue = ? AND until > ?"
        " ORDER BY until LIMIT ?",
        (queue, now, limit),
    )


def forget_ended(db: Store, queue: int, now: int) -> None:
    """Some of it, and more than comes between two calls. sqs_deduplication_by_end; attempts are few."""
    db.execute(
        "DELETE FROM sqs_deduplication WHERE queue = ? AND key IN"
        " (SELECT key FROM sqs_deduplication WHERE queue = ? AND until <= ? LIMIT ?)",
        (queue, queue, now, FORGOTTEN),
    )
    db.execute("DELETE FROM sqs_attempts WHERE queue = ? AND until <= ?", (queue, now))


def ready_of_group(db: Store, queue: int, name: str, limit: int) -> list[Row]:
    """In order: sqs_messages_by_group, which ends in the position."""
    rows = db.rows(
        f"SELECT {READ} FROM sqs_messages INDEXED BY sqs_messages_by_group"
        " WHERE queue = ? AND grp = ? AND visible = 0 ORDER BY position LIMIT ?",
        (queue, name, limit),
    )
    return [Row(*row) for row in rows]


def ready_groups(db: Store, queue: int, after: int, limit: int) -> list[tuple[str, int]]:
    """Name and head; those whose first message has waited longest come first: sqs_groups_by_turn."""
    return db.rows(
        "SELECT name, head FROM sqs_groups WHERE queue = ? AND hidden = 0 AND head > ? ORDER BY head LIMIT ?",
        (queue, after, limit),
    )


def remember_attempt(db: Store, queue: int, attempt: str, until: int, positions: bytes) -> None:
    db.execute("INSERT OR REPLACE INTO sqs_attempts VALUES (?, ?, ?, ?)", (queue, attempt, until, positions))


def attempt(db: Store, queue: int, attempt: str, now: int) -> bytes | None:
    row = db.one(
        "SELECT positions FROM sqs_attempts WHERE queue = ? AND attempt = ? AND until > ?", (queue, attempt, now)
    )
    return None if row is None else row[0]


def group_head(db: Store, queue: int, name: str, limit: int) -> list[tuple[int, int, int]]:
    """Position, visible and receives of its first messages: sqs_messages_by_group."""
    return db.rows(
        "SELECT position, visible, receives FROM sqs_messages INDEXED BY sqs_messages_by_group"
        " WHERE queue = ? AND grp = ? ORDER BY position LIMIT ?",
        (queue, name, limit),
    )


def set_group(db: Store, queue: int, name: str, hidden: int, head: int) -> None:
    db.execute("INSERT OR REPLACE INTO sqs_groups VALUES (?, ?, ?, ?)", (queue, name, hidden, head))


def close_group(db: Store, queue: int, name: str) -> None:
    db.execute("DELETE FROM sqs_groups WHERE queue = ? AND name = ?", (queue, name))
