"""Kinesis data streams for DynamoDB: where a table's changes go besides, and in which state that is.

A table has one destination at work at most; those that were disabled or could not be enabled stay listed. What takes
AWS seconds is done when the call returns here, so ENABLING and UPDATING are seen in answers only; DISABLING lasts until
the changes before it are delivered. Wording and states: recorded from AWS (ack-api-quirks, DynamoDB, DDB-TABLE-268,
-299 to -304, -319).
"""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.arn import parse
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.resources import Resource

from .. import history, quotas, tables
from ..service import operation, refuse
from . import kinesis_delivery
from .kinesis_delivery import ACTIVE, AT_WORK, DISABLING, MILLISECOND, PRECISION, live

INVALID = "Table is not in a valid state to enable Kinesis Streaming Destination: "
NO_PERMISSION = "User does not have a permission to use kinesis stream"
UPDATE = "UpdateKinesisStreamingConfiguration"
ENABLE = "EnableKinesisStreamingConfiguration"


@operation
def enable_kinesis_streaming_destination(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """From now on each change goes to the stream; ENABLE_FAILED where there is none."""
    table, arn = tables.existing(call, request["TableName"]), request["StreamArn"]
    if live(table) is not None:
        raise refuse(
            f"{INVALID}EnableKinesisStreamingDestination must be DISABLED or ENABLE_FAILED to perform ENABLE operation."
        )
    asked = request.get(ENABLE, {})
    destination = {"StreamArn": arn, **asked}
    if _is_there(call, arn):
        destination["Status"] = ACTIVE
        history.follow(call, table, kinesis_delivery.follower(arn), keep=quotas.DESTINATION_RETENTION.value)
        kinesis_delivery.begin(call, table)
        table = tables.existing(call, table.name)
    else:
        destination |= {"Status": "ENABLE_FAILED", "Description": NO_PERMISSION}
    kinesis_delivery.save(call, table, destination)
    return {"TableName": table.name, "StreamArn": arn, "DestinationStatus": "ENABLING", ENABLE: asked}


def _is_there(call: Call, arn: str) -> bool:
    """A stream of this account and region."""
    try:
        service, region, account = parse(arn)[1:4]
        if (service, region, account) != ("kinesis", call.region, call.account):
            return False
        call.aws.kinesis.describe_stream_summary(StreamName=arn.rpartition("/")[2])
    except (ValueError, ServiceError):
        return False
    return True


@operation
def disable_kinesis_streaming_destination(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """No change after this one goes to the stream; those before it still do."""
    table, arn = tables.existing(call, request["TableName"]), request["StreamArn"]
    if ENABLE in request:
        raise refuse("Stream cannot be disabled using EnableKinesisStreamingConfiguration parameters")
    destination = _find(table, arn)
    if destination is None or destination["Status"] not in AT_WORK:
        raise refuse(f"{INVALID}KinesisStreamingDestination must be ACTIVE to perform DISABLE operation.")
    if destination["Status"] == ACTIVE:
        until = history.next_sequence(call, table["Number"])
        kinesis_delivery.save(call, table, {**destination, "Status": DISABLING, "Until": until})
        call.alarms.set(kinesis_delivery.deliver_changes, table.name, call.now)
    return {"TableName": table.name, "StreamArn": arn, "DestinationStatus": DISABLING}


@operation
def update_kinesis_streaming_destination(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The precision of the records' times."""
    table, arn = tables.existing(call, request["TableName"]), request["StreamArn"]
    asked = request.get(UPDATE, {})
    if not asked:
        raise refuse(
            f"Streaming destination cannot be updated with given parameters: {UPDATE} cannot be null or contain only "
            "null values"
        )
    destination = _find(table, arn)
    if destination is None:
        raise refuse(f"{INVALID}No streaming destination with streamArn: {arn}")
    if destination["Status"] != ACTIVE:
        raise refuse(
            f"{INVALID}Kinesis streaming is not in ACTIVE state. Updates are only allowed in ACTIVE state. "
            f"TableName: {table.name}"
        )
    if asked[PRECISION] == destination.get(PRECISION, MILLISECOND):
        raise refuse(
            f"Invalid Request: Precision is already set to the desired value of {asked[PRECISION]} for "
            f"tableId: {table['TableId']}, kdsArn: {arn}"
        )
    kinesis_delivery.save(call, table, {**destination, **asked})
    return {"TableName": table.name, "StreamArn": arn, "DestinationStatus": "UPDATING", UPDATE: asked}


@operation
def describe_kinesis_streaming_destination(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """All that were ever enabled, or were to be."""
    table = tables.existing(call, request["TableName"])
    shown = [
        {
            "StreamArn": one["StreamArn"],
            "DestinationStatus": one["Status"],
            "DestinationStatusDescription": one.get("Description"),
            PRECISION: one.get(PRECISION),
        }
        for one in table.get("Destinations", [])
    ]
    return {"TableName": table.name, "KinesisDataStreamDestinations": shown}


def _find(table: Resource, arn: str) -> dict[str, Any] | None:
    return next((one for one in table.get("Destinations", []) if one["StreamArn"] == arn), None)
