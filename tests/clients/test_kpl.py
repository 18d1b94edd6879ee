"""Records as the Kinesis Producer Library packs them: they pass through, and Firehose takes them apart."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pocketlake.embedded import EmbeddedLake
from pocketlake.services.firehose import aggregates

PROGRAMS = Path(__file__).parent / "programs"
ROLE = "arn:aws:iam::000000000000:role/firehose"


@pytest.fixture
def secure_lake(tmp_path) -> Iterator[EmbeddedLake]:
    """A lake that speaks HTTPS, a process of its own: the producer library speaks nothing else."""
    command = [sys.executable, "-m", "pocketlake.cli.main", "up", "--tls", "--port", "0", "--directory", str(tmp_path)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield EmbeddedLake(server.stdout.readline().split()[-1], tmp_path)
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


@pytest.mark.claim("KDS-537", "KDS-539", "KDS-617")
def test_packed_records_pass_through_and_firehose_delivers_what_is_inside(lake, packages_of, surroundings):
    python = packages_of("kpl")
    kinesis = lake.client("kinesis")
    kinesis.create_stream(StreamName="packed", ShardCount=1)
    arn = kinesis.describe_stream_summary(StreamName="packed")["StreamDescriptionSummary"]["StreamARN"]
    lake.client("s3").create_bucket(Bucket="lake")
    lake.client("firehose").create_delivery_stream(
        DeliveryStreamName="unpacked",
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": arn, "RoleARN": ROLE},
        ExtendedS3DestinationConfiguration={
            "RoleARN": ROLE,
            "BucketARN": "arn:aws:s3:::lake",
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
        },
    )
    finished = subprocess.run(
        [str(python), str(PROGRAMS / "kpl_program.py")],
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert finished.returncode == 0, f"{finished.stdout}\n{finished.stderr}"
    *_, told, done = finished.stdout.splitlines()
    assert done == "done"
    lake.clock.advance(90)
    s3 = lake.client("s3")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket="lake")["Contents"]]
    delivered = b"".join(s3.get_object(Bucket="lake", Key=key)["Body"].read() for key in sorted(keys))
    assert delivered == b"".join(base64.b64decode(data) for _, data in json.loads(told))


def raw_records(kinesis, stream):
    shard = {"ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
    place, found = kinesis.get_shard_iterator(StreamName=stream, **shard)["ShardIterator"], []
    is_behind = True
    while is_behind:
        page = kinesis.get_records(ShardIterator=place)
        found += [record["Data"] for record in page["Records"]]
        place, is_behind = page["NextShardIterator"], page["MillisBehindLatest"] > 0
    return found


@pytest.fixture
def produce(packages_of, secure_lake, surroundings, tmp_path):
    """Have the producer library put into a new stream of one shard: (numbers told, most attempts, what is there)."""
    jars = packages_of("kpljava")
    options = {"endpoint_url": secure_lake.endpoint_url, "verify": str(tmp_path / "tls" / "ca.pem")}
    kinesis = secure_lake.client("kinesis", **options)
    port = secure_lake.endpoint_url.rpartition(":")[2]
    program = ["java", f"-Djava.io.tmpdir={tmp_path}", "-cp", f"{jars}/*", str(PROGRAMS / "KplJava.java")]

    def produce(stream, *arguments):
        kinesis.create_stream(StreamName=stream, ShardCount=1)
        finished = subprocess.run(
            [*program, "127.0.0.1", port, stream, *map(str, arguments)],
            env=surroundings,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert finished.returncode == 0, f"{finished.stdout}\n{finished.stderr}"
        *_, told, done = finished.stdout.splitlines()
        assert done == "done"
        numbers, attempts = map(int, told.split())
        return numbers, attempts, raw_records(kinesis, stream)

    return produce


def user_records(records):
    return Counter(data.split()[1] for one in records for _, data in aggregates.unpack(one) or [("", one)])


@pytest.mark.claim("KDS-533", "KDS-534", "KDS-538", "KDS-613", "KDS-615", "KDS-618")
@pytest.mark.timeout(700)
def test_the_producer_library_itself_packs_and_repeats_what_is_throttled(produce):
    """3,000 records go through a shard that takes 1,000 a second, in fewer than 1,000 of them."""
    numbers, attempts, records = produce("packed", 3000, 2000, 100, 0)
    assert attempts > 1
    assert numbers == len(records) < 1000
    assert user_records(records) == Counter(b"%d" % number for number in range(3000))


@pytest.mark.claim("KDS-536", "KDS-588")
@pytest.mark.timeout(700)
def test_the_longer_records_may_wait_the_fewer_are_put(produce):
    """RecordMaxBufferedTime; and who awaits each result leaves nothing to be packed together."""
    packed = {}
    for name, arguments in {"short": (50, 10), "long": (1000, 10), "each": (50, 0, "each")}.items():
        numbers, _, records = produce(name, 60, 20, *arguments)
        assert user_records(records) == Counter(b"%d" % number for number in range(60))
        packed[name] = numbers
    assert packed["long"] < packed["short"] < packed["each"] == 60
