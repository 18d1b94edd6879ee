"""Dynamic partitioning: which partition a record belongs to.

A partition is what the prefix is evaluated to: another key, or another hour where the prefix has hours, is another one.
Source: developer guide, "Partition streaming data in Amazon Data Firehose", "Buffer data for dynamic partitioning".
"""

from __future__ import annotations

from collections.abc import Set
from typing import Any, NamedTuple

from . import failures, metadata, prefixes, quotas, storage
from .batches import Batch, Failed

# The folder (activePartitionExceeded) is documented; the code and the message beside it are not.
LIMIT_EXCEEDED = "DynamicPartitioning.ActivePartitionsLimitExceeded"
Keys = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]


class Share(NamedTuple):
    """What a partition gets of a batch: the places of its records. `name` is its folder, random strings left alike."""

    name: str
    folder: str
    indexes: list[int]


def split(
    limit: float, configuration: dict[str, Any], batch: Batch, active: Set[str]
) -> tuple[list[Share], list[Failed]]:
    """The batch by partitions in the order in which they appear, and the records that found no place in one.

    `active` are the names of those that are there already. Beyond `limit` of them no new ones are made, and the records
    that ask for one fail. Runs in a thread.
    """
    prefix = configuration["Prefix"]
    wanted = (prefixes.keys(prefix, prefixes.QUERY), prefixes.keys(prefix, prefixes.LAMBDA))
    received = batch.received()
    evaluated: dict[tuple[Keys, float], Share] = {}
    shares: dict[str, Share] = {}
    failed: list[Failed] = []
    for index in range(len(batch)):
        try:
            keys = _keys(batch, index, *wanted)
        except ValueError as error:
            failed.append(_failure(batch, index, failures.PROCESSING, metadata.EXTRACTION_FAILED, str(error)))
            continue
        when = float(int(received[batch.origin(index)].arrival))  # no expression is finer than a second
        share = evaluated.get((keys, when))
        if share is None:
            found = _share(configuration, batch, keys, when)
            share = evaluated[keys, when] = shares.setdefault(found.name, found)
        share.indexes.append(index)
    return _places(limit, batch, list(shares.values()), active, failed)


def _places(
    limit: float, batch: Batch, shares: list[Share], active: Set[str], failed: list[Failed]
) -> tuple[list[Share], list[Failed]]:
    placed: list[Share] = []
    made = 0
    for share in shares:
        is_new = share.name not in active
        if len(share.folder) > quotas.PREFIX_CHARACTERS.value:
            message = f"Length of evaluated prefix cannot be greater than {quotas.PREFIX_CHARACTERS.value:.0f}"
            kind, code = failures.PROCESSING, metadata.EXTRACTION_FAILED
        elif is_new and len(active) + made >= limit:
            message = f"The delivery stream has reached its limit of {limit:.0f} active partitions."
            kind, code = failures.PARTITIONS, LIMIT_EXCEEDED
        else:
            made += is_new
            placed.append(share)
            continue
        failed += [_failure(batch, index, kind, code, message) for index in share.indexes]
    return placed, failed


def _keys(batch: Batch, index: int, of_query: set[str], of_lambda: set[str]) -> Keys:
    """The values that the prefix asks for; ValueError when one is missing."""
    extracted = batch.query_keys[index] if batch.query_keys else {}
    returned = (batch.metadata[index].get("partitionKeys") or {}) if batch.metadata else {}
    return (
        tuple((name, metadata.key_text(extracted.get(name))) for name in sorted(of_query)),
        tuple((name, metadata.key_text(returned.get(name))) for name in sorted(of_lambda)),
    )


def _share(configuration: dict[str, Any], batch: Batch, keys: Keys, when: float) -> Share:
    values = prefixes.Values(storage.moment(configuration, when), "", "", dict(keys[0]), dict(keys[1]))
    name = prefixes.evaluate(configuration["Prefix"], values)
    seeded = prefixes.Values(values.when, f"{batch.identity} {name}", "", values.query_keys, values.lambda_keys)
    return Share(name, prefixes.evaluate(configuration["Prefix"], seeded), [])


def _failure(batch: Batch, index: int, kind: str, code: str, message: str) -> Failed:
    return Failed(batch.origin(index), kind, code, message, raw=batch.raw(index))
