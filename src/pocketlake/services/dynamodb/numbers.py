"""Numbers: decimal, exact to 38 digits, from 1e-130 to 9.99e+125, and their bytes in keys that sort as they do."""

from __future__ import annotations

import re
from decimal import Context, Decimal, Inexact
from functools import lru_cache

from .service import Invalid

PLAIN = re.compile(r"-?[1-9][0-9]{0,37}|0").fullmatch
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE]([+-]?\d{1,18}))?").fullmatch
JAVA_INT = 2**31 - 1
DIGITS, LARGEST, SMALLEST = 38, 125, -130
MANTISSA = 20  # bytes of digits in a key
UNREADABLE = "The parameter cannot be converted to a numeric value"
OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
EXACT = Context(prec=400)
ROUND = Context(prec=DIGITS)


def normal(text: str) -> str:
    """The number without needless zeros or an exponent, as DynamoDB gives it back. Raises Invalid."""
    if PLAIN(text):
        return text
    found = NUMBER(text)
    if not found:
        raise Invalid(f"{UNREADABLE}: {text}", UNREADABLE if not text else None)
    exponent = int(found[3] or 0)
    if abs(exponent) >= JAVA_INT and found[1].strip("0."):
        # The older layer reads as Java's BigDecimal does, whose exponents are integers that wrap.
        older = UNDERFLOW if exponent == JAVA_INT else f"{UNREADABLE}: {text}"
        raise Invalid(OVERFLOW if exponent > 0 else UNDERFLOW, older)
    return written(Decimal(text) if abs(exponent) < JAVA_INT else Decimal(0))


def written(value: Decimal) -> str:
    """Raises Invalid for numbers beyond the range or the precision."""
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    significant = "".join(map(str, digits)).lstrip("0")
    stripped = significant.rstrip("0")
    if not stripped:
        return "0"
    magnitude = len(significant) + exponent - 1
    if magnitude > LARGEST:
        raise Invalid(OVERFLOW)
    if magnitude < SMALLEST:
        raise Invalid(UNDERFLOW)
    if len(stripped) > DIGITS:
        raise Invalid("Attempting to store more than 38 significant digits in a Number")
    exponent += len(significant) - len(stripped)
    return f"{Decimal((sign, tuple(map(int, stripped)), exponent)):f}"


def add(left: str, right: str, sign: int = 1) -> str:
    """left + sign x right, exactly; more than 38 digits are rounded. Raises Invalid on overflow."""
    total = EXACT.add(Decimal(left), Decimal(right) if sign > 0 else -Decimal(right))
    return written(ROUND.plus(total) if _is_long(total) else total)


def _is_long(value: Decimal) -> bool:
    context = Context(prec=DIGITS)
    context.plus(value)
    return bool(context.flags[Inexact])


def size(text: str) -> int:
    """Bytes that a normal number takes: about one for two digits, and one. Recorded by dynalite (db/index.js)."""
    if text == "0":
        return 1
    if text.isdecimal():
        count = len(text.rstrip("0"))
        return 1 + (count + 1) // 2 + (not (count % 2 or (len(text) - 1) % 2))
    negative = text[0] == "-"
    whole, _, fraction = text.lstrip("-").partition(".")
    if whole != "0":
        magnitude = len(whole) - 1
        count = len((whole + fraction).rstrip("0")) if not fraction else len(whole) + len(fraction)
    else:
        count = len(fraction.lstrip("0"))
        magnitude = count - len(fraction) - 1
    even = 0 if count % 2 or magnitude % 2 else 1
    return 1 + (count + 1) // 2 + even + negative


@lru_cache(maxsize=4096)
def sortable(text: str) -> bytes:
    """A normal number as bytes that compare as the numbers do, and that DynamoDB hashes (dynalite, numToBuffer).

    The exponent to the base of 100, then two digits a byte, and one; those of negative numbers complemented and closed,
    so that the longer one is the smaller.
    """
    if text == "0":
        return b"\x80"
    negative = text[0] == "-"
    whole, _, fraction = text.lstrip("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    magnitude = len(whole) - 1 if whole != "0" else len(digits) - len(fraction) - 1
    digits = digits.rstrip("0")
    odd = (magnitude + 1) % 2
    exponent = (magnitude + 1 + odd) // 2 + 0xC0
    pairs = "0" * odd + digits
    pairs += "0" * (len(pairs) % 2)
    values = [int(pairs[at : at + 2]) for at in range(0, len(pairs), 2)]
    if not negative:
        return bytes((exponent, *(value + 1 for value in values)))
    closed = (102,) if len(values) < MANTISSA else ()
    return bytes((exponent ^ 0xFF, *(101 - value for value in values), *closed))
