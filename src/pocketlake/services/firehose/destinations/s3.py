"""S3: a batch becomes an object, compressed or converted."""

from __future__ import annotations

import uuid
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from .. import compression, conversion, metrics, prefixes, processing, quotas, storage
from ..batches import Batch, Failed, StorageRefused
from ..service import errors

CONFIGURATIONS = ("ExtendedS3DestinationConfiguration", "S3DestinationConfiguration")
UPDATES = ("ExtendedS3DestinationUpdate", "S3DestinationUpdate")
FAILED = "s3-failed"  # never written: what S3 refuses is kept until it is too old


def validate(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    """An ExtendedS3DestinationConfiguration (a plain one is the same with fewer members)."""
    converts = conversion.is_enabled(given)
    is_large = converts or processing.is_partitioned(given)
    configuration = storage.validate(given, quotas.LARGE_DEFAULT_SIZE_MB if is_large else quotas.DEFAULT_SIZE_MB)
    configuration.setdefault("S3BackupMode", "Disabled")
    if converts:
        conversion.validate(configuration)
    processing.validate(call, configuration)
    if configuration["S3BackupMode"] == "Enabled":
        if not given.get("S3BackupConfiguration"):
            raise errors.InvalidArgumentException(
                "S3 backup destination configuration is required when enabling S3 backup."
            )
        configuration["S3BackupConfiguration"] = storage.validate(given["S3BackupConfiguration"])
    return configuration


def merge(configuration: dict[str, Any], update: dict[str, Any]) -> dict[str, Any]:
    if "DynamicPartitioningConfiguration" in update:
        before, after = processing.is_partitioned(configuration), processing.is_partitioned(update)
        if before != after:
            raise errors.InvalidArgumentException(
                f"Dynamic Partitioning can't be {'enabled' if after else 'disabled'} on an existing delivery stream."
            )
    merged = {**configuration, **update}
    if "S3BackupUpdate" in merged:
        merged["S3BackupConfiguration"] = {**configuration.get("S3BackupConfiguration", {}), **merged["S3BackupUpdate"]}
        del merged["S3BackupUpdate"]
    return merged


def describe(configuration: dict[str, Any]) -> dict[str, Any]:
    """Both forms, as DescribeDeliveryStream gives them."""
    extended = dict(configuration)
    if backup := extended.pop("S3BackupConfiguration", None):
        extended["S3BackupDescription"] = storage.described(backup)
    return {
        "S3DestinationDescription": storage.described(configuration),
        "ExtendedS3DestinationDescription": extended,
    }


def backup(configuration: dict[str, Any]) -> dict[str, Any] | None:
    return configuration.get("S3BackupConfiguration") if configuration["S3BackupMode"] == "Enabled" else None


def retry_seconds(configuration: dict[str, Any]) -> float | None:
    return None


async def deliver(call: Call, stream: Resource, batch: Batch) -> list[Failed]:
    """One object of the whole batch. Partitions have buffers of their own: see partitions.py."""
    configuration = stream["Destination"]
    when = storage.moment(configuration, batch.oldest)
    folder = prefixes.evaluate(configuration.get("Prefix") or "", prefixes.Values(when, seed=str(batch.identity)))
    return await write(call, stream, batch, folder, batch.identity)


async def write(call: Call, stream: Resource, batch: Batch, folder: str, identity: uuid.UUID) -> list[Failed]:
    """One object of the batch's records, converted where that is asked for; returns those that do not fit."""
    configuration = stream["Destination"]
    failed: list[Failed] = []
    if conversion.is_enabled(configuration):
        body, ending, failed = await conversion.convert(call, configuration, batch)
        origins = {failure.origin for failure in failed}
        lost = {index for index in range(len(batch)) if batch.origin(index) in origins} if failed else set()
        metrics.worked(call, stream, "Conversion", batch, lost)
    else:
        body = await call.offload(compression.compress, batch.joined(), configuration["CompressionFormat"])
        ending = None
    if body is not None:
        when = storage.moment(configuration, batch.oldest)
        key = storage.object_key(stream, folder, when, identity, storage.extension(configuration, ending))
        try:
            await storage.put(call, configuration, key, body)
        except StorageRefused:
            metrics.refused(call, stream, "s3")
            raise
        metrics.delivered(call, stream, "s3", batch, len(batch) - len(failed), len(body))
    return failed
