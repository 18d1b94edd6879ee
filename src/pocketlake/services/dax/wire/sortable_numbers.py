"""Numbers as DAX writes them behind a partition key: bytes that sort as the numbers do.

A head byte holds sign and decimal exponent, four more follow when it does not fit; then groups of three digits in ten
bits each, and a terminator that says how many digits of the last group count. Negative numbers are complemented.
"""

from __future__ import annotations

from decimal import Decimal

ZERO = 0x80
LOW, HIGH = -0x3E, 0x3E  # exponents that the head byte holds
POSITIVE, NEGATIVE = 12, 999 + 12  # what is added to a group
GROUP_BITS, LAST = 10, 1023
TERMINATORS = {1: 0, 2: 1, 0: 2}  # digits in the last group, modulo 3
SIGN, FLIPPED = 0x8000_0000, 0x7FFF_FFFF


class Unreadable(ValueError):
    """These bytes are no number."""


def encode(value: Decimal) -> bytes:
    """Of a finite number, with just the digits that it has: 100 and 1E+2 are written differently."""
    sign, digits, scale = value.as_tuple()
    assert isinstance(scale, int)
    if not any(digits):
        return bytes((ZERO,))
    text = "".join(map(str, digits))
    exponent = len(text) + scale
    head = _negative_head(exponent) if sign else _positive_head(exponent)
    padded = text + "0" * (-len(text) % 3)
    groups = [int(padded[at : at + 3]) for at in range(0, len(padded), 3)]
    terminator = TERMINATORS[len(text) % 3]
    coded = [NEGATIVE - group if sign else POSITIVE + group for group in groups]
    coded.append(LAST - terminator if sign else terminator)
    bits = 0
    for group in coded:
        bits = bits << GROUP_BITS | group
    spare = -len(coded) * GROUP_BITS % 8
    return head + (bits << spare).to_bytes((len(coded) * GROUP_BITS + spare) // 8, "big")


def _positive_head(exponent: int) -> bytes:
    if LOW <= exponent < HIGH:
        return bytes((exponent + 0xC0,))
    return bytes((0x81 if exponent < 0 else 0xFE,)) + (exponent & 0xFFFF_FFFF ^ SIGN).to_bytes(4, "big")


def _negative_head(exponent: int) -> bytes:
    if LOW <= exponent < HIGH:
        return bytes((0x3F - exponent,))
    return bytes((0x7E if exponent < 0 else 0x01,)) + (exponent & 0xFFFF_FFFF ^ FLIPPED).to_bytes(4, "big")


def decode(data: bytes) -> Decimal:
    """Raises Unreadable."""
    if not data:
        raise Unreadable("no bytes")
    head = data[0]
    if head in (0x7F, ZERO):
        return Decimal(0)
    if head in (0x00, 0xFF):
        raise Unreadable("an undefined number")
    negative = head < ZERO
    if head in (0x01, 0x7E, 0x81, 0xFE):
        flipped = int.from_bytes(data[1:5], "big") ^ (FLIPPED if negative else SIGN)
        exponent = (flipped & FLIPPED) - (flipped & SIGN)
        rest = data[5:]
    else:
        exponent = 0x3F - head if negative else head - 0xC0
        rest = data[1:]
    digits = _digits(rest, negative)
    return Decimal((int(negative), tuple(map(int, digits)), exponent - len(digits)))


def _digits(data: bytes, negative: bool) -> str:
    found: list[str] = []
    bits = int.from_bytes(data, "big")
    left = len(data) * 8
    while left >= GROUP_BITS:
        left -= GROUP_BITS
        group = bits >> left & LAST
        terminator = LAST - group if negative else group
        if terminator <= 2:
            if not found:
                raise Unreadable("no digits")
            return "".join(found)[: len(found) * 3 - 2 + terminator]
        value = NEGATIVE - group if negative else group - POSITIVE
        if not 0 <= value <= 999:
            raise Unreadable("a group that is no group")
        found.append(f"{value:03d}")
    raise Unreadable("no end")
