"""Timestamps in JSON records: what OpenX and Hive accept, and Joda patterns.

All give microseconds since 1970 in UTC, or raise ValueError.
Source: Firehose developer guide, "Convert input data format"; Joda-Time, class DateTimeFormat.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MILLIS_DIGITS = 13  # an integer at least this long counts milliseconds, a shorter one seconds

TIMESTAMP = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    r"[ T](?P<hour>\d{1,2}):(?P<minute>\d{1,2}):(?P<second>\d{1,2})(?:\.(?P<fraction>\d{1,9}))?(?P<zone>Z)?$",
    re.ASCII,
)
NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?$", re.ASCII)

# Joda's letters: the group they fill and what they match, by the number of letters in the pattern.
JODA: dict[str, tuple[str, Callable[[int], str]]] = {
    "y": ("year", lambda n: r"\d{2}" if n == 2 else r"\d{4}"),
    "Y": ("year", lambda n: r"\d{2}" if n == 2 else r"\d{4}"),
    "M": ("month", lambda n: r"\d{1,2}" if n < 3 else "[A-Za-z]+"),
    "d": ("day", lambda n: r"\d{1,2}"),
    "H": ("hour", lambda n: r"\d{1,2}"),
    "h": ("hour12", lambda n: r"\d{1,2}"),
    "m": ("minute", lambda n: r"\d{1,2}"),
    "s": ("second", lambda n: r"\d{1,2}"),
    "S": ("fraction", lambda n: r"\d{1,9}"),
    "a": ("half", lambda n: "[AaPp][Mm]"),
    "Z": ("zone", lambda n: r"Z|[+-]\d{2}:?\d{2}"),
    "z": ("zone", lambda n: "Z|UTC|GMT"),
    "E": ("weekday", lambda n: "[A-Za-z]+"),
    "D": ("day_of_year", lambda n: r"\d{1,3}"),
}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

Parser = Callable[[object], int]


def microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


def openx(value: object) -> int:
    """ISO with T and Z, `yyyy-[M]M-[d]d HH:mm:ss[.S]`, epoch seconds, milliseconds or fractional seconds."""
    text = _text(value)
    if NUMBER.match(text):
        if "." not in text and "e" not in text.lower():
            return int(text) * (1000 if len(text.lstrip("-")) >= MILLIS_DIGITS else 1_000_000)
        return round(float(text) * 1_000_000)
    return _from_match(TIMESTAMP.match(text), text)


def hive(formats: Iterable[str] = ()) -> Parser:
    """A parser for Hive's deserialiser: the first of `formats` that fits; none given: java.sql.Timestamp.valueOf."""
    parsers = [_millis if text == "millis" else _joda(text) for text in formats] or [_java_timestamp]

    def parse(value: object) -> int:
        for parser in parsers:
            try:
                return parser(value)
            except ValueError:
                continue
        raise ValueError(f"Invalid format: {_text(value)!r}")

    return parse


def _java_timestamp(value: object) -> int:
    text = _text(value).strip()
    match = TIMESTAMP.match(text)
    if match is None or "T" in text or match["zone"]:
        raise ValueError("Timestamp format must be yyyy-mm-dd hh:mm:ss[.fffffffff]")
    return _from_match(match, text)


def _millis(value: object) -> int:
    text = _text(value)
    if not NUMBER.match(text) or "." in text:
        raise ValueError(f"{text!r} are not milliseconds since 1970")
    return int(text) * 1000


def _joda(pattern: str) -> Parser:
    compiled = re.compile(joda_regex(pattern), re.ASCII)

    def parse(value: object) -> int:
        text = _text(value)
        return _from_match(compiled.match(text), text)

    return parse


def joda_regex(pattern: str) -> str:
    """The regular expression of a Joda pattern; ValueError for a letter that is not known."""
    parts: list[str] = []
    for token in _joda_tokens(pattern):
        if token == "''":
            parts.append("'")
        elif token.startswith("'"):
            parts.append(re.escape(token[1:-1]))
        elif token[0].isalpha():
            if token[0] not in JODA:
                raise ValueError(f"Illegal pattern component: {token}")
            group, matcher = JODA[token[0]]
            parts.append(f"(?P<{group}>{matcher(len(token))})")
        else:
            parts.append(re.escape(token))
    return "".join(parts) + "$"


def _joda_tokens(pattern: str) -> list[str]:
    tokens = [match.group() for match in re.finditer(r"''|'[^']*'|([A-Za-z])\1*|[^A-Za-z']", pattern)]
    if "".join(tokens) != pattern:
        raise ValueError(f"Unterminated quote in pattern: {pattern}")
    return tokens


def _from_match(match: re.Match[str] | None, text: str) -> int:
    if match is None:
        raise ValueError(f"Invalid format: {text!r}")
    parts = match.groupdict()
    year = int(parts.get("year") or 1970)
    if year < 100:
        year += 2000 if year < 70 else 1900
    day = datetime(year, _month(parts.get("month")), int(parts.get("day") or 1), tzinfo=UTC)
    if parts.get("day_of_year"):
        day += timedelta(days=int(parts["day_of_year"]) - 1)
    clock = (_hour(parts), int(parts.get("minute") or 0), int(parts.get("second") or 0))
    moment = day.replace(hour=clock[0], minute=clock[1], second=clock[2])
    fraction = int(((parts.get("fraction") or "") + "000000")[:6])
    return microseconds(moment) + fraction - _offset(parts.get("zone"))


def _month(text: str | None) -> int:
    if text is None:
        return 1
    if text.isdigit():
        return int(text)
    if text[:3].lower() not in MONTHS:
        raise ValueError(f"Invalid month: {text!r}")
    return MONTHS.index(text[:3].lower()) + 1


def _hour(parts: dict[str, str | None]) -> int:
    if half_day := parts.get("hour12"):
        return int(half_day) % 12 + (12 if (parts.get("half") or "am").lower() == "pm" else 0)
    return int(parts.get("hour") or 0)


def _offset(zone: str | None) -> int:
    """Microseconds east of UTC."""
    if not zone or zone in ("Z", "UTC", "GMT"):
        return 0
    digits = zone[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return (-minutes if zone[0] == "-" else minutes) * 60_000_000


def _text(value: object) -> str:
    """The value as it stood in the JSON; true, false, arrays and objects are no timestamps."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{value!r} is no timestamp")
    return value if isinstance(value, str) else str(value)
