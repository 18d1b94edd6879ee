"""What a shard lets through, exact to the token, on a clock that stands still."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import SHARD, iterator, refusal

MIB = 1024 * 1024
THROTTLED = "ProvisionedThroughputExceededException"


@pytest.fixture(autouse=True)
def frozen(lake: Any) -> None:
    lake.clock.freeze()


def put_many(kinesis: Any, stream: str, count: int, size: int = 1, **more: Any) -> list[dict[str, Any]]:
    """Results of `count` records of one key, 500 a call."""
    results = []
    for start in range(0, count, 500):
        batch = [{"Data": b"x" * size, "PartitionKey": "k", **more}] * min(500, count - start)
        results += kinesis.put_records(StreamName=stream, Records=batch)["Records"]
    return results


def accepted(results: list[dict[str, Any]]) -> int:
    return sum("SequenceNumber" in result for result in results)


@pytest.mark.claim("KDS-023", "KDS-513")
def test_a_shard_takes_a_thousand_records_a_second(kinesis: Any, stream: str, lake: Any) -> None:
    results = put_many(kinesis, stream, 1100)
    assert [("ErrorCode" in result) for result in results] == [False] * 1000 + [True] * 100
    assert results[-1] == {
        "ErrorCode": THROTTLED,
        "ErrorMessage": f"Rate exceeded for shard {SHARD} in stream flights under account 000000000000.",
    }
    assert refusal(kinesis.put_record, StreamName=stream, Data=b"x", PartitionKey="k") == (
        THROTTLED,
        f"Rate exceeded for shard {SHARD} in stream flights under account 000000000000.",
    )
    lake.clock.advance(seconds=0.25)
    assert accepted(put_many(kinesis, stream, 500)) == 250
    lake.clock.advance(seconds=60)
    assert accepted(put_many(kinesis, stream, 1500)) == 1000


def test_failures_are_counted(kinesis: Any, stream: str) -> None:
    put_many(kinesis, stream, 900)
    answer = kinesis.put_records(StreamName=stream, Records=[{"Data": b"x", "PartitionKey": "k"}] * 150)
    assert answer["FailedRecordCount"] == 50


def test_a_shard_takes_a_mebibyte_a_second(kinesis: Any, stream: str, lake: Any) -> None:
    results = put_many(kinesis, stream, 12, size=100 * 1024 - 1)
    assert accepted(results) == 10
    lake.clock.advance(seconds=1)
    assert accepted(put_many(kinesis, stream, 12, size=100 * 1024 - 1)) == 10


@pytest.mark.claim("KDS-009", "KDS-024", "KDS-523")
@pytest.mark.parametrize("count", [1, 2, 3])
def test_capacity_is_the_sum_over_the_shards(kinesis: Any, count: int) -> None:
    kinesis.create_stream(StreamName="flights", ShardCount=count)
    taken = 0
    for shard in kinesis.list_shards(StreamName="flights")["Shards"]:
        start = shard["HashKeyRange"]["StartingHashKey"]
        taken += accepted(put_many(kinesis, "flights", 1200, ExplicitHashKey=start))
    assert taken == count * 1000
    summary = kinesis.describe_stream_summary(StreamName="flights")["StreamDescriptionSummary"]
    assert summary["OpenShardCount"] == count


@pytest.mark.claim("KDS-527")
def test_a_new_on_demand_stream_takes_four_thousand_records_a_second(kinesis: Any) -> None:
    kinesis.create_stream(StreamName="demand", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    shards = kinesis.list_shards(StreamName="demand")["Shards"]
    assert len(shards) == 4
    starts = [shard["HashKeyRange"]["StartingHashKey"] for shard in shards]
    records = [{"Data": b"x", "PartitionKey": "k", "ExplicitHashKey": starts[n % 4]} for n in range(500)]
    taken = [kinesis.put_records(StreamName="demand", Records=records)["FailedRecordCount"] for _ in range(12)]
    assert taken == [0] * 8 + [500] * 4


@pytest.mark.claim("KDS-566")
def test_a_hot_key_overloads_its_shard_alone(kinesis: Any) -> None:
    kinesis.create_stream(StreamName="flights", ShardCount=4)
    refused = [result for result in put_many(kinesis, "flights", 2000) if "ErrorCode" in result]
    assert len(refused) == 1000
    assert len({result["ErrorMessage"] for result in refused}) == 1
    hot = refused[0]["ErrorMessage"]
    for shard in kinesis.list_shards(StreamName="flights")["Shards"]:
        if shard["ShardId"] not in hot:
            start = shard["HashKeyRange"]["StartingHashKey"]
            assert accepted(put_many(kinesis, "flights", 1000, ExplicitHashKey=start)) == 1000


@pytest.mark.claim("KDS-008", "KDS-551")
def test_a_shard_is_read_five_times_a_second(kinesis: Any, stream: str, lake: Any) -> None:
    place = iterator(kinesis, stream)
    for _ in range(5):
        kinesis.get_records(ShardIterator=place)
    assert refusal(kinesis.get_records, ShardIterator=place) == (
        THROTTLED,
        f"Rate exceeded for shard {SHARD} in stream flights under account 000000000000.",
    )
    lake.clock.advance(seconds=0.2)
    kinesis.get_records(ShardIterator=place)
    assert refusal(kinesis.get_records, ShardIterator=place)[0] == THROTTLED


def fill(kinesis: Any, lake: Any, stream: str, mebibytes: int) -> None:
    for _ in range(mebibytes):
        kinesis.put_record(StreamName=stream, Data=b"x" * (MIB - 1), PartitionKey="k")
        lake.clock.advance(seconds=1)


@pytest.mark.claim("KDS-548", "KDS-550")
def test_a_page_of_ten_mebibytes_silences_the_shard_for_five_seconds(kinesis: Any, stream: str, lake: Any) -> None:
    fill(kinesis, lake, stream, 12)
    page = kinesis.get_records(ShardIterator=iterator(kinesis, stream))
    assert len(page["Records"]) == 10
    following = page["NextShardIterator"]
    assert refusal(kinesis.get_records, ShardIterator=following)[0] == THROTTLED
    lake.clock.advance(seconds=4.9)
    assert refusal(kinesis.get_records, ShardIterator=following)[0] == THROTTLED
    lake.clock.advance(seconds=0.1)
    assert len(kinesis.get_records(ShardIterator=following)["Records"]) == 2


@pytest.mark.claim("KDS-516", "KDS-547", "KDS-552")
def test_pollers_divide_two_mebibytes_a_second(kinesis: Any, stream: str, lake: Any) -> None:
    fill(kinesis, lake, stream, 20)
    places = [iterator(kinesis, stream) for _ in range(5)]
    drained, refused = [0] * 5, 0
    for tick in range(100):  # 20 s, five calls a second in turn: each poller about once a second
        who = tick % 5
        try:
            page = kinesis.get_records(ShardIterator=places[who], Limit=1)
        except kinesis.exceptions.ProvisionedThroughputExceededException:
            refused += 1
        else:
            places[who] = page["NextShardIterator"]
            drained[who] += sum(len(record["Data"]) for record in page["Records"])
        lake.clock.advance(seconds=0.2)
    assert refused > 0
    # The bucket's one second's worth comes on top of 20 s at 2 MiB/s.
    assert 0.75 * 40 * MIB <= sum(drained) <= (40 + 2) * MIB
    assert max(drained) / 20 < 2 * MIB


@pytest.mark.claim("KDS-549")
def test_a_page_holds_ten_thousand_records(kinesis: Any, stream: str, lake: Any) -> None:
    for _ in range(21):
        put_many(kinesis, stream, 500)
        lake.clock.advance(seconds=1)
    page = kinesis.get_records(ShardIterator=iterator(kinesis, stream))
    assert len(page["Records"]) == 10_000
    lake.clock.advance(seconds=1)
    assert len(kinesis.get_records(ShardIterator=page["NextShardIterator"])["Records"]) == 500
    code, _ = refusal(kinesis.get_records, ShardIterator=page["NextShardIterator"], Limit=10_001)
    assert code == "ValidationException"


def test_iterators_are_given_five_times_a_second(kinesis: Any, stream: str, lake: Any) -> None:
    for _ in range(5):
        iterator(kinesis, stream)
    request = {"StreamName": stream, "ShardId": SHARD, "ShardIteratorType": "LATEST"}
    assert refusal(kinesis.get_shard_iterator, **request)[0] == THROTTLED
    lake.clock.advance(seconds=0.2)
    iterator(kinesis, stream)
