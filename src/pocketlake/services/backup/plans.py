"""Plans: when to back up and into which vault, in versions; each rule has an alarm for its next run."""

from __future__ import annotations

import base64
import uuid
from typing import Any

import orjson

from pocketlake.kernel import schedules
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.kernel.resources import Resource, Resources

from . import copy_jobs, lifecycles, quotas
from .service import backup, errors, missing, page, refuse
from .vaults import check_tags

EVERY_DAY = "cron(0 5 ? * * *)"
UTC = "Etc/UTC"
NOT_BUILT = ("EnableContinuousBackup", "TargetLogicallyAirGappedBackupVaultArn", "IndexActions", "ScanActions")
NAMES = ("RuleName", "TargetBackupVaultName")
Plan = dict[str, Any]


def kept(call: Call) -> Resources:
    """Deleted ones too: their versions stay."""
    return call.resources("plan")


def find(call: Call, identity: str) -> Resource:
    found = kept(call).find(identity)
    if found is None:
        raise missing(f"Failed reading Backup plan with provided ID {identity}")
    return found


def current(call: Call, identity: str) -> Resource:
    """One that is not deleted."""
    found = find(call, identity)
    if "DeletedAt" in found.body:
        raise missing(f"Failed reading Backup plan with provided ID {identity}")
    return found


@backup.operation
def create_backup_plan(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """[BKP-507]"""
    given, creator = request["BackupPlan"], request.get("CreatorRequestId")
    check(call, given)
    check_tags(request.get("BackupPlanTags", {}))
    present = [plan for plan in kept(call).list() if "DeletedAt" not in plan.body]
    for plan in present:
        if creator is not None and plan.get("CreatorRequestId") == creator:
            return _written(plan)
        if plan["Given"] == given:
            raise errors.AlreadyExistsException(
                "Backup plan with the same plan document already exists", Arn=plan.arn, Type="BackupPlan"
            )
    if call.limits_on and len(present) >= quotas.PLANS.value:
        raise errors.LimitExceededException(f"The limit of {int(quotas.PLANS.value)} backup plans has been reached.")
    identity = str(uuid.uuid4())
    body: dict[str, Any] = {"Given": given, "Versions": [_version(call, given)], "Due": {}}
    if creator is not None:
        body["CreatorRequestId"] = creator
    arn = call.arn(f"backup-plan:{identity}")
    plan = kept(call).create(identity, body, arn=arn, tags=request.get("BackupPlanTags", {}))
    return _written(_schedule(call, plan))


def check(call: Call, plan: Plan) -> None:
    """InvalidParameterValueException."""
    names = [rule["RuleName"] for rule in plan["Rules"]]
    if len(set(names)) != len(names):
        raise refuse("Backup plan can't have rules of the same name.")
    if not names:
        raise refuse("Backup plan must have at least one rule.")
    for setting in plan.get("AdvancedBackupSettings", []):
        if setting.get("ResourceType") != "EC2":  # those of EC2 are kept: nothing of EC2 is backed up
            raise NotImplemented501(f"backup AdvancedBackupSettings of {setting.get('ResourceType')}")
    for rule in plan["Rules"]:
        for member in NOT_BUILT:
            if rule.get(member):
                raise NotImplemented501(f"backup {member}")
        lifecycles.check(rule.get("Lifecycle"))
        for action in rule.get("CopyActions", []):
            copy_jobs.destination(call, action["DestinationBackupVaultArn"])
            lifecycles.check(action.get("Lifecycle"))
        check_windows(rule.get("StartWindowMinutes"), rule.get("CompletionWindowMinutes"))
        _check_schedule(rule)


def check_windows(start: int | None, completion: int | None) -> None:
    least, most = int(quotas.START_LEAST.value), int(quotas.WINDOW_MOST.value)
    if start is not None and start != -1 and not least <= start <= most:
        raise refuse(f"Invalid value for start window minutes. It must be between {least} and {most}.")
    if completion is not None and completion != -1:
        if not 1 <= completion <= most:
            raise refuse(f"Invalid value for completion window minutes. It must be between 1 and {most}.")
        if completion < windows({"StartWindowMinutes": start})[0]:
            raise refuse("The completion window must not be shorter than the start window.")


def windows(rule: Plan) -> tuple[int, int]:
    """Minutes to start in, and to complete in."""
    start, completion = rule.get("StartWindowMinutes"), rule.get("CompletionWindowMinutes")
    return (
        int(quotas.START_WINDOW.value) if start in (None, -1) else int(start or 0),
        int(quotas.COMPLETION_WINDOW.value) if completion in (None, -1) else int(completion or 0),
    )


def _check_schedule(rule: Plan) -> None:
    try:
        schedule, _ = _schedule_of(rule)
    except schedules.ScheduleError as mistake:
        raise refuse(f"Invalid schedule expression: {mistake}") from None
    if _shortest_seconds(schedule) < quotas.SCHEDULE_LEAST.value * 60:
        raise refuse(f"Invalid schedule expression: backups must be {int(quotas.SCHEDULE_LEAST.value)} minutes apart.")


def _shortest_seconds(schedule: schedules.Cron | schedules.Rate) -> float:
    """Between two runs, or less than an hour where several come in one."""
    if isinstance(schedule, schedules.Rate):
        return schedule.seconds
    return 3600.0 if len(schedule.minutes) == 1 else 60.0


def _schedule_of(rule: Plan) -> tuple[schedules.Cron | schedules.Rate, Any]:
    expression = rule.get("ScheduleExpression", EVERY_DAY)
    return schedules.parse_any(expression), schedules.zone(rule.get("ScheduleExpressionTimezone", UTC))


def _version(call: Call, given: Plan) -> Plan:
    """A version of the plan, with what its rules leave out."""
    rules = []
    for rule in given["Rules"]:
        start, completion = windows(rule)
        rules.append(
            {
                "ScheduleExpression": EVERY_DAY,
                "ScheduleExpressionTimezone": UTC,
                "EnableContinuousBackup": False,
                **rule,
                "StartWindowMinutes": start,
                "CompletionWindowMinutes": completion,
                "RuleId": str(uuid.uuid4()),
            }
        )
    identity = base64.b64encode(str(uuid.uuid4()).encode()).decode()
    return {"VersionId": identity, "CreationDate": call.now, "Plan": {**given, "Rules": rules}}


def latest(plan: Resource) -> Plan:
    version: Plan = plan["Versions"][-1]
    return version


def _written(plan: Resource) -> dict[str, Any]:
    version = latest(plan)
    shown = {
        "BackupPlanId": plan.name,
        "BackupPlanArn": plan.arn,
        "CreationDate": plan.created,
        "VersionId": version["VersionId"],
    }
    if "AdvancedBackupSettings" in version["Plan"]:
        shown["AdvancedBackupSettings"] = version["Plan"]["AdvancedBackupSettings"]
    return shown


@backup.operation
def update_backup_plan(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """A new version, by which the plan runs from now on."""
    plan = current(call, request["BackupPlanId"])
    given = request["BackupPlan"]
    check(call, given)
    if call.limits_on and len(plan["Versions"]) >= quotas.PLAN_VERSIONS.value:
        raise errors.LimitExceededException("The limit of versions of a backup plan has been reached.")
    _unschedule(call, plan)
    versions = [*plan["Versions"], _version(call, given)]
    return _written(_schedule(call, kept(call).update(plan, Given=given, Versions=versions, Due={})))


@backup.operation
def delete_backup_plan(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """InvalidRequestException while resources are assigned to it."""
    plan = current(call, request["BackupPlanId"])
    if call.resources("selection").count(plan.name):
        raise errors.InvalidRequestException(
            "Related backup plan selections must be deleted prior to backup plan deletion"
        )
    _unschedule(call, plan)
    plan = kept(call).update(plan, DeletedAt=call.now, Due={})
    return {
        "BackupPlanId": plan.name,
        "BackupPlanArn": plan.arn,
        "DeletionDate": plan["DeletedAt"],
        "VersionId": latest(plan)["VersionId"],
    }


@backup.operation
def get_backup_plan(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Of a deleted plan, its versions."""
    asked = request.get("VersionId")
    plan = find(call, request["BackupPlanId"]) if asked else current(call, request["BackupPlanId"])
    version = latest(plan)
    if asked:
        versions = [one for one in plan["Versions"] if one["VersionId"] == asked]
        if not versions:
            raise missing(f"Failed reading Backup plan with provided version ID {asked}")
        version = versions[0]
    shown = {**_listed(plan, version), "BackupPlan": version["Plan"]}
    del shown["BackupPlanName"]
    if most := request.get("MaxScheduledRunsPreview"):
        shown["ScheduledRunsPreview"] = _preview(call, version["Plan"], most)
    return shown


def _listed(plan: Resource, version: Plan) -> dict[str, Any]:
    shown = {
        **_written(plan),
        "CreationDate": version["CreationDate"],
        "VersionId": version["VersionId"],
        "BackupPlanName": version["Plan"]["BackupPlanName"],
    }
    for member, name in (
        ("CreatorRequestId", "CreatorRequestId"),
        ("LastRun", "LastExecutionDate"),
        ("DeletedAt", "DeletionDate"),
    ):
        if member in plan.body:
            shown[name] = plan[member]
    return shown


def _preview(call: Call, plan: Plan, most: int) -> list[dict[str, Any]]:
    """The next runs of all rules together."""
    runs = []
    for rule in plan["Rules"]:
        schedule, zone = _schedule_of(rule)
        at: float | None = call.now
        for _ in range(most):
            if (at := schedule.next_after(at or 0.0, zone)) is None:
                break
            runs.append({"ExecutionTime": at, "RuleId": rule["RuleId"], "RuleExecutionType": "SNAPSHOTS"})
    return sorted(runs, key=lambda run: run["ExecutionTime"])[:most]


@backup.operation
def list_backup_plans(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """As they were made."""
    found = sorted(kept(call).list(), key=lambda plan: plan.created)
    if not request.get("IncludeDeleted"):
        found = [plan for plan in found if "DeletedAt" not in plan.body]
    listed, following = page(call, request, found, int(quotas.PAGE.value))
    return {"BackupPlansList": [_listed(plan, latest(plan)) for plan in listed], "NextToken": following}


@backup.operation
def list_backup_plan_versions(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The newest first."""
    plan = find(call, request["BackupPlanId"])
    listed, following = page(call, request, plan["Versions"][::-1], int(quotas.PAGE.value))
    return {"BackupPlanVersionsList": [_listed(plan, version) for version in listed], "NextToken": following}


@backup.operation
def export_backup_plan_template(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    plan = latest(current(call, request["BackupPlanId"]))["Plan"]
    return {"BackupPlanTemplateJson": orjson.dumps({"BackupPlan": plan}).decode()}


@backup.operation
def get_backup_plan_from_json(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The plan that such a template would make; nothing is made."""
    try:
        plan = orjson.loads(request["BackupPlanTemplateJson"])
        plan = plan.get("BackupPlan", plan)
        named = [plan["BackupPlanName"], *(rule[member] for rule in plan["Rules"] for member in NAMES)]
        check(call, plan)
    except (ValueError, AttributeError, KeyError, TypeError):
        named = [None]
    if not all(isinstance(name, str) for name in named):
        raise refuse("The template is no JSON document of a backup plan.")
    return {"BackupPlan": _version(call, plan)["Plan"]}


# Runs


def rule_of(plan: Resource, identity: str) -> Plan | None:
    return next((rule for rule in latest(plan)["Plan"]["Rules"] if rule["RuleId"] == identity), None)


def _schedule(call: Call, plan: Resource) -> Resource:
    for rule in latest(plan)["Plan"]["Rules"]:
        plan = expect_run(call, plan, rule)
    return plan


def expect_run(call: Call, plan: Resource, rule: Plan) -> Resource:
    """Set the alarm of a rule's next run."""
    schedule, zone = _schedule_of(rule)
    due = schedule.next_after(call.now, zone)
    if due is None:
        return plan
    call.alarms.set("run_rule", f"{plan.name}/{rule['RuleId']}", due)
    return kept(call).update(plan, Due={**plan["Due"], rule["RuleId"]: due})


def _unschedule(call: Call, plan: Resource) -> None:
    for rule in latest(plan)["Plan"]["Rules"]:
        call.alarms.clear("run_rule", f"{plan.name}/{rule['RuleId']}")
