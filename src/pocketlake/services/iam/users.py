"""Users."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel import access
from pocketlake.kernel.access import Principal
from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import quotas
from .attachments import boundary_shown, count_boundary, rename_holder
from .listing import page
from .policies import attachable
from .service import USER, conflict, create, entities, errors, iam, look_up, rename, seconds
from .tag_lists import shown, tag_map


@iam.operation
def create_user(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    boundary = request.get("PermissionsBoundary")
    if boundary is not None:
        attachable(call, boundary, as_boundary=True)
    quotas.room_for_one_more(call, quotas.USERS, entities(call, "user").count())
    tags = tag_map(request.get("Tags"))
    path = request.get("Path") or "/"
    user = create(call, USER, request["UserName"], path, tags, PermissionsBoundary=boundary)
    if boundary is not None:
        count_boundary(call, boundary, user, +1)
    return {"User": described(user)}


@iam.operation
def get_user(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Without a name: whoever asks."""
    name = request.get("UserName")
    if name is None and call.principal.kind == "root":
        return {"User": _root(call)}
    return {"User": described(look_up(call, USER, name or caller(call)))}


def caller(call: Call) -> str:
    """The name of the user who asks. Raises ValidationError where that is no user."""
    if call.principal.kind != "user":
        raise errors.ValidationError("Must specify userName when calling with non-User credentials", status=400)
    return call.principal.arn.rpartition("/")[2]


def _root(call: Call) -> dict[str, Any]:
    """The account's own identity, which has no user. It was made when IAM first heard of it."""
    accounts = entities(call, "account")
    account = accounts.find("account") or accounts.create("account", {"CreateDate": seconds(call)})
    return {
        "Path": "/",
        "UserName": account.get("Alias") or call.account,
        "UserId": call.account,
        "Arn": call.principal.arn,
        "CreateDate": account["CreateDate"] if "CreateDate" in account.body else account.created,
    }


@iam.operation
def list_users(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    prefix = request.get("PathPrefix") or "/"
    found = ((user.name, summary(user)) for user in entities(call, "user").list() if user["Path"].startswith(prefix))
    return page(call, request, "Users", found)


@iam.operation
def update_user(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Another name or path; groups, policies and keys go with the user."""
    user = look_up(call, USER, request["UserName"])
    renamed = rename(
        call, USER, user, request.get("NewUserName") or user["UserName"], request.get("NewPath") or user["Path"]
    )
    if renamed.name != user.name:
        rename_holder(call, "user", user, renamed)
        members = entities(call, "membership")
        for group in user.get("Groups", []):
            membership = members.find(user.name, parent=group)
            assert membership is not None
            members.delete(membership)
            members.create(renamed.name, {}, parent=group)
    access.rename(call.db, Principal.user(call.account, renamed["Path"], renamed["UserName"], renamed["UserId"]))
    return {}


@iam.operation
def delete_user(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    user = look_up(call, USER, request["UserName"])
    if user.get("Groups"):
        raise conflict("must remove users from group first.")
    if user.get("Attached"):
        raise conflict("must detach all policies first.")
    if user.get("Inline"):
        raise conflict("must delete policies first.")
    if access.of_owner(call.db, call.account, user["UserId"]):
        raise conflict("must delete access keys first.")
    if user.get("PermissionsBoundary"):
        count_boundary(call, user["PermissionsBoundary"], user, -1)
    entities(call, "user").delete(user)
    return {}


def summary(user: Resource) -> dict[str, Any]:
    """A user as lists show it."""
    return {
        "Path": user["Path"],
        "UserName": user["UserName"],
        "UserId": user["UserId"],
        "Arn": user.arn,
        "CreateDate": user["CreateDate"],
    }


def described(user: Resource) -> dict[str, Any]:
    return {**summary(user), **boundary_shown(user), "Tags": shown(user.tags) or None}
