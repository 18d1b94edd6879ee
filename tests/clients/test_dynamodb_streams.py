"""AWS's own consumer of DynamoDB Streams, unchanged: the Kinesis Client Library behind the DynamoDB Streams Adapter.

Its leases lie in the lake's DynamoDB. The clock is moved past the end of shards while it reads.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pocketlake.embedded import EmbeddedLake

PROGRAM = Path(__file__).parent / "programs" / "DynamoDbStreamsKcl.java"
SECONDS = 240
KEYS, SHARDS = 20, 2


@pytest.fixture
def table(lake: EmbeddedLake) -> str:
    """The ARN of the stream of a table with two partitions."""
    described = lake.client("dynamodb").create_table(
        TableName="things",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 10, "WriteCapacityUnits": 1500},
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    return str(described["TableDescription"]["LatestStreamArn"])


@pytest.fixture
def seen(
    table: str, packages_of: Callable[[str], Path], surroundings: Mapping[str, str], tmp_path: Path
) -> Iterator[Callable[[], list[list[str]]]]:
    """What the consumer has noted so far; it runs as long as the test."""
    packages = packages_of("dynamodbstreams")
    file, log = tmp_path / "seen", tmp_path / "log"
    settings = {**surroundings, "STREAM": table, "SEEN": str(file)}
    command = ["java", "-cp", f"{packages}/*", str(PROGRAM)]
    with open(log, "wb") as output:
        program = subprocess.Popen(command, env=settings, cwd=tmp_path, stdout=output, stderr=output)

    def seen() -> list[list[str]]:
        assert program.poll() is None, log.read_text()[-3000:]
        return [line.split() for line in file.read_text().splitlines()] if file.exists() else []

    yield seen
    program.kill()
    program.wait()


@pytest.mark.timeout(SECONDS + 700)
def test_the_client_library_sees_each_change_once_parents_first(
    lake: EmbeddedLake, table: str, seen: Callable[[], list[list[str]]]
) -> None:
    put: dict[str, list[str]] = {}
    for turn in range(3):
        write(lake, put, 100)
        await_records(seen, sum(map(len, put.values())))
        if turn < 2:
            lake.clock.advance(hours=4)
    notes = seen()
    read: dict[str, list[str]] = {}
    for _, _, key, number in (note for note in notes if note[0] == "record"):
        read.setdefault(key, []).append(number)
    assert read == put
    shards = lake.client("dynamodbstreams").describe_stream(StreamArn=table)["StreamDescription"]["Shards"]
    parents = {shard["ShardId"]: shard["ParentShardId"] for shard in shards if "ParentShardId" in shard}
    assert len(parents) == 2 * SHARDS
    for child, parent in parents.items():
        assert notes.index(["ended", parent]) < notes.index(["began", child])
    leases = {item["leaseKey"]["S"]: item for item in lake.client("dynamodb").scan(TableName="application")["Items"]}
    assert {shard for shard, lease in leases.items() if lease["checkpoint"]["S"] == "SHARD_END"} <= set(
        parents.values()
    )


def write(lake: EmbeddedLake, put: dict[str, list[str]], count: int) -> None:
    dynamodb: Any = lake.client("dynamodb")
    for _ in range(count):
        number = sum(map(len, put.values()))
        key = f"key-{number % KEYS}"
        put.setdefault(key, []).append(str(number))
        dynamodb.put_item(TableName="things", Item={"p": {"S": key}, "n": {"N": str(number)}})


def await_records(seen: Callable[[], list[list[str]]], count: int) -> None:
    deadline = time.monotonic() + SECONDS / 3
    while (found := sum(note[0] == "record" for note in seen())) < count:
        assert time.monotonic() < deadline, f"{found} of {count}"
        time.sleep(0.2)  # another program's pace
