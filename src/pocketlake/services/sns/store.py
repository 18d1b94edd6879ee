"""SQL of the messages: FIFO topics' counters and memory, the archive, deliveries that are due, and the outbox.

What FIFO topics keep stands under a name of the topic's own (`live.log`), so that of a deleted topic what is left of it
is nobody's, and can go some rows at a time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from pocketlake.kernel.store import Store

MIGRATIONS = [
    """
    CREATE TABLE sns_sequences (topic TEXT NOT NULL PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE sns_deduplication (
        topic TEXT NOT NULL, scoped TEXT NOT NULL, until REAL NOT NULL, message TEXT NOT NULL, sequence TEXT NOT NULL,
        PRIMARY KEY (topic, scoped)
    ) WITHOUT ROWID;
    CREATE INDEX sns_deduplication_by_end ON sns_deduplication (topic, until);
    CREATE TABLE sns_archive (
        topic TEXT NOT NULL, sequence TEXT NOT NULL, sent REAL NOT NULL, message BLOB NOT NULL,
        PRIMARY KEY (topic, sequence)
    ) WITHOUT ROWID;
    CREATE INDEX sns_archive_by_time ON sns_archive (topic, sent);
    CREATE TABLE sns_deliveries (
        id INTEGER PRIMARY KEY AUTOINCREMENT, subscription TEXT NOT NULL, failures INTEGER NOT NULL,
        content BLOB NOT NULL
    );
    CREATE INDEX sns_deliveries_by_subscription ON sns_deliveries (subscription, id);
    CREATE TABLE sns_outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, region TEXT NOT NULL, protocol TEXT NOT NULL,
        recipient TEXT NOT NULL, sent REAL NOT NULL, content BLOB NOT NULL
    );
    CREATE INDEX sns_outbox_by_owner ON sns_outbox (account, region, id);
    """
]


# FIFO topics


SEQUENCES = 10**19  # sequence numbers have twenty digits
LAST = "9" * 20


def next_sequence(db: Store, topic: str) -> str:
    """The next sequence number of the topic."""
    row = db.one(
        "INSERT INTO sns_sequences VALUES (?, 1) ON CONFLICT (topic) DO UPDATE SET last = last + 1 RETURNING last",
        (topic,),
    )
    assert row is not None
    return str(SEQUENCES + row[0])


def last_sequence(db: Store, topic: str) -> str:
    """That of the message published last; of none it is smaller than any."""
    row = db.one("SELECT last FROM sns_sequences WHERE topic = ?", (topic,))
    return str(SEQUENCES + (0 if row is None else row[0]))


def remembered(db: Store, topic: str, scoped: str, now: float) -> tuple[str, str] | None:
    """ID and sequence number of the message that was published with this deduplication ID."""
    row = db.one(
        "SELECT message, sequence FROM sns_deduplication WHERE topic = ? AND scoped = ? AND until > ?",
        (topic, scoped, now),
    )
    return None if row is None else (row[0], row[1])


def remember(db: Store, topic: str, scoped: str, until: float, message: str, sequence: str, now: float) -> None:
    """Of what has run out, two go for each one that comes. sns_deduplication_by_end serves this."""
    db.execute(
        "DELETE FROM sns_deduplication WHERE topic = ? AND scoped IN"
        " (SELECT scoped FROM sns_deduplication WHERE topic = ? AND until <= ? LIMIT 2)",
        (topic, topic, now),
    )
    db.execute(
        "INSERT OR REPLACE INTO sns_deduplication VALUES (?, ?, ?, ?, ?)", (topic, scoped, until, message, sequence)
    )


def forget_topic(db: Store, topic: str, most: int) -> bool:
    """Remove some of what a deleted topic kept; whether some remains."""
    db.execute("DELETE FROM sns_sequences WHERE topic = ?", (topic,))
    is_left = False
    for table, column in (("sns_deduplication", "scoped"), ("sns_archive", "sequence")):
        db.execute(
            f"DELETE FROM {table} WHERE topic = ? AND {column} IN"
            f" (SELECT {column} FROM {table} WHERE topic = ? LIMIT ?)",
            (topic, topic, most),
        )
        is_left |= db.one(f"SELECT 1 FROM {table} WHERE topic = ? LIMIT 1", (topic,)) is not None
    return is_left


# The archive


def archive(db: Store, topic: str, sequence: str, sent: float, message: bytes) -> None:
    db.append("INSERT INTO sns_archive VALUES (?, ?, ?, ?)", (topic, sequence, sent, message))


def archived(
    db: Store, topic: str, after: str, begin: float, end: float | None, most: int
) -> list[tuple[str, float, bytes]]:
    """Messages of the topic after this sequence number, sent from `begin` on and before `end`, oldest first.

    Times rise with sequence numbers: sns_archive_by_time finds the first and the last one, the primary key the rest.
    """
    sent = "SELECT sequence FROM sns_archive WHERE topic = ? AND sent"
    first = db.one(f"{sent} >= ? ORDER BY sent, sequence LIMIT 1", (topic, begin))
    last = (LAST,) if end is None else db.one(f"{sent} < ? ORDER BY sent DESC, sequence DESC LIMIT 1", (topic, end))
    if first is None or last is None:
        return []
    place, beyond = (after, ">") if after >= first[0] else (first[0], ">=")
    return db.rows(
        f"SELECT sequence, sent, message FROM sns_archive WHERE topic = ? AND sequence {beyond} ? AND sequence <= ?"
        " ORDER BY sequence LIMIT ?",
        (topic, place, last[0], most),
    )


def expire_archive(db: Store, topic: str, before: float, most: int) -> bool:
    """Remove some of what is older; whether some remains. sns_archive_by_time serves this."""
    old = "SELECT sequence FROM sns_archive WHERE topic = ? AND sent < ? LIMIT ?"
    db.execute(f"DELETE FROM sns_archive WHERE topic = ? AND sequence IN ({old})", (topic, topic, before, most))
    return db.one(old, (topic, before, 1)) is not None


def oldest_archived(db: Store, topic: str) -> float | None:
    row = db.one("SELECT min(sent) FROM sns_archive WHERE topic = ?", (topic,))
    return None if row is None else row[0]


# Deliveries to servers outside


class Delivery(NamedTuple):
    """`content` holds all that the request needs, so that a delivery outlives its subscription."""

    id: int
    subscription: str
    failures: int
    content: dict[str, Any]


def add_delivery(db: Store, subscription: str, content: dict[str, Any]) -> int:
    row = db.one(
        "INSERT INTO sns_deliveries (subscription, failures, content) VALUES (?, 0, ?) RETURNING id",
        (subscription, orjson.dumps(content)),
    )
    assert row is not None
    return int(row[0])


def delivery(db: Store, number: int) -> Delivery | None:
    row = db.one("SELECT id, subscription, failures, content FROM sns_deliveries WHERE id = ?", (number,))
    return None if row is None else Delivery(row[0], row[1], row[2], orjson.loads(row[3]))


def has_backlog(db: Store, subscription: str) -> bool:
    """sns_deliveries_by_subscription serves this."""
    return db.one("SELECT 1 FROM sns_deliveries WHERE subscription = ? LIMIT 1", (subscription,)) is not None


def backlog(db: Store, subscription: str, most: int) -> list[Delivery]:
    """Oldest first. sns_deliveries_by_subscription serves this."""
    rows = db.rows(
        "SELECT id, subscription, failures, content FROM sns_deliveries WHERE subscription = ? ORDER BY id LIMIT ?",
        (subscription, most),
    )
    return [Delivery(row[0], row[1], row[2], orjson.loads(row[3])) for row in rows]


def count_failure(db: Store, number: int) -> None:
    db.execute("UPDATE sns_deliveries SET failures = failures + 1 WHERE id = ?", (number,))


def remove_delivery(db: Store, number: int) -> None:
    db.execute("DELETE FROM sns_deliveries WHERE id = ?", (number,))


# The outbox


def post(
    db: Store, account: str, region: str, protocol: str, recipient: str, sent: float, content: dict[str, Any]
) -> None:
    db.append(
        "INSERT INTO sns_outbox (account, region, protocol, recipient, sent, content) VALUES (?, ?, ?, ?, ?, ?)",
        (account, region, protocol, recipient, sent, orjson.dumps(content)),
    )


def posted(
    db: Store, account: str, region: str, after: int, protocol: str | None, recipient: str | None, most: int
) -> list[tuple[int, str, str, float, bytes]]:
    """Of every protocol and recipient where None is given. sns_outbox_by_owner serves this."""
    return db.rows(
        "SELECT id, protocol, recipient, sent, content FROM sns_outbox WHERE account = ? AND region = ? AND id > ?"
        " AND protocol = coalesce(?, protocol) AND recipient = coalesce(?, recipient) ORDER BY id LIMIT ?",
        (account, region, after, protocol, recipient, most),
    )
