"""What Object Lock allows: retention until a date in one of two modes, and legal holds without an end.

The lock of a version stands among the members that HeadObject answers with. The bucket's setting "ObjectLock" is its
ObjectLockConfiguration.
Source: S3 User Guide, "Locking objects with Object Lock".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.services.s3.service import errors
from pocketlake.services.s3.store import Bucket, Version

SETTING = "ObjectLock"
MODE, UNTIL, HOLD = "ObjectLockMode", "ObjectLockRetainUntilDate", "ObjectLockLegalHoldStatus"
GOVERNANCE, COMPLIANCE = "GOVERNANCE", "COMPLIANCE"
MODES = (GOVERNANCE, COMPLIANCE)
DAY = 86_400


def of_request(call: Call, bucket: Bucket, request: dict[str, Any]) -> dict[str, Any]:
    """The lock that a request's headers give the object that it makes.  [S3-006, S3-030]"""
    asked = {member: request[member] for member in (MODE, UNTIL, HOLD) if request.get(member)}
    if not asked:
        return {}
    if SETTING not in bucket.settings:
        raise errors.InvalidRequest("Bucket is missing ObjectLockConfiguration")
    if (MODE in asked) is not (UNTIL in asked):
        raise errors.InvalidArgument(
            "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied"
        )
    if MODE in asked:
        if asked[MODE] not in MODES:
            raise errors.InvalidArgument("Unknown wormMode directive.")
        check_future(call, asked[UNTIL])
    if HOLD in asked and asked[HOLD] not in ("ON", "OFF"):
        raise errors.InvalidArgument("Legal Hold must be either of 'ON' or 'OFF'")
    return asked


def check_future(call: Call, until: float) -> None:
    if until <= call.now:
        raise errors.InvalidArgument("The retain until date must be in the future!")


def with_default(bucket: Bucket, version: Version) -> Version:
    """The new version with the bucket's default retention, where it has none of its own.  [S3-008]"""
    rule = (bucket.settings.get(SETTING) or {}).get("Rule")
    if not rule or version.is_marker:
        return version
    members = version.members
    if MODE in members:
        return version
    retention = rule["DefaultRetention"]
    until = _after(version.modified, retention)
    return version._replace(head=orjson.dumps({**members, MODE: retention["Mode"], UNTIL: until}))


def _after(moment: float, retention: dict[str, Any]) -> float:
    if days := retention.get("Days"):
        return moment + int(days) * DAY
    began = datetime.fromtimestamp(moment, UTC)
    year = began.year + int(retention["Years"])
    try:
        return began.replace(year=year).timestamp()
    except ValueError:  # 29 February
        return began.replace(year=year, month=3, day=1).timestamp()


def retained(call: Call, members: dict[str, Any]) -> str | None:
    """The mode whose retention runs now; None when there is none, or its date has passed."""
    return members[MODE] if MODE in members and call.now < members[UNTIL] else None


def check_removable(call: Call, version: Version, bypass: bool) -> None:
    """Refuse to delete a version for good that a hold or a retention protects.

    Governance gives way to the header x-amz-bypass-governance-retention, compliance to nobody.
    [S3-006, S3-009, S3-012, S3-039]
    """
    members = version.members
    mode = retained(call, members)
    if members.get(HOLD) == "ON" or mode == COMPLIANCE or (mode == GOVERNANCE and not bypass):
        raise protected()


def check_change(call: Call, members: dict[str, Any], mode: str | None, until: float | None, bypass: bool) -> None:
    """Whether a version's retention may become this one: longer always, anything else as the mode allows.

    [S3-013, S3-014]
    """
    running = retained(call, members)
    if running is None:
        return
    is_longer = mode is not None and until is not None and until >= members[UNTIL]
    if running == COMPLIANCE:
        if not is_longer or mode != COMPLIANCE:
            raise protected()
    elif not is_longer and not bypass:
        raise protected()


def protected() -> Exception:
    error: Exception = errors.AccessDenied("Access Denied because object protected by object lock.")
    return error
