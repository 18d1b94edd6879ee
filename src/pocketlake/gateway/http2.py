"""One HTTP/2 connection: frames become requests, as the HTTP/1.1 front makes them, each on a stream of its own.

The library h2 keeps the protocol's state; it is imported when the first such connection comes. Sources: RFC 9113, and
CVE-2023-44487 ("rapid reset") and its kin for what a peer may not do to us.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, cast

from h2 import events
from h2.config import H2Configuration
from h2.connection import ConnectionState, H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError, StreamClosedError
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame

from pocketlake.gateway.http2_stream import Stream
from pocketlake.gateway.http_answer import Refused
from pocketlake.gateway.message import Request
from pocketlake.kernel.quotas import TokenBucket

if TYPE_CHECKING:
    from pocketlake.gateway.http import Front

log = logging.getLogger("pocketlake.http")

STREAMS = 128  # open at a time
STREAM_WINDOW = 1024 * 1024  # what a peer may send on a stream before we have taken it in
CONNECTION_WINDOW = 16 * 1024 * 1024
UNREAD_BYTES = 1024 * 1024  # of ours that a peer may leave unread before we stop reading from it
NUISANCES_PER_SECOND, NUISANCES_AT_ONCE = 100.0, 1000.0  # pings, settings, empty frames
RESET_COST = 5.0  # a stream opened and reset at once costs us more than it costs the peer
DEFAULT_WINDOW = 65535


class Http2Connection(asyncio.Protocol):
    """Owns the streams and the socket; what is to be sent leaves in turns of one frame a stream."""

    def __init__(self, front: Front, secure: bool) -> None:
        self.front = front
        self.limits = front.limits
        self.secure = secure
        self.transport: asyncio.Transport
        self.peer = ""
        self.streams: dict[int, Stream] = {}
        self.sending: dict[Stream, None] = {}  # those that have bytes to send, in the order of their turns
        self.paused = False
        self.is_over = False  # nothing is read or sent any more
        self.is_leaving = False  # GOAWAY is sent: no new streams
        self._reading_paused = False
        self._idle_since = front.now
        self._unsent, self._sent_at = 0, front.now
        self._nuisances = TokenBucket(NUISANCES_PER_SECOND, NUISANCES_AT_ONCE, front.now)
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="latin-1"))
        self.h2.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS,
                SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
                SettingCodes.MAX_HEADER_LIST_SIZE: self.limits.head_bytes,
            },
        )
        # Twice of what we tell: a little too much is answered with 431, far too much ends the connection.
        self.h2.decoder.max_header_list_size = 2 * self.limits.head_bytes

    # --- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        address = transport.get_extra_info("peername")
        self.peer = str(address[0]) if isinstance(address, tuple) else ""
        room = self.front.joined(self)
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(CONNECTION_WINDOW - DEFAULT_WINDOW)
        if not room:
            self.h2.close_connection(ErrorCodes.ENHANCE_YOUR_CALM)
            self._end()
        self.flush()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_over = True
        self.front.left(self)
        for stream in list(self.streams.values()):
            stream.lost("the peer closed the connection")
        self.streams.clear()
        self.sending.clear()

    def data_received(self, data: bytes) -> None:
        if self.is_over:
            return
        try:
            happened = self.h2.receive_data(data)
        except ProtocolError:
            self._end()  # h2 has written a GOAWAY that says why
            return
        if self.h2.state_machine.state is ConnectionState.CLOSED:
            # h2 takes the peer's GOAWAY for the end of both directions; RFC 9113 6.8 lets the open streams end first.
            self.h2.state_machine.state = ConnectionState.SERVER_OPEN
        for event in happened:
            handle = HANDLERS.get(type(event))
            if handle is not None:
                handle(self, event)
            elif isinstance(event, NUISANCES):
                self._suffer(1.0)
            if self.is_over:
                return
        self.pump()
        if self.transport.get_write_buffer_size() > UNREAD_BYTES and not self._reading_paused:
            self._reading_paused = True  # its pings and requests make us write what it does not read
            self.transport.pause_reading()

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        if self._reading_paused:
            self._reading_paused = False
            self.transport.resume_reading()
        self.pump()

    # --- frames

    def _on_request(self, event: events.RequestReceived) -> None:
        identity = event.stream_id
        if self.is_leaving:
            self.reset(identity, ErrorCodes.REFUSED_STREAM)
            return
        stream = self.streams[identity] = Stream(self, identity)
        stream.is_complete = event.stream_ended is not None
        try:
            stream.begin(self._request(event.headers))
        except Refused as refused:
            stream.settle(refused)

    def _request(self, pairs: Any) -> Request:
        """The request that a header block means; h2 has checked that pseudo-headers are there, once and first."""
        headers: dict[str, str] = {}
        special = {":method": "", ":path": "/", ":authority": "", ":scheme": ""}
        size = 0
        for name, value in pairs:
            size += len(name) + len(value) + 4
            if name in special:
                special[name] = value
            elif name in headers:
                headers[name] += ("; " if name == "cookie" else ",") + value.strip(" \t")
            else:
                headers[name] = value.strip(" \t")
        if special[":authority"]:
            headers["host"] = special[":authority"]
        if len(special[":path"]) > self.limits.request_line_bytes:
            raise Refused(414, "The path is too long.")
        if len(pairs) > self.limits.headers:
            raise Refused(431, "There are too many headers.")
        if size > self.limits.head_bytes:
            raise Refused(431, "The headers are too large.")
        if special[":method"] == "CONNECT":
            raise Refused(405, "This is not a proxy.")
        if "host" not in headers:
            raise Refused(400, "There is no :authority and no Host header.")
        return Request(special[":method"], special[":path"], headers, b"", self.peer, self.secure)

    def _on_data(self, event: events.DataReceived) -> None:
        stream = self.streams.get(event.stream_id)
        if not event.data and event.stream_ended is None:
            self._suffer(1.0)
        if stream is None:  # answered already, or reset by us
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        else:
            stream.is_complete = event.stream_ended is not None
            stream.feed(event.data, event.flow_controlled_length)

    def _on_end(self, event: events.StreamEnded) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is not None:
            stream.complete()

    def _on_reset(self, event: events.StreamReset) -> None:
        stream = self.streams.get(event.stream_id)
        self._suffer(1.0 if stream is None else RESET_COST)
        if stream is not None:
            stream.lost("the peer reset the stream")
            self.leave(stream)

    def _on_goaway(self, event: events.ConnectionTerminated) -> None:
        """The peer opens no more streams; what it has asked for it may still get."""
        self.is_leaving = True
        if event.error_code != ErrorCodes.NO_ERROR or not self.streams:
            self._end()

    def _suffer(self, cost: float) -> None:
        """Frames that only make work: some are usual, a flood ends the connection."""
        if not self._nuisances.take(cost, self.front.now) and not self.is_over:
            self.h2.close_connection(ErrorCodes.ENHANCE_YOUR_CALM)
            self._end()

    # --- what the streams ask for

    def pump(self) -> None:
        """Send what windows and socket allow, one frame a stream in turn."""
        progress = True
        while progress and self.sending and not self.paused and not self.is_over:
            progress = False
            for stream in list(self.sending):
                progress = stream.push() or progress
            self.flush()
        self.flush()

    def flush(self) -> None:
        if not self.transport.is_closing() and (data := self.h2.data_to_send()):
            self.transport.write(data)

    def reset(self, identity: int, code: ErrorCodes) -> None:
        with contextlib.suppress(StreamClosedError):  # the peer may have done so in the same breath
            self.h2.reset_stream(identity, code)

    def leave(self, stream: Stream) -> None:
        """The stream is over."""
        self.streams.pop(stream.identity, None)
        self.sending.pop(stream, None)
        if not self.streams:
            self._idle_since = self.front.now
            if self.is_leaving:
                self._end()

    # --- what the front asks for

    def close_when_done(self) -> None:
        """GOAWAY: what is under way is finished, then the connection ends."""
        if self.is_leaving or self.is_over:
            return
        self.is_leaving = True
        if not self.streams:
            self.h2.close_connection()
            self._end()
            return
        # h2 sends nothing after a GOAWAY of its own, so this one passes it by.
        self.flush()
        self.transport.write(GoAwayFrame(0, last_stream_id=self.h2.highest_inbound_stream_id).serialize())

    def check(self, now: float) -> None:
        """Enforce the deadlines."""
        if self.is_over:
            return
        unsent = self.transport.get_write_buffer_size()
        if unsent == 0 or unsent != self._unsent:
            self._unsent, self._sent_at = unsent, now
        elif now > self._sent_at + self.limits.body_idle_seconds:
            self.transport.abort()
            return
        for stream in list(self.streams.values()):
            stream.check(now)
        if not self.streams and now > self._idle_since + self.limits.idle_seconds:
            self.close_when_done()
        else:
            self.pump()

    def _end(self) -> None:
        self.flush()
        self.is_over = True
        self.transport.close()


HANDLERS: dict[type, Any] = {
    events.RequestReceived: Http2Connection._on_request,
    events.DataReceived: Http2Connection._on_data,
    events.StreamEnded: Http2Connection._on_end,
    events.StreamReset: Http2Connection._on_reset,
    events.ConnectionTerminated: Http2Connection._on_goaway,
}
NUISANCES = (
    events.PingReceived,
    events.RemoteSettingsChanged,
    events.PriorityUpdated,
    events.UnknownFrameReceived,
    events.TrailersReceived,
)
