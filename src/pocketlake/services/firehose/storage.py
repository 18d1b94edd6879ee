"""S3 configurations: of the S3 destination itself, of backups, and of where other destinations leave what failed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501, ServiceError
from pocketlake.kernel.resources import Resource

from . import compression, prefixes, quotas
from .batches import StorageRefused
from .service import errors

# What an S3DestinationDescription shows.
DESCRIBED = (
    "RoleARN",
    "BucketARN",
    "Prefix",
    "ErrorOutputPrefix",
    "BufferingHints",
    "CompressionFormat",
    "EncryptionConfiguration",
    "CloudWatchLoggingOptions",
)


def validate(given: dict[str, Any], default_size_mb: int = quotas.DEFAULT_SIZE_MB) -> dict[str, Any]:
    """An S3 configuration (plain or extended) with AWS's defaults; InvalidArgumentException for what it refuses."""
    configuration = dict(given)
    configuration["BufferingHints"] = {
        "SizeInMBs": default_size_mb,
        "IntervalInSeconds": quotas.DEFAULT_INTERVAL_SECONDS,
        **(configuration.get("BufferingHints") or {}),
    }
    configuration.setdefault("CompressionFormat", "UNCOMPRESSED")
    configuration.setdefault("EncryptionConfiguration", {"NoEncryptionConfig": "NoEncryption"})
    configuration.setdefault("CloudWatchLoggingOptions", {"Enabled": False})
    encryption = configuration["EncryptionConfiguration"]
    if len(encryption) != 1:
        raise errors.InvalidArgumentException(
            "Exactly one of NoEncryptionConfig or KMSEncryptionConfig must be specified"
        )
    if "KMSEncryptionConfig" in encryption:
        raise NotImplemented501("Firehose encryption of S3 objects with a KMS key")
    _check_prefixes(configuration)
    return configuration


def validate_beside(given: dict[str, Any]) -> dict[str, Any]:
    """The S3 configuration that lies beside another destination's own members.

    An update gives it as S3Update. InvalidArgumentException when it, or a member that it can't be without, is missing.
    """
    configuration = {**(given.pop("S3Configuration", None) or {}), **(given.pop("S3Update", None) or {})}
    for member in ("RoleARN", "BucketARN"):
        if not configuration.get(member):
            raise errors.InvalidArgumentException(f"S3Configuration.{member} must not be null or empty")
    return validate(configuration)


def _check_prefixes(configuration: dict[str, Any]) -> None:
    prefix, error_prefix = configuration.get("Prefix") or "", configuration.get("ErrorOutputPrefix") or ""
    try:
        prefixes.check(prefix, error_prefix)
        ZoneInfo(configuration.get("CustomTimeZone") or "UTC")
    except prefixes.InvalidPrefix as error:
        raise errors.InvalidArgumentException(str(error)) from None
    except (ZoneInfoNotFoundError, ValueError):
        zone = configuration["CustomTimeZone"]
        raise errors.InvalidArgumentException(f"Invalid CustomTimeZone: {zone} is no time zone identifier.") from None


def described(configuration: dict[str, Any]) -> dict[str, Any]:
    return {name: configuration[name] for name in DESCRIBED if name in configuration}


def moment(configuration: dict[str, Any], seconds: float) -> datetime:
    return prefixes.moment(seconds, configuration.get("CustomTimeZone") or "UTC")


def extension(configuration: dict[str, Any], default: str | None = None) -> str:
    """The file extension of data objects: the one asked for, else that of the format or the compression."""
    if configuration.get("FileExtension"):
        return str(configuration["FileExtension"])
    return compression.EXTENSIONS[configuration["CompressionFormat"]] if default is None else default


def object_key(stream: Resource, folder: str, when: datetime, identity: UUID, extension: str) -> str:
    return folder + prefixes.object_name(stream.name, str(stream["Version"]), when, str(identity), extension)


async def put(call: Call, configuration: dict[str, Any], key: str, body: bytes) -> None:
    """Write one object. StorageRefused when the bucket is missing or refuses it.

    Nothing waits between the write and this function's return: what the caller writes next is in the same transaction.
    """
    bucket = configuration["BucketARN"].rpartition(":")[2]
    s3 = call.as_(role_arn=configuration["RoleARN"]).aws.s3
    try:
        await s3.put_object(Bucket=bucket, Key=key, Body=body)
    except ServiceError as error:
        raise StorageRefused(f"S3.{error.code}", f"{error.message} ({bucket})") from None
