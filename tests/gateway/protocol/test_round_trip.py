"""botocore against our codecs, for every operation: what it writes we read, what we write it reads."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.model import ServiceModel as BotocoreModel
from botocore.model import Shape as BotocoreShape
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from pocketlake.gateway.message import Request, Response
from pocketlake.gateway.model import ServiceModel, load
from pocketlake.gateway.protocol.routing import decode

SERVICES = ["kinesis", "firehose", "glue", "athena", "s3", "sts", "iam", "sqs", "lambda", "cloudwatch", "route53"]
EC2 = ["RunInstances", "DescribeInstances", "CreateVpc", "DescribeSubnets", "AuthorizeSecurityGroupIngress"]
SEED = 20261120
# The first is read by a handler of botocore's, the others (deprecated) have two members of one name.
UNLIKE_THE_MODEL = {"GetBucketLocation", "GetBucketNotification", "PutBucketNotification"}
LETTERS = "abcXYZ019 <&>\"'é+/=%"


class Values:
    """Random values that a shape allows. Timestamps are whole seconds, since headers know no fractions."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)

    def of(self, shape: BotocoreShape, depth: int = 0) -> Any:
        if shape.serialization.get("document") or getattr(shape, "is_document_type", False):
            return {"any": [1, "two", None, {"three": 3.5}]}
        return getattr(self, shape.type_name)(shape, depth)

    def structure(self, shape: BotocoreShape, depth: int) -> dict[str, Any]:
        payload = shape.serialization.get("payload")
        names = [name for name in shape.members if not shape.members[name].serialization.get("eventstream")]
        if shape.is_tagged_union:
            names = [self.random.choice(names)] if names else []
        chosen = {}
        for name in names:
            needed = name in shape.required_members or shape.is_tagged_union
            if needed or self.random.random() < (0.7 if depth < 3 else 0.15 if depth < 6 else 0):
                chosen[name] = self.of(shape.members[name], depth + 1)
        if payload and shape.members[payload].type_name == "blob":
            chosen[payload] = b"botocore reads this as text"
        return chosen

    def list(self, shape: BotocoreShape, depth: int) -> list[Any]:
        least = shape.metadata.get("min", 0)
        most = min(shape.metadata.get("max", 3), 3)
        return [self.of(shape.member, depth + 1) for _ in range(max(least, self.random.randint(1, max(most, 1))))]

    def map(self, shape: BotocoreShape, depth: int) -> dict[str, Any]:
        if shape.serialization.get("location") == "headers":
            return {f"key-{number}": "a value" for number in range(2)}
        return {self.of(shape.key): self.of(shape.value, depth + 1) for _ in range(2)}

    def string(self, shape: BotocoreShape, _: int) -> str:
        if shape.serialization.get("jsonvalue"):
            return {"some": "json"}  # type: ignore[return-value]
        if shape.enum:
            return self.random.choice(shape.enum)
        least, most = shape.metadata.get("min", 0), shape.metadata.get("max", 12)
        length = max(least, min(most, self.random.randint(3, 12)))
        if shape.serialization.get("location") in ("header", "headers") or length < 3:
            return "".join(self.random.choice("abcXYZ019-") for _ in range(length))
        return "x" + "".join(self.random.choice(LETTERS) for _ in range(length - 2)) + "x"

    def integer(self, shape: BotocoreShape, _: int) -> int:
        least = shape.metadata.get("min", 0)
        return self.random.randint(least, max(least, shape.metadata.get("max", 2**31 - 1)))

    def long(self, shape: BotocoreShape, _: int) -> int:
        least = shape.metadata.get("min", 0)
        return self.random.randint(least, max(least, int(shape.metadata.get("max", 2**53))))

    def double(self, shape: BotocoreShape, _: int) -> float:
        least = shape.metadata.get("min", 0)
        return float(least) + self.random.randint(0, 8) / 8 * min(1.0, float(shape.metadata.get("max", 100)) - least)

    float = double

    def boolean(self, _: BotocoreShape, __: int) -> bool:
        return self.random.random() < 0.5

    def timestamp(self, _: BotocoreShape, __: int) -> datetime:
        return datetime.fromtimestamp(self.random.randint(10**9, 2 * 10**9), UTC)

    def blob(self, shape: BotocoreShape, _: int) -> bytes:
        return self.random.randbytes(max(shape.metadata.get("min", 0), 9))


def plain(value: Any) -> Any:
    """Timestamps as we have them."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items() if name != "ResponseMetadata"}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def without_nothing(value: Any) -> Any:
    """Query, ec2 and flattened XML cannot say "an empty structure" or "an empty list"."""
    if isinstance(value, dict):
        kept = {name: without_nothing(item) for name, item in value.items()}
        return {name: item for name, item in kept.items() if item not in ({}, [])}
    if isinstance(value, list):
        return [item for item in map(without_nothing, value) if item not in ({}, [])]
    return value


def unpatterned(service: str) -> dict[str, Any]:
    """The model without patterns, which random text does not meet."""
    raw = load(service)._raw
    for shape in raw["shapes"].values():
        shape.pop("pattern", None)
    for operation in raw["operations"].values():
        operation.pop("endpoint", None)  # host prefixes
    return raw


def request_of(written: dict[str, Any], method: str) -> tuple[Request, str, list[tuple[str, str]]]:
    body = written["body"]
    if isinstance(body, dict):
        body = urlencode(body).encode()
    elif isinstance(body, str):
        body = body.encode()
    path, _, literals = written["url_path"].partition("?")
    pairs = [(name, value) for name, _, value in (part.partition("=") for part in literals.split("&") if literals)]
    for name, value in (written["query_string"] or {}).items():
        pairs += [(name, str(item)) for item in (value if isinstance(value, list) else [value])]
    headers = {name.lower(): str(value) for name, value in written["headers"].items()}
    return Request(method, path + "?" + urlencode(pairs), headers, body), path, pairs


def answer_of(response: Response) -> dict[str, Any]:
    from botocore.awsrequest import HeadersDict

    headers = dict(response.headers)
    if response.length is not None:
        headers["Content-Length"] = str(response.length)
    return {"status_code": response.status, "headers": HeadersDict(headers), "body": response.body}


def cases() -> list[tuple[str, str]]:
    return [(service, "") for service in SERVICES] + [("ec2", name) for name in EC2]


@pytest.fixture(scope="module")
def models() -> dict[str, tuple[ServiceModel, BotocoreModel]]:
    made = {}
    for service in [*SERVICES, "ec2"]:
        raw = unpatterned(service)
        made[service] = ServiceModel(service, raw, "ValidationException"), BotocoreModel(raw, service)
    return made


@pytest.mark.parametrize(("service", "only"), cases())
def test_what_botocore_writes_we_read(models: Any, service: str, only: str) -> None:
    ours, theirs = models[service]
    serializer = create_serializer(ours.protocol, include_validation=False)
    for name in [only] if only else ours.names():
        shape = theirs.operation_model(name).input_shape
        if shape is None or name in UNLIKE_THE_MODEL:
            continue
        given = Values(f"{SEED}{service}{name}").of(shape)
        if service == "s3":
            given |= {key: "some-bucket" for key in given if key == "Bucket"}
        written = serializer.serialize_to_request(given, theirs.operation_model(name))
        request, path, query = request_of(written, ours.operation(name).method)
        operation, labels = ours.route(request, path, query)
        if ours.operation(name) is not operation:
            # Two operations at one route (deprecated ones, listings whose only difference is optional).
            assert ours.protocol in ("rest-xml", "rest-json")
            operation = ours.operation(name)
            labels = {key: decode(value) for key, value in labels.items()}
        read = operation.parse(request, labels, query)
        for token in [key for key in read if key not in given]:
            assert operation.input.members[token].trait("idempotencyToken") or token in ("Body", "HostedZoneId"), name
            del read[token]
        assert without_nothing(plain(read)) == without_nothing(plain(given)), name


@pytest.mark.parametrize(("service", "only"), cases())
def test_what_we_write_botocore_reads(models: Any, service: str, only: str) -> None:
    ours, theirs = models[service]
    parser = create_parser(ours.protocol)
    for name in [only] if only else ours.names():
        shape = theirs.operation_model(name).output_shape
        if shape is None or name in UNLIKE_THE_MODEL or shape.event_stream_name:
            continue
        given = Values(f"{SEED}{service}{name}out").of(shape)
        for key, member in shape.members.items():
            if member.serialization.get("location") == "statusCode":
                given[key] = 202
        if "Body" in given or "AnnotationPayload" in given:
            given.pop("ContentLength", None)  # the front counts bytes itself
        response = ours.operation(name).respond(plain(given), "request-1")
        read = parser.parse(answer_of(response), shape)
        assert read.pop("ResponseMetadata", None) is not None
        if ours.operation(name).method == "HEAD":
            assert response.body == b""
        assert comparable(read, shape) == comparable(given, shape), name


def comparable(value: dict[str, Any], shape: BotocoreShape) -> dict[str, Any]:
    """botocore makes text of a blob payload that does not stream, and empty values of absent payloads."""
    found = without_nothing(plain(value))
    name = shape.serialization.get("payload")
    if name and shape.members[name].type_name == "blob":
        found.pop(name, None)
    return {key: item for key, item in found.items() if item not in ("", b"")}
