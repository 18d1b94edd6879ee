"""Whatever is done to a table, each recorded moment of its past can be restored, also while it goes on changing."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pocketlake import embedded
from pocketlake.services.dynamodb import copying

from .conftest import index, make

NAMES = (f"things-{number}" for number in itertools.count())
KEYS = st.tuples(st.sampled_from("abcd"), st.integers(0, 2))
VALUES = st.sampled_from(["red", "green", "blue"])
STEPS = st.one_of(
    st.tuples(st.just("put"), KEYS, VALUES),
    st.tuples(st.just("update"), KEYS, VALUES),
    st.tuples(st.just("expiring"), KEYS, st.integers(-10, 200)),
    st.tuples(st.just("delete"), KEYS, st.none()),
    st.tuples(st.just("transact"), st.lists(KEYS, min_size=2, max_size=4, unique=True), VALUES),
    st.tuples(st.just("advance"), st.integers(1, 400), st.none()),
)
State = dict[tuple[str, str], str]


@pytest.fixture(scope="module")
def lake() -> Iterator[Any]:
    with tempfile.TemporaryDirectory() as directory, embedded.run(directory, limits="off") as running:
        running.clock.freeze(2_000_000_000)
        yield running


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few items a turn, so that a restore of a small table takes many of them."""
    monkeypatch.setattr(copying, "AT_ONCE", 2)


def key(of: tuple[str, int]) -> dict[str, Any]:
    return {"p": {"S": of[0]}, "s": {"N": str(of[1])}}


class Things:
    """A table with recovery, an index and a time to live, and each state it had when the clock went on."""

    def __init__(self, lake: Any) -> None:
        self.lake = lake
        self.dynamodb = lake.client("dynamodb", config=Config(retries={"total_max_attempts": 1}))
        self.name = make(self.dynamodb, next(NAMES), "p:S", "s:N", also=("v:S",), GlobalSecondaryIndexes=[INDEX])
        self.dynamodb.update_time_to_live(
            TableName=self.name, TimeToLiveSpecification={"AttributeName": "ends", "Enabled": True}
        )
        self.dynamodb.update_continuous_backups(
            TableName=self.name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        self.past: dict[float, State] = {}

    def step(self, kind: str, what: Any, value: Any) -> None:
        if kind == "advance":
            self.past[self.now()] = self.state(self.name)
            self.lake.clock.advance(what)
        elif kind == "put":
            self.dynamodb.put_item(TableName=self.name, Item={**key(what), "v": {"S": value}})
        elif kind == "expiring":
            ends = {"N": str(int(self.now()) + value)}
            self.dynamodb.put_item(TableName=self.name, Item={**key(what), "v": {"S": "brief"}, "ends": ends})
        elif kind == "delete":
            self.dynamodb.delete_item(TableName=self.name, Key=key(what))
        elif kind == "update":
            self.dynamodb.update_item(**self._update(what, value))
        else:
            self.dynamodb.transact_write_items(TransactItems=[{"Update": self._update(one, value)} for one in what])

    def _update(self, what: Any, value: str) -> dict[str, Any]:
        return {
            "TableName": self.name,
            "Key": key(what),
            "UpdateExpression": "SET v = :v",
            "ExpressionAttributeValues": {":v": {"S": value}},
        }

    def now(self) -> float:
        return float(self.lake.clock.now().timestamp())

    def state(self, name: str, **more: Any) -> State:
        items = self.dynamodb.scan(TableName=name, ConsistentRead=not more, **more)["Items"]
        return {(item["p"]["S"], item["s"]["N"]): str(sorted(item.items())) for item in items}

    def check(self, moment: float, meanwhile: list[Any]) -> None:
        copy = f"{self.name}-{int(moment)}"
        self.dynamodb.restore_table_to_point_in_time(
            SourceTableName=self.name, TargetTableName=copy, RestoreDateTime=moment
        )
        for step in meanwhile:
            if step[0] != "advance":
                self.step(*step)
        self.lake.clock.advance(1)
        expected = self.past[moment]
        assert self.state(copy) == expected
        assert self.state(copy, IndexName=INDEX["IndexName"]) == expected  # each item has a v
        self.dynamodb.delete_table(TableName=copy)


INDEX = index("by-v", "v:S")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], print_blob=True)
@given(
    steps=st.lists(STEPS, min_size=10, max_size=40),
    meanwhile=st.lists(STEPS, max_size=6),
    chosen=st.lists(st.integers(0, 1000), min_size=3, max_size=3),
)
def test_each_recorded_moment_can_be_restored(
    lake: Any, steps: list[Any], meanwhile: list[Any], chosen: list[int]
) -> None:
    things = Things(lake)
    for step in steps:
        things.step(*step)
    things.step("advance", 301, None)  # what lies less than five minutes back can't be restored
    moments = sorted(things.past)
    for number in chosen:
        things.check(moments[number % len(moments)], meanwhile)
    things.dynamodb.delete_table(TableName=things.name)
