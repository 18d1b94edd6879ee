"""How a table's files are read: from its SerDe to a DuckDB view over links to exactly the files that were chosen.

The files of a query are hard links in a directory of its own, laid out `scan/key=value/000001.parquet`. So the engine
sees nothing else, needs no listing of a bucket, learns the partition's values from the path, and a blob that is deleted
meanwhile stays readable to the end.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from . import types
from .bind import Scan
from .catalog import Table
from .errors import NotSupported, SqlError
from .pruning import HIVE_NULL

FORMATS = {
    "parquet": "parquet",
    "orc": "orc",
    "opencsvserde": "opencsv",
    "lazysimpleserde": "text",
    "jsonserde": "json",
    "openxjsonserde": "json",
}
COMPRESSIONS = {".gz": ".gz", ".gzip": ".gz", ".zst": ".zst", ".zstd": ".zst", ".bz2": ".bz2"}


@dataclass(slots=True)
class ScanFile:
    """One object: bytes, or `length` bytes of the file at `path` from `offset`. `values` are its partition's."""

    name: str
    values: tuple[str, ...] = ()
    data: bytes | None = None
    path: str = ""
    offset: int = 0
    length: int = 0


@dataclass(slots=True)
class ScanPlan:
    """What the worker needs to make the view `handle`. Types are DuckDB's; `kinds` tells Hive's of each column."""

    handle: str
    format: str
    columns: list[tuple[str, str]]
    partitions: list[tuple[str, str]]
    options: dict[str, str]
    directory: str
    files: list[str] = field(default_factory=list)
    rows: list[tuple[str | None, ...]] | None = None  # a table that is given, not read (information_schema)


def format_of(table: Table) -> str:
    """parquet, orc, text, opencsv, json; NotSupported for any other SerDe, by its name."""
    library = table.serde_library.rsplit(".", 1)[-1].lower()
    if table.parameters.get("table_type", "").upper() == "ICEBERG":
        raise NotSupported("Reading an Iceberg table")
    for marker, name in (("parquet", "parquet"), ("orc", "orc")):
        if marker in library or marker in table.input_format.lower():
            return name
    if library in FORMATS:
        return FORMATS[library]
    if not library and "textinputformat" in table.input_format.lower():
        return "text"
    raise SqlError(
        "HIVE_UNSUPPORTED_FORMAT",
        f"Unable to read: SerDe {table.serde_library or '(none)'} is not supported by Pocketlake yet.",
    )


def plan(scan: Scan, directory: Path) -> ScanPlan:
    table = scan.table
    used = set(scan.columns)
    return ScanPlan(
        scan.handle,
        format_of(table),
        [
            (column.name.lower(), types.duckdb(column.type))
            for column in table.columns
            if column.name.lower() in used or format_of(table) in ("text", "opencsv")
        ],
        [(column.name.lower(), types.duckdb(column.type)) for column in table.partition_keys],
        {**table.parameters, **table.serde},
        str(directory / scan.handle),
    )


def place(target: ScanPlan, files: list[ScanFile]) -> None:
    """Lay the files out for the engine: links, and small files for what has no file of its own."""
    made: set[str] = set()
    for number, file in enumerate(files):
        folder = target.directory
        for (name, _), value in zip(target.partitions, file.values, strict=True):
            folder += f"/{name}={quote(value, safe='') if value != HIVE_NULL else HIVE_NULL}"
        if folder not in made:
            os.makedirs(folder, exist_ok=True)
            made.add(folder)
        path = f"{folder}/{number:06}{_extension(target.format, file.name)}"
        _link(file, path)
        target.files.append(path)


def _extension(kind: str, name: str) -> str:
    suffix = os.path.splitext(name)[1].lower()
    if kind in ("parquet", "orc"):
        return f".{kind}"
    if suffix in (".snappy", ".lz4", ".lzo", ".deflate"):
        raise NotSupported(f"Reading text compressed as {suffix}")
    return ".txt" + COMPRESSIONS.get(suffix, "")


def _link(file: ScanFile, path: str) -> None:
    if file.data is not None:
        with open(path, "wb") as target:
            target.write(file.data)
        return
    try:
        if file.offset == 0 and os.path.getsize(file.path) == file.length:
            os.link(file.path, path)
            return
    except OSError as error:
        if not os.path.exists(file.path):
            raise SqlError(
                "HIVE_CANNOT_OPEN_SPLIT", f"Error opening Hive split {file.name}: the object is gone"
            ) from error
    with open(file.path, "rb") as source, open(path, "wb") as target:
        source.seek(file.offset)
        if file.offset == 0 and os.path.getsize(file.path) == file.length:
            shutil.copyfileobj(source, target)
        else:
            target.write(source.read(file.length))
