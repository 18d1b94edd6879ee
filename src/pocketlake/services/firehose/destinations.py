"""What a stream is told about its S3 destination: checked, with AWS's defaults, and described again."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pocketlake.kernel.errors import NotImplemented501

from . import prefixes, quotas
from .service import errors

COMPRESSIONS = {"UNCOMPRESSED": "", "GZIP": ".gz", "ZIP": ".zip", "Snappy": ".snappy"}


def read_destination(given: dict[str, Any]) -> dict[str, Any]:
    """The configuration with its defaults; InvalidArgumentException for what Firehose refuses."""
    destination = dict(given)
    conversion = destination.get("DataFormatConversionConfiguration") or {}
    converts = conversion.get("Enabled", True) if conversion else False
    _refuse_unbuilt(destination)
    hints = dict(destination.get("BufferingHints") or {})
    size = quotas.CONVERSION_DEFAULT_SIZE_MB if converts else quotas.DEFAULT_SIZE_MB
    hints.setdefault("SizeInMBs", size)
    hints.setdefault("IntervalInSeconds", quotas.DEFAULT_INTERVAL_SECONDS)
    destination["BufferingHints"] = hints
    destination.setdefault("CompressionFormat", "UNCOMPRESSED")
    destination.setdefault("EncryptionConfiguration", {"NoEncryptionConfig": "NoEncryption"})
    destination.setdefault("CloudWatchLoggingOptions", {"Enabled": False})
    destination.setdefault("S3BackupMode", "Disabled")
    if destination["CompressionFormat"] not in COMPRESSIONS:
        raise NotImplemented501(f"Firehose compression {destination['CompressionFormat']}")
    if converts:
        _check_conversion(destination, conversion, hints)
    _check_prefixes(destination)
    return destination


def _refuse_unbuilt(destination: dict[str, Any]) -> None:
    if (destination.get("ProcessingConfiguration") or {}).get("Enabled"):
        raise NotImplemented501("Firehose record processing")
    if (destination.get("DynamicPartitioningConfiguration") or {}).get("Enabled"):
        raise NotImplemented501("Firehose dynamic partitioning")
    if destination.get("S3BackupMode") == "Enabled":
        raise NotImplemented501("Firehose backup of source records")
    if "KMSEncryptionConfig" in (destination.get("EncryptionConfiguration") or {}):
        raise NotImplemented501("Firehose encryption with a KMS key")


def _check_conversion(destination: dict[str, Any], conversion: dict[str, Any], hints: dict[str, Any]) -> None:
    if destination["CompressionFormat"] != "UNCOMPRESSED":
        raise errors.InvalidArgumentException(
            "CompressionFormat must be set to UNCOMPRESSED when data format conversion is enabled."
        )
    if hints["SizeInMBs"] < quotas.CONVERSION_MINIMUM_SIZE_MB:
        raise errors.InvalidArgumentException(
            f"BufferingHints.SizeInMBs must be at least {quotas.CONVERSION_MINIMUM_SIZE_MB} "
            "when data format conversion is enabled."
        )
    for member in ("SchemaConfiguration", "InputFormatConfiguration", "OutputFormatConfiguration"):
        if not conversion.get(member):
            raise errors.InvalidArgumentException(f"{member} must be specified when data format conversion is enabled.")


def _check_prefixes(destination: dict[str, Any]) -> None:
    prefix, error_prefix = destination.get("Prefix", ""), destination.get("ErrorOutputPrefix", "")
    try:
        prefixes.check(prefix, is_error=False)
        prefixes.check(error_prefix, is_error=True)
        ZoneInfo(destination.get("CustomTimeZone") or "UTC")
    except prefixes.InvalidPrefix as error:
        raise errors.InvalidArgumentException(f"Invalid prefix: {error}.") from None
    except (ZoneInfoNotFoundError, ValueError):
        raise errors.InvalidArgumentException("CustomTimeZone is not a time zone.") from None
    if prefixes.EXPRESSION.search(prefix) and not error_prefix:
        raise errors.InvalidArgumentException(
            "ErrorOutputPrefix cannot be null or empty when Prefix contains expressions."
        )


def described(destination: dict[str, Any]) -> dict[str, Any]:
    """Both forms, as DescribeDeliveryStream gives them."""
    plain = ("RoleARN", "BucketARN", "Prefix", "ErrorOutputPrefix", "BufferingHints", "CompressionFormat")
    others = ("EncryptionConfiguration", "CloudWatchLoggingOptions")
    return {
        "S3DestinationDescription": {name: destination[name] for name in (*plain, *others) if name in destination},
        "ExtendedS3DestinationDescription": destination,
    }
