"""Requests as the AWS SDKs send them, built once: the same bytes go to every system but for the Host header.

The signatures are not real: every system here lets unknown keys in unless told otherwise.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import orjson

STAMP = "20261120T120000Z"
KINESIS_TARGET = "Kinesis_20131202"
SQS_TARGET = "AmazonSQS"


def authorization(service: str) -> str:
    return (
        f"AWS4-HMAC-SHA256 Credential=test/{STAMP[:8]}/us-east-1/{service}/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
    )


def _request(url: str, line: str, headers: dict[str, str], body: bytes) -> bytes:
    head = {"Host": urlsplit(url).netloc, "X-Amz-Date": STAMP, **headers, "Content-Length": str(len(body))}
    lines = [f"{line} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items()), "", ""]
    return "\r\n".join(lines).encode() + body


def kinesis(url: str, operation: str, body: dict[str, Any]) -> bytes:
    return json_call(url, "kinesis", KINESIS_TARGET, operation, body)


def sqs(url: str, operation: str, body: dict[str, Any]) -> bytes:
    return json_call(url, "sqs", SQS_TARGET, operation, body, "1.0")


def json_call(url: str, service: str, target: str, operation: str, body: dict[str, Any], version: str = "1.1") -> bytes:
    """An operation of a service that speaks JSON."""
    headers = {
        "Content-Type": f"application/x-amz-json-{version}",
        "X-Amz-Target": f"{target}.{operation}",
        "Authorization": authorization(service),
    }
    return _request(url, "POST /", headers, orjson.dumps(body))


def s3(url: str, method: str, path: str, body: bytes = b"") -> bytes:
    headers = {"X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD", "Authorization": authorization("s3")}
    return _request(url, f"{method} {path}", headers, body)


def plain(url: str, path: str) -> bytes:
    """A request to a server that knows nothing of AWS."""
    return _request(url, f"GET {path}", {}, b"")
