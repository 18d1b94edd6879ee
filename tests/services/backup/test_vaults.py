"""Vaults: made, locked, emptied and deleted."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from .conftest import ROLE, backed_up, refusal

KEY = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555"


@pytest.mark.claim("BKP-505")
def test_a_vault_holds_recovery_points_and_stays_while_it_does(lake: Any, backup: Any, vault: str, table: str) -> None:
    point = backed_up(lake, backup, table)["RecoveryPointArn"]
    (listed,) = backup.list_recovery_points_by_backup_vault(BackupVaultName=vault)["RecoveryPoints"]
    assert listed["RecoveryPointArn"] == point
    assert backup.describe_backup_vault(BackupVaultName=vault)["NumberOfRecoveryPoints"] == 1
    assert refusal(backup.delete_backup_vault, BackupVaultName=vault) == "InvalidRequestException"
    backup.delete_recovery_point(BackupVaultName=vault, RecoveryPointArn=point)
    backup.delete_backup_vault(BackupVaultName=vault)
    assert refusal(backup.describe_backup_vault, BackupVaultName=vault) == "ResourceNotFoundException"


def test_a_vault_has_a_key(backup: Any, vault: str) -> None:
    shown = backup.describe_backup_vault(BackupVaultName=vault)
    assert shown["EncryptionKeyArn"] == "arn:aws:kms:us-east-1:000000000000:alias/aws/backup"
    assert shown["BackupVaultArn"] == "arn:aws:backup:us-east-1:000000000000:backup-vault:safe"
    backup.create_backup_vault(BackupVaultName="own", EncryptionKeyArn=KEY)
    assert backup.describe_backup_vault(BackupVaultName="own")["EncryptionKeyArn"] == KEY


def test_names_are_taken_once(backup: Any) -> None:
    first = backup.create_backup_vault(BackupVaultName="once", CreatorRequestId="a")
    assert (
        backup.create_backup_vault(BackupVaultName="once", CreatorRequestId="a")["BackupVaultArn"]
        == (first["BackupVaultArn"])
    )
    assert refusal(backup.create_backup_vault, BackupVaultName="once", CreatorRequestId="b") == "AlreadyExistsException"
    assert refusal(backup.create_backup_vault, BackupVaultName="no!") == "InvalidParameterValueException"


def test_vaults_are_listed_in_pages(backup: Any) -> None:
    for name in ("bb", "aa", "cc"):
        backup.create_backup_vault(BackupVaultName=name)
    first = backup.list_backup_vaults(MaxResults=2)
    rest = backup.list_backup_vaults(MaxResults=2, NextToken=first["NextToken"])
    names = [vault["BackupVaultName"] for vault in first["BackupVaultList"] + rest["BackupVaultList"]]
    assert names == ["aa", "bb", "cc"]
    assert "NextToken" not in rest
    assert refusal(backup.list_backup_vaults, NextToken="made up") == "InvalidParameterValueException"


def test_a_lock_can_be_taken_back_until_its_date(lake: Any, backup: Any, vault: str) -> None:
    backup.put_backup_vault_lock_configuration(BackupVaultName=vault, MinRetentionDays=7, ChangeableForDays=3)
    shown = backup.describe_backup_vault(BackupVaultName=vault)
    assert shown["Locked"]
    assert abs(shown["LockDate"] - lake.clock.now() - timedelta(days=3)) < timedelta(seconds=10)
    backup.put_backup_vault_lock_configuration(BackupVaultName=vault, MinRetentionDays=8, ChangeableForDays=3)
    lake.clock.advance(days=3)
    change = {"BackupVaultName": vault, "MinRetentionDays": 1}
    assert refusal(backup.put_backup_vault_lock_configuration, **change) == "InvalidRequestException"
    assert refusal(backup.delete_backup_vault_lock_configuration, BackupVaultName=vault) == "InvalidRequestException"


def test_a_lock_without_a_date_can_be_taken_back_at_any_time(lake: Any, backup: Any, vault: str) -> None:
    backup.put_backup_vault_lock_configuration(BackupVaultName=vault, MaxRetentionDays=30)
    lake.clock.advance(days=400)
    backup.delete_backup_vault_lock_configuration(BackupVaultName=vault)
    assert not backup.describe_backup_vault(BackupVaultName=vault)["Locked"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"MinRetentionDays": 0},
        {"MaxRetentionDays": 36_501},
        {"ChangeableForDays": 2},
        {"MinRetentionDays": 9, "MaxRetentionDays": 8},
    ],
)
def test_locks_that_cannot_be(backup: Any, vault: str, wrong: dict[str, int]) -> None:
    request = {"BackupVaultName": vault, **wrong}
    assert refusal(backup.put_backup_vault_lock_configuration, **request) == "InvalidParameterValueException"


def test_a_locked_vault_keeps_to_its_retention(lake: Any, backup: Any, vault: str, table: str) -> None:
    backup.put_backup_vault_lock_configuration(BackupVaultName=vault, MinRetentionDays=7, MaxRetentionDays=30)
    for lifecycle in ({"DeleteAfterDays": 6}, {"DeleteAfterDays": 31}, {}):
        failed = backed_up(lake, backup, table, Lifecycle=lifecycle)
        assert (failed["State"], "retention" in failed["StatusMessage"]) == ("FAILED", True)
    point = backed_up(lake, backup, table, Lifecycle={"DeleteAfterDays": 7})["RecoveryPointArn"]
    where = {"BackupVaultName": vault, "RecoveryPointArn": point}
    assert refusal(backup.delete_recovery_point, **where) == "InvalidRequestException"
    shorter = {**where, "Lifecycle": {"DeleteAfterDays": 1}}
    assert refusal(backup.update_recovery_point_lifecycle, **shorter) == "InvalidRequestException"
    lake.clock.advance(days=7)
    assert refusal(backup.describe_recovery_point, **where) == "ResourceNotFoundException"


def test_policies_are_kept(backup: Any, vault: str) -> None:
    assert refusal(backup.get_backup_vault_access_policy, BackupVaultName=vault) == "ResourceNotFoundException"
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    backup.put_backup_vault_access_policy(BackupVaultName=vault, Policy=policy)
    assert backup.get_backup_vault_access_policy(BackupVaultName=vault)["Policy"] == policy
    wrong = {"BackupVaultName": vault, "Policy": "no JSON"}
    assert refusal(backup.put_backup_vault_access_policy, **wrong) == "InvalidParameterValueException"
    backup.delete_backup_vault_access_policy(BackupVaultName=vault)
    assert refusal(backup.get_backup_vault_access_policy, BackupVaultName=vault) == "ResourceNotFoundException"


def test_a_topic_hears_of_jobs(lake: Any, backup: Any, vault: str, table: str) -> None:
    sns, sqs = lake.client("sns"), lake.client("sqs")
    topic = sns.create_topic(Name="backups")["TopicArn"]
    queue = sqs.create_queue(QueueName="backups")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    backup.put_backup_vault_notifications(
        BackupVaultName=vault, SNSTopicArn=topic, BackupVaultEvents=["BACKUP_JOB_COMPLETED"]
    )
    job = backed_up(lake, backup, table)
    (message,) = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert job["RecoveryPointArn"] in message["Body"]
    copies = ["COPY_JOB_STARTED", "COPY_JOB_SUCCESSFUL"]
    backup.put_backup_vault_notifications(BackupVaultName=vault, SNSTopicArn=topic, BackupVaultEvents=copies)
    backup.start_copy_job(
        RecoveryPointArn=job["RecoveryPointArn"],
        SourceBackupVaultName=vault,
        DestinationBackupVaultArn=backup.describe_backup_vault(BackupVaultName=vault)["BackupVaultArn"],
        IamRoleArn=ROLE,
    )
    lake.clock.advance(1)
    told = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert sorted(message["Body"].partition(". ")[0] for message in told) == [
        "An AWS Backup copy job is completed",
        "An AWS Backup copy job is running",
    ]
    backup.delete_backup_vault_notifications(BackupVaultName=vault)
    assert refusal(backup.get_backup_vault_notifications, BackupVaultName=vault) == "ResourceNotFoundException"


def test_tags(backup: Any) -> None:
    arn = backup.create_backup_vault(BackupVaultName="tagged", BackupVaultTags={"a": "1"})["BackupVaultArn"]
    backup.tag_resource(ResourceArn=arn, Tags={"b": "2"})
    backup.untag_resource(ResourceArn=arn, TagKeyList=["a"])
    assert backup.list_tags(ResourceArn=arn)["Tags"] == {"b": "2"}
    assert refusal(backup.tag_resource, ResourceArn=arn, Tags={"aws:c": "3"}) == "InvalidParameterValueException"
    assert refusal(backup.list_tags, ResourceArn=f"{arn}s") == "ResourceNotFoundException"


def test_settings(backup: Any) -> None:
    assert backup.describe_region_settings()["ResourceTypeOptInPreference"] == {"DynamoDB": True, "S3": True}
    backup.update_region_settings(ResourceTypeOptInPreference={"S3": False})
    assert backup.describe_region_settings()["ResourceTypeOptInPreference"] == {"DynamoDB": True, "S3": False}
    backup.update_global_settings(GlobalSettings={"isCrossAccountBackupEnabled": "true"})
    assert backup.describe_global_settings()["GlobalSettings"]["isCrossAccountBackupEnabled"] == "true"
    assert refusal(backup.update_region_settings, ResourceTypeOptInPreference={"EBS": True}) == "NotImplemented"


def test_what_cannot_be_backed_up_says_so(backup: Any, vault: str) -> None:
    request = {"BackupVaultName": vault, "IamRoleArn": ROLE}
    volume = "arn:aws:ec2:us-east-1:000000000000:volume/vol-1"
    assert refusal(backup.start_backup_job, **request, ResourceArn=volume) == "NotImplemented"
    queue = "arn:aws:sqs:us-east-1:000000000000:queue"
    assert refusal(backup.start_backup_job, **request, ResourceArn=queue) == "InvalidParameterValueException"
    nothing = "arn:aws:dynamodb:us-east-1:000000000000:table/nothing"
    assert refusal(backup.start_backup_job, **request, ResourceArn=nothing) == "ResourceNotFoundException"
    bucket = "arn:aws:s3:::nothing-of-this-name"
    assert refusal(backup.start_backup_job, **request, ResourceArn=bucket) == "ResourceNotFoundException"


def test_a_report_plan_is_kept_and_made_once(backup: Any) -> None:
    plan = {
        "ReportPlanName": "daily",
        "ReportDeliveryChannel": {"S3BucketName": "reports"},
        "ReportSetting": {"ReportTemplate": "BACKUP_JOB_REPORT"},
    }
    made = backup.create_report_plan(**plan, IdempotencyToken="once")["ReportPlanArn"]
    assert backup.create_report_plan(**plan, IdempotencyToken="once")["ReportPlanArn"] == made
    assert refusal(backup.create_report_plan, **plan, IdempotencyToken="twice") == "AlreadyExistsException"
    shown = backup.describe_report_plan(ReportPlanName="daily")["ReportPlan"]
    assert {member: shown[member] for member in plan} == plan
    backup.update_report_plan(ReportPlanName="daily", ReportPlanDescription="every day")
    (listed,) = backup.list_report_plans()["ReportPlans"]
    assert (listed["ReportPlanDescription"], listed["ReportSetting"]) == ("every day", plan["ReportSetting"])
    backup.delete_report_plan(ReportPlanName="daily")
    assert refusal(backup.describe_report_plan, ReportPlanName="daily") == "ResourceNotFoundException"
