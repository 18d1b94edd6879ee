"""Splunk: a batch becomes requests to the HTTP Event Collector (HEC), each safe once the indexer has acknowledged it.

A request's answer carries an acknowledgement ID; HEC is asked for it, on the same channel, until it says yes or the
timeout is over. What was sent, and when, is kept with the stream: after a crash the wait goes on, without a resend.
Source: developer guide, "Handle data delivery failures" and the Splunk errors of "Monitor with CloudWatch Logs"; Splunk
documentation, "About HTTP Event Collector Indexer Acknowledgment", "Troubleshoot HTTP Event Collector" (codes).
"""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.kernel.resources import Resource

from .. import https, processing, quotas, sending, storage
from ..batches import Batch, Failed, Unacknowledged, Undelivered
from ..lambda_function import chunks
from ..service import errors

CONFIGURATIONS = ("SplunkDestinationConfiguration",)
UPDATES = ("SplunkDestinationUpdate",)
FAILED = "splunk-failed"

ANSWER_SECONDS = 60.0
LONGEST_POLL_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 120.0
PATHS = {"Raw": "/services/collector/raw", "Event": "/services/collector/event"}
ACKNOWLEDGEMENTS = "/services/collector/ack"

MESSAGES = {
    "Splunk.DisabledToken": "The HEC token is disabled. Enable the token to allow data delivery to Splunk.",
    "Splunk.InvalidToken": "The HEC token is invalid. Update Amazon Data Firehose with a valid HEC token.",
    "Splunk.InvalidDataFormat": "The data is not formatted correctly. To see how to properly format data for Raw or"
    " Event HEC endpoints, see Splunk Event Data.",
    "Splunk.InvalidIndex": "The HEC token or input is configured with an invalid index. Check your index configuration"
    " and try again.",
    "Splunk.ServerError": "Data delivery to Splunk failed due to a server error from the HEC node. Amazon Data Firehose"
    " will retry sending the data if the retry duration in your Amazon Data Firehose is greater than 0. If all the"
    " retries fail, Amazon Data Firehose backs up the data to Amazon S3.",
    "Splunk.IndexerBusy": "The HEC node is busy.",
    "Splunk.DisabledAck": "Indexer acknowledgement is disabled for the HEC token. Enable indexer acknowledgement and"
    " try again.",
    "Splunk.AckTimeout": "Did not receive an acknowledgement from HEC before the HEC acknowledgement timeout expired."
    " Despite the acknowledgement timeout, it's possible the data was indexed successfully in Splunk. Amazon Data"
    " Firehose backs up in Amazon S3 data for which the acknowledgement timeout expired.",
    "Splunk.ProxyWithoutStickySessions": "If you have a proxy (ELB or other) between Amazon Data Firehose and the HEC"
    " node, you must enable sticky sessions to support HEC ACKs.",
    "Splunk.ConnectionTimeout": "The connection to Splunk timed out. This might be a transient error and the request"
    " will be retried. Amazon Data Firehose backs up the data to Amazon S3 if all retries fail.",
    "Splunk.InvalidEndpoint": "Could not connect to the HEC endpoint. Make sure that the HEC endpoint URL is valid and"
    " reachable from Amazon Data Firehose.",
    "Splunk.ConnectionClosed": "Unable to send data to Splunk due to a connection failure. This might be a transient"
    " error. Increasing the retry duration in your Amazon Data Firehose configuration might guard against such"
    " transient failures.",
    "Splunk.SSLUnverified": "Could not connect to the HEC endpoint. The host does not match the certificate provided by"
    " the peer. Make sure that the certificate and the host are valid.",
    "Splunk.SSLHandshake": "Could not connect to the HEC endpoint. Make sure that the certificate and the host are"
    " valid.",
}
UNANSWERED = {
    "timeout": "Splunk.ConnectionTimeout",
    "handshake": "Splunk.SSLHandshake",
    "unverified": "Splunk.SSLUnverified",
    "reset": "Splunk.ConnectionClosed",
    "connection": "Splunk.InvalidEndpoint",
}
# By the "code" in HEC's answer; every other one is a server error.
CODES = {
    1: "Splunk.DisabledToken",
    **dict.fromkeys((2, 3, 4), "Splunk.InvalidToken"),
    **dict.fromkeys((5, 6, 12, 13, 15), "Splunk.InvalidDataFormat"),
    7: "Splunk.InvalidIndex",
    9: "Splunk.IndexerBusy",
    **dict.fromkeys((10, 11), "Splunk.ProxyWithoutStickySessions"),
    14: "Splunk.DisabledAck",
}


@dataclass(slots=True)
class Sent:
    """How far a batch is. Its requests go by the place of their first record, as text.

    `waiting` are those that HEC took: [acknowledgement ID, when]; `done` those that it acknowledged; `given_up` those
    that ran out of time: [code, attempts]. The retry duration does not run while acknowledgements are awaited: `spent`
    are the seconds of it that are over, `failing_since` is when it began to run again.
    """

    waiting: dict[str, list[float]] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    given_up: dict[str, list[Any]] = field(default_factory=dict)
    sends: dict[str, int] = field(default_factory=dict)
    polls: int = 0
    failing_since: float | None = None
    spent: float = 0.0

    def is_open(self, request: str) -> bool:
        return request not in self.waiting and request not in self.done and request not in self.given_up


def validate(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    configuration = dict(given)
    configuration["S3Configuration"] = storage.validate_beside(configuration)
    for member in ("HECEndpoint", "HECEndpointType"):
        if not configuration.get(member):
            raise errors.InvalidArgumentException(f"{member} must not be null or empty")
    if not https.is_allowed(configuration["HECEndpoint"]):
        raise errors.InvalidArgumentException("HECEndpoint must be a valid HTTPS URL")
    if (configuration.get("SecretsManagerConfiguration") or {}).get("Enabled"):
        raise NotImplemented501("Firehose SecretsManagerConfiguration (Secrets Manager itself)")
    if not configuration.get("HECToken"):
        raise errors.InvalidArgumentException("HECToken must not be null or empty")
    hints = {"SizeInMBs": quotas.DEFAULT_SIZE_MB, "IntervalInSeconds": quotas.SPLUNK_INTERVAL_SECONDS}
    configuration["BufferingHints"] = {**hints, **(configuration.get("BufferingHints") or {})}
    configuration.setdefault("HECAcknowledgmentTimeoutInSeconds", quotas.SPLUNK_ACKNOWLEDGEMENT_SECONDS)
    configuration["RetryOptions"] = {"DurationInSeconds": 300, **(configuration.get("RetryOptions") or {})}
    configuration.setdefault("S3BackupMode", "FailedEventsOnly")
    configuration.setdefault("CloudWatchLoggingOptions", {"Enabled": False})
    processing.validate(call, configuration)
    return configuration


def merge(configuration: dict[str, Any], update: dict[str, Any]) -> dict[str, Any]:
    if configuration["S3BackupMode"] == "AllEvents" and update.get("S3BackupMode") == "FailedEventsOnly":
        raise errors.InvalidArgumentException("S3BackupMode can't be updated from AllEvents to FailedEventsOnly")
    return {**configuration, **update}


def describe(configuration: dict[str, Any]) -> dict[str, Any]:
    """With the token, as AWS describes it."""
    described = dict(configuration)
    described["S3DestinationDescription"] = storage.described(described.pop("S3Configuration"))
    return {"SplunkDestinationDescription": described}


def backup(configuration: dict[str, Any]) -> dict[str, Any] | None:
    return configuration["S3Configuration"] if configuration["S3BackupMode"] == "AllEvents" else None


def retry_seconds(configuration: dict[str, Any]) -> float | None:
    return None  # the duration does not run while an acknowledgement is awaited


async def deliver(call: Call, stream: Resource, batch: Batch) -> list[Failed]:
    """Ask for the acknowledgements that are due, send what was not sent or was not acknowledged in time."""
    sent = Sent(**sending.state(call, stream, batch))
    requests = {
        str(indexes.start): indexes
        for indexes in chunks(batch.data, stream["Destination"]["BufferingHints"]["SizeInMBs"] * quotas.MIB)
    }
    refused: dict[str, str] = {}
    if sent.waiting:
        refused = await _acknowledge(call, stream, batch, sent)
    for request, indexes in requests.items():
        if sent.is_open(request) and request not in refused:
            code = await _send(call, stream, batch, sent, request, indexes)
            if code is not None:
                refused[request] = code
    pauses = [_pause_of_poll(call, stream, sent)] if sent.waiting else []
    if refused:
        pauses += _give_up(call, stream, sent, refused)
    elif sent.failing_since is not None:
        sent.spent, sent.failing_since = sent.spent + call.now - sent.failing_since, None
    if pauses:
        sending.keep(call, stream, batch, asdict(sent))
        if refused:
            code = next(iter(refused.values()))
            raise Undelivered(code, MESSAGES[code], min(pauses))
        raise Unacknowledged("Splunk.AckTimeout", "no acknowledgement yet", min(pauses))
    return [
        _failure(batch, index, code, attempts)
        for request, (code, attempts) in sent.given_up.items()
        for index in requests[request]
    ]


def _give_up(call: Call, stream: Resource, sent: Sent, refused: dict[str, str]) -> list[float]:
    """Give up what was refused if its time is over; else the seconds until the next attempt."""
    sent.failing_since = call.now if sent.failing_since is None else sent.failing_since
    left = stream["Destination"]["RetryOptions"]["DurationInSeconds"] - sent.spent - (call.now - sent.failing_since)
    if left <= 0:
        sent.given_up |= {request: [code, sent.sends.get(request, 0)] for request, code in refused.items()}
        return []
    tries = min(sent.sends.get(request, 0) for request in refused)
    return [min(left, LONGEST_PAUSE_SECONDS, 2.0 ** min(tries, 10))]


def _pause_of_poll(call: Call, stream: Resource, sent: Sent) -> float:
    last = min(when for _, when in sent.waiting.values()) + stream["Destination"]["HECAcknowledgmentTimeoutInSeconds"]
    return max(0.0, min(LONGEST_POLL_SECONDS, 2.0 ** min(sent.polls, 10), last - call.now))


async def _send(call: Call, stream: Resource, batch: Batch, sent: Sent, request: str, indexes: range) -> str | None:
    """Post the records of one request; the error's code when HEC does not take them."""
    sent.sends[request] = sent.sends.get(request, 0) + 1
    sent.polls = 0
    path = PATHS[stream["Destination"]["HECEndpointType"]]
    code, answer = await _post(call, stream, path, b"".join(batch.data[indexes.start : indexes.stop]))
    if code is None and not isinstance(answer.get("ackId"), int):
        code = "Splunk.DisabledAck"
    if code is None:
        sent.waiting[request] = [answer["ackId"], call.now]
        sending.keep(call, stream, batch, asdict(sent))
    return code


async def _acknowledge(call: Call, stream: Resource, batch: Batch, sent: Sent) -> dict[str, str]:
    """Note which requests are acknowledged; those that never will be, with the error's code."""
    identities = {request: int(identity) for request, (identity, _) in sent.waiting.items()}
    sent.polls += 1
    code, answer = await _post(call, stream, ACKNOWLEDGEMENTS, orjson.dumps({"acks": [*identities.values()]}))
    acks = answer.get("acks")
    acknowledged: dict[str, Any] = acks if isinstance(acks, dict) else {}
    timeout = stream["Destination"]["HECAcknowledgmentTimeoutInSeconds"]
    lost: dict[str, str] = {}
    for request, identity in identities.items():
        if acknowledged.get(str(identity)) is True:
            sent.done.append(request)
        elif code in ("Splunk.ProxyWithoutStickySessions", "Splunk.DisabledAck"):
            lost[request] = code
        elif call.now - sent.waiting[request][1] >= timeout:
            lost[request] = "Splunk.AckTimeout"
        else:
            continue
        del sent.waiting[request]
    sending.keep(call, stream, batch, asdict(sent))
    return lost


async def _post(call: Call, stream: Resource, path: str, body: bytes) -> tuple[str | None, dict[str, Any]]:
    """(the error's code, HEC's answer)."""
    configuration = stream["Destination"]
    channel = str(uuid.UUID(stream["Id"]))
    headers = {
        "Authorization": f"Splunk {configuration['HECToken']}",
        "X-Splunk-Request-Channel": channel,
        "Content-Type": "application/json",
    }
    url = f"{configuration['HECEndpoint'].rstrip('/')}{path}?channel={channel}"
    try:
        answer = await https.post(url, headers, body, ANSWER_SECONDS)
    except https.Failure as failure:
        return UNANSWERED[failure.kind], {}
    try:
        given = orjson.loads(answer.body)
    except ValueError:
        given = {}
    given = given if isinstance(given, dict) else {}
    if answer.status == 200:
        return None, given
    code = given.get("code")
    return CODES.get(code if isinstance(code, int) else 8, "Splunk.ServerError"), {}


def _failure(batch: Batch, index: int, code: str, attempts: int) -> Failed:
    received = batch.received()[batch.origin(index)]
    extra = {"EventId": f"{received.sequence_number}.{received.subsequence_number or 0}"}
    return Failed(batch.origin(index), FAILED, code, MESSAGES[code], attempts, batch.raw(index), extra)
