"""Statements on multipart uploads and their parts; the tables stand in store.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from pocketlake.kernel.store import Store


class Upload(NamedTuple):
    """An upload under way; `draft` is the JSON of what the object will say of itself."""

    key: str
    upload: str
    created: float
    draft: bytes

    @property
    def members(self) -> dict[str, Any]:
        return orjson.loads(self.draft)


class Part(NamedTuple):
    number: int
    modified: float
    size: int
    etag: str
    blob: str
    checksums: bytes

    @property
    def members(self) -> dict[str, str]:
        return orjson.loads(self.checksums)


PART_FIELDS = "number, modified, size, etag, blob, checksums"


def add_upload(db: Store, bucket: int, upload: Upload) -> None:
    db.execute("INSERT INTO s3_uploads VALUES (?, ?, ?, ?, ?)", (bucket, *upload))


def upload(db: Store, bucket: int, key: str, identity: str) -> Upload | None:
    """The primary key serves this."""
    row = db.one(
        "SELECT key, upload, created, draft FROM s3_uploads WHERE bucket = ? AND key = ? AND upload = ?",
        (bucket, key, identity),
    )
    return None if row is None else Upload(*row)


def uploads_of(
    db: Store, bucket: int, start: str, stop: str | bytes, after: tuple[str, str], limit: int
) -> Iterator[tuple[Any, ...]]:
    """By key, then by their beginning, those past `after` (key, upload). The primary key serves this."""
    return db.execute(
        "SELECT key, upload, created, draft FROM s3_uploads WHERE bucket = ? AND key >= ? AND key < ?"
        " AND (key, upload) > (?, ?) ORDER BY key, upload LIMIT ?",
        (bucket, start, stop, *after, limit),
    )


def remove_upload(db: Store, bucket: int, key: str, identity: str) -> list[str]:
    """Forget the upload and its parts; the blobs that the parts held."""
    db.execute("DELETE FROM s3_uploads WHERE bucket = ? AND key = ? AND upload = ?", (bucket, key, identity))
    return [blob for (blob,) in db.rows("DELETE FROM s3_parts WHERE upload = ? RETURNING blob", (identity,))]


def remove_uploads(db: Store, bucket: int) -> list[str]:
    """Forget all of a bucket's uploads; the blobs that their parts held."""
    rows = db.rows(
        "DELETE FROM s3_parts WHERE upload IN (SELECT upload FROM s3_uploads WHERE bucket = ?) RETURNING blob",
        (bucket,),
    )
    db.execute("DELETE FROM s3_uploads WHERE bucket = ?", (bucket,))
    return [blob for (blob,) in rows]


def put_part(db: Store, upload: str, part: Part) -> str | None:
    """Write the part; the blob of the one it replaces."""
    row = db.one("SELECT blob FROM s3_parts WHERE upload = ? AND number = ?", (upload, part.number))
    db.execute(f"INSERT OR REPLACE INTO s3_parts (upload, {PART_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?)", (upload, *part))
    return None if row is None else row[0]


def parts(db: Store, upload: str, after: int = 0, limit: int = -1) -> list[Part]:
    """By number. The primary key serves this."""
    return [
        Part(*row)
        for row in db.execute(
            f"SELECT {PART_FIELDS} FROM s3_parts WHERE upload = ? AND number > ? ORDER BY number LIMIT ?",
            (upload, after, limit),
        )
    ]
