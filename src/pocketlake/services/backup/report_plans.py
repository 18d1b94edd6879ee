"""Report plans: kept and described. The reports themselves are not written yet: StartReportJob answers 501."""

from __future__ import annotations

import uuid
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource, Resources

from . import quotas
from .service import backup, errors, missing, page, refuse
from .vaults import check_tags

SHOWN = ("ReportPlanDescription", "ReportDeliveryChannel", "ReportSetting")
TEMPLATES = {
    "RESOURCE_COMPLIANCE_REPORT",
    "CONTROL_COMPLIANCE_REPORT",
    "BACKUP_JOB_REPORT",
    "COPY_JOB_REPORT",
    "RESTORE_JOB_REPORT",
    "SCAN_JOB_REPORT",
}


def _kept(call: Call) -> Resources:
    return call.resources("report-plan")


def _find(call: Call, request: dict[str, Any]) -> Resource:
    found = _kept(call).find(request["ReportPlanName"])
    if found is None:
        raise missing(f"Report plan {request['ReportPlanName']} not found.")
    return found


def _check(setting: dict[str, Any]) -> None:
    if setting["ReportTemplate"] not in TEMPLATES:
        raise refuse(f"Invalid report template {setting['ReportTemplate']}.")


@backup.operation
def create_report_plan(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    name = request["ReportPlanName"]
    _check(request["ReportSetting"])
    check_tags(request.get("ReportPlanTags", {}))
    if (known := _kept(call).find(name)) is not None:
        if "IdempotencyToken" in request and known.get("IdempotencyToken") == request["IdempotencyToken"]:
            return _named(known)
        raise errors.AlreadyExistsException("Report plan with the same name already exists")
    body = {member: request[member] for member in (*SHOWN, "IdempotencyToken") if member in request}
    arn = call.arn(f"report-plan:{name}-{uuid.uuid4()}")
    plan = _kept(call).create(name, body, arn=arn, tags=request.get("ReportPlanTags", {}))
    return _named(plan)


def _named(plan: Resource) -> dict[str, Any]:
    return {"ReportPlanName": plan.name, "ReportPlanArn": plan.arn, "CreationTime": plan.created}


def _describe(plan: Resource) -> dict[str, Any]:
    shown = {member: plan[member] for member in SHOWN if member in plan.body}
    return {**_named(plan), "DeploymentStatus": "COMPLETED", **shown}


@backup.operation
def describe_report_plan(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return {"ReportPlan": _describe(_find(call, request))}


@backup.operation
def list_report_plans(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    listed, following = page(call, request, _kept(call).list(), int(quotas.PAGE.value))
    return {"ReportPlans": [_describe(plan) for plan in listed], "NextToken": following}


@backup.operation
def update_report_plan(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    plan = _find(call, request)
    if "ReportSetting" in request:
        _check(request["ReportSetting"])
    changes = {member: request[member] for member in SHOWN if member in request}
    return _named(_kept(call).update(plan, **changes))


@backup.operation
def delete_report_plan(call: Call, request: dict[str, Any]) -> None:
    _kept(call).delete(_find(call, request))
