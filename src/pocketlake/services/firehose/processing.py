"""Processing: what happens to records between the buffer and the destination, and the rules on asking for it.

Processors run in one order, however they are listed: decompression, log messages, de-aggregation, Lambda, metadata,
delimiter.
Source: API reference, Processor; developer guide, "Transform source data", "Partition streaming data", "Decompress
CloudWatch Logs". The messages are those that CreateDeliveryStream gives.
"""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import deaggregation, decompression, lambda_function, log_messages, metadata, prefixes, quotas
from .batches import Batch, Failed
from .service import errors

DECOMPRESSION, LOGS, DEAGGREGATION = "Decompression", "CloudWatchLogProcessing", "RecordDeAggregation"
LAMBDA, METADATA, DELIMITER = "Lambda", "MetadataExtraction", "AppendDelimiterToRecord"
ORDER = (DECOMPRESSION, LOGS, DEAGGREGATION, LAMBDA, METADATA, DELIMITER)
ONLY_PARTITIONED = {METADATA: "MetadataExtractionProcessor", DEAGGREGATION: "RecordDeAggregationProcessor"}
STEPS = {
    DECOMPRESSION: decompression.run,
    LOGS: log_messages.run,
    DEAGGREGATION: deaggregation.run,
    METADATA: metadata.run,
    DELIMITER: deaggregation.append_delimiter,
}

Parameters = dict[str, str]


def is_partitioned(configuration: dict[str, Any]) -> bool:
    return bool((configuration.get("DynamicPartitioningConfiguration") or {}).get("Enabled"))


def processors(configuration: dict[str, Any]) -> dict[str, Parameters]:
    """The parameters of each processor that is switched on, in the order in which they run."""
    given = configuration.get("ProcessingConfiguration") or {}
    if not given.get("Enabled"):
        return {}
    found = {processor["Type"]: _parameters(processor) for processor in given.get("Processors") or ()}
    return {kind: found[kind] for kind in ORDER if kind in found}


def _parameters(processor: dict[str, Any]) -> Parameters:
    return {given["ParameterName"]: given["ParameterValue"] for given in processor.get("Parameters") or ()}


def takes_logs_only(configuration: dict[str, Any]) -> bool:
    """Whether direct puts must come from CloudWatch Logs."""
    return DECOMPRESSION in processors(configuration)


def validate(call: Call, configuration: dict[str, Any], routes_by_metadata: bool = False) -> None:
    """Raise InvalidArgumentException for what Firehose refuses.

    `routes_by_metadata` destinations (Iceberg) may extract metadata without dynamic partitioning.
    """
    given = configuration.get("ProcessingConfiguration") or {}
    kinds = [processor["Type"] for processor in given.get("Processors") or ()]
    if given.get("Enabled"):
        if not 1 <= len(kinds) <= quotas.PROCESSORS.value:
            raise errors.InvalidArgumentException(
                f"A maximum of {quotas.PROCESSORS.value:.0f} and a minimum of 1 processor needs to be supplied when"
                " processing is enabled."
            )
        for kind in kinds:
            if kinds.count(kind) > 1:
                raise errors.InvalidArgumentException(f"Cannot have more than 1 {kind} processor.")
    found = processors(configuration)
    partitioned = is_partitioned(configuration)
    for kind, name in ONLY_PARTITIONED.items():
        if kind in found and not partitioned and not routes_by_metadata:
            raise errors.InvalidArgumentException(
                f"class com.amazonaws.services.firehose.internal.model.{name} can only be present when Dynamic"
                " Partitioning is enabled."
            )
    if LOGS in found and DECOMPRESSION not in found:
        raise errors.InvalidArgumentException(
            "CloudWatchLogProcessingProcessor can only be enabled with DecompressionProcessor"
        )
    for kind, check in CHECKS.items():
        if kind in found:
            check(call, found[kind])
    if partitioned or not routes_by_metadata:
        _check_partitioning(configuration, found, partitioned)


CHECKS = {
    DECOMPRESSION: decompression.validate,
    LOGS: log_messages.validate,
    DEAGGREGATION: deaggregation.validate,
    LAMBDA: lambda_function.validate,
    METADATA: metadata.validate,
}


def _check_partitioning(configuration: dict[str, Any], found: dict[str, Parameters], partitioned: bool) -> None:
    prefix = configuration.get("Prefix") or ""
    query_keys, lambda_keys = prefixes.keys(prefix, prefixes.QUERY), prefixes.keys(prefix, prefixes.LAMBDA)
    if not partitioned:
        if query_keys or lambda_keys:
            raise errors.InvalidArgumentException(
                "Dynamic Partitioning Namespaces can only be part of a prefix expression when Dynamic Partitioning is"
                " enabled."
            )
        return
    hints = configuration["BufferingHints"]
    for member, least in (("SizeInMBs", quotas.LARGE_MINIMUM_SIZE_MB), ("IntervalInSeconds", 60)):
        if hints[member] < least:
            raise errors.InvalidArgumentException(
                f"BufferingHints.{member} must be at least {least} when Dynamic Partitioning is enabled."
            )
    if not query_keys and not lambda_keys:
        raise errors.InvalidArgumentException(
            "S3 Prefix should contain Dynamic Partitioning namespaces when Dynamic Partitioning is enabled"
        )
    for keys, kind, namespace in ((query_keys, METADATA, prefixes.QUERY), (lambda_keys, LAMBDA, prefixes.LAMBDA)):
        if keys and kind not in found:
            raise errors.InvalidArgumentException(
                f"{kind} processor should be present when S3 Prefix has {namespace} namespace."
            )
    if METADATA in found:
        metadata.check_keys(found[METADATA], query_keys)


async def process(call: Call, stream: Resource, batch: Batch) -> tuple[Batch, list[Failed]]:
    """The batch as the destination gets it, and the records that failed on the way."""
    failed: list[Failed] = []
    for kind, parameters in processors(stream["Destination"]).items():
        if not len(batch):
            break
        if kind == LAMBDA:
            batch, lost = await lambda_function.run(call, stream, batch, parameters)
        else:
            batch, lost = await call.offload(STEPS[kind], batch, parameters)
        failed += lost
    return batch, failed
