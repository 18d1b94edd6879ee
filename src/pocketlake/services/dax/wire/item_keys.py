"""Primary keys on the wire, without the attributes' names: both sides know the table's key schema.

A partition key alone is its raw bytes (a number: as CBOR). With a sort key it is CBOR, and the sort key's raw bytes
follow (a number: as sortable_numbers writes it), up to the end.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from . import sortable_numbers, values
from .scanning import Malformed, Scanner
from .values import Value

FARTHEST = 500  # decimal exponent; DynamoDB's go to 125


class KeySchema(NamedTuple):
    """Name and type (S, N, B) of the partition key, and of the sort key if there is one."""

    hash: str
    hash_type: str
    sort: str | None
    sort_type: str

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for name in (self.hash, self.sort) if name is not None)

    @property
    def is_canonical(self) -> bool:
        """Whether each key has but one form: numbers have several (1, 1.0)."""
        return "N" not in (self.hash_type, self.sort_type)


def encode(schema: KeySchema, item: dict[str, Value]) -> bytes:
    """Of an item or a key that has all of the key's attributes."""
    content = item[schema.hash][schema.hash_type]
    if schema.sort is None:
        if schema.hash_type == "N":
            return values.dump(values.number(content))
        return _raw(schema.hash_type, content)
    return _cbor(schema.hash_type, content) + _sorted(schema.sort_type, item[schema.sort][schema.sort_type])


def _raw(kind: str, content: Any) -> bytes:
    return content.encode() if kind == "S" else values.as_bytes(content)


def _cbor(kind: str, content: Any) -> bytes:
    if kind == "S":
        return values.text(content)
    return values.dump(values.number(content)) if kind == "N" else values.binary(values.as_bytes(content))


def _sorted(kind: str, content: Any) -> bytes:
    return sortable_numbers.encode(Decimal(content)) if kind == "N" else _raw(kind, content)


def decode(schema: KeySchema, data: Any) -> dict[str, Value]:
    """Raises Malformed."""
    if type(data) is not bytes:
        raise Malformed("a key is bytes")
    try:
        if schema.sort is None:
            return {schema.hash: _alone(schema.hash_type, data)}
        scanner = Scanner()
        scanner.expect(1)
        if not scanner.scan(data):
            raise Malformed("half a key")
        hash = values.attribute_value(values.load(data[: scanner.at]))
        if schema.hash_type not in hash:
            raise Malformed("a key of another type")
        return {schema.hash: hash, schema.sort: _behind(schema.sort_type, data[scanner.at :])}
    except (UnicodeDecodeError, sortable_numbers.Unreadable) as mistake:
        raise Malformed(str(mistake)) from None


def _alone(kind: str, data: bytes) -> Value:
    if kind == "S":
        return {"S": data.decode()}
    if kind == "B":
        return {"B": data}
    number = values.attribute_value(values.load(data))
    if "N" not in number:
        raise Malformed("a key of another type")
    return number


def _behind(kind: str, data: bytes) -> Value:
    if kind == "S":
        return {"S": data.decode()}
    return {"B": data} if kind == "B" else {"N": str(sortable_numbers.decode(data))}


def canonical(schema: KeySchema, data: bytes) -> bytes:
    """One form for each key, to find it in the cache by. Raises Malformed."""
    if schema.is_canonical:
        return data
    key = decode(schema, data)
    for name, kind in ((schema.hash, schema.hash_type), (schema.sort, schema.sort_type)):
        if name is not None and kind == "N":
            key[name] = {"N": _shortest(key[name]["N"])}
    return encode(schema, key)


def _shortest(written: str) -> str:
    """A number without zeros at its end, in plain digits."""
    sign, digits, exponent = Decimal(written).as_tuple()
    assert isinstance(exponent, int)
    significant = "".join(map(str, digits)).lstrip("0")
    stripped = significant.rstrip("0")
    if not stripped:
        return "0"
    exponent += len(significant) - len(stripped)
    if abs(exponent) > FARTHEST:
        raise Malformed("a number far beyond DynamoDB's")
    return f"{Decimal((sign, tuple(map(int, stripped)), exponent)):f}"
