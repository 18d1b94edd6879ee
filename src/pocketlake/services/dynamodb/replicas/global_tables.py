"""Global tables of the legacy version, 2017.11.29: AWS makes none any more, so there are none.

The operations still answer, and do not see tables that have replicas (version 2019.11.21: replicas.py).
Source: recorded from AWS in October 2026 (ack-api-quirks, DynamoDB, table-global-tables).
"""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501, ServiceError
from pocketlake.kernel.resources import Resource

from .. import tables
from ..schemas import ON_DEMAND
from ..service import Invalid, errors, operation, refuse
from ..table_rules import BAD
from .replication import ACTIVE

UNSUPPORTED = (
    f"{BAD}DynamoDB global tables version 2017.11.29 is not supported. We recommend using DynamoDB global tables "
    "version 2019.11.21, instead of version 2017.11.29 (Legacy)."
)


def _missing(request: dict[str, Any]) -> ServiceError:
    name = request["GlobalTableName"]
    error: ServiceError = errors.GlobalTableNotFoundException(f"Global table with name: '{name}' does not exist.")
    return error


@operation
def create_global_table(_: Call, __: dict[str, Any]) -> dict[str, Any]:
    """[DDB-647]"""
    raise Invalid(UNSUPPORTED)


@operation
def update_global_table(_: Call, request: dict[str, Any]) -> dict[str, Any]:
    if not request["ReplicaUpdates"]:
        raise Invalid(BAD.removesuffix(": "))
    if any("Create" in update for update in request["ReplicaUpdates"]):
        raise Invalid(UNSUPPORTED)
    raise _missing(request)


@operation
def describe_global_table(_: Call, request: dict[str, Any]) -> dict[str, Any]:
    raise _missing(request)


@operation
def describe_global_table_settings(_: Call, request: dict[str, Any]) -> dict[str, Any]:
    raise _missing(request)


@operation
def update_global_table_settings(_: Call, request: dict[str, Any]) -> dict[str, Any]:
    raise _missing(request)


@operation
def list_global_tables(_: Call, __: dict[str, Any]) -> dict[str, Any]:
    return {"GlobalTables": []}


# Auto scaling of replicas, which only tables with replicas have


@operation
def describe_table_replica_auto_scaling(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The replicas, this one too; nothing scales them: there is no Application Auto Scaling yet."""
    table = _replicated(call, request)
    shown = [{"RegionName": call.region, "ReplicaStatus": ACTIVE}]
    shown += [{"RegionName": name, "ReplicaStatus": one["Status"]} for name, one in table["Replicas"].items()]
    described = {"TableName": table.name, "TableStatus": tables.status(call, table), "Replicas": shown}
    return {"TableAutoScalingDescription": described}


@operation
def update_table_replica_auto_scaling(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    table = _replicated(call, request)
    if table["BillingMode"] != ON_DEMAND:
        raise NotImplemented501("dynamodb UpdateTableReplicaAutoScaling (Application Auto Scaling)")
    regions = ", ".join(f"'{region.upper()}'" for region in sorted((call.region, *table["Replicas"])))
    member = (
        "GlobalTableProvisionedWriteCapacity" if "ReplicaUpdates" not in request else "ReplicaProvisionedReadCapacity"
    )
    raise refuse(
        f"Failed to update global table with name ‘{table.name}‘. Replicas {regions} BillingMode is PayPerRequest. You "
        f"must convert table's BillingMode to PROVISIONED to set parameters: '{member}AutoScalingSettingsUpdate'."
    )


def _replicated(call: Call, request: dict[str, Any]) -> Resource:
    """ResourceNotFoundException for a table without replicas."""
    found = call.resources("table").find(request["TableName"])
    if found is None or not found.get("Replicas"):
        raise errors.ResourceNotFoundException(f"Global table with name: '{request['TableName']}' does not exist.")
    return found
