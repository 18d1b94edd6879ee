"""kill -9 under writes to a table: its stream, and the Kinesis stream that it feeds, tell what was acknowledged."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pocketlake.embedded import EmbeddedLake

from .mortal import ROUNDS, Mortal
from .writers import IMPATIENT, Writers

TABLE = KINESIS = "changes"
WRITERS = 4
KEYS = 5  # of each writer


class Load(Writers):
    """Each writer puts and deletes items of its own, with numbers that rise: so an item's history is in order."""

    def __init__(self, lake: EmbeddedLake, numbers: list[int]) -> None:
        self._dynamodb = lake.client("dynamodb", config=IMPATIENT)
        self._numbers = numbers
        self.acknowledged: set[int] = set()
        super().__init__(*(partial(self._write, name) for name in range(WRITERS)))

    def _write(self, name: int) -> None:
        self._numbers[name] += 1
        number = self._numbers[name] * WRITERS + name
        item = {"p": {"S": f"{name}-{number // WRITERS % KEYS}"}, "n": {"N": str(number)}}
        self._dynamodb.put_item(TableName=TABLE, Item=item)
        self.acknowledged.add(number)
        if number % 3 == 0:
            self._dynamodb.delete_item(TableName=TABLE, Key={"p": item["p"]})


@pytest.mark.claim("DDB-603", "DDB-613")
@pytest.mark.timeout(60 + 40 * ROUNDS)
def test_streams_tell_each_acknowledged_change_once_over_kill_9(tmp_path: Path) -> None:
    with Mortal(tmp_path / "lake", "--limits", "off") as mortal:
        prepare(mortal.lake)
        numbers, acknowledged = [0] * WRITERS, set[int]()
        for _ in range(ROUNDS):
            load = Load(mortal.lake, numbers)
            lake = mortal.die(load)
            acknowledged |= load.acknowledged
            check(changes_of_stream(lake), lake, acknowledged)
            lake.clock.advance(0)
            check(changes_of_kinesis(lake), lake, acknowledged)
        assert len(acknowledged) > 50 * ROUNDS, "there was hardly any load"


def prepare(lake: EmbeddedLake) -> None:
    dynamodb, kinesis = lake.client("dynamodb"), lake.client("kinesis")
    dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 2000},
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    kinesis.create_stream(StreamName=KINESIS, ShardCount=1)
    arn = kinesis.describe_stream_summary(StreamName=KINESIS)["StreamDescriptionSummary"]["StreamARN"]
    dynamodb.enable_kinesis_streaming_destination(TableName=TABLE, StreamArn=arn)


def check(changes: list[dict[str, Any]], lake: EmbeddedLake, acknowledged: set[int]) -> None:
    """Each item's images form a chain, its end lies in the table, and no acknowledged one is missing or doubled."""
    table: dict[str, Any] = {}
    put: list[int] = []
    for change in changes:
        key, new = change["Keys"]["p"]["S"], change.get("NewImage")
        assert table.pop(key, None) == change.get("OldImage"), "a change is missing, doubled, or out of its order"
        if new is not None:
            table[key] = new
            put.append(int(new["n"]["N"]))
    assert len(put) == len(set(put))
    lost = acknowledged - set(put)
    assert not lost, f"{len(lost)} acknowledged changes are lost, such as {min(lost)}"
    pages = lake.client("dynamodb").get_paginator("scan").paginate(TableName=TABLE)
    assert table == {item["p"]["S"]: item for page in pages for item in page["Items"]}


def changes_of_stream(lake: EmbeddedLake) -> list[dict[str, Any]]:
    streams = lake.client("dynamodbstreams")
    arn = streams.list_streams()["Streams"][0]["StreamArn"]
    found: list[dict[str, Any]] = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        asked = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        found += records(streams, streams.get_shard_iterator(**asked)["ShardIterator"])
    return [record["dynamodb"] for record in found]


def changes_of_kinesis(lake: EmbeddedLake) -> list[dict[str, Any]]:
    kinesis = lake.client("kinesis")
    asked = {"StreamName": KINESIS, "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
    found = records(kinesis, kinesis.get_shard_iterator(**asked)["ShardIterator"])
    return [json.loads(record["Data"])["dynamodb"] for record in found]


def records(client: Any, iterator: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = client.get_records(ShardIterator=iterator)
        if not page["Records"]:
            return found
        found += page["Records"]
        iterator = page["NextShardIterator"]
