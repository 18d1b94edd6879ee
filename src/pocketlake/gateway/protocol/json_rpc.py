"""The protocols json 1.0 and 1.1: POST / with X-Amz-Target; CBOR in their place, as Kinesis clients for Java do."""

from __future__ import annotations

from typing import Any

from pocketlake.gateway.message import Request, Response
from pocketlake.gateway.protocol import cbor, eventstream, json
from pocketlake.gateway.protocol.shapes import Shape, Shapes
from pocketlake.gateway.protocol.validation import Checks
from pocketlake.gateway.protocol.wire import (
    LEFT_TO_SERVICES,
    Description,
    Pairs,
    Parse,
    Protocol,
    Respond,
    body_of,
    message_key,
)
from pocketlake.kernel.errors import ServiceError

# DynamoDB's items are JSON on the wire and in the store: they pass as they are, and the service judges them itself.
ITEM_SHAPES = frozenset({"AttributeValue", "AttributeMap", "ItemList"})


class JsonProtocol(Protocol):
    """application/x-amz-json-1.0 and -1.1."""

    decoder: type[json.JsonDecoder] = json.JsonDecoder
    encoder: type[json.JsonEncoder] = json.JsonEncoder

    def __init__(self, metadata: dict[str, Any], shapes: Shapes, validation_error: str) -> None:
        super().__init__(metadata, shapes, validation_error)
        raw = ITEM_SHAPES if metadata.get("targetPrefix", "").startswith("DynamoDB") else frozenset()
        self.decode = self.decoder(raw)
        self.encode = self.encoder(raw)
        self.checks = Checks(LEFT_TO_SERVICES | raw)
        self.content_type = f"application/x-amz-json-{metadata.get('jsonVersion', '1.1')}"

    def load(self, body: bytes) -> Any:
        return json.read(body)

    def dump(self, value: Any) -> bytes:
        return json.write(value)

    def reader(self, description: Description, shape: Shape) -> Parse:
        decode = self.decode.structure(shape)

        def read(request: Request, labels: dict[str, str], query: Pairs) -> dict[str, Any]:
            decoded: dict[str, Any] = decode(self.load(body_of(request)))
            return decoded

        return read

    def responder(self, description: Description) -> Respond:
        content_type, dump = self.content_type, self.dump
        if description.output is None:
            return lambda output, request_id: Response(200, self.headers(request_id), b"")
        encode = self.encode.structure(description.output)
        stream = eventstream.member_of(description.output)
        if stream is not None:
            events = eventstream.Writer(stream, self.encode, dump, self.content_type, description.output)
            return events.responder(self.headers, initial=True)

        def respond(output: dict[str, Any], request_id: str) -> Response:
            headers = [("Content-Type", content_type), ("x-amzn-RequestId", request_id)]
            return Response(200, headers, dump(encode(output)))

        return respond

    def headers(self, request_id: str) -> list[tuple[str, str]]:
        return [("Content-Type", self.content_type), ("x-amzn-RequestId", request_id)]

    def failure(self, error: ServiceError, request_id: str) -> Response:
        flaw = self.flaw(error)
        body = dict(self.encode.structure(flaw.shape)(error.members)) if flaw.shape else {}
        # Kinesis spells it `Message` here only (kinesalite test/helpers.js, assertSerialization).
        key = "Message" if error.code == "SerializationException" else message_key(flaw.shape)
        name = flaw.shape.name if flaw.shape else error.code
        headers = self.headers(request_id)
        if "awsQueryCompatible" in self.metadata:
            headers.append(("x-amzn-query-error", f"{flaw.code};{'Sender' if flaw.sender else 'Receiver'}"))
        return Response(flaw.status, headers, self.dump({"__type": name, key: error.message, **body}))


class JsonAsCborProtocol(JsonProtocol):
    """application/x-amz-cbor-1.1: the json protocol with CBOR for JSON; timestamps are whole milliseconds."""

    decoder = cbor.MillisecondDecoder
    encoder = cbor.MillisecondEncoder

    def __init__(self, metadata: dict[str, Any], shapes: Shapes, validation_error: str) -> None:
        super().__init__(metadata, shapes, validation_error)
        self.content_type = "application/x-amz-cbor-1.1"

    def load(self, body: bytes) -> Any:
        return cbor.read(body)

    def dump(self, value: Any) -> bytes:
        return cbor.write(value)
