"""Tables: made, described, listed and deleted."""

from __future__ import annotations

import re
import uuid
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.kernel.resources import Resource

from . import policies, quotas, schemas, store, table_rules
from .capacity import provisioned, throttling, throughput_rules, warm_throughput
from .counting import counts
from .schemas import ON_DEMAND, PROVISIONED
from .service import Invalid, dynamodb, errors, operation
from .streams import kinesis_delivery, streams
from .tags import check_tags

NAME = re.compile(r"[a-zA-Z0-9_.-]+")
SHORT_NAME = "TableName must be at least 3 characters long and at most 255 characters long"
NOT_BUILT = (
    "VectorIndexes",
    "VectorIndexUpdates",
    "GlobalTableSourceArn",
    "GlobalTableSettingsReplicationMode",
    "GlobalTableWitnessUpdates",
    "DisassociationProtectionEnabled",
)


@operation
def create_table(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """A table with its indexes; CREATING in this answer.  [DDB-001, DDB-002, DDB-007, DDB-501, DDB-511]"""
    name = request["TableName"]
    _check_name(name)
    table_rules.check_table(request)
    check_built(request)
    streams.check_new(request)
    tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
    check_tags(tags, {})
    if call.resources("table").find(name) is not None:
        raise errors.ResourceInUseException(f"Table already exists: {name}")
    check_room(call)
    throughput_rules.check_new(call, request)
    arn = call.arn(f"table/{name}")
    body = new_body(call, request, arn)
    table = call.resources("table").create(name, body, arn=arn, tags=tags)
    schemas.forget(call, table)
    table = streams.begin(call, table, request.get("StreamSpecification", {}))
    if "ResourcePolicy" in request:
        policies.store_policy(call, arn, request["ResourcePolicy"])
    described = describe(call, table)
    return {"TableDescription": _with_status(described, "CREATING")}


def check_room(call: Call) -> None:
    if call.limits_on and call.resources("table").count() >= quotas.TABLES.value:
        raise errors.LimitExceededException(
            f"Subscriber limit exceeded: There is a limit of {int(quotas.TABLES.value)} tables per subscriber"
        )


def _check_name(name: str) -> None:
    if not 3 <= len(name) <= 255:
        raise Invalid(SHORT_NAME)
    if not NAME.fullmatch(name):
        raise Invalid(
            f"1 validation error detected: Value '{name}' at 'tableName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        )


def check_built(request: dict[str, Any]) -> None:
    """What tables can have on AWS and not here yet."""
    for member in NOT_BUILT:
        if member in request:
            raise NotImplemented501(f"dynamodb {member}")
    if request.get("MultiRegionConsistency") == "STRONG":
        raise NotImplemented501("dynamodb MultiRegionConsistency STRONG")
    if request.get("SSESpecification", {}).get("Enabled"):
        raise NotImplemented501("dynamodb SSESpecification with a KMS key (tables have the key that DynamoDB owns)")


def new_body(call: Call, request: dict[str, Any], arn: str) -> dict[str, Any]:
    """The document of a table that this CreateTable request makes."""
    mode = request.get("BillingMode", PROVISIONED)
    body = {
        "Number": store.number(call.db, arn),
        "TableId": str(uuid.uuid4()),
        "AttributeDefinitions": request["AttributeDefinitions"],
        "KeySchema": request["KeySchema"],
        "BillingMode": mode,
        "ReadyAt": call.now + quotas.CREATION.value,
    }
    if mode == ON_DEMAND:
        body["OnDemandSince"] = call.now
    for kind in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        if kind in request:
            body[kind] = [
                {**index, "Number": store.number(call.db, f"{arn}/index/{index['IndexName']}")}
                for index in request[kind]
            ]
    for member in ("ProvisionedThroughput", "TableClass", "OnDemandThroughput", "WarmThroughput"):
        if member in request:
            body[member] = request[member]
    body["DeletionProtectionEnabled"] = request.get("DeletionProtectionEnabled", False)
    return body


@operation
def describe_table(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return {"Table": describe(call, existing(call, request["TableName"]))}


def existing(call: Call, name_or_arn: str) -> Resource:
    """A table that control-plane calls name; ResourceNotFoundException."""
    name = schemas.name_of(call, name_or_arn) or name_or_arn
    if not name_or_arn.startswith("arn:"):
        if not 3 <= len(name) <= 255:
            raise Invalid(SHORT_NAME)
        _check_name(name)
    found = call.resources("table").find(name)
    if found is None:
        raise schemas.missing(name)
    return found


@operation
def delete_table(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Gone when the call returns; its items leave the disk in the background."""
    from .backups import backups, continuous_backups
    from .replicas import replicas

    table = existing(call, request["TableName"])
    if table["DeletionProtectionEnabled"]:
        raise Invalid(
            f"1 validation error detected: Table '{table.name}' can't be deleted while DeletionProtectionEnabled "
            "is set to True"
        )
    if status(call, table) == "CREATING":
        check_active(call, table)
    backups.check_deletable(call, table)
    described = describe(call, table)
    replicas.leave(call, table)
    streams.close(call, table)
    kinesis_delivery.end(call, table)
    call.resources("table").delete(table)
    schemas.forget(call, table)
    policies.drop(call, table.arn)
    for index in indexes(table):
        discard(call, index["Number"])
    if not continuous_backups.keep_deleted(call, table):
        discard(call, table["Number"])
    members = ("TableName", "TableArn", "TableId", "ProvisionedThroughput", "ItemCount", "TableSizeBytes")
    kept = {member: described[member] for member in (*members, "BillingModeSummary") if member in described}
    kept["DeletionProtectionEnabled"] = False
    return {"TableDescription": {**kept, **streams.described(table), "TableStatus": "DELETING"}}


def indexes(table: Resource) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.get("LocalSecondaryIndexes", []) + table.get("GlobalSecondaryIndexes", [])
    return found


def discard(call: Call, owner: int) -> None:
    """The rows of a table or index are removed in pieces."""
    store.abandon(call.db, owner)
    throttling.forget(call, owner)
    call.alarms.set(sweep, "", call.now)


@dynamodb.alarm
def sweep(call: Call, _: str) -> None:
    owner = store.abandoned(call.db)
    if owner is not None:
        store.sweep(call.db, owner, int(quotas.SWEEP_ITEMS.value))
        call.alarms.set(sweep, "", call.now)


@operation
def list_tables(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """By name, up to 100 at a time."""
    limit = request.get("Limit", 100)
    found = call.resources("table").list(after=request.get("ExclusiveStartTableName", ""), limit=limit + 1)
    names = [table.name for table in found[:limit]]
    return {"TableNames": names, "LastEvaluatedTableName": names[-1] if len(found) > limit else None}


def describe(call: Call, table: Resource) -> dict[str, Any]:
    from .replicas import replicas

    items, size = counts(call, table["Number"], is_index=False)
    description = {
        "AttributeDefinitions": table["AttributeDefinitions"],
        "TableName": table.name,
        "KeySchema": table["KeySchema"],
        "TableStatus": status(call, table),
        "CreationDateTime": table.created,
        "ProvisionedThroughput": provisioned.describe(call, table.body),
        "TableSizeBytes": size,
        "ItemCount": items,
        "TableArn": table.arn,
        "TableId": table["TableId"],
        "DeletionProtectionEnabled": table["DeletionProtectionEnabled"],
        "WarmThroughput": warm_throughput.describe(table.body, table["BillingMode"]),
        **streams.described(table),
    }
    for kind in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        if table.get(kind):
            description[kind] = [_describe_index(call, table, index, kind) for index in table[kind]]
    if "OnDemandSince" in table.body:
        description["BillingModeSummary"] = {
            "BillingMode": table["BillingMode"],
            "LastUpdateToPayPerRequestDateTime": table["OnDemandSince"],
        }
    if "TableClass" in table.body:
        description["TableClassSummary"] = {"TableClass": table["TableClass"]}
    for member in ("OnDemandThroughput", "RestoreSummary"):
        if member in table.body:
            description[member] = table[member]
    return description | replicas.described(table)


def status(call: Call, table: Resource) -> str:
    if table["ReadyAt"] > call.now:
        return "CREATING"
    busy = any(one.get("IndexStatus", "ACTIVE") != "ACTIVE" for one in table.get("GlobalSecondaryIndexes", []))
    busy = busy or any(one["Status"] != "ACTIVE" for one in table.get("Replicas", {}).values())
    return "UPDATING" if busy else "ACTIVE"


def _describe_index(call: Call, table: Resource, index: dict[str, Any], kind: str) -> dict[str, Any]:
    items, size = counts(call, index["Number"], is_index=True)
    description = {
        "IndexName": index["IndexName"],
        "KeySchema": index["KeySchema"],
        "Projection": index["Projection"],
        "IndexSizeBytes": size,
        "ItemCount": items,
        "IndexArn": f"{table.arn}/index/{index['IndexName']}",
    }
    if kind == "GlobalSecondaryIndexes":
        description["IndexStatus"] = index.get("IndexStatus", "ACTIVE")
        description["ProvisionedThroughput"] = provisioned.describe(call, index)
        if "Backfilling" in index:
            description["Backfilling"] = index["Backfilling"]
        description["WarmThroughput"] = warm_throughput.describe(index, table["BillingMode"])
        if "OnDemandThroughput" in index:
            description["OnDemandThroughput"] = index["OnDemandThroughput"]
    return description


def _with_status(description: dict[str, Any], word: str) -> dict[str, Any]:
    """As a call that begins a change answers: indexes that are new are CREATING as well, nothing is counted yet."""
    changed = {**description, "TableStatus": word}
    if "GlobalSecondaryIndexes" in description:
        changed["GlobalSecondaryIndexes"] = [
            {**index, "IndexStatus": word} for index in description["GlobalSecondaryIndexes"]
        ]
    return changed


@operation
def describe_limits(call: Call, _: dict[str, Any]) -> dict[str, Any]:
    return {
        "AccountMaxReadCapacityUnits": int(quotas.ACCOUNT_UNITS.value),
        "AccountMaxWriteCapacityUnits": int(quotas.ACCOUNT_UNITS.value),
        "TableMaxReadCapacityUnits": int(quotas.TABLE_UNITS.value),
        "TableMaxWriteCapacityUnits": int(quotas.TABLE_UNITS.value),
    }


@operation
def describe_endpoints(call: Call, _: dict[str, Any]) -> dict[str, Any]:
    """Where the client is already: it need not ask again for a day."""
    address = call.endpoint.partition("://")[2]
    return {"Endpoints": [{"Address": address, "CachePeriodInMinutes": 1440}]}


BEING = {"CREATING": "created", "UPDATING": "updated"}


def check_active(call: Call, table: Resource) -> None:
    if (found := status(call, table)) != "ACTIVE":
        raise errors.ResourceInUseException(
            f"Attempt to change a resource which is still in use: Table is being {BEING[found]}: {table.name}"
        )


def check_index_exists(table: Resource, name: str) -> dict[str, Any]:
    for index in table.get("GlobalSecondaryIndexes", []):
        if index["IndexName"] == name:
            found: dict[str, Any] = index
            return found
    raise errors.ResourceNotFoundException("Requested resource not found")
