"""When, and in which region, items of a global table's replica were last written: what decides which write stays.

A write made here is in the replica's journal; of one that came from another region a row tells. What has neither was
written before anything that can still arrive.
"""

from __future__ import annotations

from pocketlake.kernel.store import Store

from .. import history

ORIGIN = "replica:"  # who changed an item, in the table's journal, where another region's replica did

WriteTime = tuple[int, str]  # sequence number in the journal of the region that wrote, and the region


def is_local(origin: str) -> bool:
    return not origin.startswith(ORIGIN)


def last(db: Store, owner: int, region: str, hash: bytes, sort: bytes) -> WriteTime:
    """The item's last write as this replica, in `region`, knows it: the primary key, and dynamodb_changes_by_key.

    Of the journal the last change alone counts: if it came from elsewhere, it was later than all before it, and has a
    row of its own.
    """
    found = (0, "")
    row = db.one(
        "SELECT sequence, region FROM dynamodb_write_times WHERE owner = ? AND hash = ? AND sort = ?",
        (owner, hash, sort),
    )
    if row is not None:
        found = (int(row[0]), str(row[1]))
    row = db.one(
        "SELECT sequence, origin FROM dynamodb_changes INDEXED BY dynamodb_changes_by_key"
        " WHERE owner = ? AND hash = ? AND sort = ? ORDER BY sequence DESC LIMIT 1",
        (owner, hash, sort),
    )
    return max(found, (int(row[0]), region)) if row is not None and is_local(row[1]) else found


def put(db: Store, owner: int, hash: bytes, sort: bytes, written: WriteTime) -> None:
    db.append("INSERT OR REPLACE INTO dynamodb_write_times VALUES (?, ?, ?, ?, ?)", (owner, hash, sort, *written))


def forget(db: Store, owner: int, before: float, most: int) -> bool:
    """Rows of writes before that moment (seconds), up to `most`; whether some may remain.

    dynamodb_write_times_by_age serves this.
    """
    db.execute(
        "DELETE FROM dynamodb_write_times WHERE owner = ? AND (hash, sort) IN (SELECT hash, sort FROM"
        " dynamodb_write_times WHERE owner = ? AND sequence < ? ORDER BY sequence LIMIT ?)",
        (owner, owner, history.sequence_at(before), most),
    )
    return int(db.db.changes()) >= most
