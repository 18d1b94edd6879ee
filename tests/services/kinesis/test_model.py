"""A stream against a model of it: random puts, clock moves, retention changes and reads at every iterator type."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from .conftest import iterator

KEYS = [f"carrier-{number}" for number in range(12)]
HOUR = 3600.0


@dataclass
class Stored:
    sequence: str
    arrival: float
    data: bytes
    key: str


@dataclass
class ShardModel:
    low: int
    high: int
    records: list[Stored] = field(default_factory=list)


class StreamMachine(RuleBasedStateMachine):
    """The model keeps every record; what is visible follows from retention and the clock."""

    def __init__(self, lake: Any, kinesis: Any) -> None:
        super().__init__()
        self.lake, self.kinesis = lake, kinesis

    @initialize(count=st.integers(1, 4))
    def create(self, count: int) -> None:
        self.lake.reset()
        self.lake.clock.freeze()
        self.kinesis.create_stream(StreamName="s", ShardCount=count)
        self.shards: dict[str, ShardModel] = {}
        for shard in self.kinesis.list_shards(StreamName="s")["Shards"]:
            bounds = shard["HashKeyRange"]
            self.shards[shard["ShardId"]] = ShardModel(int(bounds["StartingHashKey"]), int(bounds["EndingHashKey"]))
        self.retention = 24 * HOUR
        self.trimmed = 0.0
        self.made = 0
        self.bookmarks: list[tuple[str, str, int]] = []  # shard, iterator, index of the record it stands before

    def now(self) -> float:
        return self.lake.clock.now().timestamp()

    def home(self, key: str, explicit: int | None) -> str:
        place = int.from_bytes(hashlib.md5(key.encode()).digest(), "big") if explicit is None else explicit
        (found,) = (name for name, shard in self.shards.items() if shard.low <= place <= shard.high)
        return found

    @rule(
        puts=st.lists(
            st.tuples(st.sampled_from(KEYS), st.none() | st.integers(0, 2**128 - 1), st.binary(max_size=40)),
            min_size=1,
            max_size=30,
        )
    )
    def put_records(self, puts: list[tuple[str, int | None, bytes]]) -> None:
        records = []
        for key, explicit, data in puts:
            record: dict[str, Any] = {"PartitionKey": key, "Data": data}
            if explicit is not None:
                record["ExplicitHashKey"] = str(explicit)
            records.append(record)
        answer = self.kinesis.put_records(StreamName="s", Records=records)
        assert answer["FailedRecordCount"] == 0
        for (key, explicit, data), result in zip(puts, answer["Records"], strict=True):
            self.stored(key, explicit, data, result)

    @rule(key=st.sampled_from(KEYS), data=st.binary(max_size=40))
    def put_record(self, key: str, data: bytes) -> None:
        self.stored(key, None, data, self.kinesis.put_record(StreamName="s", PartitionKey=key, Data=data))

    def stored(self, key: str, explicit: int | None, data: bytes, result: dict[str, Any]) -> None:
        assert result["ShardId"] == self.home(key, explicit)
        records = self.shards[result["ShardId"]].records
        assert not records or int(result["SequenceNumber"]) > int(records[-1].sequence)
        arrival = max(self.now(), records[-1].arrival if records else 0)
        records.append(Stored(result["SequenceNumber"], arrival, data, key))
        self.made += 1

    @rule(seconds=st.sampled_from([0.001, 1, 60, HOUR, 7 * HOUR, 24 * HOUR]))
    def advance(self, seconds: float) -> None:
        self.lake.clock.advance(seconds=seconds)
        if seconds > 299:
            self.bookmarks.clear()

    @rule(hours=st.sampled_from([24, 48, 100]))
    def retain(self, hours: int) -> None:
        if hours * HOUR > self.retention:
            self.trimmed = max(self.trimmed, self.now() - self.retention)
            self.kinesis.increase_stream_retention_period(StreamName="s", RetentionPeriodHours=hours)
        elif hours * HOUR < self.retention:
            self.kinesis.decrease_stream_retention_period(StreamName="s", RetentionPeriodHours=hours)
        self.retention = hours * HOUR

    def visible(self, shard: str, index: int = 0) -> list[Stored]:
        horizon = max(self.now() - self.retention, self.trimmed)
        return [r for r in self.shards[shard].records[index:] if int(r.arrival * 1000) > int(horizon * 1000)]

    def check(self, place: str, expected: list[Stored]) -> None:
        found = []
        while True:
            page = self.kinesis.get_records(ShardIterator=place, Limit=17)
            found += page["Records"]
            place = page["NextShardIterator"]
            self.lake.clock.advance(seconds=0.2)  # five reads a second
            if not page["Records"]:
                break
            if page["MillisBehindLatest"] == 0:
                assert len(found) >= len(expected)
        got = [(r["SequenceNumber"], r["Data"], r["PartitionKey"]) for r in found]
        assert got == [(r.sequence, r.data, r.key) for r in expected]
        for record, stored in zip(found, expected, strict=True):
            assert abs(record["ApproximateArrivalTimestamp"].timestamp() - stored.arrival) < 0.002

    @rule()
    def from_the_horizon(self) -> None:
        for shard in self.shards:
            self.lake.clock.advance(seconds=0.2)
            self.check(iterator(self.kinesis, "s", shard=shard), self.visible(shard))

    @precondition(lambda self: self.made)
    @rule(data=st.data(), after=st.booleans())
    def from_a_number(self, data: st.DataObject, after: bool) -> None:
        shard = data.draw(st.sampled_from([name for name, model in self.shards.items() if model.records]))
        index = data.draw(st.integers(0, len(self.shards[shard].records) - 1))
        number = self.shards[shard].records[index].sequence
        kind = "AFTER_SEQUENCE_NUMBER" if after else "AT_SEQUENCE_NUMBER"
        self.lake.clock.advance(seconds=0.2)
        place = iterator(self.kinesis, "s", kind, shard, StartingSequenceNumber=number)
        self.check(place, self.visible(shard, index + after))

    @precondition(lambda self: self.made)
    @rule(data=st.data(), shift=st.sampled_from([-0.5, 0, 0.5]))
    def from_a_moment(self, data: st.DataObject, shift: float) -> None:
        shard = data.draw(st.sampled_from([name for name, model in self.shards.items() if model.records]))
        stored = data.draw(st.sampled_from(self.shards[shard].records))
        self.lake.clock.advance(seconds=0.6)
        moment = int((stored.arrival + shift) * 1000) / 1000
        place = iterator(self.kinesis, "s", "AT_TIMESTAMP", shard, Timestamp=datetime.fromtimestamp(moment, UTC))
        self.check(place, [r for r in self.visible(shard) if int(r.arrival * 1000) >= round(moment * 1000)])

    @rule(data=st.data())
    def mark_latest(self, data: st.DataObject) -> None:
        shard = data.draw(st.sampled_from(sorted(self.shards)))
        self.lake.clock.advance(seconds=0.2)
        place = iterator(self.kinesis, "s", "LATEST", shard)
        self.bookmarks.append((shard, place, len(self.shards[shard].records)))

    @precondition(lambda self: self.bookmarks)
    @rule()
    def read_since_the_mark(self) -> None:
        shard, place, index = self.bookmarks.pop()
        self.lake.clock.advance(seconds=0.2)
        with suppress(self.kinesis.exceptions.ExpiredIteratorException):  # many small steps make five minutes
            self.check(place, self.visible(shard, index))

    @invariant()
    def the_summary_agrees(self) -> None:
        summary = self.kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]
        assert summary["OpenShardCount"] == len(self.shards)
        assert summary["RetentionPeriodHours"] * HOUR == self.retention


@pytest.mark.claim("KDS-003", "KDS-010", "KDS-042", "KDS-043", "KDS-044", "KDS-045", "KDS-046", "KDS-601")
def test_a_stream_behaves_as_its_model(lake: Any, kinesis: Any) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        lambda: StreamMachine(lake, kinesis),
        settings=settings(max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=checks),
    )
