"""Keys as they lie on disk, read back into attributes: what keys.py writes, the other way round."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

from . import numbers
from .schemas import Key

HASH_LENGTH = 4
ZERO = 0x80
MIDDLE = 0xC0


def attributes(key: Key, hash: bytes, sort: bytes) -> dict[str, dict[str, Any]]:
    """The attributes of a partition key, and of a sort key where there is one."""
    found = dict(zip(key.hashes, _parts(hash[HASH_LENGTH:], len(key.hashes)), strict=True))
    if sort:
        found |= dict(zip(key.ranges, _parts(sort, len(key.ranges)), strict=True))
    return {name: _value(kind, part) for (name, kind), part in found.items()}


def _parts(joined: bytes, count: int) -> list[bytes]:
    if count == 1:
        return [joined]
    parts = joined.split(b"\0\0")[:count]  # zeros within are escaped
    return [part.replace(b"\0\xff", b"\0") for part in parts]


def _value(kind: str, part: bytes) -> dict[str, Any]:
    if kind == "S":
        return {"S": part.decode()}
    return {"N": number(part)} if kind == "N" else {"B": base64.b64encode(part).decode()}


def number(part: bytes) -> str:
    """The text of a number: of numbers.sortable the inverse."""
    if part[0] == ZERO:
        return "0"
    negative = part[0] < ZERO
    exponent = (part[0] ^ 0xFF if negative else part[0]) - MIDDLE
    pairs = [101 - value if negative else value - 1 for value in part[1:] if value != 102 or not negative]
    digits = tuple(int(digit) for pair in pairs for digit in f"{pair:02}")
    return numbers.written(Decimal((int(negative), digits, 2 * (exponent - len(pairs)))))
