"""Messages, message groups, and what FIFO queues remember.

A message's place is one integer: its queue's number above, a counter in the low 40 bits. Places only grow, so sending
appends at the table's end of that queue. One index says what is ready (visible = 0) and what is hidden until when, a
second one which are old, a third one where a message group's messages lie. A purged queue gets a new number: its rows
are gone for everybody at once, and leave the disk in the background.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pocketlake.kernel.store import Store

MIGRATIONS = [
    """
    CREATE TABLE sqs_queues (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        arn TEXT NOT NULL,              -- '' when the queue was deleted or purged: the sweep takes its messages
        reserved INTEGER NOT NULL       -- counters below this may have been given out
    );
    CREATE TABLE sqs_messages (
        position INTEGER PRIMARY KEY,   -- queue << 40 | counter
        queue INTEGER NOT NULL,
        visible INTEGER NOT NULL,       -- milliseconds: hidden until then; 0: ready
        receives INTEGER NOT NULL,
        first INTEGER NOT NULL,         -- milliseconds of the first receive, or 0
        sent INTEGER NOT NULL,          -- milliseconds
        message BLOB NOT NULL,          -- the MessageId's 16 bytes
        grp TEXT, dedup TEXT,
        sender TEXT NOT NULL,
        source TEXT,                    -- ARN of the queue whose dead letter it is
        large INTEGER,                  -- where the body lies when it is large
        body TEXT,
        attributes BLOB                 -- see message_attributes.py
    );
    CREATE INDEX sqs_messages_by_visibility ON sqs_messages (queue, visible);
    CREATE INDEX sqs_messages_by_age ON sqs_messages (queue, sent);
    CREATE INDEX sqs_messages_by_group ON sqs_messages (queue, grp) WHERE grp IS NOT NULL;
    CREATE TABLE sqs_large (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE sqs_groups (
        queue INTEGER NOT NULL, name TEXT NOT NULL,
        hidden INTEGER NOT NULL,        -- milliseconds: gives no messages until then; 0: ready
        head INTEGER NOT NULL,          -- place of its first message
        PRIMARY KEY (queue, name)
    ) WITHOUT ROWID;
    CREATE INDEX sqs_groups_by_turn ON sqs_groups (queue, hidden, head);
    CREATE TABLE sqs_deduplication (
        queue INTEGER NOT NULL, key TEXT NOT NULL,
        until INTEGER NOT NULL, message BLOB NOT NULL, counter INTEGER NOT NULL,
        PRIMARY KEY (queue, key)
    ) WITHOUT ROWID;
    CREATE INDEX sqs_deduplication_by_end ON sqs_deduplication (queue, until);
    CREATE TABLE sqs_attempts (
        queue INTEGER NOT NULL, attempt TEXT NOT NULL, until INTEGER NOT NULL, positions BLOB NOT NULL,
        PRIMARY KEY (queue, attempt)
    ) WITHOUT ROWID;
    """
]

COUNTER_BITS = 40
COUNTERS = 1 << COUNTER_BITS
LARGE_CHARACTERS = 4096  # longer bodies lie apart, so that receiving them does not write them again

READ = "position, receives, first, sent, message, grp, dedup, sender, source, large, body, attributes"


class Row(NamedTuple):
    """A message as it is read, in the order of READ."""

    position: int
    receives: int
    first: int
    sent: int
    message: bytes
    grp: str | None
    dedup: str | None
    sender: str
    source: str | None
    large: int | None
    body: str | None
    attributes: bytes | None


# Queues


def open_queue(db: Store, arn: str) -> int:
    """A new queue's number."""
    db.execute("INSERT INTO sqs_queues (arn, reserved) VALUES (?, 1)", (arn,))
    row = db.one("SELECT last_insert_rowid()")
    assert row is not None
    return int(row[0])


def abandon(db: Store, id: int) -> None:
    db.execute("UPDATE sqs_queues SET arn = '' WHERE id = ?", (id,))


def abandoned(db: Store) -> int | None:
    row = db.one("SELECT id FROM sqs_queues WHERE arn = '' LIMIT 1")
    return None if row is None else int(row[0])


def reserved(db: Store, id: int) -> int:
    row = db.one("SELECT reserved FROM sqs_queues WHERE id = ?", (id,))
    assert row is not None
    return int(row[0])


def reserve(db: Store, id: int, upto: int) -> None:
    db.execute("UPDATE sqs_queues SET reserved = ? WHERE id = ?", (upto, id))


def sweep(db: Store, id: int, rows: int) -> bool:
    """Remove some of an abandoned queue's messages, and the queue with the last of them; whether some remain."""
    low, high = id << COUNTER_BITS, (id + 1) << COUNTER_BITS
    found = db.rows(
        "SELECT position, large FROM sqs_messages WHERE position >= ? AND position < ? LIMIT ?", (low, high, rows)
    )
    if found:
        db.execute("DELETE FROM sqs_messages WHERE position >= ? AND position <= ?", (low, found[-1][0]))
        forget_large(db, [large for _, large in found if large is not None])
        return True
    for table in ("sqs_groups", "sqs_deduplication", "sqs_attempts"):
        db.execute(f"DELETE FROM {table} WHERE queue = ?", (id,))
    db.execute("DELETE FROM sqs_queues WHERE id = ?", (id,))
    return False


# Counting


def counts(db: Store, id: int) -> tuple[int, int, int, int | None, int | None]:
    """Ready, in flight and delayed messages, when the next one ceases to be hidden, and when the oldest was sent.

    sqs_messages_by_visibility, sqs_messages_by_age.
    """
    ((ready,),) = db.rows("SELECT count(*) FROM sqs_messages WHERE queue = ? AND visible = 0", (id,))
    hidden: dict[bool, int] = {False: 0, True: 0}
    returns = []
    for received, count, soonest in db.execute(
        "SELECT receives > 0, count(*), min(visible) FROM sqs_messages WHERE queue = ? AND visible > 0 GROUP BY 1",
        (id,),
    ):
        hidden[bool(received)] = count
        returns.append(soonest)
    ((oldest,),) = db.rows("SELECT min(sent) FROM sqs_messages WHERE queue = ?", (id,))
    return ready, hidden[True], hidden[False], min(returns, default=None), oldest


def next_visible(db: Store, id: int) -> int | None:
    """sqs_messages_by_visibility."""
    row = db.one("SELECT min(visible) FROM sqs_messages WHERE queue = ? AND visible > 0", (id,))
    return None if row is None else row[0]


def in_flight_by_group(db: Store, id: int) -> dict[str, int]:
    """sqs_messages_by_visibility."""
    rows = db.execute(
        "SELECT grp, count(*) FROM sqs_messages WHERE queue = ? AND visible > 0 AND receives > 0 AND +grp IS NOT NULL"
        " GROUP BY 1",
        (id,),
    )
    return dict(rows)


# Sending

SEND = "INSERT INTO sqs_messages VALUES (?, ?, ?, 0, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
SEND_LARGE = "INSERT INTO sqs_large VALUES (?, ?)"


def send(
    db: Store,
    position: int,
    visible: int,
    sent: int,
    message: bytes,
    grp: str | None,
    dedup: str | None,
    sender: str,
    body: str,
    attributes: bytes | None,
    source: str | None = None,
) -> None:
    """One message under a new position."""
    queue, large, inline = position >> COUNTER_BITS, None, body
    if len(body) > LARGE_CHARACTERS:
        db.append(SEND_LARGE, (position, body))
        large, inline = position, None  # type: ignore[assignment]
    db.append(SEND, (position, queue, visible, sent, message, grp, dedup, sender, source, large, inline, attributes))


# Receiving


def ready(db: Store, queue: int, limit: int) -> list[Row]:
    """The first ready messages: sqs_messages_by_visibility, which ends in the position."""
    rows = db.rows(
        f"SELECT {READ} FROM sqs_messages WHERE queue = ? AND visible = 0 ORDER BY position LIMIT ?", (queue, limit)
    )
    return [Row(*row) for row in rows]


def ready_of_others(db: Store, queue: int, groups: Sequence[str], limit: int, looking: int) -> list[int]:
    """Places of the first ready messages that are of none of these groups, among the first `looking` ready ones."""
    marks = ", ".join("?" * len(groups))
    rows = db.rows(
        "SELECT position FROM (SELECT position, grp FROM sqs_messages WHERE queue = ? AND visible = 0"
        f" ORDER BY position LIMIT ?) WHERE grp IS NULL OR grp NOT IN ({marks}) LIMIT ?",
        (queue, looking, *groups, limit),
    )
    return [position for (position,) in rows]


def at(db: Store, positions: Sequence[int]) -> list[Row]:
    """The primary key."""
    marks = ", ".join("?" * len(positions))
    rows = db.rows(f"SELECT {READ} FROM sqs_messages WHERE position IN ({marks}) ORDER BY position", positions)
    return [Row(*row) for row in rows]


def take(db: Store, rows: Sequence[Row], visible: int, now: int) -> None:
    """Hide what was received until `visible` and count the receive."""
    db.executemany(
        "UPDATE sqs_messages SET visible = ?, receives = ?, first = ? WHERE position = ?",
        [(visible, row.receives + 1, row.first or now, row.position) for row in rows],
    )


def large_body(db: Store, id: int) -> str:
    row = db.one("SELECT body FROM sqs_large WHERE id = ?", (id,))
    assert row is not None
    return str(row[0])


def returning(db: Store, queue: int, now: int) -> list[tuple[int, str | None]]:
    """Receives and group of the messages that have ceased to be hidden: sqs_messages_by_visibility."""
    return db.rows(
        "SELECT receives, grp FROM sqs_messages WHERE queue = ? AND visible > 0 AND visible <= ?", (queue, now)
    )


def due(db: Store, queue: int, now: int) -> tuple[int, int]:
    """How many messages in flight, and delayed ones, have ceased to be hidden: sqs_messages_by_visibility."""
    rows = db.rows(
        "SELECT receives > 0, count(*) FROM sqs_messages WHERE queue = ? AND visible > 0 AND visible <= ? GROUP BY 1",
        (queue, now),
    )
    found = {bool(received): count for received, count in rows}
    return found.get(True, 0), found.get(False, 0)


def make_ready(db: Store, queue: int, now: int) -> None:
    """sqs_messages_by_visibility, sqs_groups_by_turn."""
    db.execute("UPDATE sqs_messages SET visible = 0 WHERE queue = ? AND visible > 0 AND visible <= ?", (queue, now))
    db.execute("UPDATE sqs_groups SET hidden = 0 WHERE queue = ? AND hidden > 0 AND hidden <= ?", (queue, now))


# One message


def find(db: Store, position: int) -> tuple[int, int, int, str | None, int | None] | None:
    """Visible, receives, first, group, large: the primary key."""
    return db.one("SELECT visible, receives, first, grp, large FROM sqs_messages WHERE position = ?", (position,))


def take_away(db: Store, position: int) -> tuple[int, int, str | None] | None:
    """Delete a message; its visible, receives and group. None when it has gone before."""
    row = db.one("DELETE FROM sqs_messages WHERE position = ? RETURNING visible, receives, grp, large", (position,))
    if row is None:
        return None
    if row[3] is not None:
        forget_large(db, [row[3]])
    return row[0], row[1], row[2]


def forget_large(db: Store, ids: Sequence[int]) -> None:
    if ids:
        db.executemany("DELETE FROM sqs_large WHERE id = ?", [(id,) for id in ids])


def hide(db: Store, position: int, visible: int) -> None:
    db.execute("UPDATE sqs_messages SET visible = ? WHERE position = ?", (visible, position))


def move(db: Store, row: Row, position: int, sent: int, source: str | None) -> None:
    """To another place, mostly in another queue, where it is ready."""
    db.execute(
        "UPDATE sqs_messages SET position = ?, queue = ?, visible = 0, sent = ?, source = ? WHERE position = ?",
        (position, position >> COUNTER_BITS, sent, source, row.position),
    )


def redrive(db: Store, row: Row, position: int, sent: int, message: bytes, visible: int) -> None:
    """As `move`, but as a new message."""
    db.execute(
        "UPDATE sqs_messages SET position = ?, queue = ?, visible = ?, receives = 0, first = 0, sent = ?, message = ?,"
        " source = NULL WHERE position = ?",
        (position, position >> COUNTER_BITS, visible, sent, message, row.position),
    )


# Age


def expired(db: Store, queue: int, horizon: int, limit: int) -> list[tuple[int, int, int, str | None, int | None]]:
    """Position, visible, receives, group and large of messages sent at or before `horizon`: sqs_messages_by_age."""
    return db.rows(
        "SELECT position, visible, receives, grp, large FROM sqs_messages WHERE queue = ? AND sent <= ?"
        " ORDER BY sent LIMIT ?",
        (queue, horizon, limit),
    )


def delete_many(db: Store, positions: Sequence[int]) -> None:
    db.executemany("DELETE FROM sqs_messages WHERE position = ?", [(position,) for position in positions])


def oldest(db: Store, queue: int) -> int | None:
    """sqs_messages_by_age."""
    row = db.one("SELECT min(sent) FROM sqs_messages WHERE queue = ?", (queue,))
    return None if row is None else row[0]


def oldest_unfailed(db: Store, queue: int, receives: int) -> int | None:
    """When the oldest message was sent that has not been received so often: sqs_messages_by_age."""
    row = db.one(
        "SELECT sent FROM sqs_messages WHERE queue = ? AND receives < ? ORDER BY sent LIMIT 1", (queue, receives)
    )
    return None if row is None else int(row[0])


def groups_in_flight(db: Store, queue: int, now: int) -> int:
    """sqs_messages_by_visibility."""
    ((count,),) = db.rows(
        "SELECT count(DISTINCT grp) FROM sqs_messages WHERE queue = ? AND visible > ? AND receives > 0", (queue, now)
    )
    return int(count)


def delayed(db: Store, queue: int) -> list[tuple[int, int]]:
    """Position and sent of messages that nobody has received yet and that are hidden: sqs_messages_by_visibility."""
    return db.rows("SELECT position, sent FROM sqs_messages WHERE queue = ? AND visible > 0 AND receives = 0", (queue,))


def hide_many(db: Store, times: Sequence[tuple[int, int]]) -> None:
    """Visible and position of each."""
    db.executemany("UPDATE sqs_messages SET visible = ? WHERE position = ?", times)
