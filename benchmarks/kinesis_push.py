"""How long from a put to the subscriber's hands? PutRecord -> SubscribeToShard, alone and beside other puts.

`python -m benchmarks.kinesis_push` measures Pocketlake alone. A peer without SubscribeToShard shows as failed.
"""

from __future__ import annotations

import base64
import socket
import statistics
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from benchmarks import peers, wire
from benchmarks.load import Result
from benchmarks.peers import OWN, System, pocketlake
from benchmarks.rows import Bench, Row

STREAM, NOISE = "push", "push-noise"
RECORDS = 2_000
RECORDS_QUICK = 500
NOISE_BATCH = 100
P99_AIM_MS = 20.0
SECONDS = 30.0
BECAUSE = "The event loop serves the other puts in turn, so a push waits for those before it."


def run(bench: Bench) -> None:
    with ExitStack() as stack:
        systems = bench.systems
        if len(systems) > 1:
            systems = [*systems, *stack.enter_context(peers.stream_systems(bench.folder))]
        _run(bench, systems)


def _run(bench: Bench, systems: list[System]) -> None:
    count = RECORDS_QUICK if bench.quick else RECORDS
    for question, noisy in (
        ("Kinesis put -> SubscribeToShard, one record at a time", False),
        ("Kinesis put -> SubscribeToShard, beside PutRecords of 100 x 200 B without pause", True),
    ):
        results = {system.name: _measured(system, count, noisy) for system in systems}
        met = results[OWN].p99_ms <= P99_AIM_MS
        note = f"latency; {'aim' if met else 'MISSED, aim'} p99 {P99_AIM_MS:.0f} ms"
        bench.add(Row(question, 1, results, note=note, because="" if met else BECAUSE))


def _measured(system: System, count: int, noisy: bool) -> Result:
    try:
        with _subscription(system, f"c{time.time_ns()}") as events, _noise(system, noisy):
            return _latencies(system, events, count)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        print(f"{system.name} does not push: {error}", file=sys.stderr)
        return Result(0.0, 0.0, 0.0, 0.0, failed=1)


def _latencies(system: System, events: Iterator[dict[str, Any]], count: int) -> Result:
    """Each record carries the moment of its put; the next one is put when it has come."""
    taken: list[float] = []
    began = time.perf_counter()
    with _connection(system) as peer:
        file = peer.makefile("rb")
        for _ in range(count):
            data = base64.b64encode(struct.pack("d", time.perf_counter())).decode()
            peer.sendall(
                wire.kinesis(system.url, "PutRecord", {"StreamName": STREAM, "PartitionKey": "k", "Data": data})
            )
            while not (records := next(events)["Records"]):
                pass
            now = time.perf_counter()
            taken += [now - struct.unpack("d", base64.b64decode(record["Data"]))[0] for record in records]
            _answer(file)
            if now > began + SECONDS:
                break  # a peer that polls for its subscribers
    spent = time.perf_counter() - began
    p99 = statistics.quantiles(taken, n=100)[98]
    return Result(len(taken) / spent, statistics.median(taken) * 1000, p99 * 1000, 0.0)


@contextmanager
def _subscription(system: System, name: str) -> Iterator[Iterator[dict[str, Any]]]:
    """The events of a new consumer, from raw HTTP/1.1, so that no SDK's parser is measured."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    client = session.client("kinesis", endpoint_url=system.url)
    try:
        for stream in (STREAM, NOISE):
            if stream not in client.list_streams()["StreamNames"]:
                client.create_stream(StreamName=stream, ShardCount=1)
                client.get_waiter("stream_exists").wait(StreamName=stream, WaiterConfig={"Delay": 1})
        arn = client.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]["StreamARN"]
        consumer = client.register_stream_consumer(StreamARN=arn, ConsumerName=name)["Consumer"]["ConsumerARN"]
        deadline = time.perf_counter() + SECONDS
        while (
            client.describe_stream_consumer(ConsumerARN=consumer)["ConsumerDescription"]["ConsumerStatus"] != "ACTIVE"
        ):
            if time.perf_counter() > deadline:
                raise RuntimeError("the consumer does not become ACTIVE")
            time.sleep(0.05)
        shard = client.list_shards(StreamName=STREAM)["Shards"][0]["ShardId"]
    except (BotoCoreError, ClientError) as error:
        raise RuntimeError(str(error)) from None
    with _connection(system) as peer:
        asked = {"ConsumerARN": consumer, "ShardId": shard, "StartingPosition": {"Type": "LATEST"}}
        peer.sendall(wire.kinesis(system.url, "SubscribeToShard", asked))
        events = _events(peer.makefile("rb"))
        if system.name == OWN:
            next(events)  # tells where the reader stands
        yield events


def _events(file: Any) -> Iterator[dict[str, Any]]:
    """Payloads of SubscribeToShardEvent in a chunked body. Raises RuntimeError where there is no such stream."""
    from pocketlake.gateway.protocol import eventstream

    status = file.readline()
    chunked = False
    while (line := file.readline()) not in (b"\r\n", b""):
        chunked = chunked or line.lower().startswith(b"transfer-encoding: chunked")
    if b" 200 " not in status or not chunked:
        raise RuntimeError(f"SubscribeToShard: {status.decode().strip() or 'no answer'}")
    data = b""
    while size := int(file.readline() or b"0", 16):
        data += file.read(size + 2)[:-2]
        while len(data) >= 4 and len(data) >= int.from_bytes(data[:4], "big"):
            message, data = eventstream.decode(data)
            if message.headers[":event-type"] == "SubscribeToShardEvent":
                yield orjson.loads(message.payload)
    raise RuntimeError("the subscription ended")


@contextmanager
def _noise(system: System, noisy: bool) -> Iterator[None]:
    """Someone else's PutRecords, one after the other, on another stream."""
    over = threading.Event()
    record = base64.b64encode(b"r" * 200).decode()
    records = [{"PartitionKey": f"key-{n}", "Data": record} for n in range(NOISE_BATCH)]
    request = wire.kinesis(system.url, "PutRecords", {"StreamName": NOISE, "Records": records})

    def put() -> None:
        while not over.is_set():
            with suppress(OSError, RuntimeError), _connection(system) as peer:  # some peers close when they please
                file = peer.makefile("rb")
                while not over.is_set():
                    peer.sendall(request)
                    _answer(file)

    thread = threading.Thread(target=put)
    if noisy:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if noisy:
            thread.join()


def _answer(file: Any) -> None:
    """Read one answer of known length."""
    if b" 200 " not in (status := file.readline()):
        raise RuntimeError(f"a put failed: {status.decode().strip()}")
    length = 0
    while (line := file.readline()) not in (b"\r\n", b""):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    file.read(length)


def _connection(system: System) -> socket.socket:
    place = urlsplit(system.url)
    peer = socket.create_connection((place.hostname, place.port), timeout=SECONDS)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return peer


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name, pocketlake(Path(name)) as own:
        run(Bench([own], Path(name), seconds=1.0, rounds=1))
