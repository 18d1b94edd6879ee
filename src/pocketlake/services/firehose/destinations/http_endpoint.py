"""HTTP endpoints: a batch becomes requests that carry its records as base64, each answered with its own ID.

Source: developer guide, "Understand HTTP endpoint delivery request and response specifications", "Troubleshoot HTTP
endpoints", "Handle data delivery failures".
"""

from __future__ import annotations

import base64
import gzip
import json
import logging
import random
import uuid
from collections.abc import Iterator
from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.kernel.resources import Resource

from .. import https, processing, quotas, sending, storage
from ..batches import Batch, Failed, Undelivered
from ..service import errors

log = logging.getLogger("pocketlake.firehose")

CONFIGURATIONS = ("HttpEndpointDestinationConfiguration",)
UPDATES = ("HttpEndpointDestinationUpdate",)
FAILED = "http-endpoint-failed"

PROTOCOL_VERSION = "1.0"
ANSWER_SECONDS = 180.0
LONGEST_PAUSE_SECONDS = 120.0
JITTER = 0.15
SHOWN_CHARACTERS = 8192  # of an answer, in an error message
TOO_LARGE = 413
FIELDS = {"requestId", "timestamp", "errorMessage"}
REFUSED = "HttpEndpoint.DestinationException"
INVALID = "HttpEndpoint.InvalidResponseFromDestination"
UNANSWERED = {
    "timeout": ("HttpEndpoint.RequestTimeout", "The endpoint took longer than 3 minutes to respond."),
    "handshake": ("HttpEndpoint.SSLHandshakeFailure", "The SSL handshake with the endpoint failed."),
    "unverified": ("HttpEndpoint.SSLHandshakeFailure", "The SSL handshake with the endpoint failed."),
    "reset": ("HttpEndpoint.ConnectionReset", "The connection was reset or prematurely closed by the endpoint."),
    "connection": ("HttpEndpoint.ConnectionFailed", "A connection could not be established with the endpoint."),
}


def validate(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    """An HttpEndpointDestinationConfiguration; the URL's scheme is judged here, since the gateway leaves it to us."""
    configuration = dict(given)
    configuration["S3Configuration"] = storage.validate_beside(configuration)
    endpoint = configuration.get("EndpointConfiguration")
    if endpoint is None:
        raise errors.InvalidArgumentException("EndpointConfiguration must not be null")
    if not https.is_allowed(endpoint["Url"]):
        raise errors.ValidationException(
            "1 validation error detected: Value at"
            " 'httpEndpointDestinationConfiguration.endpointConfiguration.url' failed to satisfy constraint: Member"
            " must satisfy regular expression pattern: https://.*"
        )
    if (configuration.get("SecretsManagerConfiguration") or {}).get("Enabled"):
        raise NotImplemented501("Firehose SecretsManagerConfiguration (Secrets Manager itself)")
    hints = {"SizeInMBs": quotas.DEFAULT_SIZE_MB, "IntervalInSeconds": quotas.DEFAULT_INTERVAL_SECONDS}
    configuration["BufferingHints"] = {**hints, **(configuration.get("BufferingHints") or {})}
    configuration["RequestConfiguration"] = {
        "ContentEncoding": "NONE",
        "CommonAttributes": [],
        **(configuration.get("RequestConfiguration") or {}),
    }
    configuration["RetryOptions"] = {"DurationInSeconds": 300, **(configuration.get("RetryOptions") or {})}
    configuration.setdefault("S3BackupMode", "FailedDataOnly")
    configuration.setdefault("CloudWatchLoggingOptions", {"Enabled": False})
    processing.validate(call, configuration)
    return configuration


def merge(configuration: dict[str, Any], update: dict[str, Any]) -> dict[str, Any]:
    """An access key stays with its URL: a new one does not get to see it."""
    merged = {**configuration, **update}
    before, after = configuration["EndpointConfiguration"], merged["EndpointConfiguration"]
    if before["Url"] == after["Url"]:
        merged["EndpointConfiguration"] = {**before, **after}
    return merged


def describe(configuration: dict[str, Any]) -> dict[str, Any]:
    described = dict(configuration)
    endpoint = configuration["EndpointConfiguration"]
    described["EndpointConfiguration"] = {name: endpoint[name] for name in ("Url", "Name") if name in endpoint}
    described["S3DestinationDescription"] = storage.described(described.pop("S3Configuration"))
    return {"HttpEndpointDestinationDescription": described}


def backup(configuration: dict[str, Any]) -> dict[str, Any] | None:
    return configuration["S3Configuration"] if configuration["S3BackupMode"] == "AllData" else None


def retry_seconds(configuration: dict[str, Any]) -> float | None:
    return None  # a batch may be several requests: `deliver` gives up those that were refused, and no others


async def deliver(call: Call, stream: Resource, batch: Batch) -> list[Failed]:
    """Send the batch's requests in order, leaving out those that were taken before.

    The retry duration begins when the first attempt has failed, and does not run while an answer is awaited: `Spent` is
    the sum of the pauses up to now, `FailedAt` when the last one began.
    """
    configuration = stream["Destination"]
    state = sending.state(call, stream, batch) or {"Taken": [], "Spent": 0.0, "FailedAt": call.now}
    spent = state["Spent"] + call.now - state["FailedAt"]
    failed: list[Failed] = []
    for request in requests_of(batch, configuration["BufferingHints"]["SizeInMBs"] * quotas.MIB):
        if request.start in state["Taken"]:
            continue
        try:
            await _send(call, stream, batch, request)
        except Undelivered as refusal:
            left = configuration["RetryOptions"]["DurationInSeconds"] - spent
            if left > 0:
                sending.keep(call, stream, batch, {**state, "Spent": spent, "FailedAt": call.now})
                raise Undelivered(refusal.code, refusal.message, min(pause(batch), left)) from None
            failed += [_failure(batch, index, refusal) for index in request]
        else:
            state["Taken"].append(request.start)
            if len(request) < len(batch):
                sending.keep(call, stream, batch, state)
    return failed


def requests_of(batch: Batch, limit: float) -> Iterator[range]:
    """Stretches of records of one request each: within the buffer's size and the protocol's number of records."""
    start = size = 0
    for index, record in enumerate(batch.data):
        full = index - start == quotas.HTTP_RECORDS.value
        if index > start and (full or size + len(record) > limit):
            yield range(start, index)
            start, size = index, 0
        size += len(record)
    yield range(start, len(batch))


def pause(batch: Batch) -> float:
    """Seconds until the next attempt: one, doubled with each, two minutes at most, fifteen per cent up or down."""
    spread = random.Random(f"{batch.identity} {batch.attempt}").uniform(1 - JITTER, 1 + JITTER)
    return min(LONGEST_PAUSE_SECONDS, 2.0 ** min(batch.attempt - 1, 7)) * spread


def _failure(batch: Batch, index: int, refusal: Undelivered) -> Failed:
    received = batch.received()[batch.origin(index)]
    subsequence = received.subsequence_number or 0
    extra = {"subsequenceNumber": subsequence, "dataId": f"{received.sequence_number}.{subsequence}"}
    raw = batch.raw(index)
    return Failed(batch.origin(index), FAILED, refusal.code, refusal.message, batch.attempt, raw, extra)


async def _send(call: Call, stream: Resource, batch: Batch, indexes: range) -> None:
    """One request. Raises Undelivered when it is not answered as it should be."""
    configuration = stream["Destination"]
    endpoint = configuration["EndpointConfiguration"]
    request_id = str(uuid.uuid5(batch.identity, str(indexes.start)))
    is_compressed = configuration["RequestConfiguration"]["ContentEncoding"] == "GZIP"
    headers = _headers(configuration, stream.arn, request_id)
    data = batch.data[indexes.start : indexes.stop]
    body = await call.offload(_body, request_id, int(call.now * 1000), data, is_compressed)
    try:
        answer = await https.post(endpoint["Url"], headers, body, ANSWER_SECONDS)
    except https.Failure as failure:
        raise Undelivered(*UNANSWERED[failure.kind]) from None
    if answer.status == TOO_LARGE:
        log.warning(
            "firehose %s: the endpoint answered 413 and %d records are dropped, as on AWS", stream.name, len(indexes)
        )
        return
    if (problem := refusal_of(answer, request_id)) is not None:
        code, message = problem
        raise Undelivered(code, _without(message, endpoint.get("AccessKey")))


def _headers(configuration: dict[str, Any], arn: str, request_id: str) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Amazon Kinesis Data Firehose Agent/1.0",
        "X-Amz-Firehose-Protocol-Version": PROTOCOL_VERSION,
        "X-Amz-Firehose-Request-Id": request_id,
        "X-Amz-Firehose-Source-Arn": arn,
    }
    asked = configuration["RequestConfiguration"]
    if asked["ContentEncoding"] == "GZIP":
        headers["Content-Encoding"] = "gzip"
    if key := configuration["EndpointConfiguration"].get("AccessKey"):
        headers["X-Amz-Firehose-Access-Key"] = key
    if attributes := asked["CommonAttributes"]:
        named = {given["AttributeName"]: given["AttributeValue"] for given in attributes}
        headers["X-Amz-Firehose-Common-Attributes"] = json.dumps({"commonAttributes": named})
    return headers


def _body(request_id: str, now: int, data: list[bytes], is_compressed: bool) -> bytes:
    """Runs in a thread."""
    records = [{"data": base64.b64encode(record).decode()} for record in data]
    body = orjson.dumps({"requestId": request_id, "timestamp": now, "records": records})
    return gzip.compress(body, compresslevel=6, mtime=0) if is_compressed else body


def refusal_of(answer: https.Answer, request_id: str) -> tuple[str, str] | None:
    """(code, message) of what keeps an answer from being a success; None when it is one.

    Only a 200 with the documented body is: any other 2xx is a refusal, and so is a redirect.
    """
    shown = answer.text[:SHOWN_CHARACTERS]
    if answer.size > https.ANSWER_BYTES:
        return "HttpEndpoint.ResponseTooLarge", "The response received from the endpoint is larger than 1 MiB."
    if answer.status != 200:
        return REFUSED, f"The following response was received from the endpoint destination. {answer.status}: {shown}"
    flaw = _flaw(answer, request_id)
    if flaw is None:
        return None
    return INVALID, (
        "The response received from the specified endpoint is invalid. Contact the owner of the endpoint to resolve"
        f" the issue. Response for request {request_id} {flaw}. Raw response received: 200 {shown}"
    )


def _flaw(answer: https.Answer, request_id: str) -> str | None:
    if answer.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return "does not have the content type application/json"
    if "content-encoding" in answer.headers:
        return "is content-encoded"
    if "content-length" not in answer.headers:
        return "does not have a Content-Length"
    try:
        given = orjson.loads(answer.body)
    except ValueError:
        given = None
    if not isinstance(given, dict) or set(given) - FIELDS:
        return "is not recognized as valid JSON or has unexpected fields"
    if given.get("requestId") is None:
        return "is missing the requestId"
    if given["requestId"] != request_id:
        return "has a requestId that does not match"
    if not isinstance(given.get("timestamp"), int | float) or isinstance(given["timestamp"], bool):
        return "is missing a timestamp that is a number"
    return None


def _without(message: str, secret: str | None) -> str:
    """An endpoint may repeat the key that it was given: that must not come into logs or error objects."""
    return message.replace(secret, "****") if secret else message
