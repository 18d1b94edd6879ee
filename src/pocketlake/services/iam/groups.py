"""Groups, and who is in them."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import quotas, users
from .attachments import rename_holder
from .listing import page
from .service import GROUP, USER, conflict, create, entities, errors, iam, look_up, rename


@iam.operation
def create_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    quotas.room_for_one_more(call, quotas.GROUPS, entities(call, "group").count())
    return {"Group": described(create(call, GROUP, request["GroupName"], request.get("Path") or "/"))}


@iam.operation
def get_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The group and a page of its users."""
    group = look_up(call, GROUP, request["GroupName"])
    found = []
    for membership in entities(call, "membership").list(parent=group.name):
        user = entities(call, "user").find(membership.name)
        assert user is not None, "a group's member is a user"
        found.append((membership.name, users.summary(user)))
    return page(call, request, "Users", found, Group=described(group))


@iam.operation
def list_groups(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    prefix = request.get("PathPrefix") or "/"
    found = ((one.name, described(one)) for one in entities(call, "group").list() if one["Path"].startswith(prefix))
    return page(call, request, "Groups", found)


@iam.operation
def list_groups_for_user(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    user = look_up(call, USER, request["UserName"])
    found = [(name, described(look_up(call, GROUP, name))) for name in sorted(user.get("Groups", []))]
    return page(call, request, "Groups", found)


@iam.operation
def add_user_to_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Adding a member again changes nothing."""
    user = look_up(call, USER, request["UserName"])
    group = look_up(call, GROUP, request["GroupName"])
    groups = user.get("Groups", [])
    if group.name not in groups:
        quotas.room_for_one_more(call, quotas.GROUPS_PER_USER, len(groups))
        entities(call, "user").update(user, Groups=[*groups, group.name])
        entities(call, "membership").create(user.name, {}, parent=group.name)
    return {}


@iam.operation
def remove_user_from_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    user = look_up(call, USER, request["UserName"])
    group = look_up(call, GROUP, request["GroupName"])
    members = entities(call, "membership")
    membership = members.find(user.name, parent=group.name)
    if membership is None:
        raise errors.NoSuchEntityException(f"User {user['UserName']} not in group {group['GroupName']}")
    members.delete(membership)
    kept = [name for name in user["Groups"] if name != group.name]
    entities(call, "user").update(user, Groups=kept)
    return {}


@iam.operation
def update_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Another name or path; users and policies stay with the group."""
    group = look_up(call, GROUP, request["GroupName"])
    renamed = rename(
        call, GROUP, group, request.get("NewGroupName") or group["GroupName"], request.get("NewPath") or group["Path"]
    )
    if renamed.name != group.name:
        rename_holder(call, "group", group, renamed)
        _move_members(call, group.name, renamed.name)
    return {}


def _move_members(call: Call, old: str, new: str) -> None:
    members = entities(call, "membership")
    for membership in members.list(parent=old):
        members.delete(membership)
        members.create(membership.name, {}, parent=new)
        user = entities(call, "user").find(membership.name)
        assert user is not None, "a group's member is a user"
        groups = [new if name == old else name for name in user["Groups"]]
        entities(call, "user").update(user, Groups=groups)


@iam.operation
def delete_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    group = look_up(call, GROUP, request["GroupName"])
    if entities(call, "membership").count(parent=group.name):
        raise conflict("must remove users from group first.")
    if group.get("Attached"):
        raise conflict("must detach all policies first.")
    if group.get("Inline"):
        raise conflict("must delete policies first.")
    entities(call, "group").delete(group)
    return {}


def described(group: Resource) -> dict[str, Any]:
    return {
        "Path": group["Path"],
        "GroupName": group["GroupName"],
        "GroupId": group["GroupId"],
        "Arn": group.arn,
        "CreateDate": group["CreateDate"],
    }
