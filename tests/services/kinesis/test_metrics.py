"""What streams, shards and consumers publish to CloudWatch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pocketlake.embedded import run
from tests.services.measured import measured, stand_at_noon

from .conftest import SHARD, iterator, read


@pytest.fixture(autouse=True)
def _noon(lake: Any) -> None:
    stand_at_noon(lake)


def asked(lake: Any, name: str, statistic: str = "Sum", **dimensions: str) -> list[float]:
    return measured(lake, "AWS/Kinesis", name, statistic, **{"StreamName": "flights", **dimensions})


def put(kinesis: Any, *sizes: int, key: str = "k") -> None:
    """Records of these sizes, the key's one byte included."""
    for size in sizes:
        kinesis.put_record(StreamName="flights", Data=b"x" * (size - 1), PartitionKey=key)


@pytest.mark.claim("KDS-014", "KDS-701")
def test_what_came_in_by_either_put(lake: Any, kinesis: Any, stream: str) -> None:
    put(kinesis, 10, 30)
    kinesis.put_records(StreamName=stream, Records=[{"Data": b"x" * 9, "PartitionKey": "k"}] * 5)
    lake.clock.advance(minutes=1)
    put(kinesis, 7)
    assert asked(lake, "IncomingBytes") == [10 + 30 + 50, 7]
    assert asked(lake, "IncomingRecords") == [7, 1]
    assert asked(lake, "IncomingRecords", "Maximum") == [5, 1]
    assert asked(lake, "PutRecord.Bytes", "Maximum") == [30, 7]
    assert asked(lake, "PutRecord.Success", "Average") == [1, 1]
    assert asked(lake, "PutRecord.Latency", "SampleCount") == [2, 1]
    assert asked(lake, "PutRecords.Bytes") == [50]
    assert asked(lake, "PutRecords.TotalRecords") == [5]
    assert asked(lake, "PutRecords.SuccessfulRecords") == asked(lake, "PutRecords.Records") == [5]
    assert asked(lake, "PutRecords.FailedRecords") == asked(lake, "PutRecords.ThrottledRecords") == [0]
    assert asked(lake, "PutRecords.Success", "Average") == [1]
    assert 0 < asked(lake, "PutRecords.Latency", "Average")[0] < 1000
    assert asked(lake, "WriteProvisionedThroughputExceeded") == [0, 0]


@pytest.mark.claim("KDS-702")
def test_records_over_the_rate(lake: Any, kinesis: Any, stream: str) -> None:
    kinesis.put_records(StreamName=stream, Records=[{"Data": b"x", "PartitionKey": "k"}] * 500)
    kinesis.put_records(StreamName=stream, Records=[{"Data": b"x", "PartitionKey": "k"}] * 500)
    answer = kinesis.put_records(StreamName=stream, Records=[{"Data": b"x", "PartitionKey": "k"}] * 3)
    assert answer["FailedRecordCount"] == 3
    with pytest.raises(ClientError):
        put(kinesis, 5)
    assert asked(lake, "IncomingRecords") == [1000]
    assert asked(lake, "PutRecords.ThrottledRecords") == [3]
    assert asked(lake, "PutRecords.Success", "Average") == [pytest.approx(2 / 3)]
    assert asked(lake, "WriteProvisionedThroughputExceeded") == [4]
    assert asked(lake, "PutRecord.Success") == [0]


@pytest.mark.claim("CW-001", "CW-002")
def test_the_iterator_age_is_that_of_the_last_record_whoever_reads(lake: Any, kinesis: Any, stream: str) -> None:
    put(kinesis, 10, 20)
    lake.clock.advance(seconds=10)
    read(kinesis, stream)
    read(lake.client("kinesis"), stream)
    assert asked(lake, "GetRecords.IteratorAgeMilliseconds", "Maximum") == [10_000]
    assert asked(lake, "GetRecords.IteratorAgeMilliseconds", "SampleCount") == [2]
    assert asked(lake, "GetRecords.Records") == [4]
    assert asked(lake, "GetRecords.Bytes") == [60]
    assert asked(lake, "GetRecords.Success") == [2]
    assert asked(lake, "GetRecords.Latency", "SampleCount") == [2]
    lake.clock.advance(minutes=1)
    read(kinesis, stream, "LATEST")
    assert asked(lake, "GetRecords.IteratorAgeMilliseconds", "Maximum") == [10_000, 0]


@pytest.mark.claim("KDS-702")
def test_reads_over_the_rate(lake: Any, kinesis: Any, stream: str) -> None:
    place = iterator(kinesis, stream)
    for _ in range(5):
        kinesis.get_records(ShardIterator=place)
    with pytest.raises(ClientError):
        kinesis.get_records(ShardIterator=place)
    assert asked(lake, "ReadProvisionedThroughputExceeded") == [1]
    assert asked(lake, "ReadProvisionedThroughputExceeded", "SampleCount") == [6]
    assert asked(lake, "GetRecords.Success", "Average") == [pytest.approx(5 / 6)]


@pytest.mark.claim("KDS-566", "KDS-703")
def test_shards_are_measured_where_enhanced_monitoring_says_so(lake: Any, kinesis: Any) -> None:
    """A hot key throttles its own shard alone."""
    kinesis.create_stream(StreamName="flights", ShardCount=4)
    put(kinesis, 5)
    kinesis.enable_enhanced_monitoring(StreamName="flights", ShardLevelMetrics=["ALL"])
    cold = [{"Data": b"x", "PartitionKey": "k", "ExplicitHashKey": str(at * 2**126)} for at in range(1, 4)]
    kinesis.put_records(StreamName="flights", Records=cold)
    hot = [{"Data": b"xx", "PartitionKey": "k", "ExplicitHashKey": "0"}] * 500
    for _ in range(3):
        kinesis.put_records(StreamName="flights", Records=hot)
    read(kinesis, "flights", shard="shardId-000000000001")
    shards = [f"shardId-{at:012}" for at in range(4)]
    exceeded = [asked(lake, "WriteProvisionedThroughputExceeded", ShardId=shard) for shard in shards]
    assert [one[0] >= 490 for one in exceeded] == [True, False, False, False]
    assert exceeded[1:] == [[0], [0], [0]]
    assert asked(lake, "IncomingRecords", ShardId=shards[3]) == [1]
    assert asked(lake, "IncomingBytes", ShardId=shards[3]) == [2]
    assert asked(lake, "OutgoingRecords", ShardId=shards[1]) == [1]
    assert asked(lake, "OutgoingBytes", ShardId=shards[1]) == [2]
    assert asked(lake, "IteratorAgeMilliseconds", "Maximum", ShardId=shards[1]) == [0]
    kinesis.disable_enhanced_monitoring(StreamName="flights", ShardLevelMetrics=["IncomingBytes"])
    lake.clock.advance(minutes=1)
    put(kinesis, 5)
    watched = kinesis.describe_stream_summary(StreamName="flights")["StreamDescriptionSummary"]
    shard = kinesis.put_record(StreamName="flights", Data=b"x", PartitionKey="k")["ShardId"]
    assert "IncomingBytes" not in watched["EnhancedMonitoring"][0]["ShardLevelMetrics"]
    assert len(asked(lake, "IncomingRecords", ShardId=shard)) > len(asked(lake, "IncomingBytes", ShardId=shard))


@pytest.mark.claim("KDS-703")
def test_shards_are_not_measured_otherwise(lake: Any, kinesis: Any, stream: str) -> None:
    put(kinesis, 5)
    names = {tuple(sorted(dimension["Name"] for dimension in one["Dimensions"])) for one in listed(lake)}
    assert names == {("StreamName",)}


def listed(lake: Any) -> list[dict[str, Any]]:
    return lake.client("cloudwatch").list_metrics(Namespace="AWS/Kinesis")["Metrics"]


@pytest.mark.claim("KDS-704")
def test_subscriptions_are_measured_by_consumer(lake: Any, kinesis: Any, stream: str) -> None:
    arn = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamARN"]
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="billing")["Consumer"]["ConsumerARN"]
    lake.clock.advance(seconds=1)
    put(kinesis, 10, 20)
    request = {"ConsumerARN": consumer, "ShardId": SHARD, "StartingPosition": {"Type": "TRIM_HORIZON"}}
    events = iter(kinesis.subscribe_to_shard(**request)["EventStream"])
    assert len(next(events)["SubscribeToShardEvent"]["Records"]) == 2
    with pytest.raises(ClientError):
        kinesis.subscribe_to_shard(**request)
    of = {"ConsumerName": "billing"}
    assert asked(lake, "SubscribeToShard.Success", **of) == [1]
    assert asked(lake, "SubscribeToShard.Success", "SampleCount", **of) == [2]
    assert asked(lake, "SubscribeToShardEvent.Records", **of) == [2]
    assert asked(lake, "SubscribeToShardEvent.Bytes", **of) == [30]
    assert asked(lake, "SubscribeToShardEvent.Success", "Average", **of) == [1]
    assert asked(lake, "SubscribeToShardEvent.MillisBehindLatest", "Maximum", **of) == [0]


def test_a_year_is_skipped_at_the_price_of_a_minute(lake: Any, kinesis: Any, stream: str) -> None:
    put(kinesis, 10)
    lake.clock.advance(days=365)
    put(kinesis, 10)
    lake.clock.advance(days=1)
    assert len(listed(lake)) > 0


def test_what_was_measured_outlives_a_stop(tmp_path: Path) -> None:
    """Only a kill loses the minute under way."""
    with run(tmp_path) as lake:
        stand_at_noon(lake)
        kinesis = lake.client("kinesis")
        kinesis.create_stream(StreamName="flights", ShardCount=1)
        put(kinesis, 10)
    with run(tmp_path) as lake:
        assert asked(lake, "IncomingBytes") == [10]
        put(lake.client("kinesis"), 5)
        assert asked(lake, "IncomingBytes") == [15]
