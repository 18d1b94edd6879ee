"""Tables: where data lies and how to read it. Every update makes a version."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.kernel.resources import AlreadyExists, Resource

from . import databases, partition_indexes, store
from .service import each_alone, errors, glue, own_catalog, page_start, page_token

PAGE = 100
# A star after one of these belongs to the regular expression; anywhere else Glue reads it as "anything".
STAR = re.compile(r"(?<![.\])}])(?<!\\[a-zA-Z])\*")
INPUT_ONLY = ("ViewDefinition",)
SHORT_ATTRIBUTES = {"NAME": "Name", "TABLE_TYPE": "TableType"}


def find(call: Call, database: str, name: str) -> Resource:
    parent = databases.find(call, database)
    table = call.resources("table").find(name.lower(), parent=parent.name)
    if table is None:
        raise errors.EntityNotFoundException(f"Table {name.lower()} not found.")
    return table


def describe(call: Call, table: Resource, attributes: Sequence[str] = ()) -> dict[str, Any]:
    """The table, or only its Name and TableType when `attributes` (AttributesToGet) ask for no more."""
    if attributes:
        kept = {SHORT_ATTRIBUTES[attribute] for attribute in attributes} | {"Name"}
        return {key: value for key, value in table.body.items() if key in kept}
    return {key: value for key, value in table.body.items() if key != "PartitionIndexes"}


def _document(call: Call, database: str, given: dict[str, Any], version: int, created: float = 0.0) -> dict[str, Any]:
    now = call.now
    return {
        "Retention": 0,
        "PartitionKeys": [],
        **{member: value for member, value in given.items() if member not in INPUT_ONLY},
        "Name": given["Name"].lower(),
        "DatabaseName": database,
        "CreateTime": created or now,
        "UpdateTime": now,
        "CreatedBy": call.principal.arn,
        "IsRegisteredWithLakeFormation": False,
        "CatalogId": call.account,
        "VersionId": str(version),
    }


def _check(given: dict[str, Any]) -> None:
    if "ViewDefinition" in given:
        raise NotImplemented501("Glue multi-dialect views")
    columns = given.get("StorageDescriptor", {}).get("Columns", [])
    names = [column["Name"].lower() for column in [*columns, *given.get("PartitionKeys", [])]]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise errors.InvalidInputException(f"Column {twice} is given more than once.")


@glue.operation
def create_table(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Add a table to a database.  [GLUE-026, GLUE-040]"""
    own_catalog(call, request)
    if "OpenTableFormatInput" in request:
        raise NotImplemented501("Glue CreateTable OpenTableFormatInput (it writes Iceberg metadata)")
    database = databases.find(call, request["DatabaseName"]).name
    given = request.get("TableInput")
    if given is None:
        raise errors.InvalidInputException("TableInput must be given.")
    _check(given)
    document = _document(call, database, given, 0)
    name = document["Name"]
    try:
        table = call.resources("table").create(
            name, document, parent=database, arn=call.arn(f"table/{database}/{name}")
        )
    except AlreadyExists:
        raise errors.AlreadyExistsException("Table already exists.") from None
    store.put_version(call, database, name, 0, document)
    for index in request.get("PartitionIndexes", []):
        table = partition_indexes.add(call, table, index)
    return {}


@glue.operation
def get_table(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    own_catalog(call, request)
    return {"Table": describe(call, find(call, request["DatabaseName"], request["Name"]))}


@glue.operation
def get_tables(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Tables of one database by name, those whose whole name matches Expression."""
    own_catalog(call, request)
    database = databases.find(call, request["DatabaseName"]).name
    limit = request.get("MaxResults", PAGE)
    matches = _expression(request.get("Expression", ""))
    after = page_start(call, request, "tables")
    found = [
        table for table in call.resources("table").list(parent=database, after=after) if matches.fullmatch(table.name)
    ]
    attributes = request.get("AttributesToGet", ())
    answer: dict[str, Any] = {"TableList": [describe(call, table, attributes) for table in found[:limit]]}
    if len(found) > limit:
        answer["NextToken"] = page_token(call, "tables", found[limit - 1].name)
    return answer


def _expression(text: str) -> re.Pattern[str]:
    try:
        return re.compile(STAR.sub(".*", text) or ".*", re.DOTALL)
    except re.error as error:
        raise errors.InvalidInputException(f"Invalid expression {text!r}: {error}") from None


@glue.operation
def update_table(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Replace the table's definition and archive the former one, unless SkipArchive.

    VersionId makes the update conditional: it must be the version that is current.
    """
    own_catalog(call, request)
    if "UpdateOpenTableFormatInput" in request or "ViewUpdateAction" in request:
        raise NotImplemented501("Glue UpdateTable for open table formats and views")
    given = request.get("TableInput")
    if given is None:
        raise errors.InvalidInputException("TableInput must be given.")
    _check(given)
    table = find(call, request["DatabaseName"], given["Name"])
    current = int(table["VersionId"])
    if request.get("VersionId", table["VersionId"]) != table["VersionId"]:
        raise errors.ConcurrentModificationException("Update table failed due to concurrent modifications.")
    document = _document(call, table.parent, given, current + 1, table["CreateTime"])
    if indexes := table.get("PartitionIndexes"):
        if [key["Name"] for key in document["PartitionKeys"]] != [key["Name"] for key in table["PartitionKeys"]]:
            raise errors.InvalidInputException("Partition keys can not be changed while there are partition indexes.")
        document["PartitionIndexes"] = indexes
    call.resources("table").replace_body(table, document)
    store.put_version(call, table.parent, table.name, current + 1, document)
    if request.get("SkipArchive"):
        store.delete_version(call, table.parent, table.name, current)
    return {}


@glue.operation
def delete_table(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Delete the table with its versions and partitions. The data in S3 stays.  [GLUE-510]"""
    own_catalog(call, request)
    delete(call, find(call, request["DatabaseName"], request["Name"]))
    return {}


def delete(call: Call, table: Resource) -> None:
    call.resources("table").delete(table)
    store.drop_table(call, table.parent, table.name)


@glue.operation
def batch_delete_table(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    own_catalog(call, request)
    database = databases.find(call, request["DatabaseName"]).name
    failures: list[dict[str, Any]] = []
    for name in request["TablesToDelete"]:
        with each_alone(call, failures, TableName=name):
            delete(call, find(call, database, name))
    return {"Errors": failures} if failures else {}
