"""Scheduled actions: at a time, at a rate, or by cron in a time zone, a target gets another range."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from typing import Any

from pocketlake.kernel import schedules
from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import activities, capacity, listing, namespaces, quotas, targets
from .service import autoscaling, errors

AT = re.compile(r"at\(\s*(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\s*\)")
KEPT = ("Schedule", "Timezone", "ScalableTargetAction")
MEMBERS = (*KEPT, "StartTime", "EndTime")
SEPARATOR = "|"  # names of actions have none


@autoscaling.operation
def put_scheduled_action(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make an action, or change what is given of one; its start and end go where they are not given again."""
    namespaces.check(request)
    target = targets.existing(call, request)
    namespaces.check_acting(request, "PutScheduledAction")
    resources = call.resources("action")
    known = resources.find(request["ScheduledActionName"], parent=target.name)
    given = {member: known[member] for member in KEPT if member in known.body} if known else {}
    given |= {member: request[member] for member in MEMBERS if member in request}
    _check(call, given)
    body = {**namespaces.identity(request), **given}
    if known is None:
        if call.limits_on and resources.count(target.name) >= quotas.ACTIONS.value:
            raise errors.LimitExceededException(
                f"There is a limit of {int(quotas.ACTIONS.value)} scheduled actions for a scalable target."
            )
        ending = f"scheduledActionName/{request['ScheduledActionName']}"
        arn = namespaces.arn(call, request, "scheduledAction", ending)
        known = resources.create(request["ScheduledActionName"], body, parent=target.name, arn=arn)
    else:
        known = resources.replace_body(known, body)
    _arm(call, known)
    return {}


def _check(call: Call, given: dict[str, Any]) -> None:
    if "Schedule" not in given:
        raise errors.ValidationException("A schedule must be specified for a new scheduled action.")
    action = given.get("ScalableTargetAction", {})
    if not {"MinCapacity", "MaxCapacity"} & action.keys():
        raise errors.ValidationException("ScalableTargetAction must specify MinCapacity, MaxCapacity, or both.")
    if action.keys() >= {"MinCapacity", "MaxCapacity"}:
        targets.check_range(action)
    if "StartTime" in given and "EndTime" in given and given["StartTime"] >= given["EndTime"]:
        raise errors.ValidationException("StartTime must be before EndTime.")
    try:
        _following(given, call.now)
    except schedules.ScheduleError as mistake:
        raise errors.ValidationException(f"Invalid schedule expression. Details: {mistake}") from None


def _following(action: dict[str, Any], after: float) -> float | None:
    """When the action is due next after a moment; None: never more. ScheduleError."""
    zone: tzinfo = schedules.zone(action["Timezone"]) if "Timezone" in action else UTC
    text = action["Schedule"].strip()
    start, end = action.get("StartTime"), action.get("EndTime")
    due: float | None
    if text.startswith("at("):
        match = AT.fullmatch(text)
        try:
            due = datetime.fromisoformat(match[1] if match else "").replace(tzinfo=zone).timestamp()
        except ValueError:
            raise schedules.ScheduleError(f"A time has the form at(yyyy-mm-ddThh:mm:ss): {text!r}") from None
        due = due if due > after else None
    elif text.startswith("rate(") and start is not None and start > after:
        schedules.parse_any(text)
        due = start
    else:
        earliest = after if start is None else max(after, start - 1e-3)
        due = schedules.parse_any(text).next_after(earliest, zone)
    return None if due is None or (end is not None and due > end) else due


def _arm(call: Call, action: Resource) -> None:
    due = _following(action.body, call.now)
    if due is None:
        call.alarms.clear(act, _key(action))
    else:
        call.alarms.set(act, _key(action), due)


def _key(action: Resource) -> str:
    return f"{action.name}{SEPARATOR}{action.parent}"


@autoscaling.alarm
def act(call: Call, key: str) -> None:
    """Give the target the action's range, and bring its capacity within."""
    name, _, parent = key.partition(SEPARATOR)
    action, target = call.resources("action").find(name, parent=parent), call.resources("target").find(parent)
    if action is None or target is None:
        return
    _arm(call, action)
    if target["SuspendedState"]["ScheduledScalingSuspended"]:
        return
    asked = action["ScalableTargetAction"]
    least, most = asked.get("MinCapacity", target["MinCapacity"]), asked.get("MaxCapacity", target["MaxCapacity"])
    described = " and ".join(
        f"{word} capacity to {asked[member]}"
        for word, member in (("min", "MinCapacity"), ("max", "MaxCapacity"))
        if member in asked
    )
    cause = f"scheduled action name {name} was triggered"
    if least > most:
        message = f"Failed to set {described}. Reason: Maximum capacity cannot be less than minimum capacity."
        activities.record(call, target, f"Setting {described}", cause, "Failed", message)
        return
    target = call.resources("target").update(target, MinCapacity=least, MaxCapacity=most)
    activities.record(call, target, f"Setting {described}", cause, "Successful", f"Successfully set {described}")
    capacity.enter_range(call, target.name)


@autoscaling.operation
def delete_scheduled_action(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    found = call.resources("action").find(request["ScheduledActionName"], parent=targets.name(request))
    if found is None:
        raise errors.ObjectNotFoundException(
            f"No scheduled action found for {namespaces.named(request)}, "
            f"scheduled action name: {request['ScheduledActionName']}"
        )
    remove(call, found)
    return {}


def remove(call: Call, action: Resource) -> None:
    call.resources("action").delete(action)
    call.alarms.clear(act, _key(action))


@autoscaling.operation
def describe_scheduled_actions(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    found = listing.of_targets(call, "action", request, request.get("ScheduledActionNames"))
    return listing.page(call, request, found, "ScheduledActions", _describe)


def _describe(action: Resource) -> dict[str, Any]:
    return {
        "ScheduledActionName": action.name,
        "ScheduledActionARN": action.arn,
        **action.body,
        "CreationTime": action.created,
    }
