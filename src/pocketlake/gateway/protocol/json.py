"""The JSON protocols 1.0 and 1.1, and JSON bodies for rest-json."""

from __future__ import annotations

import json
from binascii import Error as Base64Error
from typing import Any

import orjson
from pybase64 import b64decode, b64encode_as_string

from pocketlake.gateway.protocol import timestamps
from pocketlake.gateway.protocol.shapes import Member, Shape
from pocketlake.gateway.protocol.values import (
    INTEGER_RANGES,
    NON_FINITE,
    Compiler,
    Convert,
    as_bytes,
    boolean,
    number_text,
    serialization_error,
)
from pocketlake.kernel.errors import ServiceError

JAVA_NAMES = {
    "string": "String",
    "boolean": "Boolean",
    "integer": "Integer",
    "long": "Long",
    "float": "Float",
    "double": "Double",
    "timestamp": "Date",
}


def read(body: bytes) -> Any:
    """A body's JSON; nothing stands for an empty object. Refuses bad UTF-8 and more than 1,024 levels."""
    if not body:
        return {}
    try:
        return orjson.loads(body)
    except ValueError as mistake:
        raise serialization_error("Unable to parse request body as JSON.") from mistake


def write(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # integers beyond 64 bits, lone surrogates: slow, but right
        return json.dumps(value, separators=(",", ":")).encode()


def mistyped(value: Any, kind: str) -> ServiceError:
    """The refusal of a value of the wrong type, as Kinesis words it.

    Source: recorded from AWS in mhart/kinesalite test/helpers.js, assertType.
    """
    if isinstance(value, list):
        return serialization_error("Start of list found where not expected")
    if isinstance(value, dict):
        return serialization_error("Start of structure or map found where not expected.")
    if kind in ("list", "map"):
        return serialization_error(f"Expected {kind} or null")
    if kind == "structure":
        return serialization_error("Expected null")
    target = "a Blob" if kind == "blob" else f"an {JAVA_NAMES[kind]}"
    if kind == "boolean" and isinstance(value, str):
        return serialization_error(f"'{value[:64]}' can not be converted to {target}")
    if isinstance(value, bool):
        java = "java.lang.Boolean"
    elif isinstance(value, str):
        java = "java.lang.String"
    else:
        java = "com.amazon.coral.value.json.numbers.TruncatingBigNumber"
    return serialization_error(f"class {java} can not be converted to {target}")


def blob(value: Any) -> bytes:
    """Base64, strictly. Wording from kinesalite's test/helpers.js (with AWS's own spelling)."""
    if type(value) is not str:
        raise mistyped(value, "blob")
    try:
        data: bytes = b64decode(value, None, True)
        if value[-1:] == "=" and b64encode_as_string(data[-(len(data) % 3) :]) != value[-4:]:
            raise ValueError("bits after the end")
        return data
    except (Base64Error, ValueError) as mistake:
        raise serialization_error(f"'{value[:64]}' can not be converted to a Blob: {_base64_flaw(value)}") from mistake


def _base64_flaw(value: str) -> str:
    if len(value) % 4:
        return f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(value)}"
    for at, char in enumerate(value):
        alone = char == "=" and value[at + 1 : at + 2] not in ("", "=")
        if alone or not (char.isascii() and (char.isalnum() or char in "+/=")):
            return f"Invalid Base64 character: '{char}'"
    return "Invalid last non-pad Base64 character dectected"


class JsonDecoder(Compiler):
    """JSON values as `orjson` reads them -> handlers' values. Null members count as absent, unknown ones go."""

    read_blob = staticmethod(blob)

    def __init__(self, raw: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self.raw = raw

    def make_structure(self, shape: Shape) -> Convert:
        if shape.name in self.raw:
            return _same
        members = {
            member.wire: (name, self.compile(member))
            for name, member in shape.members.items()
            if not member.shape.eventstream
        }
        find = members.get

        def decode(value: Any) -> dict[str, Any]:
            if type(value) is not dict:
                raise mistyped(value, "structure")
            out = {}
            for wire, item in value.items():
                if item is not None:
                    known = find(wire)
                    if known is not None:
                        out[known[0]] = known[1](item)
            return out

        return decode

    def make_list(self, member: Member) -> Convert:
        each = self.compile(member.shape.member)

        def decode(value: Any) -> list[Any]:
            if type(value) is not list:
                raise mistyped(value, "list")
            return [None if item is None else each(item) for item in value]

        return decode

    def make_map(self, member: Member) -> Convert:
        each = self.compile(member.shape.value)
        sparse = member.shape.raw.get("sparse")

        def decode(value: Any) -> dict[str, Any]:
            if type(value) is not dict:
                raise mistyped(value, "map")
            if each is _same and None not in value.values():
                return value
            if sparse:
                return {key: None if item is None else each(item) for key, item in value.items()}
            return {key: each(item) for key, item in value.items() if item is not None}

        return decode

    def make_string(self, member: Member) -> Convert:
        if member.trait("jsonvalue"):
            return _read_json_value

        def decode(value: Any) -> str:
            if type(value) is str:
                return value
            raise mistyped(value, "string")

        return decode

    def make_boolean(self, member: Member) -> Convert:
        def decode(value: Any) -> bool:
            if type(value) is bool:
                return value
            if type(value) is str and value.lower() in ("true", "false"):
                return boolean(value.lower())
            raise mistyped(value, "boolean")

        return decode

    def make_integer(self, member: Member) -> Convert:
        kind = member.shape.type
        low, high = INTEGER_RANGES[kind]

        def decode(value: Any) -> int:
            if type(value) is int and low <= value <= high:
                return value
            if type(value) is float and low <= value <= high:
                return int(value)  # Coral's numbers are "truncating"
            raise mistyped(value, kind)

        return decode

    make_long = make_integer

    def make_double(self, member: Member) -> Convert:
        kind = member.shape.type

        def decode(value: Any) -> float:
            if type(value) is float:
                return value
            if type(value) is int:
                return float(value)
            if type(value) is str and value in NON_FINITE:
                return NON_FINITE[value]
            raise mistyped(value, kind)

        return decode

    make_float = make_double

    def make_timestamp(self, member: Member) -> Convert:
        def decode(value: Any) -> float:
            try:
                if type(value) is float or type(value) is int:
                    return timestamps.number(value)
                if type(value) is str:
                    return timestamps.parse(value)
            except (ValueError, OverflowError) as mistake:
                raise serialization_error(f"'{str(value)[:64]}' can not be converted to a Date") from mistake
            raise mistyped(value, "timestamp")

        return decode

    def make_blob(self, member: Member) -> Convert:
        return self.read_blob

    def make_document(self, member: Member) -> Convert:
        return _same


class JsonEncoder(Compiler):
    """Handlers' values -> what `orjson` writes. Members that are None or unknown are left out."""

    def __init__(self, raw: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self.raw = raw

    def compile(self, member: Member) -> Convert:
        return _same if member.shape.name in self.raw else super().compile(member)

    def make_structure(self, shape: Shape) -> Convert:
        members = {
            name: (member.wire, self.compile(member))
            for name, member in shape.members.items()
            if not member.shape.eventstream
        }
        find = members.get
        renamed = any(wire != name for name, (wire, _) in members.items())
        known = members.keys()
        converted = [(name, convert) for name, (_, convert) in members.items() if convert is not _same]

        def encode(value: dict[str, Any]) -> dict[str, Any]:
            if not renamed and value.keys() <= known and None not in value.values():  # as almost all are
                if not converted:
                    return value
                out = value.copy()
                for name, convert in converted:
                    if name in out:
                        out[name] = convert(out[name])
                return out
            out = {}
            for name, item in value.items():
                if item is not None:
                    found = find(name)
                    if found is not None:
                        out[found[0]] = item if found[1] is _same else found[1](item)
            return out

        return encode

    def make_list(self, member: Member) -> Convert:
        each = self.compile(member.shape.member)
        if each is _same:
            return list
        return lambda value: [None if item is None else each(item) for item in value]

    def make_map(self, member: Member) -> Convert:
        each = self.compile(member.shape.value)
        if each is _same:
            return dict
        return lambda value: {str(key): None if item is None else each(item) for key, item in value.items()}

    def make_string(self, member: Member) -> Convert:
        return _write_json_value if member.trait("jsonvalue") else _same

    def make_boolean(self, member: Member) -> Convert:
        return _same

    make_integer = make_long = make_document = make_boolean

    def make_double(self, member: Member) -> Convert:
        return lambda value: value if value - value == 0 else number_text(value)  # NaN and infinities are words

    make_float = make_double

    def make_timestamp(self, member: Member) -> Convert:
        return timestamps.WRITERS[member.trait("timestampFormat", "unixTimestamp")]

    def make_blob(self, member: Member) -> Convert:
        return _base64


def _same(value: Any) -> Any:
    return value


def _base64(value: Any) -> str:
    text: str = b64encode_as_string(value if type(value) is bytes else as_bytes(value))
    return text


def _read_json_value(value: Any) -> Any:
    """A member that carries JSON as text."""
    if type(value) is not str:
        raise mistyped(value, "string")
    return read(value.encode("utf-8", "surrogatepass"))


def _write_json_value(value: Any) -> str:
    return json.dumps(value)
