"""Object Lock: what is locked is neither deleted nor changed before its time, and then it may go."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import refused

Put = Callable[..., Any]
Get = Callable[..., bytes]

BUCKET = "vault"
NOW = datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
PROTECTED = "Access Denied because object protected by object lock."


@pytest.fixture(autouse=True)
def now(lake: Any) -> None:
    lake.clock.freeze(NOW)


@pytest.fixture
def bucket(s3: Any) -> str:
    s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
    return BUCKET


def retention(mode: str, days: int = 10) -> dict[str, Any]:
    return {"ObjectLockMode": mode, "ObjectLockRetainUntilDate": NOW + days * DAY}


class Locked:
    """One version of the key k."""

    def __init__(self, s3: Any, version: str) -> None:
        self.s3 = s3
        self.of = {"Bucket": BUCKET, "Key": "k", "VersionId": version}

    def retain(self, mode: str, days: int, **more: Any) -> None:
        asked = {"Mode": mode, "RetainUntilDate": NOW + days * DAY}
        self.s3.put_object_retention(**self.of, Retention=asked, **more)

    def hold(self, status: str) -> None:
        self.s3.put_object_legal_hold(**self.of, LegalHold={"Status": status})

    def delete(self, **more: Any) -> None:
        assert self.s3.delete_object(**self.of, **more)["ResponseMetadata"]["HTTPStatusCode"] == 204

    def is_protected(self, **more: Any) -> None:
        with refused("AccessDenied", 403, PROTECTED):
            self.delete(**more)
        self.s3.head_object(**self.of)

    def is_gone(self) -> None:
        with refused("404"):
            self.s3.head_object(**self.of)


@pytest.fixture
def lock(s3: Any, bucket: str, put: Put) -> Callable[..., Locked]:
    def lock(**headers: Any) -> Locked:
        return Locked(s3, put("k", b"kept", **headers)["VersionId"])

    return lock


Lock = Callable[..., Locked]


@pytest.mark.claim("S3-006", "S3-031")
@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_a_retained_version_is_deleted_when_its_date_has_passed(lock: Lock, lake: Any, mode: str) -> None:
    locked = lock(**retention(mode))
    locked.is_protected()
    lake.clock.set(NOW + 10 * DAY - datetime.timedelta(seconds=1))
    locked.is_protected()
    lake.clock.advance(seconds=1)
    locked.delete()
    locked.is_gone()


@pytest.mark.claim("S3-007", "S3-034")
def test_a_locked_version_is_read_as_it_was_written_and_an_upload_makes_another(
    s3: Any, bucket: str, put: Put, get: Get, lock: Lock
) -> None:
    locked = lock(**retention("COMPLIANCE"))
    etag = s3.head_object(**locked.of)["ETag"]
    second = put("k", b"newer")["VersionId"]
    s3.delete_object(Bucket=bucket, Key="k")
    assert second != locked.of["VersionId"]
    for _ in range(3):
        read = s3.get_object(**locked.of)
        assert (read["Body"].read(), read["ETag"]) == (b"kept", etag)
    listed = s3.list_object_versions(Bucket=bucket)
    assert [entry["VersionId"] for entry in listed["Versions"]] == [second, locked.of["VersionId"]]
    assert get("k", VersionId=second) == b"newer"


@pytest.mark.claim("S3-008")
@pytest.mark.parametrize(
    ("span", "until"),
    [({"Days": 30}, NOW + 30 * DAY), ({"Years": 1}, datetime.datetime(2025, 3, 1, 12, tzinfo=datetime.UTC))],
)
def test_new_objects_get_the_buckets_default_and_say_until_when(
    s3: Any, bucket: str, put: Put, span: dict[str, int], until: datetime.datetime
) -> None:
    before = put("before", b"")["VersionId"]
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", **span}}
    configuration = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=configuration)
    assert s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"] == configuration
    put("k", b"x")
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "before"})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    s3.complete_multipart_upload(
        Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]}
    )
    for key in ("k", "copy", "parts"):
        held = s3.get_object_retention(Bucket=bucket, Key=key)["Retention"]
        assert held == {"Mode": "GOVERNANCE", "RetainUntilDate": until}
    put("own", b"", **retention("COMPLIANCE", 1))
    assert s3.get_object_retention(Bucket=bucket, Key="own")["Retention"]["Mode"] == "COMPLIANCE"
    with refused("NoSuchObjectLockConfiguration", 404):
        s3.get_object_retention(Bucket=bucket, Key="before", VersionId=before)


@pytest.mark.claim("S3-009", "S3-017", "S3-032")
def test_a_legal_hold_has_no_end_but_being_taken_off(s3: Any, lock: Lock, lake: Any) -> None:
    locked = lock(**retention("GOVERNANCE", 1))
    locked.hold("ON")
    lake.clock.advance(days=36_500)
    locked.is_protected(BypassGovernanceRetention=True)
    assert s3.get_object_legal_hold(**locked.of)["LegalHold"] == {"Status": "ON"}
    locked.hold("OFF")
    assert s3.get_object_legal_hold(**locked.of)["LegalHold"] == {"Status": "OFF"}
    locked.delete()
    locked.is_gone()


@pytest.mark.claim("S3-010", "S3-028")
def test_a_lock_needs_versioning(s3: Any, put: Put, bucket: str) -> None:
    enabled = {"ObjectLockEnabled": "Enabled"}
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    with refused("InvalidBucketState", 409):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    s3.create_bucket(Bucket="plain")
    with refused("ObjectLockConfigurationNotFoundError", 404):
        s3.get_object_lock_configuration(Bucket="plain")
    with refused("InvalidBucketState", 409):
        s3.put_object_lock_configuration(Bucket="plain", ObjectLockConfiguration=enabled)
    s3.put_object(Bucket="plain", Key="k", Body=b"")
    for ask in (
        lambda: s3.put_object_retention(
            Bucket="plain", Key="k", Retention={"Mode": "GOVERNANCE", "RetainUntilDate": NOW + DAY}
        ),
        lambda: s3.get_object_retention(Bucket="plain", Key="k"),
        lambda: s3.put_object_legal_hold(Bucket="plain", Key="k", LegalHold={"Status": "ON"}),
        lambda: s3.get_object_legal_hold(Bucket="plain", Key="k"),
    ):
        with refused("InvalidRequest", 400, "Bucket is missing Object Lock Configuration"):
            ask()
    with refused("InvalidRequest", 400, "Bucket is missing ObjectLockConfiguration"):
        s3.put_object(Bucket="plain", Key="k", Body=b"", **retention("GOVERNANCE"))
    s3.put_bucket_versioning(Bucket="plain", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object_lock_configuration(Bucket="plain", ObjectLockConfiguration=enabled)
    s3.put_object(Bucket="plain", Key="k", Body=b"", **retention("GOVERNANCE"))


@pytest.mark.claim("S3-011")
def test_there_are_two_modes(s3: Any, bucket: str, lock: Lock) -> None:
    locked = lock()
    with refused("MalformedXML", 400):
        locked.retain("STRICT", 1)
    for mode in ("GOVERNANCE", "COMPLIANCE"):
        locked.retain(mode, 1)
        assert s3.get_object_retention(**locked.of)["Retention"]["Mode"] == mode
    with refused("InvalidArgument", 400, "The retain until date must be in the future!"):
        lock().retain("GOVERNANCE", 0)
    with refused("InvalidArgument", 400):
        lock(ObjectLockMode="GOVERNANCE")


@pytest.mark.claim("S3-012", "S3-013", "S3-014", "S3-040")
def test_compliance_gives_way_to_nobody_and_only_grows(s3: Any, lock: Lock, lake: Any) -> None:
    locked = lock(**retention("COMPLIANCE"))
    assert lake.client("sts").get_caller_identity()["Arn"].endswith(":root")
    locked.is_protected(BypassGovernanceRetention=True)
    for mode, days in (("GOVERNANCE", 20), ("COMPLIANCE", 9)):
        with refused("AccessDenied", 403, PROTECTED):
            locked.retain(mode, days, BypassGovernanceRetention=True)
    with refused("AccessDenied", 403):
        s3.put_object_retention(**locked.of, Retention={}, BypassGovernanceRetention=True)
    locked.retain("COMPLIANCE", 11)
    lake.clock.advance(days=10)
    locked.is_protected(BypassGovernanceRetention=True)
    lake.clock.advance(days=1)
    locked.delete()
    locked.is_gone()


@pytest.mark.claim("S3-037", "S3-039")
def test_governance_gives_way_to_the_header_and_to_nothing_less(s3: Any, lock: Lock) -> None:
    locked, strict = lock(**retention("GOVERNANCE")), lock(**retention("COMPLIANCE"))
    locked.is_protected()
    with refused("AccessDenied", 403):
        locked.retain("GOVERNANCE", 5)
    locked.retain("GOVERNANCE", 20)
    locked.retain("GOVERNANCE", 5, BypassGovernanceRetention=True)
    assert s3.get_object_retention(**locked.of)["Retention"]["RetainUntilDate"] == NOW + 5 * DAY
    locked.delete(BypassGovernanceRetention=True)
    locked.is_gone()
    strict.is_protected(BypassGovernanceRetention=True)


def test_a_governance_retention_is_removed_with_the_header(s3: Any, lock: Lock) -> None:
    locked = lock(**retention("GOVERNANCE"))
    s3.put_object_retention(**locked.of, Retention={}, BypassGovernanceRetention=True)
    locked.delete()
    locked.is_gone()


@pytest.mark.claim("S3-029")
def test_deleting_many_leaves_the_locked_and_says_so(s3: Any, bucket: str, put: Put, lock: Lock) -> None:
    locked = lock(**retention("GOVERNANCE"))
    free = put("free", b"")["VersionId"]
    named = [{"Key": "k", "VersionId": locked.of["VersionId"]}, {"Key": "free", "VersionId": free}]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": named})
    assert answer["Deleted"] == [named[1]]
    assert answer["Errors"] == [{**named[0], "Code": "AccessDenied", "Message": PROTECTED}]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": named[:1]}, BypassGovernanceRetention=True)
    assert answer["Deleted"] == named[:1]


@pytest.mark.claim("S3-030")
@pytest.mark.parametrize("is_held", [False, True])
@pytest.mark.parametrize("is_retained", [False, True])
def test_a_version_may_have_either_lock_or_both(s3: Any, lock: Lock, is_retained: bool, is_held: bool) -> None:
    headers = retention("GOVERNANCE") if is_retained else {}
    locked = lock(**headers, **({"ObjectLockLegalHoldStatus": "ON"} if is_held else {}))
    told = s3.head_object(**locked.of)
    assert told.get("ObjectLockMode") == ("GOVERNANCE" if is_retained else None)
    assert told.get("ObjectLockRetainUntilDate") == (NOW + 10 * DAY if is_retained else None)
    assert told.get("ObjectLockLegalHoldStatus") == ("ON" if is_held else None)
    if is_retained or is_held:
        locked.is_protected()
    else:
        locked.delete()
        locked.is_gone()


@pytest.mark.parametrize(
    "default",
    [
        {"Mode": "GOVERNANCE"},
        {"Mode": "GOVERNANCE", "Days": 1, "Years": 1},
        {"Days": 1},
        {"Mode": "SOFT", "Days": 1},
    ],
)
def test_a_default_has_a_mode_and_one_span(s3: Any, bucket: str, default: dict[str, Any]) -> None:
    configuration = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": default}}
    with refused("MalformedXML", 400):
        s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=configuration)
    with refused("MalformedXML", 400):
        s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration={})
    with refused("MissingRequestBodyError", 400, "Request Body is empty"):
        s3.put_object_lock_configuration(Bucket=bucket)
