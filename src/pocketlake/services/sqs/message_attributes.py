"""Message attributes: what they may be, how they are kept, and their MD5 as AWS computes it."""

from __future__ import annotations

import base64
import hashlib
import re
from struct import pack
from typing import Any

import orjson

from . import quotas
from .service import errors

NAME = re.compile(r"[A-Za-z0-9_.-]{1,256}")
TYPES = ("String", "Number", "Binary")
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
Values = dict[str, dict[str, Any]]


def check(attributes: Values) -> int:
    """Their bytes: names, types and values. InvalidParameterValue. Source: developer guide, message metadata."""
    most = int(quotas.ATTRIBUTES.value)
    if len(attributes) > most:
        raise _refusal(f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [{most}].")
    size = 0
    for name, value in attributes.items():
        _check_name(name)
        size += len(name) + len(value["DataType"].encode()) + len(_check_value(name, value))
    return size


def _check_name(name: str) -> None:
    lower = name.lower()
    if not NAME.fullmatch(name) or lower.startswith(("aws.", "amazon.")) or name[0] == "." or name[-1] == ".":
        raise _refusal(
            f"The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_),"
            " hyphen (-), and period (.) characters."
        )
    if ".." in name:
        raise _refusal("Message attribute name can not have successive '.' character.")


def _check_value(name: str, value: dict[str, Any]) -> bytes:
    """The value's bytes."""
    kind = value["DataType"]
    if not kind:
        raise _refusal(f"The message attribute '{name}' must contain non-empty message attribute type.")
    logical = kind.partition(".")[0]
    if logical not in TYPES:
        raise _refusal(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes "
            "is Binary, Number, and String."
        )
    member = "BinaryValue" if logical == "Binary" else "StringValue"
    given = value.get(member)
    if given is None and ("StringValue" in value or "BinaryValue" in value):
        raise _refusal(
            f"The message attribute '{name}' with type '{kind}' must use field '{member.removesuffix('Value')}'."
        )
    if not given:
        raise _refusal(
            f"The message attribute '{name}' must contain non-empty message attribute value for message attribute type "
            f"'{kind}'."
        )
    if logical == "Number" and not NUMBER.fullmatch(given):
        raise _refusal(f"Can't cast the value of message (user) attribute '{name}' to a number.")
    return given if isinstance(given, bytes) else given.encode()


def _refusal(message: str) -> Exception:
    error: Exception = errors.InvalidParameterValueException(message)
    return error


def check_system(attributes: Values) -> None:
    """AWSTraceHeader alone can be given. It does not count for the message's size."""
    for name, value in attributes.items():
        if name != "AWSTraceHeader":
            raise _refusal(f"Message system attribute name '{name}' is invalid.")
        _check_value(name, value)


def digest(attributes: Values) -> str:
    """MD5 over name, type and value by name, each with its length before it.

    Source: developer guide, "Calculating the MD5 message digest for message attributes".
    """
    hashed = hashlib.md5(usedforsecurity=False)
    for name in sorted(attributes):
        value = attributes[name]
        kind, binary = value["DataType"].encode(), value.get("BinaryValue")
        raw = value["StringValue"].encode() if binary is None else binary
        label = name.encode()
        hashed.update(pack(">I", len(label)) + label + pack(">I", len(kind)) + kind)
        hashed.update((b"\x01" if binary is None else b"\x02") + pack(">I", len(raw)) + raw)
    return hashed.hexdigest()


def dump(attributes: Values, system: Values) -> bytes | None:
    """As they are kept; None when there are none."""
    if not attributes and not system:
        return None
    return orjson.dumps([{name: _packed(value) for name, value in each.items()} for each in (attributes, system)])


def load(kept: bytes) -> tuple[Values, Values]:
    """The message's attributes and its system attributes."""
    attributes, system = orjson.loads(kept)
    return ({name: _unpacked(v) for name, v in attributes.items()}, {name: _unpacked(v) for name, v in system.items()})


def _packed(value: dict[str, Any]) -> list[str]:
    binary = value.get("BinaryValue")
    if binary is None:
        return [value["DataType"], value["StringValue"]]
    return [value["DataType"], base64.b64encode(binary).decode(), ""]


def _unpacked(kept: list[str]) -> dict[str, Any]:
    if len(kept) == 2:
        return {"StringValue": kept[1], "DataType": kept[0]}
    return {"BinaryValue": base64.b64decode(kept[1]), "DataType": kept[0]}


def wanted(attributes: Values, names: list[str]) -> Values:
    """Those that a ReceiveMessage asks for: by name, by `prefix.*`, or all of them."""
    if "All" in names or ".*" in names:
        return attributes
    prefixes = tuple(name[:-2] for name in names if name.endswith(".*"))
    exact = set(names)
    return {name: v for name, v in attributes.items() if name in exact or (prefixes and name.startswith(prefixes))}
