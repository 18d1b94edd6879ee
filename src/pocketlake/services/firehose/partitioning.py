"""Dynamic partitioning: a batch falls apart by the prefixes that its records' keys make.

Source: developer guide, "Partition streaming data in Amazon Data Firehose", "Buffer data for dynamic partitioning".
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

from . import failures, metadata, prefixes, quotas, storage
from .batches import Batch, Failed

LIMIT_EXCEEDED = "DynamicPartitioning.ActivePartitionsLimitExceeded"
Keys = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]


class Partition(NamedTuple):
    """The records of one object. `identity` follows from the batch and the folder."""

    folder: str
    identity: uuid.UUID
    batch: Batch


def split(limits_on: bool, configuration: dict[str, Any], batch: Batch) -> tuple[list[Partition], list[Failed]]:
    """The batch's partitions in the order in which they appear, and the records that found no place in one.

    Runs in a thread. Of partitions beyond the limit all records fail.
    """
    prefix = configuration["Prefix"]
    wanted = (prefixes.keys(prefix, prefixes.QUERY), prefixes.keys(prefix, prefixes.LAMBDA))
    groups: dict[Keys, list[int]] = {}
    failed: list[Failed] = []
    for index in range(len(batch)):
        try:
            groups.setdefault(_keys(batch, index, *wanted), []).append(index)
        except ValueError as error:
            failed.append(_failure(batch, index, failures.PROCESSING, metadata.EXTRACTION_FAILED, str(error)))
    partitions: list[Partition] = []
    limit = quotas.ACTIVE_PARTITIONS.value if limits_on else float("inf")
    for keys, indexes in groups.items():
        partition = _partition(configuration, batch.select(indexes), dict(keys[0]), dict(keys[1]))
        if len(partition.folder) > quotas.PREFIX_CHARACTERS.value:
            message = f"Length of evaluated prefix cannot be greater than {quotas.PREFIX_CHARACTERS.value:.0f}"
            failed += [_failure(batch, at, failures.PROCESSING, metadata.EXTRACTION_FAILED, message) for at in indexes]
        elif len(partitions) >= limit:
            message = f"The delivery stream has reached its limit of {limit:.0f} active partitions."
            failed += [_failure(batch, at, failures.PARTITIONS, LIMIT_EXCEEDED, message) for at in indexes]
        else:
            partitions.append(partition)
    return partitions, failed


def _keys(batch: Batch, index: int, of_query: set[str], of_lambda: set[str]) -> Keys:
    """The values that the prefix asks for; ValueError when one is missing."""
    extracted = batch.query_keys[index] if batch.query_keys else {}
    returned = (batch.metadata[index].get("partitionKeys") or {}) if batch.metadata else {}
    return (
        tuple((name, metadata.key_text(extracted.get(name))) for name in sorted(of_query)),
        tuple((name, metadata.key_text(returned.get(name))) for name in sorted(of_lambda)),
    )


def _partition(
    configuration: dict[str, Any], batch: Batch, query_keys: Mapping[str, str], lambda_keys: Mapping[str, str]
) -> Partition:
    received = batch.received()
    oldest = min(received[batch.origin(index)].arrival for index in range(len(batch)))
    seed = f"{batch.identity} {query_keys} {lambda_keys}"
    values = prefixes.Values(storage.moment(configuration, oldest), seed, "", query_keys, lambda_keys)
    return Partition(prefixes.evaluate(configuration["Prefix"], values), uuid.uuid5(batch.identity, seed), batch)


def _failure(batch: Batch, index: int, kind: str, code: str, message: str) -> Failed:
    return Failed(batch.origin(index), kind, code, message, raw=batch.raw(index))
