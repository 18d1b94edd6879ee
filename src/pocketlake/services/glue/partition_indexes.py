"""Partition indexes: partitions found by the leading values of any order of the partition keys."""

from __future__ import annotations

from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import quotas, store, tables
from .service import errors, glue, own_catalog


def names_of(table: Resource) -> list[str]:
    return [key["Name"].lower() for key in table["PartitionKeys"]]


def prefix_of(order: list[str], equal: dict[str, str]) -> str:
    """The beginning of every key (JSON text of values in `order`) whose leading values are given by `equal`."""
    values = []
    for name in order:
        if name not in equal:
            break
        values.append(equal[name])
    if not values:
        return ""
    whole = orjson.dumps(values).decode()
    return whole if len(values) == len(order) else whole[:-1] + ","


def best(table: Resource, equal: dict[str, str]) -> tuple[str | None, str]:
    """The index that narrows the search most, with the beginning of its entries; (None, "") when none does."""
    found: tuple[str | None, str] = (None, "")
    for name, index in table.get("PartitionIndexes", {}).items():
        prefix = prefix_of(index["Keys"], equal)
        if len(prefix) > len(found[1]):
            found = (name, prefix)
    return found


def _entry(order: list[str], names: list[str], values: list[str]) -> str:
    by_name = dict(zip(names, values, strict=True))
    return orjson.dumps([by_name[name] for name in order]).decode()


def enter(call: Call, table: Resource, values: list[str], key: str) -> None:
    """Put a new partition into every index of its table."""
    for name, index in table.get("PartitionIndexes", {}).items():
        entry = _entry(index["Keys"], names_of(table), values)
        store.put_index_entries(call, table.parent, table.name, name, [(entry, key)])


def leave(call: Call, table: Resource, values: list[str], key: str) -> None:
    for name, index in table.get("PartitionIndexes", {}).items():
        entry = _entry(index["Keys"], names_of(table), values)
        store.delete_index_entry(call, table.parent, table.name, name, entry, key)


def add(call: Call, table: Resource, given: dict[str, Any]) -> Resource:
    """Record an index and enter the partitions that are there already."""
    indexes = table.get("PartitionIndexes", {})
    names = names_of(table)
    order = [name.lower() for name in given["Keys"]]
    if given["IndexName"] in indexes:
        raise errors.AlreadyExistsException(f"Partition index {given['IndexName']} already exists.")
    if call.limits_on and len(indexes) >= quotas.PARTITION_INDEXES.value:
        raise errors.ResourceNumberLimitExceededException("The maximum number of partition indexes is reached.")
    for name in order:
        if name not in names:
            raise errors.InvalidInputException(f"Index key {name} is not a partition key of the table.")
    if len(set(order)) != len(order):
        raise errors.InvalidInputException("An index key is given more than once.")
    changed = {**indexes, given["IndexName"]: {"Keys": order}}
    table = call.resources("table").update(table, PartitionIndexes=changed)
    keys = list(store.partition_keys(call, table.parent, table.name, ""))
    entries = ((_entry(order, names, orjson.loads(key)), key) for key in keys)
    store.put_index_entries(call, table.parent, table.name, given["IndexName"], entries)
    return table


@glue.operation
def create_partition_index(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Index a table's partitions by some of its partition keys in any order.  [GLUE-069, GLUE-070]

    The partitions that are there are entered within this call, so the index is ACTIVE when it answers.
    """
    own_catalog(call, request)
    add(call, tables.find(call, request["DatabaseName"], request["TableName"]), request["PartitionIndex"])
    return {}


@glue.operation
def get_partition_indexes(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    own_catalog(call, request)
    table = tables.find(call, request["DatabaseName"], request["TableName"])
    types = {key["Name"].lower(): key.get("Type", "string") for key in table["PartitionKeys"]}
    return {
        "PartitionIndexDescriptorList": [
            {
                "IndexName": name,
                "Keys": [{"Name": key, "Type": types[key]} for key in index["Keys"]],
                "IndexStatus": "ACTIVE",
            }
            for name, index in table.get("PartitionIndexes", {}).items()
        ]
    }


@glue.operation
def delete_partition_index(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    own_catalog(call, request)
    table = tables.find(call, request["DatabaseName"], request["TableName"])
    indexes = dict(table.get("PartitionIndexes", {}))
    if indexes.pop(request["IndexName"], None) is None:
        raise errors.EntityNotFoundException(f"Index with the given indexName : {request['IndexName']} does not exist")
    call.resources("table").update(table, PartitionIndexes=indexes)
    store.delete_index(call, table.parent, table.name, request["IndexName"])
    return {}
