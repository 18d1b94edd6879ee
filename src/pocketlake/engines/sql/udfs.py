"""Functions written in Python: the last resort, some microsecond a row."""

from __future__ import annotations

import hashlib
import hmac
import struct
import unicodedata
import zlib
from collections.abc import Callable
from typing import Any

from .arithmetic import wide_divide

MASK = (1 << 64) - 1
P1, P2, P3, P4, P5 = (
    0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5,
)  # fmt: skip


def _rotate(value: int, by: int) -> int:
    return ((value << by) | (value >> (64 - by))) & MASK


def _round(state: int, lane: int) -> int:
    return (_rotate((state + lane * P2) & MASK, 31) * P1) & MASK


def xxhash64(data: bytes) -> bytes:
    """xxHash's 64-bit digest with seed 0, big-endian, as Trino gives it."""
    length, at = len(data), 0
    if length >= 32:
        states = [(P1 + P2) & MASK, P2, 0, (-P1) & MASK]
        while at + 32 <= length:
            for lane in range(4):
                states[lane] = _round(states[lane], int.from_bytes(data[at + lane * 8 : at + lane * 8 + 8], "little"))
            at += 32
        value = sum(_rotate(state, by) for state, by in zip(states, (1, 7, 12, 18), strict=True)) & MASK
        for state in states:
            value = ((value ^ _round(0, state)) * P1 + P4) & MASK
    else:
        value = P5
    value = (value + length) & MASK
    while at + 8 <= length:
        value = (_rotate(value ^ _round(0, int.from_bytes(data[at : at + 8], "little")), 27) * P1 + P4) & MASK
        at += 8
    if at + 4 <= length:
        value = (_rotate(value ^ (int.from_bytes(data[at : at + 4], "little") * P1 & MASK), 23) * P2 + P3) & MASK
        at += 4
    for byte in data[at:]:
        value = (_rotate(value ^ (byte * P5 & MASK), 11) * P1) & MASK
    value = ((value ^ (value >> 33)) * P2) & MASK
    value = ((value ^ (value >> 29)) * P3) & MASK
    return (value ^ (value >> 32)).to_bytes(8, "big")


def luhn(text: str) -> bool:
    digits = [int(char) for char in reversed(text)]
    return sum(digit if at % 2 == 0 else sum(divmod(digit * 2, 10)) for at, digit in enumerate(digits)) % 10 == 0


def to_base(value: int, radix: int) -> str:
    if value == 0:
        return "0"
    digits, left = "", abs(value)
    while left:
        left, digit = divmod(left, radix)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return ("-" if value < 0 else "") + digits


def soundex(text: str) -> str:
    """The American Soundex code of a word."""
    codes = {
        char: code
        for code, chars in zip("123456", ("BFPV", "CGJKQSXZ", "DT", "L", "MN", "R"), strict=True)
        for char in chars
    }
    letters = [char for char in text.upper() if char.isalpha()]
    if not letters:
        return ""
    digits, last = "", codes.get(letters[0], "")
    for char in letters[1:]:
        code = codes.get(char, "")
        if code and code != last:
            digits += code
        if char not in "HW":
            last = code
    return (letters[0] + digits + "000")[:4]


def human_readable_seconds(value: float) -> str:
    """96 is `1 minute, 36 seconds`."""
    left = round(value)
    parts = []
    for name, size in (("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}{'s' if count != 1 else ''}")
    return ", ".join(parts) or "0 seconds"


def _mac(name: str) -> Callable[[bytes, bytes], bytes]:
    return lambda data, key: hmac.new(key, data, name).digest()


def register(connection: Any) -> None:
    """Give a fresh engine these functions, under the names the lowering writes."""
    functions: list[tuple[str, Callable[..., Any], list[str], str]] = [
        ("wide_divide", wide_divide, ["VARCHAR"] * 3, "VARCHAR"),
        ("xxhash64", xxhash64, ["BLOB"], "BLOB"),
        ("sha512", lambda data: hashlib.sha512(data).digest(), ["BLOB"], "BLOB"),
        ("crc32", lambda data: zlib.crc32(data), ["BLOB"], "BIGINT"),
        ("hmac_md5", _mac("md5"), ["BLOB", "BLOB"], "BLOB"),
        ("hmac_sha1", _mac("sha1"), ["BLOB", "BLOB"], "BLOB"),
        ("hmac_sha256", _mac("sha256"), ["BLOB", "BLOB"], "BLOB"),
        ("hmac_sha512", _mac("sha512"), ["BLOB", "BLOB"], "BLOB"),
        ("luhn_check", luhn, ["VARCHAR"], "BOOLEAN"),
        ("from_base", lambda text, radix: int(text, radix), ["VARCHAR", "BIGINT"], "BIGINT"),
        ("soundex", soundex, ["VARCHAR"], "VARCHAR"),
        ("normalize", lambda text, form: unicodedata.normalize(form, text), ["VARCHAR", "VARCHAR"], "VARCHAR"),
        ("human_readable_seconds", human_readable_seconds, ["DOUBLE"], "VARCHAR"),
        ("to_big_endian_64", lambda value: struct.pack(">q", value), ["BIGINT"], "BLOB"),
        ("from_big_endian_64", lambda data: struct.unpack(">q", data)[0], ["BLOB"], "BIGINT"),
        ("to_ieee754_64", lambda value: struct.pack(">d", value), ["DOUBLE"], "BLOB"),
        ("from_ieee754_64", lambda data: struct.unpack(">d", data)[0], ["BLOB"], "DOUBLE"),
        ("to_base", to_base, ["BIGINT", "BIGINT"], "VARCHAR"),
    ]
    for name, function, arguments, result in functions:
        connection.create_function(f"__u_{name}", function, arguments, result)
