"""Object Lock: a bucket's configuration, and the retention and the legal hold of a version."""

from __future__ import annotations

from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.services.s3 import buckets, locks, store, versions
from pocketlake.services.s3.service import errors, s3
from pocketlake.services.s3.store import Bucket, Version


@s3.operation
def put_object_lock_configuration(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Lock a versioned bucket for good, with or without a retention that new objects get.  [S3-008, S3-010]"""
    bucket = buckets.find(call, request)
    asked = _body(request, "ObjectLockConfiguration")
    if asked.get("ObjectLockEnabled") != "Enabled":
        raise _malformed()
    if rule := asked.get("Rule"):
        _check_default(rule.get("DefaultRetention") or {})
    if bucket.versioning != versions.ENABLED:
        raise errors.InvalidBucketState(
            "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"
        )
    buckets.configure(call, bucket, **{locks.SETTING: asked})
    return {}


def _check_default(retention: dict[str, Any]) -> None:
    if retention.get("DefaultEventHold"):
        raise NotImplemented501("S3 Object Lock's event holds")
    spans = [retention[unit] for unit in ("Days", "Years") if retention.get(unit) is not None]
    if retention.get("Mode") not in locks.MODES or len(spans) != 1:
        raise _malformed()
    if spans[0] < 1:
        raise errors.InvalidArgument("Default retention period must be a positive integer value.")


@s3.operation
def get_object_lock_configuration(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    configuration = buckets.find(call, request).settings.get(locks.SETTING)
    if configuration is None:
        raise errors.ObjectLockConfigurationNotFoundError("Object Lock configuration does not exist for this bucket")
    return {"ObjectLockConfiguration": configuration}


@s3.operation
def put_object_retention(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Set, lengthen or (in governance mode, with the bypass) shorten or remove a version's retention.

    [S3-011, S3-013, S3-014, S3-028]
    """
    bucket, version = _version(call, request)
    asked = _body(request, "Retention")
    if asked.get("EventHold") or asked.get("EventHoldDuration"):
        raise NotImplemented501("S3 Object Lock's event holds")
    mode, until = asked.get("Mode"), asked.get("RetainUntilDate")
    if (mode is None) is not (until is None) or mode not in (None, *locks.MODES):
        raise _malformed()
    members = version.members
    if until is not None:
        locks.check_future(call, until)
    locks.check_change(call, members, mode, until, bool(request.get("BypassGovernanceRetention")))
    kept = {member: value for member, value in members.items() if member not in (locks.MODE, locks.UNTIL)}
    if mode is not None:
        kept |= {locks.MODE: mode, locks.UNTIL: until}
    store.rewrite(call.db, bucket.id, version._replace(head=orjson.dumps(kept)))
    return {}


@s3.operation
def get_object_retention(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    members = _version(call, request)[1].members
    if locks.MODE not in members:
        raise _no_lock()
    return {"Retention": {"Mode": members[locks.MODE], "RetainUntilDate": members[locks.UNTIL]}}


@s3.operation
def put_object_legal_hold(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Put a hold on a version, or take it off.  [S3-009, S3-017]"""
    bucket, version = _version(call, request)
    status = _body(request, "LegalHold").get("Status")
    if status not in ("ON", "OFF"):
        raise _malformed()
    head = orjson.dumps({**version.members, locks.HOLD: status})
    store.rewrite(call.db, bucket.id, version._replace(head=head))
    return {}


@s3.operation
def get_object_legal_hold(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    members = _version(call, request)[1].members
    if locks.HOLD not in members:
        raise _no_lock()
    return {"LegalHold": {"Status": members[locks.HOLD]}}


def _version(call: Call, request: dict[str, Any]) -> tuple[Bucket, Version]:
    bucket = buckets.find(call, request)
    if locks.SETTING not in bucket.settings:
        raise errors.InvalidRequest("Bucket is missing Object Lock Configuration")
    return bucket, versions.readable(call, bucket, request)


def _body(request: dict[str, Any], member: str) -> dict[str, Any]:
    """The request's document, which may be empty but has to be there."""
    document: dict[str, Any] | None = request.get(member)
    if document is None:
        raise errors.MissingRequestBodyError("Request Body is empty")
    return document


def _malformed() -> Exception:
    error: Exception = errors.MalformedXML(
        "The XML you provided was not well-formed or did not validate against our published schema"
    )
    return error


def _no_lock() -> Exception:
    error: Exception = errors.NoSuchObjectLockConfiguration(
        "The specified object does not have a ObjectLock configuration"
    )
    return error
