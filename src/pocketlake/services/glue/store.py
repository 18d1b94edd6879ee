"""What the catalog keeps besides its documents: versions of tables, partitions, column statistics, crawls.

Databases, tables, functions, connections, crawlers and classifiers are resources of the kernel. A partition's `key` is
the JSON text of its values, so keys with the same leading values lie together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from pocketlake.kernel.call import Call

MIGRATIONS = [
    """
    CREATE TABLE glue_table_versions (
        account TEXT NOT NULL, region TEXT NOT NULL, db TEXT NOT NULL, tbl TEXT NOT NULL, version INTEGER NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (account, region, db, tbl, version)
    ) WITHOUT ROWID;
    CREATE TABLE glue_partitions (
        account TEXT NOT NULL, region TEXT NOT NULL, db TEXT NOT NULL, tbl TEXT NOT NULL, key TEXT NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (account, region, db, tbl, key)
    ) WITHOUT ROWID;
    CREATE TABLE glue_partition_index_entries (
        account TEXT NOT NULL, region TEXT NOT NULL, db TEXT NOT NULL, tbl TEXT NOT NULL, idx TEXT NOT NULL,
        entry TEXT NOT NULL, key TEXT NOT NULL,
        PRIMARY KEY (account, region, db, tbl, idx, entry, key)
    ) WITHOUT ROWID;
    CREATE TABLE glue_statistics (
        account TEXT NOT NULL, region TEXT NOT NULL, db TEXT NOT NULL, tbl TEXT NOT NULL,
        key TEXT NOT NULL, column_name TEXT NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (account, region, db, tbl, key, column_name)
    ) WITHOUT ROWID;
    CREATE TABLE glue_crawls (
        account TEXT NOT NULL, region TEXT NOT NULL, crawler TEXT NOT NULL, started REAL NOT NULL, id TEXT NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (account, region, crawler, started, id)
    ) WITHOUT ROWID;
    CREATE TABLE glue_crawled_folders (
        account TEXT NOT NULL, region TEXT NOT NULL, crawler TEXT NOT NULL, folder TEXT NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (account, region, crawler, folder)
    ) WITHOUT ROWID;
    """,
]

LAST = "\U0010ffff"  # sorts after everything
TABLE = "account = ? AND region = ? AND db = ? AND tbl = ?"
OF_TABLES = ("glue_table_versions", "glue_partitions", "glue_partition_index_entries", "glue_statistics")

Document = dict[str, Any]


def partition_key(values: Iterable[str]) -> str:
    return orjson.dumps(list(values)).decode()


def drop_table(call: Call, db: str, tbl: str) -> None:
    """Everything that hangs on a table. The primary keys serve this."""
    for name in OF_TABLES:
        call.db.execute(f"DELETE FROM {name} WHERE {TABLE}", (call.account, call.region, db, tbl))


# Versions of tables; the primary key serves all of these.


def put_version(call: Call, db: str, tbl: str, version: int, body: Document) -> None:
    call.db.execute(
        "INSERT OR REPLACE INTO glue_table_versions VALUES (?, ?, ?, ?, ?, ?)",
        (call.account, call.region, db, tbl, version, orjson.dumps(body)),
    )


def version(call: Call, db: str, tbl: str, number: int) -> Document | None:
    row = call.db.one(
        f"SELECT body FROM glue_table_versions WHERE {TABLE} AND version = ?",
        (call.account, call.region, db, tbl, number),
    )
    return None if row is None else orjson.loads(row[0])


def versions(call: Call, db: str, tbl: str, after: int, limit: int) -> list[tuple[int, Document]]:
    rows = call.db.execute(
        f"SELECT version, body FROM glue_table_versions WHERE {TABLE} AND version > ? ORDER BY version LIMIT ?",
        (call.account, call.region, db, tbl, after, limit),
    )
    return [(number, orjson.loads(body)) for number, body in rows]


def delete_version(call: Call, db: str, tbl: str, number: int) -> None:
    call.db.execute(
        f"DELETE FROM glue_table_versions WHERE {TABLE} AND version = ?", (call.account, call.region, db, tbl, number)
    )


# Partitions; the primary key serves all of these.


def put_partition(call: Call, db: str, tbl: str, key: str, body: Document) -> None:
    call.db.execute(
        "INSERT OR REPLACE INTO glue_partitions VALUES (?, ?, ?, ?, ?, ?)",
        (call.account, call.region, db, tbl, key, orjson.dumps(body)),
    )


def partition(call: Call, db: str, tbl: str, key: str) -> Document | None:
    row = call.db.one(
        f"SELECT body FROM glue_partitions WHERE {TABLE} AND key = ?", (call.account, call.region, db, tbl, key)
    )
    return None if row is None else orjson.loads(row[0])


def partition_keys(call: Call, db: str, tbl: str, after: str, prefix: str = "") -> Iterator[str]:
    """In order, read as they are asked for."""
    rows = call.db.execute(
        f"SELECT key FROM glue_partitions WHERE {TABLE} AND key > ? AND key >= ? AND key < ? ORDER BY key",
        (call.account, call.region, db, tbl, after, prefix, prefix + LAST),
    )
    return (key for (key,) in rows)


def delete_partition(call: Call, db: str, tbl: str, key: str) -> None:
    scope = (call.account, call.region, db, tbl, key)
    call.db.execute(f"DELETE FROM glue_partitions WHERE {TABLE} AND key = ?", scope)
    call.db.execute(f"DELETE FROM glue_statistics WHERE {TABLE} AND key = ?", scope)


# Partition indexes: an entry is the JSON text of the values in the index's order; the primary key serves all of these.


def put_index_entries(call: Call, db: str, tbl: str, index: str, entries: Iterable[tuple[str, str]]) -> None:
    call.db.executemany(
        "INSERT OR REPLACE INTO glue_partition_index_entries VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(call.account, call.region, db, tbl, index, entry, key) for entry, key in entries],
    )


def indexed_keys(
    call: Call, db: str, tbl: str, index: str, prefix: str, after: tuple[str, str]
) -> Iterator[tuple[str, str]]:
    rows = call.db.execute(
        f"SELECT entry, key FROM glue_partition_index_entries WHERE {TABLE} AND idx = ?"
        " AND (entry, key) > (?, ?) AND entry >= ? AND entry < ? ORDER BY entry, key",
        (call.account, call.region, db, tbl, index, *after, prefix, prefix + LAST),
    )
    return iter(rows)


def delete_index_entry(call: Call, db: str, tbl: str, index: str, entry: str, key: str) -> None:
    call.db.execute(
        f"DELETE FROM glue_partition_index_entries WHERE {TABLE} AND idx = ? AND entry = ? AND key = ?",
        (call.account, call.region, db, tbl, index, entry, key),
    )


def delete_index(call: Call, db: str, tbl: str, index: str) -> None:
    call.db.execute(
        f"DELETE FROM glue_partition_index_entries WHERE {TABLE} AND idx = ?",
        (call.account, call.region, db, tbl, index),
    )


# Column statistics; `key` is "" for the table's own. The primary key serves all of these.


def put_statistics(call: Call, db: str, tbl: str, key: str, column: str, body: Document) -> None:
    call.db.execute(
        "INSERT OR REPLACE INTO glue_statistics VALUES (?, ?, ?, ?, ?, ?, ?)",
        (call.account, call.region, db, tbl, key, column, orjson.dumps(body)),
    )


def statistics(call: Call, db: str, tbl: str, key: str, column: str) -> Document | None:
    row = call.db.one(
        f"SELECT body FROM glue_statistics WHERE {TABLE} AND key = ? AND column_name = ?",
        (call.account, call.region, db, tbl, key, column),
    )
    return None if row is None else orjson.loads(row[0])


def delete_statistics(call: Call, db: str, tbl: str, key: str, column: str) -> None:
    call.db.execute(
        f"DELETE FROM glue_statistics WHERE {TABLE} AND key = ? AND column_name = ?",
        (call.account, call.region, db, tbl, key, column),
    )


# Crawls and what they have seen; the primary keys serve all of these.


def put_crawl(call: Call, crawler: str, started: float, identity: str, body: Document) -> None:
    call.db.execute(
        "INSERT OR REPLACE INTO glue_crawls VALUES (?, ?, ?, ?, ?, ?)",
        (call.account, call.region, crawler, started, identity, orjson.dumps(body)),
    )


def crawls(call: Call, crawler: str) -> list[Document]:
    """Newest first."""
    rows = call.db.execute(
        "SELECT body FROM glue_crawls WHERE account = ? AND region = ? AND crawler = ? ORDER BY started DESC, id DESC",
        (call.account, call.region, crawler),
    )
    return [orjson.loads(body) for (body,) in rows]


def crawled_folders(call: Call, crawler: str) -> dict[str, Document]:
    rows = call.db.execute(
        "SELECT folder, body FROM glue_crawled_folders WHERE account = ? AND region = ? AND crawler = ?",
        (call.account, call.region, crawler),
    )
    return {folder: orjson.loads(body) for folder, body in rows}


def put_crawled_folder(call: Call, crawler: str, folder: str, body: Document) -> None:
    call.db.execute(
        "INSERT OR REPLACE INTO glue_crawled_folders VALUES (?, ?, ?, ?, ?)",
        (call.account, call.region, crawler, folder, orjson.dumps(body)),
    )


def drop_crawler(call: Call, crawler: str) -> None:
    for name in ("glue_crawls", "glue_crawled_folders"):
        call.db.execute(
            f"DELETE FROM {name} WHERE account = ? AND region = ? AND crawler = ?", (call.account, call.region, crawler)
        )
