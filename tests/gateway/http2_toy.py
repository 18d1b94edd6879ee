"""A client of HTTP/2 that does just what a test tells it, over the library's own client side."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.settings import SettingCodes

from tests.gateway.http_toy import SECONDS


class Peer2:
    """One connection. Windows of answers are given back as they are read, unless `greedy` is off."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, greedy: bool) -> None:
        self.reader = reader
        self.writer = writer
        self.greedy = greedy
        self.h2 = H2Connection(H2Configuration(client_side=True, header_encoding="latin-1"))
        self.seen: list[events.Event] = []

    def start(self, window: int | None = None) -> None:
        self.h2.initiate_connection()
        if window is not None:
            self.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: window})
        self.flush()

    def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())

    def ask(
        self,
        path: str = "/",
        body: bytes = b"",
        method: str = "GET",
        end: bool = True,
        authority: str = "localhost",
        **headers: str,
    ) -> int:
        """Send a request (as much of its body as the window allows at once); its stream."""
        stream = self.h2.get_next_available_stream_id()
        head = [(":method", method), (":scheme", "http"), (":authority", authority), (":path", path)]
        more = [(name.replace("_", "-"), value) for name, value in headers.items()]
        self.h2.send_headers(stream, head + more, end_stream=end and not body)
        if body:
            self.send(stream, body, end)
        self.flush()
        return stream

    def send(self, stream: int, data: bytes, end: bool = False) -> None:
        while data:
            size = min(self.h2.max_outbound_frame_size, self.h2.local_flow_control_window(stream))
            self.h2.send_data(stream, data[:size], end_stream=end and size >= len(data))
            data = data[size:]
        self.flush()

    async def receive(self) -> bool:
        """Take in what comes next; False when the front has closed."""
        async with asyncio.timeout(SECONDS):
            data = await self.reader.read(65536)
        if not data:
            return False
        for event in self.h2.receive_data(data):
            self.seen.append(event)
            if isinstance(event, events.DataReceived) and self.greedy:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        self.flush()
        return True

    async def until(self, kind: type, stream: int | None = None) -> Any:
        """The first event of that kind (on that stream)."""
        while True:
            for event in self.seen:
                if isinstance(event, kind) and stream in (None, getattr(event, "stream_id", None)):
                    return event
            assert await self.receive(), f"the front closed before {kind.__name__}: {self.seen}"

    async def answer(self, stream: int) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        head = await self.until(events.ResponseReceived, stream)
        await self.until(events.StreamEnded, stream)
        headers = dict(head.headers)
        return int(headers.pop(":status")), headers, self.data(stream)

    def data(self, stream: int) -> bytes:
        """What has come on it so far."""
        return b"".join(
            event.data for event in self.seen if isinstance(event, events.DataReceived) and event.stream_id == stream
        )

    async def closed(self) -> list[events.Event]:
        """All that comes until the front closes."""
        with contextlib.suppress(ConnectionError):
            while await self.receive():
                pass
        return self.seen


@contextlib.asynccontextmanager
async def connected2(port: int, greedy: bool = True, window: int | None = None, **tls: Any) -> AsyncIterator[Peer2]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, **tls)
    peer = Peer2(reader, writer, greedy)
    try:
        peer.start(window)
        yield peer
    finally:
        writer.close()
