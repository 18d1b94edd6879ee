"""One JSON record at a time: exact about what fits a Hive schema, and about why a record does not.

The slow half of json_records: it runs only over the stretch of a batch that the columnar reader refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import orjson

from pocketlake.engines.formats import hive_types, json_timestamps

PARSE_ERROR = "DataFormatConversion.ParseError"
MALFORMED_DATA = "DataFormatConversion.MalformedData"
INTEGER_BITS = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}

Converter = Callable[[Any], Any]


class BadRecord(Exception):
    """The record cannot be converted: a Firehose error code and a message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Keys:
    """How JSON keys become names of columns and struct fields."""

    fold: bool  # case does not matter
    dots: bool  # a.b is the column a_b
    mapping: dict[str, str]  # column -> JSON key, top level only

    def name(self, key: str) -> str:
        key = key.lower() if self.fold else key
        return key.replace(".", "_") if self.dots else key

    def wanted(self, column: str) -> str:
        return self.name(self.mapping.get(column, column))


def documents(record: bytes, exact_decimals: bool) -> list[dict[str, Any]]:
    """The JSON objects of one record: usually one, several when they are concatenated. An array is no input."""
    try:
        found = [orjson.loads(record)] if not exact_decimals else _decode_all(record)
    except orjson.JSONDecodeError:
        found = _decode_all(record)
    for document in found:
        if not isinstance(document, dict):
            raise BadRecord(PARSE_ERROR, "Encountered malformed JSON. Each record must be a JSON object.")
    return found


def _decode_all(record: bytes) -> list[Any]:
    def refuse(constant: str) -> Any:
        raise BadRecord(PARSE_ERROR, f"Encountered malformed JSON. {constant} is no JSON value.")

    decoder = json.JSONDecoder(parse_float=Decimal, parse_constant=refuse)
    try:
        text = record.decode()
        found, at = [], 0
        while at < len(text):
            document, at = decoder.raw_decode(text, at)
            found.append(document)
            while at < len(text) and text[at] in " \t\r\n":
                at += 1
    except (ValueError, RecursionError) as error:
        raise BadRecord(PARSE_ERROR, f"Encountered malformed JSON. {error}") from None
    if not found:
        raise BadRecord(PARSE_ERROR, "Encountered malformed JSON. The record is empty.")
    return found


def converter(tree: hive_types.HiveType, keys: Keys, timestamp: json_timestamps.Parser) -> Converter:
    """A function from a JSON value to what pyarrow takes for this type; it raises ValueError when it does not fit."""
    match tree:
        case hive_types.Primitive("timestamp"):
            return _nullable(lambda value: timestamp(_plain(value)))
        case hive_types.Primitive(name):
            return _nullable(_PRIMITIVES.get(name) or _integer(INTEGER_BITS[name]))
        case hive_types.Decimal(precision, scale):
            return _nullable(_decimal(precision, scale))
        case hive_types.Text(_, length):
            return _nullable(lambda value: _string(value)[:length])
        case hive_types.Array(element):
            return _nullable(_array(converter(element, keys, timestamp)))
        case hive_types.Map(key, value):
            return _nullable(_map(converter(key, keys, timestamp), converter(value, keys, timestamp)))
        case hive_types.Struct(fields):
            inner = {field.name: converter(field.type, keys, timestamp) for field in fields}
            return _nullable(_struct(inner, keys))


def row(document: dict[str, Any], columns: dict[str, Converter], wanted: dict[str, str], keys: Keys) -> list[Any]:
    """The document's values in the order of the columns; BadRecord names the column that does not fit."""
    folded = {keys.name(key): value for key, value in document.items()}
    values = []
    for name, convert in columns.items():
        try:
            values.append(convert(folded.get(wanted[name])))
        except (ValueError, OverflowError) as error:
            raise BadRecord(MALFORMED_DATA, f"Data does not match the schema. Column {name}: {error}") from None
    return values


def _nullable(convert: Converter) -> Converter:
    return lambda value: None if value is None else convert(value)


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) and value.adjusted() < 300 else value


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ValueError(f"{value!r} is not a boolean")


def _integer(bits: int) -> Converter:
    """Numbers, and texts of numbers; 2.0 is 2, but nothing is rounded."""

    def convert(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
            raise ValueError(f"{value!r} is not a number")
        number = int(value)
        if not isinstance(value, str) and number != value:
            raise ValueError(f"{value!r} is not an integer")
        if not -(1 << bits - 1) <= number < 1 << bits - 1:
            raise ValueError(f"{value!r} does not fit {bits} bits")
        return number

    return convert


def _double(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ValueError(f"{value!r} is not a number")
    return float(value)


def _string(value: Any) -> str:
    """Text as it is; any other value as its JSON text."""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), default=float, ensure_ascii=False)


def _binary(value: Any) -> bytes:
    return _string(value).encode()


def _date(value: Any) -> date:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a date")
    year, _, rest = value.strip().partition("-")
    month, _, day = rest.partition("-")
    if len(year) != 4 or not (month.isdigit() and day.isdigit()):
        raise ValueError(f"{value!r} is not a date")
    return date(int(year), int(month), int(day))


def _decimal(precision: int, scale: int) -> Converter:
    unit = Decimal(1).scaleb(-scale)

    def convert(value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
            raise ValueError(f"{value!r} is not a number")
        try:
            number = Decimal(str(value)).quantize(unit, ROUND_HALF_UP)
        except InvalidOperation:
            raise ValueError(f"{value!r} is not a decimal({precision},{scale})") from None
        if len(number.as_tuple().digits) > precision:
            raise ValueError(f"{value!r} does not fit decimal({precision},{scale})")
        return number

    return convert


def _array(element: Converter) -> Converter:
    def convert(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise ValueError(f"{value!r} is not an array")
        return [element(item) for item in value]

    return convert


def _map(key: Converter, item: Converter) -> Converter:
    def convert(value: Any) -> list[tuple[Any, Any]]:
        if not isinstance(value, dict):
            raise ValueError(f"{value!r} is not a map")
        return [(key(name), item(inner)) for name, inner in value.items()]

    return convert


def _struct(fields: dict[str, Converter], keys: Keys) -> Converter:
    wanted = {name: keys.name(name) for name in fields}

    def convert(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError(f"{value!r} is not a struct")
        folded = {keys.name(key): inner for key, inner in value.items()}
        return {name: field(folded.get(wanted[name])) for name, field in fields.items()}

    return convert


_PRIMITIVES: dict[str, Converter] = {
    "boolean": _boolean,
    "float": _double,
    "double": _double,
    "string": _string,
    "binary": _binary,
    "date": _date,
}
