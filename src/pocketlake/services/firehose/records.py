"""Putting records: accepted means buffered in the store, in the same transaction that the answer waits for."""

from __future__ import annotations

import base64
import os
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.quotas import TokenBucket
from pocketlake.kernel.resources import Resource

from . import encryption, metrics, processing, quotas
from .buffers import buffer
from .delivery_streams import find
from .service import errors, firehose

SLOW_DOWN = "Slow down."
RECORD_ID_BYTES = 159  # a multiple of three: no padding between them
LOGS = "logs.amazonaws.com"


@firehose.operation
def put_record(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    stream = _accepting(call, request)
    data = request["Record"]["Data"]
    sizes = [len(data)]
    admitted = _admitted(call, stream, sizes)
    metrics.put(call.subject, "PutRecord", sizes, admitted, call.now)
    if not admitted:
        raise errors.ServiceUnavailableException(SLOW_DOWN, status=503)
    buffer(call, stream, [data], call.now)
    return {"RecordId": _record_ids(1)[0], "Encrypted": encryption.is_on(stream)}


@firehose.operation
def put_record_batch(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Up to 500 records and 4 MiB. What is beyond the stream's rate fails record by record; the rest is buffered."""
    data = [record["Data"] for record in request["Records"]]
    sizes = [len(record) for record in data]
    if sum(sizes) > quotas.BATCH_BYTES.value:
        raise errors.InvalidArgumentException("Records size exceeds 4 MB limit")
    stream = _accepting(call, request)
    admitted = _admitted(call, stream, sizes)
    metrics.put(call.subject, "PutRecordBatch", sizes, admitted, call.now)
    if admitted:
        buffer(call, stream, data[:admitted], call.now)
    refused = {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": SLOW_DOWN}
    responses: list[dict[str, str]] = [{"RecordId": number} for number in _record_ids(admitted)]
    return {
        "FailedPutCount": len(data) - admitted,
        "Encrypted": encryption.is_on(stream),
        "RequestResponses": responses + [refused] * (len(data) - admitted),
    }


def _accepting(call: Call, request: dict[str, Any]) -> Resource:
    stream = find(call, request["DeliveryStreamName"])
    call.subject = metrics.of(call, stream)
    if stream["Type"] != "DirectPut":
        raise errors.InvalidArgumentException(
            f"This operation is not permitted on {stream['Type']} delivery stream type."
        )
    if processing.takes_logs_only(stream["Destination"]) and call.principal.arn != LOGS:
        raise errors.InvalidSourceException(
            f"Put to Firehose failed for AccountId: {call.account}, FirehoseName: {stream.name} "
            "because the request is not originating from allowed source types."
        )
    return stream


def _admitted(call: Call, stream: Resource, sizes: list[int]) -> int:
    """How many of the records, from the first on, the stream's rates let in. Without a request to spend: none."""
    if not call.limits_on:
        return len(sizes)
    requests, records, volume = _buckets(call, stream)
    now = call.now
    if not requests.take(1, now):
        metrics.put(call.subject, "", sizes, 0, now)
        raise errors.ServiceUnavailableException(SLOW_DOWN, status=503)
    admitted = min(len(sizes), int(records.refill(now)))
    room = volume.refill(now)
    while sum(sizes[:admitted]) > room:
        admitted -= 1
    records.take(admitted, now)
    volume.take(sum(sizes[:admitted]), now)
    return admitted


def _buckets(call: Call, stream: Resource) -> list[TokenBucket]:
    """Full, one second may go at once; of data as much as one call may hold."""
    buckets: list[TokenBucket] | None = call.memory.get(stream["Id"])
    if buckets is None:
        requests, records, volume = (quota.value for quota in quotas.direct_put_rates(call.region))
        buckets = call.memory[stream["Id"]] = [
            TokenBucket(requests, now=call.now),
            TokenBucket(records, now=call.now),
            TokenBucket(volume, max(volume, quotas.BATCH_BYTES.value), now=call.now),
        ]
    return buckets


def _record_ids(count: int) -> list[str]:
    """Random texts, made together: one by one they cost more than all else in a batch."""
    texts = base64.urlsafe_b64encode(os.urandom(RECORD_ID_BYTES * count)).decode()
    length = RECORD_ID_BYTES // 3 * 4
    return [texts[at : at + length] for at in range(0, length * count, length)]
