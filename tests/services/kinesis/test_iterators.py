"""The five iterator types, their life, and how far behind a reader is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from .conftest import SHARD, data, iterator, read, refusal


@pytest.fixture
def sequence(kinesis: Any, stream: str, lake: Any) -> list[str]:
    """Ten records, one a second; their sequence numbers."""
    lake.clock.freeze()
    numbers = []
    for number in range(10):
        put = kinesis.put_record(StreamName=stream, Data=b"%d" % number, PartitionKey="k")
        numbers.append(put["SequenceNumber"])
        lake.clock.advance(seconds=1)
    return numbers


@pytest.mark.claim("KDS-041")
def test_there_are_five_types(kinesis: Any, stream: str, sequence: list[str], lake: Any) -> None:
    needs = {
        "AT_SEQUENCE_NUMBER": {"StartingSequenceNumber": sequence[0]},
        "AFTER_SEQUENCE_NUMBER": {"StartingSequenceNumber": sequence[0]},
        "AT_TIMESTAMP": {"Timestamp": lake.clock.now()},
        "TRIM_HORIZON": {},
        "LATEST": {},
    }
    for kind, more in needs.items():
        assert iterator(kinesis, stream, kind, **more)
        lake.clock.advance(seconds=1)
        if more:
            request = {"StreamName": stream, "ShardId": SHARD, "ShardIteratorType": kind}
            assert refusal(kinesis.get_shard_iterator, **request)[0] == "InvalidArgumentException"
    request = {"StreamName": stream, "ShardId": SHARD, "ShardIteratorType": "AfterSequenceNumber"}
    code, _ = refusal(kinesis.get_shard_iterator, **request, StartingSequenceNumber=sequence[0])
    assert code == "ValidationException"


@pytest.mark.claim("KDS-042")
def test_at_sequence_number_begins_with_the_record(kinesis: Any, stream: str, sequence: list[str]) -> None:
    found = read(kinesis, stream, "AT_SEQUENCE_NUMBER", StartingSequenceNumber=sequence[4])
    assert data(found) == [b"4", b"5", b"6", b"7", b"8", b"9"]


@pytest.mark.claim("KDS-043")
def test_after_sequence_number_begins_behind_the_record(kinesis: Any, stream: str, sequence: list[str]) -> None:
    found = read(kinesis, stream, "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=sequence[4])
    assert data(found) == [b"5", b"6", b"7", b"8", b"9"]


def test_the_shards_own_starting_number_is_a_place(kinesis: Any, stream: str, sequence: list[str]) -> None:
    (shard,) = kinesis.list_shards(StreamName=stream)["Shards"]
    start = shard["SequenceNumberRange"]["StartingSequenceNumber"]
    assert int(start) < int(sequence[0])
    assert len(read(kinesis, stream, "AT_SEQUENCE_NUMBER", StartingSequenceNumber=start)) == 10


@pytest.mark.claim("KDS-044")
def test_at_timestamp_begins_with_the_first_record_since(
    kinesis: Any, stream: str, sequence: list[str], lake: Any
) -> None:
    arrivals = [record["ApproximateArrivalTimestamp"] for record in read(kinesis, stream)]
    lake.clock.advance(seconds=5)
    between = arrivals[4] + timedelta(milliseconds=500)
    assert data(read(kinesis, stream, "AT_TIMESTAMP", Timestamp=between))[0] == b"5"
    assert data(read(kinesis, stream, "AT_TIMESTAMP", Timestamp=arrivals[5]))[0] == b"5"
    assert data(read(kinesis, stream, "AT_TIMESTAMP", Timestamp=1))[0] == b"0"
    assert read(kinesis, stream, "AT_TIMESTAMP", Timestamp=lake.clock.now()) == []
    later = {"Timestamp": lake.clock.now() + timedelta(seconds=60)}
    lake.clock.advance(seconds=1)
    code, message = refusal(
        kinesis.get_shard_iterator, StreamName=stream, ShardId=SHARD, ShardIteratorType="AT_TIMESTAMP", **later
    )
    assert code == "InvalidArgumentException"
    assert message.startswith("The timestampInMillis parameter cannot be greater than the currentTimestampInMillis.")


@pytest.mark.claim("KDS-046")
def test_latest_begins_behind_the_newest_record(kinesis: Any, stream: str, sequence: list[str]) -> None:
    place = iterator(kinesis, stream, "LATEST")
    kinesis.put_record(StreamName=stream, Data=b"new", PartitionKey="k")
    assert data(kinesis.get_records(ShardIterator=place)["Records"]) == [b"new"]


def test_pages_follow_one_another(kinesis: Any, stream: str, sequence: list[str]) -> None:
    place, found = iterator(kinesis, stream), []
    for size in (3, 3, 3, 1, 0):
        page = kinesis.get_records(ShardIterator=place, Limit=3)
        assert len(page["Records"]) == size
        found += data(page["Records"])
        place = page["NextShardIterator"]
    assert found == [b"%d" % number for number in range(10)]


def test_how_far_behind_a_reader_is(kinesis: Any, stream: str, sequence: list[str]) -> None:
    page = kinesis.get_records(ShardIterator=iterator(kinesis, stream), Limit=1)
    assert page["MillisBehindLatest"] == 10_000
    assert kinesis.get_records(ShardIterator=page["NextShardIterator"])["MillisBehindLatest"] == 0


def test_an_iterator_lives_for_five_minutes(kinesis: Any, stream: str, lake: Any) -> None:
    lake.clock.freeze()
    place = iterator(kinesis, stream)
    lake.clock.advance(seconds=300)
    kinesis.get_records(ShardIterator=place)
    lake.clock.advance(seconds=1)
    code, message = refusal(kinesis.get_records, ShardIterator=place)
    assert code == "ExpiredIteratorException"
    assert message.startswith("Iterator expired. The iterator was created at time ")
    assert message.endswith("which is further in the future than the tolerated delay of 300000 milliseconds.")


@pytest.mark.parametrize("place", ["x", "AAAAAAAAAAE=", "aGVsbG8gd29ybGQgaGVsbG8gd29ybGQ"])
def test_a_made_up_iterator_is_refused(kinesis: Any, stream: str, place: str) -> None:
    assert refusal(kinesis.get_records, ShardIterator=place) == ("InvalidArgumentException", "Invalid ShardIterator.")


def test_a_shard_that_is_not_there(kinesis: Any, stream: str) -> None:
    request = {"StreamName": stream, "ShardIteratorType": "LATEST"}
    assert refusal(kinesis.get_shard_iterator, ShardId="123", **request) == (
        "ResourceNotFoundException",
        "Shard shardId-000000000123 in stream flights under account 000000000000 does not exist",
    )
    assert refusal(kinesis.get_shard_iterator, ShardId="unknown", **request) == (
        "ResourceNotFoundException",
        "Could not find shard unknown in stream flights under account 000000000000.",
    )


def test_a_number_of_another_shard_is_refused(kinesis: Any) -> None:
    kinesis.create_stream(StreamName="two", ShardCount=2)
    put = kinesis.put_record(StreamName="two", Data=b"x", PartitionKey="k", ExplicitHashKey=str(2**128 - 1))
    request = {"StreamName": "two", "ShardId": SHARD, "ShardIteratorType": "AT_SEQUENCE_NUMBER"}
    code, message = refusal(kinesis.get_shard_iterator, StartingSequenceNumber=put["SequenceNumber"], **request)
    assert code == "InvalidArgumentException"
    assert message == (
        "Invalid StartingSequenceNumber. It encodes shardId-000000000001, "
        "while it was used in a call to a shard with shardId-000000000000"
    )
    assert refusal(kinesis.get_shard_iterator, StartingSequenceNumber="17", **request)[0] == "InvalidArgumentException"


def test_a_number_of_an_earlier_stream_of_that_name_is_refused(kinesis: Any, stream: str, lake: Any) -> None:
    number = kinesis.put_record(StreamName=stream, Data=b"x", PartitionKey="k")["SequenceNumber"]
    kinesis.delete_stream(StreamName=stream)
    lake.clock.advance(seconds=2)
    kinesis.create_stream(StreamName=stream, ShardCount=1)
    request = {"StreamName": stream, "ShardId": SHARD, "ShardIteratorType": "AFTER_SEQUENCE_NUMBER"}
    assert refusal(kinesis.get_shard_iterator, StartingSequenceNumber=number, **request) == (
        "InvalidArgumentException",
        f"StartingSequenceNumber {number} used in GetShardIterator on shard {SHARD} in stream flights "
        "under account 000000000000 is invalid because it did not come from this stream.",
    )


def test_a_moment_finds_the_record_put_within_its_millisecond(lake, kinesis, stream):
    lake.clock.freeze()
    lake.clock.set(1_800_000_000.0009)
    kinesis.put_record(StreamName=stream, PartitionKey="k", Data=b"now")
    assert data(read(kinesis, stream, "AT_TIMESTAMP", Timestamp=1_800_000_000.0009)) == [b"now"]
    assert read(kinesis, stream, "AT_TIMESTAMP", Timestamp=1_800_000_000.001) == []
