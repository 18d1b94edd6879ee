"""Parquet, ORC and Avro: files that carry their schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from pocketlake.engines.formats import hive_types, schemas
from pocketlake.engines.formats.hive_types import Array, Decimal, Field, HiveType, Map, Primitive, Struct

PARQUET, ORC, AVRO = b"PAR1", b"ORC", b"Obj\x01"
AVRO_PRIMITIVES = {
    "null": "string",
    "boolean": "boolean",
    "int": "int",
    "long": "bigint",
    "float": "float",
    "double": "double",
    "bytes": "binary",
    "string": "string",
}


@dataclass(frozen=True, slots=True)
class BinaryFinding:
    """`records` is None where the file does not say how many it holds."""

    columns: schemas.Columns
    records: int | None = None
    compression: str = "none"
    avro_schema: str = ""


def footer_bytes(tail: bytes) -> int:
    """How much of a Parquet file's end is needed to read its schema."""
    return int.from_bytes(tail[-8:-4], "little") + 8


def parquet(tail: bytes) -> BinaryFinding:
    """From the end of the file, which holds the whole footer. ValueError when it is corrupt."""
    import pyarrow as pa
    from pyarrow import parquet as files

    try:
        metadata = files.read_metadata(pa.BufferReader(tail))
        schema = metadata.schema.to_arrow_schema()
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"corrupt Parquet file: {error}") from None
    compression = "none"
    if metadata.num_row_groups and metadata.num_columns:
        compression = metadata.row_group(0).column(0).compression.lower()
    columns = tuple(Field(field.name.lower(), hive_types.from_arrow(field.type)) for field in schema)
    return BinaryFinding(columns, metadata.num_rows, "none" if compression == "uncompressed" else compression)


def orc(tail: bytes) -> BinaryFinding:
    import pyarrow as pa
    from pyarrow import orc as files

    try:
        file = files.ORCFile(pa.BufferReader(tail))
        schema = file.schema
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"corrupt ORC file: {error}") from None
    columns = tuple(Field(field.name.lower(), hive_types.from_arrow(field.type)) for field in schema)
    return BinaryFinding(columns, file.nrows, str(file.compression).lower().replace("uncompressed", "none"))


def avro(head: bytes) -> BinaryFinding:
    """From the file's header: a map of metadata, whose avro.schema is JSON."""
    metadata = _avro_metadata(head)
    try:
        text = metadata["avro.schema"].decode()
        schema = orjson.loads(text)
        record = _avro_type(schema, {})
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"corrupt Avro file: {error!r}") from None
    fields = record.fields if isinstance(record, Struct) else (Field("value", record),)
    codec = metadata.get("avro.codec", b"null").decode()
    columns = tuple(Field(field.name.lower(), field.type) for field in fields)
    return BinaryFinding(columns, None, "none" if codec == "null" else codec, text)


def _avro_metadata(head: bytes) -> dict[str, bytes]:
    at = len(AVRO)
    found: dict[str, bytes] = {}
    try:
        while True:
            count, at = _zigzag(head, at)
            if count == 0:
                return found
            if count < 0:
                count = -count
                _, at = _zigzag(head, at)
            for _ in range(count):
                size, at = _zigzag(head, at)
                key, at = head[at : at + size], at + size
                size, at = _zigzag(head, at)
                if at + size > len(head):
                    raise ValueError("corrupt Avro header")
                found[key.decode()], at = head[at : at + size], at + size
    except IndexError:
        raise ValueError("corrupt Avro header") from None


def _zigzag(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at


def _avro_type(schema: Any, named: dict[str, HiveType]) -> HiveType:
    if isinstance(schema, list):
        kind: HiveType | None = None
        for branch in schema:
            if branch != "null":
                kind = schemas.merge_types(kind, _avro_type(branch, named))
        return kind or schemas.STRING
    if isinstance(schema, str):
        return named[schema] if schema in named else Primitive(AVRO_PRIMITIVES[schema])
    kind = _avro_complex(schema, named)
    if "name" in schema:
        named[schema["name"]] = kind
    return kind


def _avro_complex(schema: dict[str, Any], named: dict[str, HiveType]) -> HiveType:
    match schema.get("logicalType"):
        case "decimal":
            return Decimal(schema["precision"], schema.get("scale", 0))
        case "date":
            return Primitive("date")
        case "timestamp-millis" | "timestamp-micros":
            return Primitive("timestamp")
    match schema["type"]:
        case "record":
            return Struct(tuple(Field(field["name"], _avro_type(field["type"], named)) for field in schema["fields"]))
        case "array":
            return Array(_avro_type(schema["items"], named))
        case "map":
            return Map(schemas.STRING, _avro_type(schema["values"], named))
        case "enum":
            return schemas.STRING
        case "fixed":
            return Primitive("binary")
    return _avro_type(schema["type"], named)
