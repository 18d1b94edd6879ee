"""What recovery points stand on, by the type of resource; copies share it, and the last one takes it along."""

from __future__ import annotations

from typing import Protocol

from pocketlake.kernel.arn import parse
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501, ServiceError
from pocketlake.kernel.resources import Resource

from . import dynamodb_tables, quotas, s3_buckets, store
from .service import backup, refuse

# What AWS Backup protects and the lake doesn't yet.  Source: API reference, GetSupportedResourceTypes
OTHERS = {
    "rds": "RDS, Aurora",
    "ec2": "EBS, EC2",
    "elasticfilesystem": "EFS",
    "fsx": "FSx",
    "storagegateway": "Storage Gateway",
    "redshift": "Redshift",
    "timestream": "Timestream",
    "cloudformation": "CloudFormation",
    "eks": "EKS",
}


class Type(Protocol):
    """How resources of one type are found, backed up and restored."""

    name: str
    turns_cold: bool

    def find(self, call: Call) -> list[tuple[str, dict[str, str]]]:
        """ARNs and tags of those in this account and region."""

    def describe(self, call: Call, arn: str) -> tuple[str, dict[str, str], dict[str, str]]:
        """Name, tags and restore metadata. ServiceError when it isn't there, or can't be backed up."""

    def new_arn(self, call: Call, name: str) -> str:
        """Of a recovery point."""

    def begin(self, call: Call, job: Resource, asking: Call) -> str:
        """Begin a backup of job["ResourceArn"], which tells `finish_backup_job`; its content."""

    def size(self, call: Call, content: str) -> int | None:
        """Bytes; None while it is being made."""

    def drop(self, call: Call, content: str) -> bool:
        """Remove some of it; whether all is gone."""

    def check_restore(self, call: Call, metadata: dict[str, str]) -> None:
        """InvalidParameterValueException."""

    def restore(self, call: Call, job: Resource, content: str, asking: Call) -> str:
        """Begin a restore, which tells `finish_restore_job`; the ARN of what is made."""

    def is_restored(self, call: Call, job: Resource) -> bool: ...

    def tag(self, asking: Call, arn: str, tags: dict[str, str]) -> None: ...


TYPES: dict[str, Type] = {"DynamoDB": dynamodb_tables.Tables(), "S3": s3_buckets.Buckets()}
BY_SERVICE = {"dynamodb": "DynamoDB", "s3": "S3"}


def of_type(name: str) -> Type:
    return TYPES[name]


def of_resource(arn: str) -> Type:
    """InvalidParameterValueException for what AWS Backup does not know, 501 for what the lake does not."""
    try:
        service = parse(arn).service
    except ValueError:
        raise refuse(f"Invalid ARN: {arn}") from None
    if service in BY_SERVICE:
        return TYPES[BY_SERVICE[service]]
    if service in OTHERS:
        raise NotImplemented501(f"backup of {OTHERS[service]}")
    raise refuse(f"Unsupported resource type: {arn}")


def of_content(content: str) -> Type:
    return TYPES["S3" if content.startswith(s3_buckets.PREFIX) else "DynamoDB"]


def release(call: Call, content: str) -> None:
    """A recovery point, or a restore, no longer needs it."""
    if store.release(call.db, content):
        call.alarms.set(drop_content, content, call.now)


@backup.alarm
def drop_content(call: Call, content: str) -> None:
    try:
        is_gone = of_content(content).drop(call, content)
    except ServiceError:  # in use: DynamoDB keeps a backup while it is restored from
        call.alarms.set(drop_content, content, call.now + quotas.RETRY.value)
        return
    if not is_gone:
        call.alarms.set(drop_content, content, call.now)


def supported() -> list[str]:
    return sorted(TYPES)
