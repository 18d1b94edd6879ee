"""What each operation must be permitted: on the entity it concerns, by its ARN with its path.

Source: Service Authorization Reference, "AWS Identity and Access Management (IAM)". An operation that takes no user's
name concerns the user who asks.
"""

from __future__ import annotations

from collections.abc import Callable

from pocketlake.kernel.authorization import ANY, Authorization, On, Request
from pocketlake.kernel.call import Call

from .service import GROUP, PROFILE, ROLE, USER, Kind, arn, entities, key

Resource = Callable[[Call, Request], list[str]]


def _new(kind: Kind) -> str:
    """Where it will stand: its path begins and ends with a slash."""
    stem = f"arn:aws:iam::{{account}}:{kind.name}"
    return f"{stem}{{Path}}{{{kind.member}Name}}|{stem}/{{{kind.member}Name}}"


def _existing(kind: Kind) -> Resource:
    """One that is not there is named as if its path were `/`."""

    def found(call: Call, request: Request) -> list[str]:
        name = request.get(f"{kind.member}Name")
        if not name:
            return [call.principal.arn if call.principal.kind == "user" else arn(call, f"{kind.name}/{ANY}")]
        entity = entities(call, kind.name).find(key(name))
        return [entity.arn if entity else arn(call, f"{kind.name}/{name}")]

    return found


role, user, group, profile = (_existing(kind) for kind in (ROLE, USER, GROUP, PROFILE))
NEW_ROLE, NEW_USER, NEW_GROUP, NEW_PROFILE = (_new(kind) for kind in (ROLE, USER, GROUP, PROFILE))
NEW_POLICY = "arn:aws:iam::{account}:policy{Path}{PolicyName}|arn:aws:iam::{account}:policy/{PolicyName}"
SERVICE_ROLE = "arn:aws:iam::{account}:role/aws-service-role/{AWSServiceName}/*"


def role_of_task(call: Call, request: Request) -> list[str]:
    """`task/aws-service-role/<service>/<role>/<id>`."""
    path = str(request["DeletionTaskId"]).removeprefix("task/").rpartition("/")[0]
    return [arn(call, f"role/{path or ANY}")]


authorization = Authorization(
    "iam",
    {
        "add_role_to_instance_profile": (On(profile), On(role, "PassRole")),
        "add_user_to_group": On(group),
        "attach_group_policy": On(group),
        "attach_role_policy": On(role),
        "attach_user_policy": On(user),
        "create_access_key": On(user),
        "create_account_alias": ANY,
        "create_group": NEW_GROUP,
        "create_instance_profile": (On(NEW_PROFILE), On(NEW_PROFILE, "TagInstanceProfile", given="Tags")),
        "create_policy": (On(NEW_POLICY), On(NEW_POLICY, "TagPolicy", given="Tags")),
        "create_policy_version": "{PolicyArn}",
        "create_role": (On(NEW_ROLE), On(NEW_ROLE, "TagRole", given="Tags")),
        "create_service_linked_role": SERVICE_ROLE,
        "create_user": (On(NEW_USER), On(NEW_USER, "TagUser", given="Tags")),
        "delete_access_key": On(user),
        "delete_account_alias": ANY,
        "delete_group": On(group),
        "delete_group_policy": On(group),
        "delete_instance_profile": On(profile),
        "delete_policy": "{PolicyArn}",
        "delete_policy_version": "{PolicyArn}",
        "delete_role": On(role),
        "delete_role_permissions_boundary": On(role),
        "delete_role_policy": On(role),
        "delete_service_linked_role": On(role),
        "delete_user": On(user),
        "delete_user_permissions_boundary": On(user),
        "delete_user_policy": On(user),
        "detach_group_policy": On(group),
        "detach_role_policy": On(role),
        "detach_user_policy": On(user),
        "get_account_summary": ANY,
        "get_group": On(group),
        "get_group_policy": On(group),
        "get_instance_profile": On(profile),
        "get_policy": "{PolicyArn}",
        "get_policy_version": "{PolicyArn}",
        "get_role": On(role),
        "get_role_policy": On(role),
        "get_service_linked_role_deletion_status": On(role_of_task),
        "get_user": On(user),
        "get_user_policy": On(user),
        "list_access_keys": On(user),
        "list_account_aliases": ANY,
        "list_attached_group_policies": On(group),
        "list_attached_role_policies": On(role),
        "list_attached_user_policies": On(user),
        "list_entities_for_policy": "{PolicyArn}",
        "list_group_policies": On(group),
        "list_groups": ANY,
        "list_groups_for_user": On(user),
        "list_instance_profile_tags": On(profile),
        "list_instance_profiles": ANY,
        "list_instance_profiles_for_role": On(role),
        "list_policies": ANY,
        "list_policy_tags": "{PolicyArn}",
        "list_policy_versions": "{PolicyArn}",
        "list_role_policies": On(role),
        "list_role_tags": On(role),
        "list_roles": ANY,
        "list_user_policies": On(user),
        "list_user_tags": On(user),
        "list_users": ANY,
        "put_group_policy": On(group),
        "put_role_permissions_boundary": On(role),
        "put_role_policy": On(role),
        "put_user_permissions_boundary": On(user),
        "put_user_policy": On(user),
        "remove_role_from_instance_profile": On(profile),
        "remove_user_from_group": On(group),
        "set_default_policy_version": "{PolicyArn}",
        "tag_instance_profile": On(profile),
        "tag_policy": "{PolicyArn}",
        "tag_role": On(role),
        "tag_user": On(user),
        "untag_instance_profile": On(profile),
        "untag_policy": "{PolicyArn}",
        "untag_role": On(role),
        "untag_user": On(user),
        "update_access_key": On(user),
        "update_assume_role_policy": On(role),
        "update_group": On(group),
        "update_role": On(role),
        "update_role_description": On(role),
        "update_user": On(user),
    },
)
