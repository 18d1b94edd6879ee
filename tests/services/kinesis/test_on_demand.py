"""On-demand streams follow their traffic; warm throughput goes ahead of it."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import refusal

STREAM = "demand"
MODES = {mode: {"StreamMode": mode} for mode in ("ON_DEMAND", "PROVISIONED")}


@pytest.fixture(autouse=True)
def frozen(lake: Any) -> None:
    lake.clock.freeze()


@pytest.fixture
def demand(kinesis: Any) -> str:
    kinesis.create_stream(StreamName=STREAM, StreamModeDetails=MODES["ON_DEMAND"])
    return STREAM


@pytest.fixture
def committed(kinesis: Any) -> None:
    commit(kinesis, "ENABLED")


def commit(kinesis: Any, status: str) -> dict[str, Any]:
    answer = kinesis.update_account_settings(MinimumThroughputBillingCommitment={"Status": status})
    commitment: dict[str, Any] = answer["MinimumThroughputBillingCommitment"]
    return commitment


def summary(kinesis: Any) -> dict[str, Any]:
    answer: dict[str, Any] = kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]
    return answer


def count(kinesis: Any) -> int:
    return int(summary(kinesis)["OpenShardCount"])


def drive(lake: Any, kinesis: Any, mebibytes: int, seconds: int = 60) -> int:
    """So many MiB a second over all of the hash space, in records of a quarter; how many were refused."""
    refused = 0
    keys = [str(n * 2**128 // (4 * mebibytes) + 5) for n in range(4 * mebibytes)]
    records = [{"Data": bytes(2**18 - 1), "PartitionKey": "k", "ExplicitHashKey": key} for key in keys]
    for _ in range(seconds):
        for start in range(0, len(records), 32):
            answer = kinesis.put_records(StreamName=STREAM, Records=records[start : start + 32])
            refused += answer["FailedRecordCount"]
        lake.clock.advance(seconds=1)
    return refused


@pytest.mark.claim("KDS-020", "KDS-528")
def test_the_stream_grows_to_twice_its_peak_and_back_after_30_days(lake: Any, kinesis: Any, demand: str) -> None:
    assert drive(lake, kinesis, 3) == 0
    assert count(kinesis) == 8
    assert drive(lake, kinesis, 6, seconds=3) == 0  # room for the double
    lake.clock.advance(days=29)
    assert count(kinesis) == 8
    lake.clock.advance(days=3)
    assert count(kinesis) == 4


@pytest.mark.claim("KDS-527")
def test_beyond_its_shards_it_throttles_until_it_has_grown(lake: Any, kinesis: Any, demand: str) -> None:
    assert drive(lake, kinesis, 6) > 0
    assert count(kinesis) == 8
    assert drive(lake, kinesis, 6, seconds=3) == 0


def test_only_busy_shards_are_split(lake: Any, kinesis: Any, demand: str) -> None:
    low = [{"Data": b"x", "PartitionKey": "k", "ExplicitHashKey": str(n * 2**117)} for n in range(500)]
    high = [{"Data": b"x", "PartitionKey": "k", "ExplicitHashKey": str(2**127 + n)} for n in range(400)]
    for _ in range(60):
        kinesis.put_records(StreamName=STREAM, Records=low)
        kinesis.put_records(StreamName=STREAM, Records=low[:100])
        kinesis.put_records(StreamName=STREAM, Records=high)
        lake.clock.advance(seconds=1)
    shards = kinesis.list_shards(StreamName=STREAM)["Shards"]
    assert {shard.get("ParentShardId", "")[-1:] for shard in shards[4:]} == {"0"}
    assert count(kinesis) == 5


def test_a_hot_key_does_not_split_its_shard_for_ever(lake: Any, kinesis: Any, demand: str) -> None:
    records = [{"Data": b"x", "PartitionKey": "k"}] * 500
    for second in range(480):
        kinesis.put_records(StreamName=STREAM, Records=records)
        kinesis.put_records(StreamName=STREAM, Records=records[: 500 * (second % 2)] or records[:1])
        lake.clock.advance(seconds=1)
    assert count(kinesis) == 8


def test_shards_stay_when_the_mode_is_switched(lake: Any, kinesis: Any) -> None:
    kinesis.create_stream(StreamName=STREAM, ShardCount=7)
    arn = summary(kinesis)["StreamARN"]
    kinesis.update_stream_mode(StreamARN=arn, StreamModeDetails=MODES["ON_DEMAND"])
    kinesis.put_record(StreamName=STREAM, Data=b"x", PartitionKey="k")
    lake.clock.advance(days=1)
    assert count(kinesis) == 7
    kinesis.update_stream_mode(StreamARN=arn, StreamModeDetails=MODES["PROVISIONED"])
    lake.clock.advance(days=60)
    assert count(kinesis) == 7


def test_warm_throughput_needs_a_commitment_and_on_demand(lake: Any, kinesis: Any, demand: str) -> None:
    code, message = refusal(kinesis.update_stream_warm_throughput, StreamName=STREAM, WarmThroughputMiBps=8)
    assert (code, "MinimumThroughputBillingCommitment" in message) == ("ValidationException", True)
    assert "WarmThroughput" not in summary(kinesis)
    commit(kinesis, "ENABLED")
    kinesis.create_stream(StreamName="p", ShardCount=1)
    assert refusal(kinesis.update_stream_warm_throughput, StreamName="p", WarmThroughputMiBps=8)[0] == code
    assert refusal(kinesis.create_stream, StreamName="q", ShardCount=1, WarmThroughputMiBps=8)[0] == code
    request = {"StreamName": STREAM, "WarmThroughputMiBps": 10_241}
    assert refusal(kinesis.update_stream_warm_throughput, **request)[0] == "LimitExceededException"


@pytest.mark.usefixtures("committed")
def test_warm_throughput_is_there_before_the_traffic(lake: Any, kinesis: Any, demand: str) -> None:
    answer = kinesis.update_stream_warm_throughput(StreamName=STREAM, WarmThroughputMiBps=9)
    assert answer["WarmThroughput"] == {"TargetMiBps": 9, "CurrentMiBps": 4}
    assert summary(kinesis)["StreamStatus"] == "UPDATING"
    lake.clock.advance(seconds=1)
    assert summary(kinesis)["WarmThroughput"] == {"TargetMiBps": 9, "CurrentMiBps": 9}
    lake.clock.advance(days=90)
    assert count(kinesis) == 9
    kinesis.update_stream_warm_throughput(StreamName=STREAM, WarmThroughputMiBps=0)
    lake.clock.advance(seconds=1)
    assert (summary(kinesis)["StreamStatus"], count(kinesis)) == ("ACTIVE", 4)


@pytest.mark.usefixtures("committed")
def test_a_stream_may_begin_warm(kinesis: Any) -> None:
    kinesis.create_stream(StreamName=STREAM, StreamModeDetails=MODES["ON_DEMAND"], WarmThroughputMiBps=6)
    assert summary(kinesis)["WarmThroughput"] == {"TargetMiBps": 6, "CurrentMiBps": 6}


@pytest.mark.usefixtures("committed")
def test_a_stream_may_become_warm(lake: Any, kinesis: Any) -> None:
    kinesis.create_stream(StreamName=STREAM, ShardCount=2)
    arn = summary(kinesis)["StreamARN"]
    kinesis.update_stream_mode(StreamARN=arn, StreamModeDetails=MODES["ON_DEMAND"], WarmThroughputMiBps=6)
    lake.clock.advance(seconds=1)
    assert count(kinesis) == 6


def test_a_commitment_lasts_a_day_at_least(lake: Any, kinesis: Any) -> None:
    def described() -> dict[str, Any]:
        answer: dict[str, Any] = kinesis.describe_account_settings()["MinimumThroughputBillingCommitment"]
        return answer

    assert described() == {"Status": "DISABLED"}
    begun = commit(kinesis, "ENABLED")
    assert begun["EarliestAllowedEndAt"].timestamp() - begun["StartedAt"].timestamp() == 86_400
    assert commit(kinesis, "DISABLED")["Status"] == "ENABLED_UNTIL_EARLIEST_ALLOWED_END"
    assert commit(kinesis, "ENABLED")["Status"] == "ENABLED"
    lake.clock.advance(days=1)
    assert described()["Status"] == "ENABLED"
    ended = commit(kinesis, "DISABLED")
    assert (ended["Status"], ended["EndedAt"]) == ("DISABLED", ended["EarliestAllowedEndAt"])
    commit(kinesis, "ENABLED")
    commit(kinesis, "DISABLED")
    lake.clock.advance(hours=24)
    assert described()["Status"] == "DISABLED"
