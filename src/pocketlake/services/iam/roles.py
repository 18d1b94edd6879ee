"""Roles."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import quotas, trust
from .attachments import boundary_shown, count_boundary
from .listing import encoded, page
from .policies import attachable
from .service import ROLE, conflict, create, entities, errors, iam, look_up
from .tag_lists import shown, tag_map

SHORTEST_SESSION_SECONDS = 3600
SERVICE_PATH = "/aws-service-role/"


@iam.operation
def create_role(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    document = request["AssumeRolePolicyDocument"]
    path = request.get("Path") or "/"
    if path.startswith(SERVICE_PATH):
        raise errors.InvalidInputException("Cannot perform the operation on the protected path /aws-service-role/.")
    check_trust(document)
    boundary = request.get("PermissionsBoundary")
    if boundary is not None:
        attachable(call, boundary, as_boundary=True)
    role = new_role(
        call,
        request["RoleName"],
        path,
        document,
        tag_map(request.get("Tags")),
        Description=request.get("Description"),
        MaxSessionDuration=request.get("MaxSessionDuration") or SHORTEST_SESSION_SECONDS,
        PermissionsBoundary=boundary,
    )
    if boundary is not None:
        count_boundary(call, boundary, role, +1)
    return {"Role": described(role)}


def new_role(
    call: Call, name: str, path: str, document: str, tags: dict[str, str] | None = None, **members: Any
) -> Resource:
    quotas.room_for_one_more(call, quotas.ROLES, entities(call, "role").count())
    return create(call, ROLE, name, path, tags, AssumeRolePolicyDocument=document, **members)


def check_trust(document: str) -> None:
    trust.trust_policy(document)
    if quotas.characters(document) > quotas.TRUST_POLICY_SIZE.value:
        raise errors.LimitExceededException(quotas.exceeded(quotas.TRUST_POLICY_SIZE))


@iam.operation
def get_role(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return {"Role": described(look_up(call, ROLE, request["RoleName"]))}


@iam.operation
def list_roles(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    prefix = request.get("PathPrefix") or "/"
    found = ((role.name, summary(role)) for role in entities(call, "role").list() if role["Path"].startswith(prefix))
    return page(call, request, "Roles", found)


@iam.operation
def update_role(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """What the request leaves out goes back to its default, as on AWS."""
    role = look_up(call, ROLE, request["RoleName"])
    forbid_service_role(role)
    duration = request.get("MaxSessionDuration") or SHORTEST_SESSION_SECONDS
    entities(call, "role").update(role, Description=request.get("Description") or None, MaxSessionDuration=duration)
    return {}


@iam.operation
def update_role_description(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    role = look_up(call, ROLE, request["RoleName"])
    return {"Role": described(entities(call, "role").update(role, Description=request["Description"]))}


@iam.operation
def update_assume_role_policy(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    role = look_up(call, ROLE, request["RoleName"])
    forbid_service_role(role)
    check_trust(request["PolicyDocument"])
    entities(call, "role").update(role, AssumeRolePolicyDocument=request["PolicyDocument"])
    return {}


@iam.operation
def delete_role(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    role = look_up(call, ROLE, request["RoleName"])
    forbid_service_role(role)
    remove_role(call, role)
    return {}


def remove_role(call: Call, role: Resource) -> None:
    if role.get("Profiles"):
        raise conflict("must remove roles from instance profile first.")
    if role.get("Attached"):
        raise conflict("must detach all policies first.")
    if role.get("Inline"):
        raise conflict("must delete policies first.")
    if role.get("PermissionsBoundary"):
        count_boundary(call, role["PermissionsBoundary"], role, -1)
    entities(call, "role").delete(role)


def forbid_service_role(role: Resource) -> None:
    """A service-linked role belongs to its service."""
    if role["Path"].startswith(SERVICE_PATH):
        service = role["Path"].split("/")[2]
        raise errors.UnmodifiableEntityException(
            f"Cannot perform the operation on the protected role '{role['RoleName']}' - "
            f"this role is only modifiable by AWS ({service})"
        )


def summary(role: Resource) -> dict[str, Any]:
    """A role as lists show it: without boundary, tags and last use."""
    return {
        "Path": role["Path"],
        "RoleName": role["RoleName"],
        "RoleId": role["RoleId"],
        "Arn": role.arn,
        "CreateDate": role["CreateDate"],
        "AssumeRolePolicyDocument": encoded(role["AssumeRolePolicyDocument"]),
        "Description": role.get("Description"),
        "MaxSessionDuration": role["MaxSessionDuration"],
    }


def described(role: Resource) -> dict[str, Any]:
    """A role alone. RoleLastUsed is left out: nobody records it yet."""
    return {**summary(role), **boundary_shown(role), "Tags": shown(role.tags) or None}
