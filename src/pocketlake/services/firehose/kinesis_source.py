"""A Kinesis stream as source: records move from shard to buffer, with the checkpoint, in one transaction."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.resources import Resource

from . import aggregates, metrics, store
from .service import errors, firehose

# Firehose asks each shard once a second, which counts against the five reads that all of its readers share.
# Source: Firehose developer guide, "Understand data delivery in Amazon Data Firehose", Kinesis Data Streams as source.
POLL_SECONDS = 1.0
READS_A_PULL = 4  # where no limits are: of 10,000 records each; what is left comes at the next
ENDED = "SHARD_END"  # the checkpoint of a closed shard that was read to its end
ITERATOR_SECONDS = 240  # an iterator is kept for so long; Kinesis takes it for five minutes


def since(now: float) -> float:
    """From when on records are read: arrivals are whole milliseconds, rounded down, and so must this be.

    Rounded up, it would pass over what arrives in the millisecond of the stream's creation.
    """
    return int(now * 1000) / 1000


def begin(call: Call, stream: Resource) -> None:
    arn = stream["Source"]["KinesisStreamARN"]
    name = arn.rpartition("/")[2]
    try:
        call.aws.kinesis.describe_stream_summary(StreamName=name)
    except ServiceError as error:
        raise errors.InvalidArgumentException(f"Kinesis stream {arn} can't be read: {error.message}") from None
    call.watches.add(f"kinesis.records:{arn}", pull, stream.name, delay=POLL_SECONDS)


def end(call: Call, stream: Resource) -> None:
    call.watches.remove(f"kinesis.records:{stream['Source']['KinesisStreamARN']}", pull, stream.name)
    call.alarms.clear(pull, stream.name)


@firehose.alarm
def pull(call: Call, name: str) -> None:
    """Read every shard on from where the last pull ended; begins with what arrived after the stream was made."""
    from .delivery_streams import KIND

    stream = call.resources(KIND).find(name)
    if stream is None:
        return
    source = stream["Source"]["KinesisStreamARN"].rpartition("/")[2]
    behind, unfinished = False, set()
    for shard in _shards(call, source):  # parents come before their children
        name_of = shard["ShardId"]
        if store.checkpoint(call.db, stream["Id"], name_of) == ENDED:
            continue
        unfinished.add(name_of)
        parents = {shard.get("ParentShardId"), shard.get("AdjacentParentShardId")}
        if parents & unfinished:
            continue  # what the parents hold is older, and goes first
        if not _drain(call, stream, source, name_of):
            behind = True
        elif store.checkpoint(call.db, stream["Id"], name_of) == ENDED:
            unfinished.remove(name_of)
    if behind:
        call.alarms.set(pull, name, call.now + POLL_SECONDS)


def _shards(call: Call, source: str) -> list[dict[str, Any]]:
    shards: list[dict[str, Any]] = []
    request = {"StreamName": source}
    while True:
        try:
            page = call.aws.kinesis.list_shards(**request)
        except ServiceError as error:
            if error.code == "ResourceNotFoundException":
                return []  # the source was deleted; what is buffered is still delivered
            raise
        shards += page["Shards"]
        if not page.get("NextToken"):
            return shards
        request = {"NextToken": page["NextToken"]}


def _drain(call: Call, stream: Resource, source: str, shard: str) -> bool:
    """Read on in one shard; whether all that is there now was read."""
    try:
        iterator = _iterator(call, stream, source, shard)
        for _ in range(1 if call.limits_on else READS_A_PULL):
            page = call.aws.kinesis.get_records(ShardIterator=iterator)
            _keep(call, stream, shard, page["Records"])
            if page["Records"]:
                size = sum(len(record["Data"]) for record in page["Records"])
                metrics.read(call, stream, len(page["Records"]), size, page["MillisBehindLatest"])
            iterator = page.get("NextShardIterator")
            if iterator is None:
                store.set_checkpoint(call.db, stream["Id"], shard, ENDED)
                return True
            _remember(call, stream, shard, iterator)
            if not page.get("MillisBehindLatest"):
                return True
    except ServiceError as error:
        if error.code != "ProvisionedThroughputExceededException":
            raise
        metrics.of(call, stream).add("ThrottledGetRecords", 1, call.now)
    return False


def _iterator(call: Call, stream: Resource, source: str, shard: str) -> str:
    """Where the last pull ended. Asking for an iterator has a limit that others share, so the last one is used on."""
    after = store.checkpoint(call.db, stream["Id"], shard)
    known = call.memory.get(("iterator", stream["Id"], shard))
    if known is not None and known[0] == after and 0 <= call.now - known[1] < ITERATOR_SECONDS:
        return str(known[2])
    where: dict[str, Any] = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": stream["Source"]["Since"]}
    if after is not None:
        where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": after}
    answer = call.aws.kinesis.get_shard_iterator(StreamName=source, ShardId=shard, **where)
    return str(answer["ShardIterator"])


def _remember(call: Call, stream: Resource, shard: str, iterator: str) -> None:
    """Good as long as the checkpoint is the one it was given for: a turn that comes to nothing takes that back."""
    after = store.checkpoint(call.db, stream["Id"], shard)
    call.memory["iterator", stream["Id"], shard] = (after, call.now, iterator)


def _keep(call: Call, stream: Resource, shard: str, records: list[dict[str, Any]]) -> None:
    from .buffers import buffer

    if not records:
        return
    data: list[bytes] = []
    origin: dict[str, Any] = {"shard": shard, "numbers": [], "subnumbers": [], "keys": [], "arrivals": []}
    for record in records:
        packed = aggregates.unpack(record["Data"])
        parts = [(record["PartitionKey"], record["Data"])] if packed is None else packed
        for at, (key, part) in enumerate(parts):
            data.append(part)
            origin["numbers"].append(record["SequenceNumber"])
            origin["subnumbers"].append(None if packed is None else at)
            origin["keys"].append(key)
            origin["arrivals"].append(record["ApproximateArrivalTimestamp"])
    if data:
        buffer(call, stream, data, origin["arrivals"][0], origin)
    store.set_checkpoint(call.db, stream["Id"], shard, records[-1]["SequenceNumber"])
