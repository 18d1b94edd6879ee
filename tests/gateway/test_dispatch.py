"""From request to answer: routing, accounts and regions, gaps, control endpoints, bad input."""

import json
import socket
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
from botocore.exceptions import ClientError


def ask(lake, path, body=None, headers=None, method=None):
    """(status, headers, body) of a bare request."""
    request = urllib.request.Request(lake.endpoint_url + path, data=body, headers=headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def json_call(lake, target, body=b"{}", **headers):
    return ask(lake, "/", body, {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1", **headers})


@pytest.mark.parametrize(("service", "operation"), [("athena", "start_session"), ("glue", "start_job_run")])
def test_what_is_not_built_says_so_by_name(lake, service, operation):
    client = lake.client(service)
    arguments = {
        "start_session": {"WorkGroup": "spark", "EngineConfiguration": {"MaxConcurrentDpus": 4}},
        "start_job_run": {"JobName": "j"},
    }[operation]
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**arguments)
    error = caught.value.response
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert error["Error"]["Code"] == "NotImplemented"
    assert service in error["Error"]["Message"]


def test_a_service_that_is_not_built_says_so(lake):
    status, _, body = json_call(lake, "TrentService.ListKeys")
    assert status == 501
    assert b"kms" in body


def test_state_is_separate_per_account_and_region(lake):
    lake.client("kinesis", account="1" * 12).create_stream(StreamName="s", ShardCount=1)
    here = lake.client("kinesis", account="1" * 12).list_streams()["StreamNames"]
    other_account = lake.client("kinesis", account="2" * 12).list_streams()["StreamNames"]
    other_region = lake.client("kinesis", account="1" * 12, region="eu-west-1").list_streams()["StreamNames"]
    assert (here, other_account, other_region) == (["s"], [], [])
    arn = lake.client("kinesis", account="1" * 12).describe_stream_summary(StreamName="s")
    assert arn["StreamDescriptionSummary"]["StreamARN"] == "arn:aws:kinesis:us-east-1:111111111111:stream/s"


def test_virtual_hosted_buckets_are_path_style_ones(lake):
    lake.client("s3").create_bucket(Bucket="virtual")
    lake.client("s3").put_object(Bucket="virtual", Key="a/b.txt", Body=b"found")
    port = lake.endpoint_url.rpartition(":")[2]
    for host in ("virtual.s3.localhost", "virtual.localhost", "virtual.s3.us-east-1.amazonaws.com"):
        status, _, body = ask(lake, "/a/b.txt", headers={"Host": f"{host}:{port}"})
        assert (status, body) == (200, b"found"), host


def test_a_refused_call_leaves_nothing_behind(lake):
    kinesis = lake.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    with pytest.raises(kinesis.exceptions.ResourceInUseException):
        kinesis.create_stream(StreamName="s", ShardCount=2)
    assert len(kinesis.list_shards(StreamName="s")["Shards"]) == 1


def test_every_answer_has_a_request_id_of_its_own(lake):
    client = lake.client("kinesis")
    first, second = (client.list_streams()["ResponseMetadata"]["RequestId"] for _ in range(2))
    assert first
    assert first != second


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b"{" * 5000, b'{"StreamName": 3}', b"null", b"\x00"]
)
def test_bad_json_gets_a_clear_error(lake, body):
    status, headers, answer = json_call(lake, "Kinesis_20131202.DescribeStream", body)
    assert status == 400
    assert json.loads(answer)["__type"]
    assert headers["x-amzn-RequestId"]
    assert b"Traceback" not in answer


def test_an_unknown_operation_is_refused(lake):
    status, _, body = json_call(lake, "Kinesis_20131202.Nonsense")
    assert status in (400, 404)
    assert json.loads(body)["__type"] == "UnknownOperationException"


@pytest.mark.parametrize(
    "body",
    [b"<", b"<Delete>", b"<Delete><Object><Key>a</Key></Object>", b"\x00", b"<!DOCTYPE x [<!ENTITY e 'x'>]><x>&e;</x>"],
)
def test_bad_xml_gets_a_clear_error(lake, body):
    lake.client("s3").create_bucket(Bucket="bad-xml")
    status, _, answer = ask(lake, "/bad-xml?delete", body, {"Content-Type": "application/xml"}, "POST")
    assert status == 400
    assert b"<Code>" in answer
    assert b"Traceback" not in answer


@pytest.mark.parametrize("key", ["../../etc/passwd", "a/../../b", "..", "%00", "%2e%2e%2fx", "a//b", "\u00fc"])
def test_a_key_is_only_a_name(lake, key):
    s3 = lake.client("s3")
    s3.create_bucket(Bucket="names")
    s3.put_object(Bucket="names", Key=key, Body=b"x" * 40_000)
    assert [found["Key"] for found in s3.list_objects_v2(Bucket="names")["Contents"]] == [key]
    assert s3.get_object(Bucket="names", Key=key)["Body"].read() == b"x" * 40_000


def test_broken_chunking_is_refused_and_closed(lake):
    host, port = lake.endpoint_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as peer:
        peer.sendall(b"PUT /b/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nnonsense")
        answer = peer.recv(65536)
        assert answer.startswith(b"HTTP/1.1 400")


# Control


def test_health_answers_here_and_where_tools_look(lake):
    assert json.loads(ask(lake, "/_pocketlake/health")[2])["status"] == "ok"
    assert "s3" in json.loads(ask(lake, "/_localstack/health")[2])["services"]


def test_both_resets_empty_the_lake(lake):
    for path in ("/_pocketlake/reset", "/moto-api/reset"):
        lake.client("kinesis").create_stream(StreamName="s", ShardCount=1)
        lake.client("s3").create_bucket(Bucket="bucket")
        assert ask(lake, path, b"")[0] == 200
        assert lake.client("kinesis").list_streams()["StreamNames"] == []
        assert lake.client("s3").list_buckets()["Buckets"] == []


def test_the_date_header_shows_the_lake_s_clock(lake):
    lake.clock.freeze(datetime(2013, 1, 1, 5, 15, tzinfo=UTC))
    date = ask(lake, "/_pocketlake/health")[1]["Date"]
    assert parsedate_to_datetime(date) == datetime(2013, 1, 1, 5, 15, tzinfo=UTC)


def test_the_clock_is_shown_moved_frozen_and_run(lake):
    start = lake.clock.freeze(datetime(2020, 1, 1, tzinfo=UTC))
    assert lake.clock.advance(days=1, hours=2) == start + timedelta(days=1, hours=2)
    assert lake.clock.now() == start + timedelta(days=1, hours=2)
    lake.clock.set("2030-05-05T00:00:00+00:00")
    assert lake.clock.now() == datetime(2030, 5, 5, tzinfo=UTC)
    lake.clock.run(3600)
    assert json.loads(ask(lake, "/_pocketlake/clock")[2])["rate"] == 3600


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("clock/advance", b"{}"),
        ("clock/advance", b'{"seconds": -1}'),
        ("clock/advance", b'{"seconds": "x"}'),
        ("clock/advance", b"nonsense"),
        ("clock/set", b'{"at": "yesterday"}'),
        ("clock/run", b'{"rate": -5}'),
        ("clock/run", b"[]"),
    ],
)
def test_control_says_what_it_wants(lake, path, body):
    status, _, answer = ask(lake, f"/_pocketlake/{path}", body)
    assert status == 400
    assert json.loads(answer)["message"]


def test_the_inventory_lists_what_runs_and_what_does_not(lake):
    services = json.loads(ask(lake, "/_pocketlake/services")[2])
    assert "put_records" in services["kinesis"]["runs"]
    assert "start_job_run" in services["glue"]["not_implemented"]
    assert not set(services["s3"]["runs"]) & set(services["s3"]["not_implemented"])


def test_a_presigned_url_carries_metadata_as_parameters(lake):
    s3 = lake.client("s3")
    s3.create_bucket(Bucket="presigned")
    url = s3.generate_presigned_url(
        "put_object", Params={"Bucket": "presigned", "Key": "k", "Metadata": {"origin": "browser"}}, ExpiresIn=60
    )
    assert ask(lake, url.removeprefix(lake.endpoint_url), b"body", method="PUT")[0] == 200
    assert s3.head_object(Bucket="presigned", Key="k")["Metadata"] == {"origin": "browser"}
