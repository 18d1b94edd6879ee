"""How many messages a second? SendMessage, batches of ten, receive and delete, FIFO with many groups."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import orjson

from benchmarks import load, wire
from benchmarks.load import Result
from benchmarks.peers import System
from benchmarks.rows import Bench, Row
from benchmarks.specialists import queue_systems

BODY = "m" * 200
BATCH = 10
BACKLOG = 2000  # messages that wait where receiving is measured
DRAIN_SECONDS = 3.0  # at most; slower systems leave some behind
SEND_AIM = 5.0
BATCH_COST = "Ten rows and their entries in three indexes a call, in a database; the peer appends to a list in memory."
CONNECTIONS = (1, 32, 256)

_unique = itertools.count()


def run(bench: Bench) -> None:
    with queue_systems(bench.folder) as specialists:
        _run(replace(bench, systems=[*bench.systems, *specialists]))


def _run(bench: Bench) -> None:
    urls = {system.name: {name: _queue(system, name) for name in QUEUES} for system in bench.systems}
    for system in bench.systems:
        _fill(system, urls[system.name]["deep"])

    def sends(system: System) -> Sequence[bytes]:
        return [wire.sqs(system.url, "SendMessage", {"QueueUrl": urls[system.name]["one"], "MessageBody": BODY})]

    def batches(system: System) -> Sequence[bytes]:
        return [wire.sqs(system.url, "SendMessageBatch", _batch(urls[system.name]["ten"]))]

    def receives(system: System) -> Sequence[bytes]:
        body = {"QueueUrl": urls[system.name]["deep"], "MaxNumberOfMessages": BATCH, "VisibilityTimeout": 0}
        return [wire.sqs(system.url, "ReceiveMessage", body)]

    def fifo(system: System) -> Sequence[bytes]:
        url = urls[system.name]["order.fifo"]
        return [wire.sqs(system.url, "SendMessage", {"QueueUrl": url, **_ordered()}) for _ in range(20_000)]

    ten: dict[str, Any] = {"per_call": BATCH, "unit": "messages/s"}
    for connections in CONNECTIONS:
        aim = SEND_AIM if connections == 32 else None
        bench.compare("SQS SendMessage, 200 B", connections, sends, aim=aim)
        bench.compare("SQS SendMessageBatch, 10 x 200 B", connections, batches, aim=aim, because=BATCH_COST, **ten)
        bench.compare("SQS ReceiveMessage of 10", connections, receives, aim=aim, **ten)
        bench.compare("SQS SendMessage to a FIFO queue, 1,000 groups", connections, fifo, aim=aim)
        _consume(bench, urls, connections)


QUEUES = ("one", "ten", "deep", "drain", "order.fifo")


def _queue(system: System, name: str) -> str:
    attributes = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    client = _client(system)
    return str(client.create_queue(QueueName=f"bench-{name}", Attributes=attributes)["QueueUrl"])


def _fill(system: System, url: str, messages: int = BACKLOG) -> None:
    requests = [wire.sqs(system.url, "SendMessageBatch", _batch(url))] * (messages // BATCH)
    assert load.send(system.url, requests, connections=4) == len(requests), f"{system.name} did not take the backlog"


def _batch(url: str) -> dict[str, Any]:
    return {"QueueUrl": url, "Entries": [{"Id": str(n), "MessageBody": BODY} for n in range(BATCH)]}


def _ordered() -> dict[str, Any]:
    number = next(_unique)
    return {
        "MessageBody": BODY,
        "MessageGroupId": f"group-{number % 1000}",
        "MessageDeduplicationId": f"send-{number}",
    }


def _consume(bench: Bench, urls: dict[str, dict[str, str]], connections: int) -> None:
    """Receive ten, delete ten, until the queue is empty: by a client in Python, the same for all."""
    if bench.quick and connections == 1:
        return
    runs: dict[str, list[Result]] = {system.name: [] for system in bench.systems}
    for _ in range(bench.rounds):
        for system in bench.systems:
            url = urls[system.name]["drain"]
            _fill(system, url, BACKLOG)
            runs[system.name].append(asyncio.run(_drain(system, url, min(connections, 64))))
    results = {name: load.median(measured) for name, measured in runs.items()}
    question = "SQS receive 10 and delete 10 (a client in Python)"
    bench.add(Row(question, min(connections, 64), results, unit="messages/s"))


async def _drain(system: System, url: str, lanes: int) -> Result:
    """Messages a second from the first receive to the last delete; times are of a receive with its delete."""
    address = urlsplit(system.url)
    times: list[float] = []
    received = 0
    request = {"QueueUrl": url, "MaxNumberOfMessages": BATCH}

    async def lane() -> None:
        nonlocal received
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        while time.perf_counter() < deadline:
            started = time.perf_counter()
            answer = await _ask(reader, writer, wire.sqs(system.url, "ReceiveMessage", request))
            messages = answer.get("Messages", [])
            if not messages:
                break
            entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
            await _ask(
                reader, writer, wire.sqs(system.url, "DeleteMessageBatch", {"QueueUrl": url, "Entries": entries})
            )
            received += len(messages)
            times.append((time.perf_counter() - started) * 1e3)
        writer.close()

    started = time.perf_counter()
    deadline = started + DRAIN_SECONDS
    working = [asyncio.create_task(lane()) for _ in range(lanes)]
    _, stuck = await asyncio.wait(working, timeout=DRAIN_SECONDS + 1)
    for task in stuck:
        task.cancel()  # moto leaves some requests of kept connections without an answer
    elapsed = time.perf_counter() - started
    times.sort()
    if not times:
        return Result(0, 0, 0, 0, 1)
    return Result(received / elapsed, statistics.median(times), times[int(len(times) * 0.99)], 0)


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> dict[str, Any]:
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
    body = await reader.readexactly(length)
    answer: dict[str, Any] = orjson.loads(body) if body else {}
    return answer


def _client(system: System) -> Any:
    import boto3

    session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    return session.client("sqs", endpoint_url=system.url)
