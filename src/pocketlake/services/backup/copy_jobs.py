"""Copy jobs: a recovery point in another vault, of this region or another. It shares what the first one stands on."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.arn import parse
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.kernel.resources import Resource

from . import contents, jobs, lifecycles, notifications, recovery_points, vaults
from .service import backup, errors, refuse

KIND = jobs.COPY
SHOWN = (
    "SourceRecoveryPointArn",
    "DestinationBackupVaultArn",
    "DestinationRecoveryPointArn",
    "ResourceArn",
    "ResourceType",
    "ResourceName",
    "CompletionDate",
    "State",
    "StatusMessage",
    "BackupSizeInBytes",
    "IamRoleArn",
    "CreatedBy",
    "CreatedByBackupJobId",
)
LISTED_BY = {
    "ByResourceArn": "ResourceArn",
    "ByState": "State",
    "ByResourceType": "ResourceType",
    "ByDestinationVaultArn": "DestinationBackupVaultArn",
    "BySourceRecoveryPointArn": "SourceRecoveryPointArn",
    "ByParentJobId": "ParentJobId",
}


@backup.operation
def start_copy_job(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    job = jobs.of_token(call, KIND, request.get("IdempotencyToken"))
    if job is None:
        lifecycles.check(request.get("Lifecycle"))
        jobs.check_role(request["IamRoleArn"])
        source = request["SourceBackupVaultName"]
        arn = request["RecoveryPointArn"]
        point = recovery_points.find(call, {"BackupVaultName": source, "RecoveryPointArn": arn})
        if point["Status"] != recovery_points.DONE:
            raise errors.InvalidRequestException(f"Recovery point {arn} is not complete.")
        destination(call, request["DestinationBackupVaultArn"])
        action = {
            "DestinationBackupVaultArn": request["DestinationBackupVaultArn"],
            "Lifecycle": request.get("Lifecycle"),
            "Token": request.get("IdempotencyToken"),
        }
        job = begin(call, arn, source, action, request["IamRoleArn"], None)
    return {"CopyJobId": job.name, "CreationDate": job.created, "IsParent": False}


def destination(call: Call, arn: str) -> tuple[Call, str]:
    """Where a vault is, and its name."""
    try:
        parsed = parse(arn)
    except ValueError:
        raise refuse(f"Invalid ARN: {arn}") from None
    kind, _, name = parsed.resource.partition(":")
    if parsed.service != "backup" or kind != "backup-vault" or not name:
        raise refuse(f"Invalid backup vault ARN: {arn}")
    if parsed.account != call.account:
        raise NotImplemented501("backup copies into another account's vault")
    return call.as_(region=parsed.region), name


def begin(
    call: Call, point: str, vault: str, action: dict[str, Any], role: str, backup_job: Resource | None
) -> Resource:
    body: dict[str, Any] = {
        "State": jobs.CREATED,
        "SourceRecoveryPointArn": point,
        "Vault": vault,
        "DestinationBackupVaultArn": action["DestinationBackupVaultArn"],
        "Lifecycle": lifecycles.kept(action.get("Lifecycle")),
        "IamRoleArn": role,
        "ResourceArn": "",
    }
    if action.get("Token") is not None:
        body["Token"] = action["Token"]
    found = recovery_points.of_arn(call, point)
    body |= {member: found[member] for member in ("ResourceArn", "ResourceType", "ResourceName")}
    if backup_job is not None:
        body["CreatedByBackupJobId"] = backup_job.name
        if "CreatedBy" in backup_job.body:
            body["CreatedBy"] = backup_job["CreatedBy"]
    job = jobs.create(call, KIND, body)
    call.alarms.set(run_copy_job, job.name, call.now)
    return job


@backup.alarm
def run_copy_job(call: Call, name: str) -> None:
    job = jobs.find(call, KIND, name)
    point = vaults.points(call).by_arn(job["SourceRecoveryPointArn"])
    there, vault_name = destination(call, job["DestinationBackupVaultArn"])
    vault = vaults.kept(there).find(vault_name)
    if point is None or vault is None:
        _over(call, job, jobs.FAILED, f"{'Backup vault' if vault is None else 'Recovery point'} not found.")
        return
    if reason := lifecycles.conflict(job["Lifecycle"], vault.body):
        _over(call, job, jobs.FAILED, reason)
        return
    job = jobs.kept(call, KIND).update(job, State=jobs.RUNNING)
    notifications.tell(call, vaults.find(call, point.parent), "COPY_JOB_STARTED", job)
    arn = contents.of_type(point["ResourceType"]).new_arn(there, point["ResourceName"])
    kept = {
        member: value for member, value in point.body.items() if member not in ("EncryptionKeyArn", "LastRestoreTime")
    }
    kept |= {
        "Lifecycle": job["Lifecycle"],
        "IamRoleArn": job["IamRoleArn"],
        "SourceBackupVaultArn": vaults.find(call, point.parent).arn,
        "CompletionDate": call.now,
    }
    recovery_points.add(there, vault, arn, kept, point.tags)
    size = point["BackupSizeInBytes"]
    _over(call, job, jobs.COMPLETED, DestinationRecoveryPointArn=arn, BackupSizeInBytes=size)


def _over(call: Call, job: Resource, state: str, message: str = "", **more: Any) -> None:
    job = jobs.end(call, KIND, job, state, message, **more)
    vault = vaults.kept(call).find(job["Vault"])
    if vault is not None:
        notifications.tell(call, vault, "COPY_JOB_SUCCESSFUL" if state == jobs.COMPLETED else "COPY_JOB_FAILED", job)


def _describe(call: Call, job: Resource) -> dict[str, Any]:
    return {
        "AccountId": call.account,
        "CopyJobId": job.name,
        "SourceBackupVaultArn": call.arn(f"backup-vault:{job['Vault']}"),
        "CreationDate": job.created,
        "IsParent": False,
        "DestinationRecoveryPointLifecycle": job["Lifecycle"] or None,
        **{member: job[member] for member in SHOWN if member in job.body},
    }


@backup.operation
def describe_copy_job(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return {"CopyJob": _describe(call, jobs.find(call, KIND, request["CopyJobId"]))}


@backup.operation
def list_copy_jobs(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    listed, following = jobs.listed(call, KIND, request, LISTED_BY, _describe)
    return {"CopyJobs": listed, "NextToken": following}
