"""One HTTP/2 stream: a request on its way in, and its answer on its way out, as fast as the peer's windows allow."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from h2.errors import ErrorCodes
from h2.exceptions import StreamClosedError

from pocketlake.gateway.http_answer import PIECE_BYTES, Refused, UnsafeHeader, has_body, open_slice, plain
from pocketlake.gateway.http_body import PAUSE_ABOVE_BYTES, SPOOL_BYTES, IncomingBody
from pocketlake.gateway.http_writer import close_iterator
from pocketlake.gateway.message import FileSlice, Request, Response

if TYPE_CHECKING:
    from pocketlake.gateway.http2 import Http2Connection

log = logging.getLogger("pocketlake.http")

OF_THE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length", "upgrade"}


class Stream:
    """Calling it is how the application replies."""

    __slots__ = (
        "_file",
        "_has_ended",
        "_is_lost",
        "_length",
        "_moved_at",
        "_offset",
        "_pending",
        "_pump",
        "_remaining",
        "_replied",
        "_room",
        "_settled",
        "_spool",
        "_started",
        "_unacknowledged",
        "body",
        "connection",
        "front",
        "h2",
        "identity",
        "is_complete",
        "received",
        "request",
    )

    def __init__(self, connection: Http2Connection, identity: int) -> None:
        self.connection = connection
        self.front = connection.front
        self.h2 = connection.h2
        self.identity = identity
        self.request = Request("", "", {})
        self.body: IncomingBody | None = None
        self.received = 0
        self.is_complete = False  # the request has come whole
        self._length: int | None = None
        self._spool = bytearray()
        self._unacknowledged = 0
        self._replied = self._settled = self._started = self._is_lost = self._has_ended = False
        self._pending = memoryview(b"")  # of the answer, to be sent next
        self._file = -1
        self._offset = self._remaining = 0
        self._pump: asyncio.Task[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._moved_at = self.front.now

    # --- the request

    def begin(self, request: Request) -> None:
        """The head is there. Raises Refused."""
        self.request = request
        length = request.headers.get("content-length")
        if length is not None:
            self._length = int(length)  # h2 has seen that it is a number
            if self._length > self.front.limits.body_bytes:
                raise Refused(413, "The body is too large.")
        expect = request.headers.get("expect")
        if expect is not None:
            if expect.lower() != "100-continue":
                raise Refused(417, "The only expectation met here is 100-continue.")
            with contextlib.suppress(StreamClosedError):
                self.h2.send_headers(self.identity, [(":status", "100")])

    def feed(self, data: bytes, flow_length: int) -> None:
        self._moved_at = self.front.now
        self.received += len(data)
        if self._settled or self._is_lost:
            self._acknowledge(flow_length)
            return
        if self.received > self.front.limits.body_bytes:
            self._acknowledge(flow_length)
            self.settle(Refused(413, "The body is too large."))
            return
        if self.body is None:
            self._acknowledge(flow_length)
            self._spool += data
            if len(self._spool) > SPOOL_BYTES:
                self._stream_in()
            return
        self.body.feed(data)
        self._unacknowledged += flow_length
        if self.body.buffered <= PAUSE_ABOVE_BYTES:
            self._acknowledge_all()

    def complete(self) -> None:
        """The request has ended."""
        self.is_complete = True
        if self.body is not None:
            self.body.finish()
        elif not self._settled:
            self.request.body, self._spool = bytes(self._spool), bytearray()
            self._dispatch()

    def _stream_in(self) -> None:
        """The body is larger than the spool: the application gets it as it comes."""
        self.body = IncomingBody(self.front.loop, self._length, self._on_read)
        self.body.feed(bytes(self._spool))
        self._spool = bytearray()
        self.request.body = self.body
        self._dispatch()

    def _on_read(self) -> None:
        if self._unacknowledged and not self._is_lost:
            self._acknowledge_all()
            self.connection.flush()

    def _acknowledge_all(self) -> None:
        length, self._unacknowledged = self._unacknowledged, 0
        self._acknowledge(length)

    def _acknowledge(self, length: int) -> None:
        if not self.connection.is_over:
            self.h2.acknowledge_received_data(length, self.identity)

    def _dispatch(self) -> None:
        try:
            self.front.handle(self.request, self)
        except Exception:
            log.exception("%s %s failed", self.request.method, self.request.target.partition("?")[0])
            self.settle(Refused(500, "Internal error."))

    # --- the answer

    def __call__(self, response: Response) -> None:
        if self._replied:
            raise RuntimeError("this request has been answered already")
        self._replied = True
        if self._settled or self._is_lost or self.connection.is_over:
            self._discard(response)
            return
        self._answer(response)
        self.connection.pump()

    def settle(self, refused: Refused) -> None:
        """The front's own answer, unless the application has begun one; a later one of its is dropped."""
        if not self._started and not self._is_lost:
            self._settled = True
            self._spool = bytearray()
            if self.body is not None:
                self.body.fail(refused.text)
            self._answer(plain(refused.status, refused.text))
            self.connection.pump()

    def _answer(self, response: Response) -> None:
        try:
            try:
                self._start(response)
            except (UnsafeHeader, OSError, EOFError):
                log.exception("%s %s has no sendable answer", self.request.method, self.request.target)
                self._discard(response)
                self._start(plain(500, "Internal error."))
        except StreamClosedError:  # the peer's reset has come, and waits for its turn among the events
            self._discard(response)
            self.lost("the peer reset the stream")

    def _start(self, response: Response) -> None:
        body = response.body
        visible = has_body(self.request.method, response.status)
        if isinstance(body, FileSlice):
            length: int | None = body.length
            if visible and length:
                self._file, self._offset, self._remaining = open_slice(body), body.offset, body.length
        elif isinstance(body, bytes | bytearray | memoryview):
            length = len(body)
            self._pending = memoryview(body if visible else b"")
        else:
            length = response.length
        if response.length is not None and not visible:
            length = response.length
        headers = encode_headers(response, self.front.clock_date(), length)
        streams = visible and not isinstance(body, FileSlice | bytes | bytearray | memoryview)
        ends = not (self._pending or self._remaining or streams)
        self.h2.send_headers(self.identity, headers, end_stream=ends)
        self._started, self._moved_at = True, self.front.now
        if ends:
            self._discard(response)
            self._ended()
        elif streams:
            assert not isinstance(body, FileSlice | bytes | bytearray | memoryview)
            self._pump = self.front.spawn(self._pump_out(body, response.length))
        else:
            self.connection.sending[self] = None

    def push(self) -> bool:
        """Send one frame of what is pending; whether anything was sent."""
        if not self._pending and self._remaining and not self._read_on():
            return True
        try:
            window = min(self.h2.local_flow_control_window(self.identity), self.h2.max_outbound_frame_size)
        except StreamClosedError:  # as in _answer
            self.lost("the peer reset the stream")
            return False
        if window <= 0 or not self._pending:
            return False
        piece, self._pending = self._pending[:window], self._pending[window:]
        self._moved_at = self.front.now
        is_last = not self._pending and not self._remaining and self._pump is None
        self.h2.send_data(self.identity, piece.tobytes(), end_stream=is_last)
        if is_last:
            self._ended()
        elif not self._pending and self._pump is not None:
            self.connection.sending.pop(self, None)
            if self._room is not None and not self._room.done():
                self._room.set_result(None)
        return True

    def _read_on(self) -> bool:
        """The file's next piece; False where it ends too early, and the stream with it."""
        data = os.pread(self._file, min(self._remaining, PIECE_BYTES), self._offset)
        if not data:
            log.error("an answer was cut short: its file lacks %d bytes", self._remaining)
            self._break_off(ErrorCodes.INTERNAL_ERROR)
            return False
        self._offset += len(data)
        self._remaining -= len(data)
        self._pending = memoryview(data)
        return True

    async def _pump_out(self, body: AsyncIterator[bytes], length: int | None) -> None:
        sent, whole = 0, False
        try:
            async for data in body:
                if not data:
                    continue
                sent += len(data)
                if length is not None and sent > length:
                    raise EOFError(f"the answer's body is longer than the {length} bytes announced")
                self._pending = memoryview(data)
                self._room = self.front.loop.create_future()
                self.connection.sending[self] = None
                self.connection.pump()
                await self._room
            if length is not None and sent != length:
                raise EOFError(f"the answer's body ended after {sent} of {length} bytes")
            whole = True
        except Exception:
            log.exception("%s %s: the answer broke off", self.request.method, self.request.target)
        finally:
            self._pump = None
            await close_iterator(body)
        if self._is_lost or self.connection.is_over:
            return
        if not whole:
            self._break_off(ErrorCodes.INTERNAL_ERROR)
            return
        try:
            self.h2.end_stream(self.identity)
        except StreamClosedError:  # as in _answer
            return
        self._ended()
        self.connection.flush()

    def _ended(self) -> None:
        """The answer is sent whole. A request still arriving is not wanted any more (RFC 9113 8.1)."""
        self._has_ended = True
        self._close_file()
        if not self.is_complete:
            if self.body is not None:
                self.body.discard()
                self.body.fail("the request has been answered")
            self.connection.reset(self.identity, ErrorCodes.NO_ERROR)
        self.connection.leave(self)

    # --- the end

    def check(self, now: float) -> None:
        """End what has not moved for too long: a body that does not come, an answer that is not taken."""
        if now <= self._moved_at + self.front.limits.body_idle_seconds:
            return
        if self._pending or self._remaining:
            self._break_off(ErrorCodes.CANCEL)
        elif not self.is_complete and not self._started and not self._unacknowledged:
            self.settle(Refused(408, "The request did not arrive in time."))

    def lost(self, reason: str) -> None:
        """Nothing more can be sent or received."""
        self._is_lost = self.request.is_abandoned = True
        self._close_file()
        self._pending, self._remaining = memoryview(b""), 0
        if self.body is not None:
            self.body.fail(reason)
        if self._pump is not None:
            self._pump.cancel()

    def _break_off(self, code: ErrorCodes) -> None:
        if not self._has_ended:
            self.connection.reset(self.identity, code)
        self.lost("the answer broke off")
        self.connection.leave(self)
        self.connection.flush()

    def _discard(self, response: Response) -> None:
        """Let go of an answer that nobody will get."""
        body = response.body
        if not isinstance(body, bytes | bytearray | memoryview | FileSlice):
            self.front.spawn(close_iterator(body))

    def _close_file(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def encode_headers(response: Response, date: bytes, length: int | None) -> list[tuple[bytes, bytes]]:
    """Names in lower case, values as Latin-1 where they have that form, as in HTTP/1.1. Raises UnsafeHeader."""
    status = response.status
    headers = [(b":status", b"%d" % status), (b"date", date)]
    for name, value in response.headers:
        lower = name.lower()
        if any(sign in text for text in (name, value) for sign in "\r\n\0"):
            raise UnsafeHeader(f"a header of the {status} answer holds a line break or NUL")
        if lower not in OF_THE_CONNECTION:
            headers.append((lower.encode("ascii"), _value(value)))
    if length is not None and status >= 200 and status != 204 and (status != 304 or response.length is not None):
        headers.append((b"content-length", b"%d" % length))
    return headers


def _value(text: str) -> bytes:
    try:
        return text.strip(" \t").encode("latin-1")
    except UnicodeEncodeError:
        return text.strip(" \t").encode("utf-8", "surrogateescape")
