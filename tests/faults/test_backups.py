"""kill -9 while tables and buckets are backed up and restored: what was begun is done after the restart, and whole."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from pocketlake.embedded import EmbeddedLake

from .mortal import ROUNDS, Mortal
from .writers import IMPATIENT, Writers

TABLE, BUCKET, VAULT = "faults", "faults-bucket", "faults"
ITEMS, OBJECTS = 3000, 200
ROLE = "arn:aws:iam::000000000000:role/backup"
State = dict[str, str]


@pytest.mark.timeout(60 + 60 * ROUNDS)
def test_backups_and_restores_of_tables_survive_kill_9(tmp_path: Path) -> None:
    with Mortal(tmp_path / "lake", "--limits", "off") as mortal:
        lake = mortal.lake
        prepare(lake)
        for number in range(ROUNDS):
            before = scanned(lake, TABLE)
            moment = lake.clock.now()
            lake.clock.advance(seconds=400)  # what lies five minutes back can be restored
            dynamodb = lake.client("dynamodb")
            arn = dynamodb.create_backup(TableName=TABLE, BackupName="killed")["BackupDetails"]["BackupArn"]
            copy = f"past-{number}"
            dynamodb.restore_table_to_point_in_time(SourceTableName=TABLE, TargetTableName=copy, RestoreDateTime=moment)
            lake = mortal.die(Changes(lake, mortal.chance.randrange(2**32)), seconds=(0.0, 0.1))
            lake.clock.advance(seconds=10)
            assert scanned(lake, copy) == before, "the restored table is not the past"
            assert scanned(lake, copy, IndexName="by-value") == before
            dynamodb = lake.client("dynamodb")
            dynamodb.restore_table_from_backup(TargetTableName=f"backup-{number}", BackupArn=arn)
            lake.clock.advance(seconds=10)
            assert scanned(lake, f"backup-{number}") == before, "the backup is not of its moment"


class Changes(Writers):
    """Items are put and deleted until the lake dies."""

    def __init__(self, lake: EmbeddedLake, seed: int) -> None:
        self._dynamodb = lake.client("dynamodb", config=IMPATIENT)
        self._chance = random.Random(seed)
        super().__init__(self._change)

    def _change(self) -> None:
        name = f"p{self._chance.randrange(ITEMS * 2)}"
        if self._chance.random() < 0.3:
            self._dynamodb.delete_item(TableName=TABLE, Key={"p": {"S": name}})
        else:
            self._dynamodb.put_item(TableName=TABLE, Item=item(name, f"changed {self._chance.random()}"))


def item(name: str, value: str) -> dict[str, Any]:
    return {"p": {"S": name}, "v": {"S": value}}


def prepare(lake: EmbeddedLake) -> None:
    dynamodb = lake.client("dynamodb")
    by_value = {
        "IndexName": "by-value",
        "KeySchema": [{"AttributeName": "v", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("p", "v")],
        GlobalSecondaryIndexes=[by_value],
    )
    dynamodb.update_continuous_backups(
        TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    for first in range(0, ITEMS, 25):
        puts = [{"PutRequest": {"Item": item(f"p{number}", "first")}} for number in range(first, first + 25)]
        dynamodb.batch_write_item(RequestItems={TABLE: puts})
    lake.clock.advance(seconds=60)


def scanned(lake: EmbeddedLake, name: str, **more: Any) -> State:
    pages = lake.client("dynamodb").get_paginator("scan").paginate(TableName=name, **more)
    return {item["p"]["S"]: item["v"]["S"] for page in pages for item in page["Items"]}


@pytest.mark.timeout(60 + 60 * ROUNDS)
def test_backups_and_restores_of_buckets_survive_kill_9(tmp_path: Path) -> None:
    with Mortal(tmp_path / "lake", "--limits", "off") as mortal:
        lake = mortal.lake
        expected = fill_bucket(lake, mortal.chance)
        for number in range(ROUNDS):
            backup = lake.client("backup")
            begun = backup.start_backup_job(
                BackupVaultName=VAULT, ResourceArn=f"arn:aws:s3:::{BUCKET}", IamRoleArn=ROLE
            )
            lake = some_seconds_later(mortal)
            backup = lake.client("backup")
            job = backup.describe_backup_job(BackupJobId=begun["BackupJobId"])
            assert job["State"] == "COMPLETED", job
            metadata = {"DestinationBucketName": f"{BUCKET}-{number}", "NewBucket": "true"}
            restore = backup.start_restore_job(
                RecoveryPointArn=job["RecoveryPointArn"], Metadata=metadata, IamRoleArn=ROLE
            )
            lake = some_seconds_later(mortal)
            done = lake.client("backup").describe_restore_job(RestoreJobId=restore["RestoreJobId"])
            assert done["Status"] == "COMPLETED", done
            assert contents(lake, f"{BUCKET}-{number}") == expected


def some_seconds_later(mortal: Mortal) -> EmbeddedLake:
    """A job was begun, the lake died, and another goes on with it."""
    lake = mortal.die(seconds=(0.0, 0.3))
    lake.clock.advance(seconds=10)
    return lake


def fill_bucket(lake: EmbeddedLake, chance: random.Random) -> dict[str, bytes]:
    lake.client("backup").create_backup_vault(BackupVaultName=VAULT)
    s3 = lake.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    objects = {f"object-{number}": chance.randbytes(chance.choice([0, 100, 30_000])) for number in range(OBJECTS)}
    for key, body in objects.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    return objects


def contents(lake: EmbeddedLake, bucket: str) -> dict[str, bytes]:
    s3 = lake.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [entry["Key"] for page in pages for entry in page["Contents"]]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
