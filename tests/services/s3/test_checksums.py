"""Checksums: stated as a header or a trailer, verified, kept and told."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config

from pocketlake.kernel import checksums

from .conftest import refused

BODY = b"hello" * 1000
NAMES = {name: name.lower() for name in ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "SHA512", "MD5")}


def encoded(name: str, body: bytes = BODY) -> str:
    return base64.b64encode(checksums.digest(NAMES[name], body)).decode()


@pytest.fixture
def plain(lake: Any) -> Any:
    """A client that computes no checksum by itself."""
    return lake.client(
        "s3", config=Config(request_checksum_calculation="when_required", retries={"total_max_attempts": 1})
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_stated_checksum_is_kept_and_told_on_request(plain: Any, bucket: str, name: str) -> None:
    value = encoded(name)
    put = plain.put_object(Bucket=bucket, Key="k", Body=BODY, **{f"Checksum{name}": value})
    assert (put[f"Checksum{name}"], put["ChecksumType"]) == (value, "FULL_OBJECT")
    head = plain.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (head[f"Checksum{name}"], head["ChecksumType"]) == (value, "FULL_OBJECT")
    got = plain.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == BODY
    listed = plain.list_objects_v2(Bucket=bucket)["Contents"][0]
    assert (listed["ChecksumAlgorithm"], listed["ChecksumType"]) == ([name], "FULL_OBJECT")


@pytest.mark.parametrize("name", NAMES)
def test_a_stated_checksum_that_does_not_hold_is_refused(plain: Any, bucket: str, name: str) -> None:
    message = f"The {name} you specified did not match the calculated checksum."
    with refused("BadDigest", 400, message):
        plain.put_object(Bucket=bucket, Key="k", Body=BODY, **{f"Checksum{name}": encoded(name, b"other")})
    with refused("404"):
        plain.head_object(Bucket=bucket, Key="k")


def test_a_malformed_checksum_is_refused(plain: Any, bucket: str) -> None:
    with refused("InvalidRequest", 400, "Value for x-amz-checksum-crc32 header is invalid."):
        plain.put_object(Bucket=bucket, Key="k", Body=BODY, ChecksumCRC32="not-base64")


def test_two_checksums_are_one_too_many(plain: Any, bucket: str) -> None:
    with refused("InvalidRequest", 400):
        plain.put_object(
            Bucket=bucket, Key="k", Body=BODY, ChecksumCRC32=encoded("CRC32"), ChecksumSHA1=encoded("SHA1")
        )


def test_crc64nvme_is_computed_where_none_is_stated(plain: Any, bucket: str) -> None:
    assert plain.put_object(Bucket=bucket, Key="k", Body=BODY)["ChecksumCRC64NVME"] == encoded("CRC64NVME")
    head = plain.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head["ChecksumCRC64NVME"] == encoded("CRC64NVME")
    assert "ChecksumCRC64NVME" not in plain.head_object(Bucket=bucket, Key="k")


@pytest.mark.parametrize("size", [10, 5_000_000])
def test_boto3s_own_checksum_is_verified(s3: Any, bucket: str, size: int) -> None:
    body = b"x" * size
    put = s3.put_object(Bucket=bucket, Key="k", Body=body)
    assert put["ChecksumCRC32"] == encoded("CRC32", body)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body  # boto3 compares it


def test_a_range_tells_no_checksum_of_the_whole(s3: Any, bucket: str, put: Callable[..., Any]) -> None:
    put("k", BODY)
    got = s3.get_object(Bucket=bucket, Key="k", Range="bytes=0-9", ChecksumMode="ENABLED")
    assert not [member for member in got if member.startswith("Checksum")]


def test_content_md5(plain: Any, bucket: str) -> None:
    right = base64.b64encode(hashlib.md5(BODY).digest()).decode()
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    plain.put_object(Bucket=bucket, Key="k", Body=BODY, ContentMD5=right)
    with refused("BadDigest", 400, "The Content-MD5 you specified did not match what we received."):
        plain.put_object(Bucket=bucket, Key="k", Body=BODY, ContentMD5=wrong)
    with refused("InvalidDigest", 400, "The Content-MD5 you specified was invalid."):
        plain.put_object(Bucket=bucket, Key="k", Body=BODY, ContentMD5="nonsense")


def test_attributes(s3: Any, bucket: str, put: Callable[..., Any]) -> None:
    put("k", BODY, ChecksumAlgorithm="SHA256")
    told = s3.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
    )
    assert told["ETag"] == hashlib.md5(BODY).hexdigest()
    assert told["Checksum"] == {"ChecksumSHA256": encoded("SHA256"), "ChecksumType": "FULL_OBJECT"}
    assert (told["StorageClass"], told["ObjectSize"]) == ("STANDARD", len(BODY))
    assert "ObjectParts" not in told
