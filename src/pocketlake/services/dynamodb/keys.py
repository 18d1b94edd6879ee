"""Keys of items: judged against the schema, and as the bytes that they lie under.

A partition key's bytes begin with four of a hash, so that scans go in hash order. Texts are their UTF-8 bytes, binary
values themselves, numbers as numbers.sortable writes them: compared bytewise they sort as DynamoDB sorts them. Where an
index has several attributes in a key, each is closed by two zero bytes, and zeros within are escaped.
"""

from __future__ import annotations

from hashlib import md5
from typing import Any

from pocketlake.kernel.errors import ServiceError

from . import numbers, quotas
from .attribute_values import binary
from .schemas import Index, Key, Table
from .service import Invalid, refuse
from .store import Bounds, Place

HASH_BYTES, RANGE_BYTES = int(quotas.HASH_BYTES.value), int(quotas.RANGE_BYTES.value)
MISMATCH = "The provided key element does not match the schema"
UNSUITED = "One or more parameter values are not valid. "


def encode(value: dict[str, Any], kind: str) -> bytes:
    """One key attribute's bytes. `value` is known to be of this kind and normal."""
    if kind == "S":
        text: str = value["S"]
        return text.encode()
    return numbers.sortable(value["N"]) if kind == "N" else binary(value["B"])


def hashed(key: bytes) -> bytes:
    """A partition key's bytes behind four of its hash, which is DynamoDB's own: scans go in its order.

    Source: dynalite, db/index.js, hashPrefix.
    """
    return md5(b"Outliers" + key, usedforsecurity=False).digest()[:4] + key


def of_key(table: Table, key: dict[str, Any]) -> tuple[bytes, bytes]:
    """Where the item with this Key lies. The key's values have been judged; ValidationException for a wrong schema."""
    if len(key) != len(table.key.attributes):
        raise refuse(MISMATCH)
    value = key.get(table.hash)
    if value is None or table.hash_type not in value:
        raise refuse(MISMATCH)
    hash = hashed(_checked(table.hash, value, table.hash_type, is_hash=True))
    if table.range is None:
        return hash, b""
    value = key.get(table.range)
    if value is None or table.range_type not in value:
        raise refuse(MISMATCH)
    return hash, _checked(table.range, value, table.range_type, is_hash=False)


def of_item(table: Table, item: dict[str, Any]) -> tuple[bytes, bytes]:
    """Where this item lies; its keys and those of indexes are checked. ValidationException."""
    value = item.get(table.hash)
    if value is None or table.hash_type not in value:
        raise _wrong_in_item(table.hash, table.hash_type, value)
    hash = hashed(_checked(table.hash, value, table.hash_type, is_hash=True))
    sort = b""
    if table.range is not None:
        value = item.get(table.range)
        if value is None or table.range_type not in value:
            raise _wrong_in_item(table.range, table.range_type, value)
        sort = _checked(table.range, value, table.range_type, is_hash=False)
    if table.indexes:
        check_index_keys(table, item)
    return hash, sort


MISSING = "One or more parameter values were invalid: Missing the key "
MISTYPED = "One or more parameter values were invalid: Type mismatch for key "


def _wrong_in_item(name: str, kind: str, value: dict[str, Any] | None) -> ServiceError:
    if value is None:
        return refuse(f"{MISSING}{name} in the item")
    return refuse(f"{MISTYPED}{name} expected: {kind} actual: {next(iter(value))}")


def is_unsuited(error: ServiceError) -> bool:
    """Whether a key, or an item, is refused since it has not the table's key attributes."""
    return error.message.startswith((MISMATCH, MISSING, MISTYPED))


def _checked(name: str, value: dict[str, Any], kind: str, is_hash: bool) -> bytes:
    """The bytes of a primary key's attribute: not empty, not too long."""
    bytes_ = encode(value, kind)
    if not bytes_:
        raise empty(name, kind)
    if kind != "N":
        check_length(bytes_, is_hash)
    return bytes_


def empty(name: str, kind: str) -> ServiceError:
    what = "string" if kind == "S" else "binary"
    return refuse(f"{UNSUITED}The AttributeValue for a key attribute cannot contain an empty {what} value. Key: {name}")


def check_length(key: bytes, is_hash: bool) -> None:
    """Wording (and its missing blank): recorded by dynalite."""
    if is_hash and len(key) > HASH_BYTES:
        raise refuse(
            "One or more parameter values were invalid: "
            f"Size of hashkey has exceeded the maximum size limit of{HASH_BYTES} bytes"
        )
    if not is_hash and len(key) > RANGE_BYTES:
        raise refuse(
            "One or more parameter values were invalid: "
            f"Aggregated size of all range keys has exceeded the size limit of {RANGE_BYTES} bytes"
        )


def check_index_keys(table: Table, item: dict[str, Any]) -> None:
    """What the item has under the names of index keys must be of their types, and not empty."""
    for index in table.indexes:
        for name, kind in index.key.attributes:
            value = item.get(name)
            if value is None:
                continue
            if kind not in value:
                raise refuse(
                    f"One or more parameter values were invalid: Type mismatch for Index Key {name} "
                    f"Expected: {kind} Actual: {next(iter(value))} IndexName: {index.name}"
                )
            if not value[kind]:
                what = "string" if kind == "S" else "binary"
                raise refuse(
                    f"{UNSUITED}A value specified for a secondary index key is not supported. The AttributeValue for "
                    f"a key attribute cannot contain an empty {what} value. IndexName: {index.name}, IndexKey: {name}"
                )
            if kind != "N":
                check_length(encode(value, kind), is_hash=(name, kind) in index.key.hashes)


def joined(parts: list[bytes]) -> bytes:
    """The bytes of a key of several attributes; of a single one itself."""
    if len(parts) == 1:
        return parts[0]
    return b"".join(part.replace(b"\0", b"\0\xff") + b"\0\0" for part in parts)


def in_index(index: Index, item: dict[str, Any], item_hash: bytes, item_sort: bytes) -> Place | None:
    """Where the item's entry lies in an index; None when it lacks one of the index's keys."""
    hashes, ranges = _parts(index.key.hashes, item), _parts(index.key.ranges, item)
    if hashes is None or ranges is None:
        return None
    return Place(hashed(joined(hashes)), joined(ranges) if ranges else b"", item_hash, item_sort)


def _parts(attributes: tuple[tuple[str, str], ...], item: dict[str, Any]) -> list[bytes] | None:
    parts = []
    for name, kind in attributes:
        value = item.get(name)
        if value is None or kind not in value:
            return None
        parts.append(encode(value, kind))
    return parts


def key_attributes(table: Table, index: Index | None, item: dict[str, Any]) -> dict[str, Any]:
    """The key of a LastEvaluatedKey: the table's, and the index's."""
    names = [name for name, _ in (index.key.attributes if index else ())]
    names += [name for name, _ in table.key.attributes if name not in names]
    return {name: item[name] for name in names}


def start(table: Table, index: Index | None, key: dict[str, Any]) -> Place:
    """Where an ExclusiveStartKey stands. Raises Invalid."""
    key_of = index.key if index else table.key
    expected = dict(table.key.attributes) | dict(key_of.attributes)
    if key.keys() != expected.keys():
        raise Invalid("The provided starting key is invalid" + ("" if index else f": {MISMATCH}"))
    for name, kind in expected.items():
        if kind not in key[name]:
            raise Invalid(f"The provided starting key is invalid: {MISMATCH}")
    hash = hashed(encode(key[table.hash], table.hash_type))
    sort = encode(key[table.range], table.range_type) if table.range else b""
    if index is None:
        return Place(hash, sort)
    place = in_index(index, key, hash, sort)
    assert place is not None
    return place


def bounds(key: Key, equal: list[bytes], operator: str, operands: list[bytes]) -> Bounds:
    """The sort keys that a condition selects: leading attributes that are equal, then one operator on the next.

    Operators: EQ LT LE GT GE BETWEEN BEGINS_WITH, or "" for none.
    """
    if len(key.ranges) <= 1:
        return _bounds(operator, operands)
    prefix = b"".join(part.replace(b"\0", b"\0\xff") + b"\0\0" for part in equal)
    if not operator:
        return Bounds(prefix, successor(prefix) if prefix else None)
    escaped = [operand.replace(b"\0", b"\0\xff") for operand in operands]
    if operator == "BEGINS_WITH":
        return Bounds(prefix + escaped[0], successor(prefix + escaped[0]))
    closed = [prefix + operand + b"\0\0" for operand in escaped]
    after = [one[:-1] + b"\x01" for one in closed]
    end = successor(prefix) if prefix else None
    if operator == "EQ":
        return Bounds(closed[0], after[0])
    if operator == "BETWEEN":
        return Bounds(closed[0], after[1])
    if operator in ("LT", "LE"):
        return Bounds(prefix, closed[0] if operator == "LT" else after[0])
    return Bounds(closed[0] if operator == "GE" else after[0], end)


def _bounds(operator: str, operands: list[bytes]) -> Bounds:
    if not operator:
        return Bounds()
    if operator == "BEGINS_WITH":
        return Bounds(operands[0], successor(operands[0]))
    low, high = operands[0], operands[-1]
    if operator in ("LT", "LE"):
        return Bounds(b"", high if operator == "LT" else high + b"\0")
    if operator in ("GT", "GE"):
        return Bounds(low if operator == "GE" else low + b"\0", None)
    return Bounds(low, high + b"\0")  # EQ, BETWEEN


def successor(prefix: bytes) -> bytes | None:
    """The first bytes that no longer begin with `prefix`; None when all that follow do."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes((stripped[-1] + 1,)) if stripped else None
