"""One HTTP request and one HTTP answer, as the gateway's parts hand them to each other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol

from pocketlake.kernel.blobs import FileSlice

__all__ = ["BodyStream", "FileSlice", "Request", "Response"]


class BodyStream(Protocol):
    """A request body that is still arriving. Reading it is what lets the sender go on (back-pressure)."""

    length: int | None  # Content-Length, None when chunked

    async def read(self) -> bytes:
        """The next piece (some 64 KiB to 1 MiB), b"" at the end. Raises ConnectionError when the sender is gone."""


@dataclass(slots=True)
class Request:
    """`target` is the request target as received, not decoded; `headers` have lower-case names, repeated ones are
    joined with ",". `body` is bytes when it came whole within the spool size (1 MiB), a BodyStream otherwise.
    `is_abandoned` says that the peer has gone before its answer: a long poll must not hand it anything."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes | BodyStream = b""
    peer: str = ""
    secure: bool = False
    is_abandoned: bool = False


@dataclass(slots=True)
class Response:
    """`headers` without Content-Length, Date, Connection: the front adds those. `length` is needed when the body is an
    iterator whose size is known (otherwise it goes out chunked) and for answers to HEAD, which have no body."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | FileSlice | AsyncIterator[bytes] = b""
    length: int | None = None
