"""What a batch is for: behind a network that takes its time, one request for 25 writes."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from .conftest import make

ROUND_TRIP = 0.02


class SlowRoad:
    """A TCP proxy that carries all bytes, each way, half a round trip late."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port = 0

    def __enter__(self) -> SlowRoad:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        server = self._loop.run_until_complete(asyncio.start_server(self._carry, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        open_roads = asyncio.all_tasks(self._loop)
        for road in open_roads:
            road.cancel()
        self._loop.run_until_complete(asyncio.gather(*open_roads, return_exceptions=True))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._target)
        await asyncio.gather(self._late(reader, back), self._late(there, writer))

    async def _late(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            self._loop.call_later(ROUND_TRIP / 2, target.write, data)
        self._loop.call_later(ROUND_TRIP / 2, target.close)


@pytest.fixture
def far(lake: Any) -> Iterator[Any]:
    """A client that is 20 ms away from the lake."""
    address = urlsplit(lake.endpoint_url)
    assert address.hostname and address.port
    with SlowRoad(address.hostname, address.port) as road:
        yield lake.client("dynamodb", endpoint_url=f"http://127.0.0.1:{road.port}")


@pytest.mark.claim("DDB-538")
def test_a_batch_of_25_takes_one_round_trip_and_not_25(dynamodb: Any, far: Any) -> None:
    table = make(dynamodb, "far", "p:S")
    items = [{"p": {"S": str(number)}} for number in range(25)]
    far.describe_table(TableName=table)  # the connection is made
    started = time.perf_counter()
    for item in items:
        far.put_item(TableName=table, Item=item)
    single = time.perf_counter() - started
    started = time.perf_counter()
    answer = far.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": item}} for item in items]})
    batch = time.perf_counter() - started
    assert answer["UnprocessedItems"] == {}
    assert single >= 25 * ROUND_TRIP
    assert batch >= ROUND_TRIP
    assert batch < single / 5
