"""Copies: the same bytes under another name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import refused

Put = Callable[..., Any]
Get = Callable[..., bytes]


@pytest.fixture
def copy(s3: Any, bucket: str) -> Callable[..., Any]:
    def copy(source: str, key: str, **more: Any) -> Any:
        return s3.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": source}, **more)

    return copy


def test_a_copy_has_the_bytes_the_metadata_and_the_tags(
    s3: Any, bucket: str, put: Put, get: Get, copy: Callable[..., Any]
) -> None:
    etag = put("ä/source", b"x" * 50_000, ContentType="text/csv", Metadata={"a": "b"}, Tagging="t=1")["ETag"]
    copied = copy("ä/source", "copy")
    assert copied["CopyObjectResult"]["ETag"] == etag
    put("ä/source", b"changed")
    assert get("copy") == b"x" * 50_000
    head = s3.head_object(Bucket=bucket, Key="copy")
    assert (head["ContentType"], head["Metadata"]) == ("text/csv", {"a": "b"})
    assert s3.get_object_tagging(Bucket=bucket, Key="copy")["TagSet"] == [{"Key": "t", "Value": "1"}]


def test_a_copy_may_say_otherwise(s3: Any, bucket: str, put: Put, copy: Callable[..., Any]) -> None:
    put("source", b"x", ContentType="text/csv", Metadata={"a": "b"}, Tagging="t=1", StorageClass="STANDARD_IA")
    copy("source", "copy", MetadataDirective="REPLACE", Metadata={"c": "d"}, TaggingDirective="REPLACE", Tagging="u=2")
    head = s3.head_object(Bucket=bucket, Key="copy")
    assert (head["ContentType"], head["Metadata"]) == ("binary/octet-stream", {"c": "d"})
    assert "StorageClass" not in head
    assert s3.get_object_tagging(Bucket=bucket, Key="copy")["TagSet"] == [{"Key": "u", "Value": "2"}]


def test_a_copy_onto_itself_must_change_something(
    s3: Any, bucket: str, put: Put, get: Get, copy: Callable[..., Any]
) -> None:
    put("k", b"x" * 20_000)
    with refused("InvalidRequest", 400) as told:
        copy("k", "k")
    assert told["Message"].startswith("This copy request is illegal")
    copy("k", "k", StorageClass="STANDARD_IA")
    copy("k", "k", MetadataDirective="REPLACE", Metadata={"a": "b"})
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"a": "b"}
    assert get("k") == b"x" * 20_000


def test_another_checksum_is_computed(s3: Any, bucket: str, put: Put, copy: Callable[..., Any]) -> None:
    expected = put("direct", b"x" * 20_000, ChecksumAlgorithm="SHA256")["ChecksumSHA256"]
    put("source", b"x" * 20_000)
    assert copy("source", "copy", ChecksumAlgorithm="SHA256")["CopyObjectResult"]["ChecksumSHA256"] == expected


def test_conditions_on_the_source(put: Put, copy: Callable[..., Any]) -> None:
    etag = put("source", b"x")["ETag"]
    copy("source", "copy", CopySourceIfMatch=etag)
    for unmet in ({"CopySourceIfMatch": '"z"'}, {"CopySourceIfNoneMatch": etag}):
        with refused("PreconditionFailed", 412):
            copy("source", "copy", **unmet)


def test_what_is_not_there_is_not_copied(s3: Any, bucket: str, copy: Callable[..., Any]) -> None:
    with refused("NoSuchKey", 404):
        copy("missing", "copy")
    with refused("NoSuchBucket", 404):
        s3.copy_object(Bucket=bucket, Key="k", CopySource={"Bucket": "nowhere", "Key": "k"})
    with refused("InvalidArgument", 400):
        s3.copy_object(Bucket=bucket, Key="k", CopySource="no-key")


def test_an_earlier_version_is_brought_back(s3: Any, bucket: str, put: Put, get: Get) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = put("k", b"1")["VersionId"]
    put("k", b"2")
    source = {"Bucket": bucket, "Key": "k", "VersionId": first}
    copied = s3.copy_object(Bucket=bucket, Key="k", CopySource=source)
    assert copied["CopySourceVersionId"] == first
    assert copied["VersionId"] != first
    assert get("k") == b"1"


def test_buckets_of_two_regions(s3: Any, lake: Any, put: Put) -> None:
    put("k", b"far")
    west = lake.client("s3", region="us-west-2")
    west.create_bucket(Bucket="western", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    west.copy_object(Bucket="western", Key="k", CopySource={"Bucket": "lake-of-tests", "Key": "k"})
    assert west.get_object(Bucket="western", Key="k")["Body"].read() == b"far"
