"""Listening sockets whose connections are taken in all at once.

uvloop's own servers accept one connection a turn of the loop (libuv since 1.45). Of 256 clients that come together the
last would be heard after 256 turns, each as long as it takes to serve those who are in: seconds. Here every turn takes
in all that have come.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl as ssl_module

log = logging.getLogger("pocketlake.http")

BACKLOG = 1024
AT_ONCE = 256  # connections taken in by one turn; the rest by the next
FULL = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
GOODBYE_SECONDS = 1.0  # for a peer's end of TLS: one that keeps an idle connection does not read, and never answers
REST_SECONDS = 1.0  # until another try, when the system has no room for more connections


async def listen(
    loop: asyncio.AbstractEventLoop,
    protocol: Callable[[], asyncio.Protocol],
    host: str,
    port: int,
    ssl: ssl_module.SSLContext | None,
) -> Listener | asyncio.Server:
    """Accept connections from now on. Loops that can do it better themselves do it themselves."""
    if not type(loop).__module__.startswith("uvloop"):
        goodbye = GOODBYE_SECONDS if ssl else None
        return await loop.create_server(protocol, host, port, ssl=ssl, backlog=BACKLOG, ssl_shutdown_timeout=goodbye)
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    listener = Listener(loop, protocol, ssl)
    try:
        for family, kind, number, _, address in dict.fromkeys(found):
            listener.add(family, kind, number, address)
    except OSError:
        listener.close()
        raise
    return listener


class Listener:
    """As much of asyncio.Server as the front needs."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: Callable[[], asyncio.Protocol],
        ssl: ssl_module.SSLContext | None,
    ) -> None:
        self.sockets: list[socket.socket] = []
        self._loop = loop
        self._protocol = protocol
        self._ssl = ssl
        self._joining: set[asyncio.Task[None]] = set()

    def add(self, family: int, kind: int, number: int, address: tuple[Any, ...]) -> None:
        """One more address; the first one's port, where the system has chosen it, is that of all."""
        own = socket.socket(family, kind, number)
        self.sockets.append(own)
        own.setblocking(False)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            own.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        port = self.sockets[0].getsockname()[1] or address[1]
        own.bind((address[0], port, *address[2:]))
        own.listen(BACKLOG)
        self._loop.add_reader(own, self._accept, own)

    def close(self) -> None:
        for own in self.sockets:
            self._loop.remove_reader(own)
            own.close()
        self.sockets.clear()
        for task in self._joining:
            task.cancel()

    def _accept(self, own: socket.socket) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, _ = own.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in FULL:
                    raise
                log.error("no connection can be taken in: %s", error)
                self._loop.remove_reader(own)
                self._loop.call_later(REST_SECONDS, self._resume, own)
                return
            connection.setblocking(False)
            task = self._loop.create_task(self._join(connection))
            self._joining.add(task)
            task.add_done_callback(self._joining.discard)

    def _resume(self, own: socket.socket) -> None:
        if own in self.sockets:
            self._loop.add_reader(own, self._accept, own)

    async def _join(self, connection: socket.socket) -> None:
        try:
            goodbye = GOODBYE_SECONDS if self._ssl else None
            await self._loop.connect_accepted_socket(
                self._protocol, connection, ssl=self._ssl, ssl_shutdown_timeout=goodbye
            )
        except asyncio.CancelledError:  # the front closes before it has said who it is
            connection.close()
            raise
        except OSError as error:  # its TLS handshake failed, or it has gone again
            log.debug("a connection came to nothing: %s", error)
            connection.close()
