"""One connection: the bytes of a peer become requests, and their answers go back in the requests' order."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, cast

import httptools

from pocketlake.gateway.http_answer import CONTINUE, Refused, plain
from pocketlake.gateway.http_body import PAUSE_ABOVE_BYTES, SPOOL_BYTES, IncomingBody
from pocketlake.gateway.http_head import VERSIONS, headers_of, is_continue_due
from pocketlake.gateway.http_writer import Exchange, Writer
from pocketlake.gateway.message import Request

if TYPE_CHECKING:
    from pocketlake.gateway.http import Front

log = logging.getLogger("pocketlake.http")

IDLE, HEAD, BODY = range(3)  # where the reading side stands


class Connection(asyncio.Protocol):
    """The reading side; the writing side is Writer, which owns the exchanges that the application has.

    httptools calls on_message_begin, on_url, on_header, on_headers_complete, on_body, on_message_complete, all from
    within feed_data. A parser cannot be stopped in the midst of a buffer, so requests beyond the pipelining limit
    wait in `waiting`, whose size is bounded by one buffer since reading pauses while it holds any.
    """

    def __init__(self, front: Front, secure: bool) -> None:
        self.front = front
        self.limits = front.limits
        self.secure = secure
        self.waiting: deque[Exchange] = deque()
        self.writer: Writer
        self.transport: asyncio.Transport
        self.peer = ""
        self.deaf = False  # what still arrives is dropped
        self.ended = False  # the peer has closed its sending side
        self.reading_paused = False
        self.state = IDLE
        self.deadline = front.now + front.limits.idle_seconds
        self.parser = httptools.HttpRequestParser(self)
        self.target = b""
        self.fields: list[tuple[bytes, bytes]] = []
        self.pending_head = 0
        self.current: Exchange | None = None
        self.spool: bytes | bytearray = b""
        self.received = 0
        self.continue_due = False
        self.reframing = False

    # --- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.writer = Writer(self)
        address = transport.get_extra_info("peername")
        self.peer = str(address[0]) if isinstance(address, tuple) else ""
        if not self.front.joined(self):
            self._refuse(Refused(503, "Too many connections."))

    def connection_lost(self, error: Exception | None) -> None:
        self.deaf = True
        self.front.left(self)
        self.waiting.clear()
        self.writer.lost()
        if self.current is not None and self.current.stream is not None:
            self.current.stream.fail("the peer closed the connection")

    def data_received(self, data: bytes) -> None:
        if self.deaf:
            return
        if self.state == BODY:
            self.deadline = self.front.now + self.limits.body_idle_seconds
        elif self.state == HEAD:
            self.pending_head += len(data)
        try:
            self._feed(data)
        except Refused as refused:
            self._refuse(refused)
            return
        if self.continue_due:
            self.send_continue()
        if self.current is not None or len(self.writer.exchanges) >= self.limits.pipelined:
            self.update_reading()

    def eof_received(self) -> bool:
        """The peer has sent its last byte. It may still wait for answers to what it has asked."""
        self.ended = True
        if self.state != IDLE:
            self._break_off("the peer closed the connection within a request")
        self.deaf = True
        for exchange in self.writer.exchanges:
            exchange.request.is_abandoned = True  # most likely: few close one side and wait on
        if not self.writer.exchanges and not self.waiting:
            return False
        return not self.secure  # TLS cannot be half closed

    def pause_writing(self) -> None:
        self.writer.pause()

    def resume_writing(self) -> None:
        self.writer.resume()

    # --- the parser's side

    def on_message_begin(self) -> None:
        if self.reframing:
            return
        self.state = HEAD
        self.deadline = self.front.now + self.limits.head_seconds
        self.target = b""
        self.fields = []
        self.pending_head = 0

    def on_url(self, part: bytes) -> None:
        if self.reframing:
            return
        self.target = self.target + part if self.target else part
        if len(self.target) > self.limits.request_line_bytes:
            raise Refused(414, "The request line is too long.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Kept as it came; trailers are counted and not kept (RFC 9110 6.5.1: only known ones may be merged)."""
        fields = self.fields
        if self.state == BODY:
            self.pending_head += len(name) + len(value)
            if self.pending_head > self.limits.head_bytes:
                raise Refused(431, "The trailers are too large.")
            name = value = b""
        fields.append((name, value))
        if len(fields) > self.limits.headers and not self.reframing:
            raise Refused(431, "There are too many headers.")

    def on_headers_complete(self) -> None:
        if self.reframing:
            return
        parser = self.parser
        version = parser.get_http_version()
        if version not in VERSIONS:
            raise Refused(505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.")
        headers = headers_of(self.fields, len(self.target), self.limits)
        if "host" not in headers and version == "1.1":
            raise Refused(400, "There is no Host header.")
        method = parser.get_method().decode("ascii")
        if method == "CONNECT":
            raise Refused(405, "This is not a proxy.")
        request = Request(method, self.target.decode("latin-1"), headers, b"", self.peer, self.secure)
        self.reframing = parser.should_upgrade()
        self.current = Exchange(self.writer, request, parser.should_keep_alive(), version == "1.0")
        self.spool = b""
        self.received = 0
        self.state = BODY
        if "content-length" in headers or "transfer-encoding" in headers or "expect" in headers:
            self.deadline = self.front.now + self.limits.body_idle_seconds
            self.continue_due = is_continue_due(headers, version, self.limits)

    def on_body(self, data: bytes) -> None:
        self.continue_due = False
        exchange = self.current
        assert exchange is not None
        self.received += len(data)
        if self.received > self.limits.body_bytes:
            raise Refused(413, "The body is too large.")
        stream = exchange.stream
        if stream is not None:
            if exchange.answered:
                stream.received = self.received  # nobody wants it; it goes by
            else:
                stream.feed(data)
            return
        if not self.spool:
            self.spool = data
        elif type(self.spool) is bytearray:
            self.spool += data
        else:
            self.spool = bytearray(self.spool) + data
        if self.received > SPOOL_BYTES:
            self._stream(exchange)

    def on_message_complete(self) -> None:
        exchange = self.current
        if self.reframing or exchange is None:
            return
        self.state = IDLE
        if self.deaf:  # closed by an answer while the rest of this buffer was parsed
            self.current = None
            return
        self.continue_due = False
        self.deadline = self.front.now + self.limits.idle_seconds
        self.current = None
        if not exchange.keep_alive:
            self.deaf = True
        if exchange.stream is not None:
            exchange.stream.finish()
            self.writer.body_over(exchange)
            return
        spool = self.spool
        exchange.request.body = spool if type(spool) is bytes else bytes(spool)
        self.spool = b""
        self._dispatch(exchange)

    # --- what the writing side asks for

    def admit(self) -> None:
        """Hand on requests that waited for earlier ones."""
        while self.waiting and len(self.writer.exchanges) < self.limits.pipelined:
            self._begin(self.waiting.popleft())
        if self.continue_due:
            self.send_continue()
        self.update_reading()

    def send_continue(self) -> None:
        """Ask for the body, unless earlier answers have to go out first."""
        if not self.writer.exchanges and not self.waiting:
            self.continue_due = False
            self.transport.write(CONTINUE)

    def update_reading(self) -> None:
        """Read on only while there is room for what comes."""
        full = bool(self.waiting) or len(self.writer.exchanges) >= self.limits.pipelined
        if not full and self.current is not None and self.current.stream is not None:
            buffered = self.current.stream.buffered
            full = buffered > PAUSE_ABOVE_BYTES or (self.reading_paused and buffered > PAUSE_ABOVE_BYTES // 2)
        if self.deaf:
            full = False  # dropped on arrival; and a peer that leaves is noticed by reading only
        if full == self.reading_paused or self.transport.is_closing():
            return
        self.reading_paused = full
        if full:
            self.transport.pause_reading()
        else:
            self.deadline = max(self.deadline, self.front.now + self.limits.body_idle_seconds)
            self.transport.resume_reading()

    @property
    def is_between_requests(self) -> bool:
        return self.state == IDLE and not self.waiting

    # --- what the front asks for

    def close_when_done(self) -> None:
        if self.is_between_requests and not self.writer.exchanges:
            self.deaf = True
            self.transport.close()

    def check(self, now: float) -> None:
        """Enforce the deadlines."""
        self.writer.check(now)
        if now < self.deadline or self.reading_paused or self.deaf or self.transport.is_closing():
            return
        if self.state != IDLE:
            self._refuse(Refused(408, "The request did not arrive in time."))
        elif not self.writer.exchanges and not self.waiting:
            self.deaf = True
            self.transport.close()

    # --- inside

    def _feed(self, data: bytes) -> None:
        """Parse `data`. Raises Refused."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if self.deaf:
                return
            self._reframe(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError as error:
            if isinstance(error.__context__, Refused):
                raise error.__context__ from None
            log.error("the HTTP front failed", exc_info=error.__context__)
            raise Refused(500, "Internal error.") from error
        except httptools.HttpParserError as error:
            if not self.deaf:  # after the last request anything may follow; it is not read
                raise Refused(400, f"This is not an HTTP request: {error}.") from None
        if self.state == HEAD and self.pending_head > self.limits.head_bytes:
            if not self.fields:
                raise Refused(414, "The request line is too long.")
            raise Refused(431, "The headers are too large.")

    def _reframe(self, rest: bytes) -> None:
        """Read on after a request that asked to upgrade (h2c), which we decline.

        The parser believes that another protocol follows and leaves the body alone. A new parser gets the same framing
        without the wish, muted until its head is through, and goes on with the body.
        """
        self.parser = httptools.HttpRequestParser(self)
        headers = self.current.request.headers if self.current is not None else {}
        head = "POST / HTTP/1.1\r\nHost: -\r\n"
        for name in ("content-length", "transfer-encoding"):
            if name in headers:
                head += f"{name}: {headers[name]}\r\n"
        self.parser.feed_data(head.encode("latin-1") + b"\r\n")
        self.reframing = False
        if "transfer-encoding" not in headers and int(headers.get("content-length", "0")) == 0:
            self.on_message_complete()
        if rest:
            self._feed(rest)

    def _stream(self, exchange: Exchange) -> None:
        """The body is larger than the spool: the application gets it as it comes."""
        length = exchange.request.headers.get("content-length")
        exchange.stream = stream = IncomingBody(
            self.front.loop, int(length) if length is not None else None, self.update_reading
        )
        stream.feed(self.spool)
        self.spool = b""
        exchange.request.body = stream
        self._dispatch(exchange)

    def _dispatch(self, exchange: Exchange) -> None:
        if self.waiting or len(self.writer.exchanges) >= self.limits.pipelined:
            self.waiting.append(exchange)
        else:
            self._begin(exchange)

    def _begin(self, exchange: Exchange) -> None:
        """The application's turn."""
        self.writer.exchanges.append(exchange)
        if exchange.response is not None:  # a refusal that waited its turn
            self.writer.flush()
            return
        try:
            self.front.handle(exchange.request, exchange)
        except Exception:
            log.exception("%s %s failed", exchange.request.method, exchange.request.target.partition("?")[0])
            exchange.settle(plain(500, "Internal error."))

    def _refuse(self, refused: Refused) -> None:
        """Answer with an error once the earlier requests are answered, then close."""
        answer = plain(refused.status, refused.text)
        exchange = self.current
        self._break_off(refused.text)
        self.deaf = True
        if exchange is not None and exchange.stream is not None:
            exchange.settle(answer)
            return
        exchange = Exchange(self.writer, Request("", "", {}), False, False)
        exchange.response = answer
        exchange.linger = True
        self._dispatch(exchange)
        self.update_reading()

    def _break_off(self, reason: str) -> None:
        """The request being read will not be complete."""
        exchange, self.current = self.current, None
        self.state = IDLE
        self.spool = b""
        self.continue_due = False
        if exchange is not None and exchange.stream is not None:
            exchange.keep_alive = False
            exchange.linger = True
            exchange.stream.fail(reason)
            self.writer.body_over(exchange)
