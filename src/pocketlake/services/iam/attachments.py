"""Managed policies on roles, users and groups, as what they allow and as the boundary of what may be allowed.

A holder lists its policies; the other way round, an `attachment` (or a `boundary`) under the policy's ARN names the
holder. Both are written together.
"""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import quotas
from .listing import page
from .policies import attachable, path_of
from .service import GROUP, ROLE, USER, Kind, entities, errors, iam, look_up

Request = dict[str, Any]
SERVICE_PATH = "/aws-service-role/"
BOUNDARY_TYPE = "PermissionsBoundaryPolicy"  # IAM API Reference, AttachedPermissionsBoundary


@iam.operation
def attach_role_policy(call: Call, request: Request) -> Request:
    return _attach(call, ROLE, request)


@iam.operation
def detach_role_policy(call: Call, request: Request) -> Request:
    return _detach(call, ROLE, request)


@iam.operation
def list_attached_role_policies(call: Call, request: Request) -> Request:
    return _list(call, ROLE, request)


@iam.operation
def attach_user_policy(call: Call, request: Request) -> Request:
    return _attach(call, USER, request)


@iam.operation
def detach_user_policy(call: Call, request: Request) -> Request:
    return _detach(call, USER, request)


@iam.operation
def list_attached_user_policies(call: Call, request: Request) -> Request:
    return _list(call, USER, request)


@iam.operation
def attach_group_policy(call: Call, request: Request) -> Request:
    return _attach(call, GROUP, request)


@iam.operation
def detach_group_policy(call: Call, request: Request) -> Request:
    return _detach(call, GROUP, request)


@iam.operation
def list_attached_group_policies(call: Call, request: Request) -> Request:
    return _list(call, GROUP, request)


def _attach(call: Call, kind: Kind, request: Request) -> Request:
    """Attaching again changes nothing."""
    holder = look_up(call, kind, request[f"{kind.member}Name"])
    _forbid_service_role(holder)
    policy = request["PolicyArn"]
    attachable(call, policy)
    attached = holder.get("Attached", [])
    if policy not in attached:
        quotas.room_for_one_more(call, quotas.ATTACHED[kind.name], len(attached))
        entities(call, kind.name).update(holder, Attached=[*attached, policy])
        entities(call, "attachment").create(f"{kind.name}/{holder.name}", {}, parent=policy)
    return {}


def _detach(call: Call, kind: Kind, request: Request) -> Request:
    holder = look_up(call, kind, request[f"{kind.member}Name"])
    _forbid_service_role(holder)
    policy = request["PolicyArn"]
    attachment = entities(call, "attachment").find(f"{kind.name}/{holder.name}", parent=policy)
    if attachment is None:
        raise errors.NoSuchEntityException(f"Policy {policy} was not found.")
    entities(call, "attachment").delete(attachment)
    kept = [arn for arn in holder["Attached"] if arn != policy]
    entities(call, kind.name).update(holder, Attached=kept)
    return {}


def _list(call: Call, kind: Kind, request: Request) -> Request:
    holder = look_up(call, kind, request[f"{kind.member}Name"])
    prefix = request.get("PathPrefix") or "/"
    found = [
        (arn, {"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn})
        for arn in sorted(holder.get("Attached", []))
        if path_of(arn).startswith(prefix)
    ]
    return page(call, request, "AttachedPolicies", found)


def _forbid_service_role(holder: Resource) -> None:
    if holder["Path"].startswith(SERVICE_PATH):
        raise errors.UnmodifiableEntityException(
            f"Cannot perform the operation on the protected role '{holder['RoleName']}' - "
            f"this role is only modifiable by AWS"
        )


# Boundaries


@iam.operation
def put_role_permissions_boundary(call: Call, request: Request) -> Request:
    return _put_boundary(call, ROLE, request)


@iam.operation
def delete_role_permissions_boundary(call: Call, request: Request) -> Request:
    return _delete_boundary(call, ROLE, request)


@iam.operation
def put_user_permissions_boundary(call: Call, request: Request) -> Request:
    return _put_boundary(call, USER, request)


@iam.operation
def delete_user_permissions_boundary(call: Call, request: Request) -> Request:
    return _delete_boundary(call, USER, request)


def _put_boundary(call: Call, kind: Kind, request: Request) -> Request:
    holder = look_up(call, kind, request[f"{kind.member}Name"])
    policy = request["PermissionsBoundary"]
    attachable(call, policy, as_boundary=True)
    if holder.get("PermissionsBoundary"):
        count_boundary(call, holder["PermissionsBoundary"], holder, -1)
    holder = entities(call, kind.name).update(holder, PermissionsBoundary=policy)
    count_boundary(call, policy, holder, +1)
    return {}


def _delete_boundary(call: Call, kind: Kind, request: Request) -> Request:
    holder = look_up(call, kind, request[f"{kind.member}Name"])
    policy = holder.get("PermissionsBoundary")
    if policy is None:
        raise errors.NoSuchEntityException(f"{kind.member} {holder[f'{kind.member}Name']} does not have a boundary.")
    count_boundary(call, policy, holder, -1)
    entities(call, kind.name).update(holder, PermissionsBoundary=None)
    return {}


def count_boundary(call: Call, policy: str, holder: Resource, change: int) -> None:
    """The policy is (+1) or is no longer (-1) this holder's boundary."""
    boundaries = entities(call, "boundary")
    name = f"{'role' if 'RoleId' in holder.body else 'user'}/{holder.name}"
    if change > 0:
        boundaries.create(name, {}, parent=policy)
        return
    boundary = boundaries.find(name, parent=policy)
    assert boundary is not None, "a holder's boundary is listed under its policy"
    boundaries.delete(boundary)


def boundary_shown(holder: Resource) -> Request:
    policy = holder.get("PermissionsBoundary")
    if policy is None:
        return {}
    return {"PermissionsBoundary": {"PermissionsBoundaryType": BOUNDARY_TYPE, "PermissionsBoundaryArn": policy}}


def rename_holder(call: Call, kind: str, old: Resource, new: Resource) -> None:
    """What is attached to the holder names it by its new name."""
    for listing, policies in (
        ("attachment", old.get("Attached", [])),
        ("boundary", [old["PermissionsBoundary"]] if old.get("PermissionsBoundary") else []),
    ):
        place = entities(call, listing)
        for policy in policies:
            entry = place.find(f"{kind}/{old.name}", parent=policy)
            assert entry is not None, "what a holder lists is listed under its policy"
            place.delete(entry)
            place.create(f"{kind}/{new.name}", {}, parent=policy)


@iam.operation
def list_entities_for_policy(call: Call, request: Request) -> Request:
    """The roles, users and groups that hold a policy, in one sequence of pages."""
    policy = request["PolicyArn"]
    attachable(call, policy)
    usage = request.get("PolicyUsageFilter")
    listings = {"PermissionsPolicy": ["attachment"], "PermissionsBoundary": ["boundary"]}
    found: dict[str, tuple[str, Request]] = {}
    for listing in listings.get(usage or "", ["attachment", "boundary"]):
        for entry in entities(call, listing).list(parent=policy):
            kind, _, name = entry.name.partition("/")
            if _wanted(request.get("EntityFilter"), kind):
                found[entry.name] = (kind, _named(call, kind, name, request.get("PathPrefix") or "/"))
    entries = [(name, (kind, named)) for name, (kind, named) in sorted(found.items()) if named]
    shown = page(call, request, "Entities", entries)
    holders = shown.pop("Entities")
    for kind, member in (("group", "PolicyGroups"), ("user", "PolicyUsers"), ("role", "PolicyRoles")):
        shown[member] = [named for of, named in holders if of == kind]
    return shown


def _wanted(entity_filter: str | None, kind: str) -> bool:
    return entity_filter in (None, "LocalManagedPolicy", "AWSManagedPolicy") or entity_filter == kind.capitalize()


def _named(call: Call, kind: str, name: str, prefix: str) -> Request:
    holder = entities(call, kind).find(name)
    assert holder is not None, "a holder of a policy exists"
    if not holder["Path"].startswith(prefix):
        return {}
    member = kind.capitalize()
    return {f"{member}Name": holder[f"{member}Name"], f"{member}Id": holder[f"{member}Id"]}
