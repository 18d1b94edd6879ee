"""One commit to an Iceberg table, prepared in a thread: files are made in memory, the lake writes them afterwards.

pyiceberg (the extra `iceberg`) makes data files, manifests and metadata. It stands on a catalog and a file system of
our own: reading asks the lake's S3, writing keeps the bytes. So the table changes in one place only, when the caller
moves the Glue table to the new metadata, in the tick in which the delivery's records go.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pyiceberg.catalog import MetastoreCatalog
from pyiceberg.catalog.noop import NoopCatalog
from pyiceberg.io import FileIO, InputFile, OutputFile
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.schema import Schema
from pyiceberg.serializers import FromByteStream
from pyiceberg.table import CommitTableResponse, Table
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.update import AddSnapshotUpdate, TableUpdate
from pyiceberg.table.upsert_util import create_match_filter

from . import iceberg_rows
from .iceberg_rows import Changes, Misfit

log = logging.getLogger("pocketlake.firehose")

MARK = "firehose.delivery"  # in a snapshot's summary: which delivery made it
Read = Callable[[str], bytes]

warnings.filterwarnings("ignore", message="Delete operation did not match any records")
warnings.filterwarnings("ignore", message="Merge on read is not yet supported")


class WriteFailed(Exception):
    """pyiceberg could not make the commit."""


@dataclass(slots=True, frozen=True)
class Request:
    """`records` go into the table at `metadata_location` by `operations`; `keys` are the configured unique keys.

    `mark` is the delivery's; `now` the lake's time in milliseconds.
    """

    metadata_location: str
    records: Sequence[bytes]
    operations: Sequence[str]
    keys: Sequence[str]
    mark: str
    now: int


@dataclass(slots=True)
class Commit:
    """`files` to be written, by location, before the table moves to `metadata_location`: None when nothing changes.

    `failed` as (place in the records, code, message).
    """

    metadata_location: str | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    failed: list[tuple[int, str, str]] = field(default_factory=list)


def prepare(read: Read, request: Request) -> Commit:
    """Runs in a thread. Raises WriteFailed."""
    try:
        return _prepare(read, request)
    except Exception as error:  # of a library that promises none in particular
        log.debug("no commit to %s", request.metadata_location, exc_info=True)
        raise WriteFailed(f"{type(error).__name__}: {error}") from error


def _prepare(read: Read, request: Request) -> Commit:
    files = Files(read)
    metadata = FromByteStream.table_metadata(files.new_input(request.metadata_location).open())
    schema = metadata.schema()
    keys = list(request.keys) or [schema.find_column_name(key) or "" for key in schema.identifier_field_ids]
    commit = Commit()
    operations, rows = [], []
    parse = iceberg_rows.reader(schema)
    for index, (operation, record) in enumerate(zip(request.operations, request.records, strict=True)):
        try:
            rows.append(_row(schema, parse(record), operation, keys))
            operations.append(operation)
        except Misfit as error:
            commit.failed.append((index, error.code, error.message))
    if not rows or _is_committed(metadata, request.mark):
        return commit
    plain = all(operation == iceberg_rows.INSERT for operation in operations)
    changes = Changes([], rows) if plain else iceberg_rows.changes(operations, rows, keys)
    table = Table(("firehose", "table"), metadata, request.metadata_location, files, Staging(files, request.now))
    _apply(table, changes, keys, {MARK: request.mark})
    if table.metadata_location != request.metadata_location:
        commit.metadata_location, commit.files = table.metadata_location, files.written
    return commit


def _row(schema: Schema, document: dict[str, Any], operation: str, keys: Sequence[str]) -> dict[str, Any]:
    if operation == iceberg_rows.INSERT:
        return iceberg_rows.row(schema, document)
    if not keys:
        raise Misfit(iceberg_rows.NO_KEYS, f"Operation {operation} needs unique keys, and the table has none")
    if absent := [key for key in keys if document.get(key) is None or key not in schema.column_names]:
        raise Misfit(iceberg_rows.NO_KEYS, f"Unique keys are missing: {', '.join(absent)}")
    if any(isinstance(document[key], list | dict) for key in keys):
        raise Misfit(iceberg_rows.MISMATCH, "Unique keys must be plain values")
    return iceberg_rows.row(schema, document, keys if operation == iceberg_rows.DELETE else None)


def _is_committed(metadata: TableMetadata, mark: str) -> bool:
    """Whether this delivery's commit was made, by an attempt that did not live to say so."""
    return any(snapshot.summary is not None and snapshot.summary.get(MARK) == mark for snapshot in metadata.snapshots)


def _apply(table: Table, changes: Changes, keys: Sequence[str], properties: dict[str, str]) -> None:
    schema = schema_to_pyarrow(table.schema(), include_field_ids=False)
    with table.transaction() as transaction:
        if changes.keys:
            wanted = pa.schema([schema.field(key).with_nullable(True) for key in keys])
            gone = _arrow(wanted, [dict(zip(keys, values, strict=True)) for values in changes.keys])
            transaction.delete(create_match_filter(gone, list(keys)), snapshot_properties=properties)
        if changes.rows:
            transaction.append(_arrow(schema, changes.rows), snapshot_properties=properties)


def _arrow(wanted: pa.Schema, rows: Sequence[dict[str, Any]]) -> pa.Table:
    columns = []
    for column in wanted:
        values = [found[column.name] for found in rows]
        if isinstance(column.type, pa.BaseExtensionType):
            columns.append(pa.ExtensionArray.from_storage(column.type, pa.array(values, column.type.storage_type)))
        else:
            columns.append(pa.array(values, column.type))
    return pa.Table.from_arrays(columns, schema=wanted)


class Staging(NoopCatalog, MetastoreCatalog):
    """Makes the new metadata as a catalog would, and leaves it at that. Snapshots bear the lake's time."""

    def __init__(self, files: Files, now: int) -> None:
        super().__init__("firehose")
        self._files = files
        self._now = now

    def load_table(self, identifier: Any) -> Table:
        raise NotImplementedError("the table is loaded before")

    def commit_table(self, table: Table, requirements: Any, updates: tuple[TableUpdate, ...]) -> CommitTableResponse:
        # Readers refuse a table whose log of snapshots goes back in time.
        now = max(self._now, table.metadata.last_updated_ms)
        timed = tuple(_at(update, now) for update in updates)
        staged = self._update_and_stage_table(table, table.name(), requirements, timed)
        self._write_metadata(staged.metadata, self._files, staged.metadata_location)
        answer: dict[str, Any] = {"metadata": staged.metadata, "metadata-location": staged.metadata_location}
        return CommitTableResponse(**answer)

    def _load_file_io(self, properties: Any = None, location: str | None = None) -> FileIO:
        return self._files

    @staticmethod
    def _delete_old_metadata(io: FileIO, base: TableMetadata, metadata: TableMetadata) -> None:
        """What is old may still be current, until the caller has moved the table."""


def _at(update: TableUpdate, now: int) -> TableUpdate:
    if not isinstance(update, AddSnapshotUpdate):
        return update
    return update.model_copy(update={"snapshot": update.snapshot.model_copy(update={"timestamp_ms": now})})


class Files(FileIO):
    """What was written stays in `written`; everything else is read from the lake."""

    def __init__(self, read: Read) -> None:
        super().__init__()
        self.read = read
        self.written: dict[str, bytes] = {}

    def new_input(self, location: str) -> Input:
        return Input(location, self)

    def new_output(self, location: str) -> Output:
        return Output(location, self)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        self.written.pop(location if isinstance(location, str) else location.location, None)


class Input(InputFile):
    def __init__(self, location: str, files: Files) -> None:
        super().__init__(location)
        self._files = files

    def _bytes(self) -> bytes:
        if self.location in self._files.written:
            return self._files.written[self.location]
        return self._files.read(self.location)

    def __len__(self) -> int:
        return len(self._bytes())

    def exists(self) -> bool:
        return True

    def open(self, seekable: bool = True) -> Any:
        return io.BytesIO(self._bytes())


class Output(OutputFile):
    def __init__(self, location: str, files: Files) -> None:
        super().__init__(location)
        self._files = files

    def __len__(self) -> int:
        return len(self._files.written[self.location])

    def exists(self) -> bool:
        return self.location in self._files.written

    def to_input_file(self) -> Input:
        return Input(self.location, self._files)

    def create(self, overwrite: bool = False) -> Any:
        return _Kept(self.location, self._files)


class _Kept(io.BytesIO):
    def __init__(self, location: str, files: Files) -> None:
        super().__init__()
        self._location = location
        self._files = files

    def close(self) -> None:
        if not self.closed:
            self._files.written[self._location] = self.getvalue()
        super().close()
