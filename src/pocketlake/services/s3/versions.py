"""Versions: which one is current, what becomes of the one before, and what a delete leaves behind.

A bucket that never had versioning keeps one version a key, named "null". Enabled: every write makes a version of its
own. Suspended: writes replace the "null" version and leave the others.
Source: S3 User Guide, "How S3 Versioning works".
"""

from __future__ import annotations

import secrets
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.services.s3 import locks, store
from pocketlake.services.s3.buckets import configure, find
from pocketlake.services.s3.service import errors, s3
from pocketlake.services.s3.store import NULL_VERSION, Bucket, Version

ENABLED = "Enabled"
ID_LENGTH = 32  # 24 random bytes in base64


def second(call: Call) -> float:
    """Now, as S3 dates objects: in whole seconds, the same in headers and in listings."""
    return float(int(call.now))


def new_id(bucket: Bucket) -> str:
    """The id that the next write to the bucket gets: 32 characters, or "null"."""
    return secrets.token_urlsafe(24) if bucket.versioning == ENABLED else NULL_VERSION


def shown_id(bucket: Bucket, version: Version) -> str | None:
    """The version's id as answers tell it: not at all where versioning never was."""
    return version.version if bucket.versioning else None


def pick(call: Call, bucket: Bucket, key: str, version_id: str | None) -> Version | None:
    """A version by its id, or the current one, delete markers included."""
    if version_id:
        return store.find_version(call.db, bucket.id, key, version_id)
    return store.current(call.db, bucket.id, key)


def readable(call: Call, bucket: Bucket, request: dict[str, Any], prefix: str = "") -> Version:
    """The version that a request reads: what is missing or deleted answers as S3 does.  [S3-035, S3-523]"""
    key, version_id = request[prefix + "Key"], request.get(prefix + "VersionId")
    if version_id is not None:
        check_id(version_id)
    version = pick(call, bucket, key, version_id)
    if version is None:
        if version_id:
            raise errors.NoSuchVersion("The specified version does not exist.", Key=key, VersionId=version_id)
        raise errors.NoSuchKey("The specified key does not exist.", Key=key)
    if version.is_marker:
        headers = {"x-amz-delete-marker": "true", "x-amz-version-id": version.version}
        if version_id:
            raise errors.MethodNotAllowed(
                "The specified method is not allowed against this resource.",
                Method=call.request.method if call.request is not None else "GET",
                ResourceType="DeleteMarker",
                ResponseMetadata={"HTTPHeaders": {**headers, "Allow": "DELETE"}},
            )
        raise errors.NoSuchKey("The specified key does not exist.", Key=key, ResponseMetadata={"HTTPHeaders": headers})
    return version


def check_id(version_id: str, argument: str = "versionId") -> None:
    """An id that S3 can't have made is an invalid argument, not a missing version: VersionId="unknown" answers 400.

    One of the right form that no version has is NoSuchVersion to those who read, and deleted already to those who
    delete. The API reference calls ids opaque strings of at most 1,024 bytes; S3's own have 32 characters.
    """
    if not version_id:
        raise errors.InvalidArgument(
            "Version id cannot be the empty string", ArgumentName=argument, ArgumentValue=version_id
        )
    if not is_id(version_id):
        raise errors.InvalidArgument("Invalid version id specified", ArgumentName=argument, ArgumentValue=version_id)


def is_id(version_id: str) -> bool:
    return version_id == NULL_VERSION or len(version_id) == ID_LENGTH


def add(call: Call, bucket: Bucket, version: Version) -> None:
    """Make this the key's current version; what it replaces is kept or dropped as the bucket's versioning says.

    [S3-035, S3-537]
    """
    if locks.SETTING in bucket.settings:
        version = locks.with_default(bucket, version)
    old = store.current(call.db, bucket.id, version.key)
    if old is not None:
        if old.version == version.version:  # "null" replaces "null"
            discard_bytes(call, old)
        else:
            store.supersede(call.db, bucket.id, old, call.now)
    if bucket.versioning and version.version == NULL_VERSION:
        _discard_noncurrent(call, bucket, version.key, NULL_VERSION)
    store.put_current(call.db, bucket.id, version)


def remove(call: Call, bucket: Bucket, key: str, version_id: str) -> Version | None:
    """Delete one version for good; what it was. The newest of the others becomes current in its place."""
    current = store.current(call.db, bucket.id, key)
    if current is None or current.version != version_id:
        return _discard_noncurrent(call, bucket, key, version_id)
    discard_bytes(call, current)
    following = store.newest_noncurrent(call.db, bucket.id, key) if bucket.versioning else None
    if following is None:
        store.remove_current(call.db, bucket.id, key)
    else:
        store.remove_noncurrent(call.db, bucket.id, key, following.version)
        store.put_current(call.db, bucket.id, following)
    return current


def _discard_noncurrent(call: Call, bucket: Bucket, key: str, version_id: str) -> Version | None:
    version = store.noncurrent(call.db, bucket.id, key, version_id)
    if version is not None:
        discard_bytes(call, version)
        store.remove_noncurrent(call.db, bucket.id, key, version_id)
    return version


def discard_bytes(call: Call, version: Version) -> None:
    """Give up a version's references to its blobs: their files go after the commit."""
    if version.blob is not None:
        call.blobs.drop(version.blob)
    if version.assembly is not None:
        for blob in store.remove_segments(call.db, version.assembly):
            call.blobs.drop(blob)


def delete_marker(key: str, version_id: str, now: float) -> Version:
    return Version(key, version_id, 1, now, 0, "", None, None, "STANDARD", "", b"{}", None)


@s3.operation
def put_bucket_versioning(call: Call, request: dict[str, Any]) -> None:
    """Enable or suspend; never unset again."""
    bucket = find(call, request)
    configuration = request["VersioningConfiguration"] or {}
    status = configuration.get("Status")
    if status not in (ENABLED, "Suspended"):
        raise errors.IllegalVersioningConfigurationException(
            "The Versioning element must be specified"
            if status is None
            else "The versioning configuration specified in the request is invalid."
        )
    if configuration.get("MFADelete") == "Enabled":
        raise errors.NotImplemented("MFA delete is not implemented by Pocketlake yet.")
    if locks.SETTING in bucket.settings and status != ENABLED:
        raise errors.InvalidBucketState(
            "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
        )
    configure(call, bucket, Versioning=status)


@s3.operation
def get_bucket_versioning(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return {"Status": find(call, request).versioning or None}
