"""The planner's rules: shards, cost, and where a load is throttled."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from pocketlake.services.kinesis import prices, sizing
from pocketlake.services.kinesis.sizing import Load

MIB = 1024 * 1024


@pytest.mark.claim("KDS-024", "KDS-596", "KDS-599", "KDS-605")
@pytest.mark.parametrize(
    ("write", "read", "records", "expected"),
    [
        (3_500, 5_000, 0, 4),
        (1_024, 2_048, 1_000, 1),
        (1_025, 0, 0, 2),
        (0, 2_049, 0, 2),
        (0, 0, 1_001, 2),
        (0, 0, 0, 1),
        (2 * 1024 * 1024, 0, 0, 2_048),
    ],
)
def test_shards_are_the_largest_of_three_needs(write: float, read: float, records: float, expected: int) -> None:
    assert sizing.shards(write, read, records) == expected


@pytest.mark.claim("KDS-606", "KDS-607")
def test_throughput_is_size_times_rate_times_readers() -> None:
    assert sizing.write_kib(record_kib=4, records_per_second=250) == 1_000
    assert sizing.read_kib(1_000, consumers=3) == 3_000
    assert sizing.shards_for(Load(4, 250, shared=3)) == 2
    assert sizing.shards_for(Load(4, 250, shared=0, fan_out=3)) == 1


@pytest.mark.claim("KDS-553")
def test_five_pollers_share_a_shard() -> None:
    assert sizing.per_consumer_kib(shard_count=1, consumers=5) == pytest.approx(2_048 / 5)


@pytest.mark.claim("KDS-015")
@pytest.mark.parametrize(("latency_ms", "fan_out"), [(70, True), (200, True), (201, False), (1_000, False)])
def test_low_latency_wants_registered_consumers(latency_ms: float, fan_out: bool) -> None:
    assert sizing.recommends_fan_out(latency_ms) == fan_out


@pytest.mark.claim("KDS-031", "KDS-032", "KDS-525", "KDS-019")
def test_provisioned_mode_is_billed_by_shard_hours_and_units() -> None:
    """Three shards for a month, 100 records/s of 35 KiB: two units of 25 KiB each."""
    load = Load(35, 100, shared=5, fan_out=2)
    cost = sizing.provisioned_cost(load, shard_count=3)
    assert cost["shard hours"] == pytest.approx(3 * 730 * prices.SHARD_HOUR)
    assert cost["PUT payload units"] == pytest.approx(100 * 2 * 730 * 3600 / 1e6 * prices.PUT_UNITS_MILLION)
    assert cost["consumer-shard hours"] == pytest.approx(2 * 3 * 730 * prices.FAN_OUT_SHARD_HOUR)
    assert cost["fan-out data"] == pytest.approx(2 * 100 * 35 * 730 * 3600 / MIB * prices.FAN_OUT_GB)
    more, fewer = (sizing.provisioned_cost(load, count)["shard hours"] for count in (4, 2))
    assert fewer < cost["shard hours"] < more


@pytest.mark.claim("KDS-529")
def test_on_demand_mode_is_billed_by_stream_hours_and_gigabytes() -> None:
    """4.5 KiB count as 5 on the way in, as what they are on the way out."""
    cost = sizing.on_demand_cost(Load(4.5, 100, shared=2, fan_out=1))
    gigabytes = 100 * 730 * 3600 / MIB
    assert cost["stream hours"] == pytest.approx(730 * prices.STREAM_HOUR)
    assert cost["data in"] == pytest.approx(5 * gigabytes * prices.IN_GB)
    assert cost["data out"] == pytest.approx(2 * 4.5 * gigabytes * prices.OUT_GB)
    assert cost["fan-out data"] == pytest.approx(4.5 * gigabytes * prices.OUT_FAN_OUT_GB)


@pytest.mark.claim("KDS-024")
def test_twice_the_shards_bear_the_same_load() -> None:
    load = Load(1, 1_500, shared=1)
    assert any("writes" in sentence for sentence in sizing.throttles(load, 1))
    assert sizing.throttles(load, 2) == []
    assert any("calls/s" in sentence for sentence in sizing.throttles(Load(1, 1, shared=6), 1))
    assert any("may be registered" in sentence for sentence in sizing.throttles(Load(1, 1, fan_out=21), 1))
    assert any("on-demand" in sentence for sentence in sizing.throttles(Load(1, 5_000), 5))


@pytest.mark.claim("KDS-014", "KDS-565")
def test_recorded_traffic_by_second_and_shard(kinesis: Any, lake: Any) -> None:
    lake.clock.freeze()
    kinesis.create_stream(StreamName="flights", ShardCount=2)
    for count in (3, 5, 1):
        records = [{"Data": b"x" * 9, "PartitionKey": "k", "ExplicitHashKey": "0"}] * count
        kinesis.put_records(StreamName="flights", Records=records)
        lake.clock.advance(seconds=2)
    with urllib.request.urlopen(f"{lake.endpoint_url}/_pocketlake/views/kinesis/traffic?stream=flights") as answer:
        seen = json.loads(answer.read())
    assert [seen[name] for name in ("records", "bytes", "seconds", "peak_records", "peak_bytes")] == [9, 90, 5, 5, 50]
    assert [shard["records"] for shard in seen["shards"]] == [9, 0]
