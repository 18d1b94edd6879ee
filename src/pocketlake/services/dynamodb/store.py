"""Items, and the entries of secondary indexes.

An item lies under its table's number, its partition key and its sort key, as bytes that compare as the values do (see
keys.py); a partition key begins with four bytes of hash, so a scan goes in hash order and segments are ranges. An entry
of an index is the index's key and the item's: reading an index looks items up by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pocketlake.kernel.store import Store

MIGRATIONS = [
    """
    CREATE TABLE dynamodb_numbers (
        id INTEGER PRIMARY KEY AUTOINCREMENT,   -- of a table or an index
        name TEXT NOT NULL                      -- its ARN; '' when it is gone and its rows wait for the sweep
    );
    CREATE INDEX dynamodb_numbers_gone ON dynamodb_numbers (name) WHERE name = '';
    CREATE TABLE dynamodb_items (
        owner INTEGER NOT NULL,         -- the table's number
        hash BLOB NOT NULL, sort BLOB NOT NULL,
        size INTEGER NOT NULL,          -- bytes, as AWS counts them
        item BLOB NOT NULL,             -- JSON as on the wire
        PRIMARY KEY (owner, hash, sort)
    ) WITHOUT ROWID;
    CREATE TABLE dynamodb_entries (
        owner INTEGER NOT NULL,         -- the index's number
        hash BLOB NOT NULL, sort BLOB NOT NULL, item_hash BLOB NOT NULL, item_sort BLOB NOT NULL,
        size INTEGER NOT NULL,          -- bytes of the projected attributes
        PRIMARY KEY (owner, hash, sort, item_hash, item_sort)
    ) WITHOUT ROWID;
    CREATE TABLE dynamodb_tokens (
        account TEXT NOT NULL, region TEXT NOT NULL, token TEXT NOT NULL,
        request BLOB NOT NULL,          -- digest of what was asked
        expires REAL NOT NULL,
        PRIMARY KEY (account, region, token)
    ) WITHOUT ROWID;
    CREATE INDEX dynamodb_tokens_by_expiry ON dynamodb_tokens (expires);
    CREATE TABLE dynamodb_expiries (
        owner INTEGER NOT NULL, expires INTEGER NOT NULL, hash BLOB NOT NULL, sort BLOB NOT NULL,
        PRIMARY KEY (owner, expires, hash, sort)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE dynamodb_changes (     -- of the items of tables that somebody follows: see history.py
        owner INTEGER NOT NULL, sequence INTEGER NOT NULL,
        origin TEXT NOT NULL,           -- '' where a caller made it
        hash BLOB NOT NULL, sort BLOB NOT NULL,
        old_size INTEGER NOT NULL, old BLOB,    -- the item before; NULL: there was none
        new_size INTEGER NOT NULL, new BLOB,
        PRIMARY KEY (owner, sequence)
    ) WITHOUT ROWID;
    CREATE INDEX dynamodb_changes_by_key ON dynamodb_changes (owner, hash, sort, sequence);
    CREATE TABLE dynamodb_followers (
        owner INTEGER NOT NULL, name TEXT NOT NULL,
        since INTEGER NOT NULL,         -- the sequence number from which it needs changes
        keep REAL,                      -- seconds that each is needed for; NULL: until it is released
        until REAL,                     -- when it stops of itself
        PRIMARY KEY (owner, name)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE dynamodb_collections (     -- of tables with local indexes: see collections.py
        owner INTEGER NOT NULL, hash BLOB NOT NULL,
        size INTEGER NOT NULL,              -- bytes of items and of their entries in local indexes
        PRIMARY KEY (owner, hash)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE dynamodb_write_times (     -- of items of replicas that were last written elsewhere: see write_times.py
        owner INTEGER NOT NULL, hash BLOB NOT NULL, sort BLOB NOT NULL,
        sequence INTEGER NOT NULL,          -- in the journal of the replica that wrote
        region TEXT NOT NULL,               -- its region
        PRIMARY KEY (owner, hash, sort)
    ) WITHOUT ROWID;
    CREATE INDEX dynamodb_write_times_by_age ON dynamodb_write_times (owner, sequence);
    """,
]

PUT = "INSERT OR REPLACE INTO dynamodb_items VALUES (?, ?, ?, ?, ?)"
LAST = b"\xff" * 4096  # after every partition key


@dataclass(slots=True, frozen=True)
class Place:
    """Where an item lies, in a table or in an index: an index's place has the item's own key beneath it."""

    hash: bytes
    sort: bytes
    item_hash: bytes = b""
    item_sort: bytes = b""


@dataclass(slots=True, frozen=True)
class Bounds:
    """Sort keys of one partition: from `low` up to but not including `high`; None is unbounded."""

    low: bytes = b""
    high: bytes | None = None


def number(db: Store, name: str) -> int:
    """A number for a new table or index; numbers are not given twice."""
    db.execute("INSERT INTO dynamodb_numbers (name) VALUES (?)", (name,))
    return int(db.db.last_insert_rowid())


def rename(db: Store, owner: int, name: str) -> None:
    """The rows under this number are another's from now on."""
    db.execute("UPDATE dynamodb_numbers SET name = ? WHERE id = ?", (name, owner))


def abandon(db: Store, owner: int) -> None:
    """A table or index is gone; its rows wait for the sweep."""
    db.execute("UPDATE dynamodb_numbers SET name = '' WHERE id = ?", (owner,))


def abandoned(db: Store) -> int | None:
    """One whose rows nobody reads any more: dynamodb_numbers_gone."""
    row = db.one(
        "SELECT id FROM dynamodb_numbers WHERE name = ''"
        " AND id NOT IN (SELECT owner FROM dynamodb_followers WHERE keep IS NULL) LIMIT 1"
    )
    return None if row is None else int(row[0])


def name_of(db: Store, owner: int) -> str:
    """The ARN of a table or index; "" when it is gone."""
    row = db.one("SELECT name FROM dynamodb_numbers WHERE id = ?", (owner,))
    return "" if row is None else str(row[0])


def sweep(db: Store, owner: int, most: int) -> bool:
    """Remove up to `most` rows of each kind; whether some may remain. The primary keys serve this."""
    found = 0
    for table, key in (
        ("dynamodb_items", "hash, sort"),
        ("dynamodb_entries", "hash, sort, item_hash, item_sort"),
        ("dynamodb_expiries", "expires, hash, sort"),
        ("dynamodb_collections", "hash"),
        ("dynamodb_write_times", "hash, sort"),
    ):
        db.execute(
            f"DELETE FROM {table} WHERE owner = ? AND ({key}) IN (SELECT {key} FROM {table} WHERE owner = ? LIMIT ?)",
            (owner, owner, most),
        )
        found = max(found, db.db.changes())
    if found < most:
        db.execute("DELETE FROM dynamodb_numbers WHERE id = ?", (owner,))
    return found >= most


# Items


def get(db: Store, owner: int, hash: bytes, sort: bytes) -> tuple[int, bytes] | None:
    """Size and JSON of an item: the primary key."""
    return db.one(
        "SELECT size, item FROM dynamodb_items WHERE owner = ? AND hash = ? AND sort = ?", (owner, hash, sort)
    )


def put(db: Store, owner: int, hash: bytes, sort: bytes, size: int, item: bytes) -> None:
    db.append(PUT, (owner, hash, sort, size, item))


def delete(db: Store, owner: int, hash: bytes, sort: bytes) -> None:
    db.append("DELETE FROM dynamodb_items WHERE owner = ? AND hash = ? AND sort = ?", (owner, hash, sort))


def partition(db: Store, owner: int, hash: bytes, bounds: Bounds, after: Place | None, reverse: bool) -> Any:
    """A cursor over (size, item) of one partition in order of the sort key: the primary key. Close it."""
    where, parameters = _bounded(bounds)
    if after is not None:
        where += f" AND sort {'<' if reverse else '>'} ?"
        parameters.append(after.sort)
    return db.execute(
        f"SELECT size, item FROM dynamodb_items WHERE owner = ? AND hash = ?{where}"
        f" ORDER BY sort{' DESC' if reverse else ''}",
        (owner, hash, *parameters),
    )


def scan(db: Store, owner: int, low: bytes, high: bytes, after: Place | None) -> Any:
    """A cursor over (size, item) with partition keys in [low, high): the primary key. Close it."""
    where, parameters = "", []
    if after is not None:
        where, parameters = " AND (hash, sort) > (?, ?)", [after.hash, after.sort]
        low = max(low, after.hash)
    return db.execute(
        f"SELECT size, item FROM dynamodb_items WHERE owner = ? AND hash >= ? AND hash < ?{where} ORDER BY hash, sort",
        (owner, low, high, *parameters),
    )


def measure(db: Store, owner: int, most: int) -> tuple[int, int]:
    """Items and bytes among the first `most` of a table or index: the primary key."""
    found = db.one(
        "SELECT count(*), total(size) FROM (SELECT size FROM dynamodb_items WHERE owner = ? LIMIT ?)", (owner, most)
    )
    assert found is not None
    return int(found[0]), int(found[1])


def measure_entries(db: Store, owner: int, most: int) -> tuple[int, int]:
    found = db.one(
        "SELECT count(*), total(size) FROM (SELECT size FROM dynamodb_entries WHERE owner = ? LIMIT ?)", (owner, most)
    )
    assert found is not None
    return int(found[0]), int(found[1])


def collection(db: Store, owner: int, hash: bytes) -> int | None:
    """Bytes of an item collection, where they are kept: the primary key."""
    row = db.one("SELECT size FROM dynamodb_collections WHERE owner = ? AND hash = ?", (owner, hash))
    return None if row is None else int(row[0])


def put_collection(db: Store, owner: int, hash: bytes, size: int) -> None:
    db.append("INSERT OR REPLACE INTO dynamodb_collections VALUES (?, ?, ?)", (owner, hash, size))


def sum_collection(db: Store, owner: int, indexes: list[int], hash: bytes) -> int:
    """Bytes of one partition and of its entries in these indexes: the primary keys."""
    found = db.one("SELECT total(size) FROM dynamodb_items WHERE owner = ? AND hash = ?", (owner, hash))
    assert found is not None
    size = int(found[0])
    for index in indexes:
        found = db.one("SELECT total(size) FROM dynamodb_entries WHERE owner = ? AND hash = ?", (index, hash))
        assert found is not None
        size += int(found[0])
    return size


# Entries


def put_entry(db: Store, owner: int, place: Place, size: int) -> None:
    db.append(
        "INSERT OR REPLACE INTO dynamodb_entries VALUES (?, ?, ?, ?, ?, ?)",
        (owner, place.hash, place.sort, place.item_hash, place.item_sort, size),
    )


def delete_entry(db: Store, owner: int, place: Place) -> None:
    db.append(
        "DELETE FROM dynamodb_entries WHERE owner = ? AND hash = ? AND sort = ? AND item_hash = ? AND item_sort = ?",
        (owner, place.hash, place.sort, place.item_hash, place.item_sort),
    )


JOINED = (
    "SELECT e.size, i.item FROM dynamodb_entries e CROSS JOIN dynamodb_items i"
    " ON i.owner = ? AND i.hash = e.item_hash AND i.sort = e.item_sort WHERE e.owner = ?"
)


def index_partition(
    db: Store, table: int, owner: int, hash: bytes, bounds: Bounds, after: Place | None, reverse: bool
) -> Any:
    """A cursor over (projected size, whole item) of one partition of an index: the primary keys. Close it."""
    where, parameters = _bounded(bounds, "e.")
    if after is not None:
        where += f" AND (e.sort, e.item_hash, e.item_sort) {'<' if reverse else '>'} (?, ?, ?)"
        parameters += [after.sort, after.item_hash, after.item_sort]
    down = " DESC" if reverse else ""
    return db.execute(
        f"{JOINED} AND e.hash = ?{where} ORDER BY e.sort{down}, e.item_hash{down}, e.item_sort{down}",
        (table, owner, hash, *parameters),
    )


def index_scan(db: Store, table: int, owner: int, low: bytes, high: bytes, after: Place | None) -> Any:
    """A cursor over (projected size, whole item) of an index, partition keys in [low, high). Close it."""
    where, parameters = "", []
    if after is not None:
        where = " AND (e.hash, e.sort, e.item_hash, e.item_sort) > (?, ?, ?, ?)"
        parameters = [after.hash, after.sort, after.item_hash, after.item_sort]
        low = max(low, after.hash)
    return db.execute(
        f"{JOINED} AND e.hash >= ? AND e.hash < ?{where} ORDER BY e.hash, e.sort, e.item_hash, e.item_sort",
        (table, owner, low, high, *parameters),
    )


def _bounded(bounds: Bounds, alias: str = "") -> tuple[str, list[bytes]]:
    where, parameters = "", []
    if bounds.low:
        where, parameters = f" AND {alias}sort >= ?", [bounds.low]
    if bounds.high is not None:
        where, parameters = f"{where} AND {alias}sort < ?", [*parameters, bounds.high]
    return where, parameters


# Expiry


def expect(db: Store, owner: int, expires: int, hash: bytes, sort: bytes) -> None:
    db.append("INSERT OR REPLACE INTO dynamodb_expiries VALUES (?, ?, ?, ?)", (owner, expires, hash, sort))


def first_expiry(db: Store, owner: int) -> int | None:
    """The primary key."""
    row = db.one("SELECT expires FROM dynamodb_expiries WHERE owner = ? ORDER BY expires LIMIT 1", (owner,))
    return None if row is None else int(row[0])


def expired(db: Store, owner: int, before: float, most: int) -> list[tuple[int, bytes, bytes]]:
    return db.rows(
        "SELECT expires, hash, sort FROM dynamodb_expiries WHERE owner = ? AND expires <= ? ORDER BY expires LIMIT ?",
        (owner, before, most),
    )


def forget_expiries(db: Store, owner: int, rows: Iterable[tuple[int, bytes, bytes]]) -> None:
    db.executemany(
        "DELETE FROM dynamodb_expiries WHERE owner = ? AND expires = ? AND hash = ? AND sort = ?",
        [(owner, *row) for row in rows],
    )


def drop_expiries(db: Store, owner: int, most: int) -> bool:
    """Remove up to `most`, whenever they are due; whether some may remain: the primary key."""
    db.execute(
        "DELETE FROM dynamodb_expiries WHERE owner = ? AND (expires, hash, sort) IN"
        " (SELECT expires, hash, sort FROM dynamodb_expiries WHERE owner = ? LIMIT ?)",
        (owner, owner, most),
    )
    return int(db.db.changes()) >= most


# Tokens of transactions


def token(db: Store, account: str, region: str, token: str, now: float) -> bytes | None:
    row = db.one(
        "SELECT request FROM dynamodb_tokens WHERE account = ? AND region = ? AND token = ? AND expires > ?",
        (account, region, token, now),
    )
    return None if row is None else bytes(row[0])


def remember_token(db: Store, account: str, region: str, token: str, request: bytes, now: float, life: float) -> None:
    db.append(
        "INSERT OR REPLACE INTO dynamodb_tokens VALUES (?, ?, ?, ?, ?)", (account, region, token, request, now + life)
    )


def keyed_page(db: Any, owner: int, after: Place | None, most: int) -> list[tuple[bytes, bytes, int, bytes]]:
    """Keys, sizes and JSON of items in the order of the primary key."""
    start = (after.hash, after.sort) if after else (b"", b"")
    rows = db.execute(
        "SELECT hash, sort, size, item FROM dynamodb_items WHERE owner = ? AND (hash, sort) > (?, ?)"
        " ORDER BY hash, sort LIMIT ?",
        (owner, *start, most),
    )
    return list(rows)


def sized_page(db: Any, owner: int, after: Place, most: int) -> list[tuple[bytes, bytes, int]]:
    """Keys and sizes alone, in the order of the primary key."""
    rows = db.execute(
        "SELECT hash, sort, size FROM dynamodb_items WHERE owner = ? AND (hash, sort) > (?, ?)"
        " ORDER BY hash, sort LIMIT ?",
        (owner, after.hash, after.sort, most),
    )
    return list(rows)


def forget_tokens(db: Store, now: float) -> None:
    """Those that are over: dynamodb_tokens_by_expiry."""
    db.execute("DELETE FROM dynamodb_tokens WHERE expires <= ?", (now,))


def has_tokens(db: Store, account: str, region: str) -> bool:
    """The primary key."""
    return (
        db.one("SELECT 1 FROM dynamodb_tokens WHERE account = ? AND region = ? LIMIT 1", (account, region)) is not None
    )
