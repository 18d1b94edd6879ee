"""Selections: which resources a plan protects, by ARN and by tag; and the runs of a plan's rules."""

from __future__ import annotations

import uuid
from fnmatch import fnmatchcase
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource, Resources

from . import backup_jobs, contents, jobs, plans, quotas, settings
from .service import backup, errors, missing, page, refuse

TAG = "aws:ResourceTag/"
OPERATORS = ("StringEquals", "StringNotEquals", "StringLike", "StringNotLike")


def kept(call: Call) -> Resources:
    """Parent: the plan's ID."""
    return call.resources("selection")


@backup.operation
def create_backup_selection(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """[BKP-508]"""
    plan, given = plans.current(call, request["BackupPlanId"]), request["BackupSelection"]
    creator = request.get("CreatorRequestId")
    for one in kept(call).list(parent=plan.name):
        if creator is not None and one.get("CreatorRequestId") == creator:
            return _written(one)
        if one["Given"]["SelectionName"] == given["SelectionName"]:
            raise errors.AlreadyExistsException("Backup selection with the same name already exists")
    if call.limits_on and kept(call).count(plan.name) >= quotas.SELECTIONS.value:
        raise errors.LimitExceededException(f"The limit of {int(quotas.SELECTIONS.value)} selections has been reached.")
    _check(given)
    body = {"Given": given} if creator is None else {"Given": given, "CreatorRequestId": creator}
    return _written(kept(call).create(str(uuid.uuid4()), body, parent=plan.name))


def _check(given: dict[str, Any]) -> None:
    jobs.check_role(given["IamRoleArn"])
    for member in ("Resources", "NotResources"):
        arns = given.get(member, [])
        wild = [arn for arn in arns if "*" in arn]
        if len(arns) > quotas.RESOURCES.value or len(wild) > quotas.WILDCARDS.value:
            raise refuse(
                f"{member} can hold up to {int(quotas.RESOURCES.value)} ARNs, {int(quotas.WILDCARDS.value)} of them "
                "with wildcards."
            )
        for arn in arns:
            if arn != "*" and not arn.startswith("arn:"):
                raise refuse(f"Invalid ARN: {arn}")
            if "*" not in arn:
                contents.of_resource(arn)
    if not given.get("Resources") and not given.get("ListOfTags") and not _conditions(given):
        raise refuse("A backup selection must have Resources, ListOfTags or Conditions.")
    for operator in _conditions(given):
        for one in given["Conditions"][operator]:
            if not one.get("ConditionKey", "").startswith(TAG):
                raise refuse(f"Condition keys begin with {TAG}.")


def _conditions(given: dict[str, Any]) -> list[str]:
    return [operator for operator in OPERATORS if given.get("Conditions", {}).get(operator)]


def _written(selection: Resource) -> dict[str, Any]:
    shown = {"SelectionId": selection.name, "BackupPlanId": selection.parent, "CreationDate": selection.created}
    if "CreatorRequestId" in selection.body:
        shown["CreatorRequestId"] = selection["CreatorRequestId"]
    return shown


def _find(call: Call, request: dict[str, Any]) -> Resource:
    plan = plans.current(call, request["BackupPlanId"])
    found = kept(call).find(request["SelectionId"], parent=plan.name)
    if found is None:
        raise missing(f"Failed reading Backup selection with provided ID {request['SelectionId']}")
    return found


@backup.operation
def get_backup_selection(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    found = _find(call, request)
    return {**_written(found), "BackupSelection": found["Given"]}


@backup.operation
def list_backup_selections(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    plan = plans.current(call, request["BackupPlanId"])
    found = sorted(kept(call).list(parent=plan.name), key=lambda one: one.created)
    listed, following = page(call, request, found, int(quotas.PAGE.value))
    shown = [
        {**_written(one), "SelectionName": one["Given"]["SelectionName"], "IamRoleArn": one["Given"]["IamRoleArn"]}
        for one in listed
    ]
    return {"BackupSelectionsList": shown, "NextToken": following}


@backup.operation
def delete_backup_selection(call: Call, request: dict[str, Any]) -> None:
    kept(call).delete(_find(call, request))


# What is selected


def selects(given: dict[str, Any], arn: str, tags: dict[str, str], is_opted_in: bool = True) -> bool:
    """Whether a selection holds the resource. ARNs: any of them; ListOfTags: any; Conditions: all. [BKP-508]

    Types that the region is not opted in to are held only by an ARN of their own.  Source: API reference,
    BackupSelection; developer guide, Assigning resources programmatically
    """
    if any(fnmatchcase(arn, pattern) for pattern in given.get("NotResources", [])):
        return False
    named = given.get("Resources") or ["*"]
    if arn not in named and not (is_opted_in and any("*" in one and fnmatchcase(arn, one) for one in named)):
        return False
    listed = given.get("ListOfTags", [])
    if listed and not any(tags.get(one["ConditionKey"]) == one["ConditionValue"] for one in listed):
        return False
    return all(
        _holds(operator, tags.get(one["ConditionKey"].removeprefix(TAG)), one["ConditionValue"])
        for operator in _conditions(given)
        for one in given["Conditions"][operator]
    )


def _holds(operator: str, value: str | None, wanted: str) -> bool:
    is_equal = value is not None and (fnmatchcase(value, wanted) if operator.endswith("Like") else value == wanted)
    return is_equal != ("Not" in operator)


@backup.alarm
def run_rule(call: Call, key: str) -> None:
    """`key`: plan/rule. A job for each resource that the plan's selections hold, and the alarm of the next run."""
    identity, rule_id = key.split("/")
    plan = plans.find(call, identity)
    rule = plans.rule_of(plan, rule_id)
    if rule is None or "DeletedAt" in plan.body:
        return
    due = plan["Due"].get(rule_id, call.now)
    creator = {
        "BackupPlanId": plan.name,
        "BackupPlanArn": plan.arn,
        "BackupPlanName": plans.latest(plan)["Plan"]["BackupPlanName"],
        "BackupPlanVersion": plans.latest(plan)["VersionId"],
        "BackupRuleId": rule_id,
        "BackupRuleName": rule["RuleName"],
        "BackupRuleCron": rule["ScheduleExpression"],
        "BackupRuleTimezone": rule["ScheduleExpressionTimezone"],
    }
    for arn, role in _selected(call, plan).items():
        backup_jobs.begin(call, arn, role, rule, due, creator)
    plans.expect_run(call, plans.kept(call).update(plan, LastRun=call.now), rule)


def _selected(call: Call, plan: Resource) -> dict[str, str]:
    """ARN -> role, of what the plan's selections hold; a resource that several hold is backed up once."""
    selections = kept(call).list(parent=plan.name)
    found: dict[str, str] = {}
    for name, kind in contents.TYPES.items() if selections else ():
        is_opted_in = settings.opted_in(call)[name]
        for arn, tags in kind.find(call):
            for selection in selections:
                if arn not in found and selects(selection["Given"], arn, tags, is_opted_in):
                    found[arn] = selection["Given"]["IamRoleArn"]
    return found
