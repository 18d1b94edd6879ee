"""A load generator that is not itself the limit: prebuilt request bytes, sent again and again.

wrk where it is on PATH (one thread of C); otherwise a client of asyncio and httptools, which takes a core for some
20,000 requests/s, and is named in the results.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

import httptools

WRK = shutil.which("wrk")

LUA = """
local names = {%s}
local requests, turn = {}, 0
for index, name in ipairs(names) do
  local file = assert(io.open(name, "rb"))
  requests[index] = file:read("*a")
  file:close()
end
request = function()
  turn = turn %% #requests + 1
  return requests[turn]
end
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format('RESULT {"calls": %%d, "bytes": %%d, "micros": %%d, "p50": %%f, "p99": %%f, "failed": %%d}\\n',
    summary.requests, summary.bytes, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
"""


@dataclass(slots=True, frozen=True)
class Result:
    """Answers a second (good ones only), latencies in milliseconds, bytes received a second, answers in all."""

    rate: float
    p50_ms: float
    p99_ms: float
    bytes_per_second: float
    failed: int = 0
    answers: int = 0


def median(results: Sequence[Result]) -> Result:
    """The run in the middle, by rate."""
    return sorted(results, key=lambda result: result.rate)[len(results) // 2]


def measure(url: str, requests: Sequence[bytes], connections: int, seconds: float) -> Result:
    if WRK:
        return _with_wrk(WRK, url, requests, connections, seconds)
    deadline = time.perf_counter() + seconds
    started = time.perf_counter()
    calls = asyncio.run(_send(url, cycle(requests), connections, deadline))
    return _result(calls, time.perf_counter() - started)


def send(url: str, requests: Iterable[bytes], connections: int = 32, seconds: float = 600.0) -> int:
    """Send each request once; how many were answered well before the time was up."""
    calls = asyncio.run(_send(url, iter(requests), connections, time.perf_counter() + seconds))
    return sum(call.good for call in calls)


def _with_wrk(wrk: str, url: str, requests: Sequence[bytes], connections: int, seconds: float) -> Result:
    with tempfile.TemporaryDirectory(prefix="pocketlake-bench-") as folder:
        names = []
        for index, request in enumerate(requests):
            path = Path(folder) / f"{index}.http"
            path.write_bytes(request)
            names.append(json.dumps(str(path)))
        script = Path(folder) / "load.lua"
        script.write_text(LUA % ", ".join(names))
        # wrk takes whole seconds; its own clock says how long it really ran.
        command = [
            wrk,
            "-t1",
            f"-c{connections}",
            f"-d{max(1, round(seconds))}s",
            "--timeout",
            "30s",
            "-s",
            str(script),
            url,
        ]
        finished = subprocess.run(command, capture_output=True, text=True)
    line = next((line for line in finished.stdout.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        raise RuntimeError(f"wrk gave no result: {finished.stdout} {finished.stderr}")
    found = json.loads(line.removeprefix("RESULT "))
    elapsed = found["micros"] / 1e6
    good = max(0, found["calls"] - found["failed"])
    times = found["p50"] / 1e3, found["p99"] / 1e3
    return Result(good / elapsed, *times, found["bytes"] / elapsed, found["failed"], found["calls"])


@dataclass(slots=True, frozen=True)
class _Call:
    seconds: float
    received: int
    good: bool


def _result(calls: Sequence[_Call], elapsed: float) -> Result:
    good = [call for call in calls if call.good]
    times = sorted(call.seconds * 1e3 for call in good) or [0.0]
    return Result(
        rate=len(good) / elapsed,
        p50_ms=statistics.median(times),
        p99_ms=times[min(len(times) - 1, int(len(times) * 0.99))],
        bytes_per_second=sum(call.received for call in good) / elapsed,
        failed=len(calls) - len(good),
        answers=len(calls),
    )


class _Requests:
    """Hands out the requests until there are none left or the time is up."""

    def __init__(self, requests: Iterator[bytes], deadline: float) -> None:
        self.calls: list[_Call] = []
        self.is_over = False
        self._requests = requests
        self._deadline = deadline

    def next(self) -> bytes | None:
        request = next(self._requests, None) if time.perf_counter() < self._deadline else None
        self.is_over = self.is_over or request is None
        return request


class _Connection(asyncio.Protocol):
    """Writes the next request when an answer has come in whole; ends when the server wants no more on this one."""

    def __init__(self, requests: _Requests) -> None:
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        good = 200 <= self._parser.get_status_code() < 400
        self._requests.calls.append(_Call(time.perf_counter() - self._sent, self._received, good))
        if self._parser.should_keep_alive():
            self._next()
        elif self._transport is not None:
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_result(None)

    def _next(self) -> None:
        assert self._transport is not None
        request = self._requests.next()
        if request is None:
            self._transport.abort()
            return
        self._parser = httptools.HttpResponseParser(self)
        self._received = 0
        self._sent = time.perf_counter()
        self._transport.write(request)


async def _send(url: str, requests: Iterator[bytes], connections: int, deadline: float) -> list[_Call]:
    address = urlsplit(url)
    loop = asyncio.get_running_loop()
    shared = _Requests(requests, deadline)

    async def lane() -> None:
        while not shared.is_over:
            _, connection = await loop.create_connection(lambda: _Connection(shared), address.hostname, address.port)
            await connection.finished

    await asyncio.gather(*(lane() for _ in range(connections)))
    return shared.calls
