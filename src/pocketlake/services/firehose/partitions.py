"""Active partitions: each has a buffer of its own, and is delivered when that is full or its time has come.

What was put lies in the stream's buffer until a partition may be due: then all of it is processed and sorted into the
partitions, and those that are due are sealed and delivered, one object each. Sorting moves records from the one buffer
into the others in one transaction; a partition goes in the very tick in which its object is written.
Source: developer guide, "Buffer data for dynamic partitioning".
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any, NamedTuple

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import buffers, conversion, destinations, failures, metrics, partitioning, processing, quotas, store
from .batches import Batch, Failed
from .destinations import s3


class Part(NamedTuple):
    """A partition's part of what is sorted, as it is to be kept."""

    name: str
    folder: str
    since: float  # when its first record arrived
    packed: store.Packed


async def sort(call: Call, stream: Resource, batch: Batch, failed: list[Failed]) -> list[Part]:
    """The processed batch by partitions; what failed, and what finds no place, goes to the error prefix."""
    configuration = stream["Destination"]
    active = {partition.name for partition in store.partitions(call.db, stream["Id"])}
    limit = quotas.ACTIVE_PARTITIONS.value if call.limits_on else float("inf")
    parts, unplaced = await call.offload(_parts, limit, configuration, batch, active)
    metrics.sorted_into(call, stream, len(active | {part.name for part in parts}), bool(unplaced))
    if failed := failed + unplaced:
        await failures.write(call, stream, configuration, batch, failed)
    return parts


def _parts(
    limit: float, configuration: dict[str, Any], batch: Batch, active: set[str]
) -> tuple[list[Part], list[Failed]]:
    """Runs in a thread, packing too: the loop has only to hand over what is ready."""
    shares, unplaced = partitioning.split(limit, configuration, batch, active)
    is_traced = conversion.is_enabled(configuration)  # only what may yet fail has to say where it came from
    received = batch.received()
    parts = []
    for share in shares:
        came = [received[batch.origin(index)] for index in share.indexes]
        origin: dict[str, Any] | None = None
        if is_traced:
            origin = {
                "shard": "",
                "numbers": [one.sequence_number for one in came],
                "subnumbers": [one.subsequence_number for one in came],
                "keys": [one.partition_key for one in came],
                "arrivals": [one.arrival for one in came],
            }
            if batch.is_decompressed:
                # What fails after decompression is shown as it arrived: guide, "Troubleshoot decompression".
                sent = (batch.source[batch.origin(index)] for index in share.indexes)
                origin["raws"] = [base64.b64encode(raw).decode() for raw in sent]
        packed = store.pack([batch.data[index] for index in share.indexes], origin)
        parts.append(Part(share.name, share.folder, min(one.arrival for one in came), packed))
    return parts, unplaced


def keep(call: Call, stream: Resource, parts: Iterable[Part]) -> None:
    """Put the records into their partitions' buffers, within the caller's transaction."""
    is_open = {
        partition.name: partition.number
        for partition in store.partitions(call.db, stream["Id"])
        if not partition.is_sealed
    }
    for part in parts:
        number = is_open.get(part.name)
        if number is None:
            number = store.open_partition(call.db, stream["Id"], part.name, part.folder, part.since)
        store.fill_partition(call.db, number, part.since, part.packed)


def _seal(call: Call, stream: Resource) -> list[store.Partition]:
    """Those to be delivered now: that are due, and that were not delivered before. They take no more records."""
    sealed = []
    with call.transaction():
        for partition in store.partitions(call.db, stream["Id"]):
            if not partition.is_sealed:
                if not buffers.is_ripe(call, stream, partition):
                    continue
                store.seal_partition(call.db, partition.number)
            sealed.append(partition)
    return sealed


async def deliver(call: Call, stream: Resource, attempt: store.Attempt) -> None:
    """Those that are due, one after the other; what was delivered stays so whatever becomes of the rest.

    Raises Undelivered.
    """
    for partition in _seal(call, stream):
        await _deliver(call, stream, partition, attempt)


async def _deliver(call: Call, stream: Resource, partition: store.Partition, attempt: store.Attempt) -> None:
    """Write one partition's object, and forget it in the same transaction."""
    arrivals = await call.db.beside(store.take_partition, partition.number)
    if not arrivals:  # its stream was deleted
        return
    configuration = stream["Destination"]
    name = f"partition {partition.number}"
    batch = Batch(stream["Id"], arrivals, attempt.made, attempt.since, name).restored()
    if processing.is_partitioned(configuration):
        failed = await s3.write(call, stream, batch, partition.folder, batch.identity)
        metrics.partition(call, stream, batch.size, call.now - partition.since)
    else:  # another destination has taken the place of the one that it was sorted for
        failed = await destinations.of(stream).deliver(call, stream, batch)
    if failed:
        await failures.write(call, stream, configuration.get("S3Configuration", configuration), batch, failed)
    with call.transaction():
        store.remove_partition(call.db, partition.number)


def remove_expired(call: Call, stream: Resource, before: float) -> int:
    """Forget partitions whose records arrived then or earlier; returns how many."""
    gone = [one for one in store.partitions(call.db, stream["Id"]) if one.since <= before]
    for partition in gone:
        store.remove_partition(call.db, partition.number)
    return len(gone)
