"""The service, its errors, and what all its entities have in common: a name, a path, an ID, an ARN, and no region."""

from __future__ import annotations

import secrets
from typing import Any, NamedTuple

from pocketlake.kernel.arn import PARTITION
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.resources import AlreadyExists, Resource, Resources
from pocketlake.kernel.service import Service

iam = Service("iam", validation_error="ValidationError")
errors = iam.errors

ID_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
ID_LENGTH = 17  # after the prefix; IAM User Guide, "Unique identifiers"


class Kind(NamedTuple):
    """One kind of entity: its name in ARNs, the prefix of its IDs, and how AWS words what goes wrong with its name."""

    name: str
    prefix: str
    member: str  # in requests and answers: RoleName, RoleId
    missing: str
    taken: str


ROLE = Kind("role", "AROA", "Role", "The role with name {} cannot be found.", "Role with name {} already exists.")
USER = Kind("user", "AIDA", "User", "The user with name {} cannot be found.", "User with name {} already exists.")
GROUP = Kind("group", "AGPA", "Group", "The group with name {} cannot be found.", "Group with name {} already exists.")
PROFILE = Kind(
    "instance-profile",
    "AIPA",
    "InstanceProfile",
    "Instance Profile {} cannot be found.",
    "Instance Profile {} already exists.",
)
POLICY_PREFIX = "ANPA"


def entities(call: Call, kind: str) -> Resources:
    """What the account has of a kind. IAM is global: whatever region a request is signed for, there is one of each."""
    return Resources(call.db, call.lake.resource_cache, (call.account, "", "iam", kind), call.now)


def arn(call: Call, resource: str) -> str:
    return f"arn:{PARTITION}:iam::{call.account}:{resource}"


def new_id(prefix: str) -> str:
    return prefix + "".join(secrets.choice(ID_ALPHABET) for _ in range(ID_LENGTH))


def seconds(call: Call) -> float:
    """Now, as IAM dates things: in whole seconds."""
    return float(int(call.now))


def key(name: str) -> str:
    """Names keep their case but are not told apart by it."""
    return name.lower()


def look_up(call: Call, kind: Kind, name: str) -> Resource:
    """The entity of this name. Raises NoSuchEntity."""
    found = entities(call, kind.name).find(key(name))
    if found is None:
        raise errors.NoSuchEntityException(kind.missing.format(name))
    return found


def create(
    call: Call, kind: Kind, name: str, path: str, tags: dict[str, str] | None = None, **members: Any
) -> Resource:
    """A new entity with an ID of its own. Raises EntityAlreadyExists."""
    body = {
        "Path": path,
        f"{kind.member}Name": name,
        f"{kind.member}Id": new_id(kind.prefix),
        "CreateDate": seconds(call),
        **{member: value for member, value in members.items() if value is not None},
    }
    try:
        return entities(call, kind.name).create(key(name), body, arn=arn(call, f"{kind.name}{path}{name}"), tags=tags)
    except AlreadyExists:
        raise errors.EntityAlreadyExistsException(kind.taken.format(name)) from None


def rename(call: Call, kind: Kind, entity: Resource, name: str, path: str) -> Resource:
    """The entity under another name or path, its ID and all else unchanged."""
    place = entities(call, kind.name)
    if key(name) != entity.name and place.find(key(name)) is not None:
        raise errors.EntityAlreadyExistsException(kind.taken.format(name))
    place.delete(entity)
    body = {**entity.body, f"{kind.member}Name": name, "Path": path}
    return place.create(key(name), body, arn=arn(call, f"{kind.name}{path}{name}"), tags=entity.tags)


def conflict(message: str) -> ServiceError:
    error: ServiceError = errors.DeleteConflictException(f"Cannot delete entity, {message}")
    return error
