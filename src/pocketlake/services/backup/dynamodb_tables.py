"""DynamoDB tables, with the advanced features of DynamoDB backup: AWS Backup manages their recovery points."""

from __future__ import annotations

import re
import uuid
from typing import Any

from pocketlake.kernel.arn import parse
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501, ServiceError
from pocketlake.kernel.resources import Resource

from .service import refuse

TARGET, ENCRYPTION, KEY = "targetTableName", "encryptionType", "kmsMasterKeyArn"
ORIGINAL = "originalTableName"
GONE = "BackupNotFoundException"
TABLE_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}")


class Tables:
    """The content of a recovery point is a backup of DynamoDB's, by its ARN."""

    name = "DynamoDB"
    turns_cold = True

    def find(self, call: Call) -> list[tuple[str, dict[str, str]]]:
        found: list[tuple[str, dict[str, str]]] = []
        start: dict[str, str] = {}
        while True:
            page = call.aws.dynamodb.list_tables(**start)
            for name in page["TableNames"]:
                arn = call.as_(service="dynamodb").arn(f"table/{name}")
                found.append((arn, self._tags(call, arn)))
            if not page.get("LastEvaluatedTableName"):
                return found
            start = {"ExclusiveStartTableName": page["LastEvaluatedTableName"]}

    def _tags(self, call: Call, arn: str) -> dict[str, str]:
        tags: dict[str, str] = {}
        start: dict[str, str] = {}
        while True:
            page = call.aws.dynamodb.list_tags_of_resource(ResourceArn=arn, **start)
            tags |= {tag["Key"]: tag["Value"] for tag in page["Tags"]}
            if not page.get("NextToken"):
                return tags
            start = {"NextToken": page["NextToken"]}

    def describe(self, call: Call, arn: str) -> tuple[str, dict[str, str], dict[str, str]]:
        name: str = call.aws.dynamodb.describe_table(TableName=arn)["Table"]["TableName"]
        return name, self._tags(call, arn), {ORIGINAL: name, ENCRYPTION: "Default"}

    def new_arn(self, call: Call, name: str) -> str:
        return call.arn(f"recovery-point:{uuid.uuid4()}")

    def begin(self, call: Call, job: Resource, asking: Call) -> str:
        begun = asking.aws.dynamodb.start_aws_backup_job(
            TableName=job["ResourceArn"], BackupName=f"aws-backup-{job.name.lower()}"
        )
        content: str = begun["BackupDetails"]["BackupArn"]
        call.watches.add(f"dynamodb-backup/{content}", "finish_backup_job", job.name)
        return content

    def size(self, call: Call, content: str) -> int | None:
        described = _home(call, content).aws.dynamodb.describe_backup(BackupArn=content)
        details = described["BackupDescription"]["BackupDetails"]
        return None if details["BackupStatus"] == "CREATING" else int(details["BackupSizeBytes"])

    def drop(self, call: Call, content: str) -> bool:
        try:
            _home(call, content).aws.dynamodb.delete_backup(BackupArn=content)
        except ServiceError as error:
            if error.code != GONE:
                raise
        return True

    def check_restore(self, call: Call, metadata: dict[str, str]) -> None:
        """Source: developer guide, Restore an Amazon DynamoDB table"""
        if not metadata.get(TARGET):
            raise refuse(f"Invalid restore metadata. {TARGET} is required.")
        if not TABLE_NAME.fullmatch(metadata[TARGET]):
            raise refuse(f"Invalid restore metadata. {TARGET} must be the name of a table.")
        if unknown := set(metadata) - {TARGET, ENCRYPTION, KEY, ORIGINAL}:
            raise refuse(f"Invalid restore metadata. Unknown keys: {', '.join(sorted(unknown))}")
        if metadata.get(ENCRYPTION, "Default").upper() == "KMS" or KEY in metadata:
            raise NotImplemented501("backup restore of a table with a KMS key")

    def restore(self, call: Call, job: Resource, content: str, asking: Call) -> str:
        made: dict[str, Any] = asking.aws.dynamodb.restore_table_from_backup(
            TargetTableName=job["Metadata"][TARGET], BackupArn=content
        )
        arn: str = made["TableDescription"]["TableArn"]
        call.watches.add(f"dynamodb-restore/{arn}", "finish_restore_job", job.name)
        return arn

    def is_restored(self, call: Call, job: Resource) -> bool:
        described = call.aws.dynamodb.describe_table(TableName=job["CreatedResourceArn"])["Table"]
        return not described["RestoreSummary"]["RestoreInProgress"]

    def tag(self, asking: Call, arn: str, tags: dict[str, str]) -> None:
        listed = [{"Key": name, "Value": value} for name, value in tags.items()]
        asking.aws.dynamodb.tag_resource(ResourceArn=arn, Tags=listed)


def _home(call: Call, content: str) -> Call:
    """Where the backup lies: copies in other regions stand on it too."""
    return call.as_(region=parse(content).region)
