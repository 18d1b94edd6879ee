"""The service's declaration, and how it refuses."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.pages import InvalidToken
from pocketlake.kernel.service import Service

from . import store

backup = Service("backup", migrations=store.MIGRATIONS, validation_error="InvalidParameterValueException")
errors = backup.errors


def refuse(message: str) -> ServiceError:
    """A value that a parameter can't have."""
    error: ServiceError = errors.InvalidParameterValueException(message)
    return error


def missing(message: str) -> ServiceError:
    error: ServiceError = errors.ResourceNotFoundException(message)
    return error


def page(call: Call, request: dict[str, Any], found: list[Any], most: int) -> tuple[list[Any], str | None]:
    """The part of what was found that NextToken and MaxResults ask for, and the token of the next."""
    start = 0
    if token := request.get("NextToken"):
        try:
            operation, start = call.pages.open(token)
        except (InvalidToken, ValueError, TypeError):
            operation = None
        if operation != call.operation:
            raise refuse("Provided NextToken is invalid.")
    end = start + min(request.get("MaxResults") or most, most)
    following = call.pages.seal([call.operation, end]) if end < len(found) else None
    return found[start:end], following
