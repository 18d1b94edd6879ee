"""The protocols query and ec2: parameters in a form, answers in XML."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_to_bytes

from pocketlake.gateway.message import Request, Response
from pocketlake.gateway.protocol import timestamps
from pocketlake.gateway.protocol.shapes import Member, Shape, Shapes
from pocketlake.gateway.protocol.values import Compiler, Convert
from pocketlake.gateway.protocol.wire import Description, Pairs, Parse, Protocol, Respond, body_of
from pocketlake.gateway.protocol.xml import TextDecoder, XmlEncoder, escape
from pocketlake.kernel.errors import ServiceError

MOST_PARAMETERS = 20_000
DEEPEST = 64
Tree = dict[str, Any]  # parameters by the parts of their dotted names; a node's own value is under ""


def form_pairs(body: bytes) -> list[tuple[str, str]]:
    """Decoded names and values of application/x-www-form-urlencoded, in order."""
    parts = body.split(b"&")
    if len(parts) > MOST_PARAMETERS:
        raise ServiceError("MalformedQueryString", "The query string has too many parameters.", 400)
    pairs = []
    try:
        for part in parts:
            if part:
                name, _, value = part.replace(b"+", b" ").partition(b"=")
                pairs.append((unquote_to_bytes(name).decode(), unquote_to_bytes(value).decode()))
    except UnicodeDecodeError as mistake:
        raise ServiceError("MalformedQueryString", "The query string is not valid UTF-8.", 400) from mistake
    return pairs


def parameters(request: Request, query: Pairs) -> dict[str, str]:
    """The form's parameters and the query string's; the form wins."""
    return {**dict(query), **dict(form_pairs(body_of(request)))}


def tree(pairs: dict[str, str]) -> Tree:
    top: Tree = {}
    for name, value in pairs.items():
        node = top
        parts = name.split(".")
        if len(parts) > DEEPEST:
            raise ServiceError("MalformedQueryString", "A parameter's name is nested too deeply.", 400)
        if "" in parts:
            continue  # no member has an empty name
        for part in parts:
            node = node.setdefault(part, {})
        node[""] = value
    return top


class QueryDecoder(Compiler):
    """Trees of parameters -> handlers' values. Raises ValueError where the text is not of the member's type."""

    def __init__(self) -> None:
        super().__init__()
        self._text = TextDecoder()

    def compile(self, member: Member) -> Convert:
        if member.shape.type in ("structure", "list", "map"):
            return super().compile(member)
        scalar = self._text.compile(member)
        return lambda node: scalar(node.get("", ""))

    def name_of(self, member: Member) -> str:
        return member.wire

    def make_structure(self, shape: Shape) -> Convert:
        members = []
        for name, member in shape.members.items():
            names = [self.name_of(member)]
            if member.shape.type == "list" and member.trait("flattened"):
                names.append(str(member.shape.member.trait("locationName", names[0])))
            members += [(wire, name, self.compile(member)) for wire in dict.fromkeys(names)]

        def decode(node: Tree) -> dict[str, Any]:
            return {name: convert(node[wire]) for wire, name, convert in members if wire in node}

        return decode

    def make_list(self, member: Member) -> Convert:
        each = self.compile(member.shape.member)
        inner = str(member.shape.member.trait("locationName", "member"))

        def decode(node: Tree) -> list[Any]:
            items = node.get(inner) or node.get("member") or node
            return [each(item) for item in _numbered(items)]

        return decode

    def make_map(self, member: Member) -> Convert:
        key_name = str(member.shape.key.trait("locationName", "key"))
        value_name = str(member.shape.value.trait("locationName", "value"))
        key, value = self.compile(member.shape.key), self.compile(member.shape.value)

        def decode(node: Tree) -> dict[str, Any]:
            entries = _numbered(node.get("entry") or node)
            return {
                key(entry[key_name]): value(entry[value_name])
                for entry in entries
                if key_name in entry and value_name in entry
            }

        return decode


class Ec2Decoder(QueryDecoder):
    """Names are capitalised, lists always flat."""

    def name_of(self, member: Member) -> str:
        if member.trait("queryName"):
            return str(member.trait("queryName"))
        return member.wire[:1].upper() + member.wire[1:]


def _numbered(node: Tree) -> list[Tree]:
    """The entries 1, 2, 3... of a list in order; gaps close up."""
    found = [(int(name), item) for name, item in node.items() if name.isascii() and name.isdigit() and len(name) < 10]
    return [item for _, item in sorted(found, key=lambda pair: pair[0])]


class QueryProtocol(Protocol):
    """Source of the forms: AWS's "Query requests" pages and botocore's QueryParser."""

    validation_error = "ValidationError"
    decoder: type[QueryDecoder] = QueryDecoder

    def __init__(self, metadata: dict[str, Any], shapes: Shapes, validation_error: str) -> None:
        super().__init__(metadata, shapes, validation_error)
        self.decode = self.decoder()
        self.encode = XmlEncoder(timestamps.iso8601)
        self.namespace = metadata.get("xmlNamespace", "")

    def reader(self, description: Description, shape: Shape) -> Parse:
        decode = self.decode.structure(shape)

        def read(request: Request, labels: dict[str, str], query: Pairs) -> dict[str, Any]:
            try:
                decoded: dict[str, Any] = decode(tree(parameters(request, query)))
            except ValueError as mistake:
                raise ServiceError("MalformedInput", str(mistake), 400) from mistake
            return decoded

        return read

    def malformed(self) -> ServiceError:
        return ServiceError("MalformedInput", "The request is nested too deeply.", 400)

    def responder(self, description: Description) -> Respond:
        name = description.name
        encode = self.encode.structure(description.output) if description.output else None
        wrapper = description.output_ref.get("resultWrapper", f"{name}Result") if encode else ""
        begin = f'<{name}Response xmlns="{self.namespace}">'

        def respond(output: dict[str, Any], request_id: str) -> Response:
            result = f"<{wrapper}>{encode(output)}</{wrapper}>" if encode else ""
            about = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
            return self.answer(200, f"{begin}{result}{about}</{name}Response>", request_id)

        return respond

    def answer(self, status: int, text: str, request_id: str) -> Response:
        headers = [("Content-Type", "text/xml"), ("x-amzn-RequestId", request_id)]
        return Response(status, headers, text.encode())

    def failure(self, error: ServiceError, request_id: str) -> Response:
        flaw = self.flaw(error)
        more = self.encode.structure(flaw.shape)(error.members) if flaw.shape else ""
        text = (
            f'<ErrorResponse xmlns="{self.namespace}"><Error><Type>{"Sender" if flaw.sender else "Receiver"}</Type>'
            f"<Code>{escape(flaw.code)}</Code><Message>{escape(error.message)}</Message>{more}</Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return self.answer(flaw.status, text, request_id)


class Ec2Protocol(QueryProtocol):
    validation_error = "InvalidParameterValue"
    decoder = Ec2Decoder

    def __init__(self, metadata: dict[str, Any], shapes: Shapes, validation_error: str) -> None:
        super().__init__(metadata, shapes, validation_error)
        self.encode = XmlEncoder(timestamps.iso8601_millis)
        self.encode.list_item = "item"

    def violation(self, shape: Shape, value: dict[str, Any]) -> ServiceError:
        """Source: "Error codes for the Amazon EC2 API", MissingParameter."""
        for name in shape.required:
            if value.get(name) is None:
                wire = self.decode.name_of(shape.members[name])
                return ServiceError("MissingParameter", f"The request must contain the parameter {wire}", 400)
        return super().violation(shape, value)

    def responder(self, description: Description) -> Respond:
        name = description.name
        encode = self.encode.structure(description.output) if description.output else lambda _: "<return>true</return>"

        def respond(output: dict[str, Any], request_id: str) -> Response:
            text = (
                f'<{name}Response xmlns="{self.namespace}/"><requestId>{request_id}</requestId>'
                f"{encode(output)}</{name}Response>"
            )
            return self.answer(200, text, request_id)

        return respond

    def answer(self, status: int, text: str, request_id: str) -> Response:
        response = super().answer(status, '<?xml version="1.0" encoding="UTF-8"?>\n' + text, request_id)
        response.headers[0] = ("Content-Type", "text/xml;charset=UTF-8")
        return response

    def failure(self, error: ServiceError, request_id: str) -> Response:
        flaw = self.flaw(error)
        text = (
            f"<Response><Errors><Error><Code>{escape(flaw.code)}</Code><Message>{escape(error.message)}</Message>"
            f"</Error></Errors><RequestID>{request_id}</RequestID></Response>"
        )
        return self.answer(flaw.status, text, request_id)
