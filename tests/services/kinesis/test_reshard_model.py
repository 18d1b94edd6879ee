"""A stream under random puts, splits, merges, resizing and moves of the clock; a consumer that honours parents.

What must hold: every acknowledged record is delivered once, those of one partition key in the order of their
acknowledgement, with rising sequence numbers and times; the open shards tile the space of hash keys at any moment.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

KEYS = [f"carrier-{number}" for number in range(10)]
STREAM = "s"
DAY = 86_400


class Consumer:
    """Reads as the KCL does: a shard only after its parents' ends; it learns of children from the ends themselves.

    `leases` are iterators by shard; None is a lease whose shard waits for another parent.
    """

    def __init__(self, lake: Any, kinesis: Any) -> None:
        self.lake, self.kinesis = lake, kinesis
        self.leases: dict[str, str | None] = {}
        self.checkpoints: dict[str, str] = {}
        self.ended: set[str] = set()
        self.read: list[dict[str, Any]] = []

    def begin(self) -> None:
        for shard in self.kinesis.list_shards(StreamName=STREAM)["Shards"]:
            self.leases[shard["ShardId"]] = None

    def step(self, shard: str, limit: int) -> None:
        """One page of one shard; later, if that is too often (a clock set back may have to be moved on twice)."""
        for _ in range(2):
            try:
                return self._step(shard, limit)
            except self.kinesis.exceptions.ProvisionedThroughputExceededException:
                self.lake.clock.advance(seconds=1)
        return self._step(shard, limit)

    def _step(self, shard: str, limit: int) -> None:
        """From a fresh iterator at the checkpoint."""
        where = {"ShardIteratorType": "TRIM_HORIZON"}
        if shard in self.checkpoints:
            sequence = self.checkpoints[shard]
            where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": sequence}
        place = self.kinesis.get_shard_iterator(StreamName=STREAM, ShardId=shard, **where)["ShardIterator"]
        page = self.kinesis.get_records(ShardIterator=place, Limit=limit)
        self.read += page["Records"]
        if page["Records"]:
            self.checkpoints[shard] = page["Records"][-1]["SequenceNumber"]
        if "NextShardIterator" not in page:
            self._end(shard, page["ChildShards"])

    def _end(self, shard: str, children: list[dict[str, Any]]) -> None:
        assert children, "a closed shard has children"
        self.ended.add(shard)
        del self.leases[shard]
        for child in children:
            assert shard in child["ParentShards"]
            if self.ended.issuperset(child["ParentShards"]):
                self.leases[child["ShardId"]] = None

    def drain(self) -> None:
        """All that is there now."""
        idle: set[str] = set()
        while not idle.issuperset(self.leases):
            for shard in list(self.leases):
                before = len(self.read)
                self.lake.clock.advance(seconds=0.2)  # five reads a second
                self.step(shard, 100)
                if len(self.read) == before:
                    idle.add(shard)
                else:
                    idle.discard(shard)


class ReshardMachine(RuleBasedStateMachine):
    def __init__(self, lake: Any, kinesis: Any) -> None:
        super().__init__()
        self.lake, self.kinesis = lake, kinesis

    @initialize(count=st.integers(1, 4))
    def create(self, count: int) -> None:
        self.lake.reset()
        self.lake.clock.freeze()
        self.kinesis.create_stream(StreamName=STREAM, ShardCount=count)
        self.acknowledged: dict[str, list[tuple[str, bytes]]] = {key: [] for key in KEYS}
        self.made = 0
        self.undelivered_since = self.lake.clock.now()
        self.consumer = Consumer(self.lake, self.kinesis)
        self.consumer.begin()

    def open(self) -> list[tuple[int, int, str]]:
        """Low and high hash key and name of each open shard, in order."""
        shards = self.kinesis.list_shards(StreamName=STREAM, ShardFilter={"Type": "AT_LATEST"})["Shards"]
        ranges = [(shard["HashKeyRange"], shard["ShardId"]) for shard in shards]
        return sorted((int(one["StartingHashKey"]), int(one["EndingHashKey"]), name) for one, name in ranges)

    def status(self) -> str:
        return str(self.kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]["StreamStatus"])

    def reshard(self, operation: Any, **request: Any) -> None:
        """Only when the stream is ACTIVE; otherwise it is refused, and nothing changes."""
        if self.status() == "ACTIVE":
            operation(StreamName=STREAM, **request)
            assert self.status() == "UPDATING"
        else:
            with pytest.raises(self.kinesis.exceptions.ResourceInUseException):
                operation(StreamName=STREAM, **request)

    @rule(keys=st.lists(st.sampled_from(KEYS), min_size=1, max_size=20))
    def put_records(self, keys: list[str]) -> None:
        records = [{"PartitionKey": key, "Data": b"%d" % (self.made + n)} for n, key in enumerate(keys)]
        answer = self.kinesis.put_records(StreamName=STREAM, Records=records)
        assert answer["FailedRecordCount"] == 0
        for key, result in zip(keys, answer["Records"], strict=True):
            self.acknowledge(key, result)

    @rule(key=st.sampled_from(KEYS))
    def put_record(self, key: str) -> None:
        told = self.acknowledged[key]
        more = {"SequenceNumberForOrdering": told[-1][0]} if told else {}
        put = self.kinesis.put_record(StreamName=STREAM, PartitionKey=key, Data=b"%d" % self.made, **more)
        self.acknowledge(key, put)

    def acknowledge(self, key: str, result: dict[str, Any]) -> None:
        place = int.from_bytes(hashlib.md5(key.encode()).digest(), "big")
        (home,) = [name for low, high, name in self.open() if low <= place <= high]
        assert result["ShardId"] == home
        self.acknowledged[key].append((result["SequenceNumber"], b"%d" % self.made))
        self.made += 1

    @rule(data=st.data())
    def split(self, data: st.DataObject) -> None:
        self.lake.clock.advance(seconds=0.2)  # five calls a second
        low, high, name = data.draw(st.sampled_from(self.open()))
        if high - low > 4:
            at = data.draw(st.integers(low + 2, high - 1))
            self.reshard(self.kinesis.split_shard, ShardToSplit=name, NewStartingHashKey=str(at))

    @rule(data=st.data())
    def merge(self, data: st.DataObject) -> None:
        self.lake.clock.advance(seconds=0.2)  # five calls a second
        neighbours = list(pairwise(self.open()))
        if neighbours:
            lower, upper = data.draw(st.sampled_from(neighbours))
            self.reshard(self.kinesis.merge_shards, ShardToMerge=lower[2], AdjacentShardToMerge=upper[2])

    @rule(data=st.data())
    def resize(self, data: st.DataObject) -> None:
        self.lake.clock.advance(seconds=0.2)  # five calls a second
        now = len(self.open())
        target = data.draw(st.integers(-(-now // 2), min(2 * now, 12)))
        if target == now:
            return
        try:
            self.reshard(self.kinesis.update_shard_count, TargetShardCount=target, ScalingType="UNIFORM_SCALING")
        except self.kinesis.exceptions.LimitExceededException as error:
            assert "in the last 24 hours" in str(error)  # the tenth has been

    @rule(seconds=st.sampled_from([0.2, 1, 1, 60, 3600]))
    def advance(self, seconds: float) -> None:
        """Not so far that a record could expire unread."""
        if self.lake.clock.now().timestamp() + seconds - self.undelivered_since.timestamp() > DAY - 3600:
            self.catch_up()
        self.lake.clock.advance(seconds=seconds)

    @rule(hours=st.sampled_from([12, 25]))
    def a_day_passes(self, hours: int) -> None:
        """What was read may expire, and closed shards with it."""
        self.lake.clock.advance(seconds=60)  # a change under way is done, so that its ends can be read
        self.catch_up()
        self.lake.clock.advance(hours=hours)
        self.catch_up()

    @rule(data=st.data(), limit=st.integers(1, 5))
    def read_a_page(self, data: st.DataObject, limit: int) -> None:
        shard = data.draw(st.sampled_from(sorted(self.consumer.leases)))
        self.lake.clock.advance(seconds=0.2)
        self.consumer.step(shard, limit)

    @rule()
    def catch_up(self) -> None:
        self.consumer.drain()
        self.undelivered_since = self.lake.clock.now()
        self.delivered_so_far()
        assert len(self.consumer.read) == self.made

    @rule()
    def set_back(self) -> None:
        """Sequence numbers and arrivals go on rising."""
        self.catch_up()
        self.lake.clock.set(self.lake.clock.now().timestamp() - 30)

    @invariant()
    def delivered_so_far(self) -> None:
        """Of each key a beginning of what was acknowledged, once and in order."""
        found: dict[str, list[tuple[str, bytes]]] = {key: [] for key in KEYS}
        times: dict[str, list[Any]] = {key: [] for key in KEYS}
        for record in self.consumer.read:
            found[record["PartitionKey"]].append((record["SequenceNumber"], record["Data"]))
            times[record["PartitionKey"]].append(record["ApproximateArrivalTimestamp"])
        for key, told in self.acknowledged.items():
            assert found[key] == told[: len(found[key])]
            assert [int(number) for number, _ in told] == sorted({int(number) for number, _ in told})
            assert times[key] == sorted(times[key])

    @invariant()
    def open_shards_tile_the_space(self) -> None:
        tiles = self.open()
        assert tiles[0][0] == 0
        assert tiles[-1][1] == 2**128 - 1
        assert all(left[1] + 1 == right[0] for left, right in pairwise(tiles))

    def teardown(self) -> None:
        if hasattr(self, "consumer"):
            self.lake.clock.advance(seconds=2)
            self.catch_up()


@pytest.mark.claim("KDS-561", "KDS-572", "KDS-574", "KDS-521", "KDS-027", "KDS-611")
def test_every_record_is_delivered_once_and_in_order_over_any_reshard(lake: Any, kinesis: Any) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        lambda: ReshardMachine(lake, kinesis),
        settings=settings(max_examples=20, stateful_step_count=20, deadline=None, suppress_health_check=checks),
    )
