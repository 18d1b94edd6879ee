"""A consumer that loses its connection, waits and resubscribes at random misses no record and sees none twice.

Records are large often enough that events end in the midst of what is there: an event holds 1 MiB, and the rate lets
2 MiB a second through.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from botocore.config import Config
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from .test_subscriptions import registered

LARGE = 25_000  # bytes; 40 of them are what a shard takes in a second
ACTIONS = st.one_of(
    st.tuples(st.just("put"), st.tuples(st.integers(1, 40), st.just(0))),
    st.tuples(st.just("put"), st.tuples(st.integers(20, 40), st.just(LARGE))),
    st.tuples(st.just("put"), st.tuples(st.integers(20, 40), st.just(LARGE))),
    st.tuples(st.just("read"), st.integers(1, 3)),
    st.tuples(st.just("leave"), st.sampled_from(["AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"])),
    st.tuples(st.just("advance"), st.sampled_from([1, 5, 60, 301])),
    st.tuples(st.just("split"), st.just(0)),
)
KEYS = [f"key-{number}" for number in range(5)]


class Reader:
    """Reads shards in turn, each through subscriptions that may break off; children after their parents."""

    def __init__(self, kinesis: Any, lake: Any, consumer: str) -> None:
        self.kinesis, self.lake, self.consumer = kinesis, lake, consumer
        self.places: dict[str, dict[str, Any] | None] = {"shardId-000000000000": {"Type": "TRIM_HORIZON"}}
        self.streams: dict[str, Any] = {}
        self.seen: list[tuple[str, int]] = []

    def read(self, events: int) -> None:
        """So many events of each shard that is open to us."""
        for shard in list(self.places):
            for _ in range(events):
                if self.places[shard] is None:
                    break
                self._take(shard)

    def leave(self, kind: str) -> None:
        """Drop the connections; go on from the last events' ContinuationSequenceNumbers."""
        for stream in self.streams.values():
            stream.close()
        self.streams.clear()
        for place in self.places.values():
            if place is not None and "SequenceNumber" in place:
                place["Type"] = kind
        self.lake.clock.advance(seconds=6)

    def _take(self, shard: str) -> None:
        stream = self.streams.get(shard)
        if stream is None:
            asked = {"ConsumerARN": self.consumer, "ShardId": shard, "StartingPosition": self.places[shard]}
            stream = self.streams[shard] = self.kinesis.subscribe_to_shard(**asked)["EventStream"]
            self.lake.clock.advance(seconds=6)  # the next one may take over
        else:
            self.lake.clock.advance(seconds=5)  # at the latest an empty event comes
        event = next(iter(stream), None)
        if event is None:  # the five minutes are over
            self.streams.pop(shard).close()
            return
        event = event["SubscribeToShardEvent"]
        self.seen += [(record["PartitionKey"], int(record["Data"])) for record in event["Records"]]
        if "ChildShards" in event:
            self.places[shard] = None
            self.streams.pop(shard).close()
            for child in event["ChildShards"]:
                self.places[child["ShardId"]] = {"Type": "TRIM_HORIZON"}
        else:
            number = event["ContinuationSequenceNumber"]
            self.places[shard] = {"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": number}


FEW, MANY = ("put", (3, 0)), ("put", (40, LARGE))
ON, AGAIN = ("leave", "AFTER_SEQUENCE_NUMBER"), ("leave", "AT_SEQUENCE_NUMBER")
SPLIT = ("split", 0)


# Half of the runs have three large puts unread in them, wherever they come to stand.
RUNS = st.lists(ACTIONS, min_size=8, max_size=14) | st.builds(
    lambda before, after: [*before, MANY, MANY, MANY, *after],
    st.lists(ACTIONS, max_size=4),
    st.lists(ACTIONS, min_size=2, max_size=8),
)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(actions=RUNS)
@example(actions=[FEW, ("read", 1), FEW, ON, ("read", 2)])
@example(actions=[FEW, ("read", 1), FEW, AGAIN, FEW, SPLIT])
@example(actions=[MANY, MANY, MANY, ("read", 1), ON, FEW, ("read", 1), AGAIN, ("read", 1)])
@example(actions=[MANY, MANY, MANY, MANY, SPLIT, FEW, ("read", 2), SPLIT, MANY, MANY, ("read", 1), AGAIN])
def test_no_record_is_missed_or_seen_twice(lake: Any, actions: list[tuple[str, Any]]) -> None:
    lake.reset()
    kinesis = lake.client("kinesis", config=Config(read_timeout=20, max_pool_connections=50))
    kinesis.create_stream(StreamName="flights", ShardCount=1)
    reader = Reader(kinesis, lake, registered(kinesis, lake, "flights", "c"))
    lake.clock.freeze()
    numbers, put = itertools.count(), []
    for action, value in [*actions, ("leave", "AFTER_SEQUENCE_NUMBER")]:
        if action == "put":
            put += _put(kinesis, lake, numbers, *value)
        elif action == "read":
            reader.read(value)
        elif action == "leave":
            reader.leave(value)
        elif action == "advance":
            lake.clock.advance(seconds=value)
        else:
            _split(kinesis, lake)
    for _ in range(20):
        if len(reader.seen) >= len(put):
            break
        reader.read(2)
    reader.leave("AFTER_SEQUENCE_NUMBER")
    assert sorted(reader.seen) == sorted(put)
    for key in KEYS:
        of_key = [number for one, number in reader.seen if one == key]
        assert of_key == sorted(of_key), f"{key} came out of order"


def _put(kinesis: Any, lake: Any, numbers: Iterator[int], count: int, size: int) -> list[tuple[str, int]]:
    """Put so many records; the shard has a second for them."""
    records = [(KEYS[number % 5], number) for number in itertools.islice(numbers, count)]
    entries = [{"PartitionKey": key, "Data": b"%d" % number + b" " * size} for key, number in records]
    assert kinesis.put_records(StreamName="flights", Records=entries)["FailedRecordCount"] == 0
    lake.clock.advance(seconds=1)
    return records


def _split(kinesis: Any, lake: Any) -> None:
    """The widest open shard, in two halves."""
    shards = kinesis.list_shards(StreamName="flights", ShardFilter={"Type": "AT_LATEST"})["Shards"]
    ranges = [[int(shard["HashKeyRange"][f"{end}HashKey"]) for end in ("Starting", "Ending")] for shard in shards]
    at = max(range(len(shards)), key=lambda n: ranges[n][1] - ranges[n][0])
    middle = str(sum(ranges[at]) // 2 + 1)
    kinesis.split_shard(StreamName="flights", ShardToSplit=shards[at]["ShardId"], NewStartingHashKey=middle)
    lake.clock.advance(seconds=2)
