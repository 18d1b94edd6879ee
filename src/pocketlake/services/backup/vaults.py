"""Vaults: where recovery points lie, under a key, a policy and perhaps a lock."""

from __future__ import annotations

from typing import Any

import orjson

from pocketlake.kernel.arn import PARTITION
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.kernel.resources import Resource, Resources

from . import quotas
from .lifecycles import DAY
from .service import backup, errors, missing, page, refuse

MOST_DAYS = int(quotas.RETENTION_MOST.value)
LOCK = ("MinRetentionDays", "MaxRetentionDays", "LockDate")


def kept(call: Call) -> Resources:
    return call.resources("vault")


def find(call: Call, name: str) -> Resource:
    found = kept(call).find(name)
    if found is None:
        raise missing(f"Backup vault {name} not found.")
    return found


def asked(call: Call, request: dict[str, Any]) -> Resource:
    """The one that a request names."""
    if request.get("BackupVaultAccountId", call.account) != call.account:
        raise NotImplemented501("backup BackupVaultAccountId of another account")
    return find(call, request["BackupVaultName"])


def points(call: Call) -> Resources:
    """Recovery points. Parent: the vault's name. Name: the ARN."""
    return call.resources("recovery-point")


@backup.operation
def create_backup_vault(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """[BKP-505, BKP-506]"""
    name = request["BackupVaultName"]
    found = kept(call).find(name)
    if found is not None:
        if "CreatorRequestId" in request and found.get("CreatorRequestId") == request["CreatorRequestId"]:
            return _named(found, "CreationDate")
        raise errors.AlreadyExistsException(
            "Backup vault with the same name already exists", Arn=found.arn, Type="BackupVault"
        )
    if call.limits_on and kept(call).count() >= quotas.VAULTS.value:
        raise errors.LimitExceededException(f"The limit of {int(quotas.VAULTS.value)} backup vaults has been reached.")
    tags = request.get("BackupVaultTags", {})
    check_tags(tags)
    body = {"EncryptionKeyArn": request.get("EncryptionKeyArn") or managed_key(call)}
    if "CreatorRequestId" in request:
        body["CreatorRequestId"] = request["CreatorRequestId"]
    vault = kept(call).create(name, body, arn=call.arn(f"backup-vault:{name}"), tags=tags)
    return _named(vault, "CreationDate")


def managed_key(call: Call) -> str:
    """The key that AWS Backup sets up where a vault names none."""
    return f"arn:{PARTITION}:kms:{call.region}:{call.account}:alias/aws/backup"


def check_tags(tags: dict[str, str]) -> None:
    if any(name.startswith("aws:") for name in tags):
        raise refuse("Tag keys can't begin with aws:, which is reserved.")
    if len(tags) > quotas.TAGS.value:
        raise refuse(f"A resource can have up to {int(quotas.TAGS.value)} tags.")


def _named(vault: Resource, *more: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"BackupVaultName": vault.name, "BackupVaultArn": vault.arn}
    if "CreationDate" in more:
        shown["CreationDate"] = vault.created
    return shown


@backup.operation
def describe_backup_vault(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _describe(call, asked(call, request))


def _describe(call: Call, vault: Resource) -> dict[str, Any]:
    shown = {
        **_named(vault, "CreationDate"),
        "VaultType": "BACKUP_VAULT",
        "VaultState": "AVAILABLE",
        "NumberOfRecoveryPoints": points(call).count(vault.name),
        "Locked": is_locked(vault),
    }
    for member in ("EncryptionKeyArn", "CreatorRequestId", *LOCK):
        if member in vault.body:
            shown[member] = vault[member]
    return shown


@backup.operation
def list_backup_vaults(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """By name."""
    found = [] if request.get("ByVaultType", "BACKUP_VAULT") != "BACKUP_VAULT" else kept(call).list()
    listed, following = page(call, request, found, int(quotas.PAGE.value))
    return {"BackupVaultList": [_describe(call, vault) for vault in listed], "NextToken": following}


@backup.operation
def delete_backup_vault(call: Call, request: dict[str, Any]) -> None:
    vault = asked(call, request)
    if points(call).count(vault.name):
        raise errors.InvalidRequestException("Backup vault cannot be deleted because it contains recovery points.")
    kept(call).delete(vault)


# Locks


def is_locked(vault: Resource) -> bool:
    return bool(vault.get("IsLocked"))


def _check_changeable(call: Call, vault: Resource) -> None:
    """After its lock date a lock is there for good."""
    if vault.get("LockDate", float("inf")) <= call.now:
        raise errors.InvalidRequestException(
            "The vault lock configuration is immutable: its lock date has passed, and it can be neither changed nor "
            "deleted."
        )


@backup.operation
def put_backup_vault_lock_configuration(call: Call, request: dict[str, Any]) -> None:
    """Without ChangeableForDays it can be taken back at any time.  Source: API reference"""
    vault = asked(call, request)
    least, most = request.get("MinRetentionDays"), request.get("MaxRetentionDays")
    days = request.get("ChangeableForDays")
    for member, value, low in (
        ("MinRetentionDays", least, 1),
        ("MaxRetentionDays", most, 1),
        ("ChangeableForDays", days, int(quotas.COOLING_OFF.value)),
    ):
        if value is not None and not low <= value <= MOST_DAYS:
            raise refuse(f"{member} must be between {low} and {MOST_DAYS}.")
    if least is not None and most is not None and most < least:
        raise refuse("MaxRetentionDays must not be less than MinRetentionDays.")
    _check_changeable(call, vault)
    locked_at = None if days is None else call.now + days * DAY
    kept(call).update(vault, IsLocked=True, MinRetentionDays=least, MaxRetentionDays=most, LockDate=locked_at)


@backup.operation
def delete_backup_vault_lock_configuration(call: Call, request: dict[str, Any]) -> None:
    vault = asked(call, request)
    _check_changeable(call, vault)
    kept(call).update(vault, **dict.fromkeys(("IsLocked", *LOCK)))


# Policies and notifications


@backup.operation
def put_backup_vault_access_policy(call: Call, request: dict[str, Any]) -> None:
    vault = asked(call, request)
    policy = request.get("Policy")
    if policy is None:
        raise errors.MissingParameterValueException("Policy is required.")
    try:
        document = orjson.loads(policy)
    except ValueError:
        document = None
    if not isinstance(document, dict) or "Statement" not in document:
        raise refuse("The policy is no JSON document of a policy.")
    kept(call).update(vault, Policy=policy)


@backup.operation
def get_backup_vault_access_policy(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    vault = asked(call, request)
    if "Policy" not in vault.body:
        raise missing(f"Backup vault {vault.name} has no access policy.")
    return {**_named(vault), "Policy": vault["Policy"]}


@backup.operation
def delete_backup_vault_access_policy(call: Call, request: dict[str, Any]) -> None:
    kept(call).update(asked(call, request), Policy=None)


@backup.operation
def put_backup_vault_notifications(call: Call, request: dict[str, Any]) -> None:
    vault = asked(call, request)
    settings = {"SNSTopicArn": request["SNSTopicArn"], "BackupVaultEvents": request["BackupVaultEvents"]}
    kept(call).update(vault, Notifications=settings)


@backup.operation
def get_backup_vault_notifications(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    vault = asked(call, request)
    if "Notifications" not in vault.body:
        raise missing(f"Backup vault {vault.name} has no notifications.")
    return {**_named(vault), **vault["Notifications"]}


@backup.operation
def delete_backup_vault_notifications(call: Call, request: dict[str, Any]) -> None:
    kept(call).update(asked(call, request), Notifications=None)
