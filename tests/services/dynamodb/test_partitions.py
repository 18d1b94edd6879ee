"""Partitions: what they bear, and how adaptive capacity divides them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketlake.services.dynamodb import keys, quotas
from pocketlake.services.dynamodb.capacity import partitions
from pocketlake.services.dynamodb.capacity.partitions import Gauge, Partitions, division

from .conftest import index, make, units

SECONDS_UNTIL_DIVIDED = 125  # seconds: one in which it is busy, one in which its load is seen


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Partitions of 10 writes and 30 reads a second: what takes a thousand requests takes ten."""
    monkeypatch.setattr(quotas, "PARTITION_WRITES", replace(quotas.PARTITION_WRITES, value=10))
    monkeypatch.setattr(quotas, "PARTITION_READS", replace(quotas.PARTITION_READS, value=30))
    monkeypatch.setattr(quotas, "SPLIT_MINUTES", replace(quotas.SPLIT_MINUTES, value=1))


def names_in(part: int, of: int, count: int) -> list[str]:
    """Partition keys whose hash lies in one of `of` even ranges."""
    found = []
    for number in range(100_000):
        name = f"key-{number}"
        if int.from_bytes(keys.hashed(name.encode())[:4], "big") * of >> 32 == part:
            found.append(name)
            if len(found) == count:
                break
    return found


def write(dynamodb: Any, names: list[str], table: str = "wide", **more: Any) -> list[str]:
    """The names whose write is throttled."""
    throttled = []
    for name in names:
        try:
            dynamodb.put_item(TableName=table, Item={"p": {"S": name}, **more})
        except dynamodb.exceptions.ProvisionedThroughputExceededException as error:
            assert error.response["ThrottlingReasons"][0]["reason"].endswith("KeyRangeThroughputExceeded")
            throttled.append(name)
    return throttled


@pytest.mark.claim("DDB-507")
def test_keys_of_one_partition_share_its_thousand_writes_until_it_is_divided(
    lake: Any, dynamodb: Any, small: None
) -> None:
    lake.clock.freeze()
    make(dynamodb, "wide", "p:S", ProvisionedThroughput=units(1, 40))  # four partitions of ten
    together, apart = names_in(1, 4, 10), names_in(2, 4, 10)
    assert len(write(dynamodb, together * 2)) == 10
    assert write(dynamodb, apart) == []
    for second in range(SECONDS_UNTIL_DIVIDED):
        lake.clock.advance(seconds=1)
        write(dynamodb, [together[second % 10]], v={"S": "x" * 8000})
    for name in together:  # small again: what was there counts once more
        lake.clock.advance(seconds=1)
        write(dynamodb, [name])
    lake.clock.advance(seconds=1)
    assert len(write(dynamodb, together * 2)) < 5


@pytest.mark.claim("DDB-805")
def test_a_hot_item_ends_up_alone_and_bears_a_partition(lake: Any, dynamodb: Any, small: None) -> None:
    lake.clock.freeze()
    make(dynamodb, "wide", "p:S", ProvisionedThroughput=units(1, 40))
    hot, *others = names_in(0, 4, 6)
    for _ in range(SECONDS_UNTIL_DIVIDED):
        lake.clock.advance(seconds=1)
        write(dynamodb, [hot], v={"S": "x" * 8000})
    write(dynamodb, [hot])
    lake.clock.advance(seconds=2)
    assert len(write(dynamodb, [hot] * 20)) == 10  # no partition bears more than its own
    assert write(dynamodb, others) == []


def test_a_hot_partition_of_a_global_index_throttles_its_table(lake: Any, dynamodb: Any, small: None) -> None:
    lake.clock.freeze()
    by_g = index("by-g", "g:S", ProvisionedThroughput=units(1, 40))
    make(dynamodb, "wide", "p:S", also=("g:S",), ProvisionedThroughput=units(1, 400), GlobalSecondaryIndexes=[by_g])
    names = [f"key-{number}" for number in range(12)]
    (one,), (another,) = names_in(0, 4, 1), names_in(1, 4, 1)
    assert len(write(dynamodb, names, g={"S": one})) == 2
    with pytest.raises(dynamodb.exceptions.ProvisionedThroughputExceededException) as caught:
        dynamodb.put_item(TableName="wide", Item={"p": {"S": "late"}, "g": {"S": one}})
    (reason,) = caught.value.response["ThrottlingReasons"]
    assert reason["reason"] == "IndexWriteKeyRangeThroughputExceeded"
    assert reason["resource"].endswith("table/wide/index/by-g")
    assert write(dynamodb, ["late"], g={"S": another}) == []
    assert write(dynamodb, ["later"]) == []


@pytest.mark.claim("DDB-806")
def test_local_indexes_keep_a_collection_in_one_partition(lake: Any, dynamodb: Any, small: None) -> None:
    """Without one a hot collection is divided by its sort keys; with one it is not."""
    lake.clock.freeze()
    passed = {}
    for name, more in (("plain", {}), ("local", {"LocalSecondaryIndexes": [index("by-n", "p:S", "n:N")]})):
        also = ("n:N",) if more else ()
        make(dynamodb, name, "p:S", "s:N", also=also, ProvisionedThroughput=units(1, 40), **more)
        for second in range(SECONDS_UNTIL_DIVIDED):
            lake.clock.advance(seconds=1)
            write(dynamodb, ["hot"], table=name, s={"N": str(second % 10)}, v={"S": "x" * 8000})
        for number in range(10):  # small again: what was there counts once more
            lake.clock.advance(seconds=1)
            write(dynamodb, ["hot"], table=name, s={"N": str(number)})
        lake.clock.advance(seconds=1)
        passed[name] = 20 - sum(
            len(write(dynamodb, ["hot"], table=name, s={"N": str(number % 10)})) for number in range(20)
        )
    assert passed["local"] == 10
    assert passed["plain"] > 12


def test_partitions_are_counted_by_throughput_and_size() -> None:
    ten_gb = 10 * 1024**3
    assert [
        partitions.needed(*asked)
        for asked in ((1, 1, 0), (12_000, 4000, 0), (3001, 1, 0), (1, 1001, 0), (1, 1, ten_gb))
    ] == [1, 4, 2, 2, 1]
    assert partitions.needed(1, 1, ten_gb + 1) == 2


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=6),
    st.lists(st.dictionaries(st.binary(min_size=1, max_size=6), st.floats(1, 100), min_size=1), max_size=6),
)
def test_every_key_lies_in_one_partition_whatever_is_divided(
    counts: list[int], loads: list[dict[bytes, float]]
) -> None:
    found = Partitions(1, 0.0)
    for count in counts:
        found.grow(count, 0.0)
    for seen in loads:
        found._divide(division(seen), 0.0)
    assert found.lows == sorted(set(found.lows))
    assert found.lows[0] == b""
    assert len(found.lows) == len(found.parts)
    assert len({id(part) for part in found.parts}) == len(found.parts)
    for seen in loads:
        heaviest = max(sorted(seen), key=lambda key: seen[key])  # of two halves the first
        if seen[heaviest] >= sum(seen.values()) / 2:
            alone = found.parts.index(found.at(heaviest))
            assert found.lows[alone] == heaviest
            assert found.lows[alone + 1] == heaviest + b"\0"


def test_gauge_knows_how_busy_its_minutes_were() -> None:
    gauge = Gauge(10.0, 10.0, 0.0)
    for second in range(180):
        gauge.refill(float(second))
        gauge.take(6.0)
    gauge.refill(180.0)
    assert (gauge.busy, gauge.last) == (3, 360.0)
    gauge.refill(241.0)
    assert (gauge.busy, gauge.last) == (0, 0.0)
    gauge.refill(100.0)  # the clock was set back
    assert gauge.level <= gauge.burst
