"""kill -9 while a stream is written to, split, merged, and read by Firehose: nothing is lost, keys keep their order.

Firehose delivers at least once: what it read and had not yet noted when it died may
come again, as on AWS; how much did is printed.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pocketlake.embedded import EmbeddedLake

from .mortal import ROUNDS, Mortal
from .test_kill import list_objects
from .writers import IMPATIENT, Writers

STREAM = "resharded"
LANDING = "resharded-landing"
WRITERS, KEYS = 3, 5
MOST_SHARDS = 8
BUSY = ("ResourceInUseException", "LimitExceededException", "InvalidArgumentException", "ValidationException")

Line = str  # "key counter", one a record


class Load(Writers):
    """Writers that own their keys and count on in them, one that reshards, one that moves the clock."""

    def __init__(self, lake: EmbeddedLake, round_number: int, seed: int) -> None:
        self.acknowledged: list[Line] = []
        self._round = round_number
        self._kinesis = lake.client("kinesis", config=IMPATIENT)
        self._clock = lake.clock
        self._random = random.Random(seed)
        self._counters: Counter[str] = Counter()
        super().__init__(*(partial(self._put, writer) for writer in range(WRITERS)), self._reshard, self._pass_time)

    def _put(self, writer: int) -> None:
        """One key's records go one by one, each after the last one's answer, so that their order is known."""
        key = f"{self._round}-{writer}-{self._random.randrange(KEYS)}"
        line = f"{key} {self._counters[key]}"
        self._counters[key] += 1
        self._kinesis.put_record(StreamName=STREAM, PartitionKey=key, Data=f"{line}\n".encode())
        self.acknowledged.append(line)

    def _reshard(self) -> None:
        shards = self._kinesis.list_shards(StreamName=STREAM, ShardFilter={"Type": "AT_LATEST"})["Shards"]
        shards.sort(key=lambda shard: int(shard["HashKeyRange"]["StartingHashKey"]))
        try:
            if len(shards) == 1 or (len(shards) < MOST_SHARDS and self._random.random() < 0.5):
                self._split(self._random.choice(shards))
            else:
                at = self._random.randrange(len(shards) - 1)
                left, right = shards[at]["ShardId"], shards[at + 1]["ShardId"]
                self._kinesis.merge_shards(StreamName=STREAM, ShardToMerge=left, AdjacentShardToMerge=right)
        except ClientError as error:
            if error.response["Error"]["Code"] not in BUSY:  # the stream may still be busy with the last change
                raise
        self.stopped.wait(0.05)

    def _split(self, shard: dict[str, Any]) -> None:
        low, high = (int(shard["HashKeyRange"][end]) for end in ("StartingHashKey", "EndingHashKey"))
        middle = self._random.randint(low + 1, high)
        self._kinesis.split_shard(StreamName=STREAM, ShardToSplit=shard["ShardId"], NewStartingHashKey=str(middle))

    def _pass_time(self) -> None:
        self.stopped.wait(self._random.uniform(0.0, 0.1))
        self._clock.advance(seconds=self._random.choice([1, 5, 61]))


@pytest.mark.timeout(60 + 60 * ROUNDS)
def test_a_stream_that_is_resharded_survives_kill_9(tmp_path: Path) -> None:
    # Without limits: the reads of the check would take most of the time; resharding has tests of its limits.
    with Mortal(tmp_path / "lake", "--limits", "off") as mortal:
        lake = mortal.lake
        prepare(lake)
        acknowledged: list[Line] = []
        for number in range(ROUNDS):
            load = Load(lake, number, mortal.chance.randrange(2**32))
            lake = mortal.die(load)
            acknowledged += load.acknowledged
            check_consumer(lake, acknowledged)
        check_landing(lake, acknowledged)
        assert len(acknowledged) > 20 * ROUNDS, "there was hardly any load"


def prepare(lake: EmbeddedLake) -> None:
    lake.client("kinesis").create_stream(StreamName=STREAM, ShardCount=2)
    lake.client("s3").create_bucket(Bucket=LANDING)
    lake.clock.advance(minutes=2)  # streams take their time to become active
    role = "arn:aws:iam::000000000000:role/firehose"
    lake.client("firehose").create_delivery_stream(
        DeliveryStreamName="resharded",
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={
            "KinesisStreamARN": f"arn:aws:kinesis:us-east-1:000000000000:stream/{STREAM}",
            "RoleARN": role,
        },
        ExtendedS3DestinationConfiguration={
            "RoleARN": role,
            "BucketARN": f"arn:aws:s3:::{LANDING}",
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
        },
    )
    lake.clock.advance(minutes=2)


def check_consumer(lake: EmbeddedLake, acknowledged: list[Line]) -> None:
    """Read whole shards, parents first: every acknowledged record is there once, and each key's in their order."""
    lines = list(read_stream(lake.client("kinesis")))
    counts = Counter(lines)
    lost = set(acknowledged) - counts.keys()
    assert not lost, f"{len(lost)} acknowledged records are lost, such as {min(lost)}"
    assert [line for line, count in counts.items() if count > 1] == [], "records that were put once are there twice"
    by_key: dict[str, list[int]] = defaultdict(list)
    for line in lines:
        key, counter = line.split()
        by_key[key].append(int(counter))
    disordered = [key for key, counters in by_key.items() if counters != sorted(counters)]
    assert disordered == [], "keys out of order for a consumer that reads parents first"


def read_stream(kinesis: Any) -> Iterator[Line]:
    shards = {shard["ShardId"]: shard for shard in kinesis.list_shards(StreamName=STREAM)["Shards"]}
    read: set[str] = set()
    while len(read) < len(shards):
        ready = [name for name in shards if name not in read and parents(shards[name]) & shards.keys() <= read]
        assert ready, "the shards' parents form a circle"
        for name in ready:
            yield from read_shard(kinesis, name, "EndingSequenceNumber" in shards[name]["SequenceNumberRange"])
            read.add(name)


def parents(shard: dict[str, Any]) -> set[str]:
    return {shard[member] for member in ("ParentShardId", "AdjacentParentShardId") if shard.get(member)}


def read_shard(kinesis: Any, shard: str, is_closed: bool) -> Iterator[Line]:
    """A closed shard until it says that it ends; an open one until it has no more."""
    place = {"StreamName": STREAM, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    iterator: str | None = kinesis.get_shard_iterator(**place)["ShardIterator"]
    while iterator is not None:
        page = kinesis.get_records(ShardIterator=iterator)
        yield from (record["Data"].decode().strip() for record in page["Records"])
        iterator = page.get("NextShardIterator")
        if not is_closed and not page["Records"]:
            return


def check_landing(lake: EmbeddedLake, acknowledged: list[Line]) -> None:
    """All of the stream landed in S3."""
    for _ in range(5):  # a source is read shard by shard, children after their parents' ends
        lake.clock.advance(minutes=16)
    s3 = lake.client("s3")
    lines: Counter[Line] = Counter()
    for item in list_objects(s3, LANDING):
        lines.update(s3.get_object(Bucket=LANDING, Key=item["Key"])["Body"].read().decode().splitlines())
    lost = set(acknowledged) - lines.keys()
    assert not lost, f"{len(lost)} of {len(acknowledged)} records never landed, such as {min(lost)}"
    again = sum(lines.values()) - len(lines)
    print(f"{len(lines)} records landed, {again} of them came again")
    assert again <= len(lines) / 10, "far more came again than a buffer that died can explain"
