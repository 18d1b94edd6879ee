"""Signature Version 4: who a request says it is from, and whether that is true.

Times are judged by the machine's clock, which the caller passes in as `now`, never by the lake's: a client signs with
the clock of its own machine and knows nothing of a lake that was moved by years. So presigned URLs run out by the
machine's time too. Sessions, which the lake itself gives out, expire by the lake's clock (kernel/access.py).

Sources: IAM User Guide, "AWS Signature Version 4 for API requests"; Amazon S3 API Reference, "Authenticating requests".
"""

from __future__ import annotations

import calendar
import hmac
import re
import time
from functools import lru_cache
from hashlib import sha256
from typing import Literal, NamedTuple
from urllib.parse import unquote

from pocketlake.gateway import canonical, refusals, signature_v2
from pocketlake.gateway.hashed_body import HashedBody
from pocketlake.gateway.message import Request
from pocketlake.gateway.protocol.timestamps import parse as parse_date
from pocketlake.kernel.errors import NotImplemented501, ServiceError

ALGORITHM = "AWS4-HMAC-SHA256"
ASYMMETRIC = "AWS4-ECDSA-P256-SHA256"

SKEW_SECONDS = 15 * 60
LONGEST_PRESIGNED_SECONDS = 7 * 24 * 3600

UNSIGNED = "UNSIGNED-PAYLOAD"
STREAMING = (
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
)
STREAMING_ASYMMETRIC = tuple(name.replace("HMAC", "ECDSA-P256") for name in STREAMING[:2])
HASH = re.compile(r"[0-9a-fA-F]{64}\Z")

# What SDKs write, in one match; `_parts` reads every other order and spacing.
USUAL = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/(\d{8})/([^/,\s]*)/([^/,\s]+)/aws4_request, ?"
    r"SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})\Z"
)
STAMP = re.compile(r"\d{8}T\d{6}Z\Z")
QUERY_PARAMETERS = (
    "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, "
    "X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
)


class Credential(NamedTuple):
    """What a request says about its signer: nothing of it is verified. Parts that are missing are empty."""

    access_key: str
    date: str  # YYYYMMDD of the scope
    region: str
    service: str  # the signing name
    signed_headers: str  # joined by ";", as sent
    signature: str
    session_token: str
    kind: Literal["header", "query"]
    version: Literal["4", "4a", "2"] = "4"

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def credential(request: Request) -> Credential | None:
    """Who signed, by the Authorization header or a presigned query; None when nobody did.

    Asked for every request, so it never judges: `verify` does that.
    """
    headers = request.headers
    authorization = headers.get("authorization")
    if authorization:
        found = USUAL.match(authorization)
        if found is not None:
            key, date, region, service, signed, given = found.groups()
            return Credential(
                key, date, region, service, signed, given, headers.get("x-amz-security-token", ""), "header"
            )
        return _unusual(authorization, headers.get("x-amz-security-token", ""))
    _, _, query = request.target.partition("?")
    if "X-Amz-Credential=" in query or "X-Amz-Signature=" in query:
        return _presigned(query)
    if "AWSAccessKeyId=" in query and "Signature=" in query:
        given = parameters(query)
        token = given.get("x-amz-security-token", "")
        key = given.get("AWSAccessKeyId", "")
        # Version 2 as S3 spoke it has an Expires; older query services sent SignatureVersion and a Version.
        service = "" if "SignatureVersion" in given else "s3"
        return Credential(key, "", "", service, "", given.get("Signature", ""), token, "query", "2")
    return None


def _unusual(authorization: str, token: str) -> Credential | None:
    scheme, _, rest = authorization.strip().partition(" ")
    if scheme in (ALGORITHM, ASYMMETRIC):
        parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
        version: Literal["4", "4a"] = "4" if scheme == ALGORITHM else "4a"
        key, date, region, service = _scope(parts.get("Credential", ""), version)
        return Credential(
            key,
            date,
            region,
            service,
            parts.get("SignedHeaders", ""),
            parts.get("Signature", ""),
            token,
            "header",
            version,
        )
    if scheme == "AWS":
        key, _, signature = rest.strip().partition(":")
        return Credential(key, "", "", "s3", "", signature, token, "header", "2")
    return None


def _presigned(query: str) -> Credential:
    given = parameters(query)
    version: Literal["4", "4a"] = "4a" if given.get("X-Amz-Algorithm") == ASYMMETRIC else "4"
    key, date, region, service = _scope(given.get("X-Amz-Credential", ""), version)
    signed, signature = given.get("X-Amz-SignedHeaders", ""), given.get("X-Amz-Signature", "")
    token = given.get("X-Amz-Security-Token", "")
    return Credential(key, date, region, service, signed, signature, token, "query", version)


def _scope(text: str, version: str) -> tuple[str, str, str, str]:
    """key, date, region, service of `key/date/region/service/aws4_request`; version 4a names no region."""
    parts = text.split("/")
    if version == "4a" and len(parts) == 4:
        parts.insert(2, "")
    if len(parts) != 5 or parts[4] != "aws4_request":
        return parts[0], "", "", ""
    return parts[0], parts[1], parts[2], parts[3]


def parameters(query: str) -> dict[str, str]:
    """The query's decoded parameters; of repeated ones the first."""
    given: dict[str, str] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        given.setdefault(unquote(name), unquote(value.replace("+", " ")))
    return given


def unknown_key(service: str, credential: Credential) -> ServiceError:
    return refusals.unknown_key(service, credential.access_key)


missing = refusals.missing
expired = refusals.expired


# Is it true?


def verify(request: Request, credential: Credential, secret: str, now: float, session_token: str = "") -> None:
    """Raise the service's own error unless `secret` signed this request and `now` (machine time) allows it.

    Where the hash of a body that is still arriving is needed, `request.body` is replaced by a stream that raises the
    error at its end.
    """
    service = credential.service
    if credential.version != "4":
        _verify_other(request, credential, secret, now, session_token)
        return
    if credential.kind == "header":
        _check_header(credential)
        stamp = request.headers.get("x-amz-date") or request.headers.get("date", "")
        stamp = _check_time(credential, stamp, now)
    else:
        stamp = _check_query(credential, request, now)
    _check_token(credential, session_token)
    is_s3 = service in refusals.S3
    if is_s3:
        _check_covered(request, credential)

    def judge(payload_hash: str) -> None:
        _check_signature(request, credential, secret, stamp, payload_hash, is_s3)

    payload_hash = _payload_hash(request, credential, is_s3)
    if payload_hash is not None:
        judge(payload_hash)
        if HASH.match(payload_hash):
            _check_payload(request, payload_hash)
    elif isinstance(request.body, bytes):
        judge(sha256(request.body).hexdigest())
    else:
        request.body = HashedBody(request.body, judge)


def _verify_other(request: Request, credential: Credential, secret: str, now: float, session_token: str) -> None:
    """Version 2, which S3 alone still takes."""
    if credential.version == "4a":
        raise NotImplemented501("Signature Version 4A for keys that the lake knows")
    if credential.service != "s3":
        message = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
        raise ServiceError("InvalidRequest", message, 400)
    _check_token(credential, session_token)
    given = parameters(request.target.partition("?")[2]) if credential.kind == "query" else None
    signature_v2.verify(request, credential.access_key, credential.signature, secret, given, now, SKEW_SECONDS)


def _check_token(credential: Credential, session_token: str) -> None:
    """A lake's keys of users and root have no token; a session's key is worth nothing without its own."""
    given = credential.session_token
    if given != session_token and not hmac.compare_digest(given.encode(), session_token.encode()):
        raise refusals.wrong_token(credential.service)


def _check_header(credential: Credential) -> None:
    service = credential.service
    for value, message in (
        (
            credential.date,
            'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
        ),
        (credential.signed_headers, "Authorization header requires 'SignedHeaders' parameter."),
        (credential.signature, "Authorization header requires 'Signature' parameter."),
    ):
        if not value:
            raise refusals.incomplete(service, message)
    if "host" not in credential.signed_headers.split(";"):
        raise refusals.wrong_scope(service, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")


def _check_time(credential: Credential, stamp: str, now: float) -> str:
    """The request's time in basic ISO form, if it is near `now` and agrees with the scope."""
    service = credential.service
    if not stamp:
        message = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
        if credential.service in refusals.S3:
            raise ServiceError("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header", 403)
        raise refusals.incomplete(service, message)
    try:
        signed_at = _seconds(stamp)
    except ValueError:
        if service in refusals.S3:
            message = "AWS authentication requires a valid Date or x-amz-date header"
            raise ServiceError("AccessDenied", message, 403) from None
        message = f"Date must be in ISO-8601 'basic format'. Got '{stamp}'. See http://en.wikipedia.org/wiki/ISO_8601"
        raise refusals.incomplete(service, message) from None
    if abs(now - signed_at) > SKEW_SECONDS:
        raise refusals.skewed(service, stamp, signed_at, now, SKEW_SECONDS)
    basic = _basic(signed_at)
    _check_scope_date(credential, basic)
    return basic


def _check_scope_date(credential: Credential, stamp: str) -> None:
    if stamp[:8] != credential.date:
        day = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
        raise refusals.wrong_scope(credential.service, f"{day}'{credential.date}' != '{stamp[:8]}', from '{stamp}'.")


def _check_query(credential: Credential, request: Request, now: float) -> str:
    """A presigned query: complete, and in its time."""
    given = parameters(request.target.partition("?")[2])
    stamp, lasts = given.get("X-Amz-Date", ""), given.get("X-Amz-Expires")
    is_s3 = credential.service in refusals.S3 or not credential.service
    complete = credential.date and credential.signed_headers and credential.signature and stamp
    if not complete or (is_s3 and lasts is None) or given.get("X-Amz-Algorithm") != ALGORITHM:
        raise refusals.malformed_query(QUERY_PARAMETERS)
    if not STAMP.match(stamp):
        raise refusals.malformed_query("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
    expires = _lifetime(lasts) if lasts is not None else SKEW_SECONDS
    try:
        signed_at = _seconds(stamp)
    except ValueError:
        raise refusals.malformed_query("X-Amz-Date is not a date") from None
    if signed_at - now > SKEW_SECONDS:
        raise refusals.not_yet_valid(credential.service, stamp, now, SKEW_SECONDS)
    if now > signed_at + expires:
        raise refusals.presigned_expired(credential.service, stamp, signed_at, expires, now)
    _check_scope_date(credential, stamp)
    return stamp


def _lifetime(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise refusals.malformed_query("X-Amz-Expires should be a number")
    expires = int(text)
    if expires < 0:
        raise refusals.malformed_query("X-Amz-Expires must be non-negative")
    if expires > LONGEST_PRESIGNED_SECONDS:
        raise refusals.malformed_query(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than "
            f"{LONGEST_PRESIGNED_SECONDS} seconds"
        )
    return expires


def _check_covered(request: Request, credential: Credential) -> None:
    """S3 wants every x-amz- header signed."""
    uncovered = canonical.unsigned_amz_headers(request.headers, credential.signed_headers)
    if credential.kind == "query":
        uncovered = [name for name in uncovered if name != "x-amz-content-sha256"]
    if uncovered:
        message = "There were headers present in the request which were not signed"
        raise ServiceError("AccessDenied", message, 403, HeadersNotSigned=", ".join(uncovered))


def _payload_hash(request: Request, credential: Credential, is_s3: bool) -> str | None:
    """The last line of the canonical request; None where the body itself has to be hashed."""
    signed = "x-amz-content-sha256" in credential.signed_headers
    declared = request.headers.get("x-amz-content-sha256") if signed or credential.kind == "header" else None
    if credential.kind == "query" and is_s3:
        declared = declared or parameters(request.target.partition("?")[2]).get("X-Amz-Content-Sha256", UNSIGNED)
    if not is_s3:
        return declared if signed and declared else None
    if declared is None:
        message = "Missing required header for this request: x-amz-content-sha256"
        raise ServiceError("InvalidRequest", message, 400)
    if declared in STREAMING_ASYMMETRIC:
        raise NotImplemented501(declared)
    if declared != UNSIGNED and declared not in STREAMING and not HASH.match(declared):
        message = f"x-amz-content-sha256 must be {UNSIGNED}, {', '.join(STREAMING)}, or a valid sha256 value."
        raise ServiceError("InvalidArgument", message, 400, ArgumentName="x-amz-content-sha256", ArgumentValue=declared)
    return declared


def _check_payload(request: Request, declared: str) -> None:
    """A body must have the hash that its sender signed."""

    def judge(computed: str) -> None:
        if computed != declared.lower():
            message = "The provided 'x-amz-content-sha256' header does not match what was computed."
            raise ServiceError(
                "XAmzContentSHA256Mismatch", message, 400,
                ClientComputedContentSHA256=declared, S3ComputedContentSHA256=computed,
            )  # fmt: skip

    if isinstance(request.body, bytes):
        judge(sha256(request.body).hexdigest())
    else:
        request.body = HashedBody(request.body, judge)


def _check_signature(
    request: Request, credential: Credential, secret: str, stamp: str, payload_hash: str, is_s3: bool
) -> None:
    path, _, query = _origin_form(request.target).partition("?")
    wanted = canonical.request(
        request.method, path, query, request.headers, credential.signed_headers, payload_hash, is_s3
    )
    digest = sha256(wanted.encode("latin-1")).hexdigest()
    to_sign = f"{ALGORITHM}\n{stamp}\n{credential.scope}\n{digest}"
    key = signing_key(secret, credential.date, credential.region, credential.service)
    computed = hmac.digest(key, to_sign.encode(), "sha256").hex()
    if not hmac.compare_digest(computed.encode(), credential.signature.encode()):
        raise refusals.mismatch(credential.service, credential.access_key, credential.signature, wanted, to_sign)


@lru_cache(maxsize=1024)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """Derived from the secret for one day, region and service; the cache is pure."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _origin_form(target: str) -> str:
    """A target in absolute form without its scheme and host."""
    if target.startswith("/"):
        return target
    _, found, rest = target.partition("://")
    return "/" + rest.partition("/")[2] if found else target


def _seconds(stamp: str) -> float:
    """Of `20130524T000000Z`, or an HTTP date. Raises ValueError."""
    if STAMP.match(stamp):
        return float(_basic_seconds(stamp))
    return parse_date(stamp)


@lru_cache(maxsize=64)
def _basic_seconds(stamp: str) -> int:
    return calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))


def _basic(moment: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(moment))
