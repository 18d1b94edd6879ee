"""What is given up goes to the S3 error prefix: one JSON line a record, in one object an error type.

Source: developer guide, "Handle failure in data transformation", "Handling errors for data format conversion",
"Handle data delivery failures".
"""

from __future__ import annotations

import base64
import uuid
from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import prefixes, storage
from .batches import Batch, Failed

CONVERSION = "format-conversion-failed"
PROCESSING = "processing-failed"
DECOMPRESSION = "decompression-failed"
PARTITIONS = "activePartitionExceeded"


async def write(
    call: Call, stream: Resource, configuration: dict[str, Any], batch: Batch, failed: list[Failed]
) -> None:
    """Write an object for each error type. Names follow from the batch: an attempt after a crash writes them over."""
    for kind in dict.fromkeys(failure.kind for failure in failed):
        group = [failure for failure in failed if failure.kind == kind]
        identity = uuid.uuid5(batch.identity, kind)
        received = batch.received()
        when = storage.moment(configuration, min(received[failure.origin].arrival for failure in group))
        prefix = configuration.get("ErrorOutputPrefix") or configuration.get("Prefix") or ""
        folder = prefixes.evaluate(prefix, prefixes.Values(when, seed=str(identity), error_type=kind))
        body = b"".join(envelope(failure, batch, call.now) for failure in group)
        await storage.put(call, configuration, storage.object_key(stream, folder, when, identity, ""), body)


def envelope(failure: Failed, batch: Batch, now: float) -> bytes:
    """One line of an error object. Format conversion has member names of its own."""
    received = batch.received()[failure.origin]
    last = failure.kind == CONVERSION
    raw = batch.source[failure.origin] if failure.raw is None else failure.raw
    members: dict[str, Any] = {
        "attemptsMade": failure.attempts,
        "arrivalTimestamp": int(received.arrival * 1000),
        "lastErrorCode" if last else "errorCode": failure.code,
        "lastErrorMessage" if last else "errorMessage": failure.message,
        "attemptEndingTimestamp": int(now * 1000),
        "rawData": base64.b64encode(raw).decode(),
    }
    if last:
        members |= {
            "sequenceNumber": received.sequence_number,
            "subSequenceNumber": received.subsequence_number,
        }
    return orjson.dumps({**members, **failure.extra}) + b"\n"
