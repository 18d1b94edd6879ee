"""How many Kinesis calls a second? PutRecord, PutRecords of 500 records of 200 bytes, GetRecords of 500."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from benchmarks import load, peers, wire
from benchmarks.peers import System
from benchmarks.rows import Bench

STREAM = "bench"
READ_STREAM = "bench-read"
SHARDS = 4
RECORD = base64.b64encode(b"r" * 200).decode()
BATCH = 500
SIZES = (200, 2000)
SMALL_CALLS_AIM = 10.0
RECORD_COST = (
    "A call is some 40 us of Python: HTTP, signature, JSON, checks, routing, throttling, the row, the answer; "
    "ten times the fastest peer would leave it 40 us with the system calls."
)
READ_COST = (
    "An answer is 160 kB of Base64 in JSON, some 100 MB/s at this rate: reading 500 rows, encoding and sending them is "
    "the cost on both sides, and neither has room for ten."
)
WRITE_COST = "500 hashed, routed, numbered and stored rows a call, in a database: some 2 ms against the peer's 15."


def run(bench: Bench) -> None:
    with ExitStack() as stack:
        systems = bench.systems
        if len(systems) > 1:
            systems = [*systems, *stack.enter_context(peers.stream_systems(bench.folder))]
        _run(bench, systems)


def _run(bench: Bench, systems: list[System]) -> None:
    for system in systems:
        _prepare(system)
    bench.compare("Kinesis PutRecord, 200 B", 1, put_record, systems)
    bench.compare("Kinesis PutRecord, 200 B", 32, put_record, systems, aim=SMALL_CALLS_AIM, because=RECORD_COST)
    batch = {"per_call": BATCH, "unit": "records/s"}
    for size in SIZES:
        question = f"Kinesis PutRecords, 500 x {size} B"
        bench.compare(question, 1, puts(size), systems, **batch)
        bench.compare(question, 32, puts(size), systems, aim=SMALL_CALLS_AIM, because=WRITE_COST, **batch)
    bench.compare("Kinesis GetRecords, 500 x 200 B", 1, get_records, systems, **batch)
    bench.compare(
        "Kinesis GetRecords, 500 x 200 B", 32, get_records, systems, aim=SMALL_CALLS_AIM, because=READ_COST, **batch
    )


def put_record(system: System) -> Sequence[bytes]:
    bodies = ({"StreamName": STREAM, "PartitionKey": f"key-{n}", "Data": RECORD} for n in range(64))
    return [wire.kinesis(system.url, "PutRecord", body) for body in bodies]


def puts(size: int) -> Callable[[System], Sequence[bytes]]:
    """Requests of 500 records of `size` bytes."""
    record = base64.b64encode(b"r" * size).decode()

    def body(first: int) -> dict[str, Any]:
        records = [{"PartitionKey": f"key-{first + n}", "Data": record} for n in range(BATCH)]
        return {"StreamName": STREAM, "Records": records}

    return lambda system: [wire.kinesis(system.url, "PutRecords", body(first * BATCH)) for first in range(8)]


def get_records(system: System) -> Sequence[bytes]:
    """An iterator lives five minutes on AWS and on most of its likenesses: each run gets its own."""
    return [wire.kinesis(system.url, "GetRecords", {"ShardIterator": _iterator(system), "Limit": BATCH})]


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
