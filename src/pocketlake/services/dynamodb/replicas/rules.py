"""What ReplicaUpdates may ask for. Wording and order: recorded from AWS (ack-api-quirks, DynamoDB, table-replicas)."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import botocore
import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501, ServiceError
from pocketlake.kernel.resources import Resource

from .. import quotas, tables
from ..schemas import ON_DEMAND
from ..service import Invalid, errors, refuse
from ..table_rules import BAD

CREATE, UPDATE, DELETE, DISASSOCIATE = "Create", "Update", "Delete", "Disassociate"
OTHERS = (  # what no request with ReplicaUpdates may change
    "AttributeDefinitions",
    "BillingMode",
    "ProvisionedThroughput",
    "GlobalSecondaryIndexUpdates",
    "StreamSpecification",
    "SSESpecification",
    "TableClass",
    "DeletionProtectionEnabled",
    "OnDemandThroughput",
    "WarmThroughput",
)

Action = tuple[str, dict[str, Any]]


def actions(call: Call, request: dict[str, Any]) -> list[Action]:
    """What is asked for: one region to be added or removed, or some to be changed. Raises Invalid."""
    if any(member in request for member in OTHERS):
        raise Invalid(f"{BAD}Replica modification must be the only operation in the request")
    found: list[Action] = []
    for update in request["ReplicaUpdates"]:
        if len(update) > 1:
            raise Invalid("Update table operation with more than one type of replica actions not allowed.")
        found += [action for action in update.items() if action not in found]
    kinds = {kind for kind, _ in found}
    if not found or any(kind == UPDATE and len(asked) == 1 for kind, asked in found):
        raise Invalid("There are no actions specified in the Replica Update Action of the request.")
    if len(kinds) > 1:
        raise Invalid("Update table operation with more than one type of replica actions not allowed.")
    if len(found) > 1 and kinds != {UPDATE}:
        raise Invalid("Update table operation with more than one create or delete replica actions not allowed")
    for kind, asked in found:
        if kind == DISASSOCIATE:
            raise NotImplemented501("dynamodb ReplicaUpdates Disassociate")
        if "KMSMasterKeyId" in asked:
            raise NotImplemented501("dynamodb ReplicaUpdates KMSMasterKeyId (KMS keys)")
        if kind != UPDATE and asked["RegionName"] == call.region:
            raise Invalid(
                "Cannot add or delete the local region through ReplicaUpdates. "
                "Use CreateTable, DeleteTable, or UpdateTable as required."
            )
        _check_region(asked["RegionName"])
    return found


@lru_cache
def supported() -> tuple[str, ...]:
    """The regions of the partition `aws`, as botocore knows them."""
    data = orjson.loads((Path(botocore.__file__).parent / "data" / "partitions.json").read_bytes())
    known = next(partition["regions"] for partition in data["partitions"] if partition["id"] == "aws")
    return tuple(sorted(region for region in known if not region.endswith("-global")))


def _check_region(region: str) -> None:
    if region not in supported():
        raise Invalid(
            f"Region {region} is not supported. The latest version of global tables are only supported in the "
            f"following regions: [{', '.join(supported())}]"
        )


def check_creatable(call: Call, there: Call, table: Resource) -> None:
    if there.region in table.get("Replicas", {}) or there.resources("table").find(table.name) is not None:
        raise refuse(
            f"Failed to create a the new replica of table with name: ‘{table.name}’ because one or more replicas "
            "already existed as tables."
        )
    _check_scaled(call, table)
    tables.check_room(there)


def _check_scaled(call: Call, table: Resource) -> None:
    """What arrives from elsewhere must not find too little: writes are on demand, or follow their use."""
    if table["BillingMode"] == ON_DEMAND:
        return
    if not _is_scaled(call, f"table/{table.name}", "dynamodb:table:WriteCapacityUnits"):
        raise refuse("Table write capacity should either be Pay-Per-Request or AutoScaled.")
    for index in table.get("GlobalSecondaryIndexes", []):
        name = f"table/{table.name}/index/{index['IndexName']}"
        if not _is_scaled(call, name, "dynamodb:index:WriteCapacityUnits"):
            raise refuse("GSI write capacity should either be Pay-Per-Request or AutoScaled.")


def _is_scaled(call: Call, resource: str, dimension: str) -> bool:
    """A target alone does not scale."""
    answer = call.aws.application_autoscaling.describe_scaling_policies(
        ServiceNamespace="dynamodb", ResourceId=resource, ScalableDimension=dimension
    )
    return bool(answer["ScalingPolicies"])


def check_member(table: Resource, region: str) -> None:
    if region not in table.get("Replicas", {}):
        raise refuse(
            "Update global table operation failed because one or more replicas were not part of the global table. "
            f"Please retry the request without these replicas: [{region}]."
        )


def check_update(call: Call, table: Resource, asked: dict[str, Any]) -> None:
    """A replica may be changed from any region, its own too."""
    if asked["RegionName"] != call.region or not table.get("Replicas"):
        check_member(table, asked["RegionName"])
    given = [asked, *asked.get("GlobalSecondaryIndexes", [])]
    if table["BillingMode"] == ON_DEMAND and any("ProvisionedThroughputOverride" in one for one in given):
        raise refuse(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
        )


def check_no_source(call: Call, table: Resource) -> None:
    """While a replica that was filled from this one is there, for a day."""
    since = call.now - quotas.SOURCE_WAIT.value
    if any(at > since for at in table.get("SourceOf", {}).values()):
        raise refuse(
            "Replica cannot be deleted because it has acted as a source region for new replica(s) being added to the "
            "table in the last 24 hours."
        )


def check_change(table: Resource, request: dict[str, Any]) -> None:
    """UpdateTable on a table that has replicas."""
    if not table.get("Replicas"):
        return
    if not request.get("StreamSpecification", {"StreamEnabled": True})["StreamEnabled"]:
        raise refuse("Disabling Stream is not allowed for a Global Table replica.")


def check_settled(table: Resource) -> None:
    """What holds for all replicas stays as it is while one is being made."""
    for region, replica in table.get("Replicas", {}).items():
        if replica["Status"] != "ACTIVE":
            raise refuse(
                "Create/Update/Delete of replica is not allowed while the replica is being added to table with name: "
                f"{table.name} in region {region}"
            )


def in_use() -> ServiceError:
    error: ServiceError = errors.ResourceInUseException("The resource which you are attempting to change is in use.")
    return error


def overridden(settings: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """A table's settings with what a replica overrides: reads alone, for writes are the same everywhere."""
    found = dict(settings)
    if "TableClassOverride" in asked:
        found["TableClass"] = asked["TableClassOverride"]
    found |= _reads(found, asked)
    by_name = {one["IndexName"]: one for one in asked.get("GlobalSecondaryIndexes", [])}
    if by_name and "GlobalSecondaryIndexes" in found:
        found["GlobalSecondaryIndexes"] = [
            {**index, **_reads(index, by_name.get(index["IndexName"], {}))} for index in found["GlobalSecondaryIndexes"]
        ]
    return found


def _reads(of: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """What a table or an index has of throughput, with the reads that are asked for."""
    return {
        member: {**of.get(member, {}), **asked[f"{member}Override"]}
        for member in ("ProvisionedThroughput", "OnDemandThroughput")
        if f"{member}Override" in asked
    }
