"""UpdateTable: throughput, billing mode, global indexes, protection, class; one change at a time."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import backfill, quotas, schemas, store, table_rules, tables
from .schemas import ON_DEMAND
from .service import Invalid, errors, operation, refuse
from .table_rules import BAD, UNITS

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
DAY = 86_400.0


@operation
def update_table(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """[DDB-009, DDB-501, DDB-512, DDB-554]"""
    _check(request)
    tables.check_built(request)
    table = tables.existing(call, request["TableName"])
    tables.check_active(call, table)
    changed: dict[str, Any] = {
        member: request[member]
        for member in ("DeletionProtectionEnabled", "TableClass", "OnDemandThroughput", "WarmThroughput")
        if member in request
    }
    changed |= _throughput(call, table, request)
    if "AttributeDefinitions" in request:
        changed["AttributeDefinitions"] = _definitions(table, request["AttributeDefinitions"])
    table = schemas.save(call, table, **changed)
    for update in request.get("GlobalSecondaryIndexUpdates", []):
        table = _update_index(call, table, update)
    schemas.compiled(table)
    described = tables.describe(call, table)
    if changed.keys() - {"DeletionProtectionEnabled", "AttributeDefinitions"}:
        described["TableStatus"] = "UPDATING"
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


def _throughput(call: Call, table: Resource, request: dict[str, Any]) -> dict[str, Any]:
    """What changes of capacity and mode."""
    mode, asked = request.get("BillingMode", table["BillingMode"]), request.get("ProvisionedThroughput")
    changed: dict[str, Any] = {}
    if mode != table["BillingMode"]:
        changed["BillingMode"] = mode
        if mode == ON_DEMAND:
            changed |= _count_switch(call, table)
            changed["ProvisionedThroughput"] = None
            changed["OnDemandSince"] = call.now
            changed["GlobalSecondaryIndexes"] = _without_throughput(table)
    if mode == ON_DEMAND:
        if asked is not None and any(asked.get(unit) for unit in UNITS):
            raise Invalid(
                f"{BAD}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
                "PAY_PER_REQUEST"
            )
        return changed
    if asked is None:
        if "BillingMode" in changed:
            raise Invalid("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
        return changed
    current = table.get("ProvisionedThroughput", {})
    if "BillingMode" not in request and all(current.get(unit) == asked[unit] for unit in UNITS):
        raise refuse(
            "The provisioned throughput for the table will not change. The requested value equals the current value. "
            f"Current ReadCapacityUnits provisioned for the table: {current['ReadCapacityUnits']}. "
            f"Requested ReadCapacityUnits: {asked['ReadCapacityUnits']}. "
            f"Current WriteCapacityUnits provisioned for the table: {current['WriteCapacityUnits']}. "
            f"Requested WriteCapacityUnits: {asked['WriteCapacityUnits']}. "
            "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
        )
    changed["ProvisionedThroughput"] = _dated(call, current, asked)
    return changed


def _dated(call: Call, current: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """The new throughput, with the times of its last increase and decrease, and how many of these today saw."""
    kept = {**current, **asked}
    if any(asked[unit] > current.get(unit, 0) for unit in UNITS):
        kept["LastIncreaseDateTime"] = call.now
    if any(asked[unit] < current.get(unit, 0) for unit in UNITS):
        today = int(current.get("LastDecreaseDateTime", 0) // DAY) == int(call.now // DAY)
        kept["LastDecreaseDateTime"] = call.now
        kept["NumberOfDecreasesToday"] = (current.get("NumberOfDecreasesToday", 0) if today else 0) + 1
    return kept


def _count_switch(call: Call, table: Resource) -> dict[str, Any]:
    """Four switches to on-demand in 24 hours.  [DDB-512]"""
    recent = [at for at in table.get("Switches", []) if at > call.now - DAY]
    if call.limits_on and len(recent) >= quotas.MODE_SWITCHES.value:
        raise errors.LimitExceededException(
            "Subscriber limit exceeded: Update to PayPerRequest mode are limited to "
            f"{int(quotas.MODE_SWITCHES.value)} time(s) in the last 1 day(s)."
        )
    return {"Switches": [*recent, call.now]}


def _without_throughput(table: Resource) -> list[dict[str, Any]] | None:
    return [
        {member: value for member, value in index.items() if member != "ProvisionedThroughput"}
        for index in table.get("GlobalSecondaryIndexes", [])
    ] or None


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
    if "ProvisionedThroughput" in asked:
        table_rules.check_bounds(asked["ProvisionedThroughput"])
        asked = {
            **asked,
            "ProvisionedThroughput": _dated(
                call, index.get("ProvisionedThroughput", {}), asked["ProvisionedThroughput"]
            ),
        }
    backfill.set_index(call, table, name, **{key: value for key, value in asked.items() if key != "IndexName"})
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
    number = store.number(call.db, f"{table.arn}/index/{name}")
    index = {**asked, "Number": number, "IndexStatus": "CREATING", "Backfilling": True}
    call.alarms.set(backfill.fill_index, backfill.SEPARATOR.join((table.name, name, "")), call.now)
    return schemas.save(call, table, GlobalSecondaryIndexes=[*present, index])
