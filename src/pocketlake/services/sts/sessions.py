"""Temporary credentials of users, and of those a user vouches for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pocketlake.kernel.access import Principal
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501

from .service import errors, new_session, no_sessions, sts
from .session_policies import LONGEST_POLICIES, packed_percent, session_of

DEFAULT_SECONDS = 12 * 3600
ROOT_SECONDS = 3600  # the longest session of an account's own credentials


@sts.operation
def get_session_token(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The caller's own identity, for a while."""
    no_sessions(call)
    if request.get("SerialNumber") or request.get("TokenCode"):
        raise NotImplemented501("STS GetSessionToken with MFA")
    principal = replace(call.principal, access_key="")
    return {"Credentials": new_session(call, principal, _seconds(call, request))}


@sts.operation
def get_federation_token(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """An identity of its own under the caller's account."""
    no_sessions(call)
    policy = request.get("Policy") or ""
    if len(policy) > LONGEST_POLICIES:
        raise errors.ValidationError(
            f"1 validation error detected: Value '{policy}' at 'policy' failed to satisfy constraint: "
            f"Member must have length less than or equal to {LONGEST_POLICIES}",
            status=400,
        )
    session = session_of(call, request, {})
    principal = Principal.federated(call.account, request["Name"])
    return {
        "Credentials": new_session(call, principal, _seconds(call, request), session),
        "FederatedUser": {"FederatedUserId": principal.user_id, "Arn": principal.arn},
        "PackedPolicySize": packed_percent(request),
    }


def _seconds(call: Call, request: dict[str, Any]) -> int:
    """As asked for, or half a day; never more than an hour for an account's own credentials."""
    seconds = int(request.get("DurationSeconds") or DEFAULT_SECONDS)
    return min(seconds, ROOT_SECONDS) if call.principal.kind == "root" else seconds
