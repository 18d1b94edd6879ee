"""What producers and consumers make of a stream: duplicates and their cure, checkpoints, leases, scaling by hand."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography.fernet import Fernet

from pocketlake.gateway.model import load, python_name
from pocketlake.services.kinesis import service

from .conftest import SHARD, data, iterator, read

FULL = "1" * (1024 * 1024 - 100)


@pytest.fixture
def table(lake: Any) -> Any:
    """A sink that remembers what it has seen, by the record's own ID."""
    return table_of(lake, "seen", "id")


def table_of(lake: Any, name: str, key: str, **capacity: Any) -> Any:
    capacity = capacity or {"BillingMode": "PAY_PER_REQUEST"}
    made = lake.resource("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        **capacity,
    )
    lake.clock.advance(seconds=10)
    return made


@pytest.mark.claim("KDS-501")
@pytest.mark.parametrize(
    "payload",
    [
        json.dumps({"app": "shop", "screen": "cart", "at": 1}).encode(),
        b"meter=4711;kWh=12.5",
        b'198.51.100.7 - - [21/Nov/2026:15:00:00 +0000] "GET / HTTP/1.1" 200 512\n',
        bytes(range(256)),
        "2026-11-21 ERROR Gerät läuft heiß\n".encode(),
    ],
    ids=["mobile app", "metering", "click stream", "sensor", "log"],
)
def test_whatever_a_source_sends_comes_back_as_it_was(kinesis: Any, stream: str, payload: bytes) -> None:
    kinesis.put_records(StreamName=stream, Records=[{"Data": payload, "PartitionKey": "k"}] * 3)
    assert data(read(kinesis, stream)) == [payload] * 3


@pytest.mark.claim("KDS-591")
def test_what_a_client_has_encrypted_stays_as_it_is(kinesis: Any, stream: str) -> None:
    cipher = Fernet(Fernet.generate_key())
    sealed = cipher.encrypt(b"a secret")
    kinesis.put_record(StreamName=stream, Data=sealed, PartitionKey="k")
    (found,) = data(read(kinesis, stream))
    assert found == sealed
    assert cipher.decrypt(found) == b"a secret"


@pytest.mark.claim("KDS-036")
def test_only_channels_take_a_stream_to_s3_by_themselves() -> None:
    """They are not built, and say so; Firehose, which stands in between, has its own tests."""
    model = load("kinesis")
    inputs = {one: shape.members for one in model.names() if (shape := model.operation(one).input)}
    to_s3 = {one for one, members in inputs.items() if any("S3" in name or "Bucket" in name for name in members)}
    assert to_s3 == {"CreateChannel", "UpdateChannel"}
    assert not {python_name(one) for one in to_s3} & service.operations.keys()


@pytest.mark.claim("KDS-505")
def test_a_record_goes_from_ingestion_over_the_stream_to_its_storage(kinesis: Any, stream: str, lake: Any) -> None:
    """Each stage in turn: put, stored in the stream, processed (here: set apart by lines), delivered to S3."""
    lake.clock.freeze()
    arn = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamARN"]
    s3, role = lake.client("s3"), "arn:aws:iam::000000000000:role/firehose"
    s3.create_bucket(Bucket="lake")
    lake.client("firehose").create_delivery_stream(
        DeliveryStreamName="to-s3",
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": arn, "RoleARN": role},
        ExtendedS3DestinationConfiguration={
            "RoleARN": role,
            "BucketARN": "arn:aws:s3:::lake",
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
            "ProcessingConfiguration": {
                "Enabled": True,
                "Processors": [{"Type": "AppendDelimiterToRecord", "Parameters": []}],
            },
        },
    )
    kinesis.put_record(StreamName=stream, Data=b"flight 7", PartitionKey="k")
    assert data(read(kinesis, stream)) == [b"flight 7"]
    assert "Contents" not in s3.list_objects_v2(Bucket="lake")
    lake.clock.advance(seconds=70)
    (item,) = s3.list_objects_v2(Bucket="lake")["Contents"]
    assert s3.get_object(Bucket="lake", Key=item["Key"])["Body"].read() == b"flight 7\n"


# Duplicates


@contextmanager
def losing_the_first_answer(lake: Any) -> Iterator[str]:
    """A door to the lake that breaks off in place of the first answer: the request has gone through by then."""
    target = urlsplit(lake.endpoint_url)
    lost = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve() -> None:
            while True:
                try:
                    client, _ = door.accept()
                except OSError:
                    return
                with client, socket.create_connection((target.hostname, target.port)) as server:
                    client.settimeout(0.2)
                    try:
                        while piece := client.recv(65536):
                            server.sendall(piece)
                    except TimeoutError:
                        answer = server.recv(65536)
                        if lost.is_set():
                            client.sendall(answer)
                        lost.set()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
        assert lost.is_set(), "no answer was lost: this tried nothing"
        door.shutdown(socket.SHUT_RDWR)


@pytest.mark.claim("KDS-544", "KDS-545")
def test_a_lost_answer_makes_a_duplicate_that_an_id_in_the_record_tells(
    kinesis: Any, stream: str, lake: Any, table: Any
) -> None:
    with losing_the_first_answer(lake) as door:
        impatient = lake.client("kinesis", endpoint_url=door, config=Config(retries={"max_attempts": 3}))
        impatient.put_record(StreamName=stream, Data=b'{"id": "7"}', PartitionKey="k")
    found = read(kinesis, stream)
    assert data(found) == [b'{"id": "7"}'] * 2
    assert len({record["SequenceNumber"] for record in found}) == 2
    taken = 0
    for record in found:
        try:
            table.put_item(Item=json.loads(record["Data"]), ConditionExpression="attribute_not_exists(id)")
            taken += 1
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ConditionalCheckFailedException"
    assert taken == 1


@pytest.mark.claim("KDS-571")
def test_a_sink_that_knows_its_records_may_see_them_twice(kinesis: Any, stream: str, table: Any) -> None:
    entries = [{"Data": json.dumps({"id": str(n)}).encode(), "PartitionKey": str(n)} for n in range(20)]
    kinesis.put_records(StreamName=stream, Records=entries)
    for _ in range(2):
        for record in read(kinesis, stream):
            table.put_item(Item=json.loads(record["Data"]))
        assert len(table.scan()["Items"]) == 20


class Consumer:
    """Reads from its last checkpoint on; where it stands after that, it knows only while it lives."""

    def __init__(self, kinesis: Any, stream: str, checkpoints: dict[str, str]) -> None:
        self.kinesis, self.stream, self.checkpoints = kinesis, stream, checkpoints

    def read(self, shard: str = SHARD) -> list[Any]:
        after = self.checkpoints.get(shard)
        if after == "SHARD_END":
            return []
        if after is None:
            return read(self.kinesis, self.stream, shard=shard)
        return read(self.kinesis, self.stream, "AFTER_SEQUENCE_NUMBER", shard, StartingSequenceNumber=after)


@pytest.mark.claim("KDS-570", "KDS-610")
def test_a_consumer_that_is_started_again_sees_what_came_after_its_checkpoint(kinesis: Any, stream: str) -> None:
    kinesis.put_records(StreamName=stream, Records=[{"Data": b"%d" % n, "PartitionKey": "k"} for n in range(10)])
    checkpoints: dict[str, str] = {}
    first = Consumer(kinesis, stream, checkpoints).read()
    assert len(first) == 10
    checkpoints[SHARD] = first[5]["SequenceNumber"]
    again = Consumer(kinesis, stream, checkpoints).read()
    assert data(again) == [b"6", b"7", b"8", b"9"]


@pytest.mark.claim("KDS-569")
@pytest.mark.parametrize("ends", [True, False], ids=["checkpointed at the shard's end", "not checkpointed"])
def test_a_split_repeats_only_what_was_not_checkpointed_at_the_shards_end(
    kinesis: Any, stream: str, lake: Any, ends: bool
) -> None:
    kinesis.put_records(StreamName=stream, Records=[{"Data": b"%d" % n, "PartitionKey": "k"} for n in range(4)])
    checkpoints: dict[str, str] = {}
    assert len(Consumer(kinesis, stream, checkpoints).read()) == 4
    kinesis.split_shard(StreamName=stream, ShardToSplit=SHARD, NewStartingHashKey=str(2**127))
    lake.clock.advance(seconds=10)
    kinesis.put_record(StreamName=stream, Data=b"4", PartitionKey="k")
    if ends:
        checkpoints[SHARD] = "SHARD_END"
    consumer = Consumer(kinesis, stream, checkpoints)
    seen = [record for number in range(3) for record in consumer.read(f"shardId-{number:012d}")]
    assert sorted(data(seen)) == ([b"4"] if ends else [b"0", b"1", b"2", b"3", b"4"])


# Capacity


@pytest.mark.claim("KDS-035")
def test_more_shards_let_slow_consumers_catch_up(kinesis: Any, stream: str, lake: Any) -> None:
    """Three readers share a shard's 2 MiB a second: what takes them long on one shard takes less on four."""
    lake.clock.freeze()
    kinesis.create_stream(StreamName="scaled", ShardCount=1)
    lake.clock.advance(seconds=10)
    for count in (2, 4):
        kinesis.update_shard_count(StreamName="scaled", TargetShardCount=count, ScalingType="UNIFORM_SCALING")
        lake.clock.advance(seconds=60)
    seconds = {name: seconds_behind(kinesis, lake, name) for name in (stream, "scaled")}
    assert seconds["scaled"] < seconds[stream]


def seconds_behind(kinesis: Any, lake: Any, name: str) -> int:
    """How long three readers, each polling every open shard once a second, need for 8 MiB."""
    shards = kinesis.list_shards(StreamName=name, ShardFilter={"Type": "AT_LATEST"})["Shards"]
    starts = [int(shard["HashKeyRange"]["StartingHashKey"]) for shard in shards]
    for n in range(8):
        hash_key = str(starts[n % len(starts)])
        kinesis.put_record(StreamName=name, Data=FULL, PartitionKey="k", ExplicitHashKey=hash_key)
        lake.clock.advance(seconds=2)
    places = {
        (reader, shard["ShardId"]): iterator(kinesis, name, shard=shard["ShardId"])
        for reader in range(3)
        for shard in shards
    }
    for second in itertools.count():
        behind = False
        for place, at in places.items():
            try:
                page = kinesis.get_records(ShardIterator=at)
            except kinesis.exceptions.ProvisionedThroughputExceededException:
                behind = True
                continue
            places[place] = page["NextShardIterator"]
            behind |= page["MillisBehindLatest"] > 0
        if not behind:
            return second
        lake.clock.advance(seconds=1)
    raise AssertionError


@pytest.fixture
def crowded(kinesis: Any, stream: str, lake: Any) -> Callable[..., int]:
    """How many of 1,500 records put within a second are refused."""
    lake.clock.freeze()

    def put(**options: Any) -> int:
        failed = 0
        for start in range(0, 1500, 500):
            keys = ("k" if options.get("one_key") else f"key-{start + n}" for n in range(500))
            entries = [{"Data": b"x", "PartitionKey": key} for key in keys]
            answer = kinesis.put_records(StreamName=stream, Records=entries)
            codes = {one["ErrorCode"] for one in answer["Records"] if "ErrorCode" in one}
            assert codes <= {"ProvisionedThroughputExceededException"}
            failed += answer["FailedRecordCount"]
        return failed

    return put


@pytest.mark.claim("KDS-587")
def test_throttling_is_cured_by_more_shards_with_keys_that_use_them(
    crowded: Callable[..., int], kinesis: Any, stream: str, lake: Any
) -> None:
    assert crowded() == 500
    kinesis.split_shard(StreamName=stream, ShardToSplit=SHARD, NewStartingHashKey=str(2**127))
    lake.clock.advance(seconds=10)
    assert crowded(one_key=True) == 500, "one key uses one shard"
    lake.clock.advance(seconds=10)
    assert crowded() == 0


@pytest.mark.claim("KDS-587")
def test_throttling_is_cured_by_patience(crowded: Callable[..., int], stream: str, lake: Any) -> None:
    lake.clock.run(rate=10)  # what a client waits is short by the machine's time
    crowded()
    patient = lake.client("kinesis", config=Config(retries={"mode": "standard", "max_attempts": 10}))
    for _ in range(20):
        patient.put_record(StreamName=stream, Data=FULL, PartitionKey="k")


@pytest.mark.claim("KDS-560", "KDS-589")
def test_a_lease_table_with_too_little_capacity_holds_up_its_workers(lake: Any) -> None:
    lake.clock.freeze()
    throughput = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    leases = table_of(lake, "leases", "leaseKey", ProvisionedThroughput=throughput)
    impatient = lake.client("dynamodb", config=Config(retries={"total_max_attempts": 1}))

    def renewed(count: int) -> int:
        done = 0
        for n in range(count):
            try:
                impatient.update_item(
                    TableName="leases",
                    Key={"leaseKey": {"S": f"shardId-{n % 20:012d}"}},
                    UpdateExpression="ADD leaseCounter :one",
                    ExpressionAttributeValues={":one": {"N": "1"}},
                )
                done += 1
            except impatient.exceptions.ProvisionedThroughputExceededException:
                break
        return done

    assert renewed(400) < 400, "what was saved up (at most 300 s) is spent, and one renewal a second is left"
    leases.update(ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 500})
    lake.clock.advance(seconds=60)
    assert renewed(400) == 400
