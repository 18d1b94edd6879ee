"""kill -9 under load, at random moments: what was acknowledged is there afterwards, once, whole and in order."""

from __future__ import annotations

import gzip
import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from pocketlake.embedded import EmbeddedLake

from .mortal import ROUNDS, Mortal
from .writers import Acknowledged, Load, etag_of

NAMES = {"stream": "faults", "bucket": "faults", "delivery": "faults", "landing": "faults-landing"}
SHARDS = 4
PATIENT = Config(retries={"mode": "standard", "max_attempts": 10})  # shards allow five reads a second


@pytest.mark.timeout(60 + 40 * ROUNDS)
def test_acknowledged_data_survives_kill_9_once_and_whole(tmp_path: Path) -> None:
    with Mortal(tmp_path / "lake") as mortal:
        lake = mortal.lake
        prepare(lake)
        acknowledged: list[Acknowledged] = []
        for number in range(ROUNDS):
            load = Load(lake, NAMES, number, mortal.chance.randrange(2**32))
            lake = mortal.die(load)
            acknowledged.append(load.acknowledged)
            check_records(lake, acknowledged)
            check_objects(lake, acknowledged)
        check_deliveries(lake, acknowledged)
        assert sum(len(each.records) for each in acknowledged) > 100 * ROUNDS, "there was hardly any load"


def prepare(lake: EmbeddedLake) -> None:
    lake.client("kinesis").create_stream(StreamName=NAMES["stream"], ShardCount=SHARDS)
    s3 = lake.client("s3")
    s3.create_bucket(Bucket=NAMES["bucket"])
    s3.create_bucket(Bucket=NAMES["landing"])
    lake.client("firehose").create_delivery_stream(
        DeliveryStreamName=NAMES["delivery"],
        ExtendedS3DestinationConfiguration={
            "RoleARN": "arn:aws:iam::000000000000:role/firehose",
            "BucketARN": f"arn:aws:s3:::{NAMES['landing']}",
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
            "CompressionFormat": "GZIP",
        },
    )
    lake.clock.advance(minutes=2)  # streams take their time to become active
    status = lake.client("kinesis").describe_stream_summary(StreamName=NAMES["stream"])
    assert status["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE"


def check_records(lake: EmbeddedLake, acknowledged: list[Acknowledged]) -> None:
    """Every acknowledged record lies on its shard under its number, once, in order; nothing is there unasked."""
    promised = {(shard, number): data for each in acknowledged for shard, number, data in each.records}
    attempted = {data for each in acknowledged for data in each.attempted_records}
    found = list(stored_records(lake))
    by_place = {(shard, number): data for shard, number, data in found}
    lost = {place: data for place, data in promised.items() if by_place.get(place) != data}
    assert not lost, f"{len(lost)} acknowledged records are lost, such as {next(iter(lost.items()))}"
    doubled = [data for data, count in Counter(data for _, _, data in found).items() if count > 1]
    assert not doubled, f"records that were put once are there twice: {doubled[:5]}"
    assert {data for _, _, data in found} <= attempted
    for shard in {shard for shard, _, _ in found}:
        numbers = [int(number) for place, number, _ in found if place == shard]
        assert numbers == sorted(numbers), f"{shard} is out of order"


def stored_records(lake: EmbeddedLake) -> Iterator[tuple[str, str, str]]:
    kinesis = lake.client("kinesis", config=PATIENT)
    stream = NAMES["stream"]
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        place = {"StreamName": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = kinesis.get_shard_iterator(**place)["ShardIterator"]
        while True:
            page = kinesis.get_records(ShardIterator=iterator, Limit=10_000)
            for record in page["Records"]:
                yield shard["ShardId"], record["SequenceNumber"], record["Data"].decode()
            if not page["Records"]:
                break
            iterator = page["NextShardIterator"]


def check_objects(lake: EmbeddedLake, acknowledged: list[Acknowledged]) -> None:
    """Each acknowledged object is there whole, with its ETag; only a put that was cut off may have taken its place.

    All objects of the last round are read; of those of earlier rounds, whether they are still listed.
    """
    s3 = lake.client("s3")
    listed = {item["Key"]: item for item in list_objects(s3, NAMES["bucket"])}
    promised = {key: etag for each in acknowledged for key, (etag, _) in each.objects.items()}
    lost = promised.keys() - listed.keys()
    assert not lost, f"acknowledged objects are lost: {sorted(lost)[:5]}"
    assert listed.keys() <= {key for each in acknowledged for key in each.attempted_objects}
    last = acknowledged[-1]
    for key in last.attempted_objects.keys() & listed.keys():
        answer = s3.get_object(Bucket=NAMES["bucket"], Key=key)
        body = answer["Body"].read()
        allowed = {last.attempted_objects[key], last.objects.get(key, ("", ""))[1]}
        assert hashlib.sha256(body).hexdigest() in allowed, f"{key} does not hold what was put last"
        assert answer["ETag"] == listed[key]["ETag"] == etag_of(body, 2 if key.startswith("multipart") else 0), key
        assert listed[key]["Size"] == len(body), key


def list_objects(s3: Any, bucket: str) -> Iterator[dict[str, Any]]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        yield from page.get("Contents", [])


def check_deliveries(lake: EmbeddedLake, acknowledged: list[Acknowledged]) -> None:
    """Firehose delivers each record that it took, once, however often it died with a full buffer."""
    lake.clock.advance(minutes=16)
    s3 = lake.client("s3")
    lines: Counter[str] = Counter()
    for item in list_objects(s3, NAMES["landing"]):
        body = s3.get_object(Bucket=NAMES["landing"], Key=item["Key"])["Body"].read()
        lines.update(gzip.decompress(body).decode().splitlines())
    promised = {line for each in acknowledged for line in each.delivered}
    attempted = {line for each in acknowledged for line in each.attempted_delivered}
    assert promised, "Firehose took nothing"
    lost = promised - lines.keys()
    assert not lost, f"{len(lost)} of {len(promised)} records that Firehose took never arrived, such as {min(lost)}"
    assert [line for line, count in lines.items() if count > 1] == [], "records arrived twice"
    assert lines.keys() <= attempted
