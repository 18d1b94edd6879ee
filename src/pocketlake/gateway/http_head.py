"""The head of an HTTP/1.1 request: its headers, and what they say of the body that follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketlake.gateway.http_answer import Refused

if TYPE_CHECKING:
    from pocketlake.gateway.http import HttpLimits

VERSIONS = ("1.1", "1.0")
BLANK = " \t"
NAMES: dict[bytes, str] = {}  # header names as sent -> lower case; clients send the same few over and over
MOST_NAMES, LONGEST_NAME = 1000, 64


def headers_of(fields: list[tuple[bytes, bytes]], size: int, limits: HttpLimits) -> dict[str, str]:
    """By lower-case name, repeated ones joined. `size`: bytes that the head has beside them. Raises Refused."""
    headers: dict[str, str] = {}
    for name, value in fields:
        size += len(name) + len(value) + 4
        key = NAMES.get(name) or _name(name)
        text = value.decode("latin-1")
        if text[-1:] in BLANK or text[:1] in BLANK:
            text = text.strip(" \t")
        if key in headers:
            if key == "host":
                raise Refused(400, "There is more than one Host header.")
            text = f"{headers[key]},{text}"
        headers[key] = text
    if size > limits.head_bytes:
        raise Refused(431, "The headers are too large.")
    return headers


def _name(name: bytes) -> str:
    lower = name.decode("latin-1").lower()
    if len(NAMES) < MOST_NAMES and len(name) <= LONGEST_NAME:
        NAMES[name] = lower
    return lower


def is_continue_due(headers: dict[str, str], version: str, limits: HttpLimits) -> bool:
    """Whether the peer waits to be asked for the body.

    Refused: what two readers could take differently (request smuggling), and bodies that are too large.
    """
    length = headers.get("content-length")
    coding = headers.get("transfer-encoding")
    if coding is not None:
        if length is not None or version == "1.0":
            raise Refused(400, "Transfer-Encoding does not go with this request.")
        if coding.lower() != "chunked":
            raise Refused(501, "The only transfer coding here is chunked.")
    if length is not None:
        if not length.isascii() or not length.isdigit():
            raise Refused(400, "Content-Length is not a number.")
        if int(length) > limits.body_bytes:
            raise Refused(413, "The body is too large.")
    expect = headers.get("expect")
    if expect is None or version == "1.0":
        return False
    if expect.lower() != "100-continue":
        raise Refused(417, "The only expectation met here is 100-continue.")
    return coding is not None or length not in (None, "0")
