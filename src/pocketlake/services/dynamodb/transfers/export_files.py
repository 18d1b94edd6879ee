"""The objects of an export: data files and manifests, as the developer guide lays them out.

Source: "DynamoDB table export output format". Data files of incremental exports lie in a folder that all of them share.
"""

from __future__ import annotations

import gzip
import secrets
from base64 import b32encode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import md5
from typing import Any

import apsw
import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from .. import history, journal, quotas
from ..store import Place
from . import ion

FOLDER = "AWSDynamoDB/"
PIECE_BYTES = int(quotas.EXPORT_FILE_BYTES.value)
PAGE = int(quotas.EXPORT_PAGE_ITEMS.value)
FIRST_PAGE = 50  # items, before their size is known
FULL_VERSION, INCREMENTAL_VERSION = "2020-06-30", "2023-08-01"
COMPRESSION = 6  # gzip's own default: half the time of Python's
BOTH = "NEW_AND_OLD_IMAGES"
EXTENSIONS = {"DYNAMODB_JSON": "json", "ION": "ion"}

Changed = tuple[int, bytes | None, bytes | None]  # sequence number, JSON before and after


@dataclass(slots=True, frozen=True)
class Piece:
    """What goes into one data file. `size`: bytes, as AWS counts them. `following`: where the next one begins."""

    records: list[Changed]
    size: int
    following: list[str] | None


def folder(prefix: str, identity: str) -> str:
    """Where an export's manifests lie."""
    return f"{_under(prefix)}{FOLDER}{identity}/"


def _under(prefix: str) -> str:
    return f"{prefix.rstrip('/')}/" if prefix else ""


# Data files, beside the loop


def begins_after(source: dict[str, Any]) -> int:
    """The change after which an export needs the table's journal."""
    return int(source["At"] if "At" in source else source["After"])


def read(db: Any, export: dict[str, Any]) -> Piece:
    """Some megabytes of items behind the export's position."""
    start = export.get("Position")
    after = Place(bytes.fromhex(start[0]), bytes.fromhex(start[1])) if start else None
    records: list[Changed] = []
    size, count, most = 0, 0, FIRST_PAGE
    while True:
        with _snapshot(db):
            rows, after = _page(db, export["Source"], after, most)
        for record, weight in rows:
            count += 1
            if record[1] is not None or record[2] is not None:  # what came and went in between leaves no trace
                records.append(record)
                size += weight
        if after is None or size >= PIECE_BYTES:
            break
        most = max(1, min(PAGE, (PIECE_BYTES - size) * count // max(size, 1)))
    return Piece(records, size, None if after is None else [after.hash.hex(), after.sort.hex()])


@contextmanager
def _snapshot(db: Any) -> Iterator[None]:
    """Several statements see the same moment: on the loop's own connection they do anyway."""
    if not isinstance(db, apsw.Connection):
        yield
        return
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("COMMIT")


def _page(db: Any, source: dict[str, Any], after: Place | None, most: int) -> tuple[list[Any], Place | None]:
    """Records with what they weigh, and where the next page begins."""
    if "At" in source:
        rows, following = history.page_as_of(db, source["Owner"], source["At"], after, most)
        return [((0, None, body), size) for _, _, size, body in rows], following
    changed = journal.changed_keys(db, source["Owner"], source["After"], source["UpTo"], after, most)
    following = Place(*changed[-1][:2]) if len(changed) == most else None
    return [((sequence, old, new), size) for _, _, sequence, old, new, size in changed], following


def packed(export: dict[str, Any], records: list[Changed]) -> bytes:
    """The data file: a line for each record, compressed."""
    is_ion, window = export["ExportFormat"] == "ION", export.get("IncrementalExportSpecification")
    if window is not None:
        shows_old = window["ExportViewType"] == BOTH
        lines = [_record(export["Keys"], record, shows_old, is_ion) for record in records]
    else:
        lines = [_item(record[2] or b"", is_ion) for record in records]
    return gzip.compress(b"".join(lines), COMPRESSION, mtime=0)


def _item(body: bytes, is_ion: bool) -> bytes:
    if is_ion:
        return ion.line("Item", orjson.loads(body)).encode()
    return b'{"Item":' + body + b"}\n"


def _record(keys: list[str], record: Changed, shows_old: bool, is_ion: bool) -> bytes:
    """A line of an incremental export: a deleted item has no new image, an inserted one no old one."""
    sequence, old, new = record
    item = orjson.loads(new or old or b"{}")
    members: dict[str, Any] = {
        "Metadata": {"WriteTimestampMicros": {"N": str(_micros(sequence))}},
        "Keys": {name: item[name] for name in keys},
    }
    for name, image in (("OldImage", old if shows_old else None), ("NewImage", new)):
        if image is not None:
            members[name] = orjson.loads(image) if is_ion else orjson.Fragment(image)
    if is_ion:
        return ion.line("Record", {name: {"M": member} for name, member in members.items()}).encode()
    return orjson.dumps(members) + b"\n"


def _micros(sequence: int) -> int:
    counter = sequence & ((1 << history.COUNTER_BITS) - 1)
    return (sequence >> history.COUNTER_BITS) * 1000 + min(counter, 999)


# Into the bucket


async def start(call: Call, export: Resource) -> None:
    """An empty object says that the bucket can be written to."""
    await _put(call, export, f"{export['Folder']}_started", b"")


async def put(call: Call, export: Resource, piece: Piece) -> dict[str, Any]:
    """One data file; its entry in manifest-files.json."""
    shared = export["ExportType"] == "INCREMENTAL_EXPORT"
    where = f"{_under(export.get('S3Prefix', ''))}{FOLDER}" if shared else export["Folder"]
    name = b32encode(secrets.token_bytes(16)).decode().lower().rstrip("=")
    key = f"{where}data/{name}.{EXTENSIONS[export['ExportFormat']]}.gz"
    body = await call.offload(packed, export.body, piece.records)
    answer = await _put(call, export, key, body)
    return {
        "itemCount": len(piece.records),
        "md5Checksum": _digest(body),
        "etag": answer["ETag"].strip('"'),
        "dataFileS3Key": key,
    }


async def finish(call: Call, export: Resource) -> Resource:
    """The manifests, each with its checksum. Written again after a crash, they replace themselves."""
    files = b"".join(orjson.dumps(entry) + b"\n" for entry in export["Files"])
    summary = orjson.dumps(_summary(export, call.now))
    for name, body in (("manifest-files", files), ("manifest-summary", summary)):
        await _put(call, export, f"{export['Folder']}{name}.json", body)
        await _put(call, export, f"{export['Folder']}{name}.md5", _digest(body).encode())
    return export


def _summary(export: Resource, now: float) -> dict[str, Any]:
    summary = {
        "version": FULL_VERSION,
        "exportArn": export.arn,
        "startTime": _time(export["StartTime"]),
        "endTime": _time(now),
        "tableArn": export["TableArn"],
        "tableId": export["TableId"],
        "exportTime": _time(export.get("ExportTime", 0.0)),
        "s3Bucket": export["S3Bucket"],
        "s3Prefix": export.get("S3Prefix"),
        "s3SseAlgorithm": export["S3SseAlgorithm"],
        "s3SseKmsKeyId": None,
        "manifestFilesS3Key": f"{export['Folder']}manifest-files.json",
        "billedSizeBytes": export["Bytes"],
        "itemCount": export["Count"],
        "outputFormat": export["ExportFormat"],
    }
    window = export.get("IncrementalExportSpecification")
    if window is None:
        return {**summary, "exportType": export["ExportType"]}
    del summary["exportTime"]
    return {
        **summary,
        "version": INCREMENTAL_VERSION,
        "exportFromTime": _time(window["ExportFromTime"]),
        "exportToTime": _time(window["ExportToTime"]),
        "outputView": window["ExportViewType"],
        "exportType": export["ExportType"],
    }


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _digest(body: bytes) -> str:
    return b64encode(md5(body, usedforsecurity=False).digest()).decode()


async def _put(call: Call, export: Resource, key: str, body: bytes) -> dict[str, Any]:
    """Nothing waits between the write and the return: what the caller writes next is in the same transaction."""
    owner = {"ExpectedBucketOwner": export["S3BucketOwner"]} if "S3BucketOwner" in export.body else {}
    answer: dict[str, Any] = await call.aws.s3.put_object(
        Bucket=export["S3Bucket"], Key=key, Body=body, ServerSideEncryption=export["S3SseAlgorithm"], **owner
    )
    return answer
