"""Whatever bytes come in: a request that parses, or one clear error of the right form. Never anything else."""

from __future__ import annotations

from typing import Any

import cbor2
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketlake.gateway.message import Request
from pocketlake.gateway.model import ServiceModel, load
from pocketlake.kernel.errors import ServiceError

FUZZ = settings(max_examples=120, deadline=None, database=None, derandomize=True)
OPERATIONS = {
    "kinesis": ["PutRecords", "PutRecord", "GetShardIterator", "RegisterStreamConsumer"],
    "glue": ["CreateTable", "BatchCreatePartition", "CreateCrawler"],
    "dynamodb": ["PutItem"],  # holds itself
    "cloudwatch": ["PutMetricData", "GetMetricData"],
    "s3": ["DeleteObjects", "PutBucketLifecycleConfiguration", "PutBucketAcl", "PutObject", "ListObjectsV2"],
    "iam": ["CreateRole", "TagRole"],
    "ec2": ["RunInstances"],
    "lambda": ["CreateFunction", "Invoke"],
}
MODELS = {service: load(service) for service in OPERATIONS}
CBOR_MODEL = MODELS["kinesis"]._sibling("json-as-cbor")
EXPECTED = {
    "SerializationException",
    "ValidationException",
    "ValidationError",
    "MalformedXML",
    "MalformedInput",
    "MalformedQueryString",
    "MissingParameter",
    "InvalidArgument",
    "InvalidRequest",
    "InvalidStorageClass",
    "InvalidParameterValue",
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**63) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


def parse(model: ServiceModel, name: str, body: bytes, headers: dict[str, str], query: list[tuple[str, str]]) -> None:
    operation = model.operation(name)
    try:
        operation.parse(Request("POST", "/", headers, body), {"Bucket": "b", "Key": "k", "FunctionName": "f"}, query)
    except ServiceError as error:
        assert error.code in EXPECTED, error
        response = operation.fail(error, "r")
        assert 400 <= response.status < 500
        assert response.body


def everywhere() -> list[tuple[str, str]]:
    return [(service, name) for service, names in OPERATIONS.items() for name in names]


@pytest.mark.parametrize(("service", "name"), everywhere())
def test_any_bytes(service: str, name: str) -> None:
    @FUZZ
    @given(st.binary(max_size=80))
    def run(body: bytes) -> None:
        parse(MODELS[service], name, body, {}, [])

    run()


@FUZZ
@given(st.data())
def test_any_json_with_the_models_names(data: st.DataObject) -> None:
    service, name = data.draw(st.sampled_from([pair for pair in everywhere() if pair[0] in ("kinesis", "glue")]))
    members = list(MODELS[service].operation(name).input.members)  # type: ignore[union-attr]
    body = data.draw(st.dictionaries(st.sampled_from(members), JSON, max_size=5))
    parse(MODELS[service], name, orjson.dumps(finite(body)), {}, [])


@FUZZ
@given(st.data())
def test_any_cbor_with_the_models_names(data: st.DataObject) -> None:
    values = JSON | st.binary(max_size=8) | st.datetimes().map(lambda at: cbor2.CBORTag(0, at.isoformat() + "Z"))
    members = ["Records", "StreamName", "StreamARN"]
    body = data.draw(st.dictionaries(st.sampled_from(members) | st.integers(), values | st.lists(values), max_size=4))
    parse(CBOR_MODEL, "PutRecords", cbor2.dumps(body), {}, [])


@FUZZ
@given(st.lists(st.tuples(st.text("abAB.1member", max_size=20), st.text(max_size=6)), max_size=8))
def test_any_form(pairs: list[tuple[str, str]]) -> None:
    body = "&".join(f"{name}={value}" for name, value in pairs).encode()
    for service, name in (("iam", "TagRole"), ("ec2", "RunInstances")):
        parse(MODELS[service], name, body, {}, [])


@FUZZ
@given(st.text(max_size=30), st.text(max_size=12))
def test_any_header_and_parameter(header: str, parameter: str) -> None:
    names = ["x-amz-object-lock-retain-until-date", "content-length", "x-amz-acl", "x-amz-storage-class", "expires"]
    for name in names:
        parse(MODELS["s3"], "PutObject", b"", {name: header}, [])
    parse(MODELS["s3"], "ListObjectsV2", b"", {"x-amz-optional-object-attributes": header}, [("max-keys", parameter)])


BILLION_LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]>
<Delete><Object><Key>&lol2;</Key></Object></Delete>"""
FILE_READER = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&f;</Key></Object></Delete>'
BOMBS: list[tuple[str, str, bytes]] = [
    ("s3", "DeleteObjects", BILLION_LAUGHS),
    ("s3", "DeleteObjects", FILE_READER),
    ("s3", "DeleteObjects", b"<Delete>" * 100_000),
    ("s3", "DeleteObjects", "<Delete><Object><Key>\ud800</Key></Object></Delete>".encode("utf-8", "surrogatepass")),
    ("kinesis", "PutRecord", b'{"Data":' + b"[" * 100_000),
    ("kinesis", "PutRecord", b'{"StreamName": "\xff"}'),
    ("kinesis", "GetRecords", b'{"ShardIterator": "i", "Limit": ' + b"9" * 10_000 + b"}"),
    ("dynamodb", "PutItem", b'{"Item":{"a":' + b'{"L":[' * 500 + b"]}" * 500 + b"}}"),
    ("dynamodb", "PutItem", b'{"Item":{"a":' + b'{"M":{"a":' * 5000 + b"}}" * 5000 + b"}}"),
    ("cloudwatch", "PutMetricData", b"\x81" * 100_000),
    ("cloudwatch", "PutMetricData", b"\xbf" * 5_000),
    ("cloudwatch", "PutMetricData", b"\xc4\x82\x3b\x7f\xff\xff\xff\xff\xff\xff\xff\x01"),
    ("cloudwatch", "PutMetricData", b"\xd8\x23\x61\x28"),
    ("iam", "CreateRole", b"a." * 100_000 + b"=1"),
    ("iam", "CreateRole", b"&".join([b"a=1"] * 30_000)),
    ("iam", "CreateRole", b"RoleName=%ff"),
    ("iam", "CreateRole", b"MaxSessionDuration=" + b"9" * 5_000),
]


@pytest.mark.parametrize(("service", "name", "body"), BOMBS, ids=range(len(BOMBS)))
def test_bomb_is_refused(service: str, name: str, body: bytes) -> None:
    with pytest.raises(ServiceError) as caught:
        MODELS[service].operation(name).parse(Request("POST", "/", {}, body), {"Bucket": "b"}, [])
    assert caught.value.code in EXPECTED


def finite(value: Any) -> Any:
    """JSON has no integers beyond 64 bits in orjson's writer; such come in as their own case."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    return float(value) if isinstance(value, int) and abs(value) >= 2**63 else value
