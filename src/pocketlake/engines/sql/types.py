"""The three spellings of a type: Hive's (catalog), Trino's (Athena's answers), DuckDB's (the engine)."""

from __future__ import annotations

import re

from pocketlake.engines.formats import hive_types
from pocketlake.engines.formats.hive_types import Array, Decimal, HiveType, HiveTypeError, Map, Primitive, Struct, Text

from .errors import SqlError

TRINO_NAMES = {"int": "integer", "string": "varchar", "binary": "varbinary", "float": "real"}
HIVE_NAMES = {"integer": "int", "varbinary": "binary", "real": "float", "bool": "boolean"}


def tree(text: str) -> HiveType:
    try:
        return hive_types.parse(text)
    except HiveTypeError as error:
        raise SqlError("HIVE_INVALID_METADATA", str(error)) from None


def trino(kind: HiveType) -> str:
    match kind:
        case Primitive(name):
            return TRINO_NAMES.get(name, name)
        case Array(element):
            return f"array({trino(element)})"
        case Map(key, value):
            return f"map({trino(key)}, {trino(value)})"
        case Struct(fields):
            return "row(" + ", ".join(f'"{field.name}" {trino(field.type)}' for field in fields) + ")"
        case _:
            return str(kind)


def duckdb(text: str) -> str:
    return hive_types.to_duckdb(tree(text))


SCALARS = {
    "BOOLEAN": "boolean",
    "TINYINT": "tinyint",
    "SMALLINT": "smallint",
    "INTEGER": "int",
    "BIGINT": "bigint",
    "HUGEINT": "bigint",
    "UHUGEINT": "decimal(38,0)",
    "UTINYINT": "smallint",
    "USMALLINT": "int",
    "UINTEGER": "bigint",
    "UBIGINT": "decimal(20,0)",
    "FLOAT": "float",
    "DOUBLE": "double",
    "VARCHAR": "string",
    "JSON": "json",
    "UUID": "uuid",
    "BLOB": "binary",
    "DATE": "date",
    "TIME": "time",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP_S": "timestamp",
    "TIMESTAMP_MS": "timestamp",
    "TIMESTAMP_NS": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "INTERVAL": "interval day to second",
    "NULL": "unknown",
    '"NULL"': "unknown",
}


def athena_name(duck: str) -> str:
    """The name GetQueryResults gives to a column of this DuckDB type: `varchar`, `array`, `row`, `decimal`..."""
    if duck.endswith("]"):
        return "array"
    head = duck.split("(")[0]
    if head in ("STRUCT", "TUPLE", "MAP", "DECIMAL"):
        return {"MAP": "map", "DECIMAL": "decimal"}.get(head, "row")
    name = SCALARS.get(duck, "varchar")
    return {"int": "integer", "string": "varchar", "binary": "varbinary"}.get(name, name)


def hive_name(duck: str) -> str:
    """The Hive type with which a column of this DuckDB type enters the catalog (CTAS, views)."""
    if duck.endswith("]"):
        return f"array<{hive_name(duck[: duck.rindex('[')])}>"
    if duck.startswith("DECIMAL"):
        return duck.lower().replace(" ", "")
    if duck.startswith("MAP("):
        key, value = split_top(duck[4:-1])
        return f"map<{hive_name(key)},{hive_name(value)}>"
    if duck.startswith("STRUCT("):
        fields = [field_of(part) for part in split_top(duck[7:-1])]
        return "struct<" + ",".join(f"{name}:{hive_name(kind)}" for name, kind in fields) + ">"
    name = SCALARS.get(duck, "string")
    plain = {"json", "uuid", "time", "unknown", "interval day to second", "timestamp with time zone"}
    return "string" if name in plain else name


def split_top(text: str) -> list[str]:
    """The comma-separated parts of a type's inside, commas within parentheses and quotes left alone."""
    parts, depth, quoted, start = [], 0, False, 0
    for at, char in enumerate(text):
        if char == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
    return [*parts, text[start:].strip()]


def field_of(part: str) -> tuple[str, str]:
    """The name and type of one field of a DuckDB STRUCT."""
    if part.startswith('"'):
        found = re.match(r'"((?:[^"]|"")*)"\s+(.*)', part, re.DOTALL)
        assert found is not None, part
        return found[1].replace('""', '"'), found[2]
    name, _, kind = part.partition(" ")
    return name, kind


def from_trino(text: str) -> str:
    """Hive's text of a type written as Trino writes it: `array(row(a integer))`."""
    text = text.strip()
    head, _, inside = text.partition("(")
    word = head.strip().lower()
    if word == "array":
        return f"array<{from_trino(inside[:-1])}>"
    if word == "map":
        key, value = split_top(inside[:-1])
        return f"map<{from_trino(key)},{from_trino(value)}>"
    if word == "row":
        fields = [field_of(part) for part in split_top(inside[:-1])]
        return "struct<" + ",".join(f"{name}:{from_trino(kind)}" for name, kind in fields) + ">"
    if word.startswith(("timestamp", "time ")):
        return "timestamp"
    if word == "varchar":
        return "string" if not inside else text.lower()
    return HIVE_NAMES.get(word, text.lower())


__all__ = ["Decimal", "Text", "athena_name", "duckdb", "from_trino", "hive_name", "split_top", "tree", "trino"]
