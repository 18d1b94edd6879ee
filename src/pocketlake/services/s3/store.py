"""S3's tables and the statements on them.

A key's current version (or delete marker) is a row of `s3_objects`, so a listing reads one row a key, however many
versions there are. Earlier versions are rows of `s3_noncurrent`, numbered upwards by `sequence` within their key.

A version's bytes are one blob (`blob`), or, for a large multipart upload, several (`s3_segments` under `assembly`).
Text compares by its UTF-8 bytes, which is S3's order of keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from pocketlake.kernel.store import Store

VERSION_COLUMNS = """
        bucket INTEGER NOT NULL, key TEXT NOT NULL, {more}
        version TEXT NOT NULL, is_marker INTEGER NOT NULL, modified REAL NOT NULL, size INTEGER NOT NULL,
        etag TEXT NOT NULL, blob TEXT, assembly TEXT, storage_class TEXT NOT NULL, checksum TEXT NOT NULL,
        head BLOB NOT NULL, tags BLOB,
"""

MIGRATIONS = [
    f"""
    CREATE TABLE s3_buckets (
        id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
        account TEXT NOT NULL, region TEXT NOT NULL, created REAL NOT NULL, settings BLOB NOT NULL
    );
    CREATE INDEX s3_buckets_by_account ON s3_buckets (account, name);
    CREATE TABLE s3_objects (
        {VERSION_COLUMNS.format(more="")}
        PRIMARY KEY (bucket, key)
    ) WITHOUT ROWID;
    CREATE TABLE s3_noncurrent (
        {VERSION_COLUMNS.format(more="sequence INTEGER NOT NULL, superseded REAL NOT NULL,")}
        PRIMARY KEY (bucket, key, sequence DESC)
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX s3_noncurrent_by_version ON s3_noncurrent (bucket, key, version);
    CREATE TABLE s3_segments (
        assembly TEXT NOT NULL, number INTEGER NOT NULL, start INTEGER NOT NULL, size INTEGER NOT NULL,
        blob TEXT, checksums BLOB NOT NULL,
        PRIMARY KEY (assembly, number)
    ) WITHOUT ROWID;
    CREATE TABLE s3_uploads (
        bucket INTEGER NOT NULL, key TEXT NOT NULL, upload TEXT NOT NULL, created REAL NOT NULL, draft BLOB NOT NULL,
        PRIMARY KEY (bucket, key, upload)
    ) WITHOUT ROWID;
    CREATE TABLE s3_parts (
        upload TEXT NOT NULL, number INTEGER NOT NULL, modified REAL NOT NULL, size INTEGER NOT NULL,
        etag TEXT NOT NULL, blob TEXT NOT NULL, checksums BLOB NOT NULL,
        PRIMARY KEY (upload, number)
    ) WITHOUT ROWID;
    """
]

NULL_VERSION = "null"

FIELDS = "key, version, is_marker, modified, size, etag, blob, assembly, storage_class, checksum, head, tags"
MARKS = "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"


class Version(NamedTuple):
    """One version of an object, or a delete marker.

    `etag` is without its quotes. `checksum` is "CRC64NVME FULL_OBJECT" (what listings tell); `head` is the JSON of the
    members that HeadObject answers with, checksums included; `tags` the JSON of a dict, None without tags.
    """

    key: str
    version: str
    is_marker: int
    modified: float
    size: int
    etag: str
    blob: str | None
    assembly: str | None
    storage_class: str
    checksum: str
    head: bytes
    tags: bytes | None

    @property
    def members(self) -> dict[str, Any]:
        return orjson.loads(self.head)

    @property
    def is_multipart(self) -> bool:
        """Whether it was made of parts that one can ask for; a copy of such an object was not."""
        return "-" in self.etag

    @property
    def tag_set(self) -> dict[str, str]:
        return orjson.loads(self.tags) if self.tags else {}


class Bucket(NamedTuple):
    """`settings` is the document of everything configured: never changed in place."""

    id: int
    name: str
    account: str
    region: str
    created: float
    settings: dict[str, Any]

    @property
    def versioning(self) -> str:
        """Enabled, Suspended, or empty when it never was."""
        return self.settings.get("Versioning", "")


# Buckets


def bucket(db: Store, name: str) -> Bucket | None:
    row = db.one("SELECT id, name, account, region, created, settings FROM s3_buckets WHERE name = ?", (name,))
    if row is None:
        return None
    identity, name, account, region, created, settings = row
    return Bucket(identity, name, account, region, created, orjson.loads(settings))


def add_bucket(db: Store, name: str, account: str, region: str, created: float, settings: dict[str, Any]) -> Bucket:
    row = db.one(
        "INSERT INTO s3_buckets (name, account, region, created, settings) VALUES (?, ?, ?, ?, ?) RETURNING id",
        (name, account, region, created, orjson.dumps(settings)),
    )
    assert row is not None
    return Bucket(row[0], name, account, region, created, settings)


def save_settings(db: Store, identity: int, settings: dict[str, Any]) -> None:
    db.execute("UPDATE s3_buckets SET settings = ? WHERE id = ?", (orjson.dumps(settings), identity))


def remove_bucket(db: Store, identity: int) -> None:
    db.execute("DELETE FROM s3_buckets WHERE id = ?", (identity,))


def count_buckets(db: Store, account: str) -> int:
    """s3_buckets_by_account serves this."""
    row = db.one("SELECT count(*) FROM s3_buckets WHERE account = ?", (account,))
    return int(row[0]) if row else 0


def buckets_of(
    db: Store, account: str, start: str, stop: str | bytes, region: str | None, limit: int
) -> list[tuple[str, str, float]]:
    """Name, region and time of creation, by name. s3_buckets_by_account serves this."""
    return db.rows(
        "SELECT name, region, created FROM s3_buckets WHERE account = ? AND name >= ? AND name < ?"
        " AND (?4 IS NULL OR region = ?4) ORDER BY name LIMIT ?5",
        (account, start, stop, region, limit),
    )


def is_empty(db: Store, bucket: int) -> bool:
    """The primary keys serve this."""
    row = db.one(
        "SELECT EXISTS (SELECT 1 FROM s3_objects WHERE bucket = ?1)"
        " OR EXISTS (SELECT 1 FROM s3_noncurrent WHERE bucket = ?1)",
        (bucket,),
    )
    return row is not None and not row[0]


# Current versions


def current(db: Store, bucket: int, key: str) -> Version | None:
    """The primary key serves this."""
    row = db.one(f"SELECT {FIELDS} FROM s3_objects WHERE bucket = ? AND key = ?", (bucket, key))
    return None if row is None else Version(*row)


def put_current(db: Store, bucket: int, version: Version) -> None:
    db.execute(f"INSERT OR REPLACE INTO s3_objects (bucket, {FIELDS}) VALUES (?, {MARKS})", (bucket, *version))


def remove_current(db: Store, bucket: int, key: str) -> None:
    db.execute("DELETE FROM s3_objects WHERE bucket = ? AND key = ?", (bucket, key))


def keys(db: Store, bucket: int, start: str, stop: str | bytes, limit: int) -> Iterator[tuple[Any, ...]]:
    """Key, time, size, ETag, storage class and checksum of the objects with start <= key < stop, in order.

    The primary key serves this. `stop` may be b"": in SQLite every blob is greater than every text.
    """
    return db.execute(
        "SELECT key, modified, size, etag, storage_class, checksum FROM s3_objects"
        " WHERE bucket = ? AND key >= ? AND key < ? AND is_marker = 0 ORDER BY key LIMIT ?",
        (bucket, start, stop, limit),
    )


# Noncurrent versions


def supersede(db: Store, bucket: int, version: Version, now: float) -> None:
    """Write the version behind its key's other noncurrent ones. Its row in s3_objects is the caller's to replace."""
    db.execute(
        f"INSERT INTO s3_noncurrent (bucket, sequence, superseded, {FIELDS}) VALUES (?1,"
        " (SELECT ifnull(max(sequence), 0) + 1 FROM s3_noncurrent WHERE bucket = ?1 AND key = ?2), ?14,"
        " ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        (bucket, *version, now),
    )


def noncurrent(db: Store, bucket: int, key: str, version: str) -> Version | None:
    """s3_noncurrent_by_version serves this."""
    row = db.one(
        f"SELECT {FIELDS} FROM s3_noncurrent WHERE bucket = ? AND key = ? AND version = ?", (bucket, key, version)
    )
    return None if row is None else Version(*row)


def find_version(db: Store, bucket: int, key: str, version: str) -> Version | None:
    """A version by its id, current or not. Primary key and s3_noncurrent_by_version serve this."""
    found = current(db, bucket, key)
    return found if found is not None and found.version == version else noncurrent(db, bucket, key, version)


def set_blob(db: Store, bucket: int, version: Version, blob: str) -> list[str]:
    """Let one blob hold what the version's segments held; the blobs that those held."""
    assert version.assembly is not None
    for table in ("s3_objects", "s3_noncurrent"):
        db.execute(
            f"UPDATE {table} SET blob = ? WHERE bucket = ? AND key = ? AND version = ?",
            (blob, bucket, version.key, version.version),
        )
    freed = [segment.blob for segment in segments(db, version.assembly) if segment.blob is not None]
    db.execute("UPDATE s3_segments SET blob = NULL WHERE assembly = ?", (version.assembly,))
    return freed


def newest_noncurrent(db: Store, bucket: int, key: str) -> Version | None:
    """The primary key serves this."""
    row = db.one(
        f"SELECT {FIELDS} FROM s3_noncurrent WHERE bucket = ? AND key = ? ORDER BY sequence DESC LIMIT 1", (bucket, key)
    )
    return None if row is None else Version(*row)


def remove_noncurrent(db: Store, bucket: int, key: str, version: str) -> None:
    """s3_noncurrent_by_version serves this."""
    db.execute("DELETE FROM s3_noncurrent WHERE bucket = ? AND key = ? AND version = ?", (bucket, key, version))


def rewrite(db: Store, bucket: int, version: Version) -> None:
    """Change what is said about a stored version (tags, ACL), wherever it lies; its place in the order stays."""
    values = (version.head, version.tags, bucket, version.key, version.version)
    for table in ("s3_objects", "s3_noncurrent"):
        db.execute(f"UPDATE {table} SET head = ?, tags = ? WHERE bucket = ? AND key = ? AND version = ?", values)


def versions(
    db: Store, bucket: int, start: str, stop: str | bytes, limit: int, before: int | None = None
) -> Iterator[tuple[Any, ...]]:
    """(Version fields..., sequence) of start <= key < stop by key, newest first; a current one has sequence NULL.

    With `before`, of the key `start` only the noncurrent ones below that sequence. The primary keys serve both halves.
    """
    if before is not None:
        return db.execute(
            f"SELECT {FIELDS}, sequence FROM s3_noncurrent WHERE bucket = ? AND key = ? AND sequence < ?"
            " ORDER BY sequence DESC LIMIT ?",
            (bucket, start, before, limit),
        )
    return db.execute(
        f"SELECT {FIELDS}, NULL AS sequence, 9e18 AS rank FROM s3_objects WHERE bucket = ?1 AND key >= ?2 AND key < ?3"
        " UNION ALL"
        f" SELECT {FIELDS}, sequence, sequence AS rank FROM s3_noncurrent WHERE bucket = ?1 AND key >= ?2 AND key < ?3"
        " ORDER BY key, rank DESC LIMIT ?4",
        (bucket, start, stop, limit),
    )


def sequence(db: Store, bucket: int, key: str, version: str) -> int | None:
    """s3_noncurrent_by_version serves this."""
    row = db.one(
        "SELECT sequence FROM s3_noncurrent WHERE bucket = ? AND key = ? AND version = ?", (bucket, key, version)
    )
    return None if row is None else int(row[0])


# Bytes of versions that are not one blob


class Segment(NamedTuple):
    """One part of a multipart object. `blob` is None where the object's own blob holds all parts."""

    number: int
    start: int
    size: int
    blob: str | None
    checksums: bytes

    @property
    def members(self) -> dict[str, str]:
        return orjson.loads(self.checksums)


def segments(db: Store, assembly: str) -> list[Segment]:
    """In order. The primary key serves this."""
    return [
        Segment(*row)
        for row in db.execute(
            "SELECT number, start, size, blob, checksums FROM s3_segments WHERE assembly = ? ORDER BY number",
            (assembly,),
        )
    ]


def add_segments(db: Store, assembly: str, parts: list[Segment]) -> None:
    db.executemany("INSERT INTO s3_segments VALUES (?, ?, ?, ?, ?, ?)", [(assembly, *part) for part in parts])


def remove_segments(db: Store, assembly: str) -> list[str]:
    """The blobs they held."""
    rows = db.rows("DELETE FROM s3_segments WHERE assembly = ? RETURNING blob", (assembly,))
    return [blob for (blob,) in rows if blob is not None]
