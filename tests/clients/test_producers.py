"""Producers of different kinds share a stream."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


@pytest.mark.claim("KDS-509")
def test_sdk_command_line_and_agent_write_to_the_same_stream(lake, packages_of, surroundings, tmp_path):
    aws = packages_of("awscli").parent / "aws"
    kinesis = lake.client("kinesis")
    kinesis.create_stream(StreamName="logs", ShardCount=1)
    kinesis.put_record(StreamName="logs", PartitionKey="k", Data=b"by boto3\n")
    words = ["kinesis", "put-record", "--stream-name", "logs", "--partition-key", "k", "--data", "by awscli\n"]
    subprocess.run([str(aws), *words], env=surroundings, capture_output=True, timeout=60, check=True)
    (tmp_path / "app.log").write_text("by the agent\n")
    flow = {"filePattern": str(tmp_path / "app.log"), "kinesisStream": "logs", "initialPosition": "START_OF_FILE"}
    settings = {"checkpointFile": str(tmp_path / "checkpoints"), "flows": [flow]}
    (tmp_path / "agent.json").write_text(json.dumps(settings))
    agent = [sys.executable, "-m", "pocketlake.cli.main", "agent", "-c", str(tmp_path / "agent.json"), "--once"]
    subprocess.run(agent, env=surroundings, timeout=60, check=True)
    shard = {"ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
    place = kinesis.get_shard_iterator(StreamName="logs", **shard)["ShardIterator"]
    found = [record["Data"] for record in kinesis.get_records(ShardIterator=place)["Records"]]
    assert found == [b"by boto3\n", b"by awscli\n", b"by the agent\n"]
