"""Scalable targets: what is scaled, and between which capacities."""

from __future__ import annotations

import secrets
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import capacity, listing, namespaces, quotas, tags
from .service import autoscaling, errors

SUSPENSIONS = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")
SHOWN = (*namespaces.IDENTITY, "MinCapacity", "MaxCapacity", "RoleARN", "SuspendedState")


@autoscaling.operation
def register_scalable_target(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Register a target, or change what is given of one. Capacity that lies outside is brought within at once."""
    namespaces.check(request)
    known = find(call, request)
    body = dict(known.body) if known else _first(call, request)
    for member in ("MinCapacity", "MaxCapacity"):
        if member in request:
            body[member] = request[member]
    if "RoleARN" in request and request["ServiceNamespace"] in namespaces.ROLE_GIVEN:
        body["RoleARN"] = request["RoleARN"]
    body["SuspendedState"] = {**body["SuspendedState"], **request.get("SuspendedState", {})}
    check_range(body)
    if known is None:
        known = call.resources("target").create(
            name(request), body, arn=call.arn(f"scalable-target/{secrets.token_hex(18)}"), tags=request.get("Tags", {})
        )
    else:
        if "Tags" in request:
            raise errors.ValidationException("Tags can be given to a scalable target only when it is registered.")
        known = call.resources("target").replace_body(known, body)
    if request["ServiceNamespace"] == namespaces.DYNAMODB:
        call.alarms.set(capacity.enter_range, known.name, call.now)
    return {"ScalableTargetARN": known.arn}


def _first(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The document of a target that is new."""
    namespace = request["ServiceNamespace"]
    if "MinCapacity" not in request or "MaxCapacity" not in request:
        raise errors.ValidationException("MinCapacity and MaxCapacity are required to register a new scalable target.")
    tags.check(request.get("Tags", {}), {})
    if namespace == namespaces.DYNAMODB:
        capacity.check_exists(call, request["ResourceId"])
        namespaces.ensure_role(call, namespace)
    most = quotas.TARGETS if namespace == namespaces.DYNAMODB else quotas.OTHER_TARGETS
    if call.limits_on and sum(one["ServiceNamespace"] == namespace for one in all_of(call)) >= most.value:
        raise errors.LimitExceededException(f"There is a limit of {int(most.value)} scalable targets for {namespace}.")
    return {
        **namespaces.identity(request),
        "RoleARN": namespaces.role(call.account, namespace),
        "SuspendedState": dict.fromkeys(SUSPENSIONS, False),
    }


def check_range(body: dict[str, Any]) -> None:
    if body["MinCapacity"] < 0 or body["MaxCapacity"] < 0:
        raise errors.ValidationException("MinCapacity and MaxCapacity must not be negative.")
    if body["MinCapacity"] > body["MaxCapacity"]:
        raise errors.ValidationException("Maximum capacity cannot be less than minimum capacity.")


def name(request: dict[str, Any]) -> str:
    """A target's name among resources: dimension and resource ID, which none but custom resources write with blanks."""
    return f"{request['ScalableDimension']} {request['ResourceId']}"


def find(call: Call, request: dict[str, Any]) -> Resource | None:
    return call.resources("target").find(name(request))


def existing(call: Call, request: dict[str, Any]) -> Resource:
    """The target on which something depends; ObjectNotFoundException."""
    found = find(call, request)
    if found is None:
        raise errors.ObjectNotFoundException(f"No scalable target registered for {namespaces.named(request)}")
    return found


def all_of(call: Call) -> list[Resource]:
    return call.resources("target").list()


@autoscaling.operation
def deregister_scalable_target(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Its policies and scheduled actions go with it."""
    from . import policies, scheduled_actions

    found = find(call, request)
    if found is None:
        raise errors.ObjectNotFoundException(f"No scalable target found for {namespaces.named(request)}")
    for policy in call.resources("policy").list(parent=found.name):
        policies.remove(call, policy)
    for action in call.resources("action").list(parent=found.name):
        scheduled_actions.remove(call, action)
    call.resources("target").delete(found)
    call.alarms.clear(capacity.enter_range, found.name)
    return {}


@autoscaling.operation
def describe_scalable_targets(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    wanted = request.get("ResourceIds")
    if "ScalableDimension" in request and not wanted:
        raise errors.ValidationException("ScalableDimension requires ResourceIds.")
    found = [
        one
        for one in all_of(call)
        if listing.matches(one.body, request) and (not wanted or one["ResourceId"] in wanted)
    ]
    return listing.page(call, request, found, "ScalableTargets", _describe)


def _describe(target: Resource) -> dict[str, Any]:
    described = {member: target[member] for member in SHOWN}
    return {**described, "CreationTime": target.created, "ScalableTargetARN": target.arn}
