"""Signature Version 2 of S3: what boto3 still writes into presigned URLs when it is not told otherwise.

Source: Amazon S3 User Guide, "Authenticating requests (AWS Signature Version 2)". Whose times count: see signature.py.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from email.utils import parsedate_to_datetime
from typing import NoReturn
from urllib.parse import unquote

from pocketlake.gateway import refusals
from pocketlake.gateway.message import Request
from pocketlake.gateway.protocol.timestamps import iso8601
from pocketlake.gateway.route import split_target, virtual_bucket
from pocketlake.kernel.errors import ServiceError

# Query parameters that name what is asked for, and so are signed.
SUBRESOURCES = frozenset(
    (
        *(
            "accelerate",
            "acl",
            "analytics",
            "cors",
            "defaultObjectAcl",
            "delete",
            "encryption",
            "inventory",
            "lifecycle",
        ),
        *(
            "location",
            "logging",
            "metrics",
            "notification",
            "object-lock",
            "partNumber",
            "policy",
            "publicAccessBlock",
            "replication",
        ),
        *("requestPayment", "response-cache-control", "response-content-disposition", "response-content-encoding"),
        *("response-content-language", "response-content-type", "response-expires", "restore", "storageClass"),
        *("select", "select-type", "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning", "versions"),
        "website",
    )
)


def verify(
    request: Request, access_key: str, signature: str, secret: str, given: dict[str, str] | None, now: float, skew: int
) -> None:
    """Raise unless `secret` signed this request. `given` are the parameters of a presigned query, None for a header."""
    headers = request.headers
    amz = {name: value for name, value in headers.items() if name.startswith("x-amz-")}
    if given is None:
        date = _check_date(headers, now, skew)
        md5, kind = headers.get("content-md5", ""), headers.get("content-type", "")
    else:
        date = _check_expires(given.get("Expires", ""), now)
        amz |= {name.lower(): value for name, value in given.items() if name.lower().startswith("x-amz-")}
        md5 = given.get("content-md5") or headers.get("content-md5", "")
        kind = given.get("content-type") or headers.get("content-type", "")
    lines = "".join(f"{name}:{amz[name].strip()}\n" for name in sorted(amz))
    to_sign = f"{request.method}\n{md5}\n{kind}\n{date}\n{lines}{_resource(request)}"
    computed = b64encode(hmac.digest(secret.encode(), to_sign.encode("latin-1"), "sha1"))
    if not hmac.compare_digest(computed, signature.encode()):
        raise refusals.mismatch("s3", access_key, signature, "", to_sign)


def _check_date(headers: dict[str, str], now: float, skew: int) -> str:
    """The Date line: empty where x-amz-date stands among the headers instead."""
    stamp = headers.get("x-amz-date") or headers.get("date", "")
    try:
        signed_at = parsedate_to_datetime(stamp).timestamp()
    except (TypeError, ValueError):
        message = "AWS authentication requires a valid Date or x-amz-date header"
        raise ServiceError("AccessDenied", message, 403) from None
    if abs(now - signed_at) > skew:
        raise refusals.skewed("s3", stamp, signed_at, now, skew)
    return "" if "x-amz-date" in headers else headers["date"]


def _check_expires(text: str, now: float) -> str:
    if not text.isascii() or not text.isdigit() or len(text) > 11:
        _invalid_expires(text)
    if int(text) < now:
        members = {"Expires": iso8601(int(text)), "ServerTime": iso8601(int(now))}
        raise ServiceError("AccessDenied", "Request has expired", 403, **members)
    return text


def _invalid_expires(text: str) -> NoReturn:
    raise ServiceError("AccessDenied", f"Invalid date (should be seconds since epoch): {text}", 403)


def _resource(request: Request) -> str:
    """The bucket and key as sent, a bucket alone with a slash after it, and the parameters that name a part of them."""
    bucket = virtual_bucket(request)
    path, query = split_target(bucket.target if bucket else request.target)
    if path.count("/") == 1 and path != "/":
        path += "/"
    named = []
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        if name in SUBRESOURCES:
            named.append(name + (f"={unquote(value)}" if equals else ""))
    return path + (f"?{'&'.join(sorted(named))}" if named else "")
