"""Retention on the lake's clock."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import data, iterator, read, refusal


def put(kinesis: Any, payload: bytes) -> None:
    kinesis.put_record(StreamName="flights", Data=payload, PartitionKey="k")


@pytest.mark.claim("KDS-045", "KDS-603")
def test_records_are_gone_after_a_day_and_not_before(kinesis: Any, stream: str, lake: Any) -> None:
    lake.clock.freeze()
    put(kinesis, b"old")
    lake.clock.advance(hours=1)
    put(kinesis, b"young")
    assert data(read(kinesis, stream)) == [b"old", b"young"]
    lake.clock.advance(hours=22, minutes=59, seconds=59)
    assert data(read(kinesis, stream)) == [b"old", b"young"]
    lake.clock.advance(seconds=1)
    assert data(read(kinesis, stream)) == [b"young"]
    lake.clock.advance(hours=1)
    assert read(kinesis, stream) == []


def test_an_iterator_on_what_is_gone_goes_on_with_what_is_there(kinesis: Any, stream: str, lake: Any) -> None:
    kinesis.put_records(StreamName=stream, Records=[{"Data": b"%d" % n, "PartitionKey": "k"} for n in range(9)])
    number = read(kinesis, stream)[3]["SequenceNumber"]
    lake.clock.advance(days=2)
    put(kinesis, b"new")
    assert data(read(kinesis, stream, "AT_SEQUENCE_NUMBER", StartingSequenceNumber=number)) == [b"new"]
    assert data(read(kinesis, stream, "AT_TIMESTAMP", Timestamp=1)) == [b"new"]


def test_numbers_go_on_rising_when_all_records_are_gone(kinesis: Any, stream: str, lake: Any) -> None:
    before = kinesis.put_record(StreamName=stream, Data=b"x", PartitionKey="k")
    lake.clock.advance(days=30)
    after = kinesis.put_record(StreamName=stream, Data=b"x", PartitionKey="k")
    assert int(after["SequenceNumber"]) > int(before["SequenceNumber"])


@pytest.mark.claim("KDS-518", "KDS-620")
def test_the_period_lies_between_a_day_and_a_year(kinesis: Any, stream: str, lake: Any) -> None:
    def hours() -> int:
        return kinesis.describe_stream(StreamName=stream)["StreamDescription"]["RetentionPeriodHours"]

    assert hours() == 24
    put(kinesis, b"kept")
    kinesis.increase_stream_retention_period(StreamName=stream, RetentionPeriodHours=8760)
    assert hours() == 8760
    assert refusal(kinesis.increase_stream_retention_period, StreamName=stream, RetentionPeriodHours=8761) == (
        "InvalidArgumentException",
        "Maximum allowed retention period is 8760 hours. Requested retention period (8761 hours) is too long.",
    )
    assert refusal(kinesis.decrease_stream_retention_period, StreamName=stream, RetentionPeriodHours=23) == (
        "InvalidArgumentException",
        "Minimum allowed retention period is 24 hours. Requested retention period (23 hours) is too short.",
    )
    lake.clock.advance(days=364)
    assert data(read(kinesis, stream)) == [b"kept"]
    lake.clock.advance(days=1)
    assert read(kinesis, stream) == []


def test_each_call_goes_its_own_way(kinesis: Any, stream: str) -> None:
    assert refusal(kinesis.decrease_stream_retention_period, StreamName=stream, RetentionPeriodHours=40) == (
        "InvalidArgumentException",
        "Requested retention period (40 hours) for stream flights can not be longer than existing retention period "
        "(24 hours). Use IncreaseRetentionPeriod API.",
    )
    kinesis.increase_stream_retention_period(StreamName=stream, RetentionPeriodHours=30)
    assert refusal(kinesis.increase_stream_retention_period, StreamName=stream, RetentionPeriodHours=25) == (
        "InvalidArgumentException",
        "Requested retention period (25 hours) for stream flights can not be shorter than existing retention period "
        "(30 hours). Use DecreaseRetentionPeriod API.",
    )


def test_shrinking_hides_at_once_and_growing_does_not_bring_back(kinesis: Any, stream: str, lake: Any) -> None:
    kinesis.increase_stream_retention_period(StreamName=stream, RetentionPeriodHours=72)
    put(kinesis, b"old")
    lake.clock.advance(hours=30)
    put(kinesis, b"new")
    assert data(read(kinesis, stream)) == [b"old", b"new"]
    kinesis.decrease_stream_retention_period(StreamName=stream, RetentionPeriodHours=24)
    assert data(read(kinesis, stream)) == [b"new"]
    kinesis.increase_stream_retention_period(StreamName=stream, RetentionPeriodHours=72)
    assert data(read(kinesis, stream)) == [b"new"]


def test_growing_does_not_bring_back_what_is_hidden_but_not_yet_removed(kinesis: Any, stream: str, lake: Any) -> None:
    put(kinesis, b"old")
    lake.clock.advance(hours=24, minutes=10)
    assert read(kinesis, stream) == []
    kinesis.increase_stream_retention_period(StreamName=stream, RetentionPeriodHours=72)
    assert read(kinesis, stream) == []


def test_two_months_of_records_pass_through(kinesis: Any, stream: str, lake: Any) -> None:
    for day in range(60):
        put(kinesis, b"%d" % day)
        lake.clock.advance(hours=23)
    place = iterator(kinesis, stream)
    assert data(kinesis.get_records(ShardIterator=place)["Records"]) == [b"59"]
