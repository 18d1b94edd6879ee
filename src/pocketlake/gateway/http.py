"""The HTTP front: listens, watches over the connections, and hands requests to the application.

    front = Front(handle, HttpLimits(), clock.http_date)
    port = await front.listen("127.0.0.1", 4566)
    await front.close(grace=10)

`handle(request, reply)` is called once a request is there: whole when its body fits the spool (1 MiB), with a
BodyStream as soon as it does not. The application calls `reply(response)` once, at any later time, on the loop.
HTTP/1.1 and HTTP/2 share the port: see Door.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from pocketlake.gateway import listening
from pocketlake.gateway.http_connection import Connection
from pocketlake.gateway.message import Request, Response

if TYPE_CHECKING:
    import ssl as ssl_module

log = logging.getLogger("pocketlake.http")

Reply = Callable[[Response], None]
PREFACE = b"PRI * HTTP/2.0\r\n"  # of a client that speaks HTTP/2 without asking (RFC 9113 3.4)


class Peer(Protocol):
    """What the front knows of a connection, in whatever protocol."""

    transport: asyncio.Transport

    def close_when_done(self) -> None: ...

    def check(self, now: float) -> None: ...


@dataclass(slots=True, frozen=True)
class HttpLimits:
    """What one peer may ask of the front. Seconds are the machine's, not the lake's: they concern sockets."""

    request_line_bytes: int = 16 * 1024  # 414 beyond
    head_bytes: int = 64 * 1024  # 431 beyond
    headers: int = 200  # 431 beyond
    body_bytes: int = 5 * 1024**4  # 413 beyond
    pipelined: int = 32  # requests of one connection that the application has at a time
    connections: int = 10_000  # 503 beyond
    idle_seconds: float = 75.0  # between two requests
    head_seconds: float = 10.0  # from a request's first byte to the end of its head
    body_idle_seconds: float = 60.0  # between two arrivals of a body, or two departures of an answer
    linger_seconds: float = 2.0  # for a refused sender to notice the answer


class Front:
    def __init__(
        self,
        handle: Callable[[Request, Reply], None],
        limits: HttpLimits,
        clock_date: Callable[[], bytes],
    ) -> None:
        """`clock_date` gives the value of the Date header; it is asked for every answer, so it should be cheap."""
        self.handle = handle
        self.limits = limits
        self.clock_date = clock_date
        self.now = 0.0  # the loop's time, as coarse as the sweep
        self.closing = False
        self.connections: set[Peer] = set()
        self._loop: asyncio.AbstractEventLoop
        self._servers: list[listening.Listener | asyncio.Server] = []
        self._sweeper: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._emptied: asyncio.Event | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    async def listen(self, host: str, port: int, ssl: ssl_module.SSLContext | None = None) -> int:
        """Accept connections; returns the port, which the system chooses for 0."""
        self._loop = loop = asyncio.get_running_loop()
        server = await listening.listen(loop, lambda: Door(self, secure=ssl is not None), host, port, ssl)
        self._servers.append(server)
        self.now = loop.time()
        if self._sweeper is None:
            self._sweep()
        bound: int = server.sockets[0].getsockname()[1]
        return bound

    async def close(self, grace: float) -> None:
        """Accept nothing more, finish the requests begun, and abort what is left after `grace` seconds."""
        self.closing = True
        self._emptied = asyncio.Event()
        for server in self._servers:
            server.close()
        for connection in list(self.connections):
            connection.close_when_done()
        if self.connections:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._emptied.wait(), grace)
        if self.connections:
            self._emptied.clear()
            for connection in list(self.connections):
                connection.transport.abort()
            await self._emptied.wait()
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)

    def joined(self, connection: Peer) -> bool:
        """False where there is no room for another one."""
        self.connections.add(connection)
        return not self.closing and len(self.connections) <= self.limits.connections

    def left(self, connection: Peer) -> None:
        self.connections.discard(connection)
        if self._emptied is not None and not self.connections:
            self._emptied.set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self._tasks.add(task := self._loop.create_task(work))
        task.add_done_callback(self._tasks.discard)
        return task

    def _sweep(self) -> None:
        """Once a second look at every connection's deadline: cheaper than a timer a request."""
        self.now = self._loop.time()
        for connection in list(self.connections):
            connection.check(self.now)
        limits = self.limits
        shortest = min(limits.idle_seconds, limits.head_seconds, limits.body_idle_seconds, limits.linger_seconds)
        self._sweeper = self._loop.call_later(min(1.0, shortest / 4), self._sweep)


class Door(asyncio.Protocol):
    """Where a connection comes in: decides by ALPN or by the first bytes which protocol it speaks, and steps aside.

    Until then the connection counts as one of HTTP/1.1, with that protocol's deadlines.
    """

    def __init__(self, front: Front, secure: bool) -> None:
        self._front = front
        self._secure = secure
        self._first = Connection(front, secure)
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        tls = transport.get_extra_info("ssl_object")
        if tls is not None and tls.selected_alpn_protocol() == "h2":
            self._second(transport)
            return
        self._first.connection_made(transport)
        if tls is not None:
            cast(asyncio.Transport, transport).set_protocol(self._first)

    def data_received(self, data: bytes) -> None:
        data = self._held + data
        if not data.startswith(PREFACE[:3]) or self._first.deaf:
            if PREFACE.startswith(data) and not self._first.deaf:
                self._held = data  # P, or PR: of PRI, or of POST, PUT and the like
                return
            self._first.transport.set_protocol(self._first)
            self._first.data_received(data)
            return
        self._front.connections.discard(self._first)
        self._second(self._first.transport).data_received(data)

    def _second(self, transport: asyncio.BaseTransport) -> asyncio.Protocol:
        from pocketlake.gateway.http2 import Http2Connection  # h2 is loaded when it is needed

        connection = Http2Connection(self._front, self._secure)
        cast(asyncio.Transport, transport).set_protocol(connection)
        connection.connection_made(transport)
        return connection

    def eof_received(self) -> bool:
        return self._first.eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        self._first.connection_lost(error)

    def pause_writing(self) -> None:
        self._first.pause_writing()

    def resume_writing(self) -> None:
        self._first.resume_writing()
