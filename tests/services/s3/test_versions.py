"""Versioning: enabled, suspended, delete markers, and their listing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import refused

Put = Callable[..., Any]
Get = Callable[..., bytes]


@pytest.fixture
def versioned(s3: Any, bucket: str) -> str:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def suspend(s3: Any, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


def all_versions(s3: Any, bucket: str, **more: Any) -> list[tuple[str, str, bool, bool]]:
    """(key, version, is latest, is a marker) of every page, versions before markers."""
    found = []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, **more):
        for member, is_marker in (("Versions", False), ("DeleteMarkers", True)):
            found += [(e["Key"], e["VersionId"], e["IsLatest"], is_marker) for e in page.get(member, [])]
    return found


def test_versioning_is_told(s3: Any, bucket: str) -> None:
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    for status in ("Enabled", "Suspended"):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == status
    with refused("IllegalVersioningConfigurationException", 400):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={})


@pytest.mark.claim("S3-035")
def test_every_put_makes_a_version_and_the_old_ones_stay_readable(s3: Any, versioned: str, put: Put, get: Get) -> None:
    ids = [put("k", b"%d" % number)["VersionId"] for number in range(3)]
    assert len(set(ids)) == 3
    assert get("k") == b"2"
    assert [get("k", VersionId=each) for each in ids] == [b"0", b"1", b"2"]
    assert all_versions(s3, versioned) == [
        ("k", ids[2], True, False),
        ("k", ids[1], False, False),
        ("k", ids[0], False, False),
    ]


@pytest.mark.claim("S3-537")
def test_a_delete_leaves_a_marker_and_the_versions(s3: Any, versioned: str, put: Put, get: Get) -> None:
    version = put("k", b"kept")["VersionId"]
    deleted = s3.delete_object(Bucket=versioned, Key="k")
    assert deleted["DeleteMarker"] is True
    with refused("NoSuchKey", 404) as told:
        s3.get_object(Bucket=versioned, Key="k")
    assert told["Headers"]["x-amz-delete-marker"] == "true"
    assert told["Headers"]["x-amz-version-id"] == deleted["VersionId"]
    assert get("k", VersionId=version) == b"kept"
    with refused("MethodNotAllowed", 405):
        s3.get_object(Bucket=versioned, Key="k", VersionId=deleted["VersionId"])
    assert s3.list_objects_v2(Bucket=versioned)["KeyCount"] == 0
    undone = s3.delete_object(Bucket=versioned, Key="k", VersionId=deleted["VersionId"])
    assert (undone["DeleteMarker"], undone["VersionId"]) == (True, deleted["VersionId"])
    assert get("k") == b"kept"


def test_deleting_the_current_version_brings_the_one_before(s3: Any, versioned: str, put: Put, get: Get) -> None:
    first, second = (put("k", body)["VersionId"] for body in (b"1", b"2"))
    s3.delete_object(Bucket=versioned, Key="k", VersionId=second)
    assert get("k") == b"1"
    s3.delete_object(Bucket=versioned, Key="k", VersionId=first)
    with refused("NoSuchKey", 404) as told:
        s3.get_object(Bucket=versioned, Key="k")
    assert "x-amz-delete-marker" not in told["Headers"]


def test_what_was_there_before_versioning_is_the_null_version(s3: Any, bucket: str, put: Put, get: Get) -> None:
    assert "VersionId" not in put("k", b"before")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert s3.head_object(Bucket=bucket, Key="k")["VersionId"] == "null"
    put("k", b"after")
    assert get("k", VersionId="null") == b"before"


def test_suspended_versioning_writes_the_null_version(s3: Any, versioned: str, put: Put, get: Get) -> None:
    kept = put("k", b"kept")["VersionId"]
    suspend(s3, versioned)
    assert put("k", b"null 1")["VersionId"] == "null"
    put("k", b"null 2")
    assert all_versions(s3, versioned) == [("k", "null", True, False), ("k", kept, False, False)]
    s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Enabled"})
    newer = put("k", b"newer")["VersionId"]
    suspend(s3, versioned)
    deleted = s3.delete_object(Bucket=versioned, Key="k")  # the null version gives way to a null marker
    assert deleted["VersionId"] == "null"
    assert all_versions(s3, versioned) == [
        ("k", newer, False, False),
        ("k", kept, False, False),
        ("k", "null", True, True),
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_versions_are_listed_by_page(s3: Any, versioned: str, put: Put, size: int) -> None:
    expected = set()
    for key in ("a", "b/1", "b/2", "c"):
        expected |= {(key, put(key)["VersionId"]) for _ in range(3)}
    s3.delete_object(Bucket=versioned, Key="a")
    found = all_versions(s3, versioned, PaginationConfig={"PageSize": size})
    assert {each[:2] for each in found if not each[3]} == expected
    assert [each[:1] + each[2:] for each in found if each[3]] == [("a", True, True)]
    assert len(found) == 13
    folded = s3.list_object_versions(Bucket=versioned, Delimiter="/", Prefix="")
    assert [each["Prefix"] for each in folded["CommonPrefixes"]] == ["b/"]
    assert {each["Key"] for each in folded["Versions"]} == {"a", "c"}


def test_a_version_that_is_not_there(s3: Any, versioned: str, put: Put) -> None:
    put("k")
    with refused("NoSuchVersion", 404, "The specified version does not exist."):
        s3.get_object(Bucket=versioned, Key="k", VersionId="x" * 32)
    s3.delete_object(Bucket=versioned, Key="k", VersionId="x" * 32)  # deleted already
    with refused("InvalidArgument", 400):
        s3.list_object_versions(Bucket=versioned, VersionIdMarker="x" * 32)


@pytest.mark.parametrize(
    ("version_id", "message"),
    [("unknown", "Invalid version id specified"), ("", "Version id cannot be the empty string")],
)
def test_a_version_id_that_cannot_be_one(s3: Any, versioned: str, put: Put, version_id: str, message: str) -> None:
    put("k")
    asks = [s3.get_object, s3.get_object_tagging, s3.delete_object_tagging, s3.get_object_acl, s3.delete_object]
    for ask in asks:
        for key in ("k", "no such key"):
            with refused("InvalidArgument", 400, message):
                ask(Bucket=versioned, Key=key, VersionId=version_id)
    with pytest.raises(ClientError) as caught:
        s3.head_object(Bucket=versioned, Key="k", VersionId=version_id)
    assert caught.value.response["Error"]["Code"] == "400"


def test_a_listing_does_not_begin_at_what_is_no_version_id(s3: Any, versioned: str, put: Put) -> None:
    put("k")
    with refused("InvalidArgument", 400, "Invalid version id specified"):
        s3.list_object_versions(Bucket=versioned, KeyMarker="k", VersionIdMarker="unknown")


def test_deleting_many_counts_a_malformed_version_id_as_a_missing_version(s3: Any, versioned: str, put: Put) -> None:
    put("k")
    wanted = [{"Key": "k", "VersionId": "unknown"}, {"Key": "k", "VersionId": "x" * 32}]
    answer = s3.delete_objects(Bucket=versioned, Delete={"Objects": wanted})
    error = {"Code": "NoSuchVersion", "Message": "The specified version does not exist."}
    assert answer["Errors"] == [{**wanted[0], **error}]
    assert answer["Deleted"] == [wanted[1]]


def test_deleting_many_makes_markers_and_removes_versions(s3: Any, versioned: str, put: Put) -> None:
    version = put("a")["VersionId"]
    put("b")
    done = s3.delete_objects(Bucket=versioned, Delete={"Objects": [{"Key": "a", "VersionId": version}, {"Key": "b"}]})[
        "Deleted"
    ]
    assert done[0] == {"Key": "a", "VersionId": version}
    assert done[1]["DeleteMarker"] is True
    assert [each for each in all_versions(s3, versioned) if each[0] == "a"] == []


def test_tags_belong_to_a_version(s3: Any, versioned: str, put: Put) -> None:
    first = put("k", b"1", Tagging="n=1")["VersionId"]
    put("k", b"2", Tagging="n=2")
    s3.put_object_tagging(
        Bucket=versioned, Key="k", VersionId=first, Tagging={"TagSet": [{"Key": "n", "Value": "one"}]}
    )
    assert s3.get_object_tagging(Bucket=versioned, Key="k")["TagSet"] == [{"Key": "n", "Value": "2"}]
    assert s3.get_object_tagging(Bucket=versioned, Key="k", VersionId=first)["TagSet"] == [{"Key": "n", "Value": "one"}]
