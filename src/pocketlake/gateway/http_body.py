"""A request's body on its way in: held while small, a stream with back-pressure beyond that."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

SPOOL_BYTES = 1024 * 1024  # a body up to this size is handed over whole
PAUSE_ABOVE_BYTES = 2 * 1024 * 1024  # what a stream may hold before the sender is made to wait
RESUME_BELOW_BYTES = 1024 * 1024
DRAIN_BYTES = 1024 * 1024  # what is read past an early answer to keep the connection usable
PIECE_BYTES = 64 * 1024  # smaller arrivals are joined, so that one-byte chunks cost one byte each


class IncomingBody:
    """A body still arriving (see message.BodyStream). `on_read` is called when reading has made room.

    It belongs to one reader: two reads at once are a fault of the application.
    """

    __slots__ = ("_error", "_loop", "_on_read", "_pieces", "_waiter", "buffered", "complete", "length", "received")

    def __init__(self, loop: asyncio.AbstractEventLoop, length: int | None, on_read: Callable[[], None]) -> None:
        self.length = length
        self.buffered = 0
        self.received = 0
        self.complete = False
        self._loop = loop
        self._on_read = on_read
        self._pieces: deque[bytes | bytearray] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._error: str | None = None

    async def read(self) -> bytes:
        """The next piece, b"" at the end. Raises ConnectionResetError when the rest will not come."""
        while not self._pieces:
            if self._error is not None:
                raise ConnectionResetError(self._error)
            if self.complete:
                return b""
            assert self._waiter is None, "a body has one reader"
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        piece = self._pieces.popleft()
        self.buffered -= len(piece)
        if self.buffered < RESUME_BELOW_BYTES:
            self._on_read()
        return piece if type(piece) is bytes else bytes(piece)

    def feed(self, data: bytes | bytearray) -> None:
        self.received += len(data)
        self.buffered += len(data)
        last = self._pieces[-1] if self._pieces else None
        if type(last) is bytearray and len(last) < PIECE_BYTES:
            last += data
        else:
            self._pieces.append(data if len(data) >= PIECE_BYTES // 4 else bytearray(data))
        self._wake()

    def finish(self) -> None:
        self.complete = True
        self._wake()

    def fail(self, reason: str) -> None:
        """Nothing more will come: what is held can still be read, then read() raises."""
        if not self.complete and self._error is None:
            self._error = reason
            self._wake()

    def discard(self) -> None:
        """The application has answered and will not read on."""
        self._pieces.clear()
        self.buffered = 0

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
