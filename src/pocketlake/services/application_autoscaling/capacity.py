"""The capacity of tables and global indexes: read and set as their owner would."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.resources import Resource

from . import activities
from .service import autoscaling, errors

WORDS = {"ReadCapacityUnits": "read capacity units", "WriteCapacityUnits": "write capacity units"}


def place(resource_id: str) -> tuple[str, str | None]:
    """Table and index of `table/x` or `table/x/index/y`."""
    parts = resource_id.split("/")
    return parts[1], parts[3] if len(parts) > 3 else None


def check_exists(call: Call, resource_id: str) -> None:
    """ValidationException: there is nothing to scale."""
    if _throughput(call, resource_id) is None:
        raise errors.ValidationException(f"DynamoDB table or index does not exist: {resource_id}")


def _throughput(call: Call, resource_id: str) -> dict[str, Any] | None:
    """ProvisionedThroughput of the table or index; zeros on demand; None when it is not there."""
    table, index = place(resource_id)
    try:
        described = call.aws.dynamodb.describe_table(TableName=table)["Table"]
    except ServiceError as error:
        if error.code != "ResourceNotFoundException":
            raise
        return None
    parts = [described, *described.get("GlobalSecondaryIndexes", [])]
    return next((part["ProvisionedThroughput"] for part in parts if part.get("IndexName") == index), None)


def current(call: Call, target: Resource) -> int | None:
    """Units of the target's dimension; None where there are none to scale: on demand, or gone."""
    found = _throughput(call, target["ResourceId"])
    units = int(found[unit(target)]) if found else 0
    return units or None


def unit(target: Resource) -> str:
    """ReadCapacityUnits or WriteCapacityUnits."""
    dimension: str = target["ScalableDimension"]
    return dimension.rpartition(":")[2]


def set_to(call: Call, target: Resource, units: int, cause: str) -> bool:
    """Have DynamoDB provision so many units, and record what came of it."""
    what, table = WORDS[unit(target)], place(target["ResourceId"])
    try:
        _update(call, target, *table, units)
    except ServiceError as error:
        message = (
            f"Failed to set {what} to {units}. Reason: {error.message} (Service: AmazonDynamoDBv2; Status Code: 400; "
            f"Error Code: {error.code}; Request ID: {call.request_id}; Proxy: null)"
        )
        activities.record(call, target, f"Setting {what} to {units}.", cause, "Failed", message)
        return False
    message = f"Successfully set {what} to {units}. Change successfully fulfilled by dynamodb."
    activities.record(call, target, f"Setting {what} to {units}.", cause, "Successful", message)
    return True


def _update(call: Call, target: Resource, table: str, index: str | None, units: int) -> None:
    call = call.as_(role_arn=target["RoleARN"])
    found = _throughput(call, target["ResourceId"])
    assert found is not None
    throughput = {name: int(found[name]) for name in WORDS} | {unit(target): units}
    if index is None:
        call.aws.dynamodb.update_table(TableName=table, ProvisionedThroughput=throughput)
    else:
        update = {"Update": {"IndexName": index, "ProvisionedThroughput": throughput}}
        call.aws.dynamodb.update_table(TableName=table, GlobalSecondaryIndexUpdates=[update])


@autoscaling.alarm
def enter_range(call: Call, name: str) -> None:
    """The range of a target has been set: capacity that lies outside is brought to its nearer end."""
    target = call.resources("target").find(name)
    units = current(call, target) if target else None
    if target is None or units is None:
        return
    least, most = target["MinCapacity"], target["MaxCapacity"]
    if units < least:
        set_to(call, target, least, f"minimum capacity was set to {least}")
    elif units > most:
        set_to(call, target, most, f"maximum capacity was set to {most}")
