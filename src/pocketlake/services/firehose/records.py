"""Putting records: accepted means buffered in the store, in the same transaction that the answer waits for."""

from __future__ import annotations

import secrets
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.quotas import TokenBucket
from pocketlake.kernel.resources import Resource

from . import quotas
from .buffers import buffer
from .delivery_streams import find
from .service import errors, firehose


@firehose.operation
def put_record(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    stream = _accepting(call, request, [request["Record"]["Data"]])
    buffer(call, stream, [request["Record"]["Data"]], call.now)
    return {"RecordId": _record_id(), "Encrypted": False}


@firehose.operation
def put_record_batch(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Up to 500 records and 4 MiB; all are buffered, or the call is refused."""
    data = [record["Data"] for record in request["Records"]]
    if sum(map(len, data)) > quotas.BATCH_BYTES.value:
        raise errors.InvalidArgumentException("Records size exceeds 4 MB limit")
    stream = _accepting(call, request, data)
    buffer(call, stream, data, call.now)
    return {
        "FailedPutCount": 0,
        "Encrypted": False,
        "RequestResponses": [{"RecordId": _record_id()} for _ in data],
    }


def _accepting(call: Call, request: dict[str, Any], data: list[bytes]) -> Resource:
    stream = find(call, request["DeliveryStreamName"])
    if stream["Type"] != "DirectPut":
        raise errors.InvalidArgumentException(
            "This operation is not permitted on KinesisStreamAsSource delivery stream type."
        )
    if any(len(record) > quotas.RECORD_BYTES.value for record in data):
        raise errors.InvalidArgumentException("Record size exceeds 1,000 KB limit")
    if call.limits_on and not _within_rates(call, stream, data):
        raise errors.ServiceUnavailableException("Slow down.", status=503)
    return stream


def _within_rates(call: Call, stream: Resource, data: list[bytes]) -> bool:
    now = call.now
    buckets = call.memory.get(stream["Id"])
    if buckets is None:
        rates = (quotas.REQUESTS_PER_SECOND, quotas.RECORDS_PER_SECOND, quotas.BYTES_PER_SECOND)
        buckets = call.memory[stream["Id"]] = [TokenBucket(quota.value, now=now) for quota in rates]
    amounts = (1, len(data), sum(map(len, data)))
    if any(bucket.refill(now) < amount for bucket, amount in zip(buckets, amounts, strict=True)):
        return False
    return all(bucket.take(amount, now) for bucket, amount in zip(buckets, amounts, strict=True))


def _record_id() -> str:
    return secrets.token_urlsafe(160)
