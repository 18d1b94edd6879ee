"""JSON records to rows of an Iceberg table, and what is left of them when updates and deletes are done.

A record is one JSON object; its keys are the columns' names, exactly. Timestamps and times are microseconds, integers;
dates are days or ISO texts; binary is base64 (standard, MIME or URL-safe) or, when it can't be that, hexadecimal.
Source: developer guide, "Deliver data to Apache Iceberg Tables", "Route incoming records to different Iceberg tables".
"""

from __future__ import annotations

import base64
import binascii
import datetime
import json
import math
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

import orjson
from pyiceberg import types
from pyiceberg.schema import Schema

MISSING, MISMATCH, NO_KEYS = (
    "Iceberg.MissingColumnWithinRecord",
    "Iceberg.SchemaTypeMismatch",
    "Iceberg.UniqueKeysNotFound",
)
EPOCH = datetime.date(1970, 1, 1)
INSERT, UPDATE, DELETE = "insert", "update", "delete"
NUMBERS = (types.FloatType, types.DoubleType)
MICROSECONDS = (types.TimestampType, types.TimestamptzType, types.TimeType)
TEXTS: dict[Any, Callable[[str], Any]] = {types.StringType: str, types.UUIDType: lambda text: uuid.UUID(text).bytes}


class Misfit(Exception):
    """The record has no place in the table."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Changes(NamedTuple):
    """First rows with these keys go, then these rows come."""

    keys: list[tuple[Any, ...]]
    rows: list[dict[str, Any]]


def reader(schema: Schema) -> Callable[[bytes], dict[str, Any]]:
    """Parses one record; Misfit when it is no JSON object."""
    exact = "decimal" in str(schema)

    def read(record: bytes) -> dict[str, Any]:
        try:
            found = json.loads(record, parse_float=Decimal) if exact else orjson.loads(record)
        except ValueError:
            raise Misfit(MISMATCH, "The record is not valid JSON") from None
        if not isinstance(found, dict):
            raise Misfit(MISMATCH, "The record is not a JSON object")
        return found

    return read


def row(schema: Schema, document: dict[str, Any], only: Sequence[str] | None = None) -> dict[str, Any]:
    """The document as a row; `only` these columns when the record deletes. Misfit when it does not fit."""
    if only is not None:
        document = {name: document.get(name) for name in only}
    fields = [field for field in schema.fields if only is None or field.name in only]
    return _struct(fields, document, "")


def _struct(fields: Sequence[types.NestedField], document: dict[str, Any], path: str) -> dict[str, Any]:
    names = {field.name for field in fields}
    if extra := [f"{path}{name}" for name in document if name not in names]:
        raise Misfit(MISSING, f"Columns of the record are missing in the table: {', '.join(extra)}")
    found = {}
    for field in fields:
        value = document.get(field.name)
        if value is None and field.required:
            raise Misfit(MISSING, f"One or more columns are missing in the record: {path}{field.name}")
        found[field.name] = _value(field.field_type, value, f"{path}{field.name}")
    return found


def _value(kind: types.IcebergType, value: Any, path: str, required: bool = False) -> Any:
    if value is None:
        if required:
            raise Misfit(MISMATCH, f"Column {path} holds a null where the table allows none")
        return None
    if isinstance(kind, types.StructType) and isinstance(value, dict):
        return _struct(kind.fields, value, f"{path}.")
    if isinstance(kind, types.ListType) and isinstance(value, list):
        return [_value(kind.element_type, item, path, kind.element_required) for item in value]
    if isinstance(kind, types.MapType) and isinstance(value, dict):
        return [
            (_key(kind.key_type, key, path), _value(kind.value_type, item, path, kind.value_required))
            for key, item in value.items()
        ]
    try:
        return _primitive(kind, value)
    except (ValueError, InvalidOperation, binascii.Error):
        shown = str(value)[:100]
        raise Misfit(MISMATCH, f"Column {path} has the type {kind}, which {shown!r} does not fit") from None


def _key(kind: types.IcebergType, key: str, path: str) -> Any:
    return key if isinstance(kind, types.StringType) else _value(kind, orjson.loads(key), path)


def _primitive(kind: types.IcebergType, value: Any) -> Any:
    """ValueError when the value is not of this type."""
    if isinstance(kind, types.BooleanType) and isinstance(value, bool):
        return value
    if isinstance(kind, types.DateType) and isinstance(value, str):
        return (datetime.date.fromisoformat(value) - EPOCH).days
    if isinstance(value, str) and (text := TEXTS.get(type(kind))):
        return text(value)
    if isinstance(value, str) and isinstance(kind, types.BinaryType | types.FixedType):
        return _binary(value)
    if isinstance(kind, types.DecimalType) and not isinstance(value, bool):
        return _decimal(kind, value)
    if isinstance(value, int) and not isinstance(value, bool):
        return _integer(kind, value)
    if isinstance(kind, NUMBERS) and isinstance(value, float | Decimal):
        return float(value)
    raise ValueError(value)


def _integer(kind: types.IcebergType, value: int) -> int | float:
    if isinstance(kind, NUMBERS):
        return float(value)
    bits = 32 if isinstance(kind, types.IntegerType | types.DateType) else 64
    if isinstance(kind, (types.IntegerType, types.LongType, types.DateType, *MICROSECONDS)) and (
        -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)
    ):
        return value
    raise ValueError(value)


def _decimal(kind: types.DecimalType, value: Any) -> Decimal:
    exact = Decimal(value if isinstance(value, str | int | Decimal) else str(value))
    fitted = exact.quantize(Decimal(1).scaleb(-kind.scale))
    if not math.isfinite(fitted) or fitted != exact or len(fitted.as_tuple().digits) > kind.precision:
        raise ValueError(value)
    return fitted


def _binary(text: str) -> bytes:
    plain = "".join(text.split()).replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        return bytes.fromhex(text)


def changes(operations: Sequence[str], rows: Sequence[dict[str, Any]], keys: Sequence[str]) -> Changes:
    """What the records come to when they are applied in order: an update is a delete by key and an insert."""
    deleted: dict[tuple[Any, ...], None] = {}
    kept: dict[int, dict[str, Any]] = {}
    places: dict[tuple[Any, ...], list[int]] = {}
    for index, (operation, found) in enumerate(zip(operations, rows, strict=True)):
        key = tuple(found[name] for name in keys)
        if operation != INSERT:
            deleted[key] = None
            for place in places.pop(key, ()):
                del kept[place]
        if operation != DELETE:
            kept[index] = found
            if keys:
                places.setdefault(key, []).append(index)
    return Changes([*deleted], [*kept.values()])
