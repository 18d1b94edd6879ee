"""Models are found, operations are named and routed as AWS does."""

from __future__ import annotations

import cbor2
import pytest

from pocketlake.gateway.message import FileSlice, Request
from pocketlake.gateway.model import load, python_name
from pocketlake.kernel.errors import ServiceError

S3 = load("s3")


@pytest.mark.parametrize(
    ("method", "target", "headers", "operation", "labels"),
    [
        ("GET", "/", {}, "list_buckets", {}),
        ("PUT", "/b", {}, "create_bucket", {"Bucket": "b"}),
        ("PUT", "/b/", {}, "create_bucket", {"Bucket": "b"}),
        ("GET", "/b", {}, "list_objects", {"Bucket": "b"}),
        ("GET", "/b/", {}, "list_objects", {"Bucket": "b"}),
        ("GET", "/b?list-type=2", {}, "list_objects_v2", {"Bucket": "b"}),
        ("GET", "/b?versions", {}, "list_object_versions", {"Bucket": "b"}),
        ("GET", "/b?uploads", {}, "list_multipart_uploads", {"Bucket": "b"}),
        ("GET", "/b?lifecycle", {}, "get_bucket_lifecycle_configuration", {"Bucket": "b"}),
        ("GET", "/b?analytics", {}, "list_bucket_analytics_configurations", {"Bucket": "b"}),
        ("GET", "/b?analytics&id=1", {}, "get_bucket_analytics_configuration", {"Bucket": "b"}),
        ("HEAD", "/b", {}, "head_bucket", {"Bucket": "b"}),
        ("DELETE", "/b", {}, "delete_bucket", {"Bucket": "b"}),
        ("POST", "/b?delete", {}, "delete_objects", {"Bucket": "b"}),
        ("PUT", "/b/k", {}, "put_object", {"Bucket": "b", "Key": "k"}),
        ("PUT", "/b/k", {"x-amz-copy-source": "b/o"}, "copy_object", {"Bucket": "b", "Key": "k"}),
        ("PUT", "/b/k?partNumber=1&uploadId=u", {}, "upload_part", {"Bucket": "b", "Key": "k"}),
        (
            "PUT",
            "/b/k?partNumber=1&uploadId=u",
            {"x-amz-copy-source": "b/o"},
            "upload_part_copy",
            {"Bucket": "b", "Key": "k"},
        ),
        ("POST", "/b/k?uploads", {}, "create_multipart_upload", {"Bucket": "b", "Key": "k"}),
        ("POST", "/b/k?uploads=", {}, "create_multipart_upload", {"Bucket": "b", "Key": "k"}),
        ("POST", "/b/k?uploadId=u", {}, "complete_multipart_upload", {"Bucket": "b", "Key": "k"}),
        ("DELETE", "/b/k?uploadId=u", {}, "abort_multipart_upload", {"Bucket": "b", "Key": "k"}),
        ("DELETE", "/b/k?versionId=v", {}, "delete_object", {"Bucket": "b", "Key": "k"}),
        ("GET", "/b/k?uploadId=u", {}, "list_parts", {"Bucket": "b", "Key": "k"}),
        ("GET", "/b/k?tagging", {}, "get_object_tagging", {"Bucket": "b", "Key": "k"}),
        ("GET", "/b/k?attributes", {}, "get_object_attributes", {"Bucket": "b", "Key": "k"}),
        ("GET", "/b//", {}, "get_object", {"Bucket": "b", "Key": "/"}),
        ("GET", "/b/a//b/", {}, "get_object", {"Bucket": "b", "Key": "a//b/"}),
        ("GET", "/b/../x", {}, "get_object", {"Bucket": "b", "Key": "../x"}),
        ("GET", "/b/a%2F..%20+%252525%0A", {}, "get_object", {"Bucket": "b", "Key": "a/.. +%2525\n"}),
        ("GET", "/b/%E2%82%AC", {}, "get_object", {"Bucket": "b", "Key": "€"}),
    ],
)
def test_s3_request_finds_its_operation(
    method: str, target: str, headers: dict[str, str], operation: str, labels: dict[str, str]
) -> None:
    path, _, query = target.partition("?")
    pairs = [(name, value) for name, _, value in (part.partition("=") for part in query.split("&") if part)]
    found = S3.match(method, path, pairs, headers)
    assert found is not None
    assert (found[0].python_name, found[1]) == (operation, labels)


def test_key_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(ServiceError) as caught:
        S3.match("GET", "/b/%ff", [])
    assert caught.value.code == "InvalidURI"


def test_rest_json_takes_the_more_specific_path() -> None:
    functions = load("lambda")
    found = functions.match("POST", "/2015-03-31/functions/f/invocations", [])
    assert found is not None
    assert (found[0].python_name, found[1]) == ("invoke", {"FunctionName": "f"})
    found = functions.match("GET", "/2015-03-31/functions/", [])
    assert found is not None
    assert found[0].python_name == "list_functions"


def test_method_without_an_operation_is_not_allowed() -> None:
    with pytest.raises(ServiceError) as caught:
        S3.route(Request("PATCH", "/b/k", {}), "/b/k", [])
    assert (caught.value.code, caught.value.status) == ("MethodNotAllowed", 405)


@pytest.mark.parametrize(
    ("service", "headers", "path", "body", "operation", "protocol"),
    [
        ("kinesis", {"x-amz-target": "Kinesis_20131202.PutRecord"}, "/", b"", "PutRecord", "json"),
        (
            "kinesis",
            {"x-amz-target": "Kinesis_20131202.PutRecord", "content-type": "application/x-amz-cbor-1.1"},
            "/",
            b"",
            "PutRecord",
            "json-as-cbor",
        ),
        (
            "sts",
            {"content-type": "application/x-www-form-urlencoded"},
            "/",
            b"Action=AssumeRole",
            "AssumeRole",
            "query",
        ),
        (
            "cloudwatch",
            {"smithy-protocol": "rpc-v2-cbor"},
            "/service/GraniteServiceVersion20100801/operation/PutMetricData",
            b"",
            "PutMetricData",
            "smithy-rpc-v2-cbor",
        ),
        (
            "cloudwatch",
            {"x-amz-target": "GraniteServiceVersion20100801.PutMetricData"},
            "/",
            b"",
            "PutMetricData",
            "json",
        ),
        (
            "cloudwatch",
            {"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
            "/",
            b"Action=PutMetricData",
            "PutMetricData",
            "query",
        ),
    ],
)
def test_request_is_read_in_the_protocol_it_speaks(
    service: str, headers: dict[str, str], path: str, body: bytes, operation: str, protocol: str
) -> None:
    model, request = load(service), Request("POST", path, headers, body)
    assert model.route(request, path, [])[0].name == operation
    assert model.speaking(request, path).protocol == protocol


@pytest.mark.parametrize(("service", "code"), [("kinesis", "UnknownOperationException"), ("sts", "InvalidAction")])
def test_unknown_operation_has_the_protocols_error(service: str, code: str) -> None:
    with pytest.raises(ServiceError) as caught:
        load(service).route(Request("POST", "/", {"x-amz-target": "X.Nope"}, b"Action=Nope"), "/", [])
    assert caught.value.code in (code, "UnknownOperationException")


def test_names_are_boto3s() -> None:
    assert python_name("ListObjectsV2") == "list_objects_v2"
    assert python_name("AssumeRoleWithSAML") == "assume_role_with_saml"
    assert load("kinesis").by_python_name("put_records").name == "PutRecords"


@pytest.mark.parametrize("name", ["no-such-service", "../s3", ""])
def test_service_that_is_not_there_is_a_key_error(name: str) -> None:
    with pytest.raises(KeyError):
        load(name)


def test_streaming_body_passes_through() -> None:
    put = S3.operation("PutObject")
    assert put.streaming_input
    request = Request("PUT", "/b/k", {"content-length": "3", "x-amz-meta-color": "red"}, b"abc")
    parsed = put.parse(request, {"Bucket": "b", "Key": "k"}, [])
    assert parsed["Body"] is request.body
    assert parsed["Metadata"] == {"color": "red"}
    body = FileSlice("/x", 0, 3)
    response = S3.operation("GetObject").respond({"Body": body, "ContentLength": 3, "ETag": '"e"'}, "r")
    assert response.body is body
    assert ("ETag", '"e"') in response.headers


def test_operation_may_set_status_and_headers() -> None:
    metadata = {"HTTPStatusCode": 206, "HTTPHeaders": {"Content-Range": "bytes 0-1/3"}}
    response = S3.operation("GetObject").respond({"Body": b"ab", "ResponseMetadata": metadata}, "r")
    assert response.status == 206
    assert ("Content-Range", "bytes 0-1/3") in response.headers


def test_answer_to_head_keeps_the_length_only() -> None:
    response = S3.operation("HeadObject").respond({"ContentLength": 8 * 2**30}, "r")
    assert (response.body, response.length) == (b"", 8 * 2**30)


def test_location_of_a_bucket_is_the_root_elements_text() -> None:
    response = S3.operation("GetBucketLocation").respond({"LocationConstraint": "eu-west-1"}, "r")
    assert isinstance(response.body, bytes)
    assert response.body.endswith(b'xmlns="http://s3.amazonaws.com/doc/2006-03-01/">eu-west-1</LocationConstraint>')


def test_kinesis_clients_for_java_speak_cbor_with_milliseconds() -> None:
    headers = {"x-amz-target": "Kinesis_20131202.GetShardIterator", "content-type": "application/x-amz-cbor-1.1"}
    at = cbor2.CBORTag(1, 1_800_000_000_123)
    asked = {"StreamName": "s", "ShardId": "shard", "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": at}
    request = Request("POST", "/", headers, cbor2.dumps(asked))
    operation, labels = load("kinesis").route(request, "/", [])
    assert operation.parse(request, labels, [])["Timestamp"] == 1_800_000_000.123
    error = operation.fail(ServiceError("ResourceNotFoundException", "gone"), "r")
    assert cbor2.loads(error.body) == {"__type": "ResourceNotFoundException", "message": "gone"}
    assert ("Content-Type", "application/x-amz-cbor-1.1") in error.headers
