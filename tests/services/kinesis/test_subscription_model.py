"""A consumer that loses its connection, waits and resubscribes at random misses no record and sees none twice."""

from __future__ import annotations

import itertools
from typing import Any

from botocore.config import Config
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import pocketlake

from .test_subscriptions import registered

ACTIONS = st.one_of(
    st.tuples(st.just("put"), st.integers(1, 40)),
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


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(actions=st.lists(ACTIONS, min_size=8, max_size=16))
@example(actions=[("put", 3), ("read", 1), ("put", 3), ("leave", "AFTER_SEQUENCE_NUMBER"), ("read", 2)])
@example(actions=[("put", 3), ("read", 1), ("put", 3), ("leave", "AT_SEQUENCE_NUMBER"), ("put", 1), ("split", 0)])
def test_no_record_is_missed_or_seen_twice(actions: list[tuple[str, Any]]) -> None:
    with pocketlake.run() as lake:
        kinesis = lake.client("kinesis", config=Config(read_timeout=20, max_pool_connections=50))
        kinesis.create_stream(StreamName="flights", ShardCount=1)
        reader = Reader(kinesis, lake, registered(kinesis, lake, "flights", "c"))
        lake.clock.freeze()
        numbers, put = itertools.count(), []
        for action, value in [*actions, ("leave", "AFTER_SEQUENCE_NUMBER")]:
            if action == "put":
                records = [(KEYS[number % 5], number) for number in itertools.islice(numbers, value)]
                entries = [{"PartitionKey": key, "Data": b"%d" % number} for key, number in records]
                assert kinesis.put_records(StreamName="flights", Records=entries)["FailedRecordCount"] == 0
                put += records
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
        assert sorted(reader.seen) == sorted(put)
        for key in KEYS:
            of_key = [number for one, number in reader.seen if one == key]
            assert of_key == sorted(of_key), f"{key} came out of order"


def _split(kinesis: Any, lake: Any) -> None:
    """The widest open shard, in two halves."""
    shards = kinesis.list_shards(StreamName="flights", ShardFilter={"Type": "AT_LATEST"})["Shards"]
    ranges = [[int(shard["HashKeyRange"][f"{end}HashKey"]) for end in ("Starting", "Ending")] for shard in shards]
    at = max(range(len(shards)), key=lambda n: ranges[n][1] - ranges[n][0])
    middle = str(sum(ranges[at]) // 2 + 1)
    kinesis.split_shard(StreamName="flights", ShardToSplit=shards[at]["ShardId"], NewStartingHashKey=middle)
    lake.clock.advance(seconds=2)
