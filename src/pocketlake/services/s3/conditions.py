"""Conditional requests: what If-Match and its kin decide. Pure rules over an ETag and a time."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.errors import ServiceError
from pocketlake.services.s3.service import errors
from pocketlake.services.s3.store import Version

READ = ("IfMatch", "IfNoneMatch", "IfModifiedSince", "IfUnmodifiedSince")

HEADERS = {
    "IfMatch": "If-Match",
    "IfNoneMatch": "If-None-Match",
    "IfModifiedSince": "If-Modified-Since",
    "IfUnmodifiedSince": "If-Unmodified-Since",
    "CopySourceIfMatch": "x-amz-copy-source-If-Match",
    "CopySourceIfNoneMatch": "x-amz-copy-source-If-None-Match",
    "CopySourceIfModifiedSince": "x-amz-copy-source-If-Modified-Since",
    "CopySourceIfUnmodifiedSince": "x-amz-copy-source-If-Unmodified-Since",
}


def failed(conditions: dict[str, Any], etag: str, modified: float, prefix: str = "") -> str | None:
    """The member whose condition does not hold for a version, or None.

    If-Match that holds overrules If-Unmodified-Since, If-None-Match overrules If-Modified-Since (RFC 9110, 13.2.2;
    S3 API Reference, GetObject and CopyObject). Times count in whole seconds, as headers carry them.
    """
    match, none_match = conditions.get(prefix + "IfMatch"), conditions.get(prefix + "IfNoneMatch")
    since, until = conditions.get(prefix + "IfModifiedSince"), conditions.get(prefix + "IfUnmodifiedSince")
    if match is not None:
        if not matches(match, etag):
            return prefix + "IfMatch"
    elif until is not None and int(modified) > until:
        return prefix + "IfUnmodifiedSince"
    if none_match is not None:
        if matches(none_match, etag):
            return prefix + "IfNoneMatch"
    elif since is not None and int(modified) <= since:
        return prefix + "IfModifiedSince"
    return None


def matches(header: str, etag: str) -> bool:
    """Whether a list of ETags, quoted or not, names this one; `*` names any."""
    named = [part.strip().removeprefix("W/").strip('"') for part in header.split(",")]
    return "*" in named or etag in named


def is_not_modified(failed: str) -> bool:
    """Whether a read that failed this condition is answered by 304 rather than by 412."""
    return failed in ("IfNoneMatch", "IfModifiedSince")


def precondition_failed(member: str) -> ServiceError:
    error: ServiceError = errors.PreconditionFailed(
        "At least one of the pre-conditions you specified did not hold", Condition=HEADERS[member]
    )
    return error


def check_write(request: dict[str, Any], key: str, existing: Version | None) -> None:
    """Refuse a write whose If-Match or If-None-Match does not hold for the key's current object.

    Source: S3 User Guide, "How to prevent object overwrites with conditional writes".
    """
    match, none_match = request.get("IfMatch"), request.get("IfNoneMatch")
    if match is None and none_match is None:
        return
    there = existing if existing is not None and not existing.is_marker else None
    if none_match is not None:
        if none_match.strip() != "*":
            raise errors.NotImplemented(
                "A header you provided implies functionality that is not implemented",
                Header="If-None-Match",
                additionalMessage="We don't accept the provided value of If-None-Match header for this API",
            )
        if there is not None:
            raise precondition_failed("IfNoneMatch")
    if match is not None:
        if there is None:
            raise errors.NoSuchKey("The specified key does not exist.", Key=key)
        if not matches(match, there.etag):
            raise precondition_failed("IfMatch")
