"""Recovery points: what backup jobs leave in vaults, until their lifecycles end."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import contents, lifecycles, quotas, store, vaults
from .service import backup, errors, missing, page

SHOWN = (
    "ResourceArn",
    "ResourceType",
    "ResourceName",
    "CreatedBy",
    "IamRoleArn",
    "Status",
    "StatusMessage",
    "CompletionDate",
    "BackupSizeInBytes",
    "EncryptionKeyArn",
    "SourceBackupVaultArn",
    "LastRestoreTime",
)
CREATING, DONE = "CREATING", "COMPLETED"


def add(call: Call, vault: Resource, arn: str, body: dict[str, Any], tags: dict[str, str]) -> Resource:
    """One more in the vault; it stands on body["Content"].  [BKP-509]"""
    store.refer(call.db, body["Content"])
    body = {"EncryptionKeyArn": vault["EncryptionKeyArn"], "Lifecycle": {}, **body}
    point = vaults.points(call).create(arn, body, parent=vault.name, arn=arn, tags=tags)
    _expect_end(call, point)
    return point


def complete(call: Call, point: Resource, size: int) -> Resource:
    return vaults.points(call).update(point, Status=DONE, BackupSizeInBytes=size, CompletionDate=call.now)


def _expect_end(call: Call, point: Resource) -> None:
    key = f"{point.parent}/{point.arn}"
    at = lifecycles.calculated(point["Lifecycle"], point.created).get("DeleteAt")
    if at is None:
        call.alarms.clear(expire_recovery_point, key)
    else:
        call.alarms.set(expire_recovery_point, key, at)


@backup.alarm
def expire_recovery_point(call: Call, key: str) -> None:
    """[BKP-504]"""
    vault, _, arn = key.partition("/")
    point = vaults.points(call).find(arn, parent=vault)
    if point is not None:
        remove(call, point)


def remove(call: Call, point: Resource) -> None:
    vaults.points(call).delete(point)
    call.alarms.clear(expire_recovery_point, f"{point.parent}/{point.arn}")
    contents.release(call, point["Content"])


def find(call: Call, request: dict[str, Any]) -> Resource:
    vault = vaults.asked(call, request)
    found = vaults.points(call).find(request["RecoveryPointArn"], parent=vault.name)
    if found is None:
        raise missing(f"Cannot find recovery point {request['RecoveryPointArn']}.")
    return found


def of_arn(call: Call, arn: str) -> Resource:
    """Of whatever vault of this account and region."""
    found = vaults.points(call).by_arn(arn)
    if found is None:
        raise missing(f"Cannot find recovery point {arn}.")
    return found


def describe(call: Call, point: Resource) -> dict[str, Any]:
    vault = vaults.find(call, point.parent)
    shown = {
        "RecoveryPointArn": point.arn,
        "BackupVaultName": vault.name,
        "BackupVaultArn": vault.arn,
        "CreationDate": point.created,
        "InitiationDate": point.created,
        "Lifecycle": point["Lifecycle"],
        "CalculatedLifecycle": lifecycles.calculated(point["Lifecycle"], point.created),
        "IsEncrypted": True,
        "IsParent": False,
        "VaultType": "BACKUP_VAULT",
        "StorageClass": _storage_class(call, point),
        **{member: point[member] for member in SHOWN if member in point.body},
    }
    return {member: value for member, value in shown.items() if value != {}}


def _storage_class(call: Call, point: Resource) -> str:
    at = lifecycles.calculated(point["Lifecycle"], point.created).get("MoveToColdStorageAt")
    is_cold = at is not None and at <= call.now and contents.of_type(point["ResourceType"]).turns_cold
    return "COLD" if is_cold else "WARM"


@backup.operation
def describe_recovery_point(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return describe(call, find(call, request))


@backup.operation
def list_recovery_points_by_backup_vault(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """[BKP-505]"""
    vault = vaults.asked(call, request)
    low, high = request.get("ByCreatedAfter", 0.0), request.get("ByCreatedBefore", float("inf"))
    found = [
        point
        for point in vaults.points(call).list(parent=vault.name)
        if request.get("ByResourceArn", point["ResourceArn"]) == point["ResourceArn"]
        and request.get("ByResourceType", point["ResourceType"]) == point["ResourceType"]
        and request.get("ByBackupPlanId") in (None, point.get("CreatedBy", {}).get("BackupPlanId"))
        and request.get("ByParentRecoveryPointArn") is None  # none is part of another
        and low <= point.created <= high
    ]
    listed, following = page(call, request, _newest(found), int(quotas.PAGE.value))
    return {"RecoveryPoints": [describe(call, point) for point in listed], "NextToken": following}


def _newest(points: list[Resource]) -> list[Resource]:
    return sorted(points, key=lambda point: (point.created, point.name), reverse=True)


@backup.operation
def list_recovery_points_by_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    found = [point for point in vaults.points(call).list_all() if point["ResourceArn"] == request["ResourceArn"]]
    listed, following = page(call, request, _newest(found), int(quotas.PAGE.value))
    shown = []
    for point in listed:
        described = describe(call, point)
        if "BackupSizeInBytes" in described:
            described["BackupSizeBytes"] = described["BackupSizeInBytes"]
        shown.append(described)
    return {"RecoveryPoints": shown, "NextToken": following}


@backup.operation
def delete_recovery_point(call: Call, request: dict[str, Any]) -> None:
    """Not while it is being made, and not from a locked vault."""
    point = find(call, request)
    if point["Status"] == CREATING:
        raise errors.InvalidResourceStateException("The recovery point is being created.")
    _check_unlocked(call, point)
    remove(call, point)


def _check_unlocked(call: Call, point: Resource) -> None:
    if vaults.is_locked(vaults.find(call, point.parent)):
        raise errors.InvalidRequestException(
            f"Backup vault {point.parent} is locked: its recovery points can't be deleted or changed."
        )


@backup.operation
def update_recovery_point_lifecycle(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    point = find(call, request)
    lifecycle = lifecycles.kept(request.get("Lifecycle"))
    lifecycles.check(lifecycle)
    _check_unlocked(call, point)
    changes_cold = lifecycle.get(lifecycles.COLD) != point["Lifecycle"].get(lifecycles.COLD)
    if changes_cold and _storage_class(call, point) == "COLD":
        raise errors.InvalidRequestException("A recovery point in cold storage keeps its MoveToColdStorageAfterDays.")
    point = vaults.points(call).update(point, Lifecycle=lifecycle)
    _expect_end(call, point)
    return {
        "BackupVaultArn": vaults.find(call, point.parent).arn,
        "RecoveryPointArn": point.arn,
        "Lifecycle": lifecycle,
        "CalculatedLifecycle": lifecycles.calculated(lifecycle, point.created),
    }


@backup.operation
def get_recovery_point_restore_metadata(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    point = find(call, request)
    return {
        "BackupVaultArn": vaults.find(call, point.parent).arn,
        "RecoveryPointArn": point.arn,
        "RestoreMetadata": point.get("Metadata", {}),
        "ResourceType": point["ResourceType"],
    }


# Protected resources


def _protected(call: Call, points: list[Resource]) -> list[dict[str, Any]]:
    latest: dict[str, Resource] = {}
    for point in points:
        known = latest.get(point["ResourceArn"])
        if known is None or known.created <= point.created:
            latest[point["ResourceArn"]] = point
    return [
        {
            "ResourceArn": arn,
            "ResourceType": point["ResourceType"],
            "ResourceName": point["ResourceName"],
            "LastBackupTime": point.created,
            "LastBackupVaultArn": vaults.find(call, point.parent).arn,
            "LastRecoveryPointArn": point.arn,
        }
        for arn, point in sorted(latest.items())
    ]


@backup.operation
def list_protected_resources(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    listed, following = page(call, request, _protected(call, vaults.points(call).list_all()), int(quotas.PAGE.value))
    return {"Results": listed, "NextToken": following}


@backup.operation
def list_protected_resources_by_backup_vault(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    vault = vaults.asked(call, request)
    found = _protected(call, vaults.points(call).list(parent=vault.name))
    listed, following = page(call, request, found, int(quotas.PAGE.value))
    return {"Results": listed, "NextToken": following}


@backup.operation
def describe_protected_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    for found in _protected(call, vaults.points(call).list_all()):
        if found["ResourceArn"] == request["ResourceArn"]:
            return found
    raise missing(f"Resource {request['ResourceArn']} has no recovery points.")
