"""The service, its errors, and paging."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.pages import InvalidToken
from pocketlake.kernel.service import Service

from . import store

athena = Service("athena", migrations=store.MIGRATIONS, validation_error="InvalidRequestException")
errors = athena.errors


def opened(call: Call, request: dict[str, Any], kind: str) -> dict[str, Any]:
    """What the request's NextToken says; {} for the first page."""
    token = request.get("NextToken")
    if not token:
        return {}
    try:
        sealed = call.pages.open(token)
    except InvalidToken:
        sealed = {}
    if sealed.get("for") != kind:
        raise errors.InvalidRequestException("Invalid NextToken")
    return sealed


def page(
    call: Call, request: dict[str, Any], kind: str, found: list[Any], most: int
) -> tuple[list[Any], dict[str, str]]:
    """One page of named resources, found in order with one more than fits; and the answer's NextToken, if any."""
    limit = min(request.get("MaxResults") or most, most)
    if len(found) <= limit:
        return found, {}
    return found[:limit], {"NextToken": call.pages.seal({"for": kind, "after": found[limit - 1].name})}
