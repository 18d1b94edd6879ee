"""Column statistics of tables and partitions: kept and returned as query engines wrote them."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.resources import Resource

from . import store, tables
from .service import error_detail, errors, glue, own_catalog

# The member of StatisticsData that must be there, by its Type.
DATA_MEMBERS = {
    "BOOLEAN": "BooleanColumnStatisticsData",
    "DATE": "DateColumnStatisticsData",
    "DECIMAL": "DecimalColumnStatisticsData",
    "DOUBLE": "DoubleColumnStatisticsData",
    "LONG": "LongColumnStatisticsData",
    "STRING": "StringColumnStatisticsData",
    "BINARY": "BinaryColumnStatisticsData",
}


def _of(call: Call, request: dict[str, Any]) -> tuple[Resource, str]:
    """The table, and the key of its partition ("" for the table itself)."""
    own_catalog(call, request)
    table = tables.find(call, request["DatabaseName"], request["TableName"])
    if "PartitionValues" not in request:
        return table, ""
    key = store.partition_key(request["PartitionValues"])
    if store.partition(call, table.parent, table.name, key) is None:
        raise errors.EntityNotFoundException("Cannot find partition.")
    return table, key


def _check(table: Resource, given: dict[str, Any]) -> None:
    columns = [*table.get("StorageDescriptor", {}).get("Columns", []), *table["PartitionKeys"]]
    if given["ColumnName"] not in {column["Name"] for column in columns}:
        raise errors.EntityNotFoundException(f"Column {given['ColumnName']} not found.")
    data = given["StatisticsData"]
    if DATA_MEMBERS.get(data["Type"]) not in data:
        raise errors.InvalidInputException(f"StatisticsData of type {data['Type']} lacks {DATA_MEMBERS[data['Type']]}.")


def _update(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    table, key = _of(call, request)
    failures = []
    for given in request["ColumnStatisticsList"]:
        try:
            _check(table, given)
        except ServiceError as error:
            failures.append({"ColumnStatistics": given, "Error": error_detail(error)})
            continue
        store.put_statistics(call, table.parent, table.name, key, given["ColumnName"], given)
    return {"Errors": failures}


def _get(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    table, key = _of(call, request)
    found, failures = [], []
    for column in request["ColumnNames"]:
        document = store.statistics(call, table.parent, table.name, key, column)
        if document is None:
            error = errors.EntityNotFoundException("Column statistics not found.")
            failures.append({"ColumnName": column, "Error": error_detail(error)})
        else:
            found.append(document)
    return {"ColumnStatisticsList": found, "Errors": failures}


def _delete(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    table, key = _of(call, request)
    if store.statistics(call, table.parent, table.name, key, request["ColumnName"]) is None:
        raise errors.EntityNotFoundException("Column statistics not found.")
    store.delete_statistics(call, table.parent, table.name, key, request["ColumnName"])
    return {}


@glue.operation
def update_column_statistics_for_table(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _update(call, request)


@glue.operation
def update_column_statistics_for_partition(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _update(call, request)


@glue.operation
def get_column_statistics_for_table(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _get(call, request)


@glue.operation
def get_column_statistics_for_partition(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _get(call, request)


@glue.operation
def delete_column_statistics_for_table(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _delete(call, request)


@glue.operation
def delete_column_statistics_for_partition(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _delete(call, request)
