"""Databases and tables as Athena shows them: read from the Glue catalog."""

from __future__ import annotations

import re
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501, ServiceError

from . import catalogs
from .service import athena, errors, opened


def _own(call: Call, request: dict[str, Any]) -> None:
    if catalogs.find(call, request["CatalogName"]) is not None:
        raise NotImplemented501(f"Metadata of the data catalog {request['CatalogName']}")


def _database(found: dict[str, Any]) -> dict[str, Any]:
    return {"Name": found["Name"], "Description": found.get("Description"), "Parameters": found.get("Parameters", {})}


def _table(found: dict[str, Any]) -> dict[str, Any]:
    def columns(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{name: column[name] for name in ("Name", "Type", "Comment") if name in column} for column in listed]

    storage = found.get("StorageDescriptor", {})
    serde = storage.get("SerdeInfo", {})
    parameters = {
        **found.get("Parameters", {}),
        **({"location": storage["Location"]} if storage.get("Location") else {}),
        **({"inputformat": storage["InputFormat"]} if storage.get("InputFormat") else {}),
        **({"outputformat": storage["OutputFormat"]} if storage.get("OutputFormat") else {}),
        **({"serde.serialization.lib": serde["SerializationLibrary"]} if serde.get("SerializationLibrary") else {}),
        **{f"serde.param.{name}": value for name, value in serde.get("Parameters", {}).items()},
    }
    return {
        "Name": found["Name"],
        "CreateTime": found.get("CreateTime"),
        "LastAccessTime": found.get("LastAccessTime"),
        "TableType": found.get("TableType"),
        "Columns": columns(storage.get("Columns", [])),
        "PartitionKeys": columns(found.get("PartitionKeys", [])),
        "Parameters": parameters,
    }


def _missing(error: ServiceError) -> ServiceError:
    made: ServiceError = errors.MetadataException(error.message)
    return made


@athena.operation
def get_database(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    _own(call, request)
    try:
        found = call.aws.glue.get_database(Name=request["DatabaseName"])
    except ServiceError as error:
        raise _missing(error) from None
    return {"Database": _database(found["Database"])}


@athena.operation
def list_databases(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    _own(call, request)
    sealed = opened(call, request, "databases")
    more = {"NextToken": sealed["after"]} if sealed else {}
    found = call.aws.glue.get_databases(MaxResults=request.get("MaxResults", 50), **more)
    answer: dict[str, Any] = {"DatabaseList": [_database(item) for item in found["DatabaseList"]]}
    if "NextToken" in found:
        answer["NextToken"] = call.pages.seal({"for": "databases", "after": found["NextToken"]})
    return answer


@athena.operation
def get_table_metadata(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    _own(call, request)
    try:
        found = call.aws.glue.get_table(DatabaseName=request["DatabaseName"], Name=request["TableName"])
    except ServiceError as error:
        raise _missing(error) from None
    return {"TableMetadata": _table(found["Table"])}


@athena.operation
def list_table_metadata(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    _own(call, request)
    sealed = opened(call, request, "tables")
    more = {"NextToken": sealed["after"]} if sealed else {}
    if expression := request.get("Expression"):
        try:
            re.compile(expression)
        except re.error:
            raise errors.MetadataException(f"Invalid expression: {expression}") from None
        more["Expression"] = expression
    try:
        found = call.aws.glue.get_tables(
            DatabaseName=request["DatabaseName"], MaxResults=request.get("MaxResults", 50), **more
        )
    except ServiceError as error:
        raise _missing(error) from None
    answer: dict[str, Any] = {"TableMetadataList": [_table(item) for item in found["TableList"]]}
    if "NextToken" in found:
        answer["NextToken"] = call.pages.seal({"for": "tables", "after": found["NextToken"]})
    return answer
