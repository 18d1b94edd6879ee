"""Inline policies of roles, users and groups: each a document under a name, part of the entity itself."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call

from . import quotas
from .documents import identity_policy
from .listing import encoded, page
from .roles import forbid_service_role
from .service import GROUP, ROLE, USER, Kind, entities, errors, iam, look_up

Request = dict[str, Any]


@iam.operation
def put_role_policy(call: Call, request: Request) -> Request:
    return _put(call, ROLE, request)


@iam.operation
def get_role_policy(call: Call, request: Request) -> Request:
    return _get(call, ROLE, request)


@iam.operation
def list_role_policies(call: Call, request: Request) -> Request:
    return _list(call, ROLE, request)


@iam.operation
def delete_role_policy(call: Call, request: Request) -> Request:
    return _delete(call, ROLE, request)


@iam.operation
def put_user_policy(call: Call, request: Request) -> Request:
    return _put(call, USER, request)


@iam.operation
def get_user_policy(call: Call, request: Request) -> Request:
    return _get(call, USER, request)


@iam.operation
def list_user_policies(call: Call, request: Request) -> Request:
    return _list(call, USER, request)


@iam.operation
def delete_user_policy(call: Call, request: Request) -> Request:
    return _delete(call, USER, request)


@iam.operation
def put_group_policy(call: Call, request: Request) -> Request:
    return _put(call, GROUP, request)


@iam.operation
def get_group_policy(call: Call, request: Request) -> Request:
    return _get(call, GROUP, request)


@iam.operation
def list_group_policies(call: Call, request: Request) -> Request:
    return _list(call, GROUP, request)


@iam.operation
def delete_group_policy(call: Call, request: Request) -> Request:
    return _delete(call, GROUP, request)


def _put(call: Call, kind: Kind, request: Request) -> Request:
    """Add the policy, or replace the one of this name."""
    holder = look_up(call, kind, request[f"{kind.member}Name"])
    if kind is ROLE:
        forbid_service_role(holder)
    identity_policy(request["PolicyDocument"])
    policies = {**holder.get("Inline", {}), request["PolicyName"]: request["PolicyDocument"]}
    limit = int(quotas.INLINE_SIZE[kind.name].value)
    if sum(quotas.characters(document) for document in policies.values()) > limit:
        name = holder[f"{kind.member}Name"]
        raise errors.LimitExceededException(f"Maximum policy size of {limit} bytes exceeded for {kind.name} {name}")
    entities(call, kind.name).update(holder, Inline=policies)
    return {}


def _get(call: Call, kind: Kind, request: Request) -> Request:
    holder = look_up(call, kind, request[f"{kind.member}Name"])
    document = holder.get("Inline", {}).get(request["PolicyName"])
    if document is None:
        raise _missing(kind, request["PolicyName"])
    member = f"{kind.member}Name"
    return {member: holder[member], "PolicyName": request["PolicyName"], "PolicyDocument": encoded(document)}


def _list(call: Call, kind: Kind, request: Request) -> Request:
    holder = look_up(call, kind, request[f"{kind.member}Name"])
    return page(call, request, "PolicyNames", [(name, name) for name in sorted(holder.get("Inline", {}))])


def _delete(call: Call, kind: Kind, request: Request) -> Request:
    holder = look_up(call, kind, request[f"{kind.member}Name"])
    if kind is ROLE:
        forbid_service_role(holder)
    policies = dict(holder.get("Inline", {}))
    if policies.pop(request["PolicyName"], None) is None:
        raise _missing(kind, request["PolicyName"])
    entities(call, kind.name).update(holder, Inline=policies)
    return {}


def _missing(kind: Kind, name: str) -> Exception:
    error: Exception = errors.NoSuchEntityException(f"The {kind.name} policy with name {name} cannot be found.")
    return error
