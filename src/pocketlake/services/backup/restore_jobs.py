"""Restore jobs: a table or bucket made from a recovery point."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.resources import Resource

from . import contents, jobs, notifications, recovery_points, store, vaults
from .quotas import PAGE
from .service import backup, errors, page, refuse

KIND = jobs.RESTORE
SHOWN = ("RecoveryPointArn", "StatusMessage", "CompletionDate", "IamRoleArn", "CreatedResourceArn", "ResourceType")
LISTED_BY = {
    "ByStatus": "State",
    "ByResourceType": "ResourceType",
    "ByParentJobId": "ParentJobId",
    "ByRestoreTestingPlanArn": "RestoreTestingPlanArn",
}


@backup.operation
def start_restore_job(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """PENDING at first; what it makes is told by DescribeRestoreJob.  [BKP-509]"""
    job = jobs.of_token(call, KIND, request.get("IdempotencyToken"))
    if job is not None:
        return {"RestoreJobId": job.name}
    point = recovery_points.of_arn(call, request["RecoveryPointArn"])
    if point["Status"] != recovery_points.DONE:
        raise errors.InvalidRequestException(f"Recovery point {point.arn} is not complete.")
    if request.get("ResourceType", point["ResourceType"]) != point["ResourceType"]:
        raise refuse(f"The recovery point is of the resource type {point['ResourceType']}.")
    if "IamRoleArn" not in request:
        raise errors.MissingParameterValueException("IamRoleArn is required to restore this resource type.")
    jobs.check_role(request["IamRoleArn"])
    contents.of_type(point["ResourceType"]).check_restore(call, request["Metadata"])
    store.refer(call.db, point["Content"])  # it stays while it is read, whatever becomes of the recovery point
    body = {
        "State": jobs.PENDING,
        "RecoveryPointArn": point.arn,
        "ResourceArn": point["ResourceArn"],
        "ResourceType": point["ResourceType"],
        "Vault": point.parent,
        "IamRoleArn": request["IamRoleArn"],
        "Metadata": request["Metadata"],
        "Content": point["Content"],
        "PointCreated": point.created,
        "Size": point["BackupSizeInBytes"],
        "Tags": point["SourceTags"] if request.get("CopySourceTagsToRestoredResource") else {},
        "Token": request.get("IdempotencyToken"),
    }
    job = jobs.create(call, KIND, {member: value for member, value in body.items() if value is not None})
    call.alarms.set(run_restore_job, job.name, call.now)
    return {"RestoreJobId": job.name}


@backup.alarm
def run_restore_job(call: Call, name: str) -> None:
    job = jobs.find(call, KIND, name)
    kind = contents.of_type(job["ResourceType"])
    try:
        arn = kind.restore(call, job, job["Content"], jobs.under_role(call, job["IamRoleArn"]))
    except ServiceError as error:
        _over(call, job, jobs.FAILED, jobs.worded(error))
        return
    job = jobs.kept(call, KIND).update(job, State=jobs.RUNNING, CreatedResourceArn=arn)
    _tell(call, job, "RESTORE_JOB_STARTED")
    call.alarms.set(finish_restore_job, name, call.now)


@backup.alarm
def finish_restore_job(call: Call, name: str) -> None:
    """Asked when something happened to what is being made."""
    job = jobs.kept(call, KIND).find(name)
    if job is None or job["State"] != jobs.RUNNING:
        return
    kind, arn = contents.of_type(job["ResourceType"]), job["CreatedResourceArn"]
    failure: str = job.get("Failure", "")
    try:
        if not kind.is_restored(call, job):
            return
        if job["Tags"] and not failure:
            kind.tag(jobs.under_role(call, job["IamRoleArn"]), arn, job["Tags"])
    except ServiceError as error:  # somebody has deleted it
        failure = jobs.worded(error)
    call.watches.remove(f"dynamodb-restore/{arn}", finish_restore_job, name)
    if failure:
        _over(call, job, jobs.FAILED, failure)
        return
    job = _over(call, job, jobs.COMPLETED)
    point = vaults.points(call).by_arn(job["RecoveryPointArn"])
    if point is not None:
        vaults.points(call).update(point, LastRestoreTime=job["CompletionDate"])


def _over(call: Call, job: Resource, state: str, message: str = "") -> Resource:
    contents.release(call, job["Content"])
    job = jobs.end(call, KIND, job, state, message)
    _tell(call, job, "RESTORE_JOB_COMPLETED")
    return job


def _tell(call: Call, job: Resource, event: str) -> None:
    vault = vaults.kept(call).find(job["Vault"])
    if vault is not None:
        notifications.tell(call, vault, event, job)


def _describe(call: Call, job: Resource) -> dict[str, Any]:
    return {
        "AccountId": call.account,
        "RestoreJobId": job.name,
        "SourceResourceArn": job["ResourceArn"],
        "BackupVaultArn": call.arn(f"backup-vault:{job['Vault']}"),
        "CreationDate": job.created,
        "Status": job["State"],
        "PercentDone": "100.00%" if job["State"] == jobs.COMPLETED else "0.00%",
        "BackupSizeInBytes": job["Size"],
        "RecoveryPointCreationDate": job["PointCreated"],
        "IsParent": False,
        **{member: job[member] for member in SHOWN if member in job.body},
    }


@backup.operation
def describe_restore_job(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _describe(call, jobs.find(call, KIND, request["RestoreJobId"]))


@backup.operation
def get_restore_job_metadata(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    job = jobs.find(call, KIND, request["RestoreJobId"])
    return {"RestoreJobId": job.name, "Metadata": job["Metadata"]}


@backup.operation
def list_restore_jobs(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    listed, following = jobs.listed(call, KIND, request, LISTED_BY, _describe)
    return {"RestoreJobs": listed, "NextToken": following}


@backup.operation
def list_restore_jobs_by_protected_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    low = request.get("ByRecoveryPointCreationDateAfter", 0.0)
    high = request.get("ByRecoveryPointCreationDateBefore", float("inf"))
    found = [
        _describe(call, job)
        for job in jobs.kept(call, KIND).list()
        if job["ResourceArn"] == request["ResourceArn"]
        and request.get("ByStatus", job["State"]) == job["State"]
        and low <= job["PointCreated"] <= high
    ]
    listed, following = page(call, request, found, int(PAGE.value))
    return {"RestoreJobs": listed, "NextToken": following}
