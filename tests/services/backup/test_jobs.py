"""Jobs: backups, restores and copies, of tables and of buckets."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest

from pocketlake import embedded
from pocketlake.services.dynamodb import copying

from .conftest import ROLE, backed_up, make_bucket, make_table, refusal, restored

MIB = 1024 * 1024


def keys(dynamodb: Any, name: str) -> set[str]:
    return {item["p"]["S"] for item in dynamodb.scan(TableName=name)["Items"]}


def test_a_job_is_described_and_listed(lake: Any, backup: Any, vault: str, table: str) -> None:
    begun = backup.start_backup_job(BackupVaultName=vault, ResourceArn=table, IamRoleArn=ROLE, IdempotencyToken="one")
    again = backup.start_backup_job(BackupVaultName=vault, ResourceArn=table, IamRoleArn=ROLE, IdempotencyToken="one")
    assert again["BackupJobId"] == begun["BackupJobId"]
    lake.clock.advance(1)
    job = backup.describe_backup_job(BackupJobId=begun["BackupJobId"])
    assert job["State"] == "COMPLETED"
    assert job["ResourceType"] == "DynamoDB"
    assert job["ResourceName"] == "things"
    assert job["BackupSizeInBytes"] > 0
    assert job["RecoveryPointArn"].startswith("arn:aws:backup:us-east-1:000000000000:recovery-point:")
    assert [one["BackupJobId"] for one in backup.list_backup_jobs()["BackupJobs"]] == [begun["BackupJobId"]]
    assert backup.list_backup_jobs(ByState="FAILED")["BackupJobs"] == []
    assert backup.list_backup_jobs(ByResourceType="S3")["BackupJobs"] == []
    assert refusal(backup.stop_backup_job, BackupJobId=begun["BackupJobId"]) == "InvalidRequestException"
    assert refusal(backup.describe_backup_job, BackupJobId="none") == "ResourceNotFoundException"
    lake.clock.advance(days=31)  # jobs are remembered for 30 days
    assert backup.list_backup_jobs()["BackupJobs"] == []


@pytest.mark.claim("BKP-509")
def test_a_table_comes_back(lake: Any, backup: Any, dynamodb: Any, vault: str) -> None:
    arn = make_table(dynamodb, "things", 10, team="data")
    point = backed_up(lake, backup, arn)["RecoveryPointArn"]
    dynamodb.delete_table(TableName="things")
    where = {"BackupVaultName": vault, "RecoveryPointArn": point}
    metadata = backup.get_recovery_point_restore_metadata(**where)["RestoreMetadata"]
    assert metadata["originalTableName"] == "things"
    job = restored(lake, backup, point, {**metadata, "targetTableName": "copy"}, CopySourceTagsToRestoredResource=True)
    assert job["Status"] == "COMPLETED", job
    assert job["CreatedResourceArn"].endswith(":table/copy")
    assert keys(dynamodb, "copy") == {f"p{number}" for number in range(10)}
    tags = dynamodb.list_tags_of_resource(ResourceArn=job["CreatedResourceArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "data"}]
    assert backup.describe_recovery_point(**where)["LastRestoreTime"] == job["CompletionDate"]
    assert [one["RestoreJobId"] for one in backup.list_restore_jobs()["RestoreJobs"]] == [job["RestoreJobId"]]


def test_restores_that_cannot_be(lake: Any, backup: Any, vault: str, table: str) -> None:
    point = backed_up(lake, backup, table)["RecoveryPointArn"]
    for metadata in (
        {},
        {"targetTableName": "copy", "colour": "red"},
        {"targetTableName": "no spaces"},
        {"targetTableName": "ab"},
        {"targetTableName": "n" * 256},
    ):
        request = {"RecoveryPointArn": point, "IamRoleArn": ROLE, "Metadata": metadata}
        assert refusal(backup.start_restore_job, **request) == "InvalidParameterValueException"
    taken = restored(lake, backup, point, {"targetTableName": "things"})
    assert (taken["Status"], "TableAlreadyExists" in taken["StatusMessage"]) == ("FAILED", True)
    request = {"RecoveryPointArn": f"{point}0", "IamRoleArn": ROLE, "Metadata": {"targetTableName": "copy"}}
    assert refusal(backup.start_restore_job, **request) == "ResourceNotFoundException"


def test_backups_by_aws_backup_are_not_dynamodbs_to_show(
    lake: Any, backup: Any, dynamodb: Any, vault: str, table: str
) -> None:
    backed_up(lake, backup, table)
    assert dynamodb.list_backups(BackupType="ALL")["BackupSummaries"] == []


def test_a_recovery_point_carries_tags_and_a_lifecycle(lake: Any, backup: Any, dynamodb: Any, vault: str) -> None:
    arn = make_table(dynamodb, "tagged", 1, team="data")
    lifecycle = {"MoveToColdStorageAfterDays": 10, "DeleteAfterDays": 100}
    point = backed_up(lake, backup, arn, Lifecycle=lifecycle, RecoveryPointTags={"why": "test"})["RecoveryPointArn"]
    assert backup.list_tags(ResourceArn=point)["Tags"] == {"team": "data", "why": "test"}
    where = {"BackupVaultName": vault, "RecoveryPointArn": point}
    shown = backup.describe_recovery_point(**where)
    assert shown["Lifecycle"] == lifecycle
    ages = {name: at - shown["CreationDate"] for name, at in shown["CalculatedLifecycle"].items()}
    assert ages == {"MoveToColdStorageAt": timedelta(days=10), "DeleteAt": timedelta(days=100)}
    assert (shown["Status"], shown["StorageClass"]) == ("COMPLETED", "WARM")
    lake.clock.advance(days=11)
    assert backup.describe_recovery_point(**where)["StorageClass"] == "COLD"
    backup.update_recovery_point_lifecycle(
        **where, Lifecycle={"MoveToColdStorageAfterDays": 10, "DeleteAfterDays": 200}
    )
    lake.clock.advance(days=150)
    assert backup.describe_recovery_point(**where)["Status"] == "COMPLETED"
    lake.clock.advance(days=40)
    assert refusal(backup.describe_recovery_point, **where) == "ResourceNotFoundException"


def test_cold_storage_is_for_90_days(backup: Any, vault: str, table: str) -> None:
    lifecycle = {"MoveToColdStorageAfterDays": 10, "DeleteAfterDays": 99}
    request = {"BackupVaultName": vault, "ResourceArn": table, "IamRoleArn": ROLE, "Lifecycle": lifecycle}
    assert refusal(backup.start_backup_job, **request) == "InvalidParameterValueException"


def test_a_stopped_job_leaves_nothing(
    lake: Any, backup: Any, dynamodb: Any, vault: str, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "AT_ONCE", 1)  # so that the job is under way for a while
    with_many = make_table(dynamodb, "many", 300)
    job = backup.start_backup_job(BackupVaultName=vault, ResourceArn=with_many, IamRoleArn=ROLE)["BackupJobId"]
    backup.stop_backup_job(BackupJobId=job)
    lake.clock.advance(1)
    assert backup.describe_backup_job(BackupJobId=job)["State"] == "ABORTED"
    assert backup.list_recovery_points_by_backup_vault(BackupVaultName=vault)["RecoveryPoints"] == []
    lake.clock.advance(minutes=5)
    dynamodb.delete_table(TableName="many")


def test_filters_that_nothing_meets(lake: Any, backup: Any, vault: str, table: str) -> None:
    point = backed_up(lake, backup, table)["RecoveryPointArn"]
    restored(lake, backup, point, {"targetTableName": "copy"})
    assert backup.list_backup_jobs(ByParentJobId="none")["BackupJobs"] == []
    assert backup.list_restore_jobs(ByParentJobId="none")["RestoreJobs"] == []
    assert backup.list_restore_jobs(ByRestoreTestingPlanArn="none")["RestoreJobs"] == []
    of_vault = {"BackupVaultName": vault}
    listed = backup.list_recovery_points_by_backup_vault(**of_vault, ByParentRecoveryPointArn=point)
    assert listed["RecoveryPoints"] == []
    assert refusal(backup.list_backup_jobs, ByMessageCategory="SUCCESS") == "NotImplemented"
    assert refusal(backup.describe_backup_vault, **of_vault, BackupVaultAccountId="1" * 12) == "NotImplemented"
    vss = {"IamRoleArn": ROLE, "ResourceArn": table, "BackupOptions": {"WindowsVSS": "enabled"}}
    assert refusal(backup.start_backup_job, **of_vault, **vss) == "NotImplemented"


def test_what_is_protected(lake: Any, backup: Any, dynamodb: Any, vault: str, table: str) -> None:
    backed_up(lake, backup, table)
    last = backed_up(lake, backup, table)
    (found,) = backup.list_protected_resources()["Results"]
    assert found["ResourceArn"] == table
    assert found["LastRecoveryPointArn"] == last["RecoveryPointArn"]
    points = backup.list_recovery_points_by_resource(ResourceArn=table)["RecoveryPoints"]
    assert len(points) == 2
    assert points[0]["RecoveryPointArn"] == last["RecoveryPointArn"]
    assert points[0]["BackupSizeBytes"] > 0
    assert backup.describe_protected_resource(ResourceArn=table)["ResourceType"] == "DynamoDB"


# Buckets


def test_a_bucket_comes_back(lake: Any, backup: Any, vault: str) -> None:
    s3 = lake.client("s3")
    large = os.urandom(300_000)
    arn = make_bucket(s3, "photos", small=b"small", large=large)
    s3.put_object(
        Bucket="photos", Key="a/tagged", Body=b"t", Metadata={"who": "me"}, ContentType="text/x", Tagging="k=v%20w"
    )
    job = backed_up(lake, backup, arn)
    assert job["State"] == "COMPLETED", job
    assert job["RecoveryPointArn"].startswith("arn:aws:backup:us-east-1:000000000000:recovery-point:photos-")
    assert job["BackupSizeInBytes"] == 300_006
    s3.put_object(Bucket="photos", Key="small", Body=b"overwritten")
    s3.delete_object(Bucket="photos", Key="large")
    done = restored(
        lake, backup, job["RecoveryPointArn"], {"DestinationBucketName": "photos-back", "NewBucket": "true"}
    )
    assert done["Status"] == "COMPLETED", done
    assert s3.get_object(Bucket="photos-back", Key="small")["Body"].read() == b"small"
    assert s3.get_object(Bucket="photos-back", Key="large")["Body"].read() == large
    tagged = s3.get_object(Bucket="photos-back", Key="a/tagged")
    assert (tagged["Metadata"], tagged["ContentType"]) == ({"who": "me"}, "text/x")
    tags = s3.get_object_tagging(Bucket="photos-back", Key="a/tagged")["TagSet"]
    assert tags == [{"Key": "k", "Value": "v w"}]
    some = {"DestinationBucketName": "photos", "NewBucket": "false", "ItemsToRestore": json.dumps(["lar"])}
    assert restored(lake, backup, job["RecoveryPointArn"], some)["Status"] == "COMPLETED"
    assert s3.get_object(Bucket="photos", Key="large")["Body"].read() == large
    assert s3.get_object(Bucket="photos", Key="small")["Body"].read() == b"overwritten"


def test_a_bucket_must_be_versioned(lake: Any, backup: Any, vault: str) -> None:
    lake.client("s3").create_bucket(Bucket="plain-bucket")
    request = {"BackupVaultName": vault, "ResourceArn": "arn:aws:s3:::plain-bucket", "IamRoleArn": ROLE}
    assert refusal(backup.start_backup_job, **request) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "wrong",
    [
        {"DestinationBucketName": ""},
        {"NewBucket": "yes"},
        {"Encrypted": "x"},
        {"EncryptionType": "weird"},
        {"ItemsToRestore": "5"},
        {"ItemsToRestore": "[5]"},
        {"ItemsToRestore": json.dumps(list("abcdef"))},
        {"RestoreTime": "2030-01-01T00:00:00Z"},
        {"Colour": "red"},
    ],
)
def test_restores_of_a_bucket_that_cannot_be(lake: Any, backup: Any, vault: str, wrong: dict[str, str]) -> None:
    point = backed_up(lake, backup, make_bucket(lake.client("s3"), "photos"))["RecoveryPointArn"]
    metadata = {"DestinationBucketName": "photos", "NewBucket": "false", **wrong}
    request = {"RecoveryPointArn": point, "IamRoleArn": ROLE, "Metadata": metadata}
    assert refusal(backup.start_restore_job, **request) == "InvalidParameterValueException"


def test_an_empty_bucket_comes_back(lake: Any, backup: Any, vault: str) -> None:
    job = backed_up(lake, backup, make_bucket(lake.client("s3"), "photos"))
    assert (job["State"], job["BackupSizeInBytes"]) == ("COMPLETED", 0)
    made = {"DestinationBucketName": "photos-back", "NewBucket": "true"}
    assert restored(lake, backup, job["RecoveryPointArn"], made)["Status"] == "COMPLETED"
    assert "Contents" not in lake.client("s3").list_objects_v2(Bucket="photos-back")


def test_backups_of_a_bucket_stand_alone(lake: Any, backup: Any, vault: str) -> None:
    """The second shares what the first has, and keeps it when the first and the bucket are gone."""
    s3 = lake.client("s3")
    body = os.urandom(200_000)
    arn = make_bucket(s3, "photos", same=body, changed=b"1")
    first = backed_up(lake, backup, arn)["RecoveryPointArn"]
    s3.put_object(Bucket="photos", Key="changed", Body=b"2")
    second = backed_up(lake, backup, arn)["RecoveryPointArn"]
    backup.delete_recovery_point(BackupVaultName=vault, RecoveryPointArn=first)
    for version in s3.list_object_versions(Bucket="photos")["Versions"]:
        s3.delete_object(Bucket="photos", Key=version["Key"], VersionId=version["VersionId"])
    s3.delete_bucket(Bucket="photos")
    lake.clock.advance(60)
    restored(lake, backup, second, {"DestinationBucketName": "photos", "NewBucket": "true"})
    assert s3.get_object(Bucket="photos", Key="same")["Body"].read() == body
    assert s3.get_object(Bucket="photos", Key="changed")["Body"].read() == b"2"


def test_backups_share_the_bytes_of_their_bucket(tmp_path: Path) -> None:
    with embedded.run(tmp_path) as lake:
        backup, s3 = lake.client("backup"), lake.client("s3")
        backup.create_backup_vault(BackupVaultName="safe")
        arn = make_bucket(s3, "photos", small=b"1")
        where = {"Bucket": "photos", "Key": "in-parts"}
        upload = {**where, "UploadId": s3.create_multipart_upload(**where)["UploadId"]}
        parts = [
            {
                "PartNumber": number,
                "ETag": s3.upload_part(**upload, PartNumber=number, Body=os.urandom(5 * MIB))["ETag"],
            }
            for number in (1, 2)
        ]
        s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        room = taken_by(tmp_path)
        first = backed_up(lake, backup, arn)
        second = backed_up(lake, backup, arn)
        assert second["BackupSizeInBytes"] == first["BackupSizeInBytes"] == 10 * MIB + 1
        assert taken_by(tmp_path) - room < MIB


def taken_by(directory: Path) -> int:
    """Bytes of a directory's files, however many names they have."""
    stats = [path.stat() for path in directory.rglob("*") if path.is_file()]
    return sum({stat.st_ino: stat.st_size for stat in stats}.values())


def test_the_last_recovery_point_takes_along_what_it_stands_on(tmp_path: Path) -> None:
    with embedded.run(tmp_path) as lake:
        backup = lake.client("backup")
        backup.create_backup_vault(BackupVaultName="safe")
        destination = backup.create_backup_vault(BackupVaultName="near")["BackupVaultArn"]
        for arn in (make_table(lake.client("dynamodb"), "things", 3), make_bucket(lake.client("s3"), "photos", a=b"1")):
            point = backed_up(lake, backup, arn)["RecoveryPointArn"]
            request = {"RecoveryPointArn": point, "SourceBackupVaultName": "safe", "IamRoleArn": ROLE}
            backup.start_copy_job(DestinationBackupVaultArn=destination, **request)
            lake.clock.advance(1)
            backup.delete_recovery_point(BackupVaultName="safe", RecoveryPointArn=point)
        lake.clock.advance(minutes=5)
        copies = backup.list_recovery_points_by_backup_vault(BackupVaultName="near")["RecoveryPoints"]
        assert kept_in(tmp_path) == [2, 1, 1]
        for copy in copies:
            backup.delete_recovery_point(BackupVaultName="near", RecoveryPointArn=copy["RecoveryPointArn"])
        lake.clock.advance(minutes=5)
    assert kept_in(tmp_path) == [0, 0, 0]


def kept_in(directory: Path) -> list[int]:
    """Contents, objects of buckets and backups of DynamoDB's that a lake's directory holds."""
    database = apsw.Connection(str(directory / "lake.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
    counted = [
        next(database.execute(f"SELECT count(*) FROM {what}"))[0]
        for what in (
            "backup_contents",
            "backup_objects",
            "resources WHERE service = 'dynamodb' AND kind = 'backup'",
        )
    ]
    database.close()
    return counted


# Copies


def test_a_copy_in_another_region(lake: Any, backup: Any, vault: str, table: str) -> None:
    point = backed_up(lake, backup, table)["RecoveryPointArn"]
    there = lake.client("backup", region="eu-west-1")
    destination = there.create_backup_vault(BackupVaultName="far")["BackupVaultArn"]
    begun = backup.start_copy_job(
        RecoveryPointArn=point,
        SourceBackupVaultName=vault,
        DestinationBackupVaultArn=destination,
        IamRoleArn=ROLE,
        Lifecycle={"DeleteAfterDays": 5},
    )
    lake.clock.advance(1)
    job = backup.describe_copy_job(CopyJobId=begun["CopyJobId"])["CopyJob"]
    assert job["State"] == "COMPLETED", job
    copy = job["DestinationRecoveryPointArn"]
    assert copy.startswith("arn:aws:backup:eu-west-1:")
    backup.delete_recovery_point(BackupVaultName=vault, RecoveryPointArn=point)
    lake.clock.advance(60)
    shown = there.describe_recovery_point(BackupVaultName="far", RecoveryPointArn=copy)
    assert shown["SourceBackupVaultArn"].endswith("backup-vault:safe")
    done = restored(lake, there, copy, {"targetTableName": "copy"})
    assert done["Status"] == "COMPLETED", done
    assert len(keys(lake.client("dynamodb", region="eu-west-1"), "copy")) == 10
    lake.clock.advance(days=5)
    assert there.list_recovery_points_by_backup_vault(BackupVaultName="far")["RecoveryPoints"] == []


def test_a_copy_of_a_bucket_in_another_vault(lake: Any, backup: Any, vault: str) -> None:
    s3 = lake.client("s3")
    arn = make_bucket(s3, "photos", one=b"1")
    point = backed_up(lake, backup, arn)["RecoveryPointArn"]
    destination = backup.create_backup_vault(BackupVaultName="near")["BackupVaultArn"]
    backup.start_copy_job(
        RecoveryPointArn=point, SourceBackupVaultName=vault, DestinationBackupVaultArn=destination, IamRoleArn=ROLE
    )
    lake.clock.advance(1)
    (job,) = backup.list_copy_jobs(ByState="COMPLETED")["CopyJobs"]
    assert backup.list_copy_jobs(ByParentJobId="none")["CopyJobs"] == []
    backup.delete_recovery_point(BackupVaultName=vault, RecoveryPointArn=point)
    lake.clock.advance(60)
    made = {"DestinationBucketName": "photos-back", "NewBucket": "true"}
    assert restored(lake, backup, job["DestinationRecoveryPointArn"], made)["Status"] == "COMPLETED"
    assert s3.get_object(Bucket="photos-back", Key="one")["Body"].read() == b"1"
