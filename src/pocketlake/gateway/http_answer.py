"""An answer on its way out: its head as bytes, and the senders of files."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from pocketlake.gateway.message import FileSlice, Response

STATUS_LINES: Final = {int(s): f"HTTP/1.1 {int(s)} {s.phrase}\r\nDate: ".encode() for s in HTTPStatus}
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
SMALL_SLICE_BYTES = 64 * 1024  # read and written with the head: cheaper than preparing a sendfile
SENDFILE_BYTES = 2 * 1024 * 1024  # one turn's share of a file, so that one fast reader cannot hold the loop
PIECE_BYTES = 256 * 1024  # the same where the bytes pass through us (TLS, or no sendfile)
MORE_FOLLOWS = getattr(socket, "MSG_MORE", 0)


class UnsafeHeader(ValueError):
    """A header of the answer holds a line break or NUL: sending it would let a caller forge an answer."""


class Refused(Exception):
    """What a peer sends is not taken: answer with this status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def plain(status: int, text: str) -> Response:
    """The front's own answer, to what never became a request."""
    return Response(status, [("Content-Type", "text/plain; charset=utf-8")], f"{text}\n".encode())


def has_body(method: str, status: int) -> bool:
    return method != "HEAD" and status >= 200 and status != 204 and status != 304


def encode_head(response: Response, date: bytes, framing: bytes) -> bytes:
    """Status line, Date, the application's headers, then `framing` (the front's own header lines) and the blank line.

    Values go out as Latin-1, as they came in, so bytes that a client stored come back unchanged; a value
    that has no Latin-1 form goes out as UTF-8.
    """
    line = STATUS_LINES.get(response.status) or b"HTTP/1.1 %d Status\r\nDate: " % response.status
    headers = response.headers
    text = "".join([f"{name}: {value}\r\n" for name, value in headers])
    if text.count("\n") != len(headers) or text.count("\r") != len(headers) or "\0" in text:
        raise UnsafeHeader(f"a header of the {response.status} answer holds a line break or NUL")
    try:
        lines = text.encode("latin-1")
    except UnicodeEncodeError:
        lines = text.encode("utf-8", "surrogateescape")
    return b"".join((line, date, b"\r\n", lines, framing, b"\r\n"))


def open_slice(piece: FileSlice) -> int:
    return os.open(piece.path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))


def read_slice(piece: FileSlice) -> bytes:
    """A small slice whole. Raises EOFError where the file is shorter than promised."""
    file = open_slice(piece)
    try:
        data = os.pread(file, piece.length, piece.offset)
    finally:
        os.close(file)
    if len(data) != piece.length:
        raise EOFError(f"{piece.path} ends before {piece.offset + piece.length}")
    return data


Done = Callable[[Exception | None], None]


class SendFile:
    """Hands a slice to the kernel, socket to file, past the transport.

    The socket is a duplicate of the transport's: the loop refuses writers on a descriptor that it owns itself, and a
    duplicate shows the same readiness. The transport's own buffer must be empty while this runs.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sock: socket.socket, head: bytes, piece: FileSlice, done: Done
    ) -> None:
        self.remaining = piece.length
        self._loop = loop
        self._sock = sock
        self._head = head
        self._path = piece.path
        self._offset = piece.offset
        self._done = done
        self._watching = False
        self._file = open_slice(piece)

    def step(self) -> None:
        try:
            self._send()
        except (BlockingIOError, InterruptedError):
            pass
        except (OSError, EOFError) as error:
            self._end(error)
            return
        if self.remaining == 0 and not self._head:
            self._end(None)
        elif not self._watching:
            self._loop.add_writer(self._sock.fileno(), self.step)
            self._watching = True

    def close(self) -> None:
        if self._watching:
            self._loop.remove_writer(self._sock.fileno())
            self._watching = False
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _send(self) -> None:
        if self._head:
            self._head = self._head[self._sock.send(self._head, MORE_FOLLOWS) :]
            if self._head:
                return
        count = min(self.remaining, SENDFILE_BYTES)
        sent = os.sendfile(self._sock.fileno(), self._file, self._offset, count)
        if sent == 0 and count:
            raise EOFError(f"{self._path} ends before {self._offset + self.remaining}")
        self._offset += sent
        self.remaining -= sent

    def _end(self, error: Exception | None) -> None:
        self.close()
        self._done(error)


class SendPieces:
    """Reads a slice piece by piece and writes it through the transport, as fast as the peer takes it."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.WriteTransport,
        head: bytes,
        piece: FileSlice,
        is_paused: Callable[[], bool],
        done: Done,
    ) -> None:
        self.remaining = piece.length
        self._loop = loop
        self._transport = transport
        self._head = head
        self._path = piece.path
        self._offset = piece.offset
        self._is_paused = is_paused
        self._done = done
        self._file = open_slice(piece)

    def step(self) -> None:
        """Write one piece; the next one in the loop's next turn, or when the transport has room again."""
        if self._file < 0 or self._is_paused():
            return
        try:
            data = os.pread(self._file, min(self.remaining, PIECE_BYTES), self._offset)
            if not data and self.remaining:
                raise EOFError(f"{self._path} ends before {self._offset + self.remaining}")
        except (OSError, EOFError) as error:
            self._end(error)
            return
        self._transport.write(self._head + data if self._head else data)
        self._head = b""
        self._offset += len(data)
        self.remaining -= len(data)
        if self.remaining == 0:
            self._end(None)
        elif not self._is_paused():
            self._loop.call_soon(self.step)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _end(self, error: Exception | None) -> None:
        self.close()
        self._done(error)


def duplicate(transport: asyncio.BaseTransport) -> socket.socket | None:
    """A second descriptor of the transport's socket; None where the bytes must pass through the transport."""
    if transport.get_extra_info("sslcontext") is not None or not hasattr(os, "sendfile"):
        return None
    owned = transport.get_extra_info("socket")
    if owned is None:
        return None
    with contextlib.suppress(OSError):
        second = socket.socket(fileno=os.dup(owned.fileno()))
        second.setblocking(False)
        return second
    return None
