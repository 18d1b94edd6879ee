"""The writing side of a connection: answers in the order of their requests, as fast as the peer takes them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from pocketlake.gateway.http_answer import (
    SMALL_SLICE_BYTES,
    SendFile,
    SendPieces,
    UnsafeHeader,
    duplicate,
    encode_head,
    has_body,
    plain,
    read_slice,
)
from pocketlake.gateway.http_body import DRAIN_BYTES, IncomingBody
from pocketlake.gateway.message import FileSlice, Request, Response

if TYPE_CHECKING:
    import socket

    from pocketlake.gateway.http_connection import Connection

log = logging.getLogger("pocketlake.http")


class Exchange:
    """A request and the answer to come. Calling it is how the application replies."""

    __slots__ = (
        "answered",
        "http10",
        "keep_alive",
        "linger",
        "replied",
        "request",
        "response",
        "settled",
        "stream",
        "writer",
    )

    def __init__(self, writer: Writer, request: Request, keep_alive: bool, http10: bool) -> None:
        self.writer = writer
        self.request = request
        self.keep_alive = keep_alive
        self.http10 = http10
        self.response: Response | None = None
        self.stream: IncomingBody | None = None
        self.replied = False  # by the application
        self.settled = False  # by the front, in the application's place
        self.answered = False  # the answer has been written
        self.linger = False  # the peer may still be sending: let it see the answer before the connection ends

    def __call__(self, response: Response) -> None:
        if self.replied:
            raise RuntimeError("this request has been answered already")
        self.replied = True
        if self.settled or self.writer.is_lost:
            self.writer.discard(response)
            return
        self.response = response
        if not self.writer.flushing:
            self.writer.flush()

    def settle(self, response: Response) -> None:
        """The front's own answer, unless the application has given one; a later one of its is dropped."""
        if self.response is None and not self.writer.is_lost:
            self.settled = True
            self.response = response
            self.writer.flush()


class Writer:
    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.transport = connection.transport
        self.front = connection.front
        self.exchanges: deque[Exchange] = deque()  # what the application has, oldest first
        self.flushing = False
        self.is_lost = False
        self.paused = False
        self._sender: SendFile | SendPieces | None = None
        self._pump: asyncio.Task[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._second: socket.socket | None = None
        self._emptying = False
        self._lingering_until = 0.0
        self._progress = (0, 0)
        self._stalled_at = 0.0

    # --- answers

    def flush(self) -> None:
        """Write the answers that are there, up to the first that is not. Not entered twice."""
        if self.flushing:
            return
        self.flushing = True
        try:
            exchanges = self.exchanges
            while exchanges and not self.paused and self._sender is None and self._pump is None:
                exchange = exchanges[0]
                if exchange.response is None or exchange.answered:
                    break
                self._answer(exchange, exchange.response)
        finally:
            self.flushing = False

    def _answer(self, exchange: Exchange, response: Response) -> None:
        body = response.body
        try:
            if type(body) is bytes:
                self._write(exchange, response, body)
            elif isinstance(body, FileSlice):
                self._write_file(exchange, response, body)
            elif isinstance(body, bytes | bytearray | memoryview):
                self._write(exchange, response, bytes(body))
            else:
                self._write_stream(exchange, response, body)
        except (UnsafeHeader, OSError, EOFError):
            log.exception("%s %s has no sendable answer", exchange.request.method, exchange.request.target)
            exchange.response = plain(500, "Internal error.")
            self.discard(response)

    def _write(self, exchange: Exchange, response: Response, body: bytes) -> None:
        if has_body(exchange.request.method, response.status):
            self.transport.write(self._head(exchange, response, len(body)) + body)
        else:
            length = len(body) if response.length is None else response.length
            self.transport.write(self._head(exchange, response, length))
        self._finish(exchange)

    def _write_file(self, exchange: Exchange, response: Response, piece: FileSlice) -> None:
        if not has_body(exchange.request.method, response.status):
            if response.length is None:
                response.length = piece.length
            self._write(exchange, response, b"")
            return
        if piece.length <= SMALL_SLICE_BYTES:
            self._write(exchange, response, read_slice(piece) if piece.length else b"")
            return
        if self._second is None:
            self._second = duplicate(self.transport)
        if self._second is None:
            self._sender = SendPieces(
                self.front.loop,
                self.transport,
                self._head(exchange, response, piece.length),
                piece,
                lambda: self.paused,
                self._sent,
            )
        elif self.transport.get_write_buffer_size():
            # sendfile goes past the transport, so what the transport still holds must leave first
            self._emptying = True
            self.transport.set_write_buffer_limits(high=0)
            return
        else:
            head = self._head(exchange, response, piece.length)
            self._sender = SendFile(self.front.loop, self._second, head, piece, self._sent)
        self._sender.step()

    def _sent(self, error: Exception | None) -> None:
        self._sender = None
        if error is not None:
            if isinstance(error, EOFError):
                log.error("an answer was cut short: %s", error)
            self.transport.abort()
            return
        self._finish(self.exchanges[0])
        self.flush()

    def _write_stream(self, exchange: Exchange, response: Response, body: AsyncIterator[bytes]) -> None:
        method = exchange.request.method
        chunked = response.length is None and not exchange.http10 and has_body(method, response.status)
        if response.length is None and not chunked:
            exchange.keep_alive = exchange.keep_alive and not has_body(method, response.status)
        head = self._head(exchange, response, response.length, chunked)
        self.transport.write(head)
        if has_body(method, response.status):
            self._pump = self.front.spawn(self._pump_out(exchange, body, response.length, chunked))
        else:
            self.discard(response)
            self._finish(exchange)

    async def _pump_out(
        self, exchange: Exchange, body: AsyncIterator[bytes], length: int | None, chunked: bool
    ) -> None:
        sent = 0
        whole = False
        try:
            async for data in body:
                if not data:
                    continue
                sent += len(data)
                if length is not None and sent > length:
                    raise EOFError(f"the answer's body is longer than the {length} bytes announced")
                self.transport.write(b"%x\r\n%b\r\n" % (len(data), data) if chunked else data)
                if self.paused:
                    await self._wait_for_room()
            if length is not None and sent != length:
                raise EOFError(f"the answer's body ended after {sent} of {length} bytes")
            whole = True
        except Exception:
            log.exception("%s %s: the answer broke off", exchange.request.method, exchange.request.target)
        finally:
            self._pump = None
            await close_iterator(body)
        if self.is_lost:
            return
        if not whole:
            self.transport.abort()
            return
        if chunked:
            self.transport.write(b"0\r\n\r\n")
        self._finish(exchange)
        self.flush()

    async def _wait_for_room(self) -> None:
        self._room = self.front.loop.create_future()
        try:
            await self._room
        finally:
            self._room = None

    def _head(self, exchange: Exchange, response: Response, length: int | None, chunked: bool = False) -> bytes:
        if self._is_last(exchange):
            exchange.keep_alive = False
        status = response.status
        if chunked:
            framing = b"Transfer-Encoding: chunked\r\n"
        elif length is None or status < 200 or status == 204 or (status == 304 and response.length is None):
            framing = b""
        else:
            framing = b"Content-Length: %d\r\n" % length
        if not exchange.keep_alive:
            framing += b"Connection: close\r\n"
        elif exchange.http10:
            framing += b"Connection: keep-alive\r\n"
        return encode_head(response, self.front.clock_date(), framing)

    def _is_last(self, exchange: Exchange) -> bool:
        """Whether the connection ends with this answer."""
        stream = exchange.stream
        if stream is not None and not stream.complete:
            missing = DRAIN_BYTES + 1 if stream.length is None else stream.length - stream.received
            exchange.linger = True
            if missing > DRAIN_BYTES:
                return True
        return self.front.closing and len(self.exchanges) == 1 and self.connection.is_between_requests

    def _finish(self, exchange: Exchange) -> None:
        """The answer is written."""
        exchange.answered = True
        stream = exchange.stream
        if stream is not None and not stream.complete:
            stream.discard()
            if exchange.keep_alive:
                self.connection.update_reading()
                return  # until its body has gone by
        self._leave(exchange)

    def _leave(self, exchange: Exchange) -> None:
        self.exchanges.popleft()
        connection = self.connection
        if not exchange.keep_alive:
            self._end(exchange.linger)
            return
        if connection.waiting or connection.continue_due or connection.reading_paused:
            connection.admit()
        if not self.exchanges and connection.is_between_requests:
            connection.deadline = self.front.now + self.front.limits.idle_seconds
            if connection.ended or self.front.closing:
                self._end(linger=False)

    # --- the rest of a body whose request is answered already

    def body_over(self, exchange: Exchange) -> None:
        """The body is complete or broken off; an answer that was written before has waited for that."""
        if exchange.answered and self.exchanges and self.exchanges[0] is exchange:
            self._leave(exchange)
            self.flush()

    # --- the end

    def _end(self, linger: bool) -> None:
        """Close; where the peer may still be sending, keep dropping that for a while.

        Closing with unread bytes makes the system send a reset, which can destroy the answer before the peer reads it.
        """
        connection = self.connection
        connection.deaf = True
        if not linger or connection.ended:
            self.transport.close()
            return
        connection.update_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._lingering_until = self.front.now + self.front.limits.linger_seconds

    def lost(self) -> None:
        """The connection is gone."""
        self.is_lost = True
        if self._sender is not None:
            self._sender.close()
            self._sender = None
        if self._second is not None:
            self._second.close()
            self._second = None
        if self._pump is not None:
            self._pump.cancel()
        for exchange in self.exchanges:
            exchange.request.is_abandoned = True
            if exchange.stream is not None:
                exchange.stream.fail("the peer closed the connection")
            if exchange.response is not None and not exchange.answered:
                self.discard(exchange.response)
        self.exchanges.clear()

    def discard(self, response: Response) -> None:
        """Let go of an answer that nobody will get."""
        body = response.body
        if not isinstance(body, bytes | bytearray | memoryview | FileSlice):
            self.front.spawn(close_iterator(body))

    def pause(self) -> None:
        self.paused = True
        self._stalled_at = self.front.now

    def resume(self) -> None:
        self.paused = False
        if self._emptying:
            self._emptying = False
            self.transport.set_write_buffer_limits()
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
        if isinstance(self._sender, SendPieces):
            self._sender.step()
        self.flush()

    def check(self, now: float) -> None:
        """End what a peer that does not read has held for too long."""
        if self._lingering_until and now > self._lingering_until:
            self.transport.close()
        remaining = self._sender.remaining if self._sender is not None else 0
        progress = (self.transport.get_write_buffer_size(), remaining)
        if progress == (0, 0) or progress != self._progress:
            self._progress = progress
            self._stalled_at = now
        elif now > self._stalled_at + self.front.limits.body_idle_seconds:
            self.transport.abort()


async def close_iterator(body: AsyncIterator[bytes]) -> None:
    close = getattr(body, "aclose", None)
    if close is not None:
        try:
            await close()
        except Exception:
            log.exception("an answer's body failed to close")
