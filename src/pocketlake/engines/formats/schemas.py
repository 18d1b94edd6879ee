"""Schemas seen in several files, brought together: what one table over all of them would declare."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pocketlake.engines.formats.hive_types import Array, Decimal, Field, HiveType, Map, Primitive, Struct

STRING = Primitive("string")
UNKNOWN = Primitive("unknown")  # of the elements of arrays that were all empty; `settle` makes strings of them
WIDTH = {name: at for at, name in enumerate(("tinyint", "smallint", "int", "bigint", "float", "double"))}
# Folders belong to one table when this share of the smaller schema's columns is in the other one, too.
SIMILAR = 0.7

Columns = tuple[Field, ...]


def merge_types(one: HiveType | None, other: HiveType | None) -> HiveType | None:
    """The type that holds both: the wider number, structs member by member; what does not go together is a string.
    None is the type of what was null in every row."""
    if one is None or one in (UNKNOWN, other):
        return other or one
    if other is None or other == UNKNOWN:
        return one
    match one, other:
        case Primitive(left), Primitive(right) if left in WIDTH and right in WIDTH:
            wider = left if WIDTH[left] > WIDTH[right] else right
            return Primitive("double") if {left, right} == {"bigint", "float"} else Primitive(wider)
        case Decimal(), Decimal():
            whole = max(one.precision - one.scale, other.precision - other.scale)
            scale = max(one.scale, other.scale)
            return Decimal(min(whole + scale, 38), scale)
        case (Decimal(), Primitive("float" | "double")) | (Primitive("float" | "double"), Decimal()):
            return Primitive("double")
        case (Primitive("date" | "timestamp"), Primitive("date" | "timestamp")):
            return Primitive("timestamp")
        case Array(left_item), Array(right_item):
            return Array(merge_types(left_item, right_item) or STRING)
        case Map(left_key, left_value), Map(right_key, right_value):
            return Map(merge_types(left_key, right_key) or STRING, merge_types(left_value, right_value) or STRING)
        case Struct(left_fields), Struct(right_fields):
            return Struct(merge_columns([left_fields, right_fields]))
    return STRING


def settle(tree: HiveType) -> HiveType:
    match tree:
        case Array(element):
            return Array(settle(element))
        case Struct(fields):
            return Struct(tuple(Field(field.name, settle(field.type)) for field in fields))
    return STRING if tree == UNKNOWN else tree


def merge_columns(schemas: Iterable[Sequence[Field]]) -> Columns:
    """All columns in the order in which they were first seen; names differ only beyond case."""
    names: dict[str, str] = {}
    kinds: dict[str, HiveType | None] = {}
    for columns in schemas:
        for column in columns:
            key = column.name.lower()
            names.setdefault(key, column.name)
            kinds[key] = merge_types(kinds.get(key), column.type)
    return tuple(Field(names[key], kinds[key] or STRING) for key in names)


def are_similar(one: Columns, other: Columns) -> bool:
    left, right = ({column.name.lower() for column in columns} for columns in (one, other))
    if not left or not right:
        return left == right
    return len(left & right) >= SIMILAR * min(len(left), len(right))
