"""Deleting objects, one or a thousand."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501, ServiceError
from pocketlake.services.s3 import buckets, conditions, keys, locks, quotas, store, versions
from pocketlake.services.s3.service import errors, s3
from pocketlake.services.s3.store import Bucket


@s3.operation
def delete_object(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Delete the object, or leave a delete marker where versioning is on; a missing key is deleted already.

    [S3-523, S3-537]
    """
    bucket = buckets.find(call, request)
    if request.get("VersionId") is not None:
        versions.check_id(request["VersionId"])
    outcome = _delete(call, bucket, request)
    call.notify(f"s3.object:{bucket.name}")
    marker = outcome.get("DeleteMarker")
    return {
        "DeleteMarker": marker,
        "VersionId": outcome.get("DeleteMarkerVersionId") or outcome.get("VersionId"),
        "ResponseMetadata": {"HTTPStatusCode": 204},
    }


@s3.operation
def delete_objects(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Delete up to 1,000 keys; each succeeds or fails alone. A malformed version id is a missing version here."""
    bucket = buckets.find(call, request)
    named = (request["Delete"] or {}).get("Objects") or []
    if not 1 <= len(named) <= quotas.DELETED.value:
        raise errors.MalformedXML(
            "The XML you provided was not well-formed or did not validate against our published schema"
        )
    deleted, failures = [], []
    for each in named:
        conditions_of = {
            "IfMatch": each.get("ETag"), "IfMatchSize": each.get("Size"),
            "IfMatchLastModifiedTime": each.get("LastModifiedTime"),
            "BypassGovernanceRetention": request.get("BypassGovernanceRetention"),
        }  # fmt: skip
        try:
            if each.get("VersionId") and not versions.is_id(each["VersionId"]):
                raise errors.NoSuchVersion("The specified version does not exist.")
            with call.transaction():
                outcome = _delete(call, bucket, {**each, **conditions_of})
        except ServiceError as error:
            if isinstance(error, NotImplemented501):
                raise
            failures.append(
                {"Key": each["Key"], "VersionId": each.get("VersionId"), "Code": error.code, "Message": error.message}
            )
        else:
            deleted.append({"Key": each["Key"], **outcome})
    call.notify(f"s3.object:{bucket.name}")
    return {"Deleted": None if request["Delete"].get("Quiet") else deleted, "Errors": failures}


def _delete(call: Call, bucket: Bucket, request: dict[str, Any]) -> dict[str, Any]:
    """Delete one key or version; the members of a DeletedObject beside its key."""
    key, version_id = keys.check(request["Key"]), request.get("VersionId")
    _check_conditions(call, bucket, request)
    if version_id:
        if locks.SETTING in bucket.settings and (named := store.find_version(call.db, bucket.id, key, version_id)):
            locks.check_removable(call, named, bool(request.get("BypassGovernanceRetention")))
        removed = versions.remove(call, bucket, key, version_id)
        if removed is None or not removed.is_marker:
            return {"VersionId": version_id}
        return {"VersionId": version_id, "DeleteMarker": True, "DeleteMarkerVersionId": version_id}
    if not bucket.versioning:
        versions.remove(call, bucket, key, store.NULL_VERSION)
        return {}
    marker = versions.delete_marker(key, versions.new_id(bucket), versions.second(call))
    versions.add(call, bucket, marker)
    return {"DeleteMarker": True, "DeleteMarkerVersionId": marker.version}


def _check_conditions(call: Call, bucket: Bucket, request: dict[str, Any]) -> None:
    """If-Match of a delete. S3 has the size and time conditions for directory buckets only."""
    if request.get("IfMatchSize") is not None or request.get("IfMatchLastModifiedTime") is not None:
        raise NotImplemented501("Conditional deletes by size or time, which only directory buckets have,")
    match = request.get("IfMatch")
    if match is None:
        return
    current = store.current(call.db, bucket.id, request["Key"])
    if current is None or current.is_marker:
        raise errors.NoSuchKey("The specified key does not exist.", Key=request["Key"])
    if not conditions.matches(match, current.etag):
        raise conditions.precondition_failed("IfMatch")
