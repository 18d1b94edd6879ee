"""The protocol rest-json."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pocketlake.gateway.message import Response
from pocketlake.gateway.protocol import eventstream, json
from pocketlake.gateway.protocol.rest import RestProtocol, header_text
from pocketlake.gateway.protocol.shapes import Member, Shape, Shapes
from pocketlake.gateway.protocol.wire import Description, message_key
from pocketlake.kernel.errors import ServiceError


class RestJsonProtocol(RestProtocol):
    content_type = "application/json"

    def __init__(self, metadata: dict[str, Any], shapes: Shapes, validation_error: str) -> None:
        super().__init__(metadata, shapes, validation_error)
        self.decode = json.JsonDecoder()
        self.encode = json.JsonEncoder()

    def read_structure(self, shape: Shape) -> Callable[[bytes], dict[str, Any]]:
        decode = self.decode.structure(shape)
        return lambda body: decode(json.read(body))

    def read_value(self, member: Member) -> Callable[[bytes], Any]:
        decode = self.decode.compile(member)
        return lambda body: decode(json.read(body))

    def write_body(self, description: Description, shape: Shape, payload: Member | None) -> Callable[[Any], bytes]:
        if payload is not None:
            encode = self.encode.compile(payload)
            return lambda value: json.write(encode(value))
        encode = self.encode.structure(shape)
        located = frozenset(member.wire for member in shape.members.values() if member.location)
        if not located:
            return lambda value: json.write(encode(value))
        inside = frozenset(name for name, member in shape.members.items() if not member.location)
        return lambda value: json.write(encode({name: item for name, item in value.items() if name in inside}))

    def request_headers(self, request_id: str) -> list[tuple[str, str]]:
        return [("x-amzn-RequestId", request_id)]

    def events(self, stream: Member, output: Shape) -> eventstream.Writer:
        return eventstream.Writer(stream, self.encode, json.write, "application/json", output)

    def failure(self, error: ServiceError, request_id: str) -> Response:
        flaw = self.flaw(error)
        headers = [
            ("Content-Type", self.content_type),
            ("x-amzn-RequestId", request_id),
            ("x-amzn-ErrorType", flaw.shape.name if flaw.shape else error.code),
        ]
        body: dict[str, Any] = {}
        for name, member in flaw.shape.members.items() if flaw.shape else ():
            value = error.members.get(name)
            if value is None:
                continue
            if member.location == "header":
                headers.append((member.wire, header_text(member)(value)))
            elif not member.location:
                body[member.wire] = self.encode.compile(member)(value)
        return Response(flaw.status, headers, json.write({message_key(flaw.shape): error.message, **body}))
