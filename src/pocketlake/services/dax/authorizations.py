"""Who is behind a connection: each says so itself, by a signature over nothing but the time.

Where the lake knows the access key, the signature is checked; in open mode it lets other keys in, as everywhere.
Source: AWS's clients, SigV4Gen: POST / at dax.amazonaws.com with an empty body, signed for the service dax.
"""

from __future__ import annotations

import calendar
import hashlib
import hmac
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from pocketlake.kernel import access
from pocketlake.kernel.access import Principal
from pocketlake.kernel.errors import ServiceError

from . import quotas
from .service import errors
from .wire.scanning import Malformed

if TYPE_CHECKING:
    from pocketlake.kernel.lake import Lake

ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY = hashlib.sha256(b"").hexdigest()
STAMP = "%Y%m%dT%H%M%SZ"


class Signed(NamedTuple):
    """What was signed: when, and for where."""

    stamp: str
    date: str
    region: str
    digest: str


def missing() -> ServiceError:
    error: ServiceError = errors.MissingAuthenticationTokenException("Request is missing Authentication Token")
    return error


def authorize(lake: Lake, account: str, given: list[Any]) -> Principal:
    """`given`: access key, signature, string to sign (bytes), session token, user agent. Who it is, or an error."""
    access_key, signature, to_sign, token, _ = given
    if not (type(access_key) is str and type(signature) is str and type(to_sign) is bytes):
        raise Malformed("no authorization")
    signed = _read(to_sign)
    known = access.find(lake.store, access_key)
    if known is None:
        if lake.config.auth == "signed":
            raise errors.UnrecognizedClientException("The security token included in the request is invalid.")
        owner = access_key if len(access_key) == 12 and access_key.isdigit() else lake.config.account
        principal = Principal.root(owner, access_key)
    else:
        if known.status != "Active" or (known.session_token and known.session_token != token):
            raise errors.UnrecognizedClientException("The security token included in the request is invalid.")
        if known.is_expired(lake.clock.now()):
            raise errors.ExpiredTokenException("The security token included in the request is expired")
        _verify(signed, known.secret, signature, to_sign)
        principal = known.principal
    if principal.account != account:
        raise errors.AccessDeniedException(
            f"User: {principal.arn} is not authorized to access this resource: the cluster is of another account"
        )
    return principal


def _read(to_sign: bytes) -> Signed:
    try:
        algorithm, stamp, scope, digest = to_sign.decode("ascii").split("\n")
        date, region, service, end = scope.split("/")
        time.strptime(stamp, STAMP)
    except ValueError:
        raise _mismatch() from None
    if (algorithm, service, end) != (ALGORITHM, "dax", "aws4_request") or stamp[:8] != date:
        raise _mismatch()
    return Signed(stamp, date, region, digest)


def _verify(signed: Signed, secret: str, signature: str, to_sign: bytes) -> None:
    """The client's clock is the machine's, not the lake's."""
    age = time.time() - calendar.timegm(time.strptime(signed.stamp, STAMP))
    if abs(age) > quotas.SKEW_SECONDS.value:
        raise errors.InvalidSignatureException(f"Signature expired: {signed.stamp} is not near the time of the server")
    key = f"AWS4{secret}".encode()
    for part in (signed.date, signed.region, "dax", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    computed = hmac.digest(key, to_sign, "sha256").hex()
    if signed.digest != _digest(signed.stamp) or not hmac.compare_digest(computed.encode(), signature.encode()):
        raise _mismatch()


def _digest(stamp: str) -> str:
    """Of the canonical request, of which nothing but the time ever differs."""
    headers = f"host:dax.amazonaws.com\nx-amz-date:{stamp}\n"
    return hashlib.sha256(f"POST\n/\n\n{headers}\nhost;x-amz-date\n{EMPTY}".encode()).hexdigest()


def _mismatch() -> ServiceError:
    error: ServiceError = errors.InvalidSignatureException(
        "The request signature we calculated does not match the signature you provided. "
        "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
    )
    return error
