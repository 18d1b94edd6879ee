"""Apache Iceberg: a batch becomes one commit to each table that its records are routed to.

Needs pyiceberg (the extra `iceberg`); without it a stream with this destination can't be created. Tables lie in the
lake's own Glue catalog. A table's move to its new metadata and the end of the delivery are one transaction; besides, a
snapshot's summary names the delivery, for an attempt that fails between the commit and its end.
Source: developer guide, "Deliver data to Apache Iceberg Tables with Amazon Data Firehose".
"""

from __future__ import annotations

import asyncio
import importlib.util
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from pocketlake.kernel.blobs import FileSlice
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501, ServiceError
from pocketlake.kernel.resources import Resource

from .. import processing, quotas, storage
from ..batches import Batch, Failed, Undelivered
from ..service import errors

CONFIGURATIONS = ("IcebergDestinationConfiguration",)
UPDATES = ("IcebergDestinationUpdate",)
FAILED = "iceberg-failed"

OPERATIONS = ("insert", "update", "delete")
NO_TABLE = "Iceberg.GlueTableNotFound"
INVALID_ROUTE = "Iceberg.InvalidRoutingInformation"  # not documented by name
NOT_WRITTEN = "Iceberg.WriteFailed"  # not documented by name
READ_SECONDS = 10.0
CATALOG = re.compile(r"arn:[^:]*:glue:([^:]+):(\d{12}):catalog(/.*)?")
INPUT_MEMBERS = (
    "Name",
    "Description",
    "Owner",
    "LastAccessTime",
    "LastAnalyzedTime",
    "Retention",
    "StorageDescriptor",
    "PartitionKeys",
    "TableType",
    "Parameters",
)

Route = tuple[str, str]  # database, table


def validate(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    configuration = dict(given)
    configuration["S3Configuration"] = storage.validate_beside(configuration)
    _check_built(configuration)
    for member in ("RoleARN", "CatalogConfiguration"):
        if not configuration.get(member):
            raise errors.InvalidArgumentException(f"{member} must not be null or empty")
    _check_catalog(call, configuration)
    hints = {"SizeInMBs": quotas.DEFAULT_SIZE_MB, "IntervalInSeconds": quotas.DEFAULT_INTERVAL_SECONDS}
    configuration["BufferingHints"] = {**hints, **(configuration.get("BufferingHints") or {})}
    configuration["RetryOptions"] = {"DurationInSeconds": 300, **(configuration.get("RetryOptions") or {})}
    configuration.setdefault("S3BackupMode", "FailedDataOnly")
    configuration.setdefault("CloudWatchLoggingOptions", {"Enabled": False})
    configuration.setdefault("AppendOnly", False)
    processing.validate(call, configuration, routes_by_metadata=True)
    _check_tables(call, configuration)
    return configuration


def _check_built(configuration: dict[str, Any]) -> None:
    if importlib.util.find_spec("pyiceberg") is None:
        raise NotImplemented501("Firehose IcebergDestinationConfiguration without pip install 'pocketlake[iceberg]'")
    for member in ("SchemaEvolutionConfiguration", "TableCreationConfiguration"):
        if (configuration.get(member) or {}).get("Enabled"):
            raise NotImplemented501(f"Firehose {member} of Iceberg destinations")
    for table in configuration.get("DestinationTableConfigurationList") or ():
        for member in ("PartitionSpec", "S3ErrorOutputPrefix"):
            if table.get(member):
                raise NotImplemented501(f"Firehose {member} of an Iceberg destination table")
    if configuration.get("S3BackupMode") == "AllData":
        raise errors.InvalidArgumentException("S3 backup only supports FailedDataOnly for Apache Iceberg Tables")


def _check_catalog(call: Call, configuration: dict[str, Any]) -> None:
    given = configuration["CatalogConfiguration"]
    if given.get("WarehouseLocation"):
        raise NotImplemented501("Firehose CatalogConfiguration.WarehouseLocation (automatic table creation)")
    arn = CATALOG.fullmatch(given.get("CatalogARN") or "")
    if arn is None:
        raise errors.InvalidArgumentException("CatalogConfiguration.CatalogARN must not be null or empty")
    if arn[3] or arn[2] != call.account:
        raise NotImplemented501("Firehose delivery to Iceberg catalogs other than the account's own (S3 Tables)")


def _check_tables(call: Call, configuration: dict[str, Any]) -> None:
    """Tables named at creation must be there then."""
    tables = configuration.get("DestinationTableConfigurationList") or []
    routes = [_route_of(table) for table in tables]
    if len(set(routes)) < len(routes):
        raise errors.InvalidArgumentException("Each destination table can have one configuration only")
    for route in routes:
        if _table(call, configuration, route) is None:
            raise errors.InvalidArgumentException(
                f"Role {configuration['RoleARN']} is not authorized to perform: glue:GetTable for the given table or"
                " the table does not exist."
            )


def merge(configuration: dict[str, Any], update: dict[str, Any]) -> dict[str, Any]:
    return {**configuration, **update}


def describe(configuration: dict[str, Any]) -> dict[str, Any]:
    described = dict(configuration)
    described["S3DestinationDescription"] = storage.described(described.pop("S3Configuration"))
    return {"IcebergDestinationDescription": described}


def backup(configuration: dict[str, Any]) -> dict[str, Any] | None:
    return None


def retry_seconds(configuration: dict[str, Any]) -> float | None:
    return float(configuration["RetryOptions"]["DurationInSeconds"])


async def deliver(call: Call, stream: Resource, batch: Batch) -> list[Failed]:
    """Prepare a commit for each table, write all their files, then move all tables in one transaction."""
    configuration = stream["Destination"]
    routes, failed = routes_of(configuration, batch)
    moves: list[tuple[Call, dict[str, Any], str]] = []
    s3 = call.as_(role_arn=configuration["RoleARN"]).aws.s3
    for route, entries in routes.items():
        try:
            table = _table(call, configuration, route)
        except ServiceError as error:
            raise Undelivered("Iceberg.AccessDenied", error.message) from None
        location = _metadata_location(table)
        if table is None or location is None:
            message = f"The table {'.'.join(route)} is not in the catalog, or is no Iceberg table"
            failed += [_failure(batch, index, NO_TABLE, message) for index, _ in entries]
            continue
        commit = await _prepare(call, configuration, batch, route, entries, location)
        failed += [_failure(batch, entries[place][0], code, message) for place, code, message in commit.failed]
        if commit.metadata_location is None:
            continue
        for file, body in commit.files.items():
            bucket, key = _place(file)
            await _lake(s3.put_object(Bucket=bucket, Key=key, Body=body))
        moves.append((_catalog(call, configuration), table, commit.metadata_location))
    _move(call, moves)
    return failed


def routes_of(configuration: dict[str, Any], batch: Batch) -> tuple[dict[Route, list[tuple[int, str]]], list[Failed]]:
    """(index, operation) of the records of each table; those whose table or operation can't be told."""
    tables = configuration.get("DestinationTableConfigurationList") or []
    default = tables[0] if len(tables) == 1 else {}
    routes: dict[Route, list[tuple[int, str]]] = {}
    failed: list[Failed] = []
    for index in range(len(batch)):
        told: dict[str, Any] = {}
        if batch.metadata:
            told |= batch.metadata[index].get("otfMetadata") or {}
        if batch.query_keys:
            told |= batch.query_keys[index]
        database = told.get("destinationDatabaseName") or default.get("DestinationDatabaseName")
        table = told.get("destinationTableName") or default.get("DestinationTableName")
        operation = str(told.get("operation") or "insert").lower()
        if not database or not table:
            failed.append(_failure(batch, index, INVALID_ROUTE, "The record names no destination database and table"))
        elif operation not in OPERATIONS:
            failed.append(_failure(batch, index, INVALID_ROUTE, f"Operation {operation} is not supported"))
        elif configuration["AppendOnly"] and operation != "insert":
            failed.append(_failure(batch, index, INVALID_ROUTE, "The Firehose stream is append only"))
        else:
            routes.setdefault((str(database), str(table)), []).append((index, operation))
    return routes, failed


def _failure(batch: Batch, index: int, code: str, message: str) -> Failed:
    return Failed(batch.origin(index), FAILED, code, message, batch.attempt, batch.raw(index))


async def _prepare(
    call: Call, configuration: dict[str, Any], batch: Batch, route: Route, entries: list[tuple[int, str]], location: str
) -> Any:
    """The iceberg_tables.Commit of one table. Raises Undelivered."""
    from .. import iceberg_tables

    keys: list[str] = []
    for table in configuration.get("DestinationTableConfigurationList") or ():
        if _route_of(table) == route:
            keys = table.get("UniqueKeys") or []
    request = iceberg_tables.Request(
        metadata_location=location,
        records=[batch.data[index] for index, _ in entries],
        operations=[operation for _, operation in entries],
        keys=keys,
        mark=str(batch.identity),
        now=int(call.now * 1000),
    )
    try:
        return await call.offload(iceberg_tables.prepare, _reader(call, configuration), request)
    except iceberg_tables.WriteFailed as error:
        raise Undelivered(NOT_WRITTEN, str(error)) from None


def _reader(call: Call, configuration: dict[str, Any]) -> Callable[[str], bytes]:
    """What reads an object from a thread: the lake is asked on its loop, the file is read in the thread."""
    loop = asyncio.get_running_loop()
    s3 = call.as_(role_arn=configuration["RoleARN"]).aws.s3

    async def fetch(location: str) -> Any:
        bucket, key = _place(location)
        body = s3.get_object(Bucket=bucket, Key=key)["Body"]
        return body if isinstance(body, bytes | FileSlice) else b"".join([piece async for piece in body])

    def read(location: str) -> bytes:
        body = asyncio.run_coroutine_threadsafe(fetch(location), loop).result(READ_SECONDS)
        if isinstance(body, FileSlice):
            with open(body.path, "rb") as file:
                file.seek(body.offset)
                return file.read(body.length)
        return bytes(body)

    return read


def _move(call: Call, moves: list[tuple[Call, dict[str, Any], str]]) -> None:
    """All tables or none; none when one of them has been changed meanwhile."""
    try:
        with call.transaction():
            for catalog, table, location in moves:
                parameters = table["Parameters"]
                given = {name: table[name] for name in INPUT_MEMBERS if name in table}
                given["Parameters"] = {
                    **parameters,
                    "metadata_location": location,
                    "previous_metadata_location": parameters["metadata_location"],
                }
                catalog.aws.glue.update_table(
                    DatabaseName=table["DatabaseName"], TableInput=given, VersionId=table["VersionId"], SkipArchive=True
                )
    except ServiceError as error:
        raise Undelivered(NOT_WRITTEN, error.message, pause=1.0) from None


async def _lake(answer: Any) -> None:
    try:
        await answer
    except ServiceError as error:
        raise Undelivered(f"S3.{error.code}", error.message) from None


def _catalog(call: Call, configuration: dict[str, Any]) -> Call:
    arn = CATALOG.fullmatch(configuration["CatalogConfiguration"]["CatalogARN"])
    assert arn is not None
    return call.as_(region=arn[1], role_arn=configuration["RoleARN"])


def _table(call: Call, configuration: dict[str, Any], route: Route) -> dict[str, Any] | None:
    database, name = route
    try:
        found: dict[str, Any] = _catalog(call, configuration).aws.glue.get_table(DatabaseName=database, Name=name)
    except ServiceError as error:
        if error.code == "EntityNotFoundException":
            return None
        raise
    table: dict[str, Any] = found["Table"]
    return table


def _metadata_location(table: dict[str, Any] | None) -> str | None:
    parameters = (table or {}).get("Parameters") or {}
    if str(parameters.get("table_type", "")).upper() != "ICEBERG":
        return None
    return parameters.get("metadata_location")


def _route_of(table: dict[str, Any]) -> Route:
    return table["DestinationDatabaseName"], table["DestinationTableName"]


def _place(location: str) -> tuple[str, str]:
    """(bucket, key) of s3://bucket/key."""
    parts = urlsplit(location, allow_fragments=False)
    return parts.netloc, parts.path.lstrip("/") + (f"?{parts.query}" if parts.query else "")
