"""Archived objects: their bytes are read hours after a restore was asked for, and for as many days as it said."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import refused

Put = Callable[..., Any]
Get = Callable[..., bytes]

NOON = datetime.datetime(2024, 10, 15, 12, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def noon(lake: Any) -> None:
    lake.clock.freeze(NOON)


def restore(s3: Any, bucket: str, days: int = 3, tier: str = "Standard", **more: Any) -> int:
    """The status of the answer."""
    asked = {"Days": days, "GlacierJobParameters": {"Tier": tier}}
    answer = s3.restore_object(Bucket=bucket, Key="k", RestoreRequest=asked, **more)
    return int(answer["ResponseMetadata"]["HTTPStatusCode"])


def told(s3: Any, bucket: str) -> str | None:
    said: str | None = s3.head_object(Bucket=bucket, Key="k").get("Restore")
    return said


@pytest.mark.claim("S3-514")
@pytest.mark.parametrize(
    ("storage_class", "tier", "hours"),
    [
        ("DEEP_ARCHIVE", "Standard", 12),
        ("DEEP_ARCHIVE", "Bulk", 48),
        ("GLACIER", "Standard", 5),
        ("GLACIER", "Bulk", 12),
        ("GLACIER", "Expedited", 5 / 60),
    ],
)
def test_an_archived_object_is_read_when_its_restore_is_done(
    s3: Any, bucket: str, put: Put, get: Get, lake: Any, storage_class: str, tier: str, hours: float
) -> None:
    put("k", b"from the cellar", StorageClass=storage_class)
    assert told(s3, bucket) is None
    with refused("InvalidObjectState", 403, "The operation is not valid for the object's storage class"):
        get("k")
    assert restore(s3, bucket, tier=tier) == 202
    assert told(s3, bucket) == 'ongoing-request="true"'
    lake.clock.advance(seconds=hours * 3600 - 1)
    with refused("InvalidObjectState", 403):
        get("k")
    lake.clock.advance(seconds=1)
    assert get("k") == b"from the cellar"
    assert s3.head_object(Bucket=bucket, Key="k")["StorageClass"] == storage_class


@pytest.mark.claim("S3-515")
def test_deep_archive_has_no_expedited_retrieval(s3: Any, bucket: str, put: Put) -> None:
    put("k", b"x", StorageClass="DEEP_ARCHIVE")
    with refused("InvalidArgument", 400, "Retrieval option is not supported by this storage class"):
        restore(s3, bucket, tier="Expedited")
    assert told(s3, bucket) is None


def test_a_copy_lives_its_days_and_to_the_midnight_after(s3: Any, bucket: str, put: Put, get: Get, lake: Any) -> None:
    put("k", b"x", StorageClass="GLACIER")
    restore(s3, bucket, days=3)
    lake.clock.advance(hours=5)
    assert told(s3, bucket) == 'ongoing-request="false", expiry-date="Sat, 19 Oct 2024 00:00:00 GMT"'
    lake.clock.advance(hours=1)
    assert restore(s3, bucket, days=1) == 200, "a copy that is there is kept for another span from now"
    assert told(s3, bucket) == 'ongoing-request="false", expiry-date="Thu, 17 Oct 2024 00:00:00 GMT"'
    lake.clock.set(datetime.datetime(2024, 10, 16, 23, 59, 59, tzinfo=datetime.UTC))
    assert get("k") == b"x"
    lake.clock.advance(seconds=1)
    with refused("InvalidObjectState", 403):
        get("k")
    assert told(s3, bucket) is None
    assert restore(s3, bucket) == 202


def test_a_restore_that_runs_can_be_hastened_and_nothing_else(
    s3: Any, bucket: str, put: Put, get: Get, lake: Any
) -> None:
    put("k", b"x", StorageClass="GLACIER")
    assert restore(s3, bucket, tier="Standard") == 202
    for tier in ("Standard", "Bulk"):
        with refused("RestoreAlreadyInProgress", 409, "Object restore is already in progress"):
            restore(s3, bucket, tier=tier)
    assert restore(s3, bucket, tier="Expedited") == 202
    lake.clock.advance(minutes=5)
    assert get("k") == b"x"


def test_only_archived_objects_are_restored(s3: Any, bucket: str, put: Put) -> None:
    put("k", b"x")
    with refused("InvalidObjectState", 403, "Restore is not allowed for the object's current storage class"):
        restore(s3, bucket)
    put("k", b"x", StorageClass="INTELLIGENT_TIERING")
    with refused("ObjectAlreadyInActiveTierError", 403):
        restore(s3, bucket)
    put("k", b"x", StorageClass="GLACIER")
    with refused("InvalidArgument", 400):
        restore(s3, bucket, days=0)
    with refused("MalformedXML", 400):
        s3.restore_object(Bucket=bucket, Key="k", RestoreRequest={"GlacierJobParameters": {"Tier": "Bulk"}})
    s3.delete_object(Bucket=bucket, Key="k")
    with refused("NoSuchKey", 404):
        restore(s3, bucket)


def test_a_restored_object_is_copied_for_good(s3: Any, bucket: str, put: Put, get: Get, lake: Any) -> None:
    put("k", b"x", StorageClass="GLACIER")
    source = {"Bucket": bucket, "Key": "k"}
    with refused("ObjectNotInActiveTierError", 403):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)
    restore(s3, bucket, tier="Expedited")
    lake.clock.advance(minutes=5)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)
    s3.copy_object(Bucket=bucket, Key="cold", CopySource=source, StorageClass="GLACIER")
    lake.clock.advance(days=10)
    assert get("copy") == b"x"
    assert "Restore" not in s3.head_object(Bucket=bucket, Key="cold")


def test_a_version_is_restored_alone_and_an_overwrite_is_archived_anew(
    s3: Any, bucket: str, put: Put, get: Get, lake: Any
) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = put("k", b"1", StorageClass="GLACIER")["VersionId"]
    put("k", b"2", StorageClass="GLACIER")
    restore(s3, bucket, tier="Expedited", VersionId=first)
    lake.clock.advance(minutes=5)
    assert get("k", VersionId=first) == b"1"
    with refused("InvalidObjectState", 403):
        get("k")


@pytest.mark.parametrize("version", ["list_objects", "list_objects_v2"])
def test_a_listing_tells_of_restores_when_asked(s3: Any, bucket: str, put: Put, lake: Any, version: str) -> None:
    for key in ("k", "other"):
        put(key, b"x", StorageClass="GLACIER")
    put("warm", b"x")
    restore(s3, bucket, tier="Expedited")

    def listed() -> dict[str, Any]:
        answer = getattr(s3, version)(Bucket=bucket, OptionalObjectAttributes=["RestoreStatus"])
        return {entry["Key"]: entry.get("RestoreStatus") for entry in answer["Contents"]}

    assert listed() == {"k": {"IsRestoreInProgress": True}, "other": None, "warm": None}
    lake.clock.advance(minutes=5)
    until = datetime.datetime(2024, 10, 19, tzinfo=datetime.UTC)
    assert listed()["k"] == {"IsRestoreInProgress": False, "RestoreExpiryDate": until}
    assert "RestoreStatus" not in getattr(s3, version)(Bucket=bucket)["Contents"][0]
