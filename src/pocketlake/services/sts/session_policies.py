"""What a session carries: policies that narrow it, tags, and the identity that it began from."""

from __future__ import annotations

import math
from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError

from .service import errors

LONGEST_POLICIES = 2048  # characters of session policies together; STS API Reference, AssumeRole
RESERVED_TAG = "aws:"


def session_of(call: Call, request: dict[str, Any], caller: dict[str, Any]) -> dict[str, Any]:
    """What the new session carries: what was asked for, and what comes down from the caller's own session.

    Transitive tags and the source identity are passed on through every role of a chain. Nothing binds by them until
    policies are enforced.
    Source: IAM User Guide, "Chaining roles with session tags" and "Monitor and control actions taken with assumed
    roles".
    """
    _check_policies(call, request)
    tags = _checked_tags(request)
    inherited = {name: caller["Tags"][name] for name in caller.get("TransitiveTagKeys", ())}
    if {name.lower() for name in inherited} & {name.lower() for name in tags}:
        raise errors.InvalidParameterValue(
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from "
            "the calling session.",
            status=400,
        )
    session = {
        "Policy": request.get("Policy"),
        "PolicyArns": [one["arn"] for one in request.get("PolicyArns") or ()],
        "Tags": {**inherited, **tags},
        "TransitiveTagKeys": [*inherited, *(request.get("TransitiveTagKeys") or ())],
        "SourceIdentity": request.get("SourceIdentity") or caller.get("SourceIdentity"),
    }
    return {member: value for member, value in session.items() if value}


def _check_policies(call: Call, request: dict[str, Any]) -> None:
    """They are policies, and not too long."""
    policy = request.get("Policy")
    size = len(policy or "") + sum(len(one["arn"]) for one in request.get("PolicyArns") or ())
    if size > LONGEST_POLICIES:
        raise errors.PackedPolicyTooLargeException(
            f"Packed policy consumes {math.ceil(100 * size / LONGEST_POLICIES)}% of allotted space, please use smaller "
            "policy."
        )
    if policy is not None:
        _check_form(policy)
    for one in request.get("PolicyArns") or ():
        _check_exists(call, one["arn"])


def _checked_tags(request: dict[str, Any]) -> dict[str, str]:
    """The session's tags, told apart by more than their case; those named transitive are among them."""
    tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags") or ()}
    keys = [tag["Key"].lower() for tag in request.get("Tags") or ()]
    if len(keys) != len(set(keys)):
        message = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        raise errors.InvalidParameterValue(message, status=400)
    if any(name.startswith(RESERVED_TAG) for name in keys):
        message = "Tag keys that begin with aws: are reserved for internal use."
        raise errors.InvalidParameterValue(message, status=400)
    if {name.lower() for name in request.get("TransitiveTagKeys") or ()} - set(keys):
        message = "The specified transitive tag key must be included in the requested tags."
        raise errors.InvalidParameterValue(message, status=400)
    return tags


def _check_form(policy: str) -> None:
    try:
        document = orjson.loads(policy)
    except orjson.JSONDecodeError:
        raise errors.MalformedPolicyDocumentException("This policy contains invalid Json") from None
    if not isinstance(document, dict) or not document.get("Statement"):
        raise errors.MalformedPolicyDocumentException("Syntax errors in policy.")
    statements = document["Statement"]
    for statement in [statements] if isinstance(statements, dict) else statements:
        if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
            raise errors.MalformedPolicyDocumentException("Syntax errors in policy.")
        if "Principal" in statement or "NotPrincipal" in statement:
            raise errors.MalformedPolicyDocumentException("Policy document should not specify a principal.")


def _check_exists(call: Call, policy_arn: str) -> None:
    try:
        call.aws.iam.get_policy(PolicyArn=policy_arn)
    except ServiceError as error:
        if error.code != "NoSuchEntityException":
            raise
        raise errors.MalformedPolicyDocumentException(f"Policy {policy_arn} does not exist.") from None


def packed_percent(request: dict[str, Any]) -> int | None:
    """How much of the room for policies and tags is taken. AWS packs them first; this is the size before packing."""
    tags = request.get("Tags") or ()
    size = len(request.get("Policy") or "") + sum(len(one["arn"]) for one in request.get("PolicyArns") or ())
    size += sum(len(tag["Key"]) + len(tag["Value"]) for tag in tags)
    return math.ceil(100 * size / LONGEST_POLICIES) if size else None
