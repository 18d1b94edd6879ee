"""Auto scaling of a global table's replicas: what Application Auto Scaling has for each, in its region.

Source: API Reference, DescribeTableReplicaAutoScaling, UpdateTableReplicaAutoScaling; wording: recorded from AWS
(ack-api-quirks, DynamoDB, table-global-tables).
"""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.kernel.resources import Resource

from .. import schemas, tables
from ..schemas import ON_DEMAND
from ..service import errors, operation, refuse
from . import replicas
from .replication import ACTIVE

POLICY = "TargetTrackingScalingPolicyConfiguration"
TRACKED = ("DisableScaleIn", "ScaleInCooldown", "ScaleOutCooldown", "TargetValue")


@operation
def describe_table_replica_auto_scaling(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The replicas, this one too, with what scales their units and their global indexes'."""
    table = _replicated(call, request)
    members = [(call, table, ACTIVE)]
    members += [(there, one, table["Replicas"][there.region]["Status"]) for there, one in replicas.others(call, table)]
    described = {
        "TableName": table.name,
        "TableStatus": tables.status(call, table),
        "Replicas": [_describe(*member) for member in members],
    }
    return {"TableAutoScalingDescription": described}


def _describe(call: Call, table: Resource, status: str) -> dict[str, Any]:
    resource = f"table/{table.name}"
    shown = {
        "RegionName": call.region,
        "ReplicaStatus": status,
        **_settings(call, resource, "table", "ReplicaProvisioned{}AutoScalingSettings"),
    }
    if table.get("GlobalSecondaryIndexes"):
        shown["GlobalSecondaryIndexes"] = [
            {
                "IndexName": index["IndexName"],
                "IndexStatus": index.get("IndexStatus", "ACTIVE"),
                **_settings(
                    call, f"{resource}/index/{index['IndexName']}", "index", "Provisioned{}AutoScalingSettings"
                ),
            }
            for index in table["GlobalSecondaryIndexes"]
        ]
    return shown


def _settings(call: Call, resource: str, kind: str, member: str) -> dict[str, Any]:
    """Under `member`, with ReadCapacity and WriteCapacity put in; what nothing scales is left out."""
    found = {}
    for units in ("ReadCapacity", "WriteCapacity"):
        asked: Any = {"ServiceNamespace": "dynamodb", "ScalableDimension": f"dynamodb:{kind}:{units}Units"}
        targets = call.aws.application_autoscaling.describe_scalable_targets(ResourceIds=[resource], **asked)
        for target in targets["ScalableTargets"]:
            policies = call.aws.application_autoscaling.describe_scaling_policies(ResourceId=resource, **asked)
            found[member.format(units)] = {
                "MinimumUnits": target["MinCapacity"],
                "MaximumUnits": target["MaxCapacity"],
                "AutoScalingDisabled": False,
                "AutoScalingRoleArn": target["RoleARN"],
                "ScalingPolicies": [_policy(one) for one in policies["ScalingPolicies"]],
            }
    return found


def _policy(policy: dict[str, Any]) -> dict[str, Any]:
    tracked = {name: policy[POLICY][name] for name in TRACKED if name in policy[POLICY]}
    return {"PolicyName": policy["PolicyName"], POLICY: tracked}


@operation
def update_table_replica_auto_scaling(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Refused of an on-demand table; not built for provisioned ones."""
    table = _replicated(call, request)
    if table["BillingMode"] != ON_DEMAND:
        raise NotImplemented501("dynamodb UpdateTableReplicaAutoScaling")
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
    name = schemas.name_of(call, request["TableName"])
    found = call.resources("table").find(name) if name else None
    if found is None or not found.get("Replicas"):
        raise errors.ResourceNotFoundException(f"Global table with name: '{request['TableName']}' does not exist.")
    return found
