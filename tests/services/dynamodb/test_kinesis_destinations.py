"""Kinesis data streams for DynamoDB: states, and each change delivered once and in order."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.config import Config

import pocketlake

from .conftest import invalid, make
from .stream_reader import specification

INVALID = "Table is not in a valid state to enable Kinesis Streaming Destination: "
NOT_ACTIVE = f"{INVALID}KinesisStreamingDestination must be ACTIVE to perform DISABLE operation."
NOT_DISABLED = (
    f"{INVALID}EnableKinesisStreamingDestination must be DISABLED or ENABLE_FAILED to perform ENABLE operation."
)
PRECISION = "ApproximateCreationDateTimePrecision"


@pytest.fixture
def kinesis(lake: Any) -> Any:
    return lake.client("kinesis", config=Config(retries={"total_max_attempts": 1}))


@pytest.fixture
def stream(kinesis: Any) -> str:
    return made(kinesis, "changes")


@pytest.fixture
def things(dynamodb: Any, table: str, stream: str) -> dict[str, str]:
    """A table with a destination, as requests name them."""
    both = {"TableName": table, "StreamArn": stream}
    dynamodb.enable_kinesis_streaming_destination(**both)
    return both


def made(kinesis: Any, name: str, shards: int = 1) -> str:
    kinesis.create_stream(StreamName=name, ShardCount=shards)
    return str(kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"])


def item(p: str, s: int = 0, **more: Any) -> dict[str, Any]:
    return {"p": {"S": p}, "s": {"N": str(s)}, **more}


def delivered(lake: Any, name: str = "changes") -> list[dict[str, Any]]:
    """What lies in the stream, shard after shard."""
    lake.clock.advance(0)  # until nothing is under way
    kinesis = lake.client("kinesis")
    found: list[dict[str, Any]] = []
    for shard in kinesis.list_shards(StreamName=name)["Shards"]:
        asked = {"StreamName": name, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        following = kinesis.get_shard_iterator(**asked)["ShardIterator"]
        while following:
            page = kinesis.get_records(ShardIterator=following)
            following = page.get("NextShardIterator") if page["Records"] else None
            found += page["Records"]
            lake.clock.advance(5)
    return found


def changes(lake: Any, name: str = "changes") -> list[dict[str, Any]]:
    return [json.loads(record["Data"]) for record in delivered(lake, name)]


def states(dynamodb: Any, table: str = "things") -> list[tuple[str, str]]:
    shown = dynamodb.describe_kinesis_streaming_destination(TableName=table)["KinesisDataStreamDestinations"]
    return [(one["StreamArn"].rpartition("/")[2], one["DestinationStatus"]) for one in shown]


@pytest.mark.claim("DDB-615")
def test_a_destination_is_enabled_and_disabled(lake: Any, dynamodb: Any, table: str, stream: str) -> None:
    assert states(dynamodb) == []
    both = {"TableName": table, "StreamArn": stream}
    assert invalid(dynamodb.disable_kinesis_streaming_destination, **both) == NOT_ACTIVE
    answer = dynamodb.enable_kinesis_streaming_destination(**both)
    assert answer["DestinationStatus"] == "ENABLING"
    assert answer["EnableKinesisStreamingConfiguration"] == {}
    assert states(dynamodb) == [("changes", "ACTIVE")]
    assert invalid(dynamodb.enable_kinesis_streaming_destination, **both) == NOT_DISABLED
    other = {**both, "StreamArn": made(lake.client("kinesis"), "other")}
    assert invalid(dynamodb.enable_kinesis_streaming_destination, **other) == NOT_DISABLED
    configured = {**both, "EnableKinesisStreamingConfiguration": {PRECISION: "MICROSECOND"}}
    said = invalid(dynamodb.disable_kinesis_streaming_destination, **configured)
    assert said == "Stream cannot be disabled using EnableKinesisStreamingConfiguration parameters"
    assert dynamodb.disable_kinesis_streaming_destination(**both)["DestinationStatus"] == "DISABLING"
    lake.clock.advance(0)
    assert states(dynamodb) == [("changes", "DISABLED")]
    dynamodb.enable_kinesis_streaming_destination(**other)
    assert states(dynamodb) == [("other", "ACTIVE"), ("changes", "DISABLED")]


def test_what_cannot_be_enabled_says_so_afterwards(dynamodb: Any, table: str, stream: str) -> None:
    both = {"TableName": table, "StreamArn": f"{stream}-that-is-not-there"}
    assert dynamodb.enable_kinesis_streaming_destination(**both)["DestinationStatus"] == "ENABLING"
    (shown,) = dynamodb.describe_kinesis_streaming_destination(TableName=table)["KinesisDataStreamDestinations"]
    assert shown["DestinationStatus"] == "ENABLE_FAILED"
    assert shown["DestinationStatusDescription"] == "User does not have a permission to use kinesis stream"
    dynamodb.enable_kinesis_streaming_destination(TableName=table, StreamArn=stream)
    assert states(dynamodb) == [("changes", "ACTIVE"), ("changes-that-is-not-there", "ENABLE_FAILED")]


@pytest.mark.claim("DDB-612")
def test_a_record_is_as_documented(lake: Any, dynamodb: Any, things: dict[str, str]) -> None:
    now = lake.clock.freeze().timestamp()
    dynamodb.put_item(TableName="things", Item=item("p", 1, v={"S": "old"}))
    dynamodb.put_item(TableName="things", Item=item("p", 1, v={"S": "new"}))
    dynamodb.delete_item(TableName="things", Key=item("p", 1))
    records = delivered(lake)
    first, second, third = (json.loads(record["Data"]) for record in records)
    assert first == {
        "awsRegion": "us-east-1",
        "eventID": first["eventID"],
        "eventName": "INSERT",
        "userIdentity": None,
        "recordFormat": "application/json",
        "tableName": "things",
        "dynamodb": {
            "ApproximateCreationDateTime": int(now * 1000),
            "Keys": item("p", 1),
            "NewImage": item("p", 1, v={"S": "old"}),
            "SizeBytes": 5 + 5 + 4,
            PRECISION: "MILLISECOND",
        },
        "eventSource": "aws:dynamodb",
    }
    assert (second["eventName"], third["eventName"]) == ("MODIFY", "REMOVE")
    assert second["dynamodb"]["OldImage"] == first["dynamodb"]["NewImage"]
    assert "NewImage" not in third["dynamodb"]
    assert len({record["PartitionKey"] for record in records}) == 1
    assert len({one["eventID"] for one in (first, second, third)}) == 3


@pytest.mark.claim("DDB-614")
def test_times_are_as_precise_as_asked(lake: Any, dynamodb: Any, things: dict[str, str]) -> None:
    def update(**asked: Any) -> Any:
        return {**things, "UpdateKinesisStreamingConfiguration": asked}

    assert "cannot be null" in invalid(dynamodb.update_kinesis_streaming_destination, **update())
    said = invalid(dynamodb.update_kinesis_streaming_destination, **update(**{PRECISION: "MILLISECOND"}))
    assert said.startswith(
        "Invalid Request: Precision is already set to the desired value of MILLISECOND for tableId: "
    )
    absent = {**update(**{PRECISION: "MICROSECOND"}), "StreamArn": "arn:aws:kinesis:us-east-1:000000000000:stream/no"}
    said = invalid(dynamodb.update_kinesis_streaming_destination, **absent)
    assert said.startswith(f"{INVALID}No streaming destination with streamArn: ")
    answer = dynamodb.update_kinesis_streaming_destination(**update(**{PRECISION: "MICROSECOND"}))
    assert answer["DestinationStatus"] == "UPDATING"
    now = lake.clock.now().timestamp()
    dynamodb.put_item(TableName="things", Item=item("p"))
    (change,) = changes(lake)
    assert change["dynamodb"][PRECISION] == "MICROSECOND"
    assert change["dynamodb"]["ApproximateCreationDateTime"] == pytest.approx(now * 1e6, abs=60e6)
    dynamodb.disable_kinesis_streaming_destination(**things)
    lake.clock.advance(0)
    said = invalid(dynamodb.update_kinesis_streaming_destination, **update(**{PRECISION: "MILLISECOND"}))
    assert "Updates are only allowed in ACTIVE state" in said


def test_only_what_changes_between_enabling_and_disabling_is_delivered(
    lake: Any, dynamodb: Any, table: str, stream: str
) -> None:
    both = {"TableName": table, "StreamArn": stream}
    for turn in range(2):
        dynamodb.put_item(TableName=table, Item=item(f"before{turn}"))
        dynamodb.enable_kinesis_streaming_destination(**both)
        dynamodb.put_item(TableName=table, Item=item(f"while{turn}"))
        dynamodb.disable_kinesis_streaming_destination(**both)
        lake.clock.advance(0)
    dynamodb.put_item(TableName=table, Item=item("after"))
    assert [one["dynamodb"]["Keys"]["p"]["S"] for one in changes(lake)] == ["while0", "while1"]


def test_an_expired_item_is_removed_by_the_service(lake: Any, dynamodb: Any, things: dict[str, str]) -> None:
    dynamodb.update_time_to_live(
        TableName="things", TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"}
    )
    until = str(int(lake.clock.now().timestamp()) + 60)
    dynamodb.put_item(TableName="things", Item=item("p", until={"N": until}))
    lake.clock.advance(minutes=5)
    assert changes(lake)[1]["userIdentity"] == {"principalId": "dynamodb.amazonaws.com", "type": "Service"}


@pytest.mark.claim("DDB-613")
def test_a_stream_that_throttles_gets_everything_in_the_end_and_in_order(
    lake: Any, dynamodb: Any, things: dict[str, str]
) -> None:
    """More than a shard takes in a second, beside another producer; large and small ones of the same keys."""
    lake.clock.freeze()
    kinesis = lake.client("kinesis")
    kinesis.put_record(StreamName="changes", PartitionKey="x", Data=b"x" * 900_000)
    for number in range(60):
        value = {"S": f"{number:03}" + "x" * (20_000 if number % 3 else 10)}
        dynamodb.put_item(TableName="things", Item=item(f"p{number % 5}", v=value))
        lake.clock.advance(0)
    lake.clock.advance(60)
    seen: dict[str, list[str]] = {}
    for record in delivered(lake):
        if record["PartitionKey"] != "x":
            change = json.loads(record["Data"])["dynamodb"]
            key, value = change["Keys"]["p"]["S"], change["NewImage"]["v"]["S"][:3]
            seen.setdefault(key, []).append(value)
    assert seen == {f"p{key}": [f"{number:03}" for number in range(key, 60, 5)] for key in range(5)}


def test_a_stream_that_is_away_gets_what_it_missed(lake: Any, dynamodb: Any, things: dict[str, str]) -> None:
    kinesis = lake.client("kinesis")
    kinesis.delete_stream(StreamName="changes")
    dynamodb.put_item(TableName="things", Item=item("p"))
    lake.clock.advance(minutes=10)
    assert states(dynamodb) == [("changes", "ACTIVE")]
    made(kinesis, "changes")
    lake.clock.advance(minutes=2)
    assert [one["dynamodb"]["Keys"] for one in changes(lake)] == [item("p")]


def test_a_destination_whose_stream_is_gone_can_be_disabled(lake: Any, dynamodb: Any, things: dict[str, str]) -> None:
    lake.client("kinesis").delete_stream(StreamName="changes")
    dynamodb.put_item(TableName="things", Item=item("lost"))
    lake.clock.advance(1)
    dynamodb.disable_kinesis_streaming_destination(**things)
    lake.clock.advance(0)
    assert states(dynamodb) == [("changes", "DISABLED")]
    made(lake.client("kinesis"), "changes")
    dynamodb.enable_kinesis_streaming_destination(**things)
    dynamodb.put_item(TableName="things", Item=item("kept"))
    assert [one["dynamodb"]["Keys"]["p"]["S"] for one in changes(lake)] == ["kept"]


def test_a_change_that_no_record_can_hold_does_not_stop_the_others(
    lake: Any, dynamodb: Any, things: dict[str, str]
) -> None:
    """What AWS counts as 390 KB is more than 1 MiB of JSON where a list has many small numbers."""
    many = {"L": [{"N": "1"}] * 130_000}
    dynamodb.put_item(TableName="things", Item=item("large", v=many))
    dynamodb.put_item(TableName="things", Item=item("large"))
    dynamodb.put_item(TableName="things", Item=item("small"))
    assert [one["dynamodb"]["Keys"]["p"]["S"] for one in changes(lake)] == ["small"]


def test_a_deleted_tables_successor_has_no_destination(lake: Any, dynamodb: Any, things: dict[str, str]) -> None:
    dynamodb.delete_table(TableName="things")
    make(dynamodb, "things", "p:S", "s:N")
    dynamodb.put_item(TableName="things", Item=item("p"))
    assert changes(lake) == []
    assert states(dynamodb) == []


def test_a_stream_of_the_tables_own_is_another_matter(lake: Any, dynamodb: Any, things: dict[str, str]) -> None:
    for asked in (specification(), {"StreamEnabled": False}):
        dynamodb.update_table(TableName="things", StreamSpecification=asked)
        assert states(dynamodb) == [("changes", "ACTIVE")]
    dynamodb.put_item(TableName="things", Item=item("p"))
    assert len(changes(lake)) == 1


def test_a_restart_delivers_the_rest_once(tmp_path: Any) -> None:
    with pocketlake.run(tmp_path) as lake:
        dynamodb = lake.client("dynamodb")
        make(dynamodb, "things", "p:S", "s:N")
        kinesis = lake.client("kinesis")
        arn = made(kinesis, "changes")
        dynamodb.enable_kinesis_streaming_destination(TableName="things", StreamArn=arn)
        lake.clock.freeze()
        kinesis.put_record(StreamName="changes", PartitionKey="x", Data=b"x" * 400_000)
        for number in range(3):
            dynamodb.put_item(TableName="things", Item=item("p", number, v={"S": "x" * 300_000}))
    with pocketlake.run(tmp_path) as lake:
        lake.clock.advance(60)
        found = [json.loads(one["Data"]) for one in delivered(lake) if one["PartitionKey"] != "x"]
        assert [one["dynamodb"]["Keys"]["s"]["N"] for one in found] == ["0", "1", "2"]


def test_from_a_table_by_kinesis_and_firehose_to_a_file(lake: Any, dynamodb: Any, things: dict[str, str]) -> None:
    """The way of change data capture into a lake."""
    s3, firehose = lake.client("s3"), lake.client("firehose")
    s3.create_bucket(Bucket="lake")
    role = "arn:aws:iam::000000000000:role/r"
    firehose.create_delivery_stream(
        DeliveryStreamName="changes",
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": things["StreamArn"], "RoleARN": role},
        ExtendedS3DestinationConfiguration={
            "BucketARN": "arn:aws:s3:::lake",
            "RoleARN": role,
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
            "ProcessingConfiguration": {"Enabled": True, "Processors": [{"Type": "AppendDelimiterToRecord"}]},
        },
    )
    for number in range(20):
        dynamodb.put_item(TableName="things", Item=item("p", number % 7, v={"N": str(number)}))
    dynamodb.delete_item(TableName="things", Key=item("p", 0))
    lake.clock.advance(minutes=5)
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket="lake")["Contents"]]
    lines = b"".join(s3.get_object(Bucket="lake", Key=key)["Body"].read() for key in keys).splitlines()
    table: dict[str, Any] = {}
    for line in lines:
        change = json.loads(line)["dynamodb"]
        key = change["Keys"]["s"]["N"]
        assert table.pop(key, None) == change.get("OldImage")
        if "NewImage" in change:
            table[key] = change["NewImage"]
    scanned = dynamodb.scan(TableName="things")["Items"]
    assert sorted(map(str, table.values())) == sorted(map(str, scanned))
    assert len(lines) == 21
