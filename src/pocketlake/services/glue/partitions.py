"""Partitions: the folders of a table, each with its values, location and schema."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import partition_expressions, partition_indexes, store, tables
from .service import each_alone, errors, glue, own_catalog, page_start, page_token

PAGE = 1000
# Keys looked at for one page: a page may come back short or empty with a token, as AWS's may.
SCAN = 20_000


def _table(call: Call, request: dict[str, Any]) -> Resource:
    own_catalog(call, request)
    return tables.find(call, request["DatabaseName"], request["TableName"])


def _key(table: Resource, values: list[str]) -> str:
    """The key of a partition that is being written."""
    if len(values) != len(table["PartitionKeys"]):
        raise errors.InvalidInputException("The number of partition keys do not match the number of partition values")
    return store.partition_key(values)


def _load(call: Call, table: Resource, values: list[str]) -> dict[str, Any]:
    document = store.partition(call, table.parent, table.name, store.partition_key(values))
    if document is None:
        raise errors.EntityNotFoundException("Cannot find partition.")
    return document


# Writing


def add(call: Call, table: Resource, given: dict[str, Any]) -> None:
    """Write a new partition, and its entries in the table's indexes."""
    values = given.get("Values", [])
    key = _key(table, values)
    if store.partition(call, table.parent, table.name, key) is not None:
        raise errors.AlreadyExistsException("Partition already exists.")
    document = {
        **given,
        "DatabaseName": table.parent,
        "TableName": table.name,
        "CreationTime": call.now,
        "CatalogId": call.account,
    }
    store.put_partition(call, table.parent, table.name, key, document)
    partition_indexes.enter(call, table, values, key)


def replace(call: Call, table: Resource, values: list[str], given: dict[str, Any]) -> None:
    """Change a partition in place, or move it when `given` has other values."""
    document = _load(call, table, values)
    moved = {"Values": values, **given}
    if moved["Values"] != values:
        remove(call, table, values)
        add(call, table, moved)
        return
    kept = {name: document[name] for name in ("DatabaseName", "TableName", "CreationTime", "CatalogId")}
    store.put_partition(call, table.parent, table.name, _key(table, values), {**moved, **kept})


def remove(call: Call, table: Resource, values: list[str]) -> None:
    _load(call, table, values)
    key = _key(table, values)
    store.delete_partition(call, table.parent, table.name, key)
    partition_indexes.leave(call, table, values, key)


@glue.operation
def create_partition(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    add(call, _table(call, request), request["PartitionInput"])
    return {}


@glue.operation
def batch_create_partition(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Up to 100 partitions; each is written or refused alone.  [GLUE-028, GLUE-068]"""
    table = _table(call, request)
    failures: list[dict[str, Any]] = []
    for given in request["PartitionInputList"]:
        with each_alone(call, failures, PartitionValues=given.get("Values", [])):
            add(call, table, given)
    return {"Errors": failures} if failures else {}


@glue.operation
def update_partition(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    replace(call, _table(call, request), request["PartitionValueList"], request["PartitionInput"])
    return {}


@glue.operation
def batch_update_partition(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    table = _table(call, request)
    failures: list[dict[str, Any]] = []
    for entry in request["Entries"]:
        with each_alone(call, failures, PartitionValueList=entry["PartitionValueList"]):
            replace(call, table, entry["PartitionValueList"], entry["PartitionInput"])
    return {"Errors": failures} if failures else {}


@glue.operation
def delete_partition(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    remove(call, _table(call, request), request["PartitionValues"])
    return {}


@glue.operation
def batch_delete_partition(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    table = _table(call, request)
    failures: list[dict[str, Any]] = []
    for entry in request["PartitionsToDelete"]:
        with each_alone(call, failures, PartitionValues=entry["Values"]):
            remove(call, table, entry["Values"])
    return {"Errors": failures} if failures else {}


# Reading


@glue.operation
def get_partition(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return {"Partition": _load(call, _table(call, request), request["PartitionValues"])}


@glue.operation
def batch_get_partition(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Those that are there, in the order asked; what is missing is left out. Nothing stays unprocessed."""
    table = _table(call, request)
    keys = [store.partition_key(entry["Values"]) for entry in request["PartitionsToGet"]]
    found = [store.partition(call, table.parent, table.name, key) for key in keys]
    return {"Partitions": [document for document in found if document is not None], "UnprocessedKeys": []}


@glue.operation
def get_partitions(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Partitions that meet Expression, by pages and, when asked, by segments.  [GLUE-028, GLUE-071]"""
    table = _table(call, request)
    predicate = _predicate(table, request.get("Expression", ""))
    segment = _segment(request)
    limit = request.get("MaxResults", PAGE)
    found: list[str] = []
    scanned, last, more = 0, "", False
    for position, key in _candidates(call, table, predicate, page_start(call, request, "partitions")):
        if len(found) == limit or scanned == SCAN:
            more = True
            break
        scanned, last = scanned + 1, position
        if segment(key) and _meets(predicate, key):
            found.append(key)
    documents = [store.partition(call, table.parent, table.name, key) for key in found]
    answer: dict[str, Any] = {"Partitions": [_shown(document, request) for document in documents if document]}
    if more:
        answer["NextToken"] = page_token(call, "partitions", last)
    return answer


def _shown(document: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    if request.get("ExcludeColumnSchema") and "StorageDescriptor" in document:
        descriptor = {name: value for name, value in document["StorageDescriptor"].items() if name != "Columns"}
        return {**document, "StorageDescriptor": descriptor}
    return document


def _predicate(table: Resource, expression: str) -> partition_expressions.Predicate | None:
    if not expression.strip():
        return None
    keys = [(key["Name"], key.get("Type", "string")) for key in table["PartitionKeys"]]
    try:
        return partition_expressions.parse(expression, keys)
    except partition_expressions.ExpressionError as error:
        raise errors.InvalidInputException(str(error)) from None


def _meets(predicate: partition_expressions.Predicate | None, key: str) -> bool:
    if predicate is None:
        return True
    try:
        return predicate.matches(orjson.loads(key))
    except partition_expressions.StateError as error:
        raise errors.InvalidStateException(str(error)) from None


def _segment(request: dict[str, Any]) -> Any:
    """Segments split the keys by a hash, so that each is read alone and all together hold everything once."""
    segment = request.get("Segment")
    if segment is None:
        return lambda key: True
    number, total = segment["SegmentNumber"], segment["TotalSegments"]
    if number >= total:
        raise errors.InvalidInputException("Segment number must be below the total number of segments.")
    return lambda key: zlib.crc32(key.encode()) % total == number


def _candidates(
    call: Call, table: Resource, predicate: partition_expressions.Predicate | None, after: str
) -> Iterator[tuple[str, str]]:
    """(position, key) of what may match, after a position: by an index or the key's own order when these narrow it."""
    equal = predicate.equal if predicate else {}
    names = [key["Name"].lower() for key in table["PartitionKeys"]]
    by_name = {names[at]: value for at, value in equal.items()}
    index, prefix = partition_indexes.best(table, by_name)
    own = partition_indexes.prefix_of(names, by_name)
    if index is not None and len(prefix) > len(own):
        start = orjson.loads(after) if after else ["", ""]
        for entry, key in store.indexed_keys(call, table.parent, table.name, index, prefix, tuple(start)):
            yield orjson.dumps([entry, key]).decode(), key
        return
    for key in store.partition_keys(call, table.parent, table.name, after, own):
        yield key, key
