"""A front with a toy application, and a peer that speaks in raw bytes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
import uvloop

from pocketlake.gateway.http import Front, HttpLimits, Reply
from pocketlake.gateway.message import Request, Response

Handle = Callable[[Request, Reply], None]
DATE = b"Tue, 01 Jan 2013 05:00:00 GMT"
SECONDS = 5.0  # nothing here may take longer than this to show itself

both_loops = pytest.mark.parametrize("loop_name", ["uvloop", "asyncio"])


def run(loop_name: str, work: Coroutine[Any, Any, None]) -> None:
    factory = uvloop.new_event_loop if loop_name == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(asyncio.wait_for(work, 30))


def echo(request: Request, reply: Reply) -> None:
    """Answers with what came, at once; reads streams to their end."""

    async def read() -> None:
        assert not isinstance(request.body, bytes)
        size = 0
        while piece := await request.body.read():
            size += len(piece)
        reply(Response(200, [("X-Streamed", str(size))], b"streamed"))

    if isinstance(request.body, bytes):
        reply(Response(200, [("X-Target", request.target)], request.method.encode() + b" " + request.body))
    else:
        tasks.add(task := asyncio.get_running_loop().create_task(read()))
        task.add_done_callback(tasks.discard)


tasks: set[asyncio.Task[None]] = set()


@contextlib.asynccontextmanager
async def serving(handle: Handle = echo, **limits: Any) -> AsyncIterator[tuple[Front, int]]:
    front = Front(handle, HttpLimits(**limits), lambda: DATE)
    port = await front.listen("127.0.0.1", 0)
    try:
        yield front, port
    finally:
        await front.close(0)
        assert not front.connections


class Peer:
    """One raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def vanish(self) -> None:
        """End with a reset, as a killed process may: a plain close looks like a half-closed peer that still listens."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def answer(self, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        """The next answer: status, headers, body."""
        async with asyncio.timeout(SECONDS):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status_line, *lines = head[:-4].split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            status = int(status_line.split(" ")[1])
            if method == "HEAD" or status in (100, 204, 304):
                return status, headers, b""
            if headers.get("transfer-encoding") == "chunked":
                return status, headers, await self._chunks()
            if "content-length" in headers:
                return status, headers, await self.reader.readexactly(int(headers["content-length"]))
            return status, headers, await self.reader.read()

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            body += (await self.reader.readexactly(size + 2))[:-2]
        assert await self.reader.readexactly(2) == b"\r\n"
        return body

    async def rest(self) -> bytes:
        """All that comes until the front closes."""
        async with asyncio.timeout(SECONDS):
            return await self.reader.read()

    async def closed(self) -> bool:
        return await self.rest() == b""


@contextlib.asynccontextmanager
async def connected(port: int) -> AsyncIterator[Peer]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Peer(reader, writer)
    finally:
        writer.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.002)


def request(line: str = "GET /", body: bytes = b"", **headers: str) -> bytes:
    """A request's bytes; header names are given with _ for -."""
    lines = [f"{line} HTTP/1.1", "Host: localhost"]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
