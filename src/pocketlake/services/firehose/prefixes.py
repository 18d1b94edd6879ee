"""Object names: prefixes with `!{timestamp:...}` and `!{firehose:...}` expressions.

Source: Amazon Data Firehose developer guide, "Understand custom prefixes for Amazon S3 objects".
"""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

EXPRESSION = re.compile(r"!\{([^:}]*):([^}]*)\}")
# Java's DateTimeFormatter, as far as prefixes use it.
PATTERN = re.compile(r"'((?:[^']|'')*)'|y+|M+|d+|H+|h+|m+|s+|S+|D+|E+|a|[^A-Za-z']+|.")
DEFAULT_TIME = "yyyy/MM/dd/HH/"
RANDOM_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
RANDOM_LENGTH = 11
FIREHOSE_NAMES = {"random-string", "error-output-type"}


class InvalidPrefix(ValueError):
    """The prefix holds an expression that Firehose does not know; the message says which."""


def moment(seconds: float, zone: str = "UTC") -> datetime:
    return datetime.fromtimestamp(seconds, UTC if zone == "UTC" else ZoneInfo(zone))


def check(prefix: str, is_error: bool) -> None:
    """Raise InvalidPrefix for what the guide's rules forbid."""
    for space, name in EXPRESSION.findall(prefix):
        if space == "timestamp":
            format_time(name, moment(0))
        elif space != "firehose" or name not in FIREHOSE_NAMES:
            raise InvalidPrefix(f"!{{{space}:{name}}} is not a valid expression")
        elif name == "error-output-type" and not is_error:
            raise InvalidPrefix("!{firehose:error-output-type} is allowed in ErrorOutputPrefix only")
    if "!{" in EXPRESSION.sub("", prefix):
        raise InvalidPrefix("an expression has the form !{namespace:value}")


def evaluate(prefix: str, when: datetime, error_type: str = "") -> str:
    """The prefix with its expressions filled in; without any, data objects get YYYY/MM/dd/HH/ (in UTC) behind it."""

    def value(found: re.Match[str]) -> str:
        space, name = found.groups()
        if space == "timestamp":
            return format_time(name, when)
        if name == "error-output-type":
            return error_type
        return "".join(secrets.choice(RANDOM_CHARACTERS) for _ in range(RANDOM_LENGTH))

    filled = EXPRESSION.sub(value, prefix)
    if EXPRESSION.search(prefix):
        return filled
    return f"{filled}{error_type}{'/' if error_type else ''}{format_time(DEFAULT_TIME, when)}"


def format_time(pattern: str, when: datetime) -> str:
    return "".join(_field(found, when) for found in PATTERN.finditer(pattern))


def _field(found: re.Match[str], when: datetime) -> str:
    token = found[0]
    if token.startswith("'") and found[1] is not None:
        return found[1].replace("''", "'") or "'"
    width = len(token)
    match token[0]:
        case "y":
            return f"{when.year % 100:02}" if width == 2 else f"{when.year:0{width}}"
        case "M":
            return _month(when, width)
        case "d":
            return f"{when.day:0{width}}"
        case "H":
            return f"{when.hour:0{width}}"
        case "h":
            return f"{(when.hour + 11) % 12 + 1:0{width}}"
        case "m":
            return f"{when.minute:0{width}}"
        case "s":
            return f"{when.second:0{width}}"
        case "S":
            return f"{when.microsecond:06}".ljust(width, "0")[:width]
        case "D":
            return f"{when.timetuple().tm_yday:0{width}}"
        case "E":
            return when.strftime("%a" if width < 4 else "%A")
        case "a":
            return when.strftime("%p")
    if token[0].isalpha():
        raise InvalidPrefix(f"{token!r} is not a letter of a timestamp pattern that is known here")
    return token


def _month(when: datetime, width: int) -> str:
    if width == 3:
        return when.strftime("%b")
    return when.strftime("%B") if width == 4 else f"{when.month:0{width}}"


def object_name(stream: str, version: str, when: datetime, identity: str, extension: str) -> str:
    """`stream-version-yyyy-MM-dd-HH-mm-ss-identity` and the extension."""
    return f"{stream}-{version}-{format_time('yyyy-MM-dd-HH-mm-ss', when)}-{identity}{extension}"
