"""Attribute values as they are on the wire, {"S": "text"}: judged, made normal, and measured.

Items stay JSON from the socket to the disk: binary values stay Base64 text, numbers become normal text. What judges a
value returns its size in bytes as AWS counts it: names and texts in UTF-8, lists and maps three bytes and one a member.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable
from typing import Any

from pybase64 import b64decode, b64encode_as_string

from pocketlake.kernel.errors import ServiceError

from . import numbers, quotas
from .service import Invalid, errors

Value = dict[str, Any]
Item = dict[str, Value]

MOST_LEVELS = int(quotas.NESTING.value)
BAD = "One or more parameter values were invalid: "
EMPTY = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
SEVERAL = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"


def item_size(item: Any, level: int = 0) -> int:
    """Judge an item, a key or the content of a map, in place; its size."""
    if type(item) is not dict:
        raise _mistyped(item, "map")
    if "" in item:
        raise Invalid("Empty attribute name")
    total = 0
    for name, value in item.items():
        total += len(name) if name.isascii() else len(name.encode())
        if type(value) is dict and len(value) == 1:  # texts first: most values are
            text = value.get("S")
            if type(text) is str:
                total += len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
                continue
        total += value_size(value, level)
    return total


def value_size(value: Any, level: int = 0) -> int:
    """Judge one value and make it normal in place; its size. Raises Invalid, or SerializationException."""
    if type(value) is not dict:
        raise _mistyped(value, "structure")
    if len(value) != 1:
        for kind in [kind for kind, content in value.items() if content is None or kind not in MEASURES]:
            del value[kind]
        if len(value) != 1:
            raise Invalid(SEVERAL if value else EMPTY)
    ((kind, content),) = value.items()
    if kind == "S" and type(content) is str:
        return len(content) if content.isascii() else len(content.encode("utf-8", "surrogatepass"))
    if content is None or kind not in MEASURES:
        raise Invalid(EMPTY)
    return MEASURES[kind](value, content, level)


def _string(_: Value, content: Any, __: int) -> int:
    raise _mistyped(content, "String")


def _number(value: Value, content: Any, _: int) -> int:
    if type(content) is not str:
        raise _mistyped(content, "String")
    value["N"] = text = numbers.normal(content)
    return numbers.size(text)


def _binary(value: Value, content: Any, _: int) -> int:
    if type(content) in (bytes, bytearray):  # from within the lake
        value["B"] = b64encode_as_string(content)
        return len(content)
    return len(binary(content))


def binary(text: Any) -> bytes:
    """The bytes of a binary value."""
    if type(text) is not str:
        raise _mistyped(text, "Blob")
    try:
        found: bytes = b64decode(text, None, True)
    except (binascii.Error, ValueError):
        raise errors.SerializationException(f"'{text[:64]}' can not be converted to a Blob") from None
    return found


def _boolean(_: Value, content: Any, __: int) -> int:
    if type(content) is not bool:
        raise _mistyped(content, "Boolean")
    return 1


def _null(_: Value, content: Any, __: int) -> int:
    if type(content) is not bool:
        raise _mistyped(content, "Boolean")
    if not content:
        raise Invalid(f"{BAD}Null attribute value types must have the value of true")
    return 1


def _strings(value: Value, content: Any, level: int) -> int:
    members = _members(content, f"{BAD}An string set  may not be empty")
    total = sum(value_size({"S": member}, level) for member in members)
    if len(set(members)) != len(members):
        listed = ", ".join(f'"{member}"' for member in _up_to_repeat(members, str.encode))
        older = f"{BAD}Input collection [{', '.join(members)}] contains duplicates."
        raise Invalid(f"{BAD}Input collection [{listed}] contains duplicates.", older)
    return total


def _numbers(value: Value, content: Any, level: int) -> int:
    members = _members(content, f"{BAD}An number set  may not be empty")
    if not all(type(member) is str for member in members):
        raise _mistyped(next(member for member in members if type(member) is not str), "String")
    value["NS"] = normal = [numbers.normal(member) for member in members]
    if len(set(normal)) != len(normal):
        raise Invalid(f"{BAD}Input collection contains duplicates.", "Input collection contains duplicates")
    return sum(map(numbers.size, normal))


def _binaries(value: Value, content: Any, level: int) -> int:
    members = _members(content, f"{BAD}Binary sets should not be empty")
    value["BS"] = texts = [b64encode_as_string(one) if type(one) is bytes else one for one in members]
    total = sum(len(binary(member)) for member in texts)
    if len(set(texts)) != len(texts):
        listed = ",".join(f'"{text}"' for text in _up_to_repeat(texts, binary))
        older = f"{BAD}Input collection [{', '.join(texts)}]of type BS contains duplicates."
        raise Invalid(f"{BAD}Input collection [{listed}]of type BS contains duplicates.", older)
    return total


def _up_to_repeat(members: list[str], bytes_of: Callable[[str], bytes]) -> list[str]:
    """Members in the order of their bytes up to the first that comes again; that one and the rest as they were sent."""
    seen: set[str] = set()
    first = 0
    while members[first] not in seen:
        seen.add(members[first])
        first += 1
    return sorted(members[:first], key=bytes_of) + members[first:]


def _members(content: Any, when_empty: str) -> list[Any]:
    if type(content) is not list:
        raise _mistyped(content, "list")
    if not content:
        raise Invalid(when_empty)
    return content


def _list(_: Value, content: Any, level: int) -> int:
    if type(content) is not list:
        raise _mistyped(content, "list")
    _check_level(level)
    return 3 + len(content) + sum(value_size(member, level + 1) for member in content)


def _map(_: Value, content: Any, level: int) -> int:
    _check_level(level)
    return 3 + item_size(content, level + 1) + len(content)


def _check_level(level: int) -> None:
    if level >= MOST_LEVELS:
        raise Invalid(
            "Nesting Levels have exceeded supported limits: "
            "Attributes in the item have nested levels beyond supported limit"
        )


MEASURES: dict[str, Callable[[Value, Any, int], int]] = {
    "S": _string,
    "N": _number,
    "B": _binary,
    "BOOL": _boolean,
    "NULL": _null,
    "SS": _strings,
    "NS": _numbers,
    "BS": _binaries,
    "L": _list,
    "M": _map,
}


def kind_of(value: Value) -> str:
    return next(iter(value))


def is_equal(left: Value, right: Value) -> bool:
    """Sets without regard to their order; numbers are normal, so their texts tell."""
    if left == right:
        return True
    ((kind, content),) = left.items()
    ((other, against),) = right.items()
    if kind != other:
        return False
    if kind in ("SS", "NS", "BS"):
        return len(content) == len(against) and set(content) == set(against)
    if kind == "L":
        return len(content) == len(against) and all(map(is_equal, content, against))
    if kind == "M":
        return content.keys() == against.keys() and all(is_equal(content[name], against[name]) for name in content)
    return False


def _mistyped(value: Any, wanted: str) -> ServiceError:
    """Wording: DynamoDB's JSON reader, as moto's tests and ScyllaDB's Alternator tests record it."""
    error = errors.SerializationException
    if isinstance(value, list):
        found: ServiceError = error("Start of list found where not expected")
    elif isinstance(value, dict):
        found = error("Start of structure or map found where not expected")
    elif wanted in ("list", "map", "structure"):
        found = error(f"Unexpected value type in payload: expected {wanted}")
    elif isinstance(value, bool):
        found = error(f"{str(value).upper()}_VALUE cannot be converted to {wanted}")
    elif isinstance(value, str):
        found = error(f"STRING_VALUE cannot be converted to {wanted}")
    else:
        found = error(f"NUMBER_VALUE cannot be converted to {wanted}")
    return found
