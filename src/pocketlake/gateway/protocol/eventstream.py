"""Event streams: messages with a prelude, headers, a payload and two CRCs, one after the other in a body.

Source: "Event stream encoding", Amazon Transcribe developer guide and Smithy's specification of
application/vnd.amazon.eventstream.
"""

from __future__ import annotations

import struct
from binascii import crc32
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, NamedTuple

from pocketlake.gateway.message import Response
from pocketlake.gateway.protocol.shapes import Member, Shape
from pocketlake.gateway.protocol.values import Compiler, as_bytes
from pocketlake.kernel.errors import ServiceError

CONTENT_TYPE = "application/vnd.amazon.eventstream"
PRELUDE = struct.Struct("!III")
LARGEST_MESSAGE = 24 * 1024 * 1024  # the format's own limit
TRUE, FALSE, BYTE, SHORT, INTEGER, LONG, BYTES, STRING, TIMESTAMP, UUID = range(10)


class Message(NamedTuple):
    headers: dict[str, Any]
    payload: bytes


def encode(headers: dict[str, Any], payload: bytes) -> bytes:
    """One message. Header values: bool, int (as a long), bytes, str, float (a timestamp in seconds)."""
    head = b"".join(_header(name, value) for name, value in headers.items())
    length = PRELUDE.size + len(head) + len(payload) + 4
    prelude = struct.pack("!II", length, len(head))
    message = b"".join((prelude, struct.pack("!I", crc32(prelude)), head, payload))
    return message + struct.pack("!I", crc32(message))


def decode(data: bytes) -> tuple[Message, bytes]:
    """The first message of `data` and what follows it. Raises ValueError when it is broken or not whole."""
    if len(data) < PRELUDE.size + 4:
        raise ValueError("an event stream message is at least 16 bytes long")
    length, head_length, check = PRELUDE.unpack_from(data)
    if check != crc32(data[:8]):
        raise ValueError("the prelude's checksum does not match")
    if length > LARGEST_MESSAGE or not PRELUDE.size + head_length + 4 <= length <= len(data):
        raise ValueError("the message's lengths do not fit")
    if struct.unpack_from("!I", data, length - 4)[0] != crc32(data[: length - 4]):
        raise ValueError("the message's checksum does not match")
    head = data[PRELUDE.size : PRELUDE.size + head_length]
    try:
        headers = _headers(head)
    except (struct.error, IndexError) as mistake:
        raise ValueError("the message's headers are cut off") from mistake
    return Message(headers, data[PRELUDE.size + head_length : length - 4]), data[length:]


def _header(name: str, value: Any) -> bytes:
    label = name.encode()
    head = struct.pack("!B", len(label)) + label
    if isinstance(value, bool):
        return head + bytes([TRUE if value else FALSE])
    if isinstance(value, int):
        return head + struct.pack("!Bq", LONG, value)
    if isinstance(value, float):
        return head + struct.pack("!Bq", TIMESTAMP, round(value * 1000))
    kind, data = (BYTES, value) if isinstance(value, bytes) else (STRING, str(value).encode())
    return head + struct.pack("!BH", kind, len(data)) + data


def _headers(head: bytes) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    sizes = {BYTE: "!b", SHORT: "!h", INTEGER: "!i", LONG: "!q", TIMESTAMP: "!q"}
    at = 0
    while at < len(head):
        name = head[at + 1 : at + 1 + head[at]].decode()
        at += 1 + head[at]
        kind = head[at]
        at += 1
        if kind in (TRUE, FALSE):
            headers[name] = kind == TRUE
        elif kind in sizes:
            number = struct.unpack_from(sizes[kind], head, at)[0]
            headers[name] = number / 1000 if kind == TIMESTAMP else number
            at += struct.calcsize(sizes[kind])
        elif kind in (BYTES, STRING):
            size = struct.unpack_from("!H", head, at)[0]
            data = head[at + 2 : at + 2 + size]
            if len(data) < size:
                raise ValueError("a header's value is cut off")
            headers[name] = data if kind == BYTES else data.decode()
            at += 2 + size
        elif kind == UUID:
            headers[name] = head[at : at + 16]
            at += 16
        else:
            raise ValueError(f"no header has the type {kind}")
    return headers


def member_of(shape: Shape) -> Member | None:
    """The member of an output that is an event stream."""
    for member in shape.members.values():
        if member.shape.eventstream:
            return member
    return None


class Writer:
    """Turns `{"EventName": {...}}` dictionaries into messages: payloads with `encoder` and `dump` of the protocol."""

    def __init__(
        self, stream: Member, encoder: Compiler, dump: Callable[[Any], bytes], content_type: str, output: Shape
    ) -> None:
        self.stream = stream
        self.content_type = content_type
        self.dump = dump
        self.initial = encoder.structure(output)
        self.events = {name: self._event(member, encoder) for name, member in stream.shape.members.items()}

    def responder(
        self, headers: Callable[[str], list[tuple[str, str]]], initial: bool
    ) -> Callable[[dict[str, Any], str], Response]:
        """The answer whose body is the stream; RPC protocols begin it with an initial-response message."""

        def respond(output: dict[str, Any], request_id: str) -> Response:
            kept = [(name, value) for name, value in headers(request_id) if name != "Content-Type"]
            body = self._frames(output, initial)
            return Response(200, [("Content-Type", CONTENT_TYPE), *kept], body)

        return respond

    async def _frames(self, output: dict[str, Any], initial: bool) -> AsyncIterator[bytes]:
        rest = {name: value for name, value in output.items() if name not in (self.stream.name, "ResponseMetadata")}
        if initial:
            yield encode(self._about("initial-response", self.content_type), self.dump(self.initial(rest)))
        try:
            async with aclosing(output[self.stream.name]) as events:
                async for event in events:
                    for name, value in event.items():
                        yield self.events[name](value)
        except ServiceError as error:
            yield self._exception(error)

    def _about(self, name: str, content_type: str) -> dict[str, Any]:
        about = {":message-type": "event", ":event-type": name}
        return {**about, ":content-type": content_type} if content_type else about

    def _exception(self, error: ServiceError) -> bytes:
        """A modelled error is an exception with a payload; any other ends the stream as a plain error."""
        member = self.stream.shape.members.get(error.code)
        if member is None:
            return encode(
                {":message-type": "error", ":error-code": error.code, ":error-message": error.message[:4096]}, b""
            )
        about = {
            ":message-type": "exception",
            ":exception-type": error.code,
            ":content-type": self.content_type,
        }
        return encode(about, self.dump({"message": error.message}))

    def _event(self, member: Member, encoder: Compiler) -> Callable[[dict[str, Any]], bytes]:
        members = member.shape.members
        payload = next((item for item in members.values() if item.trait("eventpayload")), None)
        headers = [name for name, item in members.items() if item.trait("eventheader")]
        if member.shape.raw.get("exception"):
            return lambda value: self._exception(ServiceError(member.name, str(value.get("message", ""))))
        if payload is not None and payload.shape.type in ("blob", "string"):
            kind = "application/octet-stream" if payload.shape.type == "blob" else "text/plain"
            name = payload.name

            def raw(value: dict[str, Any]) -> bytes:
                about = self._about(member.name, kind) | {head: value[head] for head in headers if head in value}
                return encode(about, as_bytes(value.get(name) or b""))

            return raw
        content = encoder.compile(payload or member)
        empty = not members

        def whole(value: dict[str, Any]) -> bytes:
            about = self._about(member.name, "" if empty else self.content_type)
            about |= {head: value[head] for head in headers if head in value}
            inner = value.get(payload.name, {}) if payload else {k: v for k, v in value.items() if k not in headers}
            return encode(about, b"" if empty else self.dump(content(inner)))

        return whole
