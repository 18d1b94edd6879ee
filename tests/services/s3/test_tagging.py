"""Tags of objects and buckets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import refused

Put = Callable[..., Any]


def tags(count: int) -> dict[str, Any]:
    return {"TagSet": [{"Key": f"k{number}", "Value": "v"} for number in range(count)]}


@pytest.mark.claim("S3-540")
def test_an_object_has_ten_tags_at_most(s3: Any, bucket: str, put: Put) -> None:
    put("k", b"", Tagging="PII=true&empty=")
    told = s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]
    assert told == [{"Key": "PII", "Value": "true"}, {"Key": "empty", "Value": ""}]
    assert s3.head_object(Bucket=bucket, Key="k")["TagCount"] == 2
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=tags(10))
    with refused("BadRequest", 400, "Object tags cannot be greater than 10"):
        s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=tags(11))
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


@pytest.mark.parametrize(
    "tag",
    [
        {"Key": "k" * 129, "Value": ""},
        {"Key": "k", "Value": "v" * 257},
        {"Key": "aws:mine", "Value": ""},
        {"Key": "bad<", "Value": ""},
    ],
)
def test_bad_tags(s3: Any, bucket: str, put: Put, tag: dict[str, str]) -> None:
    put("k")
    with refused("InvalidTag", 400):
        s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [tag]})
    with refused("InvalidTag", 400):
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [tag]})


def test_the_same_key_twice(s3: Any, bucket: str) -> None:
    twice = {"TagSet": [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}]}
    with refused("InvalidTag", 400, "Cannot provide multiple Tags with the same key"):
        s3.put_bucket_tagging(Bucket=bucket, Tagging=twice)


def test_bucket_tags(s3: Any, bucket: str) -> None:
    with refused("NoSuchTagSet", 404, "The TagSet does not exist"):
        s3.get_bucket_tagging(Bucket=bucket)
    s3.put_bucket_tagging(Bucket=bucket, Tagging=tags(2))
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags(2)["TagSet"]
    s3.delete_bucket_tagging(Bucket=bucket)
    with refused("NoSuchTagSet", 404):
        s3.get_bucket_tagging(Bucket=bucket)


def test_a_bucket_may_be_made_with_tags(s3: Any) -> None:
    s3.create_bucket(Bucket="tagged", CreateBucketConfiguration={"Tags": tags(1)["TagSet"]})
    assert s3.get_bucket_tagging(Bucket="tagged")["TagSet"] == tags(1)["TagSet"]
