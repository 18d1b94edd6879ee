"""The canonical request: one spelling of a request that its sender and its receiver agree on.

Source: IAM User Guide, "Create a signed AWS API request". S3 encodes a path once and leaves it as it is; every other
service takes dot segments out and encodes what is encoded already once more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote_to_bytes

PLAIN_PATH = re.compile(r"/[A-Za-z0-9/_.~-]*\Z")
CANONICAL_PART = re.compile(r"(?:[A-Za-z0-9_.~-]|%[0-9A-F]{2})*\Z")
SPACES = re.compile(r"[ \t]+")
SIGNATURE_PARAMETER = "X-Amz-Signature"


def request(
    method: str, path: str, query: str, headers: Mapping[str, str], signed: str, payload_hash: str, is_s3: bool
) -> str:
    """`path` and `query` as received; `signed` the names of the signed headers as the sender lists them.

    All text is bytes read as Latin-1, as the HTTP front reads them.
    """
    uri = path_of_s3(path) if is_s3 else path_of_others(path)
    lines = "".join([f"{name}:{header_value(headers.get(name, ''))}\n" for name in signed.split(";")])
    return f"{method}\n{uri}\n{query_string(query) if query else ''}\n{lines}\n{signed}\n{payload_hash}"


def path_of_s3(path: str) -> str:
    """Decoded and encoded once, so that every client's encoding of a key counts as the same."""
    if PLAIN_PATH.match(path):
        return path
    return quote(unquote_to_bytes(path.encode("latin-1")), safe="/-_.~")


def path_of_others(path: str) -> str:
    if path == "/":
        return path
    return quote(without_dots(path).encode("latin-1"), safe="/-_.~")


def without_dots(path: str) -> str:
    """RFC 3986, 5.2.4, with empty segments out too."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    ending = "/" if kept and path.endswith("/") else ""
    return f"/{'/'.join(kept)}{ending}"


def query_string(query: str) -> str:
    """Sorted by encoded name, then value; without the signature itself."""
    pairs = []
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if part and name != SIGNATURE_PARAMETER:
            pairs.append((_encoded(name), _encoded(value)))
    pairs.sort()
    return "&".join([f"{name}={value}" for name, value in pairs])


def _encoded(part: str) -> str:
    if CANONICAL_PART.match(part):
        return part
    return quote(unquote_to_bytes(part.replace("+", " ").encode("latin-1")), safe="-_.~")


def header_value(value: str) -> str:
    """Without spaces around it, and runs of them inside as one."""
    return SPACES.sub(" ", value).strip(" ") if " " in value or "\t" in value else value


def unsigned_amz_headers(headers: Iterable[str], signed: str) -> list[str]:
    """The x-amz- headers that the signature does not cover."""
    covered = signed.split(";")
    return sorted(name for name in headers if name.startswith("x-amz-") and name not in covered)
