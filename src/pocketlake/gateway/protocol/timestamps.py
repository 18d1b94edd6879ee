"""Timestamps: float seconds since 1970 inside; epoch numbers, ISO 8601 or RFC 822 text on the wire."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def seconds(value: Any) -> float:
    """A handler's timestamp as epoch seconds. A datetime without a zone counts as UTC."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return float(value)


@lru_cache(maxsize=4096)  # records that came together share theirs
def epoch(value: Any) -> float:
    """Seconds with the millisecond precision that AWS services send."""
    return round(seconds(value), 3)


def iso8601(value: Any) -> str:
    """`2026-11-20T22:50:03Z`, with milliseconds when there are any."""
    whole, millis = divmod(round(seconds(value) * 1000), 1000)
    stamp = _stamp(whole)
    return f"{stamp}.{millis:03d}Z" if millis else f"{stamp}Z"


def iso8601_millis(value: Any) -> str:
    """`2026-11-20T22:50:03.000Z`: always with milliseconds, as S3 and EC2 write them."""
    whole, millis = divmod(round(seconds(value) * 1000), 1000)
    return f"{_stamp(whole)}.{millis:03d}Z"


def rfc822(value: Any) -> str:
    """`Fri, 20 Nov 2026 22:50:03 GMT`; the form has no fractions."""
    return _http_date(math.floor(seconds(value) + 1e-6))


@lru_cache(maxsize=4096)
def _http_date(whole: int) -> str:
    at = time.gmtime(whole)
    clock = f"{at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d}"
    return f"{DAYS[at.tm_wday]}, {at.tm_mday:02d} {MONTHS[at.tm_mon - 1]} {at.tm_year:04d} {clock} GMT"


@lru_cache(maxsize=4096)  # listings repeat themselves
def _stamp(whole: int) -> str:
    at = time.gmtime(whole)
    return f"{at.tm_year:04d}-{at.tm_mon:02d}-{at.tm_mday:02d}T{at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d}"


WRITERS: dict[str, Callable[[Any], Any]] = {"iso8601": iso8601, "rfc822": rfc822, "unixTimestamp": epoch}


def parse(text: str) -> float:
    """Any of the three forms, since clients mix them. Raises ValueError."""
    text = text.strip()
    if not text or len(text) > 64:
        raise ValueError(f"not a timestamp: {text[:64]!r}")
    if text[0].isalpha():
        return _from_datetime(_rfc822(text))
    if (text[0].isdigit() and "T" not in text and "-" not in text[1:]) or text[0] in "+-.":
        return number(float(text))
    return _from_datetime(datetime.fromisoformat(text))


def number(value: float) -> float:
    """A finite number of seconds that a calendar holds. Raises ValueError."""
    if not -62135596800 <= value <= 253402300799.999:
        raise ValueError(f"not a timestamp: {value!r}")
    return float(value)


def _rfc822(text: str) -> datetime:
    try:
        return parsedate_to_datetime(text)
    except (TypeError, IndexError, OverflowError) as mistake:
        raise ValueError(f"not a timestamp: {text!r}") from mistake


def _from_datetime(value: datetime) -> float:
    try:
        return seconds(value)
    except OverflowError as mistake:
        raise ValueError(f"not a timestamp: {value!r}") from mistake
