"""Pages: MaxItems, Marker, IsTruncated; and documents as they travel."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from pocketlake.kernel.call import Call
from pocketlake.kernel.pages import InvalidToken

from .service import errors

PAGE = 100  # IAM API Reference, MaxItems


def page(
    call: Call, request: dict[str, Any], member: str, entries: Iterable[tuple[str, Any]], **rest: Any
) -> dict[str, Any]:
    """One page of `entries`, pairs of a key and what is shown, sorted by key."""
    purpose = f"{call.operation} {member}"
    after = _after(call, request.get("Marker"), purpose)
    limit = request.get("MaxItems") or PAGE
    shown: list[Any] = []
    last = ""
    for name, entry in entries:
        if after is not None and name <= after:
            continue
        if len(shown) == limit:
            marker = call.pages.seal({"for": purpose, "after": last})
            return {member: shown, "IsTruncated": True, "Marker": marker, **rest}
        shown.append(entry)
        last = name
    return {member: shown, "IsTruncated": False, **rest}


def _after(call: Call, marker: str | None, purpose: str) -> str | None:
    if marker is None:
        return None
    try:
        sealed = call.pages.open(marker)
    except InvalidToken:
        sealed = {}
    if sealed.get("for") != purpose:
        raise errors.ValidationError(f"Invalid Marker: {marker}", status=400)
    return str(sealed["after"])


def encoded(document: str) -> str:
    """IAM sends documents percent-encoded (RFC 3986); clients decode them."""
    return quote(document, safe="")
