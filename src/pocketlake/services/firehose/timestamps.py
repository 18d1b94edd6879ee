"""Java's DateTimeFormatter, as far as prefixes use it."""

from __future__ import annotations

import re
from datetime import datetime

PATTERN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+|.")


def format_time(pattern: str, when: datetime) -> str:
    """ValueError for a letter that is none of a pattern."""
    return "".join(_field(found, when) for found in PATTERN.finditer(pattern))


def _field(found: re.Match[str], when: datetime) -> str:
    token = found[0]
    if token.startswith("'") and found[1] is not None:
        return found[1].replace("''", "'") or "'"
    width = len(token)
    if token[0] in ("y", "u"):
        return f"{when.year % 100:02}" if width == 2 else f"{when.year:0{width}}"
    if token[0] in ("Y", "x", "X", "Z", "z", "O", "w", "e", "c"):
        return _of_calendar(token, when)
    numbers = {
        "d": when.day,
        "H": when.hour,
        "k": when.hour or 24,
        "K": when.hour % 12,
        "h": (when.hour + 11) % 12 + 1,
        "m": when.minute,
        "s": when.second,
        "D": when.timetuple().tm_yday,
        "Q": (when.month + 2) // 3,
        "q": (when.month + 2) // 3,
        "n": when.microsecond * 1000,
        "A": ((when.hour * 60 + when.minute) * 60 + when.second) * 1000 + when.microsecond // 1000,
    }
    if token[0] in numbers:
        return f"{numbers[token[0]]:0{width}}"
    return _of_words(token, when)


def _of_words(token: str, when: datetime) -> str:
    width = len(token)
    match token[0]:
        case "M" | "L":
            if width == 3:
                return when.strftime("%b")
            return when.strftime("%B") if width == 4 else f"{when.month:0{width}}"
        case "S":
            return f"{when.microsecond:06}".ljust(width, "0")[:width]
        case "E":
            return when.strftime("%a" if width < 4 else "%A")
        case "a":
            return when.strftime("%p")
        case "G":
            return "AD" if width < 4 else "Anno Domini"
    if token[0].isalpha():
        raise ValueError(f"{token!r} is not a letter of a timestamp pattern that is known here")
    return token


def _of_calendar(token: str, when: datetime) -> str:
    """Weeks (ISO) and zones."""
    width = len(token)
    year, week, day = when.isocalendar()
    match token[0]:
        case "Y":
            return f"{year % 100:02}" if width == 2 else f"{year:0{width}}"
        case "w":
            return f"{week:0{width}}"
        case "e" | "c":
            return f"{day:0{width}}"
        case "z":
            return when.strftime("%Z")
    offset = when.strftime("%z") or "+0000"
    if token[0] == "X" and offset == "+0000":
        return "Z"
    if token[0] == "O":
        return f"GMT{int(offset[:3]):+d}" if offset != "+0000" else "GMT"
    if width == 1 and token[0] != "Z":
        return offset[:3] if offset.endswith("00") else offset
    return f"{offset[:3]}:{offset[3:]}" if width in (3, 5) and token[0] != "Z" else offset
