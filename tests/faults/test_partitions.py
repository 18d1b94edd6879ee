"""kill -9 while Firehose sorts records into partitions and delivers them: each lies in its own partition, once."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from pocketlake.embedded import EmbeddedLake

from .mortal import ROUNDS, Mortal
from .test_kill import list_objects
from .writers import IMPATIENT, Writers

STREAM, BUCKET = "partitioned", "partitions"
DEVICES = ["a", "b", "c", "d", None]  # records of None have no partition
WRITERS = 2


class Producer(Writers):
    """Puts records of one round and moves the clock, until the lake is gone under it."""

    def __init__(self, lake: EmbeddedLake, number: int, seed: int) -> None:
        self.accepted: list[str] = []
        self.attempted: set[str] = set()
        self._firehose = lake.client("firehose", config=IMPATIENT)
        self._clock = lake.clock
        self._number = number
        self._chance = random.Random(seed)
        super().__init__(*[self._put] * WRITERS, self._pass_time)

    def _put(self) -> None:
        name = f"{self._number}-{self._chance.getrandbits(64):x}"
        lines = [
            json.dumps({"device": self._chance.choice(DEVICES), "n": f"{name}-{at}", "pad": "x" * 100})
            for at in range(self._chance.randrange(1, 60))
        ]
        self.attempted.update(lines)
        records = [{"Data": f"{line}\n".encode()} for line in lines]
        answer = self._firehose.put_record_batch(DeliveryStreamName=STREAM, Records=records)
        taken = zip(lines, answer["RequestResponses"], strict=True)
        self.accepted += [line for line, response in taken if "RecordId" in response]

    def _pass_time(self) -> None:
        self._clock.advance(self._chance.choice([1, 10, 31, 61]))


@pytest.mark.timeout(60 + 40 * ROUNDS)
def test_each_record_comes_into_its_partition_once_however_often_the_lake_dies(tmp_path: Path) -> None:
    with Mortal(tmp_path / "lake") as mortal:
        prepare(mortal.lake)
        producers = []
        for number in range(ROUNDS):
            producer = Producer(mortal.lake, number, mortal.chance.randrange(2**32))
            mortal.die(producer)
            producers.append(producer)
        lake = mortal.lake
        lake.clock.advance(minutes=10)
        check(lake, producers)


def prepare(lake: EmbeddedLake) -> None:
    lake.client("s3").create_bucket(Bucket=BUCKET)
    extraction = {"MetadataExtractionQuery": "{device: .device}", "JsonParsingEngine": "JQ-1.6"}
    parameters = [{"ParameterName": name, "ParameterValue": value} for name, value in extraction.items()]
    lake.client("firehose").create_delivery_stream(
        DeliveryStreamName=STREAM,
        ExtendedS3DestinationConfiguration={
            "RoleARN": "arn:aws:iam::000000000000:role/firehose",
            "BucketARN": f"arn:aws:s3:::{BUCKET}",
            "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60},
            "Prefix": "device=!{partitionKeyFromQuery:device}/",
            "ErrorOutputPrefix": "bad/!{firehose:error-output-type}/",
            "DynamicPartitioningConfiguration": {"Enabled": True},
            "ProcessingConfiguration": {
                "Enabled": True,
                "Processors": [{"Type": "MetadataExtraction", "Parameters": parameters}],
            },
        },
    )


def check(lake: EmbeddedLake, producers: list[Producer]) -> None:
    s3 = lake.client("s3")
    found: Counter[str] = Counter()
    for item in list_objects(s3, BUCKET):
        if item["Key"].startswith("bad/"):
            continue
        lines = s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read().decode().splitlines()
        assert {f"device={json.loads(line)['device']}" for line in lines} == {item["Key"].partition("/")[0]}
        found.update(lines)
    placed = {line for producer in producers for line in producer.accepted if json.loads(line)["device"]}
    assert len(placed) > 100 * ROUNDS, "there was hardly any load"
    lost = placed - found.keys()
    assert not lost, f"{len(lost)} of {len(placed)} accepted records never arrived, such as {min(lost)}"
    assert [line for line, count in found.items() if count > 1] == [], "records arrived twice"
    assert found.keys() <= {line for producer in producers for line in producer.attempted}
