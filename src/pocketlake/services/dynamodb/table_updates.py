"""UpdateTable: throughput, billing mode, global indexes, protection, class; one change at a time."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import backfill, quotas, schemas, store, table_rules, tables
from .capacity import throughput_rules, warm_throughput
from .replicas import replicas, rules
from .service import Invalid, errors, operation, refuse
from .streams import streams
from .table_rules import BAD

CHANGES = (
    "ProvisionedThroughput",
    "BillingMode",
    "GlobalSecondaryIndexUpdates",
    "StreamSpecification",
    "SSESpecification",
    "ReplicaUpdates",
    "TableClass",
    "DeletionProtectionEnabled",
    "OnDemandThroughput",
    "WarmThroughput",
)


@operation
def update_table(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """[DDB-009, DDB-501, DDB-512, DDB-554]"""
    _check(request)
    tables.check_built(request)
    if "ReplicaUpdates" in request:
        return replicas.update(call, request)
    table = tables.existing(call, request["TableName"])
    rules.check_change(table, request)
    answer = change_table(call, request)
    replicas.share(call, table, request)
    return answer


def change_table(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Everything but replicas, here alone."""
    table = tables.existing(call, request["TableName"])
    tables.check_active(call, table)
    before = warm_throughput.of(table.body, table["BillingMode"])
    changed: dict[str, Any] = {
        member: request[member] for member in ("DeletionProtectionEnabled", "TableClass") if member in request
    }
    changed |= throughput_rules.change(call, table, request)
    if "AttributeDefinitions" in request:
        changed["AttributeDefinitions"] = _definitions(table, request["AttributeDefinitions"])
    table = schemas.save(call, table, **changed)
    for update in request.get("GlobalSecondaryIndexUpdates", []):
        table = _update_index(call, table, update)
    if "StreamSpecification" in request:
        table = streams.change(call, table, request["StreamSpecification"])
    streams.grow(call, table)
    schemas.compiled(table)
    described = tables.describe(call, table)
    if {"BillingMode", "ProvisionedThroughput", "TableClass", "StreamSpecification"} & request.keys():
        described["TableStatus"] = "UPDATING"
    if "WarmThroughput" in request:
        described["WarmThroughput"] = {**before, "Status": "UPDATING"}
    return {"TableDescription": described}


def _check(request: dict[str, Any]) -> None:
    if not any(name in request for name in CHANGES):
        raise Invalid(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
            "SSESpecification or ReplicaUpdates is required"
        )
    if "ProvisionedThroughput" in request:
        table_rules.check_bounds(request["ProvisionedThroughput"])
    seen: set[str] = set()
    changes = 0
    for update in request.get("GlobalSecondaryIndexUpdates", []):
        if len(update) != 1:
            raise Invalid(
                f"{BAD}One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
                "GlobalSecondaryIndexUpdate.Delete must not be null"
            )
        ((kind, one),) = update.items()
        if one["IndexName"] in seen:
            raise Invalid(
                f"{BAD}Only one global secondary index update per index is allowed simultaneously. "
                f"Index: {one['IndexName']}"
            )
        seen.add(one["IndexName"])
        changes += kind in ("Create", "Delete")
    if changes > 1:
        raise errors.LimitExceededException(
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"
        )


def _definitions(table: Resource, given: list[dict[str, str]]) -> list[dict[str, str]]:
    """Those that are known stay; new ones are for indexes that are being made."""
    known = {one["AttributeName"]: one for one in table["AttributeDefinitions"]}
    return list({**known, **{one["AttributeName"]: one for one in given}}.values())


def _update_index(call: Call, table: Resource, update: dict[str, Any]) -> Resource:
    ((kind, asked),) = update.items()
    name = asked["IndexName"]
    if kind == "Create":
        return _create_index(call, table, asked)
    index = tables.check_index_exists(table, name)
    if kind == "Delete":
        left = [one for one in table["GlobalSecondaryIndexes"] if one["IndexName"] != name]
        tables.discard(call, index["Number"])
        table = schemas.save(call, table, GlobalSecondaryIndexes=left or None)
        return schemas.save(call, table, AttributeDefinitions=_used(table))
    changed = throughput_rules.change_index(call, table, index, asked)
    backfill.set_index(call, table, name, **changed)
    return call.resources("table").find(table.name) or table


def _used(table: Resource) -> list[dict[str, str]]:
    schemas_ = [table["KeySchema"], *(index["KeySchema"] for index in tables.indexes(table))]
    used = {name for schema in schemas_ for name in table_rules.names(schema)}
    return [one for one in table["AttributeDefinitions"] if one["AttributeName"] in used]


def _create_index(call: Call, table: Resource, asked: dict[str, Any]) -> Resource:
    """CREATING until the items that are there are in it; writes go into it from now on."""
    name = asked["IndexName"]
    present = table.get("GlobalSecondaryIndexes", [])
    if any(one["IndexName"] == name for one in tables.indexes(table)):
        raise refuse(f"Attempting to create an index which already exists: {name}")
    if len(present) >= quotas.GLOBAL_INDEXES.value:
        raise refuse(
            f"{BAD}GlobalSecondaryIndex count exceeds the per-table limit of {int(quotas.GLOBAL_INDEXES.value)}"
        )
    definitions = [one["AttributeName"] for one in table["AttributeDefinitions"]]
    table_rules.check_defined(table_rules.names(asked["KeySchema"]), definitions)
    table_rules.check_global_index(asked, table["BillingMode"])
    throughput_rules.check_new_index(call, asked, table["BillingMode"])
    number = store.number(call.db, f"{table.arn}/index/{name}")
    index = {**asked, "Number": number, "IndexStatus": "CREATING", "Backfilling": True}
    call.alarms.set(backfill.fill_index, backfill.SEPARATOR.join((table.name, name, "")), call.now)
    return schemas.save(call, table, GlobalSecondaryIndexes=[*present, index])
