"""Errors that a caller sees: a code, a message, an HTTP status, in whatever wire form the caller's protocol has."""

from __future__ import annotations

from typing import Any


class ServiceError(Exception):
    """An answer that says no.

    `code` is the service's own error code, `status` the HTTP status (0: the service's model or the protocol's default
    decides), `members` the further members of the error shape, e.g. `{"Bucket": ...}`.
    """

    def __init__(self, code: str, message: str = "", status: int = 0, **members: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.members = members


class NotImplemented501(ServiceError):
    """What is not built says so: HTTP 501 and the gap's name. Never a canned answer."""

    def __init__(self, what: str) -> None:
        super().__init__("NotImplemented", f"{what} is not implemented by Pocketlake yet.", status=501)


class InternalFailure(ServiceError):
    """A fault of ours. The trace goes to the log, never to the caller."""

    def __init__(self, request_id: str = "") -> None:
        message = f"The request failed because of an internal fault. {request_id}".rstrip()
        super().__init__("InternalFailure", message, status=500)


class Errors:
    """A service's errors by name: `raise errors.ResourceNotFoundException("Stream x ... not found.")`.

    `statuses` names the HTTP status of codes that the service's model does not carry (S3's mostly).
    """

    def __init__(self, statuses: dict[str, int] | None = None) -> None:
        self._statuses = statuses or {}

    def __getattr__(self, code: str) -> Any:
        if code.startswith("_"):
            raise AttributeError(code)
        status = self._statuses.get(code, 0)

        def error(message: str = "", **members: Any) -> ServiceError:
            return ServiceError(code, message, members.pop("status", status), **members)

        return error
