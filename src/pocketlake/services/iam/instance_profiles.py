"""Instance profiles: what carries a role to a machine."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import quotas
from .listing import page
from .roles import described as role_shown
from .service import PROFILE, ROLE, conflict, create, entities, errors, iam, look_up
from .tag_lists import shown, tag_map

Request = dict[str, Any]


@iam.operation
def create_instance_profile(call: Call, request: Request) -> Request:
    quotas.room_for_one_more(call, quotas.INSTANCE_PROFILES, entities(call, PROFILE.name).count())
    tags = tag_map(request.get("Tags"))
    profile = create(call, PROFILE, request["InstanceProfileName"], request.get("Path") or "/", tags)
    return {"InstanceProfile": described(call, profile)}


@iam.operation
def get_instance_profile(call: Call, request: Request) -> Request:
    return {"InstanceProfile": described(call, look_up(call, PROFILE, request["InstanceProfileName"]))}


@iam.operation
def list_instance_profiles(call: Call, request: Request) -> Request:
    prefix = request.get("PathPrefix") or "/"
    profiles = entities(call, PROFILE.name).list()
    found = ((one.name, described(call, one)) for one in profiles if one["Path"].startswith(prefix))
    return page(call, request, "InstanceProfiles", found)


@iam.operation
def list_instance_profiles_for_role(call: Call, request: Request) -> Request:
    role = look_up(call, ROLE, request["RoleName"])
    names = sorted(role.get("Profiles", []))
    return page(
        call, request, "InstanceProfiles", [(name, described(call, look_up(call, PROFILE, name))) for name in names]
    )


@iam.operation
def add_role_to_instance_profile(call: Call, request: Request) -> Request:
    profile = look_up(call, PROFILE, request["InstanceProfileName"])
    role = look_up(call, ROLE, request["RoleName"])
    if profile.get("Role") is not None:
        raise errors.LimitExceededException(quotas.exceeded(quotas.ROLES_PER_PROFILE))
    entities(call, PROFILE.name).update(profile, Role=role.name)
    entities(call, "role").update(role, Profiles=[*role.get("Profiles", []), profile.name])
    return {}


@iam.operation
def remove_role_from_instance_profile(call: Call, request: Request) -> Request:
    profile = look_up(call, PROFILE, request["InstanceProfileName"])
    role = look_up(call, ROLE, request["RoleName"])
    if profile.get("Role") != role.name:
        name = request["RoleName"]
        raise errors.NoSuchEntityException(
            f"The role with name {name} is not in instance profile {profile['InstanceProfileName']}."
        )
    entities(call, PROFILE.name).update(profile, Role=None)
    kept = [name for name in role["Profiles"] if name != profile.name]
    entities(call, "role").update(role, Profiles=kept)
    return {}


@iam.operation
def delete_instance_profile(call: Call, request: Request) -> Request:
    profile = look_up(call, PROFILE, request["InstanceProfileName"])
    if profile.get("Role") is not None:
        raise conflict("must remove roles from instance profile first.")
    entities(call, PROFILE.name).delete(profile)
    return {}


def described(call: Call, profile: Resource) -> Request:
    role = entities(call, "role").find(profile["Role"]) if profile.get("Role") else None
    return {
        "Path": profile["Path"],
        "InstanceProfileName": profile["InstanceProfileName"],
        "InstanceProfileId": profile["InstanceProfileId"],
        "Arn": profile.arn,
        "CreateDate": profile["CreateDate"],
        "Roles": [role_shown(role)] if role else [],
        "Tags": shown(profile.tags),
    }
