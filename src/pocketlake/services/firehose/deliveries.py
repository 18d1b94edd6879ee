"""From buffer to object. The rows of a delivery go in the very tick in which its object is written: exactly once."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import conversion, prefixes, store
from .destinations import COMPRESSIONS
from .service import firehose

MIB = 1024 * 1024
CONVERSION_FAILED = "format-conversion-failed"


def buffer(call: Call, stream: Resource, records: list[bytes], arrival: float) -> None:
    """Keep the records, and see to it that they are delivered when their time or the buffer's size is reached."""
    grow(call, stream, store.add(call.db, stream["Id"], arrival, records), arrival)


def grow(call: Call, stream: Resource, added: int, arrival: float) -> None:
    """Count what was added in memory: asking the store each time would cost more the fuller the buffer is."""
    held = call.memory.get(("held", stream["Id"]))
    if held is None:
        schedule(call, stream)
        return
    size, oldest = held
    held = (size + added, oldest if oldest is not None else arrival)
    call.memory["held", stream["Id"]] = held
    call.undo(lambda: call.memory.pop(("held", stream["Id"]), None))
    _set_alarm(call, stream, *held)


def schedule(call: Call, stream: Resource) -> None:
    """Set the delivery for when the oldest record has waited long enough, or now if the buffer is full."""
    held = store.buffered(call.db, stream["Id"])
    call.memory["held", stream["Id"]] = held
    call.undo(lambda: call.memory.pop(("held", stream["Id"]), None))
    _set_alarm(call, stream, *held)


def _set_alarm(call: Call, stream: Resource, size: int, oldest: float | None) -> None:
    if oldest is None:
        return
    hints = stream["Destination"]["BufferingHints"]
    full = size >= hints["SizeInMBs"] * MIB
    due = call.now if full else oldest + hints["IntervalInSeconds"]
    set_for = call.alarms.due(deliver, stream.name)
    if set_for is None or set_for > due:
        call.alarms.set(deliver, stream.name, due)


@dataclass(slots=True, frozen=True)
class Object:
    key: str
    body: bytes


@firehose.alarm
async def deliver(call: Call, name: str) -> None:
    from .delivery_streams import KIND

    stream = call.resources(KIND).find(name)
    if stream is None:
        return
    hints = stream["Destination"]["BufferingHints"]
    batches = store.take(call.db, stream["Id"], hints["SizeInMBs"] * MIB)
    if not batches:
        return
    objects = await _objects(call, stream, batches)
    bucket = stream["Destination"]["BucketARN"].rpartition(":")[2]
    for item in objects:
        await call.aws.s3.put_object(Bucket=bucket, Key=item.key, Body=item.body)
    # No wait between the last object and this: both are in one transaction.
    with call.transaction():
        store.remove(call.db, stream["Id"], batches)
        schedule(call, stream)


async def _objects(call: Call, stream: Resource, batches: list[store.Batch]) -> list[Object]:
    """The data object, and before it the one of records that could not be converted."""
    destination = stream["Destination"]
    when = prefixes.moment(batches[0].arrival, destination.get("CustomTimeZone") or "UTC")
    format_ = destination.get("DataFormatConversionConfiguration") or {}
    if not (format_ and format_.get("Enabled", True)):
        compression = destination["CompressionFormat"]
        records = [record for batch in batches for record in store.unpack(batch.payload)]
        body = await call.offload(conversion.compress, b"".join(records), compression)
        extension = destination.get("FileExtension") or COMPRESSIONS[compression]
        return [Object(_key(stream, when, extension, destination.get("Prefix", "")), body)]
    schema = conversion.schema_of(call, format_["SchemaConfiguration"])
    converted = await call.offload(conversion.convert, [batch.payload for batch in batches], schema.columns, format_)
    objects = []
    if converted.failures:
        arrivals = [batch.arrival for batch in batches for _ in store.unpack(batch.payload)]
        lines = [_failure(call, failure, arrivals[failure.index], schema) for failure in converted.failures]
        prefix = destination.get("ErrorOutputPrefix") or destination.get("Prefix", "")
        objects.append(Object(_key(stream, when, "", prefix, CONVERSION_FAILED), b"".join(lines)))
    if converted.rows:
        extension = destination.get("FileExtension") or converted.extension
        objects.append(Object(_key(stream, when, extension, destination.get("Prefix", "")), converted.body))
    return objects


def _key(stream: Resource, when: Any, extension: str, prefix: str, error_type: str = "") -> str:
    name = prefixes.object_name(stream.name, str(stream["Version"]), when, str(uuid.uuid4()), extension)
    return prefixes.evaluate(prefix, when, error_type) + name


def _failure(call: Call, failure: conversion.Failed, arrival: float, schema: conversion.Schema) -> bytes:
    """One line of the documented envelope. Source: developer guide, "Record format conversion error handling"."""
    return (
        orjson.dumps(
            {
                "attemptsMade": 1,
                "arrivalTimestamp": int(arrival * 1000),
                "lastErrorCode": failure.code,
                "lastErrorMessage": failure.message,
                "attemptEndingTimestamp": int(call.now * 1000),
                "rawData": base64.b64encode(failure.record).decode(),
                "sequenceNumber": str(failure.index),
                "subSequenceNumber": None,
                "dataCatalogTable": schema.described,
            }
        )
        + b"\n"
    )
