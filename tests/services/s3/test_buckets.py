"""Buckets: one namespace for all accounts and regions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pocketlake.services.s3 import quotas

from .conftest import refused


def test_a_bucket_is_made_listed_and_deleted(s3: Any) -> None:
    made = s3.create_bucket(Bucket="first")
    assert made["Location"] == "/first"
    assert s3.head_bucket(Bucket="first")["BucketRegion"] == "us-east-1"
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["first"]
    s3.delete_bucket(Bucket="first")
    assert s3.list_buckets()["Buckets"] == []
    with refused("404", 404):
        s3.head_bucket(Bucket="first")


@pytest.mark.parametrize("name", ["Upper-Case", "192.168.1.1", "a_b", "two..dots"])
def test_a_bad_name_is_refused(s3: Any, name: str) -> None:
    with refused("InvalidBucketName", 400, "The specified bucket is not valid."):
        s3.create_bucket(Bucket=name)


def test_creating_it_again_is_fine_in_us_east_1_only(s3: Any, lake: Any) -> None:
    s3.create_bucket(Bucket="mine")
    s3.create_bucket(Bucket="mine")
    west = lake.client("s3", region="us-west-2")
    where = {"LocationConstraint": "us-west-2"}
    west.create_bucket(Bucket="mine-too", CreateBucketConfiguration=where)
    with refused("BucketAlreadyOwnedByYou", 409):
        west.create_bucket(Bucket="mine-too", CreateBucketConfiguration=where)


def test_a_name_taken_by_another_account_is_taken(s3: Any, lake: Any) -> None:
    s3.create_bucket(Bucket="mine")
    other = lake.client("s3", account="111122223333")
    with refused("BucketAlreadyExists", 409):
        other.create_bucket(Bucket="mine")
    assert other.list_buckets()["Buckets"] == []
    with refused("AccessDenied", 403):
        other.list_objects_v2(Bucket="mine")
    with refused("403", 403):
        other.head_bucket(Bucket="mine")


def test_expected_bucket_owner_guards_against_the_wrong_account(s3: Any, bucket: str) -> None:
    s3.head_bucket(Bucket=bucket, ExpectedBucketOwner="000000000000")
    with refused("AccessDenied", 403):
        s3.get_bucket_location(Bucket=bucket, ExpectedBucketOwner="111122223333")


@pytest.mark.parametrize(
    ("region", "constraint", "code"),
    [
        ("us-east-1", None, None),
        ("us-east-1", "eu-west-1", None),
        ("us-east-1", "us-east-1", "InvalidLocationConstraint"),
        ("us-east-1", "nowhere", "InvalidLocationConstraint"),
        ("eu-west-1", "eu-west-1", None),
        ("eu-west-1", "EU", None),
        ("eu-west-1", "us-west-2", "IllegalLocationConstraintException"),
        ("eu-west-1", "us-east-1", "IllegalLocationConstraintException"),
        ("eu-west-1", "nowhere", "IllegalLocationConstraintException"),
        ("eu-west-1", None, "IllegalLocationConstraintException"),
    ],
)
def test_location_constraints(lake: Any, region: str, constraint: str | None, code: str | None) -> None:
    s3 = lake.client("s3", region=region)
    more = {"CreateBucketConfiguration": {"LocationConstraint": constraint}} if constraint else {}
    if code:
        with refused(code, 400):
            s3.create_bucket(Bucket="located", **more)
        return
    s3.create_bucket(Bucket="located", **more)
    home = "eu-west-1" if constraint == "EU" else constraint
    at_home = lake.client("s3", region=home or "us-east-1")
    assert at_home.get_bucket_location(Bucket="located")["LocationConstraint"] == home


@pytest.mark.claim("S3-517")
def test_a_bucket_stays_in_its_region_and_says_so_to_others(lake: Any) -> None:
    lake.client("s3", region="eu-west-1").create_bucket(
        Bucket="settled", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    east = lake.client("s3", region="us-east-1")
    asked: list[int] = []
    east.meta.events.register(
        "response-received.s3", lambda response_dict, **_: asked.append(response_dict["status_code"])
    )
    assert east.get_bucket_location(Bucket="settled")["LocationConstraint"] == "eu-west-1"  # boto3 follows
    assert (asked[0], asked[-1]) == (301, 200)


def test_buckets_are_listed_by_page_prefix_and_region(s3: Any, lake: Any) -> None:
    for name in ("ant", "bee", "beetle", "cat"):
        s3.create_bucket(Bucket=name)
    s3.create_bucket(Bucket="beast", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    pages = s3.get_paginator("list_buckets").paginate(Prefix="be", PaginationConfig={"PageSize": 2})
    found = [[bucket["Name"] for bucket in page["Buckets"]] for page in pages]
    assert found == [["beast", "bee"], ["beetle"]]
    only = s3.list_buckets(BucketRegion="eu-west-1")["Buckets"]
    assert [(bucket["Name"], bucket["BucketRegion"]) for bucket in only] == [("beast", "eu-west-1")]
    with refused("InvalidArgument"):
        s3.list_buckets(ContinuationToken="made-up")


def test_a_bucket_with_content_is_not_deleted(s3: Any, bucket: str, put: Callable[..., Any]) -> None:
    put("k")
    with refused("BucketNotEmpty", 409, "The bucket you tried to delete is not empty"):
        s3.delete_bucket(Bucket=bucket)
    s3.delete_object(Bucket=bucket, Key="k")
    s3.create_multipart_upload(Bucket=bucket, Key="unfinished")
    s3.delete_bucket(Bucket=bucket)


@pytest.mark.claim("S3-520")
def test_a_versioned_bucket_is_not_deleted_while_versions_remain(s3: Any, bucket: str, put: Callable[..., Any]) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = put("k")["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    with refused("BucketNotEmpty", 409):
        s3.delete_bucket(Bucket=bucket)
    for each in (version, marker):
        s3.delete_object(Bucket=bucket, Key="k", VersionId=each)
    s3.delete_bucket(Bucket=bucket)


@pytest.mark.claim("S3-516")
def test_an_account_has_so_many_buckets(s3: Any, lake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert quotas.BUCKETS.value == 10_000
    monkeypatch.setattr(quotas, "BUCKETS", replace(quotas.BUCKETS, value=2))
    for name in ("one-bucket", "two-buckets"):
        s3.create_bucket(Bucket=name)
    with refused("TooManyBuckets", 400):
        s3.create_bucket(Bucket="three-buckets")
    lake.client("s3", account="111122223333").create_bucket(Bucket="of-another-account")


def test_what_is_in_a_bucket_that_is_not_there(s3: Any) -> None:
    with refused("NoSuchBucket", 404, "The specified bucket does not exist") as told:
        s3.list_objects_v2(Bucket="nowhere")
    assert told["BucketName"] == "nowhere"
    with refused("NoSuchBucket", 404):
        s3.put_object(Bucket="nowhere", Key="k", Body=b"x")


def test_what_is_not_built_says_so(s3: Any, bucket: str) -> None:
    with refused("NotImplemented", 501):
        s3.put_bucket_lifecycle_configuration(
            Bucket=bucket,
            LifecycleConfiguration={
                "Rules": [{"ID": "r", "Status": "Enabled", "Prefix": "", "Expiration": {"Days": 1}}]
            },
        )
    with refused("NotImplemented", 501):
        s3.put_object(Bucket=bucket, Key="k", Body=b"", ServerSideEncryption="aws:kms")


def test_the_accounts_own_regional_namespace(s3: Any) -> None:
    name = "mine-000000000000-us-east-1-an"
    s3.create_bucket(Bucket=name, BucketNamespace="account-regional")
    s3.head_bucket(Bucket=name)
    with refused("InvalidNamespaceHeader", 400):
        s3.create_bucket(Bucket="mine", BucketNamespace="account-regional")
    with refused("InvalidBucketName", 400):
        s3.create_bucket(Bucket="theirs-000000000000-us-east-1-an")
