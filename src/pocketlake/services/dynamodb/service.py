"""The service's declaration, and how it refuses."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.service import Service

from . import store

dynamodb = Service("dynamodb", migrations=store.MIGRATIONS)
dynamodbstreams = Service("dynamodbstreams")  # the second endpoint: same tables, ARNs and actions, another door
dynamodb.behaviours = {"lag": {"seconds": (0.001, 3600.0, 1.0), "share": (0.0, 1.0, 1.0)}}  # see lag.py
errors = dynamodb.errors

# Since 2024 AWS says so before what these find wrong with a request itself, but not before what a table's schema
# forbids. Source: moto's tests that ran against AWS (test_dynamodb_exceptions.py, "aws_verified").
COUNTED = frozenset({"put_item", "update_item", "delete_item"})
# Values are judged in one of two layers with words of their own; these operations have the newer one. Source:
# dynamodb-conformance (paritysuite), tests/tier3/error-messages/valueLayers.test.ts, recorded in October 2026.
NEWER = COUNTED | {"get_item", "batch_get_item", "query"}

Operation = Callable[[Call, dict[str, Any]], dict[str, Any]]


class Invalid(Exception):
    """A request that is wrong in itself, whatever the table: becomes a ValidationException.

    `older` is how operations say it that are not NEWER, where that differs.
    """

    def __init__(self, message: str, older: str | None = None) -> None:
        super().__init__(message)
        self.older = message if older is None else older


def operation(handler: Operation) -> Operation:
    """Registers an operation whose rules raise `Invalid`."""

    @wraps(handler)
    def checked(call: Call, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return handler(call, request)
        except Invalid as mistake:
            counted = "1 validation error detected: " if call.operation in COUNTED else ""
            raise refuse(f"{counted}{mistake if call.operation in NEWER else mistake.older}") from None
        except RecursionError:
            raise refuse("The expression is nested too deeply.") from None

    return dynamodb.operation(checked)


def stream_operation(handler: Operation) -> Operation:
    """Registers an operation of the second endpoint; it works where the tables are."""

    @wraps(handler)
    def entered(call: Call, request: dict[str, Any]) -> dict[str, Any]:
        within = call.as_(service=dynamodb.name)
        within.request = call.request
        return handler(within, request)

    return dynamodbstreams.operation(entered)


def refuse(message: str) -> ServiceError:
    """What a table's schema, or an item's content, does not allow."""
    error: ServiceError = errors.ValidationException(message)
    return error
