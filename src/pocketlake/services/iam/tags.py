"""Tags on roles, users, policies and instance profiles."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import quotas
from .listing import page
from .policies import own_policy
from .service import PROFILE, ROLE, USER, Kind, entities, errors, iam, look_up
from .tag_lists import merged, shown, tag_map


@iam.operation
def tag_role(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _tag(call, ROLE, request)


@iam.operation
def untag_role(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _untag(call, ROLE, request)


@iam.operation
def list_role_tags(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _list(call, ROLE, request)


@iam.operation
def tag_user(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _tag(call, USER, request)


@iam.operation
def untag_user(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _untag(call, USER, request)


@iam.operation
def list_user_tags(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _list(call, USER, request)


@iam.operation
def tag_instance_profile(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _tag(call, PROFILE, request)


@iam.operation
def untag_instance_profile(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _untag(call, PROFILE, request)


@iam.operation
def list_instance_profile_tags(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _list(call, PROFILE, request)


@iam.operation
def tag_policy(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _write(call, "policy", own_policy(call, request["PolicyArn"]), request)


@iam.operation
def untag_policy(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _erase(call, "policy", own_policy(call, request["PolicyArn"]), request)


@iam.operation
def list_policy_tags(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _pages(call, own_policy(call, request["PolicyArn"]), request)


def _entity(call: Call, kind: Kind, request: dict[str, Any]) -> Resource:
    return look_up(call, kind, request[f"{kind.member}Name"])


def _tag(call: Call, kind: Kind, request: dict[str, Any]) -> dict[str, Any]:
    return _write(call, kind.name, _entity(call, kind, request), request)


def _untag(call: Call, kind: Kind, request: dict[str, Any]) -> dict[str, Any]:
    return _erase(call, kind.name, _entity(call, kind, request), request)


def _list(call: Call, kind: Kind, request: dict[str, Any]) -> dict[str, Any]:
    return _pages(call, _entity(call, kind, request), request)


def _write(call: Call, kind: str, entity: Resource, request: dict[str, Any]) -> dict[str, Any]:
    added = tag_map(request["Tags"])
    tags = merged(entity.tags, added)
    if len(tags) > quotas.TAGS.value:
        raise errors.LimitExceededException("The number of tags has reached the maximum limit.")
    lapsed = [name for name in entity.tags if name not in tags]
    place = entities(call, kind)
    place.tag(place.untag(entity, lapsed) if lapsed else entity, added)
    return {}


def _erase(call: Call, kind: str, entity: Resource, request: dict[str, Any]) -> dict[str, Any]:
    gone = {name.lower() for name in request["TagKeys"]}
    entities(call, kind).untag(entity, [name for name in entity.tags if name.lower() in gone])
    return {}


def _pages(call: Call, entity: Resource, request: dict[str, Any]) -> dict[str, Any]:
    return page(
        call, request, "Tags", [(tag["Key"], tag) for tag in sorted(shown(entity.tags), key=lambda t: t["Key"])]
    )
