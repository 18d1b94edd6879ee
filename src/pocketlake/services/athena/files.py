"""The objects a scan reads: partitions are pruned first, then only their prefixes are listed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from pocketlake.engines.sql import pruning
from pocketlake.engines.sql.bind import Scan
from pocketlake.engines.sql.catalog import Partition, Table
from pocketlake.engines.sql.errors import SqlError
from pocketlake.engines.sql.scan import ScanFile
from pocketlake.kernel.blobs import FileSlice
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError

from . import projection, tables

LONGEST_EXPRESSION = 2048  # Glue API reference, GetPartitions
COLD = ("GLACIER", "DEEP_ARCHIVE")  # [ATH-506]


def split_location(location: str) -> tuple[str, str]:
    """Bucket and key prefix of `s3://bucket/prefix`; a prefix ends with a slash, so `day=1` is not `day=10`."""
    for scheme in ("s3://", "s3a://", "s3n://"):
        if location.startswith(scheme):
            bucket, _, prefix = location.removeprefix(scheme).partition("/")
            return bucket, prefix.rstrip("/") + "/" if prefix.strip("/") else ""
    raise SqlError("HIVE_METASTORE_ERROR", f"Table location is not an S3 path: {location}")


def chosen_partitions(call: Call, scan: Scan) -> list[Partition]:
    """The partitions that can hold rows the query wants.  [ATH-022, ATH-024]"""
    table = scan.table
    kinds = {column.name: column.type for column in table.partition_keys}
    if projection.is_enabled(table):
        found = projection.partitions(table, scan.filters, call.now)
    else:
        found = tables.partitions(call, table, catalog_expression(scan.filters, kinds))
    names = [column.name for column in table.partition_keys]
    return [
        partition
        for partition in found
        if pruning.survives(scan.filters, dict(zip(names, partition.values, strict=True)), kinds)
    ]


def catalog_expression(filters: list[Any], kinds: dict[str, str]) -> str:
    """What of the filters the catalog answers by itself, through its indexes: strings that a key must equal.

    Text means the same there and here; every other comparison is judged here alone.  [GLUE-078]
    """
    from sqlglot import exp

    terms: list[str] = []
    for condition in filters:
        if isinstance(condition, exp.EQ):
            sides = (condition.this, condition.expression)
            column, literal = sides if isinstance(sides[0], exp.Column) else reversed(sides)
            is_text = isinstance(literal, exp.Literal) and literal.is_string
            if isinstance(column, exp.Column) and is_text and kinds.get(column.name) == "string":
                terms.append(f'"{column.name}" = ' + "'" + literal.this.replace("'", "''") + "'")
    expression = " AND ".join(terms)
    return expression if len(expression) <= LONGEST_EXPRESSION else ""


async def files_of(call: Call, scan: Scan, directory: Path) -> list[ScanFile]:
    """Every object the scan reads, in the order of their keys."""
    table = scan.table
    parts = chosen_partitions(call, scan) if table.partition_keys else [Partition((), table.location)]
    found: list[ScanFile] = []
    for partition in parts:
        bucket, prefix = split_location(partition.location or table.location)
        for key in keys(call, bucket, prefix):
            found.append(await _open(call, bucket, key, partition.values, directory, len(found)))
    return found


def keys(call: Call, bucket: str, prefix: str) -> list[str]:
    """The keys under a prefix that hold data: hidden names, folders, empty and archived objects are left out."""
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        try:
            answer = call.aws.s3.list_objects_v2(Bucket=bucket, Prefix=prefix, **token)
        except ServiceError as error:
            message = f"{error.message} (Service: Amazon S3; Status Code: 404; Error Code: {error.code})"
            raise SqlError("HIVE_METASTORE_ERROR", message) from None
        for item in answer.get("Contents") or []:
            rest = item["Key"][len(prefix) :].split("/")
            hidden = any(part.startswith(("_", ".")) for part in rest)
            if not hidden and item["Size"] and item.get("StorageClass", "STANDARD") not in COLD:
                found.append(item["Key"])
        if not answer.get("IsTruncated"):
            return found
        token = {"ContinuationToken": answer["NextContinuationToken"]}


def remove_made(call: Call, location: str, mark: str) -> None:
    """Delete the objects under a location whose names begin with `mark`: those of one query."""
    bucket, prefix = split_location(location)
    for key in keys(call, bucket, prefix):
        if key.rsplit("/", 1)[-1].startswith(mark):
            call.aws.s3.delete_object(Bucket=bucket, Key=key)


async def _open(call: Call, bucket: str, key: str, values: tuple[str, ...], directory: Path, number: int) -> ScanFile:
    try:
        body = call.aws.s3.get_object(Bucket=bucket, Key=key)["Body"]
    except ServiceError as error:
        raise SqlError(
            "HIVE_CANNOT_OPEN_SPLIT", f"Error opening Hive split s3://{bucket}/{key}: {error.message}"
        ) from None
    if isinstance(body, FileSlice):
        # Linked now, in this tick: the blob may be gone in the next.
        return _hold(ScanFile(key, values, None, body.path, body.offset, body.length), directory, number)
    if isinstance(body, bytes):
        return ScanFile(key, values, body)
    return await _spool(call, body, ScanFile(key, values), directory, number)


def _hold(file: ScanFile, directory: Path, number: int) -> ScanFile:
    import os

    held = directory / f"{number:06}.object"
    try:
        os.link(file.path, held)
    except OSError:
        return file
    file.path = str(held)
    return file


async def _spool(call: Call, body: AsyncIterator[bytes], file: ScanFile, directory: Path, number: int) -> ScanFile:
    """An object of several blobs becomes one file."""
    file.path = str(directory / f"{number:06}.object")
    with open(file.path, "wb") as target:
        async for piece in body:
            file.length += await call.offload(target.write, piece)
    return file


def is_empty(call: Call, bucket: str, prefix: str) -> bool:
    answer: dict[str, Any] = call.aws.s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    return not answer.get("Contents")


def require_location(table: Table) -> None:
    if not table.location:
        raise SqlError("HIVE_METASTORE_ERROR", f"Table {table.database}.{table.name} has no location")
