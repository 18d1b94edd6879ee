"""Backup jobs: started by users and by plans."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501, ServiceError
from pocketlake.kernel.resources import Resource

from . import contents, copy_jobs, jobs, lifecycles, notifications, plans, recovery_points, vaults
from .service import backup, errors, missing

KIND = jobs.BACKUP
SHOWN = (
    "RecoveryPointArn",
    "ResourceArn",
    "ResourceType",
    "ResourceName",
    "CompletionDate",
    "State",
    "StatusMessage",
    "BackupSizeInBytes",
    "IamRoleArn",
    "CreatedBy",
    "StartBy",
)
REGULAR = {"WindowsVSS": "disabled"}
LISTED_BY = {
    "ByResourceArn": "ResourceArn",
    "ByState": "State",
    "ByBackupVaultName": "Vault",
    "ByResourceType": "ResourceType",
    "ByParentJobId": "ParentJobId",
}


@backup.operation
def start_backup_job(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """CREATED in this answer, as a plan's jobs are; it begins at once.  [BKP-505]"""
    for member in ("LogicallyAirGappedBackupVaultArn", "Index"):
        if request.get(member):
            raise NotImplemented501(f"backup {member}")
    if request.get("BackupOptions", REGULAR) != REGULAR:
        raise NotImplemented501("backup BackupOptions (of EC2)")
    vaults.asked(call, request)
    lifecycles.check(request.get("Lifecycle"))
    plans.check_windows(request.get("StartWindowMinutes"), request.get("CompleteWindowMinutes"))
    vaults.check_tags(request.get("RecoveryPointTags", {}))
    jobs.check_role(request["IamRoleArn"])
    kind = contents.of_resource(request["ResourceArn"])
    job = jobs.of_token(call, KIND, request.get("IdempotencyToken"))
    if job is None:
        try:
            kind.describe(jobs.under_role(call, request["IamRoleArn"]), request["ResourceArn"])
        except ServiceError as error:
            raise missing(f"Resource {request['ResourceArn']} can't be backed up. {jobs.worded(error)}") from None
        rule = {
            "StartWindowMinutes": request.get("StartWindowMinutes"),
            "CompletionWindowMinutes": request.get("CompleteWindowMinutes"),
            "TargetBackupVaultName": request["BackupVaultName"],
            "Lifecycle": request.get("Lifecycle"),
            "RecoveryPointTags": request.get("RecoveryPointTags", {}),
        }
        job = begin(call, request["ResourceArn"], request["IamRoleArn"], rule, call.now, {}, request)
    return {
        "BackupJobId": job.name,
        "RecoveryPointArn": job["RecoveryPointArn"],
        "CreationDate": job.created,
        "IsParent": False,
    }


def begin(
    call: Call,
    arn: str,
    role: str,
    rule: dict[str, Any],
    due: float,
    creator: dict[str, Any],
    request: dict[str, Any] | None = None,
) -> Resource:
    """A job of `rule` that was due then; EXPIRED when its start window is over."""
    kind = contents.of_resource(arn)
    start, completion = plans.windows(rule)
    body = {
        "State": jobs.CREATED,
        "ResourceArn": arn,
        "ResourceType": kind.name,
        "ResourceName": arn.rpartition(":")[2].rpartition("/")[2],
        "Vault": rule["TargetBackupVaultName"],
        "IamRoleArn": role,
        "Lifecycle": lifecycles.kept(rule.get("Lifecycle")),
        "PointTags": rule.get("RecoveryPointTags", {}),
        "CopyActions": rule.get("CopyActions", []),
        "StartBy": due + start * 60,
        "CompleteBy": due + (start + completion) * 60,
        "CreatedBy": creator or None,
        "Token": (request or {}).get("IdempotencyToken"),
    }
    body["RecoveryPointArn"] = kind.new_arn(call, body["ResourceName"])
    job = jobs.create(call, KIND, {member: value for member, value in body.items() if value is not None})
    if call.now > job["StartBy"]:
        return _over(call, job, jobs.EXPIRED, "The backup job did not start within its start window.")
    call.alarms.set(run_backup_job, job.name, call.now)
    return job


@backup.alarm
def run_backup_job(call: Call, name: str) -> None:
    job = jobs.kept(call, KIND).find(name)
    if job is None or job["State"] != jobs.CREATED:
        return
    vault = vaults.kept(call).find(job["Vault"])
    if vault is None:
        _over(call, job, jobs.FAILED, f"Backup vault {job['Vault']} not found.")
        return
    if reason := lifecycles.conflict(job["Lifecycle"], vault.body):
        _over(call, job, jobs.FAILED, reason)
        return
    kind, asking = contents.of_type(job["ResourceType"]), jobs.under_role(call, job["IamRoleArn"])
    try:
        resource, tags, metadata = kind.describe(asking, job["ResourceArn"])
        content = kind.begin(call, job, asking)
    except ServiceError as error:
        _over(call, job, jobs.FAILED, jobs.worded(error))
        return
    point = {
        "ResourceArn": job["ResourceArn"],
        "ResourceType": kind.name,
        "ResourceName": resource,
        "IamRoleArn": job["IamRoleArn"],
        "Status": recovery_points.CREATING,
        "Lifecycle": job["Lifecycle"],
        "Content": content,
        "Metadata": metadata,
        "SourceTags": tags,
    }
    if "CreatedBy" in job.body:
        point["CreatedBy"] = job["CreatedBy"]
    own = {name: value for name, value in tags.items() if not name.startswith("aws:")}
    recovery_points.add(call, vault, job["RecoveryPointArn"], point, {**own, **job["PointTags"]})
    job = jobs.kept(call, KIND).update(job, State=jobs.RUNNING, ResourceName=resource)
    call.alarms.set(cancel_backup_job, name, job["CompleteBy"])
    notifications.tell(call, vault, "BACKUP_JOB_STARTED", job)
    call.alarms.set(finish_backup_job, name, call.now)


@backup.alarm
def finish_backup_job(call: Call, name: str) -> None:
    """Asked when something happened to the job's content: it may be whole by now."""
    job = jobs.kept(call, KIND).find(name)
    if job is None or job["State"] not in (jobs.RUNNING, jobs.ABORTING):
        return
    point = recovery_points.of_arn(call, job["RecoveryPointArn"])
    content = point["Content"]
    kind = contents.of_type(job["ResourceType"])
    size = kind.size(call, content)
    if size is None and "Failure" not in job.body:
        return
    call.watches.remove(f"dynamodb-backup/{content}", finish_backup_job, name)
    call.alarms.clear(cancel_backup_job, name)
    if job["State"] == jobs.ABORTING or "Failure" in job.body:
        recovery_points.remove(call, point)
        failed = job.get("Failure", "")
        state = jobs.FAILED if failed else job.get("EndsAs", jobs.ABORTED)
        _over(call, job, state, failed or job.get("StatusMessage", ""))
        return
    assert size is not None
    recovery_points.complete(call, point, size)
    _over(call, job, jobs.COMPLETED, BackupSizeInBytes=size)
    for action in job["CopyActions"]:
        copy_jobs.begin(call, point.arn, job["Vault"], action, job["IamRoleArn"], job)


def _over(call: Call, job: Resource, state: str, message: str = "", **more: Any) -> Resource:
    job = jobs.end(call, KIND, job, state, message, **more)
    vault = vaults.kept(call).find(job["Vault"])
    if vault is not None:
        event = "BACKUP_JOB_EXPIRED" if state == jobs.EXPIRED else "BACKUP_JOB_COMPLETED"
        notifications.tell(call, vault, event, job)
    return job


@backup.alarm
def cancel_backup_job(call: Call, name: str) -> None:
    """Its completion window is over."""
    job = jobs.kept(call, KIND).find(name)
    if job is not None and job["State"] == jobs.RUNNING:
        message = "The backup job did not complete within its completion window."
        jobs.kept(call, KIND).update(job, State=jobs.ABORTING, EndsAs=jobs.EXPIRED, StatusMessage=message)


@backup.operation
def stop_backup_job(call: Call, request: dict[str, Any]) -> None:
    """ABORTING until what it has begun is at rest."""
    job = jobs.find(call, KIND, request["BackupJobId"])
    if job["State"] == jobs.CREATED:
        _over(call, job, jobs.ABORTED)
    elif job["State"] == jobs.RUNNING:
        jobs.kept(call, KIND).update(job, State=jobs.ABORTING)
    else:
        raise errors.InvalidRequestException(f"Backup job {job.name} can't be stopped: it is {job['State']}.")


def _describe(call: Call, job: Resource) -> dict[str, Any]:
    vault = vaults.kept(call).find(job["Vault"])
    shown = {
        "AccountId": call.account,
        "BackupJobId": job.name,
        "BackupVaultName": job["Vault"],
        "BackupVaultArn": call.arn(f"backup-vault:{job['Vault']}"),
        "CreationDate": job.created,
        "InitiationDate": job.created,
        "PercentDone": "100.0" if job["State"] == jobs.COMPLETED else "0.0",
        "IsParent": False,
        "RecoveryPointLifecycle": job["Lifecycle"],
        **{member: job[member] for member in SHOWN if member in job.body},
    }
    if vault is not None:
        shown |= {"EncryptionKeyArn": vault["EncryptionKeyArn"], "IsEncrypted": True}
    return {member: value for member, value in shown.items() if value != {}}


@backup.operation
def describe_backup_job(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _describe(call, jobs.find(call, KIND, request["BackupJobId"]))


@backup.operation
def list_backup_jobs(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The newest first, those of the last 30 days."""
    listed, following = jobs.listed(call, KIND, request, LISTED_BY, _describe)
    return {"BackupJobs": listed, "NextToken": following}
