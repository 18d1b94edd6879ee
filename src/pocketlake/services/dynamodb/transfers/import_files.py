"""The records of an object that is imported, read as a stream: whatever its size, a batch of items is in memory.

Source: developer guide, "Amazon S3 import formats for DynamoDB". Runs in threads.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import orjson

from pocketlake.kernel.blobs import FileSlice
from pocketlake.kernel.errors import ServiceError

from .. import keys, quotas
from ..attribute_values import item_size
from ..schemas import Table
from ..service import Invalid
from ..writes import TOO_LARGE
from . import ion

ITEM_BYTES = int(quotas.ITEM_BYTES.value)
LINE_BYTES = 16 * ITEM_BYTES  # more than any item makes, with escapes and white space
BATCH_BYTES = 8 * 1024 * 1024
DECODER = json.JSONDecoder()

Item = dict[str, Any]
Row = tuple[bytes, bytes, int, bytes]  # partition key, sort key, size, JSON


class Malformed(Exception):
    """The rest of the object cannot be read."""


class Slice(io.RawIOBase):
    """A part of a file."""

    def __init__(self, piece: FileSlice) -> None:
        self._file = open(piece.path, "rb")  # noqa: SIM115 - closed with this
        self._file.seek(piece.offset)
        self._left = piece.length

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


@dataclass(slots=True)
class Batch:
    """`records`: how many were read, good or bad. `size`: their bytes, uncompressed."""

    rows: list[tuple[Row, Item]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    records: int = 0
    size: int = 0
    is_last: bool = False


class Reader:
    """Reads one object, a batch at a time."""

    def __init__(self, table: Table, document: dict[str, Any], body: bytes | FileSlice | BinaryIO) -> None:
        self._table = table
        self._lines = _Lines(_decompressed(_opened(body), document.get("InputCompressionType", "NONE")))
        kind = document["InputFormat"]
        self._records: Iterator[Callable[[], Item]]
        if kind == "CSV":
            self._records = _csv(self._lines, table, document.get("InputFormatOptions", {}).get("Csv", {}))
        else:
            self._records = _parsed(self._lines, _json if kind == "DYNAMODB_JSON" else _ion)

    def skip(self, records: int) -> None:
        """What was imported before a restart."""
        for _ in range(records):
            next(self._records, None)
        self._lines.size = 0

    def batch(self, most: int) -> Batch:
        found = Batch()
        while found.records < most and self._lines.size < BATCH_BYTES:
            try:
                parse = next(self._records)
            except StopIteration:
                found.is_last = True
                break
            except (Malformed, OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError) as error:
                found.errors.append(f"The object cannot be read further: {error}")
                found.records += 1
                found.is_last = True
                break
            found.records += 1
            try:
                found.rows.append(_row(self._table, parse()))
            except (Invalid, ValueError, RecursionError) as mistake:
                found.errors.append(str(mistake))
            except ServiceError as refusal:
                found.errors.append(refusal.message)
        found.size, self._lines.size = self._lines.size, 0
        return found


def _row(table: Table, item: Item) -> tuple[Row, Item]:
    size = item_size(item)
    hash, sort = keys.of_item(table, item)
    if size > ITEM_BYTES:
        raise Invalid(TOO_LARGE)
    try:
        body = orjson.dumps(item)
    except orjson.JSONEncodeError:  # half of a surrogate pair, which Python's JSON and Ion's escapes let pass
        raise Invalid("The item holds a text that is no Unicode") from None
    return (hash, sort, size, body), item


def _opened(body: bytes | FileSlice | BinaryIO) -> BinaryIO:
    if isinstance(body, bytes):
        return io.BytesIO(body)
    return io.BufferedReader(Slice(body)) if isinstance(body, FileSlice) else body


def _decompressed(file: BinaryIO, compression: str) -> BinaryIO:
    if compression == "GZIP":
        unzipped: Any = gzip.GzipFile(fileobj=file)
        return unzipped
    if compression == "ZSTD":
        import pyarrow

        stream: Any = pyarrow.CompressedInputStream(pyarrow.PythonFile(file, mode="r"), "zstd")
        return io.BufferedReader(stream)
    return file


class _Lines:
    """The lines of a file as text, and the bytes of those that were read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = 0

    def __iter__(self) -> Iterator[str]:
        while line := self._file.readline(LINE_BYTES + 1):
            if len(line) > LINE_BYTES:
                raise Malformed("a line is longer than any item")
            self.size += len(line)
            yield line.decode()


def _parsed(lines: _Lines, parse: Callable[[str], list[Any]]) -> Iterator[Callable[[], Item]]:
    """The records of each line; empty lines have none."""
    for line in lines:
        if not line.strip():
            continue
        try:
            found = parse(line)
        except (Invalid, ValueError, RecursionError) as mistake:
            yield lambda mistake=mistake: _raise(mistake)  # type: ignore[misc]
            continue
        for record in found:
            yield lambda record=record: _item(record)  # type: ignore[misc]


def _raise(mistake: Exception) -> Item:
    raise mistake


def _item(record: Any) -> Item:
    if not isinstance(record, dict) or not isinstance(record.get("Item"), dict):
        raise Invalid("The line holds no object with a member Item")
    item: Item = record["Item"]
    return item


def _json(line: str) -> list[Any]:
    """One object on a line; several in a row are taken, as AWS does. Raises ValueError."""
    try:
        return [orjson.loads(line)]
    except orjson.JSONDecodeError as mistake:
        found: list[Any] = []
        place = 0
        text = line.strip()
        while place < len(text):
            try:
                value, place = DECODER.raw_decode(text, place)
            except ValueError:
                if not found:
                    raise mistake from None
                return [*found, None]
            found.append(value)
            place += len(text[place:]) - len(text[place:].lstrip())
        return found


def _ion(line: str) -> list[Any]:
    item = ion.item(line)
    return [] if item is None else [{"Item": item}]


def _csv(lines: _Lines, table: Table, options: dict[str, Any]) -> Iterator[Callable[[], Item]]:
    """Keys of the table and its indexes have their types, everything else is text.

    The first line is the header unless the request gives one.
    """
    types = dict(table.key.attributes)
    for index in table.indexes:
        types.update(index.key.attributes)
    csv.field_size_limit(LINE_BYTES)
    rows = csv.reader(lines, delimiter=options.get("Delimiter", ","), strict=True)
    header = options.get("HeaderList") or next(rows, [])
    if len(set(header)) != len(header):
        raise Malformed("the header has a name twice")
    for row in rows:
        if row:
            yield lambda row=row: _of_columns(header, row, types)  # type: ignore[misc]


def _of_columns(header: list[str], row: list[str], types: dict[str, str]) -> Item:
    if len(row) != len(header):
        raise Invalid(f"The row has {len(row)} columns, the header {len(header)}")
    return {name: {types.get(name, "S"): value} for name, value in zip(header, row, strict=True)}
