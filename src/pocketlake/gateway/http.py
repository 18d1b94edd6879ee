"""The HTTP/1.1 front: listens, watches over the connections, and hands requests to the application.

    front = Front(handle, HttpLimits(), clock.http_date)
    port = await front.listen("127.0.0.1", 4566)
    await front.close(grace=10)

`handle(request, reply)` is called once a request is there: whole when its body fits the spool (1 MiB), with a
BodyStream as soon as it does not. The application calls `reply(response)` once, at any later time, on the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pocketlake.gateway.http_connection import Connection
from pocketlake.gateway.message import Request, Response

if TYPE_CHECKING:
    import ssl as ssl_module

log = logging.getLogger("pocketlake.http")

Reply = Callable[[Response], None]


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
        self.connections: set[Connection] = set()
        self._loop: asyncio.AbstractEventLoop
        self._servers: list[asyncio.Server] = []
        self._sweeper: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._emptied: asyncio.Event | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    async def listen(self, host: str, port: int, ssl: ssl_module.SSLContext | None = None) -> int:
        """Accept connections; returns the port, which the system chooses for 0."""
        self._loop = loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Connection(self, secure=ssl is not None), host, port, ssl=ssl, backlog=1024
        )
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

    def joined(self, connection: Connection) -> bool:
        """False where there is no room for another one."""
        self.connections.add(connection)
        return not self.closing and len(self.connections) <= self.limits.connections

    def left(self, connection: Connection) -> None:
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
