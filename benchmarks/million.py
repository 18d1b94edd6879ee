"""What do a million messages, or a million items, cost in memory? `python -m benchmarks.million --millions 1`

Every system takes what it can within the time, through batches of SQS and of DynamoDB, and the growth of its resident
memory is scaled to a million. Pocketlake takes them all, and says what they cost on disk.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import load, peers, wire
from benchmarks.peers import System
from benchmarks.specialists import queue_systems, table_systems

VALUE = "v" * 200
CONNECTIONS = 8
PEER_SECONDS = 20.0
OWN_SECONDS = 600.0

Fill = Callable[[System], Iterator[bytes]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=float, default=1.0)
    wanted = int(parser.parse_args().millions * 1e6)
    for what, fill, batch, specialists in (
        ("messages of SQS, 200 B", messages, 10, queue_systems),
        ("items of DynamoDB, 200 B", items, 25, table_systems),
    ):
        with tempfile.TemporaryDirectory(prefix="pocketlake-bench-") as name, ExitStack() as stack:
            folder = Path(name)
            systems = stack.enter_context(peers.systems(folder))
            for system in [*systems, *stack.enter_context(specialists(folder))]:
                print(f"{what}: {_measure(system, fill, batch, wanted, folder)}", flush=True)


def _measure(system: System, fill: Fill, batch: int, wanted: int, folder: Path) -> str:
    requests = fill(system)
    load.send(system.url, islice(requests, 8), connections=1)  # what its first calls load is not the data's cost
    before, started = system.resident_mb, time.perf_counter()
    seconds = OWN_SECONDS if system.name == peers.OWN else PEER_SECONDS
    taken = batch * load.send(system.url, islice(requests, wanted // batch), CONNECTIONS, seconds)
    took, grown = time.perf_counter() - started, system.resident_mb - before
    found = f"{system.name} took {taken:,} at {taken / took:,.0f}/s; {grown / max(taken, 1) * 1e6:,.0f} MB a million"
    if system.name == peers.OWN:
        disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
        found += f" ({grown:.0f} MB in all; on disk {disk / taken * 1e6:,.0f} MB a million)"
    return found


def messages(system: System) -> Iterator[bytes]:
    url = _client(system, "sqs").create_queue(QueueName="million")["QueueUrl"]
    entries = [{"Id": str(n), "MessageBody": VALUE} for n in range(10)]
    request = wire.sqs(system.url, "SendMessageBatch", {"QueueUrl": url, "Entries": entries})
    while True:
        yield request


def items(system: System) -> Iterator[bytes]:
    _client(system, "dynamodb").create_table(
        TableName="million",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    _client(system, "dynamodb").get_waiter("table_exists").wait(TableName="million")
    first = 0
    while True:
        puts = [
            {"PutRequest": {"Item": {"p": {"S": f"item-{number}"}, "value": {"S": VALUE}}}}
            for number in range(first, first + 25)
        ]
        body = {"RequestItems": {"million": puts}}
        yield wire.json_call(system.url, "dynamodb", "DynamoDB_20120810", "BatchWriteItem", body, "1.0")
        first += 25


def _client(system: System, service: str) -> Any:
    import boto3

    session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    return session.client(service, endpoint_url=system.url)


if __name__ == "__main__":
    main()
