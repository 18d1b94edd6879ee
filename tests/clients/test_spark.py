"""Apache Spark's structured streaming with a Kinesis connector from Maven Central: a stream is read across a split."""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "programs" / "SparkKinesis.java"
CLOSED = ("java.lang", "java.lang.invoke", "java.io", "java.net", "java.nio", "java.util", "java.util.concurrent")
OPENED = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in (*CLOSED, "sun.nio.ch", "sun.util.calendar")]
SECONDS = 100


def put(kinesis, sent, count):
    texts = [f"record {len(sent) + number}" for number in range(count)]
    sent += texts
    kinesis.put_records(StreamName="in", Records=[{"Data": text, "PartitionKey": text} for text in texts])


def copies(folder):
    """What was committed: Spark lists a batch's files when all of them are written."""
    listed = set()
    for log in (folder / "copies" / "_spark_metadata").glob("[0-9]*"):
        listed |= {json.loads(line)["path"].rpartition("/")[2] for line in log.read_text().splitlines()[1:]}
    lines = [line for name in listed for line in (folder / "copies" / name).read_text().splitlines()]
    return [json.loads(line)["text"] for line in lines]


def await_copies(folder, sent, job, log):
    deadline = time.monotonic() + SECONDS
    while len(found := copies(folder)) < len(sent):
        assert job.poll() is None, log.read_text()[-5000:]
        assert time.monotonic() < deadline, f"{len(found)} of {len(sent)}: {log.read_text()[-5000:]}"
        time.sleep(0.5)
    return found


@pytest.mark.timeout(SECONDS * 3 + 500)
def test_spark_reads_each_record_across_a_split(lake, packages_of, surroundings, tmp_path):
    jars = packages_of("spark")
    subprocess.run(["javac", "-nowarn", "-cp", f"{jars}/*", "-d", str(tmp_path), str(PROGRAM)], check=True)
    kinesis = lake.client("kinesis")
    kinesis.create_stream(StreamName="in", ShardCount=1)
    sent: list[str] = []
    put(kinesis, sent, 100)
    log = tmp_path / "spark.log"
    with log.open("wb") as out:
        command = ["java", *OPENED, "-cp", f"{tmp_path}:{jars}/*", "SparkKinesis", str(tmp_path)]
        job = subprocess.Popen(command, env=surroundings, cwd=tmp_path, stdout=out, stderr=out)
    try:
        await_copies(tmp_path, sent, job, log)
        kinesis.split_shard(StreamName="in", ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127))
        for _ in range(5):
            put(kinesis, sent, 50)
            time.sleep(0.4)
        found = await_copies(tmp_path, sent, job, log)
    finally:
        job.kill()
        job.wait()
    assert Counter(found) == Counter(sent)
