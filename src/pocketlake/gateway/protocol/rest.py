"""What rest-json and rest-xml share: values in labels, query string and headers; one payload or a body of members."""

from __future__ import annotations

import json
from binascii import b2a_base64
from collections.abc import Callable
from typing import Any

from pocketlake.gateway.message import FileSlice, Request, Response
from pocketlake.gateway.protocol import eventstream, timestamps
from pocketlake.gateway.protocol.shapes import Member, Shape
from pocketlake.gateway.protocol.values import Convert, as_bytes, number_text, serialization_error
from pocketlake.gateway.protocol.wire import Description, Pairs, Parse, Protocol, Respond, body_of
from pocketlake.gateway.protocol.xml import TextDecoder, unbase64
from pocketlake.kernel.errors import ServiceError

BODILESS = (204, 304)
Place = Callable[[Request, dict[str, str], Pairs], Any]


class RestProtocol(Protocol):
    """Subclasses say how bodies are read and written, and how errors look."""

    content_type = ""

    def read_structure(self, shape: Shape) -> Callable[[bytes], dict[str, Any]]:
        """Reads the members of `shape` from a body that is not empty."""
        raise NotImplementedError

    def write_body(self, description: Description, shape: Shape, payload: Member | None) -> Callable[[Any], bytes]:
        raise NotImplementedError

    def request_headers(self, request_id: str) -> list[tuple[str, str]]:
        raise NotImplementedError

    def events(self, stream: Member, output: Shape) -> eventstream.Writer:
        raise NotImplementedError

    def unreadable(self, member: Member, text: str) -> ServiceError:
        """A label, query parameter or header that is not of its member's type."""
        return serialization_error(f"Unable to read {member.wire}: {text[:64]}")

    # Requests

    def reader(self, description: Description, shape: Shape) -> Parse:
        # Headers are looked at from the request's side: it has a handful, the operation may have fifty.
        headers = {
            member.wire.lower(): (name, self._convert_header(member))
            for name, member in shape.members.items()
            if member.location == "header"
        }
        placed = [
            (member.location == "querystring", name, place)
            for name, member in shape.members.items()
            if member.location and (place := self._place(member, shape)) is not None
        ]
        places = [(name, place) for _, name, place in placed]
        elsewhere = [(name, place) for in_query, name, place in placed if not in_query]  # most requests have no query
        payload_name = shape.raw.get("payload")
        payload = self._payload(shape.members[payload_name]) if payload_name else None
        body = None if payload else self._body(shape)

        def read(request: Request, labels: dict[str, str], query: Pairs) -> dict[str, Any]:
            value = body(request) if body else {}
            for header, text in request.headers.items():
                if header in headers:
                    name, convert = headers[header]
                    item = convert(text)
                    if item is not None:
                        value[name] = item
            for name, place in places if query else elsewhere:
                item = place(request, labels, query)
                if item is not None:
                    value[name] = item
            if payload is not None and payload_name is not None:
                item = payload(request)
                if item is not None:
                    value[payload_name] = item
            return value

        return read

    def _payload(self, member: Member) -> Callable[[Request], Any]:
        """The member that the body is. An empty body counts as absent, unless the member streams."""
        kind = member.shape.type
        if kind in ("blob", "string"):
            if member.streaming:
                return lambda request: request.body
            if kind == "blob":
                return lambda request: body_of(request) or None
            return lambda request: _text(body_of(request)) if request.body else None
        read = self.read_structure(member.shape) if kind == "structure" else self.read_value(member)
        return lambda request: read(body_of(request)) if request.body else None

    def read_value(self, member: Member) -> Callable[[bytes], Any]:
        raise NotImplementedError(f"a {member.shape.type} as payload")

    def _body(self, shape: Shape) -> Callable[[Request], dict[str, Any]] | None:
        if all(member.location for member in shape.members.values()):
            return None
        read = self.read_structure(shape)
        return lambda request: read(body_of(request)) if request.body else {}

    def _place(self, member: Member, shape: Shape) -> Place | None:
        location, wire = member.location, member.wire
        if location == "uri":
            convert = self._convert(member)
            return lambda request, labels, query: convert(labels[wire]) if wire in labels else None
        if location == "querystring":
            if member.shape.type == "map":
                return _query_map(member, {other.wire for other in shape.members.values()})
            if member.shape.type == "list":
                each = self._convert(member.shape.member)
                return lambda request, labels, query: [each(value) for name, value in query if name == wire] or None
            convert = self._convert(member)
            return lambda request, labels, query: next((convert(value) for name, value in query if name == wire), None)
        lower = wire.lower()
        if location == "headers":
            return lambda request, labels, query: _prefixed(request.headers, lower)
        return None

    def _convert(self, member: Member) -> Convert:
        scalar = TextDecoder().compile(member)
        if member.shape.type == "string":
            return str

        def convert(text: str) -> Any:
            try:
                return scalar(text)
            except ValueError as mistake:
                raise self.unreadable(member, text) from mistake

        return convert

    def _convert_header(self, member: Member) -> Convert:
        if member.shape.type == "list":
            each = self._convert(member.shape.member)
            dates = member.shape.member.shape.type == "timestamp"
            return lambda text: [each(item) for item in split_list(text, dates)]
        if member.trait("jsonvalue"):

            def json_value(text: str) -> Any:
                try:
                    return json.loads(unbase64(text))
                except (ValueError, RecursionError) as mistake:
                    raise self.unreadable(member, text) from mistake

            return json_value
        return self._convert(member)

    # Answers

    def responder(self, description: Description) -> Respond:
        shape, status = description.output, description.status
        if shape is None:
            return lambda output, request_id: self._overridden(
                Response(status, self.request_headers(request_id)), output
            )
        if (stream := eventstream.member_of(shape)) is not None:
            return self.events(stream, shape).responder(self.request_headers, initial=False)
        headers = {name: _header_writer(member) for name, member in shape.members.items() if member.location in HEADERS}
        code = next((name for name, member in shape.members.items() if member.location == "statusCode"), None)
        write = self._writer(description, shape)
        head = description.method == "HEAD"

        def respond(output: dict[str, Any], request_id: str) -> Response:
            response = Response(output.get(code) or status if code else status, self.request_headers(request_id))
            for name, value in output.items():
                if name in headers and value is not None:
                    headers[name](value, response)
            if not head and response.status not in BODILESS:
                write(output, response)
            return self._overridden(response, output) if "ResponseMetadata" in output else response

        return respond

    def _writer(self, description: Description, shape: Shape) -> Callable[[dict[str, Any], Response], None]:
        name = shape.raw.get("payload")
        payload = shape.members[name] if name else None
        if payload is not None and payload.shape.type in ("blob", "string"):
            kind = "application/octet-stream" if payload.shape.type == "blob" else "text/plain"

            def raw(output: dict[str, Any], response: Response) -> None:
                body = output.get(payload.name)
                response.body = body.encode() if isinstance(body, str) else b"" if body is None else body
                if isinstance(body, (bytes, str, FileSlice)):
                    response.length = None
                _content_type(response, kind)

            return raw
        if payload is None and all(member.location for member in shape.members.values()):
            return lambda output, response: None
        encode = self.write_body(description, shape, payload)

        def whole(output: dict[str, Any], response: Response) -> None:
            value = output if payload is None else output.get(payload.name)
            if value is not None:
                response.body = encode(value)
                _content_type(response, self.content_type)

        return whole

    def _overridden(self, response: Response, output: dict[str, Any]) -> Response:
        """What an operation says of its answer itself wins."""
        about = output.get("ResponseMetadata") or {}
        response.status = about.get("HTTPStatusCode") or response.status
        extra = about.get("HTTPHeaders") or {}
        if extra:
            named = {name.lower() for name in extra}
            response.headers = [pair for pair in response.headers if pair[0].lower() not in named]
            for name, value in extra.items():
                if name.lower() == "content-length":
                    response.length = int(value)
                else:
                    response.headers.append((name, str(value)))
        if response.status in BODILESS:
            response.body, response.length = b"", None
        return response


HEADERS = ("header", "headers")


def split_list(text: str, dates: bool = False) -> list[str]:
    """A header's list. Items in double quotes may hold commas; HTTP dates have one of their own."""
    if dates:
        parts = [part.strip() for part in text.split(",")]
        return [", ".join(parts[at : at + 2]) for at in range(0, len(parts), 2)] if "GMT" in text else parts
    items, item, quoted, escaped = [], "", False, False
    for char in text:
        if escaped:
            item, escaped = item + char, False
        elif char == "\\" and quoted:
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char == "," and not quoted:
            items.append(item.strip())
            item = ""
        else:
            item += char
    return [*items, item.strip()] if text.strip() else []


def _prefixed(headers: dict[str, str], prefix: str) -> dict[str, str] | None:
    found = {name[len(prefix) :]: value for name, value in headers.items() if name.startswith(prefix)}
    return found or None


def _query_map(member: Member, taken: set[str]) -> Place:
    """All parameters that no other member names."""
    many = member.shape.value.shape.type == "list"

    def place(request: Request, labels: dict[str, str], query: Pairs) -> dict[str, Any] | None:
        found: dict[str, Any] = {}
        for name, value in query:
            if name not in taken:
                if many:
                    found.setdefault(name, []).append(value)
                else:
                    found.setdefault(name, value)
        return found or None

    return place


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as mistake:
        raise serialization_error("The request body is not valid UTF-8.") from mistake


def _content_type(response: Response, kind: str) -> None:
    if kind and not any(name.lower() == "content-type" for name, _ in response.headers):
        response.headers.append(("Content-Type", kind))


def header_text(member: Member) -> Convert:
    """A value as a header has it."""
    kind = member.shape.type
    if member.trait("jsonvalue"):
        return lambda value: b2a_base64(json.dumps(value).encode(), newline=False).decode()
    if kind == "timestamp":
        form = timestamps.WRITERS[member.trait("timestampFormat", "rfc822")]
        return lambda value: str(form(value))
    if kind == "boolean":
        return lambda value: "true" if value else "false"
    if kind in ("float", "double"):
        return number_text
    if kind == "list":
        each = header_text(member.shape.member)
        return lambda value: ",".join(_quoted(each(item)) for item in value)
    if kind == "blob":
        return lambda value: b2a_base64(as_bytes(value), newline=False).decode()
    return str


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"' if '"' in text else text


def _header_writer(member: Member) -> Callable[[Any, Response], None]:
    wire, write = member.wire, header_text(member)
    if member.location == "headers":

        def many(values: dict[str, Any], response: Response) -> None:
            response.headers += [(f"{wire}{key}", str(value)) for key, value in values.items()]

        return many
    if wire.lower() == "content-length":

        def length(value: int, response: Response) -> None:
            response.length = value

        return length

    def one(value: Any, response: Response) -> None:
        if value != []:
            response.headers.append((wire, write(value)))

    return one
