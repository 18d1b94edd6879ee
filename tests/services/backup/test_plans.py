"""Plans: rules that run by the lake's clock, for the resources that selections hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import apsw
import orjson
import pytest

from pocketlake import embedded
from pocketlake.services.backup.selections import selects

from .conftest import ROLE, make_bucket, make_table, refusal

START = datetime(2030, 1, 1, 12, tzinfo=UTC)


def planned(backup: Any, *rules: dict[str, Any], name: str = "plan", **more: Any) -> str:
    rules = tuple({"RuleName": f"rule{n}", "TargetBackupVaultName": "safe", **rule} for n, rule in enumerate(rules))
    made = backup.create_backup_plan(BackupPlan={"BackupPlanName": name, "Rules": list(rules)}, **more)
    return str(made["BackupPlanId"])


def select(backup: Any, plan: str, name: str = "selection", **selection: Any) -> str:
    selection = {"SelectionName": name, "IamRoleArn": ROLE, **selection}
    return str(backup.create_backup_selection(BackupPlanId=plan, BackupSelection=selection)["SelectionId"])


def points(backup: Any, vault: str = "safe") -> list[dict[str, Any]]:
    pages = backup.get_paginator("list_recovery_points_by_backup_vault").paginate(BackupVaultName=vault)
    return [point for page in pages for point in page["RecoveryPoints"]]


@pytest.mark.claim("BKP-504", "BKP-507")
def test_daily_backups_kept_for_30_days(lake: Any, backup: Any, dynamodb: Any, vault: str) -> None:
    lake.clock.set(START)
    arn = make_table(dynamodb, "things", 3)
    plan = planned(backup, {"ScheduleExpression": "cron(0 5 * * ? *)", "Lifecycle": {"DeleteAfterDays": 30}})
    select(backup, plan, Resources=[arn])
    lake.clock.advance(days=40)
    found = points(backup)
    assert len(found) == 30
    assert {point["CreationDate"].astimezone(UTC).strftime("%H:%M") for point in found} == {"05:00"}
    assert {point["CreatedBy"]["BackupPlanId"] for point in found} == {plan}
    assert {point["Status"] for point in found} == {"COMPLETED"}
    shown = backup.get_backup_plan(BackupPlanId=plan)
    assert shown["LastExecutionDate"].astimezone(UTC) == datetime(2030, 2, 10, 5, tzinfo=UTC)
    assert (
        len(backup.list_recovery_points_by_backup_vault(BackupVaultName=vault, ByBackupPlanId="x")["RecoveryPoints"])
        == 0
    )


def test_rules_have_defaults(backup: Any, vault: str) -> None:
    plan = planned(backup, {})
    (rule,) = backup.get_backup_plan(BackupPlanId=plan)["BackupPlan"]["Rules"]
    assert rule["ScheduleExpression"] == "cron(0 5 ? * * *)"
    assert (rule["StartWindowMinutes"], rule["CompletionWindowMinutes"]) == (480, 10080)
    assert rule["ScheduleExpressionTimezone"] == "Etc/UTC"
    assert rule["RuleId"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"ScheduleExpression": "every day"},
        {"ScheduleExpression": "cron(0/10 * * * ? *)"},
        {"ScheduleExpression": "cron(0,30 5 * * ? *)"},
        {"ScheduleExpression": "rate(59 minutes)"},
        {"ScheduleExpressionTimezone": "Mars/Olympus"},
        {"StartWindowMinutes": 59},
        {"StartWindowMinutes": 120, "CompletionWindowMinutes": 60},
        {"Lifecycle": {"DeleteAfterDays": 36_501}},
        {"Lifecycle": {"MoveToColdStorageAfterDays": 1, "DeleteAfterDays": 90}},
        {"RuleName": "no spaces"},
        {"CopyActions": [{"DestinationBackupVaultArn": "elsewhere"}]},
        {"CopyActions": [{"DestinationBackupVaultArn": "arn:aws:s3:::elsewhere"}]},
    ],
)
def test_rules_that_cannot_be(backup: Any, vault: str, wrong: dict[str, Any]) -> None:
    rule = {"RuleName": "rule", "TargetBackupVaultName": vault, **wrong}
    plan = {"BackupPlanName": "plan", "Rules": [rule]}
    assert refusal(backup.create_backup_plan, BackupPlan=plan) == "InvalidParameterValueException"


def test_copies_into_another_account_are_not_built(backup: Any, vault: str) -> None:
    elsewhere = {"DestinationBackupVaultArn": "arn:aws:backup:us-east-1:111111111111:backup-vault:safe"}
    rule = {"RuleName": "rule", "TargetBackupVaultName": vault, "CopyActions": [elsewhere]}
    plan = {"BackupPlanName": "plan", "Rules": [rule]}
    assert refusal(backup.create_backup_plan, BackupPlan=plan) == "NotImplemented"


def test_a_rule_runs_by_the_clocks_of_a_place(lake: Any, backup: Any, vault: str, table: str) -> None:
    lake.clock.set(START)
    plan = planned(
        backup, {"ScheduleExpression": "cron(0 5 * * ? *)", "ScheduleExpressionTimezone": "America/New_York"}
    )
    select(backup, plan, Resources=[table])
    lake.clock.advance(days=1)
    (point,) = points(backup)
    assert point["CreationDate"].astimezone(UTC).strftime("%H:%M") == "10:00"


def test_rates_and_previews(lake: Any, backup: Any, vault: str, table: str) -> None:
    plan = planned(backup, {"ScheduleExpression": "rate(12 hours)"})
    runs = backup.get_backup_plan(BackupPlanId=plan, MaxScheduledRunsPreview=3)["ScheduledRunsPreview"]
    assert runs[1]["ExecutionTime"] - runs[0]["ExecutionTime"] == timedelta(hours=12)
    assert len(runs) == 3
    select(backup, plan, Resources=[table])
    lake.clock.advance(days=2)
    assert len(points(backup)) == 4


def test_versions(lake: Any, backup: Any, vault: str, table: str) -> None:
    plan = planned(backup, {"ScheduleExpression": "rate(1 day)"})
    select(backup, plan, Resources=[table])
    first = backup.get_backup_plan(BackupPlanId=plan)["VersionId"]
    weekly = {"RuleName": "weekly", "TargetBackupVaultName": vault, "ScheduleExpression": "rate(7 days)"}
    second = backup.update_backup_plan(BackupPlanId=plan, BackupPlan={"BackupPlanName": "plan", "Rules": [weekly]})[
        "VersionId"
    ]
    assert second != first
    versions = backup.list_backup_plan_versions(BackupPlanId=plan)["BackupPlanVersionsList"]
    assert [one["VersionId"] for one in versions] == [second, first]
    old = backup.get_backup_plan(BackupPlanId=plan, VersionId=first)["BackupPlan"]["Rules"]
    assert old[0]["ScheduleExpression"] == "rate(1 day)"
    lake.clock.advance(days=8)  # by the new version
    assert len(points(backup)) == 1
    assert refusal(backup.get_backup_plan, BackupPlanId=plan, VersionId="none") == "ResourceNotFoundException"


def test_deletion(lake: Any, backup: Any, vault: str, table: str) -> None:
    plan = planned(backup, {"ScheduleExpression": "rate(1 day)"})
    selection = select(backup, plan, Resources=[table])
    assert refusal(backup.delete_backup_plan, BackupPlanId=plan) == "InvalidRequestException"
    backup.delete_backup_selection(BackupPlanId=plan, SelectionId=selection)
    deleted = backup.delete_backup_plan(BackupPlanId=plan)
    assert backup.list_backup_plans()["BackupPlansList"] == []
    (kept,) = backup.list_backup_plans(IncludeDeleted=True)["BackupPlansList"]
    assert kept["DeletionDate"] == deleted["DeletionDate"]
    assert refusal(backup.get_backup_plan, BackupPlanId=plan) == "ResourceNotFoundException"
    assert backup.get_backup_plan(BackupPlanId=plan, VersionId=deleted["VersionId"])["DeletionDate"]
    lake.clock.advance(days=3)
    assert points(backup) == []


def test_the_same_plan_is_not_made_twice(backup: Any, vault: str) -> None:
    first = planned(backup, {}, CreatorRequestId="once")
    assert planned(backup, {}, CreatorRequestId="once") == first
    rule = {"RuleName": "rule0", "TargetBackupVaultName": "safe"}
    same = {"BackupPlanName": "plan", "Rules": [rule]}
    assert refusal(backup.create_backup_plan, BackupPlan=same) == "AlreadyExistsException"


@pytest.mark.claim("BKP-508")
def test_only_what_is_selected_is_backed_up(lake: Any, backup: Any, dynamodb: Any, vault: str) -> None:
    daily = make_table(dynamodb, "daily", 1, backup="daily")
    make_table(dynamodb, "never", 1, backup="never")
    named = make_table(dynamodb, "named", 1)
    bucket = make_bucket(lake.client("s3"), "a-bucket", one=b"1")
    plan = planned(backup, {"ScheduleExpression": "rate(1 day)"})
    tag = {"ConditionType": "STRINGEQUALS", "ConditionKey": "backup", "ConditionValue": "daily"}
    select(backup, plan, "by-tag", Resources=["*"], ListOfTags=[tag])
    select(backup, plan, "by-arn", Resources=[named, "arn:aws:s3:::a-*"])
    lake.clock.advance(days=1)
    assert sorted(point["ResourceArn"] for point in points(backup)) == sorted([daily, named, bucket])


ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/orders"


@pytest.mark.parametrize(
    ("selection", "tags", "is_held"),
    [
        ({"Resources": [ARN]}, {}, True),
        ({"Resources": ["arn:aws:dynamodb:*:*:table/*"]}, {}, True),
        ({"Resources": ["arn:aws:s3:::*"]}, {}, False),
        ({"Resources": ["*"], "NotResources": [ARN]}, {}, False),
        ({"Resources": ["*"], "NotResources": ["arn:aws:dynamodb:*"]}, {}, False),
        ({"ListOfTags": [("a", "1"), ("b", "2")]}, {"b": "2"}, True),
        ({"ListOfTags": [("a", "1"), ("b", "2")]}, {"b": "3"}, False),
        ({"Conditions": {"StringEquals": [("a", "1"), ("b", "2")]}}, {"a": "1", "b": "2"}, True),
        ({"Conditions": {"StringEquals": [("a", "1"), ("b", "2")]}}, {"b": "2"}, False),
        ({"Conditions": {"StringLike": [("a", "pro*")]}}, {"a": "prod"}, True),
        ({"Conditions": {"StringNotEquals": [("a", "1")]}}, {}, True),
        ({"Conditions": {"StringNotLike": [("a", "pro*")]}}, {"a": "prod"}, False),
        ({"Resources": ["arn:aws:s3:::*"], "ListOfTags": [("a", "1")]}, {"a": "1"}, False),
    ],
)
def test_what_a_selection_holds(selection: dict[str, Any], tags: dict[str, str], is_held: bool) -> None:
    def condition(pair: tuple[str, str], prefix: str = "") -> dict[str, str]:
        return {"ConditionKey": prefix + pair[0], "ConditionValue": pair[1]}

    given = dict(selection)
    if "ListOfTags" in given:
        given["ListOfTags"] = [condition(pair) for pair in given["ListOfTags"]]
    if "Conditions" in given:
        given["Conditions"] = {
            operator: [condition(pair, "aws:ResourceTag/") for pair in pairs]
            for operator, pairs in given["Conditions"].items()
        }
    assert selects(given, ARN, tags) is is_held


def test_a_type_that_is_not_opted_in_is_held_by_its_arn_alone() -> None:
    assert selects({"Resources": [ARN]}, ARN, {}, is_opted_in=False)
    assert not selects({"Resources": ["*"]}, ARN, {}, is_opted_in=False)


def test_selections_are_kept_with_their_plan(backup: Any, vault: str, table: str) -> None:
    plan = planned(backup, {})
    selection = select(backup, plan, Resources=[table])
    shown = backup.get_backup_selection(BackupPlanId=plan, SelectionId=selection)
    assert shown["BackupSelection"]["Resources"] == [table]
    (listed,) = backup.list_backup_selections(BackupPlanId=plan)["BackupSelectionsList"]
    assert listed["SelectionName"] == "selection"
    request = {"BackupPlanId": plan, "BackupSelection": {"SelectionName": "selection", "IamRoleArn": ROLE}}
    assert refusal(backup.create_backup_selection, **request) == "AlreadyExistsException"
    request["BackupSelection"]["SelectionName"] = "empty"
    assert refusal(backup.create_backup_selection, **request) == "InvalidParameterValueException"


def test_a_rule_copies_into_other_vaults(lake: Any, backup: Any, vault: str, table: str) -> None:
    there = lake.client("backup", region="eu-west-1")
    destination = there.create_backup_vault(BackupVaultName="far")["BackupVaultArn"]
    copy = {"DestinationBackupVaultArn": destination, "Lifecycle": {"DeleteAfterDays": 3}}
    rule = {"ScheduleExpression": "rate(1 day)", "Lifecycle": {"DeleteAfterDays": 2}, "CopyActions": [copy]}
    select(backup, planned(backup, rule), Resources=[table])
    lake.clock.advance(days=6)
    assert len(points(backup)) == 2
    assert len(points(there, "far")) == 3
    assert {job["State"] for job in backup.list_copy_jobs()["CopyJobs"]} == {"COMPLETED"}


def test_a_vault_that_is_gone_fails_the_job(lake: Any, backup: Any, vault: str, table: str) -> None:
    select(backup, planned(backup, {"ScheduleExpression": "rate(1 day)"}), Resources=[table])
    backup.delete_backup_vault(BackupVaultName=vault)
    lake.clock.advance(days=1)
    (job,) = backup.list_backup_jobs()["BackupJobs"]
    assert (job["State"], job["StatusMessage"]) == ("FAILED", "Backup vault safe not found.")
    assert job["CreatedBy"]["BackupRuleCron"] == "rate(1 day)"


def test_what_was_due_while_the_lake_was_down_is_over(tmp_path: Path) -> None:
    with embedded.run(tmp_path) as lake:
        backup = lake.client("backup")
        backup.create_backup_vault(BackupVaultName="safe")
        table = make_table(lake.client("dynamodb"), "things", 1)
        rule = {"ScheduleExpression": "rate(1 hour)", "StartWindowMinutes": 60}
        select(backup, planned(backup, rule), Resources=[table])
        lake.clock.run(rate=1)
    pass_while_down(tmp_path, hours=3)
    with embedded.run(tmp_path) as lake:
        backup = lake.client("backup")
        lake.clock.advance(1)
        assert [job["State"] for job in backup.list_backup_jobs()["BackupJobs"]] == ["EXPIRED"]
        lake.clock.advance(hours=1)
        assert [job["State"] for job in backup.list_backup_jobs()["BackupJobs"]] == ["COMPLETED", "EXPIRED"]


def pass_while_down(directory: Path, hours: int) -> None:
    """Have a lake's clock set so long ago that hours have passed since, when it is up again."""
    database = apsw.Connection(str(directory / "lake.sqlite"))
    ((state,),) = database.execute("SELECT value FROM settings WHERE name = 'clock'")
    clock = orjson.loads(state)
    clock["real_base"] -= hours * 3600
    database.execute("UPDATE settings SET value = ? WHERE name = 'clock'", (orjson.dumps(clock),))
    database.close()


def test_a_plan_goes_out_as_json_and_comes_in(backup: Any, vault: str) -> None:
    plan = planned(backup, {"Lifecycle": {"DeleteAfterDays": 7}})
    text = backup.export_backup_plan_template(BackupPlanId=plan)["BackupPlanTemplateJson"]
    (rule,) = backup.get_backup_plan_from_json(BackupPlanTemplateJson=text)["BackupPlan"]["Rules"]
    assert rule["Lifecycle"] == {"DeleteAfterDays": 7}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"BackupPlanName": "x", "Rules": [{"RuleName": "a"}]}',
        '{"Rules": [{"RuleName": "a", "TargetBackupVaultName": "safe"}]}',
        '{"BackupPlanName": 5, "Rules": [{"RuleName": "a", "TargetBackupVaultName": "safe"}]}',
        '{"BackupPlanName": "x", "Rules": [{"RuleName": "a", "TargetBackupVaultName": "safe", "Lifecycle": 5}]}',
    ],
)
def test_what_is_no_template_of_a_plan(backup: Any, text: str) -> None:
    assert refusal(backup.get_backup_plan_from_json, BackupPlanTemplateJson=text) == "InvalidParameterValueException"


def test_advanced_settings_are_for_what_is_not_backed_up_here(backup: Any, vault: str) -> None:
    rules = [{"RuleName": "rule", "TargetBackupVaultName": vault}]
    of_ec2 = [{"ResourceType": "EC2", "BackupOptions": {"WindowsVSS": "enabled"}}]
    made = backup.create_backup_plan(
        BackupPlan={"BackupPlanName": "plan", "Rules": rules, "AdvancedBackupSettings": of_ec2}
    )
    assert made["AdvancedBackupSettings"] == of_ec2
    of_s3 = [{"ResourceType": "S3", "BackupOptions": {"BackupObjectTags": "disabled"}}]
    plan = {"BackupPlanName": "other", "Rules": rules, "AdvancedBackupSettings": of_s3}
    assert refusal(backup.create_backup_plan, BackupPlan=plan) == "NotImplemented"
