"""Apache Flink's connector, unchanged: one stream is read across a split, by polling and by fan-out, and copied."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "programs" / "FlinkKinesis.java"
OPENED = ["--add-opens=java.base/java.util=ALL-UNNAMED", "--add-opens=java.base/java.lang=ALL-UNNAMED"]
SECONDS = 100


def put(kinesis, sent, count):
    texts = [f"record {len(sent) + number}" for number in range(count)]
    sent += texts
    kinesis.put_records(StreamName="in", Records=[{"Data": text, "PartitionKey": text} for text in texts])


def read_on(kinesis, place, seen):
    page = kinesis.get_records(ShardIterator=place)
    seen += [record["Data"].decode() for record in page["Records"]]
    return page["NextShardIterator"]


def await_copies(kinesis, place, seen, sent, job, log):
    """Until as many records were copied as were put; where the copies are read on from."""
    deadline = time.monotonic() + SECONDS
    while len(seen) < len(sent):
        assert job.poll() is None, log.read_text()[-5000:]
        assert time.monotonic() < deadline, f"{len(seen)} of {len(sent)}: {log.read_text()[-5000:]}"
        time.sleep(0.25)  # five reads a second are a shard's limit
        place = read_on(kinesis, place, seen)
    return place


@pytest.mark.timeout(SECONDS * 3 + 500)
@pytest.mark.parametrize("mode", ["POLLING", "EFO"])
def test_flink_copies_each_record_across_a_split(mode, lake, packages_of, surroundings, tmp_path):
    jars = packages_of("flink")
    subprocess.run(["javac", "-nowarn", "-cp", f"{jars}/*", "-d", str(tmp_path), str(PROGRAM)], check=True)
    kinesis = lake.client("kinesis")
    for name in ("in", "out"):
        kinesis.create_stream(StreamName=name, ShardCount=1)
    sent: list[str] = []
    seen: list[str] = []
    shard = {"ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
    place = kinesis.get_shard_iterator(StreamName="out", **shard)["ShardIterator"]
    put(kinesis, sent, 200)
    log = tmp_path / "flink.log"
    with log.open("wb") as out:
        command = ["java", *OPENED, "-cp", f"{tmp_path}:{jars}/*", "FlinkKinesis", mode]
        job = subprocess.Popen(command, env=surroundings, cwd=tmp_path, stdout=out, stderr=out)
    try:
        place = await_copies(kinesis, place, seen, sent, job, log)
        kinesis.split_shard(StreamName="in", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127))
        for _ in range(5):
            put(kinesis, sent, 50)
            time.sleep(0.4)
        await_copies(kinesis, place, seen, sent, job, log)
    finally:
        job.kill()
        job.wait()
    assert Counter(seen) == Counter(f"flink read {text}" for text in sent)
