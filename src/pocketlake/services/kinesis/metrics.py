"""What streams, their shards and their consumers publish to CloudWatch.

Source: developer guide, "Monitoring the Amazon Kinesis Data Streams service with Amazon CloudWatch". A shard publishes
what EnableEnhancedMonitoring has switched on. What follows from something else (IncomingBytes is the bytes of all puts)
is made when the minute is written, not at each call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.metrics import Family, Figures, Meter
from pocketlake.kernel.resources import Resource
from pocketlake.kernel.spread import Spread, merged

from .service import kinesis

if TYPE_CHECKING:
    from .shards import Tail

BYTES, COUNT, MILLISECONDS = "Bytes", "Count", "Milliseconds"
NAMESPACE = "AWS/Kinesis"
THROTTLED = "ProvisionedThroughputExceededException"
WRITE_EXCEEDED, READ_EXCEEDED = "WriteProvisionedThroughputExceeded", "ReadProvisionedThroughputExceeded"
SHARD_LEVEL = (
    "IncomingBytes",
    "IncomingRecords",
    "OutgoingBytes",
    "OutgoingRecords",
    WRITE_EXCEEDED,
    READ_EXCEEDED,
    "IteratorAgeMilliseconds",
)
STREAM_UNITS = {
    "IncomingBytes": BYTES,
    "IncomingRecords": COUNT,
    "PutRecord.Bytes": BYTES,
    "PutRecord.Latency": MILLISECONDS,
    "PutRecord.Success": COUNT,
    "PutRecords.Bytes": BYTES,
    "PutRecords.Latency": MILLISECONDS,
    "PutRecords.Success": COUNT,
    "PutRecords.Records": COUNT,
    "PutRecords.TotalRecords": COUNT,
    "PutRecords.SuccessfulRecords": COUNT,
    "PutRecords.FailedRecords": COUNT,
    "PutRecords.ThrottledRecords": COUNT,
    "GetRecords.Bytes": BYTES,
    "GetRecords.IteratorAge": MILLISECONDS,
    "GetRecords.IteratorAgeMilliseconds": MILLISECONDS,
    "GetRecords.Latency": MILLISECONDS,
    "GetRecords.Records": COUNT,
    "GetRecords.Success": COUNT,
    WRITE_EXCEEDED: COUNT,
    READ_EXCEEDED: COUNT,
}
SHARD_UNITS = {name: BYTES if name.endswith("Bytes") else COUNT for name in SHARD_LEVEL}
SHARD_UNITS["IteratorAgeMilliseconds"] = MILLISECONDS
CONSUMER_UNITS = {
    "SubscribeToShard.RateExceeded": COUNT,
    "SubscribeToShard.Success": COUNT,
    "SubscribeToShardEvent.Bytes": BYTES,
    "SubscribeToShardEvent.MillisBehindLatest": MILLISECONDS,
    "SubscribeToShardEvent.Records": COUNT,
    "SubscribeToShardEvent.Success": COUNT,
}
ENDED = {
    "put_record": ("PutRecord.Latency", "PutRecord.Success"),
    "put_records": ("PutRecords.Latency", "PutRecords.Success"),
    "get_records": ("GetRecords.Latency", "GetRecords.Success"),
}


def _derive(figures: Figures) -> Figures:
    """What follows from what was counted: successes from bytes, all that came in from both kinds of puts."""
    single, batch, got = (figures.get(f"{name}.Bytes") for name in ("PutRecord", "PutRecords", "GetRecords"))
    one_each = Spread.of(1, single.count) if single else None
    figures = dict(figures)
    if single or batch:
        figures["IncomingBytes"] = merged(single, batch)
        figures["IncomingRecords"] = merged(one_each, figures.get("PutRecords.SuccessfulRecords"))
    if batch:
        figures["PutRecords.Records"] = figures["PutRecords.SuccessfulRecords"]
    _put_in(figures, "PutRecord.Success", one_each)
    # Each call is a sample: of nothing, where nothing was refused.
    _put_in(figures, WRITE_EXCEEDED, Spread.of(0, single.count) if single else None)
    if got:
        _put_in(figures, "GetRecords.Success", Spread.of(1, got.count))
        _put_in(figures, READ_EXCEEDED, Spread.of(0, got.count))
        figures["GetRecords.IteratorAge"] = figures["GetRecords.IteratorAgeMilliseconds"]
    return figures


def _put_in(figures: Figures, name: str, more: Spread | None) -> None:
    if more is not None:
        figures[name] = merged(figures.get(name), more)


STREAM = Family(NAMESPACE, STREAM_UNITS, _derive)
SHARD = Family(NAMESPACE, SHARD_UNITS)
CONSUMER = Family(NAMESPACE, CONSUMER_UNITS)


class Measures:
    """What one stream measures, and each of its shards as far as it is watched."""

    __slots__ = ("_metrics", "_shards", "name", "stream", "watched")

    def __init__(self, call: Call, stream: Resource) -> None:
        self._metrics = call.lake.metrics
        self.name = stream.name
        self.stream = call.lake.metrics.meter(call, STREAM, {"StreamName": stream.name})
        self._shards: dict[str, Meter] = {}
        self.watch(stream.get("ShardLevelMetrics", []))

    def watch(self, names: list[str]) -> None:
        self.watched = frozenset(SHARD_LEVEL if "ALL" in names else names)

    def of_shard(self, tail: Tail, now: float, **values: float) -> None:
        """Values of a shard-level metric each, for those that are watched."""
        meter = self._shards.get(tail.id)
        if meter is None:
            dimensions = {"StreamName": self.name, "ShardId": tail.id}
            whose = self.stream
            meter = Meter(self._metrics, SHARD, whose.account, whose.region, dimensions)
            self._shards[tail.id] = meter
        for name, value in values.items():
            if name in self.watched:
                meter.add(name, value, now)

    def put(self, tail: Tail, size: int, now: float) -> None:
        """One record came by PutRecord."""
        self.stream.add("PutRecord.Bytes", size, now)
        if self.watched:
            self.of_shard(tail, now, IncomingBytes=size, IncomingRecords=1, WriteProvisionedThroughputExceeded=0)

    def put_refused(self, tail: Tail, now: float, batch: bool = False) -> None:
        """A record was over the shard's rate."""
        if not batch:
            self.stream.add(WRITE_EXCEEDED, 1, now)
        if self.watched:
            self.of_shard(tail, now, WriteProvisionedThroughputExceeded=1)

    def put_batch(self, filling: dict[Tail, list[int]], sizes: list[int], now: float) -> None:
        """Records came by PutRecords: of `sizes`, those that each shard took."""
        total, taken, size = len(sizes), 0, 0
        for tail, indexes in filling.items():
            of_shard = sum(sizes[at] for at in indexes) if len(indexes) != total else sum(sizes)
            taken += len(indexes)
            size += of_shard
            if self.watched:
                self.of_shard(
                    tail,
                    now,
                    IncomingBytes=of_shard,
                    IncomingRecords=len(indexes),
                    WriteProvisionedThroughputExceeded=0,
                )
        add = self.stream.add
        add("PutRecords.Bytes", size, now)
        add("PutRecords.TotalRecords", total, now)
        add("PutRecords.SuccessfulRecords", taken, now)
        add("PutRecords.ThrottledRecords", total - taken, now)
        add(WRITE_EXCEEDED, total - taken, now)
        add("PutRecords.FailedRecords", 0, now)
        add("PutRecords.Success", 1 if taken else 0, now)

    def got(self, tail: Tail, records: list[dict[str, Any]], size: int, now: float) -> None:
        """GetRecords gave these. The iterator's age is that of the last one, 0 when there was none.  [CW-001]"""
        age = max(0.0, round((now - records[-1]["ApproximateArrivalTimestamp"]) * 1000)) if records else 0.0
        self.stream.add("GetRecords.Bytes", size, now)
        self.stream.add("GetRecords.Records", len(records), now)
        self.stream.add("GetRecords.IteratorAgeMilliseconds", age, now)
        if self.watched:
            self.of_shard(
                tail,
                now,
                OutgoingBytes=size,
                OutgoingRecords=len(records),
                ReadProvisionedThroughputExceeded=0,
                IteratorAgeMilliseconds=age,
            )

    def get_refused(self, tail: Tail, now: float) -> None:
        self.stream.add(READ_EXCEEDED, 1, now)
        if self.watched:
            self.of_shard(tail, now, ReadProvisionedThroughputExceeded=1)


def of_consumer(call: Call, stream: Resource, consumer: Resource) -> Meter:
    """The meter of a registered consumer."""
    key = ("metrics", consumer.arn)
    meter: Meter | None = call.memory.get(key)
    if meter is None:
        dimensions = {"StreamName": stream.name, "ConsumerName": consumer.name}
        meter = call.memory[key] = call.lake.metrics.meter(call, CONSUMER, dimensions)
    return meter


def pushed(meter: Meter, size: int, event: dict[str, Any], now: float) -> None:
    """A subscription's event went out."""
    meter.add("SubscribeToShardEvent.Bytes", size, now)
    meter.add("SubscribeToShardEvent.Records", len(event["Records"]), now)
    meter.add("SubscribeToShardEvent.MillisBehindLatest", event["MillisBehindLatest"], now)
    meter.add("SubscribeToShardEvent.Success", 1, now)


@kinesis.end
def ended(call: Call, error: str, seconds: float, now: float) -> None:
    """Latency, and calls that failed. `call.subject` is the stream's measures, once it was found."""
    measures: Measures | None = call.subject
    if measures is None:
        return
    latency, success = ENDED[call.operation]
    if error:
        measures.stream.add(success, 0, now)
    else:
        measures.stream.add(latency, int(seconds * 100_000) / 100, now)
