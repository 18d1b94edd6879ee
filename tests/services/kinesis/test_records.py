"""Records: put, routed, numbered, read back."""

from __future__ import annotations

import hashlib
import threading
import time
from typing import Any

import boto3
import pytest
from botocore.config import Config

from .conftest import SHARD, data, iterator, read, refusal

MIB = 1024 * 1024


def entries(*payloads: bytes, key: str = "k") -> list[dict[str, Any]]:
    return [{"Data": payload, "PartitionKey": key} for payload in payloads]


@pytest.mark.claim("KDS-004", "KDS-531", "KDS-532")
def test_producers_put_one_record_or_many(kinesis: Any, stream: str) -> None:
    one = kinesis.put_record(StreamName=stream, Data=b"one", PartitionKey="k")
    assert one["ShardId"] == SHARD
    many = kinesis.put_records(StreamName=stream, Records=entries(*(b"%d" % n for n in range(500))))
    assert many["FailedRecordCount"] == 0
    assert len(many["Records"]) == 500
    found = read(kinesis, stream)
    assert [r["SequenceNumber"] for r in found] == [
        one["SequenceNumber"],
        *(r["SequenceNumber"] for r in many["Records"]),
    ]
    code, message = refusal(kinesis.put_records, StreamName=stream, Records=entries(*[b"x"] * 501))
    assert code == "ValidationException"
    assert "less than or equal to 500" in message


@pytest.mark.claim("KDS-005", "KDS-510", "KDS-515")
def test_consumers_get_back_what_was_put(kinesis: Any, stream: str, lake: Any) -> None:
    payload = bytes(range(256))
    put = kinesis.put_record(StreamName=stream, Data=payload, PartitionKey="Zürich ✈")
    (record,) = read(kinesis, stream)
    assert (record["Data"], record["PartitionKey"]) == (payload, "Zürich ✈")
    assert record["SequenceNumber"] == put["SequenceNumber"]
    assert abs((record["ApproximateArrivalTimestamp"] - lake.clock.now()).total_seconds()) < 5
    assert refusal(kinesis.put_record, StreamName=stream, Data=b"x")[0] == "ValidationException"


@pytest.mark.claim("KDS-621", "KDS-622")
def test_a_put_names_stream_key_and_data_and_no_shard(kinesis: Any, stream: str) -> None:
    shape = boto3.client("kinesis", region_name="us-east-1").meta.service_model.operation_model("PutRecord")
    assert "ShardId" not in shape.input_shape.members
    assert {"StreamName", "PartitionKey", "Data"} <= set(shape.input_shape.members)
    assert "ShardId" in kinesis.put_record(StreamName=stream, Data=b"", PartitionKey="k")
    code, message = refusal(kinesis.put_records, StreamName=stream, Records=[{"Data": b"x"}])
    assert (code, "'records.1.member.partitionKey'" in message) == ("ValidationException", True)


@pytest.mark.claim("KDS-006", "KDS-011", "KDS-508")
def test_sequence_numbers_are_unique_and_rise(kinesis: Any, lake: Any) -> None:
    kinesis.create_stream(StreamName="flights", ShardCount=10)
    seen: dict[str, list[int]] = {}
    for _ in range(20):
        records = [{"Data": b"x", "PartitionKey": str(number)} for number in range(500)]
        for result in kinesis.put_records(StreamName="flights", Records=records)["Records"]:
            seen.setdefault(result["ShardId"], []).append(int(result["SequenceNumber"]))
        lake.clock.advance(seconds=1)
    assert sum(map(len, seen.values())) == 10_000
    assert len(seen) == 10
    for numbers in seen.values():
        assert numbers == sorted(set(numbers))


def test_numbers_rise_along_sequence_number_for_ordering(kinesis: Any, stream: str) -> None:
    last = "0"
    for number in range(5):
        more = {"SequenceNumberForOrdering": last} if number else {}
        put = kinesis.put_record(StreamName=stream, Data=b"x", PartitionKey="k", **more)
        assert int(put["SequenceNumber"]) > int(last)
        last = put["SequenceNumber"]
    code, message = refusal(
        kinesis.put_record, StreamName=stream, Data=b"x", PartitionKey="k", SequenceNumberForOrdering="17"
    )
    assert code == "InvalidArgumentException"
    assert message == (
        "ExclusiveMinimumSequenceNumber 17 used in PutRecord on stream flights under account 000000000000 is invalid."
    )


@pytest.mark.claim("KDS-010", "KDS-512", "KDS-521")
def test_the_key_decides_the_shard(kinesis: Any) -> None:
    kinesis.create_stream(StreamName="flights", ShardCount=4)
    shards = kinesis.list_shards(StreamName="flights")["Shards"]
    holds = {
        s["ShardId"]: (int(s["HashKeyRange"]["StartingHashKey"]), int(s["HashKeyRange"]["EndingHashKey"]))
        for s in shards
    }
    keys = [f"key-{number % 100}" for number in range(1000)]
    results = []
    for start in (0, 500):
        records = [{"Data": key.encode(), "PartitionKey": key} for key in keys[start : start + 500]]
        results += kinesis.put_records(StreamName="flights", Records=records)["Records"]
    homes: dict[str, set[str]] = {}
    for key, result in zip(keys, results, strict=True):
        low, high = holds[result["ShardId"]]
        assert low <= int.from_bytes(hashlib.md5(key.encode()).digest(), "big") <= high
        homes.setdefault(key, set()).add(result["ShardId"])
    assert all(len(home) == 1 for home in homes.values())


def test_an_explicit_hash_key_overrides_the_key(kinesis: Any) -> None:
    kinesis.create_stream(StreamName="flights", ShardCount=4)
    for shard in kinesis.list_shards(StreamName="flights")["Shards"]:
        for end in shard["HashKeyRange"].values():
            put = kinesis.put_record(StreamName="flights", Data=b"x", PartitionKey="same", ExplicitHashKey=end)
            assert put["ShardId"] == shard["ShardId"]
    for end in (str(2**128), "x" * 70_000):
        assert refusal(kinesis.put_record, StreamName="flights", Data=b"x", PartitionKey="k", ExplicitHashKey=end) == (
            "InvalidArgumentException",
            f"Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {end}",
        )


@pytest.mark.claim("KDS-506", "KDS-604")
def test_order_holds_in_a_shard(kinesis: Any) -> None:
    kinesis.create_stream(StreamName="flights", ShardCount=2)
    sent: dict[str, list[bytes]] = {}
    for number in range(100):
        put = kinesis.put_record(StreamName="flights", Data=b"%d" % number, PartitionKey=str(number % 10))
        sent.setdefault(put["ShardId"], []).append(b"%d" % number)
    assert len(sent) == 2
    for shard, payloads in sent.items():
        found = read(kinesis, "flights", shard=shard)
        assert data(found) == payloads
        numbers = [int(record["SequenceNumber"]) for record in found]
        assert numbers == sorted(numbers)


@pytest.mark.claim("KDS-546")
def test_an_iterator_reads_its_own_shard(kinesis: Any) -> None:
    kinesis.create_stream(StreamName="flights", ShardCount=3)
    records = [{"Data": b"x", "PartitionKey": str(number)} for number in range(300)]
    results = kinesis.put_records(StreamName="flights", Records=records)["Records"]
    for shard in {result["ShardId"] for result in results}:
        expected = [r["PartitionKey"] for r, result in zip(records, results, strict=True) if result["ShardId"] == shard]
        assert [record["PartitionKey"] for record in read(kinesis, "flights", shard=shard)] == expected


@pytest.mark.claim("KDS-511")
def test_a_record_holds_a_mebibyte_unless_the_stream_allows_more(kinesis: Any, stream: str, lake: Any) -> None:
    kinesis.put_record(StreamName=stream, Data=b"x" * (MIB - 1), PartitionKey="k")
    lake.clock.advance(seconds=2)
    assert refusal(kinesis.put_record, StreamName=stream, Data=b"x" * MIB, PartitionKey="k") == (
        "ValidationException",
        "1 validation error detected: Value at 'data' failed to satisfy constraint: "
        "Member must have length less than or equal to 1048576",
    )
    code, message = refusal(kinesis.put_records, StreamName=stream, Records=entries(b"x", b"x" * MIB))
    assert (code, "'records.2.member.data'" in message) == ("ValidationException", True)
    arn = kinesis.describe_stream(StreamName=stream)["StreamDescription"]["StreamARN"]
    kinesis.update_max_record_size(StreamARN=arn, MaxRecordSizeInKiB=10240)
    kinesis.put_record(StreamName=stream, Data=b"y" * (8 * MIB), PartitionKey="k")
    assert [len(record["Data"]) for record in read(kinesis, stream)] == [MIB - 1, 8 * MIB]


def test_a_request_holds_ten_mebibytes(kinesis: Any) -> None:
    kinesis.create_stream(StreamName="flights", ShardCount=1)
    assert refusal(kinesis.put_records, StreamName="flights", Records=entries(*[b"x" * (MIB - 1)] * 11)) == (
        "InvalidArgumentException",
        "Records size exceeds 10 MB limit",
    )


@pytest.mark.claim("KDS-038", "KDS-503")
def test_a_record_is_there_at_once(kinesis: Any, stream: str) -> None:
    latest = iterator(kinesis, stream, "LATEST")
    began = time.perf_counter()
    kinesis.put_record(StreamName=stream, Data=b"now", PartitionKey="k")
    found = kinesis.get_records(ShardIterator=latest)["Records"]
    assert time.perf_counter() - began < 1
    assert data(found) == [b"now"]
    assert abs(found[0]["ApproximateArrivalTimestamp"].timestamp() - time.time()) < 2


@pytest.mark.claim("KDS-504", "KDS-519", "KDS-601")
def test_records_can_be_read_again(kinesis: Any, stream: str, lake: Any) -> None:
    before = lake.clock.now()
    kinesis.put_records(StreamName=stream, Records=entries(*(b"%d" % n for n in range(50))))
    first = read(kinesis, stream)
    lake.clock.advance(hours=1)
    assert read(kinesis, stream) == first
    assert read(kinesis, stream, "AT_TIMESTAMP", Timestamp=before) == first


@pytest.mark.claim("KDS-602")
def test_many_applications_read_one_stream(kinesis: Any, stream: str, lake: Any) -> None:
    kinesis.put_records(StreamName=stream, Records=entries(*(b"%d" % n for n in range(100))))
    found: list[list[bytes]] = []

    def consume() -> None:
        # Three readers of two pages each are one call more than a shard answers in a second.
        client = lake.client("kinesis", config=Config(retries={"total_max_attempts": 20, "mode": "standard"}))
        place, got = iterator(client, stream), []
        while len(got) < 100:
            page = client.get_records(ShardIterator=place, Limit=60)
            place = page["NextShardIterator"]
            got += data(page["Records"])
        found.append(got)

    readers = [threading.Thread(target=consume) for _ in range(3)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(30)
    assert found == [[b"%d" % n for n in range(100)]] * 3


@pytest.mark.claim("KDS-520")
def test_no_call_changes_or_removes_a_record(kinesis: Any) -> None:
    names = boto3.client("kinesis", region_name="us-east-1").meta.service_model.operation_names
    assert not [name for name in names if name in ("DeleteRecord", "DeleteRecords", "UpdateRecord", "UpdateRecords")]


def test_arrival_never_falls_when_the_clock_is_set_back(kinesis: Any, stream: str, lake: Any) -> None:
    kinesis.put_record(StreamName=stream, Data=b"first", PartitionKey="k")
    lake.clock.set(lake.clock.now().timestamp() - 3600)
    kinesis.put_record(StreamName=stream, Data=b"second", PartitionKey="k")
    first, second = read(kinesis, stream)
    assert (first["Data"], second["Data"]) == (b"first", b"second")
    assert second["ApproximateArrivalTimestamp"] >= first["ApproximateArrivalTimestamp"]
    assert int(second["SequenceNumber"]) > int(first["SequenceNumber"])


def test_the_stream_is_named_by_arn_as_well(kinesis: Any, stream: str) -> None:
    arn = kinesis.describe_stream(StreamName=stream)["StreamDescription"]["StreamARN"]
    kinesis.put_records(StreamARN=arn, Records=entries(b"x"))
    place = kinesis.get_shard_iterator(StreamARN=arn, ShardId=SHARD, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    assert data(kinesis.get_records(StreamARN=arn, ShardIterator=place)["Records"]) == [b"x"]
