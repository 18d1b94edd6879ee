"""What a model forbids is refused in AWS's words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pocketlake.gateway.message import Request
from pocketlake.gateway.model import load
from pocketlake.gateway.protocol.patterns import matcher
from pocketlake.kernel.errors import ServiceError

KINESIS = load("kinesis")


def refusal(operation: str, body: Any) -> tuple[str, str]:
    with pytest.raises(ServiceError) as caught:
        KINESIS.operation(operation).parse(Request("POST", "/", {}, json.dumps(body).encode()), {}, [])
    return caught.value.code, caught.value.message


NULL = "Value null at '{}' failed to satisfy constraint: Member must not be null"


@pytest.mark.parametrize(
    ("operation", "body", "message"),
    [
        ("PutRecords", {}, "1 validation error detected: " + NULL.format("records")),
        ("PutRecords", {"Records": None}, "1 validation error detected: " + NULL.format("records")),
        (
            "PutRecord",
            {"StreamName": "s", "PartitionKey": ""},
            "2 validation errors detected: " + NULL.format("data") + "; Value '' at 'partitionKey' failed to satisfy "
            "constraint: Member must have length greater than or equal to 1",
        ),
        (
            "PutRecords",
            {"StreamName": "", "Records": []},
            "3 validation errors detected: "
            "Value '[]' at 'records' failed to satisfy constraint: Member must have length greater than or equal to 1; "
            "Value '' at 'streamName' failed to satisfy constraint: Member must satisfy regular expression pattern: "
            "[a-zA-Z0-9_.-]+; Value '' at 'streamName' failed to satisfy constraint: Member must have length greater "
            "than or equal to 1",
        ),
        (
            "PutRecords",
            {"StreamName": "s", "Records": [{"Data": "", "PartitionKey": "k"}, {"PartitionKey": "k"}]},
            "1 validation error detected: " + NULL.format("records.2.member.data"),
        ),
        (
            "PutRecord",
            {"StreamName": "a" * 129, "Data": "", "PartitionKey": "k"},
            f"1 validation error detected: Value '{'a' * 129}' at 'streamName' failed to satisfy constraint: "
            "Member must have length less than or equal to 128",
        ),
        (
            "GetShardIterator",
            {"StreamName": "s", "ShardId": "shardId-0", "ShardIteratorType": "NOW"},
            "1 validation error detected: Value 'NOW' at 'shardIteratorType' failed to satisfy constraint: Member must "
            "satisfy enum value set: [AT_SEQUENCE_NUMBER, AFTER_SEQUENCE_NUMBER, TRIM_HORIZON, LATEST, AT_TIMESTAMP]",
        ),
        (
            "GetRecords",
            {"ShardIterator": "i", "Limit": 10_001},
            "1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: "
            "Member must have value less than or equal to 10000",
        ),
        (
            "RemoveTagsFromStream",
            {"StreamName": "s", "TagKeys": ["a", "b" * 129]},
            f"1 validation error detected: Value '[a, {'b' * 129}]' at 'tagKeys' failed to satisfy constraint: Member "
            "must satisfy constraint: [Member must have length less than or equal to 128, Member must have length "
            "greater than or equal to 1]",
        ),
    ],
)
def test_constraint_is_worded_as_coral_does(operation: str, body: Any, message: str) -> None:
    assert refusal(operation, body) == ("ValidationException", message)


@pytest.mark.parametrize(
    ("operation", "body", "message"),
    [
        ("PutRecords", {"Records": "x"}, "Expected list or null"),
        ("PutRecords", {"Records": {}}, "Start of structure or map found where not expected."),
        ("PutRecords", {"Records": ["x"]}, "Expected null"),
        ("PutRecords", {"Records": [[]]}, "Start of list found where not expected"),
        ("PutRecord", {"StreamName": True}, "class java.lang.Boolean can not be converted to an String"),
        (
            "PutRecord",
            {"StreamName": 23},
            "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String",
        ),
        ("GetRecords", {"Limit": "23"}, "class java.lang.String can not be converted to an Integer"),
        (
            "PutRecord",
            {"Data": "23456"},
            "'23456' can not be converted to a Blob: "
            "Base64 encoded length is expected a multiple of 4 bytes but found: 5",
        ),
        ("PutRecord", {"Data": "=+/="}, "'=+/=' can not be converted to a Blob: Invalid Base64 character: '='"),
        (
            "PutRecord",
            {"Data": "+/+="},
            "'+/+=' can not be converted to a Blob: Invalid last non-pad Base64 character dectected",
        ),
    ],
)
def test_wrong_type_is_a_serialization_exception(operation: str, body: Any, message: str) -> None:
    """Recorded from AWS in mhart/kinesalite, test/helpers.js."""
    assert refusal(operation, body) == ("SerializationException", message)


def test_at_most_ten_errors_are_told() -> None:
    records = [{"PartitionKey": "k"} for _ in range(20)]
    _, message = refusal("PutRecords", {"Records": records})
    assert message.startswith("10 validation errors detected: ")


def test_code_of_a_violation_is_the_services_own() -> None:
    athena = load("athena", "InvalidRequestException").operation("StartQueryExecution")
    with pytest.raises(ServiceError) as caught:
        athena.parse(Request("POST", "/", {}, b"{}"), {}, [])
    assert caught.value.code == "InvalidRequestException"
    assert NULL.format("queryString") in caught.value.message


def test_query_services_say_validation_error() -> None:
    role = load("iam").operation("CreateRole")
    with pytest.raises(ServiceError) as caught:
        role.parse(Request("POST", "/", {}, b"Action=CreateRole&RoleName=r"), {}, [])
    assert caught.value.code == "ValidationError"
    assert caught.value.message == "1 validation error detected: " + NULL.format("assumeRolePolicyDocument")


def test_idempotency_token_is_filled_in() -> None:
    start = load("athena").operation("StartQueryExecution")
    parsed = start.parse(Request("POST", "/", {}, b'{"QueryString": "SELECT 1"}'), {}, [])
    assert len(parsed["ClientRequestToken"]) == 36


@pytest.mark.parametrize(
    ("operation", "headers", "body", "code"),
    [
        ("PutObject", {"x-amz-acl": "everyone"}, b"", "InvalidArgument"),
        ("PutObject", {"x-amz-storage-class": "COLD"}, b"", "InvalidStorageClass"),
        ("PutBucketVersioning", {}, b"<VersioningConfiguration><Status>On</Status></VersioningConfiguration>", "Malf"),
        ("PutBucketTagging", {}, b"<Tagging><TagSet><Tag><Key>k</Key></Tag></TagSet></Tagging>", "MalformedXML"),
        ("DeleteObjects", {}, b"<Delete></Delete>", "MalformedXML"),
        ("DeleteObjects", {}, b"<Delete>", "MalformedXML"),
    ],
)
def test_s3_has_its_own_words(operation: str, headers: dict[str, str], body: bytes, code: str) -> None:
    with pytest.raises(ServiceError) as caught:
        load("s3").operation(operation).parse(Request("PUT", "/b", headers, body), {"Bucket": "b", "Key": "k"}, [])
    assert caught.value.code.startswith(code)


def test_s3_number_in_the_query_is_checked() -> None:
    with pytest.raises(ServiceError) as caught:
        load("s3").operation("ListObjectsV2").parse(
            Request("GET", "/b", {}), {"Bucket": "b"}, [("list-type", "2"), ("max-keys", "many")]
        )
    assert caught.value.code == "InvalidArgument"
    assert caught.value.message == "Provided max-keys not an integer or within integer range"
    assert caught.value.members == {"ArgumentName": "max-keys", "ArgumentValue": "many"}


def test_unreadable_date_counts_as_absent_in_s3() -> None:
    request = Request("GET", "/b/k", {"if-modified-since": "yesterday"})
    assert "IfModifiedSince" not in load("s3").operation("GetObject").parse(request, {"Bucket": "b", "Key": "k"}, [])


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        (r"^([\p{L}\p{Z}\p{N}_.:/=+\-%@]*)$", "Größe 1/é", "a!"),
        (r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+", "a1!+", "a b"),
        (r"[\p{L}\p{N}\p{Z}-_]*", "a-b_c", "a!"),
        (r"\P{C}*", "any text", "bell\a"),
        (r"[^\p{C}]+", "any", "bell\a"),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*", "smile \U0001f600", "\x01"),
        (r"\p{Print}+", "print!", "\x7f"),
        (r"[a-z]+", "abc", "abc\n"),
        (r"^[a-z]+$", "abc", "abc\n"),
    ],
)
def test_pattern_of_java_means_the_same(pattern: str, yes: str, no: str) -> None:
    match = matcher(pattern)
    assert match is not None
    assert match(yes)
    assert not match(no)


def test_pattern_that_python_cannot_say_is_skipped() -> None:
    assert matcher(r"[\p{Print}&&[^|:/]]+") is None
