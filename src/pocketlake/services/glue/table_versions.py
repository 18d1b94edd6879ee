"""Versions of tables: what UpdateTable archives."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import store, tables
from .service import each_alone, errors, glue, own_catalog, page_start, page_token

PAGE = 100


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise errors.InvalidInputException(f"Invalid version {text!r}: it must be a number.")
    return int(text)


def _describe(number: int, document: dict[str, Any]) -> dict[str, Any]:
    document.pop("PartitionIndexes", None)
    return {"Table": document, "VersionId": str(number)}


@glue.operation
def get_table_version(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """One version of a table; the current one when no VersionId is given."""
    own_catalog(call, request)
    table = tables.find(call, request["DatabaseName"], request["TableName"])
    number = _number(request.get("VersionId", table["VersionId"]))
    document = store.version(call, table.parent, table.name, number)
    if document is None:
        raise errors.EntityNotFoundException("Version not found.")
    return {"TableVersion": _describe(number, document)}


@glue.operation
def get_table_versions(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The archived versions and the current one."""
    own_catalog(call, request)
    table = tables.find(call, request["DatabaseName"], request["TableName"])
    limit = request.get("MaxResults", PAGE)
    after = int(page_start(call, request, "versions") or -1)
    found = store.versions(call, table.parent, table.name, after, limit + 1)
    answer: dict[str, Any] = {"TableVersions": [_describe(number, document) for number, document in found[:limit]]}
    if len(found) > limit:
        answer["NextToken"] = page_token(call, "versions", str(found[limit - 1][0]))
    return answer


@glue.operation
def delete_table_version(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    own_catalog(call, request)
    _delete(call, tables.find(call, request["DatabaseName"], request["TableName"]), request["VersionId"])
    return {}


@glue.operation
def batch_delete_table_version(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    own_catalog(call, request)
    table = tables.find(call, request["DatabaseName"], request["TableName"])
    failures: list[dict[str, Any]] = []
    for version in request["VersionIds"]:
        with each_alone(call, failures, TableName=table.name, VersionId=version):
            _delete(call, table, version)
    return {"Errors": failures} if failures else {}


def _delete(call: Call, table: Resource, version: str) -> None:
    number = _number(version)
    if store.version(call, table.parent, table.name, number) is None:
        raise errors.EntityNotFoundException("Version not found.")
    if version == table["VersionId"]:
        raise errors.InvalidInputException("The current version of a table can not be deleted.")
    store.delete_version(call, table.parent, table.name, number)
