"""Delivery streams: created, described, listed, deleted."""

from __future__ import annotations

import uuid
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.kernel.resources import Resource

from . import buffers, destinations, encryption, kinesis_source, quotas, store
from .service import errors, firehose

KIND = "delivery stream"
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
    kind, source = _source(request)
    destination_kind, given = one_destination(destinations.given(request))
    body = {
        "Id": uuid.uuid4().hex,
        "Type": kind,
        "Version": 1,
        "DestinationKind": destination_kind,
        "Destination": destinations.named(destination_kind).validate(call, given),
        "Source": source and {**source, "Since": kinesis_source.since(call.now)},
        "Encryption": encryption.of_a_new_stream(request, kind),
        "Updated": call.now,
    }
    tags = {tag["Key"]: tag.get("Value", "") for tag in request.get("Tags", [])}
    stream = streams.create(name, body, arn=call.arn(f"deliverystream/{name}"), tags=tags)
    if source is not None:
        kinesis_source.begin(call, stream)
    return {"DeliveryStreamARN": stream.arn}


def _source(request: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """(DeliveryStreamType, the Kinesis source's configuration)."""
    for member in OTHER_SOURCES:
        if member in request:
            raise NotImplemented501(f"Firehose {member}")
    kind = request.get("DeliveryStreamType", "DirectPut")
    if kind not in TYPES:
        raise NotImplemented501(f"Firehose streams of type {kind}")
    source = request.get("KinesisStreamSourceConfiguration")
    if kind == "KinesisStreamAsSource" and source is None:
        raise errors.InvalidArgumentException(
            "KinesisStreamSourceConfiguration must be provided for KinesisStreamAsSource delivery stream type."
        )
    if kind == "DirectPut" and source is not None:
        raise errors.InvalidArgumentException(
            "KinesisStreamSourceConfiguration must not be provided for DirectPut delivery stream type."
        )
    return kind, source


def one_destination(given: list[tuple[str, dict[str, Any]]]) -> tuple[str, dict[str, Any]]:
    if len(given) != 1:
        raise errors.InvalidArgumentException("Exactly one destination configuration is supported for a Firehose")
    return given[0]


@firehose.operation
def describe_delivery_stream(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    stream = find(call, request["DeliveryStreamName"])
    described = destinations.of(stream).describe(stream["Destination"])
    description = {
        "DeliveryStreamName": stream.name,
        "DeliveryStreamARN": stream.arn,
        "DeliveryStreamStatus": "ACTIVE",
        "DeliveryStreamEncryptionConfiguration": encryption.described(stream),
        "DeliveryStreamType": stream["Type"],
        "VersionId": str(stream["Version"]),
        "CreateTimestamp": stream.created,
        "LastUpdateTimestamp": stream["Updated"],
        "Destinations": [{"DestinationId": DESTINATION_ID, **described}],
        "HasMoreDestinations": False,
    }
    after = request.get("ExclusiveStartDestinationId")
    if after is not None and after >= DESTINATION_ID:
        description["Destinations"] = []  # a stream has one destination
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
    """Changes are merged into the destination of the same kind; one of another kind takes its place whole."""
    stream = find(call, request["DeliveryStreamName"])
    kind, changes = one_destination(destinations.given_updates(request))
    if request["CurrentDeliveryStreamVersionId"] != str(stream["Version"]):
        raise errors.ConcurrentModificationException(
            f"Cannot update firehose: {stream.name} since the current version id: {stream['Version']} "
            f"and specified version id: {request['CurrentDeliveryStreamVersionId']} do not match"
        )
    if request["DestinationId"] != DESTINATION_ID:
        raise errors.InvalidArgumentException(f"Destination Id {request['DestinationId']} not found")
    destination = destinations.named(kind)
    if kind == stream.get("DestinationKind", "s3"):
        changes = destination.merge(stream["Destination"], changes)
    body = {
        "DestinationKind": kind,
        "Destination": destination.validate(call, changes),
        "Version": stream["Version"] + 1,
        "Updated": call.now,
    }
    # What is buffered follows the new hints; a delivery that was refused is tried again at once.
    buffers.reschedule(call, call.resources(KIND).update(stream, **body))
    return {}


@firehose.operation
def delete_delivery_stream(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """What is buffered goes with the stream, as on AWS."""
    stream = find(call, request["DeliveryStreamName"])
    call.alarms.clear(buffers.DELIVER, stream.name)
    if stream.get("Source"):
        kinesis_source.end(call, stream)
    store.forget(call.db, stream["Id"])
    call.memory.pop(("processed", stream["Id"]), None)
    call.resources(KIND).delete(stream)
    return {}
