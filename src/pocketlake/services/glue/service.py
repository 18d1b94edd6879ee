"""The service, its errors, and what every operation on the catalog does with its request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501, ServiceError
from pocketlake.kernel.pages import InvalidToken
from pocketlake.kernel.service import Service

from . import store

glue = Service("glue", migrations=store.MIGRATIONS)
errors = glue.errors


def own_catalog(call: Call, request: dict[str, Any]) -> None:
    """The catalog is the account's own unless CatalogId says otherwise; other accounts' catalogs come with sharing."""
    catalog = request.get("CatalogId")
    if catalog and catalog != call.account:
        raise NotImplemented501(f"Glue catalog {catalog} (only an account's own catalog is there)")


def page_start(call: Call, request: dict[str, Any], kind: str) -> str:
    """What the page comes after; "" for the first one."""
    token = request.get("NextToken")
    if not token:
        return ""
    try:
        sealed = call.pages.open(token)
    except InvalidToken:
        sealed = {}
    if sealed.get("for") != kind:
        raise errors.InvalidInputException("Invalid token.")
    return str(sealed["after"])


def page_token(call: Call, kind: str, after: str) -> str:
    return call.pages.seal({"for": kind, "after": after})


def error_detail(error: ServiceError) -> dict[str, str]:
    return {"ErrorCode": error.code, "ErrorMessage": error.message}


@contextmanager
def each_alone(call: Call, failures: list[dict[str, Any]], **entry: Any) -> Iterator[None]:
    """One entry of a batch: what it wrote is taken back when it fails, and the failure is listed; the rest goes on."""
    try:
        with call.transaction():
            yield
    except ServiceError as error:
        if isinstance(error, NotImplemented501):
            raise
        failures.append({**entry, "ErrorDetail": error_detail(error)})
