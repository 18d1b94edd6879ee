"""What a load needs and costs, and where it is throttled: AWS's own examples, and ours."""

from __future__ import annotations

import pytest

from pocketlake.services.dynamodb.capacity import sizing
from pocketlake.services.dynamodb.capacity.sizing import Load


@pytest.mark.claim("DDB-516", "DDB-517", "DDB-518", "DDB-522", "DDB-523", "DDB-524")
def test_units_by_the_published_arithmetic() -> None:
    assert [sizing.wcu(10, 2), sizing.wcu(6, 4.5), sizing.wcu(120 / 60, 2)] == [20, 30, 4]
    assert [sizing.rcu(10, 4, "consistent"), sizing.rcu(10, 6, "consistent"), sizing.rcu(16, 12)] == [10, 20, 24]
    assert (sizing.wcu(1, 1, transactional=True), sizing.rcu(1, 4, "transactional")) == (2, 2)
    assert (sizing.wcu(1, 0.1), sizing.rcu(1, 0.1)) == (1, 0.5)


def test_both_modes_cost_what_their_prices_say() -> None:
    load = Load(1, reads_per_second=200, writes_per_second=100, indexes=1, storage_gb=10)
    assert sizing.provisioned(load) == (100, 100, 100)
    cost = sizing.provisioned_cost(load)
    assert cost["write units"] == pytest.approx(100 * 730 * 0.00065)
    assert cost["read units"] == pytest.approx(100 * 730 * 0.00013)
    assert cost["storage"] == pytest.approx(5.0)
    cost = sizing.on_demand_cost(load)
    assert cost["writes"] == cost["index writes"] == pytest.approx(100 * 730 * 3600 / 1e6 * 0.625)


@pytest.mark.claim("DDB-507", "DDB-514")
@pytest.mark.parametrize(
    ("load", "said"),
    [
        (Load(1, 100, 100, hot=0.5), []),
        (Load(1, 10_000, 0, hot=0.9), ["the busiest key: 4,500 reads/s"]),
        (Load(1, 0, 2000, hot=0.6), ["the busiest key: 1,200 writes/s"]),
        (Load(1, 0, 2500, peak=2), ["a new on-demand table"]),
        (Load(1, 100_000, 0), ["a new on-demand table", "the table's quota"]),
        (Load(401, 0, 1), ["items"]),
    ],
)
def test_where_a_load_is_throttled(load: Load, said: list[str]) -> None:
    found = sizing.throttles(load)
    assert len(found) == len(said)
    assert all(sentence.startswith(start) for sentence, start in zip(found, said, strict=True))


@pytest.mark.parametrize(
    ("load", "count"),
    [(Load(1, 6000, 1), 1), (Load(1, 6001, 1), 2), (Load(1, 0, 1001), 2), (Load(1, 0, 1, storage_gb=25), 3)],
)
def test_partitions_that_a_load_needs(load: Load, count: int) -> None:
    assert sizing.partitions(load) == count


@pytest.mark.claim("DAX-501")
def test_a_cache_is_for_hot_keys_that_are_read_far_more_than_written() -> None:
    hot = Load(1, reads_per_second=10_000, writes_per_second=100, hot=0.8)
    assert sizing.recommends_dax(hot)
    assert sizing.with_dax(hot, 0.9) == pytest.approx(500)
    assert not sizing.recommends_dax(Load(1, 10_000, 100, hot=0.01))
    assert not sizing.recommends_dax(Load(1, 10_000, 9000, hot=0.8))
    assert not sizing.recommends_dax(Load(1, 10_000, 100, reads="consistent", hot=0.8))
