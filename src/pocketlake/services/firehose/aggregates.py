"""Records that the Kinesis Producer Library packed together, taken apart again.

An aggregate is four magic bytes, a protocol buffer and the MD5 of that. The message holds a table of partition keys
(1), one of explicit hash keys (2), and records (3) of partition key index (1), explicit hash key index (2), data (3)
and tags (4).
Source: "KPL Aggregated Record Format" in the amazon-kinesis-producer repository; developer guide, "Understand data
delivery": Firehose de-aggregates before it delivers or transforms.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

MAGIC = b"\xf3\x89\x9a\xc2"
DIGEST_BYTES = 16
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

UserRecord = tuple[str, bytes]  # partition key, data


def unpack(data: bytes) -> list[UserRecord] | None:
    """The records inside; None when the data is no aggregate (then it is one record, whatever it begins with)."""
    if not data.startswith(MAGIC) or len(data) < len(MAGIC) + DIGEST_BYTES:
        return None
    message, digest = data[len(MAGIC) : -DIGEST_BYTES], data[-DIGEST_BYTES:]
    if hashlib.md5(message, usedforsecurity=False).digest() != digest:
        return None
    keys: list[str] = []
    packed: list[bytes] = []
    try:
        for number, value in _fields(message):
            if number == 1 and isinstance(value, bytes):
                keys.append(value.decode())
            elif number == 3 and isinstance(value, bytes):
                packed.append(value)
        return [_record(value, keys) for value in packed]
    except (IndexError, ValueError):
        return None


def _record(message: bytes, keys: list[str]) -> UserRecord:
    fields = dict(_fields(message))
    index, data = fields.get(1, 0), fields.get(3, b"")
    if not isinstance(index, int) or not isinstance(data, bytes):
        raise ValueError("fields of other types than a record's")
    return keys[index], data


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(number, value) of each field; ValueError or IndexError when the message is cut off."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        value: int | bytes
        if kind == VARINT:
            value, at = _varint(message, at)
        elif kind == BYTES:
            length, at = _varint(message, at)
            value, at = message[at : at + length], at + length
        elif kind in (FIXED64, FIXED32):
            value, at = 0, at + (8 if kind == FIXED64 else 4)
        else:
            raise ValueError(f"a field of wire type {kind}")
        if at > len(message):
            raise ValueError("the message is cut off")
        yield tag >> 3, value


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
