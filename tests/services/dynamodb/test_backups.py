"""On-demand backups: what they hold, how long, and tables made from them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pocketlake.services.dynamodb import copying, quotas

from .conftest import index, invalid, make, refusal, units

KEYS_STREAMED = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
NO_BACKUP = "arn:aws:dynamodb:us-east-1:000000000000:table/things/backup/01623095754481-2cfcd6f9"


def fill(dynamodb: Any, name: str, count: int, value: str = "old", start: int = 0) -> None:
    """Items p0/0, p1/1..., 25 in a batch."""
    puts = [{"PutRequest": {"Item": item(number, value)}} for number in range(start, start + count)]
    for first in range(0, count, 25):
        dynamodb.batch_write_item(RequestItems={name: puts[first : first + 25]})


def item(number: int, value: str = "old") -> dict[str, Any]:
    return {"p": {"S": f"p{number}"}, "s": {"N": str(number)}, "v": {"S": value}}


def scanned(dynamodb: Any, name: str, **more: Any) -> dict[str, str]:
    """Partition key -> v."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=name, **more)
    return {item["p"]["S"]: item["v"]["S"] for page in pages for item in page["Items"]}


def backed_up(lake: Any, dynamodb: Any, table: str, name: str = "first") -> str:
    arn = dynamodb.create_backup(TableName=table, BackupName=name)["BackupDetails"]["BackupArn"]
    lake.clock.advance(1)
    return str(arn)


def restored(lake: Any, dynamodb: Any, arn: str, name: str = "copy", **overrides: Any) -> dict[str, Any]:
    dynamodb.restore_table_from_backup(TargetTableName=name, BackupArn=arn, **overrides)
    lake.clock.advance(1)
    return dict(dynamodb.describe_table(TableName=name)["Table"])


def test_a_backup_is_described(lake: Any, dynamodb: Any, table: str) -> None:
    fill(dynamodb, table, 3)
    lake.clock.freeze()
    made = dynamodb.create_backup(TableName=table, BackupName="first")["BackupDetails"]
    assert made["BackupStatus"] == "CREATING"
    assert made["BackupType"] == "USER"
    assert made["BackupName"] == "first"
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert made["BackupArn"].startswith(f"{described['TableArn']}/backup/")
    lake.clock.advance(1)
    shown = dynamodb.describe_backup(BackupArn=made["BackupArn"])["BackupDescription"]
    assert shown["BackupDetails"]["BackupStatus"] == "AVAILABLE"
    assert shown["BackupDetails"]["BackupSizeBytes"] == described["TableSizeBytes"]
    source = shown["SourceTableDetails"]
    assert source["TableId"] == described["TableId"]
    assert source["ItemCount"] == 3
    assert source["KeySchema"] == described["KeySchema"]
    assert source["TableCreationDateTime"] == described["CreationDateTime"]
    assert source["BillingMode"] == "PAY_PER_REQUEST"


@pytest.mark.claim("BKP-501")
def test_a_backup_outlives_its_table(lake: Any, dynamodb: Any, table: str) -> None:
    fill(dynamodb, table, 30)
    arn = backed_up(lake, dynamodb, table)
    dynamodb.delete_table(TableName=table)
    lake.clock.advance(days=366)
    assert dynamodb.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"] == "AVAILABLE"
    restored(lake, dynamodb, arn)
    assert scanned(dynamodb, "copy") == {f"p{number}": "old" for number in range(30)}


def test_a_backup_holds_the_moment_of_its_request(lake: Any, dynamodb: Any, table: str) -> None:
    fill(dynamodb, table, 1500)
    lake.clock.freeze()  # the alarms that copy run, but what comes between them is ours
    arn = dynamodb.create_backup(TableName=table, BackupName="first")["BackupDetails"]["BackupArn"]
    fill(dynamodb, table, 50, "new")
    fill(dynamodb, table, 50, "new", start=2000)
    for number in range(1400, 1450):
        dynamodb.delete_item(TableName=table, Key={name: item(number)[name] for name in ("p", "s")})
    lake.clock.advance(1)
    restored(lake, dynamodb, arn)
    assert scanned(dynamodb, "copy") == {f"p{number}": "old" for number in range(1500)}
    assert len(scanned(dynamodb, table)) == 1500


def test_a_restored_table_has_the_settings_of_then(lake: Any, dynamodb: Any) -> None:
    by_value = index("by-value", "v:S", ProvisionedThroughput=units(3, 4))
    make(
        dynamodb,
        "rich",
        "p:S",
        "s:N",
        also=("v:S", "w:S"),
        ProvisionedThroughput=units(7, 8),
        GlobalSecondaryIndexes=[by_value],
        LocalSecondaryIndexes=[index("by-w", "p:S", "w:S", projection="KEYS_ONLY")],
        Tags=[{"Key": "team", "Value": "data"}],
        DeletionProtectionEnabled=True,
        StreamSpecification=KEYS_STREAMED,
    )
    fill(dynamodb, "rich", 3)
    dynamodb.update_time_to_live(TableName="rich", TimeToLiveSpecification={"AttributeName": "ends", "Enabled": True})
    arn = backed_up(lake, dynamodb, "rich")
    shown = dynamodb.describe_backup(BackupArn=arn)["BackupDescription"]["SourceTableFeatureDetails"]
    assert [one["IndexName"] for one in shown["GlobalSecondaryIndexes"]] == ["by-value"]
    assert shown["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ends"}
    assert shown["StreamDescription"] == KEYS_STREAMED
    dynamodb.update_table(TableName="rich", ProvisionedThroughput=units(20, 20))
    copy = restored(lake, dynamodb, arn)
    throughput = copy["ProvisionedThroughput"]
    assert (throughput["ReadCapacityUnits"], throughput["WriteCapacityUnits"]) == (7, 8)
    assert [one["IndexName"] for one in copy["GlobalSecondaryIndexes"]] == ["by-value"]
    assert [one["IndexName"] for one in copy["LocalSecondaryIndexes"]] == ["by-w"]
    assert not copy["DeletionProtectionEnabled"]
    assert "StreamSpecification" not in copy
    assert dynamodb.list_tags_of_resource(ResourceArn=copy["TableArn"])["Tags"] == []
    living = dynamodb.describe_time_to_live(TableName="copy")["TimeToLiveDescription"]
    assert living == {"TimeToLiveStatus": "DISABLED"}
    assert scanned(dynamodb, "copy", IndexName="by-value") == {f"p{number}": "old" for number in range(3)}


def test_a_restore_says_where_it_comes_from(lake: Any, dynamodb: Any, table: str) -> None:
    fill(dynamodb, table, 2)
    arn = backed_up(lake, dynamodb, table)
    backup = dynamodb.describe_backup(BackupArn=arn)["BackupDescription"]
    lake.clock.freeze()
    first = dynamodb.restore_table_from_backup(TargetTableName="copy", BackupArn=arn)["TableDescription"]
    assert first["TableStatus"] == "CREATING"
    summary = first["RestoreSummary"]
    assert summary["RestoreInProgress"]
    lake.clock.advance(1)
    done = dynamodb.describe_table(TableName="copy")["Table"]
    assert done["TableStatus"] == "ACTIVE"
    assert done["RestoreSummary"] == {
        "SourceBackupArn": arn,
        "SourceTableArn": backup["SourceTableDetails"]["TableArn"],
        "RestoreDateTime": backup["BackupDetails"]["BackupCreationDateTime"],
        "RestoreInProgress": False,
    }


@pytest.fixture
def slow_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies of one item a turn: what is asked meanwhile finds them under way."""
    monkeypatch.setattr(copying, "AT_ONCE", 1)


@pytest.mark.usefixtures("slow_copies")
def test_what_is_being_backed_up_stays(lake: Any, dynamodb: Any, table: str) -> None:
    fill(dynamodb, table, 300)
    made = dynamodb.create_backup(TableName=table, BackupName="first")["BackupDetails"]["BackupArn"]
    assert refusal(dynamodb.delete_backup, BackupArn=made)[0] == "BackupInUseException"
    early = refusal(dynamodb.restore_table_from_backup, TargetTableName="early", BackupArn=made)
    assert early[0] == "BackupInUseException"
    assert refusal(dynamodb.delete_table, TableName=table)[0] == "ResourceInUseException"
    lake.clock.advance(1)
    dynamodb.delete_table(TableName=table)
    dynamodb.delete_backup(BackupArn=made)


@pytest.mark.usefixtures("slow_copies")
def test_a_table_that_is_being_restored_is_in_use(lake: Any, dynamodb: Any, table: str) -> None:
    fill(dynamodb, table, 600)
    arn = backed_up(lake, dynamodb, table)
    dynamodb.restore_table_from_backup(TargetTableName="copy", BackupArn=arn)
    assert refusal(dynamodb.delete_backup, BackupArn=arn)[0] == "BackupInUseException"
    assert refusal(dynamodb.create_backup, TableName="copy", BackupName="early")[0] == "TableInUseException"
    again = refusal(dynamodb.restore_table_from_backup, TargetTableName="copy", BackupArn=arn)
    assert again[0] == "TableInUseException"
    assert refusal(dynamodb.get_item, TableName="copy", Key={"p": {"S": "p1"}})[0] == "ResourceNotFoundException"
    recovery = {"TableName": "copy", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
    assert refusal(dynamodb.update_continuous_backups, **recovery)[0] == "ContinuousBackupsUnavailableException"
    living = {"TableName": "copy", "TimeToLiveSpecification": {"AttributeName": "ends", "Enabled": True}}
    assert refusal(dynamodb.update_time_to_live, **living)[0] == "ResourceInUseException"
    assert refusal(dynamodb.delete_table, TableName="copy") == (
        "ResourceInUseException",
        "Attempt to change a resource which is still in use: Table is being created: copy",
    )
    lake.clock.advance(1)
    assert dynamodb.describe_table(TableName="copy")["Table"]["ItemCount"] == 600
    dynamodb.delete_backup(BackupArn=arn)


def test_refusals(lake: Any, dynamodb: Any, table: str) -> None:
    arn = backed_up(lake, dynamodb, table)
    missing = ("BackupNotFoundException", f"Backup not found: {NO_BACKUP}")
    assert refusal(dynamodb.describe_backup, BackupArn=NO_BACKUP) == missing
    assert refusal(dynamodb.delete_backup, BackupArn=NO_BACKUP) == missing
    assert refusal(dynamodb.restore_table_from_backup, TargetTableName="copy", BackupArn=NO_BACKUP) == missing
    assert refusal(dynamodb.create_backup, TableName="nothing", BackupName="first") == (
        "TableNotFoundException",
        "Table not found: nothing",
    )
    assert refusal(dynamodb.restore_table_from_backup, TargetTableName=table, BackupArn=arn) == (
        "TableAlreadyExistsException",
        f"Table already exists: {table}",
    )
    invalid(dynamodb.create_backup, TableName=table, BackupName="a b c")


def test_overrides_that_do_not_fit(lake: Any, dynamodb: Any, table: str) -> None:
    arn = backed_up(lake, dynamodb, table)
    request = {"TargetTableName": "copy", "BackupArn": arn}
    stranger = index("stranger", "v:S")
    assert "stranger" in invalid(dynamodb.restore_table_from_backup, **request, GlobalSecondaryIndexOverride=[stranger])
    invalid(dynamodb.restore_table_from_backup, **request, BillingModeOverride="PROVISIONED")
    invalid(dynamodb.restore_table_from_backup, **request, ProvisionedThroughputOverride=units(1, 1))
    encrypted = {"Enabled": True, "SSEType": "KMS"}
    assert refusal(dynamodb.restore_table_from_backup, **request, SSESpecificationOverride=encrypted)[0] == (
        "NotImplemented"
    )
    assert "copy" not in dynamodb.list_tables()["TableNames"]


def test_a_restored_table_may_be_provisioned_otherwise(lake: Any, dynamodb: Any, table: str) -> None:
    arn = backed_up(lake, dynamodb, table)
    copy = restored(lake, dynamodb, arn, BillingModeOverride="PROVISIONED", ProvisionedThroughputOverride=units(4, 5))
    assert copy["ProvisionedThroughput"]["WriteCapacityUnits"] == 5
    arn = backed_up(lake, dynamodb, "copy")
    back = restored(lake, dynamodb, arn, "back", BillingModeOverride="PAY_PER_REQUEST")
    assert back["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


def test_backups_are_listed_by_table_time_and_type(lake: Any, dynamodb: Any, table: str) -> None:
    other = make(dynamodb, "others", "p:S")
    lake.clock.freeze(int(lake.clock.now().timestamp()) + 1)  # clients send whole seconds
    arns = [backed_up(lake, dynamodb, table, f"backup-{number}") for number in range(5)]
    elsewhere = backed_up(lake, dynamodb, other)

    def listed(**more: Any) -> list[str]:
        return [one["BackupArn"] for one in dynamodb.list_backups(**more)["BackupSummaries"]]

    assert listed() == [elsewhere, *arns]
    assert listed(TableName=table) == arns
    table_arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    assert listed(TableName=table_arn, BackupType="ALL") == arns
    assert listed(TableName=table, BackupType="SYSTEM") == []
    assert listed(TableName="nothing") == []
    made = [one["BackupCreationDateTime"] for one in dynamodb.list_backups(TableName=table)["BackupSummaries"]]
    between = listed(TableName=table, TimeRangeLowerBound=made[1], TimeRangeUpperBound=made[3])
    assert between == arns[1:3]
    found, more = [], {}
    while True:
        page = dynamodb.list_backups(Limit=4, **more)
        found += [one["BackupArn"] for one in page["BackupSummaries"]]
        if "LastEvaluatedBackupArn" not in page:
            break
        more = {"ExclusiveStartBackupArn": page["LastEvaluatedBackupArn"]}
    assert found == [elsewhere, *arns]


def test_a_deleted_backup_is_gone(lake: Any, dynamodb: Any, table: str) -> None:
    arn = backed_up(lake, dynamodb, table)
    gone = dynamodb.delete_backup(BackupArn=arn)["BackupDescription"]
    assert gone["BackupDetails"]["BackupStatus"] == "DELETED"
    assert dynamodb.list_backups(TableName=table)["BackupSummaries"] == []
    with pytest.raises(ClientError):
        dynamodb.describe_backup(BackupArn=arn)


def test_a_backup_is_restored_in_another_region(lake: Any, dynamodb: Any, table: str) -> None:
    fill(dynamodb, table, 3)
    arn = backed_up(lake, dynamodb, table)
    there = lake.client("dynamodb", region="eu-west-1")
    copy = restored(lake, there, arn)
    assert ":eu-west-1:" in copy["TableArn"]
    assert len(scanned(there, "copy")) == 3
    assert "copy" not in dynamodb.list_tables()["TableNames"]
    dynamodb.delete_backup(BackupArn=arn)


@pytest.mark.usefixtures("slow_copies")
def test_restores_at_the_same_time_are_limited(
    lake: Any, dynamodb: Any, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(dynamodb, table, 300)
    arn = backed_up(lake, dynamodb, table)
    lake.clock.advance(60)
    monkeypatch.setattr(quotas, "RESTORES", replace(quotas.RESTORES, value=1))
    dynamodb.restore_table_from_backup(TargetTableName="first", BackupArn=arn)
    second = {"TargetTableName": "second", "BackupArn": arn}
    assert refusal(dynamodb.restore_table_from_backup, **second)[0] == "LimitExceededException"
    lake.clock.advance(60)
    dynamodb.restore_table_from_backup(**second)
