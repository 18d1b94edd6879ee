"""Delivery streams: created, described, listed, changed, deleted."""

from __future__ import annotations

import uuid
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.kernel.resources import Resource

from . import kinesis_source, quotas, store
from .destinations import described, read_destination
from .service import errors, firehose

KIND = "delivery stream"
OTHER_DESTINATIONS = (
    "RedshiftDestinationConfiguration",
    "ElasticsearchDestinationConfiguration",
    "AmazonopensearchserviceDestinationConfiguration",
    "AmazonOpenSearchServerlessDestinationConfiguration",
    "SplunkDestinationConfiguration",
    "HttpEndpointDestinationConfiguration",
    "SnowflakeDestinationConfiguration",
    "IcebergDestinationConfiguration",
)
OTHER_SOURCES = ("MSKSourceConfiguration", "DatabaseSourceConfiguration", "DirectPutSourceConfiguration")
TYPES = ("DirectPut", "KinesisStreamAsSource")
DESTINATION_ID = "destinationId-000000000001"


def find(call: Call, name: str) -> Resource:
    stream = call.resources(KIND).find(name)
    if stream is None:
        raise errors.ResourceNotFoundException(f"Firehose {name} under account {call.account} not found.")
    return stream


@firehose.operation
def create_delivery_stream(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """A stream is ACTIVE when the call returns; where AWS takes a minute, here nothing needs it."""
    name = request["DeliveryStreamName"]
    streams = call.resources(KIND)
    if streams.find(name) is not None:
        raise errors.ResourceInUseException(f"Firehose {name} under accountId {call.account} already exists")
    if call.limits_on and streams.count() >= quotas.STREAMS.value:
        raise errors.LimitExceededException("You have already consumed your firehose quota of 5000 streams.")
    _refuse_unbuilt(request)
    extended = request.get("ExtendedS3DestinationConfiguration")
    plain = request.get("S3DestinationConfiguration")
    if (extended is None) == (plain is None):
        raise errors.InvalidArgumentException("Exactly one destination configuration is supported for a Firehose")
    kind = request.get("DeliveryStreamType", "DirectPut")
    source = request.get("KinesisStreamSourceConfiguration")
    if (kind == "KinesisStreamAsSource") != (source is not None):
        raise errors.InvalidArgumentException(
            "KinesisSourceStreamConfig is required for, and allowed only with, the type KinesisStreamAsSource."
        )
    body = {
        "Id": uuid.uuid4().hex,
        "Type": kind,
        "Version": 1,
        "Destination": read_destination(extended or plain or {}),
        "Source": source and {**source, "Since": kinesis_source.since(call.now)},
        "Updated": call.now,
    }
    tags = {tag["Key"]: tag.get("Value", "") for tag in request.get("Tags", [])}
    stream = streams.create(name, body, arn=call.arn(f"deliverystream/{name}"), tags=tags)
    if source is not None:
        kinesis_source.begin(call, stream)
    return {"DeliveryStreamARN": stream.arn}


def _refuse_unbuilt(request: dict[str, Any]) -> None:
    for member in (*OTHER_DESTINATIONS, *OTHER_SOURCES):
        if member in request:
            raise NotImplemented501(f"Firehose {member}")
    if (kind := request.get("DeliveryStreamType", "DirectPut")) not in TYPES:
        raise NotImplemented501(f"Firehose streams of type {kind}")
    if "DeliveryStreamEncryptionConfigurationInput" in request:
        raise NotImplemented501("Firehose encryption with a KMS key")


@firehose.operation
def describe_delivery_stream(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    stream = find(call, request["DeliveryStreamName"])
    description = {
        "DeliveryStreamName": stream.name,
        "DeliveryStreamARN": stream.arn,
        "DeliveryStreamStatus": "ACTIVE",
        "DeliveryStreamEncryptionConfiguration": {"Status": "DISABLED"},
        "DeliveryStreamType": stream["Type"],
        "VersionId": str(stream["Version"]),
        "CreateTimestamp": stream.created,
        "LastUpdateTimestamp": stream["Updated"] if stream["Version"] > 1 else None,
        "Destinations": [{"DestinationId": DESTINATION_ID, **described(stream["Destination"])}],
        "HasMoreDestinations": False,
    }
    if source := stream.get("Source"):
        description["Source"] = {
            "KinesisStreamSourceDescription": {
                "KinesisStreamARN": source["KinesisStreamARN"],
                "RoleARN": source["RoleARN"],
                "DeliveryStartTimestamp": source["Since"],
            }
        }
    return {"DeliveryStreamDescription": description}


@firehose.operation
def list_delivery_streams(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    limit = request.get("Limit", 10)
    kind = request.get("DeliveryStreamType")
    after = request.get("ExclusiveStartDeliveryStreamName", "")
    found = [stream.name for stream in call.resources(KIND).list(after=after) if kind in (None, stream["Type"])]
    return {"DeliveryStreamNames": found[:limit], "HasMoreDeliveryStreams": len(found) > limit}


@firehose.operation
def update_destination(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    from .deliveries import schedule

    stream = find(call, request["DeliveryStreamName"])
    if request["CurrentDeliveryStreamVersionId"] != str(stream["Version"]):
        raise errors.ConcurrentModificationException(
            f"Cannot update firehose: {stream.name} since the current version id: {stream['Version']} "
            f"and specified version id: {request['CurrentDeliveryStreamVersionId']} do not match"
        )
    if request["DestinationId"] != DESTINATION_ID:
        raise errors.InvalidArgumentException(f"Destination Id {request['DestinationId']} not found")
    change = request.get("ExtendedS3DestinationUpdate") or request.get("S3DestinationUpdate")
    if change is None:
        raise NotImplemented501("Firehose updates of destinations other than S3")
    destination = read_destination({**stream["Destination"], **change})
    changes = {"Destination": destination, "Version": stream["Version"] + 1, "Updated": call.now}
    schedule(call, call.resources(KIND).update(stream, **changes))  # what is buffered follows the new hints
    return {}


@firehose.operation
def delete_delivery_stream(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """What is buffered goes with the stream, as on AWS."""
    from .deliveries import deliver

    stream = find(call, request["DeliveryStreamName"])
    call.alarms.clear(deliver, stream.name)
    if stream.get("Source"):
        kinesis_source.end(call, stream)
    store.forget(call.db, stream["Id"])
    call.resources(KIND).delete(stream)
    return {}
