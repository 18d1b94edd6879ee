"""pocketlake tail and pocketlake plan."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.cli.test_commands import pocketlake

MIDDLE = str(1 << 127)


@pytest.fixture
def flights(lake):
    """Three records in a shard, which is then split, and two in its children."""
    kinesis = lake.client("kinesis")
    kinesis.create_stream(StreamName="flights", ShardCount=1)
    for number in range(3):
        kinesis.put_record(StreamName="flights", PartitionKey="k", Data=b'{"number": %d}' % number)
    kinesis.split_shard(StreamName="flights", ShardToSplit="shardId-000000000000", NewStartingHashKey=MIDDLE)
    lake.clock.advance(minutes=1)
    kinesis.put_record(StreamName="flights", PartitionKey="k", ExplicitHashKey="0", Data=b"text")
    kinesis.put_record(StreamName="flights", PartitionKey="k", ExplicitHashKey=MIDDLE, Data=b"\xff\x00")
    return kinesis


def consumers(kinesis):
    arn = kinesis.describe_stream_summary(StreamName="flights")["StreamDescriptionSummary"]["StreamARN"]
    return kinesis.list_stream_consumers(StreamARN=arn)["Consumers"]


def test_tail_reads_parents_before_children_and_leaves_no_consumer(lake, flights):
    ran = pocketlake(lake, "tail", "flights", "--from", "trim-horizon", "--count", "5", "--json")
    assert ran.returncode == 0, ran.stderr
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [row["data"] for row in rows[:3]] == [{"number": number} for number in range(3)]
    assert {row["shard"][-1] for row in rows[:3]} == {"0"}
    rest = {row["shard"][-1]: row.get("data", row.get("base64")) for row in rows[3:]}
    assert rest == {"1": "text", "2": "/wA="}
    assert consumers(flights) == []


def test_tail_says_shard_sequence_and_age(lake, flights):
    ran = pocketlake(lake, "tail", "flights", "--from", "2020-01-01", "--shard", "shardId-000000000000", "--count", "1")
    shard, sequence, age, unit, key, data = ran.stdout.split(maxsplit=5)
    assert (shard, len(sequence), unit, key, data) == ("shardId-000000000000", 56, "s", "k", '{"number": 0}\n')
    assert float(age) >= 60


def test_tail_prints_what_comes_while_it_runs(lake, flights):
    command = [sys.executable, "-m", "pocketlake.cli.main", "tail", "flights", "--count", "1", "--url"]
    running = subprocess.Popen([*command, lake.endpoint_url], stdout=subprocess.PIPE, text=True)
    try:
        while running.poll() is None:  # until the reader has subscribed, what is put goes by
            flights.put_record(StreamName="flights", PartitionKey="k", Data=b"new")
        assert running.stdout is not None
        assert running.stdout.read().endswith("k  new\n")
    finally:
        running.kill()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["nowhere"], "Stream nowhere under account"), (["flights", "--from", "soon"], "'soon' is neither")],
)
def test_tail_says_what_it_cannot(lake, flights, arguments, said):
    ran = pocketlake(lake, "tail", *arguments)
    assert ran.returncode != 0
    assert said in ran.stderr


def test_plan_from_flags(lake):
    ran = pocketlake(lake, "plan", "kinesis", "--record-kb", "4", "--records-per-second", "1000", "--consumers", "3")
    assert "Shards   6 = max(4,000 / 1,024, 12,000 / 2,048, 1,000 / 1,000)" in ran.stdout
    assert "Provisioned, 6 shards" in ran.stdout
    assert "On-demand" in ran.stdout
    assert pocketlake(lake, "plan", "kinesis", "--record-kb", "4").returncode == 2


def test_plan_from_what_a_stream_has_recorded(lake, flights):
    ran = pocketlake(lake, "plan", "kinesis", "--stream", "flights", "--latency-ms", "100")
    assert "flights (provisioned, 2 open shards) took 5 records" in ran.stdout
    assert "shardId-000000000000 (closed): 60% of them" in ran.stdout
    assert "Shards   1" in ran.stdout
    assert "register them" in ran.stdout
    assert pocketlake(lake, "plan", "kinesis", "--stream", "nowhere").returncode == 1
