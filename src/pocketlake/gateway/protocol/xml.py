"""XML bodies: read with doctypes, entities and deep nesting refused; written as strings. For all XML protocols."""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from typing import Any
from xml.parsers import expat

from pocketlake.gateway.protocol import timestamps
from pocketlake.gateway.protocol.shapes import Member, Shape
from pocketlake.gateway.protocol.values import Compiler, Convert, as_bytes, boolean, integer, number_text, real

DEEPEST = 64
SCHEMA_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
UNSAFE = re.compile(r"[&<>\"\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}


class Malformed(ValueError):
    """A document that is not well-formed, or has what no AWS request has."""


class Node:
    """An element by its local name: namespaces and prefixes mean nothing to AWS."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[Node] = []
        self.text = ""


def read(body: bytes) -> Node:
    """The root element. Raises Malformed."""
    top = Node("", {})
    open_nodes = [top]
    text: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(open_nodes) > DEEPEST:
            raise Malformed("nested too deeply")
        node = Node(_local(name), {_local(key): value for key, value in attributes.items()})
        open_nodes[-1].children.append(node)
        open_nodes.append(node)
        text.clear()

    def end(_: str) -> None:
        node = open_nodes.pop()
        if not node.children:
            node.text = "".join(text)
        text.clear()

    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text.append
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, LookupError, ValueError) as mistake:
        raise Malformed(str(mistake)) from mistake
    return top.children[0]


def _refuse(*_: Any) -> None:
    raise Malformed("document type declarations are not allowed")


def _local(name: str) -> str:
    return name.rpartition("}")[2].rpartition(":")[2]


def escape(text: str) -> str:
    """Text for an element. Control characters become references, as S3 writes them."""
    return UNSAFE.sub(_reference, text) if UNSAFE.search(text) else text


def _reference(found: re.Match[str]) -> str:
    char = found[0]
    if char in NAMED:
        return NAMED[char]
    return "&#xFFFD;" if char >= "\ud800" else f"&#x{ord(char):x};"


class TextDecoder(Compiler):
    """Scalars as text, the same in XML, query parameters, headers and labels. Raises ValueError."""

    def make_string(self, member: Member) -> Convert:
        return str

    def make_document(self, member: Member) -> Convert:
        return str

    def make_boolean(self, member: Member) -> Convert:
        return boolean

    def make_integer(self, member: Member) -> Convert:
        kind = member.shape.type
        return lambda text: integer(text, kind)

    make_long = make_integer

    def make_double(self, member: Member) -> Convert:
        return real

    make_float = make_double

    def make_timestamp(self, member: Member) -> Convert:
        return timestamps.parse

    def make_blob(self, member: Member) -> Convert:
        return unbase64


def unbase64(text: str) -> bytes:
    """Raises ValueError."""
    try:
        return a2b_base64("".join(text.split()), strict_mode=True)
    except Base64Error as mistake:
        raise ValueError(str(mistake)) from mistake


class XmlDecoder(Compiler):
    """Elements -> handlers' values. Raises ValueError where the text is not of the member's type."""

    def __init__(self) -> None:
        super().__init__()
        self._text = TextDecoder()

    def compile(self, member: Member) -> Convert:
        if member.shape.type in ("structure", "list", "map"):
            return super().compile(member)
        scalar = self._text.compile(member)
        if member.shape.type in ("string", "character", "blob"):
            return lambda node: scalar(node.text)
        return lambda node: scalar(node.text.strip())

    def make_structure(self, shape: Shape) -> Convert:
        single: dict[str, tuple[str, Convert]] = {}
        repeated: dict[str, tuple[str, Convert]] = {}
        attributes = []
        for name, member in shape.members.items():
            if member.location:
                continue
            if member.trait("xmlAttribute"):
                attributes.append((name, _local(member.wire)))
            elif _flattened(member):
                for wire in {member.wire, flattened_name(member)}:
                    repeated[wire] = (name, self._repeated(member))
            else:
                single[member.wire] = (name, self.compile(member))

        def decode(node: Node) -> dict[str, Any]:
            out: dict[str, Any] = {}
            for name, wire in attributes:
                if wire in node.attributes:
                    out[name] = node.attributes[wire]
            for child in node.children:
                if (known := single.get(child.name)) is not None:
                    out[known[0]] = known[1](child)
                elif (known := repeated.get(child.name)) is not None:
                    known[1]((out, known[0], child))
            return out

        return decode

    def _repeated(self, member: Member) -> Convert:
        """Adds one of the elements of a flattened list or map to what is there."""
        if member.shape.type == "list":
            each = self.compile(member.shape.member)

            def append(place: tuple[dict[str, Any], str, Node]) -> None:
                out, name, node = place
                out.setdefault(name, []).append(each(node))

            return append
        entry = self._entry(member.shape)

        def put(place: tuple[dict[str, Any], str, Node]) -> None:
            out, name, node = place
            out.setdefault(name, {}).update(entry(node))

        return put

    def make_list(self, member: Member) -> Convert:
        each = self.compile(member.shape.member)
        return lambda node: [each(child) for child in node.children]

    def make_map(self, member: Member) -> Convert:
        entry = self._entry(member.shape)

        def decode(node: Node) -> dict[str, Any]:
            out: dict[str, Any] = {}
            for child in node.children:
                out.update(entry(child))
            return out

        return decode

    def _entry(self, shape: Shape) -> Callable[[Node], dict[str, Any]]:
        key_name, value_name = shape.key.wire, shape.value.wire
        key, value = self.compile(shape.key), self.compile(shape.value)

        def decode(node: Node) -> dict[str, Any]:
            parts = {child.name: child for child in node.children}
            if key_name not in parts or value_name not in parts:
                raise ValueError("a map's entry has a key and a value")
            return {key(parts[key_name]): value(parts[value_name])}

        return decode


class XmlEncoder(Compiler):
    """Handlers' values -> the inside of an element, as a string; `element` gives it with its tags."""

    list_item = "member"

    def __init__(self, timestamp: Callable[[Any], str] = timestamps.iso8601) -> None:
        super().__init__()
        self._timestamp = timestamp

    def element(self, member: Member, name: str | None = None) -> Convert:
        """Writes the member's element, or its elements where it is flattened."""
        tag = name or member.wire
        if member.shape.type in ("list", "map") and _flattened(member):
            return self._flat(member, name or flattened_name(member))
        inside = self.compile(member)
        begin, end = f"<{tag}>", f"</{tag}>"
        if member.shape.type == "string":
            return lambda value: f"{begin}{escape(value if type(value) is str else str(value))}{end}"
        opening = _opening(member, tag)
        if opening is not None:
            return lambda value: f"{opening(value)}{inside(value)}{end}"
        return lambda value: f"{begin}{inside(value)}{end}"

    def _flat(self, member: Member, tag: str) -> Convert:
        if member.shape.type == "list":
            each = self.element(member.shape.member, tag)
            return lambda items: "".join(map(each, items))
        entry = self._entry(member.shape)
        return lambda items: "".join(f"<{tag}>{entry(key, value)}</{tag}>" for key, value in items.items())

    def make_structure(self, shape: Shape) -> Convert:
        writers = {
            name: self.element(member)
            for name, member in shape.members.items()
            if not member.location and not member.trait("xmlAttribute") and not member.shape.eventstream
        }

        def encode(value: dict[str, Any]) -> str:
            return "".join(
                [write(value[name]) for name, write in writers.items() if name in value and value[name] is not None]
            )

        return encode

    def make_list(self, member: Member) -> Convert:
        item = member.shape.member
        each = self.element(item, item.trait("locationName", self.list_item))
        return lambda items: "".join(map(each, items))

    def make_map(self, member: Member) -> Convert:
        entry = self._entry(member.shape)
        return lambda items: "".join(f"<entry>{entry(key, value)}</entry>" for key, value in items.items())

    def _entry(self, shape: Shape) -> Callable[[str, Any], str]:
        key, value = self.element(shape.key), self.element(shape.value)
        return lambda name, item: key(name) + value(item)

    def make_string(self, member: Member) -> Convert:
        return lambda value: escape(value if type(value) is str else str(value))

    make_document = make_string

    def make_boolean(self, member: Member) -> Convert:
        return lambda value: "true" if value else "false"

    def make_integer(self, member: Member) -> Convert:
        return str

    make_long = make_integer

    def make_double(self, member: Member) -> Convert:
        return number_text

    make_float = make_double

    def make_timestamp(self, member: Member) -> Convert:
        form = member.trait("timestampFormat")
        if form == "unixTimestamp":
            return lambda value: number_text(timestamps.epoch(value))
        return timestamps.rfc822 if form == "rfc822" else self._timestamp

    def make_blob(self, member: Member) -> Convert:
        return lambda value: b2a_base64(as_bytes(value), newline=False).decode("ascii")


def _flattened(member: Member) -> bool:
    return member.shape.type in ("list", "map") and bool(member.trait("flattened"))


def flattened_name(member: Member) -> str:
    """The name of a flattened list's elements: the item's own, else the list's (as botocore's parser has it)."""
    if member.shape.type == "list":
        return str(member.shape.member.trait("locationName", member.wire))
    return member.wire


def _opening(member: Member, tag: str) -> Callable[[Any], str] | None:
    """The opening tag of a structure with attributes or a namespace of its own, such as S3's Grantee."""
    if member.shape.type != "structure":
        return None
    attributes = [(name, inner.wire) for name, inner in member.shape.members.items() if inner.trait("xmlAttribute")]
    if not attributes:
        return None
    space = member.trait("xmlNamespace") or {"prefix": "xsi", "uri": SCHEMA_INSTANCE}
    declared = f'<{tag} xmlns:{space["prefix"]}="{space["uri"]}"'

    def opening(value: dict[str, Any]) -> str:
        shown = "".join(f' {wire}="{escape(value[name])}"' for name, wire in attributes if value.get(name) is not None)
        return f"{declared}{shown}>"

    return opening
