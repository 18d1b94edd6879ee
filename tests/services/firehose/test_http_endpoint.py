"""HTTP endpoint destinations, against a real HTTP server."""

import base64
import itertools
import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from botocore.config import Config

import pocketlake

from .endpoints import serving
from .samples import BUCKET, ROLE, client, failures, objects, processing, processor, put, refusal

WHERE = "destinationId-000000000001"
SECRET = "key-that-nobody-shall-see"


def accepted(request):
    return 200, {}, {"requestId": request.json()["requestId"], "timestamp": 1578090903599}


def s3(**options):
    return {"RoleARN": ROLE, "BucketARN": f"arn:aws:s3:::{BUCKET}", **options}


def configuration(url, **options):
    return {
        "EndpointConfiguration": {"Url": url, "Name": "mine", "AccessKey": SECRET},
        "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
        "S3Configuration": s3(),
        **options,
    }


def create(lake, url, **options):
    given = configuration(url, **options)
    client(lake, "firehose").create_delivery_stream(DeliveryStreamName="d", HttpEndpointDestinationConfiguration=given)


def sent(endpoint):
    """The records of each request."""
    return [[base64.b64decode(record["data"]) for record in request.json()["records"]] for request in endpoint.requests]


@pytest.fixture
def endpoint():
    with serving(accepted) as endpoint:
        yield endpoint


@pytest.mark.claim("KDF-534", "KDF-535")
@pytest.mark.parametrize("encoding", ["NONE", "GZIP"])
def test_a_request_has_the_documented_form(bucket, endpoint, encoding):
    attributes = [
        {"AttributeName": "stage", "AttributeValue": "tést"},
        {"AttributeName": "empty", "AttributeValue": ""},
    ]
    asked = {"ContentEncoding": encoding, "CommonAttributes": attributes}
    create(bucket, endpoint.url + "/in?team=a", RequestConfiguration=asked)
    put(bucket, b"one", b"", b"\xff\x00")
    bucket.clock.advance(60)
    (request,) = endpoint.requests
    assert request.path == "/in?team=a"
    body = request.json()
    assert sent(endpoint) == [[b"one", b"", b"\xff\x00"]]
    assert set(body) == {"requestId", "timestamp", "records"}
    assert body["timestamp"] == int(bucket.clock.now().timestamp() * 1000)
    headers = request.headers
    assert headers["X-Amz-Firehose-Request-Id"] == body["requestId"]
    assert headers["X-Amz-Firehose-Protocol-Version"] == "1.0"
    assert headers["X-Amz-Firehose-Source-Arn"].endswith(":deliverystream/d")
    assert headers["X-Amz-Firehose-Access-Key"] == SECRET
    assert json.loads(headers["X-Amz-Firehose-Common-Attributes"]) == {
        "commonAttributes": {"stage": "tést", "empty": ""}
    }
    assert headers["Content-Type"] == "application/json"
    assert headers.get("Content-Encoding") == ("gzip" if encoding == "GZIP" else None)
    assert objects(bucket) == {}
    bucket.clock.advance(3600)
    assert len(endpoint.requests) == 1


INVALID, REFUSED = "HttpEndpoint.InvalidResponseFromDestination", "HttpEndpoint.DestinationException"
WRONG = {
    "no-id": ((200, {}, {"timestamp": 1}), INVALID, "missing the requestId"),
    "other-id": ((200, {}, {"requestId": "other", "timestamp": 1}), INVALID, "requestId that does not match"),
    "no-time": ((200, {}, {"requestId": "ID"}), INVALID, "missing a timestamp"),
    "text-time": ((200, {}, {"requestId": "ID", "timestamp": "1"}), INVALID, "missing a timestamp that is a number"),
    "more": (
        (200, {}, {"requestId": "ID", "timestamp": 1, "extra": 1}),
        INVALID,
        "is not recognized as valid JSON or has unexpected fields. Raw response received: 200 {",
    ),
    "no-json": ((200, {"Content-Type": "application/json"}, b"ok"), INVALID, "is not recognized as valid JSON"),
    "type": ((200, {"Content-Type": "text/plain"}, {"requestId": "ID", "timestamp": 1}), INVALID, "content type"),
    "encoded": ((200, {"Content-Encoding": "gzip"}, {"requestId": "ID", "timestamp": 1}), INVALID, "content-encoded"),
    "large": ((200, {}, b"x" * (1024 * 1024 + 1)), "HttpEndpoint.ResponseTooLarge", "1 MiB"),
    "created": ((202, {}, {"requestId": "ID", "timestamp": 1}), REFUSED, "destination. 202: "),
    "redirect": ((302, {"Location": "/created"}, b""), REFUSED, "destination. 302: "),
    "busy": ((503, {}, {"requestId": "ID", "errorMessage": "busy"}), REFUSED, '"errorMessage": "busy"'),
    "reset": (None, "HttpEndpoint.ConnectionReset", "closed by the endpoint"),
}


@pytest.mark.claim("KDF-535")
def test_what_is_not_answered_as_documented_fails_and_goes_to_s3(bucket):
    def respond(request):
        answer = WRONG[request.path[1:]][0]
        if answer is None or not isinstance(answer[2], dict):
            return answer
        ids = {"requestId": request.json()["requestId"]} if answer[2].get("requestId") == "ID" else {}
        return answer[0], answer[1], {**answer[2], **ids}

    firehose = client(bucket, "firehose")
    arrived = int(bucket.clock.now().timestamp() * 1000)
    with serving(respond) as endpoint:
        for case in WRONG:
            given = configuration(f"{endpoint.url}/{case}", RetryOptions={"DurationInSeconds": 0})
            firehose.create_delivery_stream(DeliveryStreamName=case, HttpEndpointDestinationConfiguration=given)
            records = [{"Data": f"{case} {number}".encode()} for number in range(2)]
            firehose.put_record_batch(DeliveryStreamName=case, Records=records)
        bucket.clock.advance(60)
        assert len(endpoint.requests) == len(WRONG)
    lines = failures(bucket, "http-endpoint-failed/2013/05/06/07/")
    for case, (_, code, words) in WRONG.items():
        own = [line for line in lines if base64.b64decode(line["rawData"]).startswith(f"{case} ".encode())]
        assert len({line["dataId"] for line in own}) == len(own) == 2
        for line in own:
            assert line["errorCode"] == code, case
            assert words in line["errorMessage"], case
            assert (line["arrivalTimestamp"], line["attemptEndingTimestamp"]) == (arrived, arrived + 60_000)
            assert (line["attemptsMade"], line["subsequenceNumber"]) == (1, 0)


@pytest.mark.claim("KDF-535")
def test_an_endpoint_that_nobody_serves_is_a_failed_connection(bucket):
    with serving(accepted) as endpoint:
        url = endpoint.url
    create(bucket, url, RetryOptions={"DurationInSeconds": 0})
    put(bucket, b"one")
    bucket.clock.advance(60)
    (line,) = failures(bucket, "http-endpoint-failed/")
    assert line["errorCode"] == "HttpEndpoint.ConnectionFailed"


@pytest.fixture
def self_signed(tmp_path):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + certificate.public_bytes(encoding))
    return path


def test_a_certificate_that_nobody_vouches_for_is_refused(bucket, self_signed):
    with serving(accepted, self_signed) as endpoint:
        create(bucket, endpoint.url, RetryOptions={"DurationInSeconds": 0})
        put(bucket, b"one")
        bucket.clock.advance(60)
        assert endpoint.requests == []
    (line,) = failures(bucket, "http-endpoint-failed/")
    assert line["errorCode"] == "HttpEndpoint.SSLHandshakeFailure"


def test_retries_carry_the_same_id_with_doubling_pauses_until_the_duration_is_over(bucket):
    times = []

    def busy(request):
        times.append(bucket.clock.now().timestamp())
        return 500, {}, {"requestId": "x", "timestamp": 1, "errorMessage": f"busy, {SECRET}"}

    with serving(busy) as endpoint:
        create(bucket, endpoint.url, RetryOptions={"DurationInSeconds": 60})
        put(bucket, b"one")
        bucket.clock.advance(300)
        assert len({request.json()["requestId"] for request in endpoint.requests}) == 1
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    for retry, pause in enumerate(pauses[:-1]):
        assert 0.84 * 2**retry <= pause <= 1.16 * 2**retry
    assert times[-1] - times[0] == pytest.approx(60)
    (line,) = failures(bucket, "http-endpoint-failed/")
    assert line["attemptsMade"] == len(times)
    assert line["errorMessage"].startswith("The following response was received from the endpoint destination. 500: ")
    assert SECRET not in line["errorMessage"]


@pytest.mark.claim("KDF-535")
def test_an_endpoint_that_comes_back_gets_every_record_once(bucket):
    answers = iter([(503, {}, b""), None, (200, {}, {"requestId": "other", "timestamp": 1})])

    with serving(lambda request: next(answers, accepted(request))) as endpoint:
        create(bucket, endpoint.url)
        put(bucket, b"one", b"two")
        bucket.clock.advance(120)
        assert sent(endpoint) == [[b"one", b"two"]] * 4
    assert objects(bucket) == {}


def test_payload_too_large_is_final_and_drops_the_records(bucket):
    with serving(lambda request: (413, {}, b"")) as endpoint:
        create(bucket, endpoint.url)
        put(bucket, b"one")
        bucket.clock.advance(600)
        assert len(endpoint.requests) == 1
    assert objects(bucket) == {}


def test_requests_keep_to_the_buffer_and_only_the_refused_one_is_repeated_or_given_up(bucket):
    def refuse_large(request):
        first = base64.b64decode(request.json()["records"][0]["data"])
        return (500, {}, b"") if first.startswith(b"b") else accepted(request)

    with serving(refuse_large) as endpoint:
        create(bucket, endpoint.url, RetryOptions={"DurationInSeconds": 5}, S3BackupMode="AllData")
        put(bucket, *[letter * 600_000 for letter in (b"a", b"b", b"c")])
        bucket.clock.advance(60)
        firsts = [records[0][:1] for records in sent(endpoint)]
    assert firsts.count(b"a") == firsts.count(b"c") == 1
    assert firsts.count(b"b") > 1
    (line,) = failures(bucket, "http-endpoint-failed/")
    assert base64.b64decode(line["rawData"]) == b"b" * 600_000
    (backup,) = objects(bucket, "2013/").values()
    assert len(backup) == 1_800_000


def test_a_restart_sends_neither_what_was_taken_nor_processes_anew(tmp_path):
    stubborn = {"on": True}

    def answer(request):
        first = base64.b64decode(request.json()["records"][0]["data"])
        return (500, {}, b"") if stubborn["on"] and first.startswith(b"b") else accepted(request)

    with serving(answer) as endpoint:
        with pocketlake.run(tmp_path) as lake:
            lake.clock.freeze()
            client(lake, "s3").create_bucket(Bucket=BUCKET)
            create(lake, endpoint.url)
            put(lake, b"a" * 600_000, b"b" * 600_000)
            lake.clock.advance(0)
        stubborn["on"] = False
        with pocketlake.run(tmp_path) as lake:
            lake.clock.advance(60)
            assert objects(lake) == {}
        firsts = [records[0][:1] for records in sent(endpoint)]
        assert firsts.count(b"a") == 1
        assert firsts[-1] == b"b"
        assert (
            len({r.json()["requestId"] for r, first in zip(endpoint.requests, firsts, strict=True) if first == b"b"})
            == 1
        )


@pytest.mark.claim("KDF-535")
def test_describe_shows_all_but_the_access_key(bucket):
    given = configuration("https://example.com/in", RoleARN=ROLE)
    firehose = client(bucket, "firehose")
    firehose.create_delivery_stream(DeliveryStreamName="d", HttpEndpointDestinationConfiguration=given)
    answer = firehose.describe_delivery_stream(DeliveryStreamName="d")["DeliveryStreamDescription"]
    assert SECRET not in str(answer)
    assert answer["Destinations"] == [
        {
            "DestinationId": WHERE,
            "HttpEndpointDestinationDescription": {
                "EndpointConfiguration": {"Url": "https://example.com/in", "Name": "mine"},
                "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
                "CloudWatchLoggingOptions": {"Enabled": False},
                "RequestConfiguration": {"ContentEncoding": "NONE", "CommonAttributes": []},
                "RoleARN": ROLE,
                "RetryOptions": {"DurationInSeconds": 300},
                "S3BackupMode": "FailedDataOnly",
                "S3DestinationDescription": {
                    "RoleARN": ROLE,
                    "BucketARN": f"arn:aws:s3:::{BUCKET}",
                    "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300},
                    "CompressionFormat": "UNCOMPRESSED",
                    "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
                    "CloudWatchLoggingOptions": {"Enabled": False},
                },
            },
        }
    ]


def test_an_update_is_merged_and_a_new_url_does_not_get_the_old_key(bucket, endpoint):
    create(bucket, endpoint.url)
    firehose = client(bucket, "firehose")

    def update(version, **changes):
        firehose.update_destination(
            DeliveryStreamName="d",
            CurrentDeliveryStreamVersionId=version,
            DestinationId=WHERE,
            HttpEndpointDestinationUpdate=changes,
        )

    update("1", EndpointConfiguration={"Url": endpoint.url, "Name": "renamed"}, S3Update={"ErrorOutputPrefix": "bad/"})
    put(bucket, b"one")
    bucket.clock.advance(60)
    update("2", EndpointConfiguration={"Url": endpoint.url + "/new"})
    put(bucket, b"two")
    bucket.clock.advance(60)
    first, second = endpoint.requests
    assert first.headers["X-Amz-Firehose-Access-Key"] == SECRET
    assert second.path == "/new"
    assert "X-Amz-Firehose-Access-Key" not in second.headers
    described = firehose.describe_delivery_stream(DeliveryStreamName="d")["DeliveryStreamDescription"]
    found = described["Destinations"][0]["HttpEndpointDestinationDescription"]
    assert found["EndpointConfiguration"] == {"Url": endpoint.url + "/new"}
    assert found["S3DestinationDescription"]["ErrorOutputPrefix"] == "bad/"
    assert found["BufferingHints"] == {"SizeInMBs": 1, "IntervalInSeconds": 60}


def test_another_kind_of_destination_takes_the_place_of_the_first(bucket, endpoint):
    create(bucket, endpoint.url)
    firehose = client(bucket, "firehose")
    update = {"DeliveryStreamName": "d", "CurrentDeliveryStreamVersionId": "1", "DestinationId": WHERE}
    given = {"EndpointConfiguration": {"Url": endpoint.url}}
    firehose.update_destination(ExtendedS3DestinationUpdate=s3(), **update)
    update["CurrentDeliveryStreamVersionId"] = "2"
    message = refusal(
        "InvalidArgumentException", firehose.update_destination, HttpEndpointDestinationUpdate=given, **update
    )
    assert message == "S3Configuration.RoleARN must not be null or empty"
    firehose.update_destination(HttpEndpointDestinationUpdate={**given, "S3Update": s3()}, **update)
    found = firehose.describe_delivery_stream(DeliveryStreamName="d")["DeliveryStreamDescription"]
    assert set(found["Destinations"][0]) == {"DestinationId", "HttpEndpointDestinationDescription"}


def test_records_are_processed_once_and_sent_as_processing_left_them(bucket):
    answers = iter([(500, {}, b"")])
    steps = processing(processor("AppendDelimiterToRecord"))
    with serving(lambda request: next(answers, accepted(request))) as endpoint:
        create(bucket, endpoint.url, ProcessingConfiguration=steps)
        put(bucket, b"one")
        bucket.clock.advance(120)
        assert sent(endpoint) == [[b"one\n"]] * 2


def test_neither_the_log_nor_the_bucket_sees_the_access_key(bucket, caplog):
    with (
        serving(lambda request: (401, {}, SECRET.encode())) as endpoint,
        caplog.at_level(logging.DEBUG, logger="pocketlake"),
    ):
        create(bucket, endpoint.url, RetryOptions={"DurationInSeconds": 10})
        put(bucket, b"one")
        bucket.clock.advance(120)
    assert "401" in caplog.text
    assert SECRET not in caplog.text
    assert SECRET.encode() not in b"".join(objects(bucket).values())


def test_plain_http_is_for_this_machine_alone(bucket):
    firehose = client(bucket, "firehose")
    hosts = (
        "http://example.com/in",
        "http://10.0.0.1/",
        "http://127.0.0.1.example.com/",
        "ftp://127.0.0.1/",
        "https://",
    )
    for url in hosts:
        message = refusal(
            "ValidationException",
            firehose.create_delivery_stream,
            DeliveryStreamName="d",
            HttpEndpointDestinationConfiguration=configuration(url),
        )
        assert "Member must satisfy regular expression pattern: https://.*" in message


def test_bounds_are_those_of_the_api(bucket):
    firehose = bucket.client("firehose", config=Config(parameter_validation=False))
    for member, name, value, limit in (
        ("BufferingHints", "SizeInMBs", 65, "less than or equal to 64"),
        ("BufferingHints", "SizeInMBs", 0, "greater than or equal to 1"),
        ("BufferingHints", "IntervalInSeconds", 901, "less than or equal to 900"),
        ("RetryOptions", "DurationInSeconds", 7201, "less than or equal to 7200"),
    ):
        message = refusal(
            "ValidationException",
            firehose.create_delivery_stream,
            DeliveryStreamName="d",
            HttpEndpointDestinationConfiguration=configuration("https://example.com/", **{member: {name: value}}),
        )
        path = f"{member[0].lower()}{member[1:]}.{name[0].lower()}{name[1:]}"
        assert f"'httpEndpointDestinationConfiguration.{path}'" in message
        assert limit in message


def test_a_secret_in_secrets_manager_says_that_it_is_not_built(bucket):
    message = refusal(
        "NotImplemented", create, bucket, "https://example.com/", SecretsManagerConfiguration={"Enabled": True}
    )
    assert "Secrets Manager" in message
