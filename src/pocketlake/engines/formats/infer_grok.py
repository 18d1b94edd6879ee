"""Grok: lines of text matched by named patterns, whose named places become columns.

    compile(pattern, custom_patterns) -> Grok          Grok.find(text, is_whole) -> Columns, or None

`%{PATTERN:field:type}` stands for a pattern's expression; a field makes it a column, a string unless a type is given.
Patterns are made of others. Custom ones, a line each (`NAME expression`), come before the built-in ones.
Source: Glue developer guide, "Writing grok custom classifiers", whose names of built-in patterns are those below.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pocketlake.engines.formats import hive_types, schemas

PLACE = re.compile(r"%\{(?P<name>\w+)(?::(?P<field>[\w.@-]+))?(?::(?P<type>\w+))?\}")
TYPES = {"byte": "tinyint", "short": "smallint", "long": "bigint"} | {
    name: name for name in ("string", "boolean", "int", "double", "float")
}
MAX_DEPTH = 20
LINES = 1000  # of the sample; of each the first LINE_CHARACTERS
LINE_CHARACTERS = 10_000

BUILT_IN = {
    "WORD": r"\b\w+\b",
    "NOTSPACE": r"\S+",
    "SPACE": r"\s*",
    "DATA": r".*?",
    "GREEDYDATA": r".*",
    "USERNAME": r"[\w.-]+",
    "USER": r"%{USERNAME}",
    "INT": r"[+-]?[0-9]+",
    "BASE10NUM": r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)",
    "NUMBER": r"%{BASE10NUM}",
    "BASE16NUM": r"[+-]?(?:0x)?[0-9A-Fa-f]+",
    "BOOLEAN": r"(?i:true|false)",
    "POSINT": r"\b[1-9][0-9]*\b",
    "NONNEGINT": r"\b[0-9]+\b",
    "QUOTEDSTRING": r'"(?:[^"\\]|\\.)*"|' + r"'(?:[^'\\]|\\.)*'",
    "QS": r"%{QUOTEDSTRING}",
    "UUID": r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
    "MAC": r"[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}",
    "IPV4": r"(?<![0-9])(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?![0-9])",
    "IPV6": r"(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?:%\w+)?",
    "IP": r"%{IPV6}|%{IPV4}",
    "HOSTNAME": r"\b[0-9A-Za-z][0-9A-Za-z-]{0,62}(?:\.[0-9A-Za-z][0-9A-Za-z-]{0,62})*\.?(?![\w-])",
    "HOST": r"%{HOSTNAME}",
    "IPORHOST": r"%{IP}|%{HOSTNAME}",
    "HOSTPORT": r"%{IPORHOST}:%{POSINT}",
    "UNIXPATH": r"(?:/[\w%!$@:.,~+-]*)+",
    "WINPATH": r"(?:[A-Za-z]:|\\)(?:\\[^\\?*]*)+",
    "PATH": r"%{UNIXPATH}|%{WINPATH}",
    "URIPROTO": r"[A-Za-z][A-Za-z0-9+.-]+",
    "URIHOST": r"%{IPORHOST}(?::%{POSINT})?",
    "URIPATH": r"(?:/[\w$.+!*'(){},~:;=@#%&-]*)+",
    "URIPARAM": r"\?[\w$.+!*'|(){},~@#%&/=:;?\[\]<>-]*",
    "URIPATHPARAM": r"%{URIPATH}(?:%{URIPARAM})?",
    "URI": r"%{URIPROTO}://(?:%{USER}(?::[^@]*)?@)?(?:%{URIHOST})?(?:%{URIPATHPARAM})?",
    "MONTH": r"\b(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b",
    "MONTHNUM": r"0?[1-9]|1[0-2]",
    "MONTHDAY": r"0[1-9]|[12][0-9]|3[01]|[1-9]",
    "DAY": r"(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?",
    "YEAR": r"(?:[0-9]{2}){1,2}",
    "HOUR": r"2[0-3]|[01]?[0-9]",
    "MINUTE": r"[0-5][0-9]",
    "SECOND": r"(?:[0-5]?[0-9]|60)(?:[:.,][0-9]+)?",
    "TIME": r"(?<![0-9])%{HOUR}:%{MINUTE}(?::%{SECOND})?(?![0-9])",
    "DATE_US": r"%{MONTHNUM}[/-]%{MONTHDAY}[/-]%{YEAR}",
    "DATE_EU": r"%{MONTHDAY}[./-]%{MONTHNUM}[./-]%{YEAR}",
    "DATE": r"%{DATE_US}|%{DATE_EU}",
    "DATESTAMP": r"%{DATE}[- ]%{TIME}",
    "TZ": r"[A-Z]{3,4}",
    "ISO8601_TIMEZONE": r"Z|[+-]%{HOUR}:?%{MINUTE}",
    "TIMESTAMP_ISO8601": r"%{YEAR}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?%{ISO8601_TIMEZONE}?",
    "SYSLOGTIMESTAMP": r"%{MONTH} +%{MONTHDAY} %{TIME}",
    "HTTPDATE": r"%{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} %{INT}",
    "LOGLEVEL": r"(?i:trace|debug|info(?:rmation)?|notice|warn(?:ing)?|err(?:or)?|crit(?:ical)?|fatal|severe"
    r"|alert|emerg(?:ency)?)",
    "PROG": r"[\w._/%-]+",
    "SYSLOGPROG": r"%{PROG:program}(?:\[%{POSINT:pid}\])?",
    "SYSLOGBASE": r"%{SYSLOGTIMESTAMP:timestamp} %{IPORHOST:logsource} %{SYSLOGPROG}:",
    "COMMONAPACHELOG": r"%{IPORHOST:clientip} %{USER:ident} %{USER:auth} \[%{HTTPDATE:timestamp}\] "
    r'"(?:%{WORD:verb} %{NOTSPACE:request}(?: HTTP/%{NUMBER:httpversion})?|%{DATA:rawrequest})" '
    r"%{NUMBER:response} (?:%{NUMBER:bytes}|-)",
    "COMBINEDAPACHELOG": r"%{COMMONAPACHELOG} %{QS:referrer} %{QS:agent}",
}


class GrokError(Exception):
    """The pattern is none; the message says why."""


@dataclass(frozen=True, slots=True)
class Grok:
    """What a classifier looks for in a line, wherever it stands there, and the columns that its fields make."""

    line: re.Pattern[str]
    columns: schemas.Columns

    def find(self, text: str, is_whole: bool) -> schemas.Columns | None:
        """The columns when most lines match. The last line of a sample may be cut off and does not count."""
        lines = text.splitlines()
        kept = [line[:LINE_CHARACTERS] for line in (lines if is_whole else lines[:-1])[:LINES] if line.strip()]
        matching = sum(self.line.search(line) is not None for line in kept)
        return self.columns if kept and matching * 2 > len(kept) else None


def compile(pattern: str, custom_patterns: str = "") -> Grok:
    """Raises GrokError for patterns that are not there, go round in circles, or are no regular expressions."""
    fields: list[tuple[str, str]] = []
    expression = _expanded(pattern, {**BUILT_IN, **_custom(custom_patterns)}, fields, 0)
    columns: list[hive_types.Field] = []
    for field, kind in fields:
        if kind not in TYPES:
            raise GrokError(f"the data type {kind} of field {field} is none of {', '.join(sorted(TYPES))}")
        if field.lower() not in [column.name for column in columns]:
            columns.append(hive_types.Field(field.lower(), hive_types.parse(TYPES[kind])))
    if not columns:
        raise GrokError("it names no field")
    try:
        return Grok(re.compile(expression), tuple(columns))
    except (re.error, OverflowError) as error:
        raise GrokError(f"it is not a regular expression: {error}") from None


def _custom(text: str) -> dict[str, str]:
    """Name -> expression; a line without both is no pattern."""
    pairs = (line.strip().split(None, 1) for line in text.splitlines())
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def _expanded(text: str, patterns: dict[str, str], fields: list[tuple[str, str]], depth: int) -> str:
    if depth > MAX_DEPTH:
        raise GrokError("its patterns go round in circles")

    def one(place: re.Match[str]) -> str:
        if place["name"] not in patterns:
            raise GrokError(f"there is no pattern {place['name']}")
        if place["field"]:
            fields.append((place["field"], place["type"] or "string"))
        return f"(?:{_expanded(patterns[place['name']], patterns, fields, depth + 1)})"

    return PLACE.sub(one, text)
