"""A Kinesis stream as source: records move from shard to buffer, with the checkpoint, in one transaction."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.resources import Resource

from . import store
from .service import errors, firehose

POLL_SECONDS = 1.0  # Firehose asks each shard once a second
READS_A_PULL = 4  # of 10,000 records; what is left comes at the next


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
    behind = False
    for shard in _shards(call, source):
        behind = _drain(call, stream, source, shard) or behind
    if behind:
        call.alarms.set(pull, name, call.now + POLL_SECONDS)


def _shards(call: Call, source: str) -> list[str]:
    shards: list[str] = []
    request = {"StreamName": source}
    while True:
        try:
            page = call.aws.kinesis.list_shards(**request)
        except ServiceError as error:
            if error.code == "ResourceNotFoundException":
                return []  # the source was deleted; what is buffered is still delivered
            raise
        shards += [shard["ShardId"] for shard in page["Shards"]]
        if not page.get("NextToken"):
            return shards
        request = {"NextToken": page["NextToken"]}


def _drain(call: Call, stream: Resource, source: str, shard: str) -> bool:
    """Read one shard; whether there is more to read, or the shard refused for now."""
    after = store.checkpoint(call.db, stream["Id"], shard)
    where: dict[str, Any] = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": stream["Source"]["Since"]}
    if after is not None:
        where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": after}
    kinesis = call.aws.kinesis
    try:
        iterator = kinesis.get_shard_iterator(StreamName=source, ShardId=shard, **where)["ShardIterator"]
        for _ in range(READS_A_PULL):
            page = call.aws.kinesis.get_records(ShardIterator=iterator)
            _keep(call, stream, shard, page["Records"])
            iterator = page.get("NextShardIterator")
            if iterator is None or not page.get("MillisBehindLatest"):
                return False
    except ServiceError as error:
        if error.code != "ProvisionedThroughputExceededException":
            raise
    return True


def _keep(call: Call, stream: Resource, shard: str, records: list[dict[str, Any]]) -> None:
    from .buffers import buffer

    if not records:
        return
    arrivals = [record["ApproximateArrivalTimestamp"] for record in records]
    origin = {
        "shard": shard,
        "numbers": [record["SequenceNumber"] for record in records],
        "keys": [record["PartitionKey"] for record in records],
        "arrivals": arrivals,
    }
    buffer(call, stream, [record["Data"] for record in records], arrivals[0], origin)
    store.set_checkpoint(call.db, stream["Id"], shard, records[-1]["SequenceNumber"])
