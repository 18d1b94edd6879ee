"""Splunk destinations, against a small server that speaks the HTTP Event Collector's protocol."""

import base64
import itertools
import json
import logging

import pytest
from botocore.config import Config

import pocketlake

from .endpoints import serving
from .samples import BUCKET, ROLE, client, failures, objects, put, refusal

WHERE = "destinationId-000000000001"
TOKEN = "51D4DA16-C61B-4F5F-8EC7-ED4301342A4A"


class Collector:
    """HEC with indexer acknowledgement. `refuse` maps the number of a send (from 1), or its body, to an answer."""

    def __init__(self, refuse=None, indexes=True):
        self.refuse = refuse or {}
        self.indexes = indexes  # whether what is taken gets indexed, so that acknowledgements come
        self.sends = []
        self.polls = []
        self.numbers = itertools.count()
        self.now = lambda: None
        self.times = []

    def __call__(self, request):
        path, _, query = request.path.partition("?")
        assert request.headers["Authorization"] == f"Splunk {TOKEN}"
        channel = request.headers["X-Splunk-Request-Channel"]
        assert query == f"channel={channel}"
        if path == "/services/collector/ack":
            asked = json.loads(request.body)["acks"]
            self.polls.append(asked)
            return 200, {}, {"acks": {str(number): self.indexes for number in asked}}
        self.sends.append((path, channel, request.body))
        self.times.append(self.now())
        refused = self.refuse.get(len(self.sends), self.refuse.get(request.body, "taken"))
        return (200, {}, {"text": "Success", "code": 0, "ackId": next(self.numbers)}) if refused == "taken" else refused


def s3(**options):
    return {"RoleARN": ROLE, "BucketARN": f"arn:aws:s3:::{BUCKET}", **options}


def configuration(url, **options):
    return {"HECEndpoint": url, "HECEndpointType": "Raw", "HECToken": TOKEN, "S3Configuration": s3(), **options}


def create(lake, url, name="d", **options):
    given = configuration(url, **options)
    client(lake, "firehose").create_delivery_stream(DeliveryStreamName=name, SplunkDestinationConfiguration=given)


@pytest.fixture
def collector(bucket):
    collector = Collector()
    collector.now = lambda: bucket.clock.now().timestamp()
    with serving(collector) as endpoint:
        collector.url = endpoint.url
        yield collector


@pytest.mark.claim("KDF-534")
@pytest.mark.parametrize(("kind", "path"), [("Raw", "/services/collector/raw"), ("Event", "/services/collector/event")])
def test_records_are_sent_once_and_their_acknowledgement_is_awaited(bucket, collector, caplog, kind, path):
    with caplog.at_level(logging.DEBUG, logger="pocketlake"):
        create(bucket, collector.url, HECEndpointType=kind)
        collector.indexes = False
        put(bucket, b'{"event": 1}\n', b'{"event": 2}\n')
        bucket.clock.advance(60)
        ((sent_to, channel, body),) = collector.sends
        assert (sent_to, body) == (path, b'{"event": 1}\n{"event": 2}\n')
        bucket.clock.advance(30)
        assert collector.polls == [[0]] * len(collector.polls)
        assert len(collector.polls) > 2
        collector.indexes = True
        bucket.clock.advance(3600)
        put(bucket, b"later")
        bucket.clock.advance(3600)
    assert [body for _, _, body in collector.sends][1:] == [b"later"]
    assert {where for _, where, _ in collector.sends} == {channel}
    assert collector.polls[-1] == [1]
    assert objects(bucket) == {}
    assert caplog.text == ""


def test_without_acknowledgement_data_is_sent_again_until_the_duration_is_over(bucket, collector):
    create(bucket, collector.url, HECAcknowledgmentTimeoutInSeconds=180, RetryOptions={"DurationInSeconds": 5})
    collector.indexes = False
    arrived = bucket.clock.now().timestamp()
    put(bucket, b"one")
    bucket.clock.advance(3600)
    # The duration does not run while an acknowledgement is awaited: it is spent on the pauses of 2 and of 3 seconds.
    assert [time - arrived for time in collector.times] == pytest.approx([60, 60 + 182, 60 + 182 + 183])
    (line,) = failures(bucket, "splunk-failed/2013/05/06/07/")
    assert line["errorCode"] == "Splunk.AckTimeout"
    assert line["errorMessage"].startswith("Did not receive an acknowledgement from HEC before the HEC acknowledgement")
    assert base64.b64decode(line["rawData"]) == b"one"
    assert line["attemptsMade"] == 3
    assert line["EventId"].endswith(".0")
    assert line["attemptEndingTimestamp"] == pytest.approx((arrived + 60 + 182 + 183 + 180) * 1000)


REFUSALS = {
    "disabled": ((403, {}, {"text": "Token disabled", "code": 1}), "Splunk.DisabledToken"),
    "token": ((403, {}, {"text": "Invalid token", "code": 4}), "Splunk.InvalidToken"),
    "format": ((400, {}, {"text": "Invalid data format", "code": 6}), "Splunk.InvalidDataFormat"),
    "index": ((400, {}, {"text": "Incorrect index", "code": 7}), "Splunk.InvalidIndex"),
    "error": ((500, {}, {"text": "Internal server error", "code": 8}), "Splunk.ServerError"),
    "busy": ((503, {}, {"text": "Server is busy", "code": 9}), "Splunk.IndexerBusy"),
    "ack": ((400, {}, {"text": "ACK is disabled", "code": 14}), "Splunk.DisabledAck"),
    "no-ack": ((200, {}, {"text": "Success", "code": 0}), "Splunk.DisabledAck"),
    "no-json": ((502, {}, b"<html>"), "Splunk.ServerError"),
    "closed": (None, "Splunk.ConnectionClosed"),
}


def test_what_hec_refuses_goes_to_s3_with_the_documented_code(bucket, collector):
    for case in REFUSALS:
        create(bucket, collector.url, case, RetryOptions={"DurationInSeconds": 0})
        put(bucket, case.encode(), name=case)
    collector.refuse = {case.encode(): answer for case, (answer, _) in REFUSALS.items()}
    bucket.clock.advance(60)
    found = {base64.b64decode(line["rawData"]).decode(): line for line in failures(bucket, "splunk-failed/")}
    assert {case: line["errorCode"] for case, line in found.items()} == {
        case: code for case, (_, code) in REFUSALS.items()
    }
    assert {line["attemptsMade"] for line in found.values()} == {1}


def test_an_endpoint_that_nobody_serves_is_invalid(bucket):
    with serving(Collector()) as endpoint:
        url = endpoint.url
    create(bucket, url, RetryOptions={"DurationInSeconds": 0}, S3BackupMode="AllEvents")
    put(bucket, b"one")
    bucket.clock.advance(60)
    (line,) = failures(bucket, "splunk-failed/")
    assert line["errorCode"] == "Splunk.InvalidEndpoint"
    assert list(objects(bucket, "2013/").values()) == [b"one"]


def test_large_batches_are_several_requests_and_only_the_refused_one_is_repeated(bucket, collector):
    collector.refuse = {2: (503, {}, {"code": 9}), 4: (500, {}, {"code": 8})}
    create(bucket, collector.url, BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 60})
    put(bucket, *[letter * 600_000 for letter in (b"a", b"b", b"c")])
    bucket.clock.advance(120)
    assert [body[:1] for _, _, body in collector.sends] == [b"a", b"b", b"c", b"b", b"b"]
    assert objects(bucket) == {}


def test_a_restart_goes_on_waiting_and_sends_nothing_twice(tmp_path):
    collector = Collector(indexes=False)
    with serving(collector) as endpoint:
        with pocketlake.run(tmp_path) as lake:
            lake.clock.freeze()
            client(lake, "s3").create_bucket(Bucket=BUCKET)
            create(lake, endpoint.url)
            put(lake, b"one")
            lake.clock.advance(62)
        assert len(collector.sends) == 1
        collector.indexes = True
        with pocketlake.run(tmp_path) as lake:
            lake.clock.advance(300)
            assert objects(lake) == {}
    assert len(collector.sends) == 1
    assert collector.polls[-1] == [0]


def test_an_update_while_waiting_sends_to_the_new_configuration(bucket, collector):
    create(bucket, collector.url)
    collector.indexes = False
    put(bucket, b"one")
    bucket.clock.advance(60)
    update = {"HECEndpointType": "Event", "S3BackupMode": "AllEvents", "S3Update": {"ErrorOutputPrefix": "bad/"}}
    where = {"DeliveryStreamName": "d", "DestinationId": WHERE}
    firehose = client(bucket, "firehose")
    firehose.update_destination(SplunkDestinationUpdate=update, CurrentDeliveryStreamVersionId="1", **where)
    collector.indexes = True
    bucket.clock.advance(60)
    assert [path for path, _, _ in collector.sends] == ["/services/collector/raw", "/services/collector/event"]
    described = firehose.describe_delivery_stream(DeliveryStreamName="d")["DeliveryStreamDescription"]
    assert described["VersionId"] == "2"
    found = described["Destinations"][0]["SplunkDestinationDescription"]
    assert found["S3DestinationDescription"]["ErrorOutputPrefix"] == "bad/"
    message = refusal(
        "InvalidArgumentException",
        firehose.update_destination,
        SplunkDestinationUpdate={"S3BackupMode": "FailedEventsOnly"},
        CurrentDeliveryStreamVersionId="2",
        **where,
    )
    assert "AllEvents" in message


def test_describe_shows_the_defaults(bucket):
    create(bucket, "https://splunk.example.com:8088")
    described = client(bucket, "firehose").describe_delivery_stream(DeliveryStreamName="d")["DeliveryStreamDescription"]
    found = described["Destinations"][0]["SplunkDestinationDescription"]
    assert found.pop("S3DestinationDescription")["BucketARN"] == f"arn:aws:s3:::{BUCKET}"
    assert found == {
        "HECEndpoint": "https://splunk.example.com:8088",
        "HECEndpointType": "Raw",
        "HECToken": TOKEN,
        "HECAcknowledgmentTimeoutInSeconds": 180,
        "RetryOptions": {"DurationInSeconds": 300},
        "S3BackupMode": "FailedEventsOnly",
        "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 60},
        "CloudWatchLoggingOptions": {"Enabled": False},
    }


def test_what_the_api_forbids_is_refused(bucket):
    firehose = bucket.client("firehose", config=Config(parameter_validation=False))
    for code, options, words in (
        ("InvalidArgumentException", {"HECEndpoint": "http://splunk.example.com"}, "HTTPS"),
        ("InvalidArgumentException", {"HECToken": ""}, "HECToken must not be null or empty"),
        ("ValidationException", {"HECAcknowledgmentTimeoutInSeconds": 179}, "greater than or equal to 180"),
        ("ValidationException", {"HECAcknowledgmentTimeoutInSeconds": 601}, "less than or equal to 600"),
        ("ValidationException", {"BufferingHints": {"SizeInMBs": 6}}, "less than or equal to 5"),
        ("ValidationException", {"BufferingHints": {"IntervalInSeconds": 61}}, "less than or equal to 60"),
        ("ValidationException", {"RetryOptions": {"DurationInSeconds": 7201}}, "less than or equal to 7200"),
        ("NotImplemented", {"SecretsManagerConfiguration": {"Enabled": True}}, "Secrets Manager"),
    ):
        given = configuration("https://splunk.example.com", **options)
        arguments = {"DeliveryStreamName": "d", "SplunkDestinationConfiguration": given}
        assert words in refusal(code, firehose.create_delivery_stream, **arguments)
