"""What does DAX save on a hot key? GetItem through a cluster against GetItem of DynamoDB itself, both on loopback.

`python -m benchmarks.dax`: requests a second and latencies at 1 and 32 connections. One sender for both: it knows how
long an answer is, so it counts bytes and parses nothing.
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
import time
from pathlib import Path
from typing import cast

import cbor2

from benchmarks import wire
from pocketlake import spawned
from pocketlake.embedded import EmbeddedLake
from pocketlake.gateway.server import new_event_loop

TABLE = "bench"
SECONDS = 4.0
ROUNDS = 3
CONNECTIONS = (1, 32)
GREETING = b"gJ7yne5G\x00\xf6\xa1iUserAgentebench\x00"
AUTHORIZE, GET_ITEM, LISTED = 1489122155, 263244906, -1230579644
TO_SIGN = b"AWS4-HMAC-SHA256\n20260101T000000Z\n20260101/us-east-1/dax/aws4_request\n" + b"0" * 64
STAMP = "%Y%m%dT%H%M%SZ"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = spawned.start(Path(folder) / "lake")
        try:
            host, port = _prepare(lake)
            plain = wire.json_call(
                lake.endpoint_url,
                "dynamodb",
                "DynamoDB_20120810",
                "GetItem",
                {"TableName": TABLE, "Key": {"id": {"S": "hot"}}},
                "1.0",
            )
            cached = b"".join(map(cbor2.dumps, (1, GET_ITEM, TABLE.encode(), b"hot", None)))
            web = lake.endpoint_url.rpartition("/")[2].split(":")
            for connections in CONNECTIONS:
                for name, at, opening, request in (
                    ("GetItem through DAX", (host, port), _opening(), cached),
                    ("GetItem of DynamoDB", (web[0], int(web[1])), b"", plain),
                ):
                    _report(name, connections, at, opening, request)
        finally:
            lake.stop()


def _prepare(lake: EmbeddedLake) -> tuple[str, int]:
    dynamodb, dax = lake.client("dynamodb"), lake.client("dax")
    dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 40_000, "WriteCapacityUnits": 10},
    )
    dynamodb.put_item(TableName=TABLE, Item={"id": {"S": "hot"}, "value": {"S": "v" * 200}, "count": {"N": "1"}})
    role = "arn:aws:iam::000000000000:role/dax"
    dax.create_cluster(ClusterName="bench", NodeType="dax.t3.small", ReplicationFactor=1, IamRoleArn=role)
    lake.clock.advance(5)
    endpoint = dax.describe_clusters()["Clusters"][0]["ClusterDiscoveryEndpoint"]
    return endpoint["Address"], endpoint["Port"]


def _opening() -> bytes:
    stamp = time.strftime(STAMP, time.gmtime()).encode()
    to_sign = TO_SIGN.replace(b"20260101T000000Z", stamp).replace(b"20260101/", stamp[:8] + b"/")
    return GREETING + b"".join(map(cbor2.dumps, (1, AUTHORIZE, "test", "none", to_sign, None, None)))


def _answer_bytes(at: tuple[str, int], opening: bytes, request: bytes) -> int:
    """How long the answer is. The second is taken: the first fills the cache."""
    with socket.create_connection(at) as connection:
        connection.sendall(opening + request)
        time.sleep(0.3)
        connection.recv(65536)
        connection.sendall(request)
        time.sleep(0.3)
        return len(connection.recv(65536))


def _report(name: str, connections: int, at: tuple[str, int], opening: bytes, request: bytes) -> None:
    size = _answer_bytes(at, opening, request)
    loop = new_event_loop()
    best: tuple[float, list[float]] = (0.0, [])
    for _ in range(ROUNDS):
        times = loop.run_until_complete(_load(at, connections, opening, request, size))
        best = max(best, (len(times) / SECONDS, sorted(times)))
    loop.close()
    rate, times = best
    p50, p99 = (times[int(len(times) * part)] * 1000 for part in (0.5, 0.99))
    print(f"{name:<22}{connections:>4} connections {rate:>10,.0f} requests/s   p50 {p50:.3f} ms   p99 {p99:.3f} ms")


async def _load(at: tuple[str, int], connections: int, opening: bytes, request: bytes, size: int) -> list[float]:
    times: list[float] = []
    loop = asyncio.get_running_loop()
    deadline = loop.time() + SECONDS
    lanes = [
        loop.create_connection(lambda: Lane(opening, request, size, times, deadline), *at) for _ in range(connections)
    ]
    made = [await lane for lane in lanes]
    await asyncio.gather(*(lane.ended for _, lane in made))
    return times


class Lane(asyncio.Protocol):
    """Asks again as soon as it was answered, until the deadline."""

    def __init__(self, opening: bytes, request: bytes, size: int, times: list[float], deadline: float) -> None:
        self._opening, self._request, self._size = opening, request, size
        self._times, self._deadline = times, deadline
        self._got = 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._sent = time.perf_counter()
        self._transport.write(self._opening + self._request)

    def data_received(self, data: bytes) -> None:
        self._got += len(data)
        if self._got < self._size:
            return
        now = time.perf_counter()
        self._times.append(now - self._sent)
        self._got = 0
        if asyncio.get_running_loop().time() > self._deadline:
            self._transport.close()
            return
        self._sent = now
        self._transport.write(self._request)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


if __name__ == "__main__":
    main()
