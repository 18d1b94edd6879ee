"""Hive's column types, as the Glue catalog writes them (`struct<a:int,b:array<string>>`), as a small frozen tree.

    parse("map<string,decimal(10,2)>") -> Map(Primitive("string"), Decimal(10, 2))
    str(tree)      the canonical text, which parses back to an equal tree
    to_arrow(tree) from_arrow(arrow_type) to_duckdb(tree)

Source: Athena user guide, "Data types in Amazon Athena"; Hive language manual, "Hive data types".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

# Deeper nesting than this is refused rather than left to exhaust the interpreter's stack.
MAX_DEPTH = 64
MAX_DECIMAL_PRECISION = 38

# Every spelling that the catalog may hold, and the canonical one.
PRIMITIVES = {
    "tinyint": "tinyint",
    "byte": "tinyint",
    "smallint": "smallint",
    "short": "smallint",
    "int": "int",
    "integer": "int",
    "bigint": "bigint",
    "long": "bigint",
    "boolean": "boolean",
    "float": "float",
    "real": "float",
    "double": "double",
    "string": "string",
    "binary": "binary",
    "date": "date",
    "timestamp": "timestamp",
}
UNSUPPORTED = ("uniontype", "interval_year_month", "interval_day_time", "void")

DUCKDB_NAMES = {
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "boolean": "BOOLEAN",
    "float": "FLOAT",
    "double": "DOUBLE",
    "string": "VARCHAR",
    "binary": "BLOB",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}


class HiveTypeError(ValueError):
    """The text is no Hive type, or one that nothing here can read (uniontype, intervals)."""


@dataclass(frozen=True, slots=True)
class Primitive:
    """A type without parameters, under its canonical name: int, bigint, string, timestamp..."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Decimal:
    precision: int = 10
    scale: int = 0

    def __str__(self) -> str:
        return f"decimal({self.precision},{self.scale})"


@dataclass(frozen=True, slots=True)
class Text:
    """varchar(n) or char(n); `kind` is "varchar" or "char"."""

    kind: str
    length: int

    def __str__(self) -> str:
        return f"{self.kind}({self.length})"


@dataclass(frozen=True, slots=True)
class Array:
    element: HiveType

    def __str__(self) -> str:
        return f"array<{self.element}>"


@dataclass(frozen=True, slots=True)
class Map:
    key: HiveType
    value: HiveType

    def __str__(self) -> str:
        return f"map<{self.key},{self.value}>"


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: HiveType


@dataclass(frozen=True, slots=True)
class Struct:
    fields: tuple[Field, ...]

    def __str__(self) -> str:
        return "struct<" + ",".join(f"{field.name}:{field.type}" for field in self.fields) + ">"


HiveType = Primitive | Decimal | Text | Array | Map | Struct


def parse(text: str) -> HiveType:
    """The tree of a Hive type's text; HiveTypeError says what was expected and where."""
    parser = _Parser(text)
    tree = parser.type(0)
    parser.end()
    return tree


def is_valid(text: str) -> bool:
    try:
        parse(text)
    except HiveTypeError:
        return False
    return True


class _Parser:
    """Recursive descent over the type's text. Names keep their case in structs; keywords have none."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def type(self, depth: int) -> HiveType:
        if depth > MAX_DEPTH:
            raise self.error(f"at most {MAX_DEPTH} levels of nesting")
        start = self.at
        word = self.word()
        if word in PRIMITIVES:
            return Primitive(PRIMITIVES[word])
        if word in ("decimal", "numeric", "dec"):
            return self.decimal()
        if word in ("varchar", "char"):
            return self.sized_text(word)
        if word == "array":
            self.expect("<")
            element = self.type(depth + 1)
            self.expect(">")
            return Array(element)
        if word == "map":
            return self.map(depth)
        if word == "struct":
            return self.struct(depth)
        self.at = start
        if word in UNSUPPORTED:
            raise HiveTypeError(f"Type {word} is not supported: {self.text!r}")
        raise self.error("a type name")

    def decimal(self) -> Decimal:
        if not self.accept("("):
            return Decimal()
        precision, scale = self.number(), 0
        if self.accept(","):
            scale = self.number()
        self.expect(")")
        if not 1 <= precision <= MAX_DECIMAL_PRECISION or scale > precision:
            raise HiveTypeError(
                f"Decimal precision must be 1 to {MAX_DECIMAL_PRECISION} and not below the scale: {self.text!r}"
            )
        return Decimal(precision, scale)

    def sized_text(self, kind: str) -> Text | Primitive:
        """Hive wants a length; a bare `varchar` in a catalog (written by other tools) is read as string."""
        if not self.accept("("):
            return Primitive("string")
        length = self.number()
        self.expect(")")
        longest = 65535 if kind == "varchar" else 255
        if not 1 <= length <= longest:
            raise HiveTypeError(f"The length of {kind} must be 1 to {longest}: {self.text!r}")
        return Text(kind, length)

    def map(self, depth: int) -> Map:
        self.expect("<")
        key = self.type(depth + 1)
        self.expect(",")
        value = self.type(depth + 1)
        self.expect(">")
        return Map(key, value)

    def struct(self, depth: int) -> Struct:
        self.expect("<")
        fields: list[Field] = []
        while not self.accept(">"):
            if fields:
                self.expect(",")
            name = self.field_name()
            self.expect(":")
            fields.append(Field(name, self.type(depth + 1)))
            self.comment()
        return Struct(tuple(fields))

    def word(self) -> str:
        self.space()
        start = self.at
        while self.at < len(self.text) and (self.text[self.at].isalnum() or self.text[self.at] == "_"):
            self.at += 1
        return self.text[start : self.at].lower()

    def field_name(self) -> str:
        """Everything up to the colon (catalogs hold names with $, - and blanks), or what stands in backticks."""
        self.space()
        closing = "`" if self.accept("`") else ":"
        end = self.text.find(closing, self.at)
        if end < 0:
            raise self.error(f"{closing!r} after a field's name")
        name = self.text[self.at : end].strip()
        self.at = end + (closing == "`")
        if not name or (closing == ":" and any(char in "<>," for char in name)):
            raise self.error("a field's name")
        return name

    def comment(self) -> None:
        """`struct<a:int comment 'x'>`: legal in DDL, and carried by some catalogs."""
        start = self.at
        if self.word() != "comment":
            self.at = start
            return
        self.expect("'")
        end = self.text.find("'", self.at)
        if end < 0:
            raise self.error("the end of the comment")
        self.at = end + 1

    def number(self) -> int:
        self.space()
        start = self.at
        while self.at < len(self.text) and self.text[self.at] in "0123456789":
            self.at += 1
        if not 0 < self.at - start < 10:
            raise self.error("a number")
        return int(self.text[start : self.at])

    def space(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def accept(self, char: str) -> bool:
        self.space()
        if not self.text.startswith(char, self.at):
            return False
        self.at += 1
        return True

    def expect(self, char: str) -> None:
        if not self.accept(char):
            raise self.error(repr(char))

    def end(self) -> None:
        self.space()
        if self.at != len(self.text):
            raise self.error("the end of the type")

    def error(self, expected: str) -> HiveTypeError:
        return HiveTypeError(f"Expected {expected} at position {self.at} of {self.text!r}")


def to_arrow(tree: HiveType, timestamp_unit: str = "us") -> pa.DataType:
    """The Arrow type that holds this type's values. char and varchar keep no length there."""
    import pyarrow as pa

    match tree:
        case Primitive(name):
            return _arrow_primitive(name, timestamp_unit)
        case Decimal(precision, scale):
            return pa.decimal128(precision, scale)
        case Text():
            return pa.string()
        case Array(element):
            return pa.list_(to_arrow(element, timestamp_unit))
        case Map(key, value):
            return pa.map_(to_arrow(key, timestamp_unit), to_arrow(value, timestamp_unit))
        case Struct(fields):
            return pa.struct([pa.field(field.name, to_arrow(field.type, timestamp_unit)) for field in fields])


def _arrow_primitive(name: str, timestamp_unit: str) -> pa.DataType:
    import pyarrow as pa

    return {
        "tinyint": pa.int8(),
        "smallint": pa.int16(),
        "int": pa.int32(),
        "bigint": pa.int64(),
        "boolean": pa.bool_(),
        "float": pa.float32(),
        "double": pa.float64(),
        "string": pa.string(),
        "binary": pa.binary(),
        "date": pa.date32(),
        "timestamp": pa.timestamp(timestamp_unit),
    }[name]


def arrow_schema(columns: Iterable[tuple[str, str | HiveType]], timestamp_unit: str = "us") -> pa.Schema:
    """The Arrow schema of (name, Hive type) columns; types may be text or trees."""
    import pyarrow as pa

    trees = [(name, parse(kind) if isinstance(kind, str) else kind) for name, kind in columns]
    return pa.schema([pa.field(name, to_arrow(tree, timestamp_unit)) for name, tree in trees])


def from_arrow(kind: pa.DataType) -> HiveType:
    """The Hive type that a catalog would give to an Arrow column (unsigned integers widen; null becomes string)."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return from_arrow(kind.value_type)
    if types.is_decimal(kind):
        return Decimal(min(kind.precision, MAX_DECIMAL_PRECISION), max(kind.scale, 0))
    if types.is_struct(kind):
        return Struct(tuple(Field(field.name, from_arrow(field.type)) for field in kind))
    if types.is_map(kind):
        return Map(from_arrow(kind.key_type), from_arrow(kind.item_type))
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind) or types.is_list_view(kind):
        return Array(from_arrow(kind.value_type))
    if types.is_uint64(kind):
        return Decimal(20, 0)
    for name, accepts in _arrow_tests():
        if any(accept(kind) for accept in accepts):
            return Primitive(name)
    raise HiveTypeError(f"Arrow type {kind} has no Hive type")


def _arrow_tests() -> list[tuple[str, list]]:
    from pyarrow import types

    return [
        ("bigint", [types.is_int64, types.is_uint32, types.is_time64, types.is_duration]),
        ("int", [types.is_int32, types.is_uint16, types.is_time32]),
        ("smallint", [types.is_int16, types.is_uint8]),
        ("tinyint", [types.is_int8]),
        ("double", [types.is_float64]),
        ("float", [types.is_float32, types.is_float16]),
        ("boolean", [types.is_boolean]),
        ("string", [types.is_string, types.is_large_string, types.is_string_view, types.is_null]),
        ("binary", [types.is_binary, types.is_large_binary, types.is_binary_view, types.is_fixed_size_binary]),
        ("date", [types.is_date]),
        ("timestamp", [types.is_timestamp]),
    ]


def to_duckdb(tree: HiveType) -> str:
    """The DuckDB type's text. char(n) is VARCHAR: its padding is the SQL front end's matter."""
    match tree:
        case Primitive(name):
            return DUCKDB_NAMES[name]
        case Decimal(precision, scale):
            return f"DECIMAL({precision},{scale})"
        case Text():
            return "VARCHAR"
        case Array(element):
            return f"{to_duckdb(element)}[]"
        case Map(key, value):
            return f"MAP({to_duckdb(key)}, {to_duckdb(value)})"
        case Struct(fields):
            inner = ", ".join(f"{_quote(field.name)} {to_duckdb(field.type)}" for field in fields)
            return f"STRUCT({inner})"


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
