"""Smithy RPC v2 CBOR, and CBOR values for the older x-amz-cbor-1.1."""

from __future__ import annotations

from typing import Any

from pocketlake.gateway.message import Request, Response
from pocketlake.gateway.protocol import eventstream, timestamps
from pocketlake.gateway.protocol.json import JsonDecoder, JsonEncoder, mistyped
from pocketlake.gateway.protocol.shapes import Member, Shape, Shapes
from pocketlake.gateway.protocol.values import Convert, as_bytes, serialization_error
from pocketlake.gateway.protocol.wire import Description, Pairs, Parse, Protocol, Respond, body_of, message_key
from pocketlake.kernel.errors import ServiceError


def _inside(value: Any, _: bool) -> Any:
    return value


# Tags whose value stands for itself: timestamps (whose unit only the protocol knows), and all that cbor2 would make
# objects of (regular expressions, shared references, addresses...) and no AWS request has.
UNTAGGED = dict.fromkeys(
    (0, 1, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000), _inside
)


def read(body: bytes) -> Any:
    """A body's CBOR; nothing stands for an empty map."""
    if not body:
        return {}
    import cbor2

    try:
        return cbor2.loads(body, semantic_decoders=UNTAGGED)
    except (cbor2.CBORDecodeError, ValueError, TypeError, LookupError, OverflowError, RecursionError) as mistake:
        raise serialization_error("Unable to parse request body as CBOR.") from mistake


def write(value: Any) -> bytes:
    import cbor2

    encoded: bytes = cbor2.dumps(value)
    return encoded


class CborDecoder(JsonDecoder):
    """CBOR has bytes and tagged timestamps; the rest is as in JSON."""

    units_per_second = 1

    def make_blob(self, member: Member) -> Convert:
        def decode(value: Any) -> bytes:
            if type(value) is bytes:
                return value
            raise mistyped(_plain(value), "blob")

        return decode

    def make_map(self, member: Member) -> Convert:
        make = super().make_map(member)

        def decode(value: Any) -> dict[str, Any]:
            if type(value) is dict and not all(type(key) is str for key in value):
                raise serialization_error("Expected a string as key")
            decoded: dict[str, Any] = make(value)
            return decoded

        return decode

    def make_timestamp(self, member: Member) -> Convert:
        def decode(value: Any) -> float:
            try:
                if type(value) is int or type(value) is float:
                    return timestamps.number(value / self.units_per_second)
                if type(value) is str:
                    return timestamps.parse(value)
            except (ValueError, OverflowError) as mistake:
                raise serialization_error(f"'{str(value)[:64]}' can not be converted to a Date") from mistake
            raise mistyped(_plain(value), "timestamp")

        return decode


class CborEncoder(JsonEncoder):
    def make_blob(self, member: Member) -> Convert:
        return as_bytes

    def make_double(self, member: Member) -> Convert:
        return float

    make_float = make_double

    def make_timestamp(self, member: Member) -> Convert:
        from cbor2 import CBORTag

        return lambda value: CBORTag(1, timestamps.epoch(value))


class MillisecondDecoder(CborDecoder):
    """The Java SDK 1.x tags whole milliseconds as if they were seconds."""

    units_per_second = 1000


class MillisecondEncoder(CborEncoder):
    def make_timestamp(self, member: Member) -> Convert:
        from cbor2 import CBORTag

        return lambda value: CBORTag(1, round(timestamps.seconds(value) * 1000))


class RpcV2CborProtocol(Protocol):
    """smithy-rpc-v2-cbor: POST /service/{service}/operation/{operation}."""

    def __init__(self, metadata: dict[str, Any], shapes: Shapes, validation_error: str) -> None:
        super().__init__(metadata, shapes, validation_error)
        self.decode = CborDecoder()
        self.encode = CborEncoder()

    def reader(self, description: Description, shape: Shape) -> Parse:
        decode = self.decode.structure(shape)

        def parse(request: Request, labels: dict[str, str], query: Pairs) -> dict[str, Any]:
            decoded: dict[str, Any] = decode(read(body_of(request)))
            return decoded

        return parse

    def responder(self, description: Description) -> Respond:
        if description.output is None:
            return lambda output, request_id: Response(200, self.headers(request_id)[1:], b"")
        encode = self.encode.structure(description.output)
        stream = eventstream.member_of(description.output)
        if stream is not None:
            events = eventstream.Writer(stream, self.encode, write, "application/cbor", description.output)
            return events.responder(self.headers, initial=True)
        return lambda output, request_id: Response(200, self.headers(request_id), write(encode(output)))

    def headers(self, request_id: str) -> list[tuple[str, str]]:
        return [
            ("Content-Type", "application/cbor"),
            ("smithy-protocol", "rpc-v2-cbor"),
            ("x-amzn-RequestId", request_id),
        ]

    def failure(self, error: ServiceError, request_id: str) -> Response:
        flaw = self.flaw(error)
        body = self.encode.structure(flaw.shape)(error.members) if flaw.shape else {}
        name = flaw.shape.name if flaw.shape else error.code
        headers = self.headers(request_id)
        if "awsQueryCompatible" in self.metadata:
            headers.append(("x-amzn-query-error", f"{flaw.code};{'Sender' if flaw.sender else 'Receiver'}"))
        return Response(flaw.status, headers, write({"__type": name, message_key(flaw.shape): error.message, **body}))


def _plain(value: Any) -> Any:
    """What to call a value that JSON has no name for."""
    return value if isinstance(value, (bool, str, list, dict)) else 0
