"""Restoring archived objects: a copy that can be read comes after some hours, and goes after some days.

Nothing is copied here: the version remembers from when until when its bytes may be read, and the clock does the rest.
Source: S3 User Guide, "Restoring an archived object" and "Archive retrieval options".
"""

from __future__ import annotations

from collections.abc import Iterable
from email.utils import formatdate
from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.services.s3 import attributes, buckets, store, versions
from pocketlake.services.s3.service import errors, s3
from pocketlake.services.s3.store import Version

MEMBER = "Restored"
MINUTE, HOUR, DAY = 60, 3600, 86_400

# The longest that each way typically takes, in seconds; fast ways first.
RETRIEVALS = {
    "GLACIER": {"Expedited": 5 * MINUTE, "Standard": 5 * HOUR, "Bulk": 12 * HOUR},
    "DEEP_ARCHIVE": {"Standard": 12 * HOUR, "Bulk": 48 * HOUR},
}


@s3.operation
def restore_object(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Begin to restore an archived version (202), hasten a restore that runs, or keep a copy for longer (200).

    [S3-514, S3-515]
    """
    bucket = buckets.find(call, request)
    version = versions.readable(call, bucket, request)
    asked = request.get("RestoreRequest") or {}
    if any(asked.get(member) for member in ("Type", "SelectParameters", "OutputLocation")):
        raise NotImplemented501("RestoreObject with an S3 Select query")
    _check_class(version)
    tier = (asked.get("GlacierJobParameters") or {}).get("Tier") or asked.get("Tier") or "Standard"
    retrieval = RETRIEVALS[version.storage_class].get(tier)
    if retrieval is None:
        raise errors.InvalidArgument("Retrieval option is not supported by this storage class")
    days = asked.get("Days")
    if days is None:
        raise errors.MalformedXML(
            "The XML you provided was not well-formed or did not validate against our published schema"
        )
    if days < 1:
        raise errors.InvalidArgument("restoration days should be at least 1", ArgumentName="Days", ArgumentValue=days)
    held = _held(call, version)
    if held is None:
        status, ready = 202, call.now + retrieval
    elif held["From"] <= call.now:
        status, ready = 200, held["From"]
    elif _is_faster(version.storage_class, tier, held["Tier"]):
        status, ready, days = 202, call.now + retrieval, held["Days"]
    else:
        raise errors.RestoreAlreadyInProgress("Object restore is already in progress")
    until = _midnight_after(max(ready, call.now) + days * DAY)
    restored = {"From": ready, "Until": until, "Tier": tier, "Days": days}
    head = orjson.dumps({**version.members, MEMBER: restored})
    store.rewrite(call.db, bucket.id, version._replace(head=head))
    return {"ResponseMetadata": {"HTTPStatusCode": status}}


def _check_class(version: Version) -> None:
    if version.storage_class == "INTELLIGENT_TIERING":  # whose archive tiers are not built
        raise errors.ObjectAlreadyInActiveTierError("This action is not allowed against this storage tier.")
    if version.storage_class not in attributes.ARCHIVED:
        raise errors.InvalidObjectState(
            "Restore is not allowed for the object's current storage class", StorageClass=version.storage_class
        )


def _is_faster(storage_class: str, tier: str, than: str) -> bool:
    return RETRIEVALS[storage_class][tier] < RETRIEVALS[storage_class][than]


def _midnight_after(moment: float) -> float:
    """A copy lives its days, and to the end of the last one in UTC."""
    return (moment // DAY + 1) * DAY


def _held(call: Call, version: Version) -> dict[str, Any] | None:
    """The version's restore, running or done; None without one, or when its copy is gone."""
    held: dict[str, Any] | None = version.members.get(MEMBER)
    return held if held is not None and call.now < held["Until"] else None


def check_readable(call: Call, version: Version) -> None:
    """Refuse to read the bytes of an archived version of which no restored copy is there.  [S3-514]"""
    if version.storage_class in attributes.ARCHIVED and not is_restored(call, version):
        attributes.check_readable(version.storage_class)


def is_restored(call: Call, version: Version) -> bool:
    held = _held(call, version)
    return held is not None and held["From"] <= call.now


def header(call: Call, version: Version) -> str | None:
    """What x-amz-restore says of an archived version."""
    held = _held(call, version)
    if held is None:
        return None
    if call.now < held["From"]:
        return 'ongoing-request="true"'
    return f'ongoing-request="false", expiry-date="{formatdate(held["Until"], usegmt=True)}"'


def statuses(call: Call, bucket: int, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The RestoreStatus of those current versions that have one, for a listing that asks for it."""
    found = {}
    for key in keys:
        version = store.current(call.db, bucket, key)
        held = None if version is None else _held(call, version)
        if held is not None:
            is_running = call.now < held["From"]
            found[key] = {
                "IsRestoreInProgress": is_running,
                "RestoreExpiryDate": None if is_running else held["Until"],
            }
    return found
