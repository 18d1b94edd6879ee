"""Errors in the exact form of each protocol."""

from __future__ import annotations

import json
from typing import Any

import cbor2
import pytest
from botocore.parsers import create_parser

from pocketlake.gateway.message import Request, Response
from pocketlake.gateway.model import load
from pocketlake.kernel.errors import InternalFailure, NotImplemented501, ServiceError


def read(service: str, response: Response) -> dict[str, Any]:
    from botocore.awsrequest import HeadersDict

    answer = {"status_code": response.status, "headers": HeadersDict(dict(response.headers)), "body": response.body}
    parsed: dict[str, Any] = create_parser(load(service).protocol).parse(answer, None)
    return parsed


@pytest.mark.parametrize(
    ("service", "operation", "error", "status", "code"),
    [
        ("kinesis", "PutRecord", ServiceError("ResourceNotFoundException", "gone"), 400, "ResourceNotFoundException"),
        ("glue", "GetTable", ServiceError("EntityNotFoundException", "gone"), 400, "EntityNotFoundException"),
        ("iam", "GetRole", ServiceError("NoSuchEntityException", "gone"), 404, "NoSuchEntity"),
        ("iam", "GetRole", ServiceError("NoSuchEntity", "gone"), 404, "NoSuchEntity"),
        ("sts", "AssumeRole", ServiceError("AccessDenied", "gone"), 403, "AccessDenied"),
        ("s3", "GetObject", ServiceError("NoSuchKey", "gone"), 404, "NoSuchKey"),
        ("s3", "GetObject", ServiceError("PreconditionFailed", "gone", 412), 412, "PreconditionFailed"),
        ("lambda", "GetFunction", ServiceError("ResourceNotFoundException", "gone"), 404, "ResourceNotFoundException"),
        ("ec2", "DescribeVpcs", ServiceError("InvalidVpcID.NotFound", "gone"), 400, "InvalidVpcID.NotFound"),
        ("cloudwatch", "GetMetricData", ServiceError("InvalidNextToken", "gone"), 400, "InvalidNextToken"),
    ],
)
def test_botocore_reads_the_code_and_the_message(
    service: str, operation: str, error: ServiceError, status: int, code: str
) -> None:
    response = load(service).operation(operation).fail(error, "request-1")
    found = read(service, response)
    assert response.status == status
    assert found["Error"]["Code"] == code
    assert found["Error"]["Message"] == "gone"
    assert found["ResponseMetadata"]["RequestId"] == "request-1"


@pytest.mark.parametrize(
    "service_operation", ["kinesis PutRecord", "s3 GetObject", "iam GetRole", "lambda Invoke", "ec2 RunInstances"]
)
def test_what_is_not_built_is_501_and_a_fault_500(service_operation: str) -> None:
    service, name = service_operation.split()
    operation = load(service).operation(name)
    assert operation.fail(NotImplemented501("x"), "r").status == 501
    assert operation.fail(InternalFailure("r"), "r").status == 500


def test_json_error_has_its_type() -> None:
    response = load("kinesis").operation("PutRecord").fail(ServiceError("X", "no"), "r")
    assert json.loads(response.body) == {"__type": "X", "message": "no"}
    assert ("Content-Type", "application/x-amz-json-1.1") in response.headers
    assert ("x-amzn-RequestId", "r") in response.headers


def test_message_is_spelled_as_the_shape_has_it() -> None:
    error = ServiceError("InvalidRequestException", "no", AthenaErrorCode="MALFORMED_QUERY")
    response = load("athena").operation("StartQueryExecution").fail(error, "r")
    assert json.loads(response.body) == {
        "__type": "InvalidRequestException",
        "Message": "no",
        "AthenaErrorCode": "MALFORMED_QUERY",
    }


def test_s3_error_carries_its_members_and_both_ids() -> None:
    error = ServiceError("NoSuchKey", "The <key> & more", Key="a&b")
    response = load("s3").operation("GetObject").fail(error, "R1")
    assert isinstance(response.body, bytes)
    assert b"<Message>The &lt;key&gt; &amp; more</Message><Key>a&amp;b</Key>" in response.body
    assert b"<RequestId>R1</RequestId><HostId>" in response.body
    assert {"x-amz-request-id", "x-amz-id-2"} <= {name for name, _ in response.headers}


def test_answer_to_head_has_no_body() -> None:
    response = load("s3").operation("HeadObject").fail(ServiceError("NoSuchKey", "gone"), "R1")
    assert (response.status, response.body) == (404, b"")


def test_cbor_error_has_the_protocols_header() -> None:
    response = load("cloudwatch").operation("GetMetricData").fail(ServiceError("InvalidNextToken", "no"), "r")
    assert isinstance(response.body, bytes)
    assert cbor2.loads(response.body) == {"__type": "InvalidNextToken", "message": "no"}
    assert ("smithy-protocol", "rpc-v2-cbor") in response.headers


def test_error_before_the_operation_is_known_has_the_form_of_the_protocol() -> None:
    response = load("sts").fail(ServiceError("InvalidAction", "no"), "r", Request("POST", "/", {}, b"Action=X"))
    assert isinstance(response.body, bytes)
    assert response.body.startswith(b"<ErrorResponse xmlns=")
