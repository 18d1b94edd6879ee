"""Point-in-time recovery: a table as it was at any second of the recovery period."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from .conftest import index, invalid, make, refusal, units
from .test_backups import fill, scanned


def enable(dynamodb: Any, table: str, **more: Any) -> dict[str, Any]:
    specification = {"PointInTimeRecoveryEnabled": True, **more}
    return described(
        dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=specification)
    )


def disable(dynamodb: Any, table: str) -> None:
    dynamodb.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )


def described(answer: dict[str, Any]) -> dict[str, Any]:
    description = answer["ContinuousBackupsDescription"]
    assert description["ContinuousBackupsStatus"] == "ENABLED"
    return dict(description["PointInTimeRecoveryDescription"])


def recovery(dynamodb: Any, table: str) -> dict[str, Any]:
    return described(dynamodb.describe_continuous_backups(TableName=table))


def restored(lake: Any, dynamodb: Any, table: str, moment: Any = None, name: str = "copy", **more: Any) -> Any:
    """As of `moment` on the lake's clock; None: the latest that there is."""
    when = {"UseLatestRestorableTime": True} if moment is None else {"RestoreDateTime": moment}
    dynamodb.restore_table_to_point_in_time(SourceTableName=table, TargetTableName=name, **when, **more)
    lake.clock.advance(1)
    return dynamodb.describe_table(TableName=name)["Table"]


@pytest.mark.claim("DDB-559")
def test_what_was_deleted_by_mistake_comes_back(lake: Any, dynamodb: Any, table: str) -> None:
    enable(dynamodb, table)
    fill(dynamodb, table, 20)
    lake.clock.advance(60)
    before = lake.clock.now()
    lake.clock.advance(60)
    fill(dynamodb, table, 5, "wrong")
    for number in range(10, 20):
        dynamodb.delete_item(TableName=table, Key={"p": {"S": f"p{number}"}, "s": {"N": str(number)}})
    lake.clock.advance(600)
    copy = restored(lake, dynamodb, table, before)
    assert scanned(dynamodb, "copy") == {f"p{number}": "old" for number in range(20)}
    assert copy["RestoreSummary"]["SourceTableArn"].endswith(f"table/{table}")
    assert copy["RestoreSummary"]["RestoreDateTime"].replace(microsecond=0) == before.replace(microsecond=0)
    assert "SourceBackupArn" not in copy["RestoreSummary"]
    assert len(scanned(dynamodb, table)) == 10


def test_the_state_is_said(lake: Any, dynamodb: Any, table: str) -> None:
    assert recovery(dynamodb, table) == {"PointInTimeRecoveryStatus": "DISABLED"}
    first = enable(dynamodb, table)
    assert first["RecoveryPeriodInDays"] == 35
    assert first["EarliestRestorableDateTime"] == first["LatestRestorableDateTime"].replace(microsecond=0)
    assert enable(dynamodb, table) == first  # once more changes nothing
    lake.clock.advance(hours=1)
    later = recovery(dynamodb, table)
    assert later["EarliestRestorableDateTime"] == first["EarliestRestorableDateTime"]
    behind = lake.clock.now() - later["LatestRestorableDateTime"]
    assert timedelta(seconds=300) <= behind < timedelta(seconds=310)
    disable(dynamodb, table)
    assert recovery(dynamodb, table) == {"PointInTimeRecoveryStatus": "DISABLED"}


@pytest.mark.claim("DDB-560", "DDB-561")
def test_the_window_rolls(lake: Any, dynamodb: Any, table: str) -> None:
    first = enable(dynamodb, table)["EarliestRestorableDateTime"]
    fill(dynamodb, table, 1)
    lake.clock.advance(days=36)
    fill(dynamodb, table, 1, "new")
    earliest = recovery(dynamodb, table)["EarliestRestorableDateTime"]
    assert timedelta(days=35) <= lake.clock.now() - earliest < timedelta(days=35, seconds=10)
    assert earliest > first
    request = {"SourceTableName": table, "TargetTableName": "copy"}
    code, message = refusal(dynamodb.restore_table_to_point_in_time, **request, RestoreDateTime=first)
    assert code == "InvalidRestoreTimeException"
    assert "RestoreDateTime must be between EarliestRestorableDateTime and LatestRestorableDateTime" in message
    restored(lake, dynamodb, table, earliest + timedelta(seconds=10))
    assert scanned(dynamodb, "copy") == {"p0": "old"}


@pytest.mark.claim("DDB-560")
def test_a_period_of_its_own(lake: Any, dynamodb: Any, table: str) -> None:
    assert enable(dynamodb, table, RecoveryPeriodInDays=2)["RecoveryPeriodInDays"] == 2
    lake.clock.advance(days=3)
    two_days = recovery(dynamodb, table)["EarliestRestorableDateTime"]
    assert timedelta(days=2) <= lake.clock.now() - two_days < timedelta(days=2, seconds=10)
    enable(dynamodb, table, RecoveryPeriodInDays=10)
    lake.clock.advance(days=1)  # what was forgotten by then stays forgotten
    assert abs(recovery(dynamodb, table)["EarliestRestorableDateTime"] - two_days) < timedelta(seconds=10)
    for days in (0, 36):
        specification = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": days}
        invalid(dynamodb.update_continuous_backups, TableName=table, PointInTimeRecoverySpecification=specification)


def test_moments_that_cannot_be_restored(lake: Any, dynamodb: Any, table: str) -> None:
    request = {"SourceTableName": table, "TargetTableName": "copy"}
    now = lake.clock.now()
    off = refusal(dynamodb.restore_table_to_point_in_time, **request, UseLatestRestorableTime=True)
    assert off[0] == "PointInTimeRecoveryUnavailableException"
    enable(dynamodb, table)
    lake.clock.advance(3600)
    for moment in (now - timedelta(hours=1), lake.clock.now() - timedelta(seconds=200)):
        refused = refusal(dynamodb.restore_table_to_point_in_time, **request, RestoreDateTime=moment)
        assert refused[0] == "InvalidRestoreTimeException"
    invalid(dynamodb.restore_table_to_point_in_time, **request)
    nothing = {"SourceTableName": "nothing", "TargetTableName": "copy", "UseLatestRestorableTime": True}
    assert refusal(dynamodb.restore_table_to_point_in_time, **nothing)[0] == "TableNotFoundException"
    itself = {"SourceTableName": table, "TargetTableName": table, "UseLatestRestorableTime": True}
    assert refusal(dynamodb.restore_table_to_point_in_time, **itself)[0] == "TableAlreadyExistsException"


def test_disabling_forgets_the_past(lake: Any, dynamodb: Any, table: str) -> None:
    enable(dynamodb, table)
    fill(dynamodb, table, 3)
    lake.clock.advance(hours=2)
    then = lake.clock.now() - timedelta(hours=1)
    disable(dynamodb, table)
    enable(dynamodb, table)
    request = {"SourceTableName": table, "TargetTableName": "copy"}
    refused = refusal(dynamodb.restore_table_to_point_in_time, **request, RestoreDateTime=then)
    assert refused[0] == "InvalidRestoreTimeException"
    restored(lake, dynamodb, table)
    assert len(scanned(dynamodb, "copy")) == 3


@pytest.mark.claim("DDB-562")
def test_into_another_region(lake: Any, dynamodb: Any, table: str) -> None:
    enable(dynamodb, table)
    fill(dynamodb, table, 3)
    lake.clock.advance(600)
    there = lake.client("dynamodb", region="eu-west-1")
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    there.restore_table_to_point_in_time(SourceTableArn=arn, TargetTableName=table, UseLatestRestorableTime=True)
    lake.clock.advance(1)
    assert ":eu-west-1:" in there.describe_table(TableName=table)["Table"]["TableArn"]
    assert len(scanned(there, table)) == 3


@pytest.mark.claim("DDB-563")
def test_indexes_can_be_left_out(lake: Any, dynamodb: Any) -> None:
    make(
        dynamodb,
        "rich",
        "p:S",
        "s:N",
        also=("v:S", "w:S"),
        GlobalSecondaryIndexes=[index("by-v", "v:S"), index("by-w", "w:S")],
        LocalSecondaryIndexes=[index("local", "p:S", "w:S")],
    )
    fill(dynamodb, "rich", 3)
    enable(dynamodb, "rich")
    bare = restored(
        lake, dynamodb, "rich", None, "bare", GlobalSecondaryIndexOverride=[], LocalSecondaryIndexOverride=[]
    )
    assert "GlobalSecondaryIndexes" not in bare
    assert "LocalSecondaryIndexes" not in bare
    assert [one["AttributeName"] for one in bare["AttributeDefinitions"]] == ["p", "s"]
    some = restored(lake, dynamodb, "rich", None, "some", GlobalSecondaryIndexOverride=[index("by-v", "v:S")])
    assert [one["IndexName"] for one in some["GlobalSecondaryIndexes"]] == ["by-v"]
    assert [one["IndexName"] for one in some["LocalSecondaryIndexes"]] == ["local"]
    assert len(scanned(dynamodb, "some", IndexName="by-v")) == 3
    whole = restored(lake, dynamodb, "rich", None, "whole")
    assert len(whole["GlobalSecondaryIndexes"]) == 2


def test_settings_are_those_of_now_and_not_all_of_them(lake: Any, dynamodb: Any) -> None:
    make(dynamodb, "plain", "p:S", "s:N", ProvisionedThroughput=units(2, 2), DeletionProtectionEnabled=True)
    enable(dynamodb, "plain")
    dynamodb.update_table(TableName="plain", ProvisionedThroughput=units(9, 9))
    copy = restored(lake, dynamodb, "plain")
    assert copy["ProvisionedThroughput"]["ReadCapacityUnits"] == 9
    assert not copy["DeletionProtectionEnabled"]
    assert recovery(dynamodb, "copy") == {"PointInTimeRecoveryStatus": "DISABLED"}


def test_an_entry_of_another_type_stays_out_of_the_index(lake: Any, dynamodb: Any, table: str) -> None:
    """An index that was made later passes such items over, and so does its copy."""
    dynamodb.put_item(TableName=table, Item={"p": {"S": "a"}, "s": {"N": "1"}, "v": {"N": "5"}})
    fill(dynamodb, table, 1)
    dynamodb.update_table(
        TableName=table,
        AttributeDefinitions=[{"AttributeName": "v", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": index("by-v", "v:S")}],
    )
    lake.clock.advance(60)
    enable(dynamodb, table)
    restored(lake, dynamodb, table)
    assert dynamodb.scan(TableName="copy")["Count"] == 2
    assert dynamodb.scan(TableName="copy", IndexName="by-v")["Count"] == 1


def test_a_deleted_table_is_kept_for_35_days(lake: Any, dynamodb: Any, table: str) -> None:
    enable(dynamodb, table)
    fill(dynamodb, table, 30)
    dynamodb.delete_table(TableName=table)
    (kept,) = dynamodb.list_backups(BackupType="SYSTEM")["BackupSummaries"]
    assert kept["BackupName"] == f"{table}$DeletedTableBackup"
    assert kept["BackupExpiryDateTime"] - kept["BackupCreationDateTime"] == timedelta(days=35)
    assert kept["BackupSizeBytes"] > 0
    make(dynamodb, table, "p:S", "s:N")  # one of the same name has nothing to do with it
    lake.clock.advance(days=34)
    dynamodb.restore_table_from_backup(TargetTableName="copy", BackupArn=kept["BackupArn"])
    lake.clock.advance(60)
    assert len(scanned(dynamodb, "copy")) == 30
    assert scanned(dynamodb, table) == {}
    lake.clock.advance(days=1)
    assert dynamodb.list_backups(BackupType="SYSTEM")["BackupSummaries"] == []


def test_a_restore_outlives_the_table_that_it_reads(lake: Any, dynamodb: Any, table: str) -> None:
    enable(dynamodb, table)
    fill(dynamodb, table, 3000)
    lake.clock.advance(600)
    fill(dynamodb, table, 25, "wrong", start=2975)
    dynamodb.restore_table_to_point_in_time(SourceTableName=table, TargetTableName="copy", UseLatestRestorableTime=True)
    disable(dynamodb, table)
    dynamodb.delete_table(TableName=table)
    lake.clock.advance(60)
    assert scanned(dynamodb, "copy") == {f"p{number}": "old" for number in range(3000)}
