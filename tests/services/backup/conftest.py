"""What the tests of AWS Backup share: clients, a vault, a table and a bucket that can be backed up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::000000000000:role/service-role/AWSBackupDefaultServiceRole"


@pytest.fixture
def backup(lake: Any) -> Any:
    return lake.client("backup", config=Config(parameter_validation=False, retries={"total_max_attempts": 1}))


@pytest.fixture
def vault(backup: Any) -> str:
    backup.create_backup_vault(BackupVaultName="safe")
    return "safe"


@pytest.fixture
def dynamodb(lake: Any) -> Any:
    return lake.client("dynamodb")


@pytest.fixture
def table(dynamodb: Any) -> str:
    """The ARN of a table of ten items."""
    return make_table(dynamodb, "things", 10)


def make_table(dynamodb: Any, name: str, items: int = 0, **tags: str) -> str:
    made = dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    for number in range(items):
        dynamodb.put_item(TableName=name, Item={"p": {"S": f"p{number}"}})
    return str(made["TableDescription"]["TableArn"])


def make_bucket(s3: Any, name: str, **objects: bytes) -> str:
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for key, body in objects.items():
        s3.put_object(Bucket=name, Key=key, Body=body)
    return f"arn:aws:s3:::{name}"


def backed_up(lake: Any, backup: Any, arn: str, vault: str = "safe", **more: Any) -> dict[str, Any]:
    """The job, when it is over."""
    job = backup.start_backup_job(BackupVaultName=vault, ResourceArn=arn, IamRoleArn=ROLE, **more)
    lake.clock.advance(1)
    return dict(backup.describe_backup_job(BackupJobId=job["BackupJobId"]))


def restored(lake: Any, backup: Any, point: str, metadata: dict[str, str], **more: Any) -> dict[str, Any]:
    job = backup.start_restore_job(RecoveryPointArn=point, Metadata=metadata, IamRoleArn=ROLE, **more)
    lake.clock.advance(1)
    return dict(backup.describe_restore_job(RestoreJobId=job["RestoreJobId"]))


def refusal(call: Callable[..., Any], **request: Any) -> str:
    """The code with which the call is refused."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value.response["Error"]["Code"])
