"""Message attributes: what they may be. Source: SNS developer guide, "Message attributes"."""

from __future__ import annotations

import re
from typing import Any

from .service import errors

NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
CHARACTER = re.compile(r"[A-Za-z0-9_.-]")
TYPE = re.compile(r"(String|Number|Binary)(\..+)?")
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
LONGEST = 256


def check(attributes: dict[str, dict[str, Any]]) -> int:
    """Their bytes: names, types and values. ParameterValueInvalid."""
    size = 0
    for name, value in attributes.items():
        _check_name(name)
        size += len(name) + len(value["DataType"]) + len(_bytes(name, value))
    return size


def _check_name(name: str) -> None:
    if len(name) > LONGEST:
        raise _refusal("Length of message attribute name must be less than 256 bytes.")
    if NAME.fullmatch(name):
        return
    if not name:
        raise _refusal("The message attribute name can not be empty.")
    if name[0] == ".":
        raise _refusal("Invalid message attribute name starting with character '.' was found.")
    if name[-1] == ".":
        raise _refusal("Invalid message attribute name ending with character '.' was found.")
    if ".." in name:
        raise _refusal("Message attribute name can not have successive '.' character.")
    odd = next(character for character in name if not CHARACTER.fullmatch(character))
    raise _refusal(
        f"Invalid non-alphanumeric character '#x{ord(odd):X}' was found in the message attribute name. Can only "
        "include alphanumeric characters, hyphens, underscores, or dots."
    )


def _bytes(name: str, value: dict[str, Any]) -> bytes:
    kind = value["DataType"]
    if not TYPE.fullmatch(kind):
        raise _refusal(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes "
            "is Binary, Number, and String."
        )
    wanted = "Binary" if kind.startswith("Binary") else "String"
    given = value.get(f"{wanted}Value")
    if given is None and ("StringValue" in value or "BinaryValue" in value):
        raise _refusal(f"The message attribute '{name}' with type '{kind}' must use field '{wanted}'.")
    if not given:
        raise _refusal(
            f"The message attribute '{name}' must contain non-empty message attribute value for message attribute type "
            f"'{kind}'."
        )
    if kind.partition(".")[0] == "Number" and not NUMBER.fullmatch(given):
        raise _refusal(f"Could not cast message attribute '{name}' value to number.")
    return given if isinstance(given, bytes) else given.encode()


def _refusal(message: str) -> Exception:
    error: Exception = errors.InvalidParameterValueException(message)
    return error
