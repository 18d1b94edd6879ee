"""What AWS says to a request whose signature does not hold: three families of services, three vocabularies.

Sources: "Common error types" of the services' API references; Amazon S3 API Reference, "Error responses"; IAM User
Guide, "Troubleshoot Signature Version 4 requests".
"""

from __future__ import annotations

from typing import Any, Literal

from pocketlake.gateway.protocol.timestamps import iso8601
from pocketlake.kernel.errors import ServiceError

Family = Literal["s3", "query", "json"]

# Signing names and boto3 names of the services that speak the query protocol.
QUERY = frozenset(
    (
        *("autoscaling", "cloudformation", "docdb", "ec2", "elasticache", "elasticbeanstalk", "elasticloadbalancing"),
        *("elb", "elbv2", "email", "iam", "neptune", "rds", "redshift", "ses", "sns", "sts"),
    )
)
S3 = frozenset(("s3", "s3express", "s3-object-lambda", "s3-outposts"))

MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)
INVALID_TOKEN = "The security token included in the request is invalid."


def family(service: str) -> Family:
    """By signing name, or boto3's name."""
    return "s3" if service in S3 else "query" if service in QUERY else "json"


def missing(service: str) -> ServiceError:
    """There is no signature, and this lake wants one."""
    kind = family(service)
    if kind == "s3":
        return ServiceError("AccessDenied", "Access Denied", 403)
    if kind == "query":
        return ServiceError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
    return ServiceError("MissingAuthenticationTokenException", "Missing Authentication Token", 400)


def unknown_key(service: str, access_key: str) -> ServiceError:
    kind = family(service)
    if kind == "s3":
        message = "The AWS Access Key Id you provided does not exist in our records."
        return ServiceError("InvalidAccessKeyId", message, 403, AWSAccessKeyId=access_key)
    return _invalid_token(kind)


def wrong_token(service: str) -> ServiceError:
    """The session token is not the one that belongs to the key, or should not be there at all."""
    kind = family(service)
    if kind == "s3":
        return ServiceError("InvalidToken", "The provided token is malformed or otherwise invalid.", 400)
    return _invalid_token(kind)


def _invalid_token(kind: Family) -> ServiceError:
    if kind == "query":
        return ServiceError("InvalidClientTokenId", INVALID_TOKEN, 403)
    return ServiceError("UnrecognizedClientException", INVALID_TOKEN, 400)


def expired(service: str) -> ServiceError:
    """The session's credentials have run out."""
    kind = family(service)
    if kind == "s3":
        return ServiceError("ExpiredToken", "The provided token has expired.", 400)
    message = "The security token included in the request is expired"
    return ServiceError("ExpiredToken", message, 403) if kind == "query" else _exception("ExpiredToken", message)


def mismatch(service: str, access_key: str, signature: str, canonical: str, to_sign: str) -> ServiceError:
    kind = family(service)
    if kind == "s3":
        message = (
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method."
        )
        return ServiceError(
            "SignatureDoesNotMatch", message, 403,
            AWSAccessKeyId=access_key, StringToSign=to_sign, SignatureProvided=signature,
            StringToSignBytes=to_sign.encode().hex(" "), CanonicalRequest=canonical,
            CanonicalRequestBytes=canonical.encode().hex(" "),
        )  # fmt: skip
    message = (
        f"{MISMATCH}\n\nThe Canonical String for this request should have been\n'{canonical}'\n\n"
        f"The String-to-Sign should have been\n'{to_sign}'\n"
    )
    return _does_not_match(kind, message)


def incomplete(service: str, message: str) -> ServiceError:
    """The Authorization header, or the query that stands for it, lacks a part."""
    kind = family(service)
    if kind == "s3":
        return ServiceError("AuthorizationHeaderMalformed", f"The authorization header is malformed; {message}", 400)
    return (
        ServiceError("IncompleteSignature", message, 400)
        if kind == "query"
        else _exception("IncompleteSignature", message)
    )


def malformed_query(message: str) -> ServiceError:
    return ServiceError("AuthorizationQueryParametersError", message, 400)


def wrong_scope(service: str, message: str) -> ServiceError:
    return incomplete(service, message) if family(service) == "s3" else _does_not_match(family(service), message)


def skewed(service: str, stamp: str, signed_at: float, now: float, window: int) -> ServiceError:
    """The request was signed more than `window` seconds before or after `now`."""
    kind = family(service)
    if kind == "s3":
        return ServiceError(
            "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.", 403,
            RequestTime=stamp, ServerTime=iso8601(int(now)), MaxAllowedSkewMilliseconds=window * 1000,
        )  # fmt: skip
    minutes, server = window // 60, _basic(now)
    if signed_at < now:
        edge = _basic(now - window)
        return _does_not_match(
            kind, f"Signature expired: {stamp} is now earlier than {edge} ({server} - {minutes} min.)"
        )
    edge = _basic(now + window)
    return _does_not_match(
        kind, f"Signature not yet current: {stamp} is still later than {edge} ({server} + {minutes} min.)"
    )


def presigned_expired(service: str, stamp: str, signed_at: float, expires: int, now: float) -> ServiceError:
    kind = family(service)
    if kind == "s3":
        members: dict[str, Any] = {
            "X-Amz-Expires": expires,
            "Expires": iso8601(int(signed_at) + expires),
            "ServerTime": iso8601(int(now)),
        }
        return ServiceError("AccessDenied", "Request has expired", 403, **members)
    return _does_not_match(kind, f"Signature expired: {stamp} is now earlier than {_basic(now - expires)}")


def not_yet_valid(service: str, stamp: str, now: float, window: int) -> ServiceError:
    if family(service) == "s3":
        return ServiceError("AccessDenied", "Request is not valid yet", 403)
    return skewed(service, stamp, now + window + 1, now, window)


def _does_not_match(kind: Family, message: str) -> ServiceError:
    if kind == "query":
        return ServiceError("SignatureDoesNotMatch", message, 403)
    return _exception("InvalidSignature", message)


def _exception(code: str, message: str) -> ServiceError:
    return ServiceError(f"{code}Exception", message, 400)


def _basic(moment: float) -> str:
    """20130524T000000Z"""
    return iso8601(int(moment)).replace("-", "").replace(":", "")
