"""Values on the wire: CBOR to attribute values, {"S": "text"}, and back.

Numbers are CBOR's integers or decimals, sets are arrays behind a tag of DAX's own, all else is as one would guess.
Reading goes through cbor2; tags that no client sends are refused rather than made objects of.
"""

from __future__ import annotations

import os
from base64 import b64decode
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import cbor2

from .. import quotas
from ..service import refuse
from .scanning import Malformed

STRINGS, NUMBERS, BINARIES, ORDINAL = 3321, 3322, 3323, 3324  # tags
KINDS = {STRINGS: "SS", NUMBERS: "NS", BINARIES: "BS"}
MOST_LEVELS = int(quotas.LEVELS.value)
END = os.urandom(16)  # stands behind values to the end: who ends them sooner does not know it
END_BYTES = cbor2.dumps(END)
REFUSED = (0, 1, 5, 25, 28, 29, 30, 35, 36, 37, 43000, 52, 54, 100, 256, 258, 260, 261, 1004, 55799)

Value = dict[str, Any]


class Members(NamedTuple):
    """A set."""

    kind: str
    values: Sequence[Any]


class Ordinal(NamedTuple):
    """A list's index within a document path."""

    at: int


def _refused(value: Any, immutable: bool) -> Any:
    raise cbor2.CBORDecodeError("a tag that DAX does not know")


def _members(kind: str) -> Any:
    def read(value: Any, immutable: bool) -> Members:
        if not isinstance(value, (list, tuple)):
            raise cbor2.CBORDecodeError("a set is an array")
        return Members(kind, value)

    return read


def _ordinal(value: Any, immutable: bool) -> Ordinal:
    if type(value) is not int or value < 0:
        raise cbor2.CBORDecodeError("an index is a number")
    return Ordinal(value)


TAGS: dict[int, Any] = dict.fromkeys(REFUSED, _refused)
TAGS |= {tag: _members(kind) for tag, kind in KINDS.items()}
TAGS[ORDINAL] = _ordinal


def load(data: bytes) -> Any:
    """One value. Raises Malformed."""
    try:
        return cbor2.loads(data, semantic_decoders=TAGS, max_depth=MOST_LEVELS)
    except (
        cbor2.CBORDecodeError, ValueError, TypeError, LookupError, ArithmeticError, RecursionError,
    ) as mistake:  # fmt: skip
        raise Malformed(str(mistake)) from None


def load_all(data: bytes) -> list[Any]:
    """Values that stand one after another to the end."""
    found: list[Any] = load(b"\x9f" + data + END_BYTES + b"\xff")
    if not found or found.pop() != END:
        raise Malformed("an end before the end")
    return found


def attribute_value(value: Any) -> Value:
    """Raises Malformed."""
    kind = type(value)
    if kind is str:
        return {"S": value}
    if kind is int:
        return {"N": str(value)}
    if kind is bytes:
        return {"B": value}
    if kind is bool:
        return {"BOOL": value}
    if value is None:
        return {"NULL": True}
    if kind is dict:
        return {"M": {_name(name): attribute_value(member) for name, member in value.items()}}
    if kind is list or kind is tuple:
        return {"L": [attribute_value(member) for member in value]}
    if kind is Decimal or kind is float:
        return {"N": _number(value)}
    if kind is Members:
        return {value.kind: [_member(value.kind, member) for member in value.values]}
    raise Malformed("no attribute value")


def _name(name: Any) -> str:
    if type(name) is not str:
        raise Malformed("names are text")
    return name


def _member(kind: str, member: Any) -> Any:
    read = attribute_value(member)
    if kind[0] not in read:
        raise Malformed("a set's members are of its kind")
    return read[kind[0]]


def _number(value: Decimal | float) -> str:
    if value != value or value in (float("inf"), float("-inf")):
        raise Malformed("not a number")
    return str(value)


# Writing

dump = cbor2.dumps
NULL = b"\xf6"


def head(major: int, argument: int) -> bytes:
    """The head of a value: of an array or a map with so many members, of a string with so many bytes."""
    first = major << 5
    if argument < 24:
        return bytes((first | argument,))
    if argument < 0x100:
        return bytes((first | 24, argument))
    if argument < 0x1_0000:
        return bytes((first | 25,)) + argument.to_bytes(2, "big")
    return bytes((first | 26,)) + argument.to_bytes(4, "big")


def binary(data: bytes) -> bytes:
    return head(2, len(data)) + data


def array(members: Sequence[bytes]) -> bytes:
    return head(4, len(members)) + b"".join(members)


def mapping(members: Iterable[tuple[bytes, bytes]]) -> bytes:
    pairs = [name + value for name, value in members]
    return head(5, len(pairs)) + b"".join(pairs)


def text(value: str) -> bytes:
    data = value.encode()
    return head(3, len(data)) + data


def plain(value: Value) -> Any:
    """An attribute value as what cbor2 writes. Binary values may be bytes, or Base64 text as in DynamoDB's JSON."""
    ((kind, content),) = value.items()
    if kind == "S" or kind == "BOOL":
        return content
    if kind == "N":
        return number(content)
    if kind == "M":
        return {name: plain(member) for name, member in content.items()}
    if kind == "L":
        return [plain(member) for member in content]
    if kind == "B":
        return as_bytes(content)
    if kind == "NULL":
        return None
    if kind == "SS":
        return cbor2.CBORTag(STRINGS, list(content))
    if kind == "NS":
        return cbor2.CBORTag(NUMBERS, [number(member) for member in content])
    if kind == "BS":
        return cbor2.CBORTag(BINARIES, [as_bytes(member) for member in content])
    raise refuse("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")


def number(written: str) -> int | Decimal:
    try:
        return int(written)
    except ValueError:
        return Decimal(written)


def as_bytes(content: str | bytes) -> bytes:
    return b64decode(content) if isinstance(content, str) else bytes(content)
