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
    """Count what was added in memory: asking the store each time would cost more the fuller the buffer is.

    The alarm moves only when this addition makes the buffer due sooner. Otherwise it is set already, or a delivery is
    at work or waits for its next attempt; each of them schedules what it leaves behind.
    """
    held = call.memory.get(("held", stream["Id"]))
    if held is None:
        schedule(call, stream)
        return
    size, oldest = held
    before = _due(stream, size, oldest)
    size, oldest = size + added, arrival if oldest is None else min(oldest, arrival)
    _remember(call, stream, size, oldest)
    due = _due(stream, size, oldest)
    if due is not None and (before is None or due < before):
        call.alarms.set(deliver, stream.name, max(due, call.now))


def schedule(call: Call, stream: Resource) -> None:
    """Set the delivery for when the oldest record has waited long enough, or now if the buffer is full."""
    size, oldest = store.buffered(call.db, stream["Id"])
    _remember(call, stream, size, oldest)
    due = _due(stream, size, oldest)
    if due is None:
        call.alarms.clear(deliver, stream.name)
    else:
        call.alarms.set(deliver, stream.name, max(due, call.now))


def _remember(call: Call, stream: Resource, size: int, oldest: float | None) -> None:
    call.memory["held", stream["Id"]] = (size, oldest)
    call.undo(lambda: call.memory.pop(("held", stream["Id"]), None))


def _due(stream: Resource, size: int, oldest: float | None) -> float | None:
    """When the buffer is to be delivered: a full one is overdue, an empty one never due."""
    if oldest is None:
        return None
    hints = stream["Destination"]["BufferingHints"]
    return 0.0 if size >= hints["SizeInMBs"] * MIB else oldest + float(hints["IntervalInSeconds"])


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
        now = call.resources(KIND).find(name)
        if (
            now is not None and now["Id"] == stream["Id"]
        ):  # neither deleted nor made anew while the objects were written
            schedule(call, now)


async def _objects(call: Call, stream: Resource, batches: list[store.Batch]) -> list[Object]:
    """The data object, and before it the one of records that could not be converted.

    Both names follow from the first batch: when a crash falls between the two, the next attempt writes the first of
    them over instead of doubling it.
    """
    destination = stream["Destination"]
    oldest = min(batch.arrival for batch in batches)
    when = prefixes.moment(oldest, destination.get("CustomTimeZone") or "UTC")
    identity = str(uuid.uuid5(uuid.UUID(stream["Id"]), str(batches[0].sequence)))
    format_ = destination.get("DataFormatConversionConfiguration") or {}
    if not (format_ and format_.get("Enabled", True)):
        compression = destination["CompressionFormat"]
        records = [record for batch in batches for record in store.unpack(batch.payload)]
        body = await call.offload(conversion.compress, b"".join(records), compression)
        extension = destination.get("FileExtension") or COMPRESSIONS[compression]
        return [Object(_key(stream, when, identity, extension, destination.get("Prefix", "")), body)]
    schema = conversion.schema_of(call, format_["SchemaConfiguration"])
    converted = await call.offload(conversion.convert, [batch.payload for batch in batches], schema.columns, format_)
    objects = []
    if converted.failures:
        arrivals = [batch.arrival for batch in batches for _ in store.unpack(batch.payload)]
        lines = [_failure(call, failure, arrivals[failure.index], schema) for failure in converted.failures]
        prefix = destination.get("ErrorOutputPrefix") or destination.get("Prefix", "")
        objects.append(Object(_key(stream, when, identity, "", prefix, CONVERSION_FAILED), b"".join(lines)))
    if converted.rows:
        extension = destination.get("FileExtension") or converted.extension
        objects.append(Object(_key(stream, when, identity, extension, destination.get("Prefix", "")), converted.body))
    return objects


def _key(stream: Resource, when: Any, identity: str, extension: str, prefix: str, error_type: str = "") -> str:
    name = prefixes.object_name(stream.name, str(stream["Version"]), when, identity, extension)
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
