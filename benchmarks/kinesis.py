"""How many Kinesis calls a second? PutRecord, PutRecords of 500 records of 200 bytes, GetRecords of 500."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from benchmarks import load, wire
from benchmarks.peers import System
from benchmarks.rows import Bench

STREAM = "bench"
READ_STREAM = "bench-read"
SHARDS = 4
RECORD = base64.b64encode(b"r" * 200).decode()
BATCH = 500
SMALL_CALLS_AIM = 10.0
READ_COST = (
    "An answer is 160 kB of Base64 in JSON, some 100 MB/s at this rate: reading 500 rows, encoding and sending them is "
    "the cost on both sides, and neither has room for ten."
)
WRITE_COST = "500 hashed, routed, numbered and stored rows a call, in a database: some 2 ms against the peer's 15."


def run(bench: Bench) -> None:
    for system in bench.systems:
        _prepare(system)
    bench.compare("Kinesis PutRecord, 200 B", 1, put_record)
    bench.compare("Kinesis PutRecord, 200 B", 32, put_record, aim=SMALL_CALLS_AIM)
    batch = {"per_call": BATCH, "unit": "records/s"}
    bench.compare("Kinesis PutRecords, 500 x 200 B", 1, put_records, **batch)
    bench.compare("Kinesis PutRecords, 500 x 200 B", 32, put_records, aim=SMALL_CALLS_AIM, because=WRITE_COST, **batch)
    iterators = {system.name: _iterator(system) for system in bench.systems}

    def reading(system: System) -> Sequence[bytes]:
        return get_records(system, iterators)

    bench.compare("Kinesis GetRecords, 500 x 200 B", 1, reading, **batch)
    bench.compare("Kinesis GetRecords, 500 x 200 B", 32, reading, aim=SMALL_CALLS_AIM, because=READ_COST, **batch)


def put_record(system: System) -> Sequence[bytes]:
    bodies = ({"StreamName": STREAM, "PartitionKey": f"key-{n}", "Data": RECORD} for n in range(64))
    return [wire.kinesis(system.url, "PutRecord", body) for body in bodies]


def put_records(system: System) -> Sequence[bytes]:
    def body(first: int) -> dict[str, Any]:
        records = [{"PartitionKey": f"key-{first + n}", "Data": RECORD} for n in range(BATCH)]
        return {"StreamName": STREAM, "Records": records}

    return [wire.kinesis(system.url, "PutRecords", body(first * BATCH)) for first in range(8)]


def get_records(system: System, iterators: dict[str, str]) -> Sequence[bytes]:
    return [wire.kinesis(system.url, "GetRecords", {"ShardIterator": iterators[system.name], "Limit": BATCH})]


def _prepare(system: System) -> None:
    client = _client(system)
    client.create_stream(StreamName=STREAM, ShardCount=SHARDS)
    client.create_stream(StreamName=READ_STREAM, ShardCount=1)
    for stream in (STREAM, READ_STREAM):
        client.get_waiter("stream_exists").wait(StreamName=stream, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    records = [{"PartitionKey": f"key-{n}", "Data": RECORD} for n in range(BATCH)]
    filling = wire.kinesis(system.url, "PutRecords", {"StreamName": READ_STREAM, "Records": records})
    assert load.send(system.url, [filling] * 2, connections=1) == 2, f"{system.name} did not take the records to read"


def _iterator(system: System) -> str:
    client = _client(system)
    shard = client.list_shards(StreamName=READ_STREAM)["Shards"][0]["ShardId"]
    place = {"StreamName": READ_STREAM, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    return str(client.get_shard_iterator(**place)["ShardIterator"])


def _client(system: System) -> Any:
    import boto3

    session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    return session.client("kinesis", endpoint_url=system.url)
