"""On-demand backups: a table's items and settings at one moment, kept until they are deleted.

The moment is that of the request: the table's journal holds what changes after it, while the items are copied as they
were under a number of the backup's own. Of a deleted table with point-in-time recovery the backup is the table's own
rows, which stay where they are.
"""

from __future__ import annotations

import secrets
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource, Resources

from .. import copying, history, quotas, schemas, store, tables
from ..service import dynamodb, errors, operation
from ..streams import streams

USER, SYSTEM, AWS_BACKUP = "USER", "SYSTEM", "AWS_BACKUP"
CREATING, AVAILABLE, DELETED = "CREATING", "AVAILABLE", "DELETED"
DAY = 86_400.0
SYSTEM_LIFE = quotas.SYSTEM_BACKUP_DAYS.value * DAY
DELETED_TABLE = "$DeletedTableBackup"  # ends the names of SYSTEM backups
IN_USE = (
    "There is another ongoing conflicting backup control plane operation on the table. The backup is either being "
    "created, deleted or restored to a table."
)
# What a backup keeps of a table's document, and a restore gives to the new one.
SETTINGS = (
    "AttributeDefinitions",
    "KeySchema",
    "BillingMode",
    "ProvisionedThroughput",
    "OnDemandThroughput",
    "TableClass",
)
INDEX_SETTINGS = ("IndexName", "KeySchema", "Projection", "ProvisionedThroughput", "OnDemandThroughput")
INDEXES = ("LocalSecondaryIndexes", "GlobalSecondaryIndexes")


def kept(call: Call) -> Resources:
    """Parent: the table's name. Name: what ends the ARN, which rises with time."""
    return call.resources("backup")


@operation
def create_backup(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """CREATING in this answer; the moment is this one.  [BKP-501]"""
    return {"BackupDetails": details(_begin(call, request, USER))}


@operation
def start_aws_backup_job(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """What AWS Backup asks for, and no client can: a backup that DynamoDB's own calls don't show.

    Named as the permission dynamodb:StartAwsBackupJob.
    """
    return {"BackupDetails": details(_begin(call, request, AWS_BACKUP))}


def source_table(call: Call, name_or_arn: str) -> Resource:
    """TableNotFoundException when there is none."""
    name = schemas.name_of(call, name_or_arn)
    found = call.resources("table").find(name) if name else None
    if found is None:
        raise errors.TableNotFoundException(f"Table not found: {name_or_arn}")
    return found


def _begin(call: Call, request: dict[str, Any], kind: str) -> Resource:
    table = source_table(call, request["TableName"])
    if tables.status(call, table) == "CREATING":
        raise errors.TableInUseException(f"Table is being created: {table.name}")
    backup = _create(call, table, request["BackupName"], kind, AVAILABLE)
    number = store.number(call.db, backup.arn)
    at = history.follow(call, table, follower(backup))
    source = {"Owner": table["Number"], "At": at}
    backup = kept(call).update(backup, Number=number, Status=CREATING, SizeBytes=0, From=source)
    call.alarms.set(copy_backup, f"{table.name}/{backup.name}/", call.now)
    return backup


def _create(call: Call, table: Resource, name: str, kind: str, status: str) -> Resource:
    """A backup's document, of the table as it stands."""
    settings = settings_of(table)
    number = f"{int(call.now * 1000):014d}-{secrets.token_hex(4)}"
    body = {
        "Number": table["Number"],
        "BackupName": name,
        "BackupType": kind,
        "Status": status,
        "Source": _source_details(call, table),
        "Features": _features(table, settings),
        "Settings": settings,
    }
    return kept(call).create(number, body, parent=table.name, arn=f"{table.arn}/backup/{number}")


def follower(backup: Resource) -> str:
    return f"backup:{backup.name}"


def settings_of(table: Resource) -> dict[str, Any]:
    """The members of a CreateTable request that would make such a table."""
    settings = {member: table[member] for member in SETTINGS if member in table.body}
    if "ProvisionedThroughput" in settings:
        settings["ProvisionedThroughput"] = _units(settings["ProvisionedThroughput"])
    for kind in INDEXES:
        if table.get(kind):
            settings[kind] = [_index_settings(index) for index in table[kind]]
    return settings


def _index_settings(index: dict[str, Any]) -> dict[str, Any]:
    settings = {member: index[member] for member in INDEX_SETTINGS if member in index}
    if "ProvisionedThroughput" in settings:
        settings["ProvisionedThroughput"] = _units(settings["ProvisionedThroughput"])
    return settings


def _units(throughput: dict[str, Any]) -> dict[str, Any]:
    return {unit: throughput[unit] for unit in ("ReadCapacityUnits", "WriteCapacityUnits")}


def _source_details(call: Call, table: Resource) -> dict[str, Any]:
    described = tables.describe(call, table)
    details = {
        "TableName": table.name,
        "TableId": table["TableId"],
        "TableArn": table.arn,
        "TableSizeBytes": described["TableSizeBytes"],
        "ItemCount": described["ItemCount"],
        "KeySchema": table["KeySchema"],
        "TableCreationDateTime": table.created,
        "ProvisionedThroughput": _units(described["ProvisionedThroughput"]),
        "BillingMode": table["BillingMode"],
    }
    if "OnDemandThroughput" in table.body:
        details["OnDemandThroughput"] = table["OnDemandThroughput"]
    return details


def _features(table: Resource, settings: dict[str, Any]) -> dict[str, Any]:
    features = {kind: settings[kind] for kind in INDEXES if kind in settings}
    if "TimeToLive" in table.body:
        features["TimeToLiveDescription"] = {"TimeToLiveStatus": "ENABLED", "AttributeName": table["TimeToLive"]}
    if "StreamView" in table.body:
        features["StreamDescription"] = streams.described(table)["StreamSpecification"]
    return features


@dynamodb.alarm
def copy_backup(call: Call, key: str) -> None:
    """`key`: table/backup/position. The last page makes the backup available."""
    table, name, position = key.split("/")
    backup = kept(call).find(name, parent=table)
    if backup is None or backup["Status"] != CREATING:
        return
    rows, following = copying.page(call, backup["From"], position)
    size = backup["SizeBytes"] + copying.put(call, backup["Number"], rows)
    if following:
        kept(call).update(backup, SizeBytes=size)
        call.alarms.set(copy_backup, f"{table}/{name}/{following}", call.now)
        return
    kept(call).update(backup, SizeBytes=size, Status=AVAILABLE, From=None)
    history.release(call, backup["From"]["Owner"], follower(backup))
    call.notify(topic(backup))


def topic(backup: Resource) -> str:
    """What `call.watches` wait for: that a backup has been made."""
    return f"dynamodb-backup/{backup.arn}"


def check_deletable(call: Call, table: Resource) -> None:
    """A table stays while it is being backed up.  Source: developer guide, Using on-demand backup, How it works"""
    if any(backup["Status"] == CREATING for backup in kept(call).list(parent=table.name)):
        raise errors.ResourceInUseException(
            f"Attempt to change a resource which is still in use: Table is being backed up: {table.name}"
        )


def keep_deleted_table(call: Call, table: Resource) -> None:
    """A SYSTEM backup of a table that is being deleted: it takes the table's rows over, and expires."""
    backup = _create(call, table, f"{table.name}{DELETED_TABLE}", SYSTEM, AVAILABLE)
    expires = backup.created + SYSTEM_LIFE
    store.rename(call.db, table["Number"], backup.arn)
    kept(call).update(backup, SizeBytes=backup["Source"]["TableSizeBytes"], ExpiresAt=expires)
    call.alarms.set(expire_backup, f"{table.name}/{backup.name}", expires)


@dynamodb.alarm
def expire_backup(call: Call, key: str) -> None:
    from . import restores

    table, name = key.split("/")
    backup = kept(call).find(name, parent=table)
    if backup is None:
        return
    if restores.reads(call, backup):
        call.alarms.set(expire_backup, key, call.now + quotas.RESTORE_WAIT.value)
    else:
        _drop(call, backup)


def _drop(call: Call, backup: Resource) -> None:
    kept(call).delete(backup)
    tables.discard(call, backup["Number"])


@operation
def describe_backup(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return {"BackupDescription": _describe(find(call, request["BackupArn"]))}


def find(call: Call, arn: str) -> Resource:
    """BackupNotFoundException; what AWS Backup made is there for AWS Backup alone."""
    found = kept(call).by_arn(arn)
    if found is None or (found["BackupType"] == AWS_BACKUP and call.request is not None):
        raise errors.BackupNotFoundException(f"Backup not found: {arn}")
    return found


def details(backup: Resource) -> dict[str, Any]:
    shown = {
        "BackupArn": backup.arn,
        "BackupName": backup["BackupName"],
        "BackupSizeBytes": backup["SizeBytes"],
        "BackupStatus": backup["Status"],
        "BackupType": backup["BackupType"],
        "BackupCreationDateTime": backup.created,
    }
    if "ExpiresAt" in backup.body:
        shown["BackupExpiryDateTime"] = backup["ExpiresAt"]
    return shown


def _describe(backup: Resource) -> dict[str, Any]:
    return {
        "BackupDetails": details(backup),
        "SourceTableDetails": backup["Source"],
        "SourceTableFeatureDetails": backup["Features"],
    }


@operation
def delete_backup(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """BackupInUseException while it is being made, or restored from."""
    from . import restores

    backup = find(call, request["BackupArn"])
    if backup["Status"] == CREATING or restores.reads(call, backup):
        raise errors.BackupInUseException(IN_USE)
    _drop(call, backup)
    described = _describe(backup)
    described["BackupDetails"]["BackupStatus"] = DELETED
    return {"BackupDescription": described}


@operation
def list_backups(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """By table and time; those of users unless asked otherwise, and never those that AWS Backup made."""
    kind = request.get("BackupType", USER)
    kinds = {USER, SYSTEM} if kind == "ALL" else {kind} - {AWS_BACKUP}
    low, high = request.get("TimeRangeLowerBound", 0.0), request.get("TimeRangeUpperBound", float("inf"))
    if "TableName" in request:
        found = kept(call).list(parent=schemas.name_of(call, request["TableName"]))
    else:
        found = kept(call).list_all()
    after = _order(request["ExclusiveStartBackupArn"]) if "ExclusiveStartBackupArn" in request else ("", "")
    listed = [
        backup
        for backup in found
        if backup["BackupType"] in kinds and low <= backup.created < high and (backup.parent, backup.name) > after
    ]
    limit = request.get("Limit", int(quotas.BACKUPS_PAGE.value))
    page = listed[:limit]
    answer: dict[str, Any] = {"BackupSummaries": [_summary(backup) for backup in page]}
    if len(listed) > limit:
        answer["LastEvaluatedBackupArn"] = page[-1].arn
    return answer


def _order(arn: str) -> tuple[str, str]:
    """Where a backup stands in the list; it may be gone."""
    table, _, name = arn.rpartition(":table/")[2].partition("/backup/")
    return table, name


def _summary(backup: Resource) -> dict[str, Any]:
    source = backup["Source"]
    return {**details(backup), **{name: source[name] for name in ("TableName", "TableId", "TableArn")}}
