"""dataProcessingOptions: what becomes of a record before it is sent.

Source: Kinesis Data Streams developer guide, "Use the agent to pre-process data".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from pocketlake.cli.agent.faults import ConfigurationError

Converter = Callable[[bytes], bytes | None]
"""A record, with its new line, to the record that is sent; None: it is not sent."""

_COMMON = r'^(\S+) (\S+) (\S+) \[([^\]]+)\] "([^"]*)" ([+-]?\d+|-) ([+-]?\d+|-)'
_COMMON_NAMES = ("host", "ident", "authuser", "datetime", "request", "response", "bytes")
LOG_FORMATS: dict[str, tuple[str, tuple[str, ...]]] = {
    "COMMONAPACHELOG": (_COMMON, _COMMON_NAMES),
    "COMBINEDAPACHELOG": (_COMMON + r' "([^"]*)" "([^"]*)"', (*_COMMON_NAMES, "referrer", "agent")),
    "APACHEERRORLOG": (
        r"^\[([^\]]+)\] \[(?:(\w+):)?(\w+)\] \[pid (\d+)(?::tid (\d+))?\] \[client:? ([^\]]+)\] (.*)",
        ("timestamp", "module", "severity", "processid", "threadid", "client", "message"),
    ),
    "SYSLOG": (
        r"^(\w{3}\s+\d{1,2}\s+\d{1,2}:\d{2}:\d{2}) (?:<\d+\.\d+> )?(\S+) ([\w._/%-]+)(?:\[(\d+)\])?: (.*)",
        ("timestamp", "hostname", "program", "processid", "message"),
    ),
}


def converter(option: dict[str, Any]) -> Converter:
    name = option.get("optionName") if isinstance(option, dict) else None
    if name not in _MAKERS:
        raise ConfigurationError(f"dataProcessingOptions: {name} is not one of {', '.join(_MAKERS)}")
    return _MAKERS[name](option)


def convert(record: bytes, converters: Sequence[Converter]) -> bytes | None:
    for each in converters:
        converted = each(record)
        if converted is None:
            return None
        record = converted
    return record


def _single_line(_: dict[str, Any]) -> Converter:
    return lambda record: b"".join(line.strip() for line in record.split(b"\n")) + b"\n"


def _csv_to_json(option: dict[str, Any]) -> Converter:
    names = option.get("customFieldNames")
    if not names:
        raise ConfigurationError("dataProcessingOptions: CSVTOJSON needs customFieldNames")
    delimiter = _compiled("delimiter", option.get("delimiter", ","))

    def to_json(record: bytes) -> bytes:
        columns = delimiter.split(_text(record))
        return _json(names, columns[: len(names)] + [None] * (len(names) - len(columns)))

    return to_json


def _log_to_json(option: dict[str, Any]) -> Converter:
    kind, names, given = str(option.get("logFormat")), option.get("customFieldNames"), option.get("matchPattern")
    if given and not names:
        raise ConfigurationError("dataProcessingOptions: matchPattern needs customFieldNames")
    if not given and kind not in LOG_FORMATS:
        raise ConfigurationError(f"dataProcessingOptions: logFormat has to be one of {', '.join(LOG_FORMATS)}")
    pattern = _compiled("matchPattern", given or LOG_FORMATS[kind][0])
    fields = tuple(names or LOG_FORMATS[kind][1])
    if pattern.groups != len(fields):
        raise ConfigurationError(f"dataProcessingOptions: {pattern.groups} values, but {len(fields)} field names")

    def to_json(record: bytes) -> bytes | None:
        found = pattern.match(_text(record))
        return None if found is None else _json(fields, [None if one == "-" else one for one in found.groups()])

    return to_json


def _compiled(setting: str, pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ConfigurationError(f"dataProcessingOptions: {setting}: {error}") from None


def _text(record: bytes) -> str:
    return record.decode(errors="replace").removesuffix("\n")


def _json(names: Sequence[str], values: Sequence[str | None]) -> bytes:
    return orjson.dumps(dict(zip(names, values, strict=True))) + b"\n"


_MAKERS: dict[str, Callable[[dict[str, Any]], Converter]] = {
    "SINGLELINE": _single_line,
    "CSVTOJSON": _csv_to_json,
    "LOGTOJSON": _log_to_json,
}
