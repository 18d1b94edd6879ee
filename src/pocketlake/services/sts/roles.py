"""Assuming roles."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from pocketlake.kernel import arn
from pocketlake.kernel.access import Principal
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501, ServiceError

from .service import errors, new_session, sts
from .session_policies import check_session, packed_percent

DEFAULT_SECONDS = 3600
CHAINED_SECONDS = 3600  # the longest session of a role that another role assumes


@sts.operation
def assume_role(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """A session of a role that exists. Whether its trust policy names the caller is judged once policies are enforced.

    AWS lets no root user assume roles; here an unknown key stands for the root user of its account, so it may.
    """
    if request.get("SerialNumber") or request.get("TokenCode"):
        raise NotImplemented501("STS AssumeRole with MFA")
    role = _role(call, request["RoleArn"])
    seconds = request.get("DurationSeconds") or DEFAULT_SECONDS
    if call.principal.kind == "assumed-role" and seconds > CHAINED_SECONDS:
        raise errors.ValidationError(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
            status=400,
        )
    if seconds > max(role["MaxSessionDuration"], DEFAULT_SECONDS):
        message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        raise errors.ValidationError(message, status=400)
    check_session(call, request)
    session = request["RoleSessionName"]
    principal = Principal.role(role["Arn"], session, role["RoleId"])
    return {
        "Credentials": new_session(call, principal, seconds),
        "AssumedRoleUser": {"AssumedRoleId": principal.user_id, "Arn": principal.arn},
        "PackedPolicySize": packed_percent(request),
        "SourceIdentity": request.get("SourceIdentity"),
    }


def _role(call: Call, role_arn: str) -> dict[str, Any]:
    """The role as IAM has it. One that is not there is refused as one that may not be assumed."""
    try:
        parsed = arn.parse(role_arn)
    except ValueError:
        raise errors.ValidationError(f"{role_arn} is invalid", status=400) from None
    if parsed.service != "iam" or not parsed.resource.startswith("role/"):
        raise errors.ValidationError(f"{role_arn} is invalid", status=400)
    try:
        account = call.as_(account=parsed.account)
        role: dict[str, Any] = account.aws.iam.get_role(RoleName=parsed.resource.rpartition("/")[2])["Role"]
    except ServiceError as error:
        if error.code != "NoSuchEntityException":
            raise
        raise _denied(call, role_arn) from None
    if role["Arn"] != role_arn:
        raise _denied(call, role_arn)
    return {**role, "AssumeRolePolicyDocument": unquote(role["AssumeRolePolicyDocument"])}


def _denied(call: Call, role_arn: str) -> ServiceError:
    message = f"User: {call.principal.arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
    error: ServiceError = errors.AccessDenied(message)
    return error
