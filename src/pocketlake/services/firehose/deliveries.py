"""From buffer to destination. A delivery's rows go in the very tick in which its last object is written.

Which records a delivery takes is written down before it begins, so whoever tries it again, after a refusal or a crash,
takes the same ones and writes the same objects.
"""

from __future__ import annotations

import logging
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.resources import Resource

from . import backups, buffers, destinations, failures, metrics, partitions, processing, quotas, sending, store
from .batches import Batch, Failed, StorageRefused, Unacknowledged, Undelivered
from .service import firehose

log = logging.getLogger("pocketlake.firehose")

RETRY_SECONDS = (5.0, 10.0, 30.0, 60.0, 120.0, 300.0)  # AWS documents that it retries, not in which steps


@firehose.alarm
async def deliver(call: Call, name: str) -> None:
    stream = _stream(call, name)
    if stream is None:
        return
    attempt = _begin(call, stream)
    if attempt is None:
        return
    arrivals = await call.db.beside(store.take, stream["Id"], attempt.last)
    batch = Batch(stream["Id"], arrivals, attempt.made, attempt.since) if arrivals else None
    try:
        if processing.is_partitioned(stream["Destination"]):
            if batch is not None:
                await _sort(call, stream, batch, attempt)
            await partitions.deliver(call, stream, attempt)
        else:
            await partitions.deliver(call, stream, attempt)  # of a destination that this one has replaced
            if batch is not None:
                await _attempt(call, stream, batch)
    except Undelivered as refusal:
        _put_off(call, stream, attempt, refusal)
        return
    # No wait between the last write and this: both are in one transaction.
    with call.transaction():
        _end(call, stream, attempt)


def _stream(call: Call, name: str) -> Resource | None:
    from .delivery_streams import KIND

    return call.resources(KIND).find(name)


def _begin(call: Call, stream: Resource) -> store.Attempt | None:
    """Write down what is delivered: the batch that could not be delivered before, or a new one if one is due."""
    with call.transaction():
        attempt = store.attempt(call.db, stream["Id"])
        if attempt is None:
            if not buffers.is_due(call, stream):
                buffers.schedule(call, stream)
                return None
            last = store.last_of_a_buffer(call.db, stream["Id"], buffers.size_of_delivery(call, stream))
            attempt = store.Attempt(last, call.now, 0)
        attempt = attempt._replace(made=attempt.made + 1)
        store.set_attempt(call.db, stream["Id"], attempt)
        buffers.under_way(call, stream)
    return attempt


async def _sort(call: Call, stream: Resource, batch: Batch, attempt: store.Attempt) -> None:
    """Back up, process, and move the records into their partitions' buffers. Raises Undelivered."""
    configuration = stream["Destination"]
    if backup := destinations.of(stream).backup(configuration):
        await backups.write(call, stream, backup, batch)
    batch, failed = await _process(call, stream, batch)
    parts = await partitions.sort(call, stream, batch, failed)
    with call.transaction():
        if _is_there(call, stream):
            partitions.keep(call, stream, parts)
            store.remove(call.db, stream["Id"], attempt.last)


async def _attempt(call: Call, stream: Resource, batch: Batch) -> None:
    """Back up, process, deliver, and write what failed on the way. Raises Undelivered."""
    destination, configuration = destinations.of(stream), stream["Destination"]
    kind = stream.get("DestinationKind", "s3")
    if backup := destination.backup(configuration):
        await backups.write(call, stream, backup, batch)
    batch, failed = await _process(call, stream, batch)
    if len(batch):
        try:
            given_up = await destination.deliver(call, stream, batch)
            _measure(call, stream, batch, given_up)
            failed += given_up
        except StorageRefused:
            raise
        except Undelivered as refusal:
            if kind != "s3" and not isinstance(refusal, Unacknowledged):
                metrics.refused(call, stream, kind)
            duration = destination.retry_seconds(configuration)
            if duration is None or call.now - batch.since < duration:
                raise
            failed += [
                Failed(
                    batch.origin(index),
                    destination.FAILED,
                    refusal.code,
                    refusal.message,
                    batch.attempt,
                    batch.raw(index),
                )
                for index in range(len(batch))
            ]
    if failed:
        await failures.write(call, stream, configuration.get("S3Configuration", configuration), batch, failed)


def _measure(call: Call, stream: Resource, batch: Batch, given_up: list[Failed]) -> None:
    """What a destination outside the lake, or a table, took. Objects in S3 are measured where they are written."""
    kind = stream.get("DestinationKind", "s3")
    if kind == "s3":
        return
    if len(given_up) < len(batch):
        metrics.delivered(call, stream, kind, batch, len(batch) - len(given_up), batch.size)
    else:
        metrics.refused(call, stream, kind)


async def _process(call: Call, stream: Resource, batch: Batch) -> tuple[Batch, list[Failed]]:
    """Processing happens once, however often the destination must be asked; after a crash alone it happens again."""
    if not processing.processors(stream["Destination"]):
        return batch, []
    key, version = ("processed", stream["Id"]), (batch.identity, stream["Version"])
    held = call.memory.get(key)
    if held is None or held[0] != version:
        held = call.memory[key] = (version, *await processing.process(call, stream, batch))
        metrics.worked(call, stream, "Processing", held[1], set())
    _, processed, failed = held
    processed.attempt = batch.attempt
    return processed, list(failed)


def _end(call: Call, stream: Resource, attempt: store.Attempt) -> None:
    call.memory.pop(("processed", stream["Id"]), None)
    sending.clear(call, stream)
    store.remove(call.db, stream["Id"], attempt.last)
    store.end_attempt(call.db, stream["Id"])
    if now := _is_there(call, stream):
        buffers.schedule(call, now)


def _is_there(call: Call, stream: Resource) -> Resource | None:
    """The stream as it is by now; None: it was deleted, and perhaps made anew, meanwhile."""
    now = _stream(call, stream.name)
    return now if now is not None and now["Id"] == stream["Id"] else None


def _put_off(call: Call, stream: Resource, attempt: store.Attempt, refusal: Undelivered) -> None:
    """Try again later, and forget what Firehose would not have kept any longer."""
    if attempt.made == 1 and not isinstance(refusal, Unacknowledged):
        log.warning("firehose %s can't deliver and tries again: %s", stream.name, refusal)
    with call.transaction():
        if not _is_there(call, stream):
            return
        keeps = _retention(call, stream)
        if lost := store.remove_expired(call.db, stream["Id"], call.now - keeps):
            log.warning("firehose %s lost %d puts of more than %g hours ago", stream.name, lost, keeps / 3600)
        if lost := partitions.remove_expired(call, stream, call.now - keeps):
            log.warning("firehose %s lost %d partitions of more than %g hours ago", stream.name, lost, keeps / 3600)
        oldest = store.oldest(call.db, stream["Id"], attempt.last)
        left = [] if oldest is None else [oldest]
        left += [partition.since for partition in store.partitions(call.db, stream["Id"]) if partition.is_sealed]
        if not left:
            _end(call, stream, attempt)
            return
        pause = refusal.pause
        if pause is None:
            pause = RETRY_SECONDS[min(attempt.made, len(RETRY_SECONDS)) - 1]
        call.alarms.set(deliver, stream.name, min(call.now + pause, min(left) + keeps))


def _retention(call: Call, stream: Resource) -> float:
    """How many seconds a record is kept while it can't be delivered: a day, or what its source stream keeps."""
    source: dict[str, Any] | None = stream.get("Source")
    if source is None:
        return quotas.RETENTION_SECONDS.value
    name = source["KinesisStreamARN"].rpartition("/")[2]
    try:
        summary = call.aws.kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    except ServiceError:
        return quotas.RETENTION_SECONDS.value
    return float(summary["RetentionPeriodHours"]) * 3600
