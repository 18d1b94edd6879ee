"""Assuming roles."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from pocketlake.kernel import access, arn
from pocketlake.kernel.access import Principal
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501, ServiceError

from .service import errors, new_session, sts
from .session_policies import packed_percent, session_of
from .trust import admits

DEFAULT_SECONDS = 3600
CHAINED_SECONDS = 3600  # the longest session of a role that another role assumes


@sts.operation
def assume_role(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """A session of a role that exists, for whom its trust policy admits.  [IAM-503]"""
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
    principal = Principal.role(role["Arn"], request["RoleSessionName"], role["RoleId"])
    known = access.find(call.db, call.principal.access_key)
    caller = known.session if known is not None else {}
    session = session_of(call.as_(account=principal.account), request, caller)
    _check_trust(call, role, session)
    if session.get("SourceIdentity") != caller.get("SourceIdentity", session.get("SourceIdentity")):
        raise _denied(call, role["Arn"], "sts:SetSourceIdentity")  # once set it stays for the whole chain
    return {
        "Credentials": new_session(call, principal, seconds, session),
        "AssumedRoleUser": {"AssumedRoleId": principal.user_id, "Arn": principal.arn},
        "PackedPolicySize": packed_percent(request),
        "SourceIdentity": session.get("SourceIdentity"),
    }


def _check_trust(call: Call, role: dict[str, Any], session: dict[str, Any]) -> None:
    """The trust policy admits the caller to all that the request means to do.

    AWS lets no root user assume roles; here an unknown key stands for the root user of its account, so it may, and
    nobody is asked. Whoever was made with GetFederationToken may call nothing of STS but GetCallerIdentity.
    """
    if call.principal.kind == "root":
        return
    actions = ["sts:AssumeRole"]
    actions += ["sts:TagSession"] if session.get("Tags") else []
    actions += ["sts:SetSourceIdentity"] if session.get("SourceIdentity") else []
    for action in actions:
        if call.principal.kind == "federated-user" or not admits(
            role["AssumeRolePolicyDocument"], action, call.principal
        ):
            raise _denied(call, role["Arn"], action)


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


def _denied(call: Call, role_arn: str, action: str = "sts:AssumeRole") -> ServiceError:
    message = f"User: {call.principal.arn} is not authorized to perform: {action} on resource: {role_arn}"
    error: ServiceError = errors.AccessDenied(message)
    return error
