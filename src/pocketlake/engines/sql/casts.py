"""CAST with Trino's roundings, lengths and texts."""

from __future__ import annotations

from typing import Any

from .decimals import literal_shape, shape_of
from .nodes import call, cast, is_type, number

WHOLE = ("TINYINT", "SMALLINT", "INT", "BIGINT")
TEXT = ("VARCHAR", "TEXT", "CHAR", "NCHAR")


def rewrite(node: Any) -> Any:
    from sqlglot import exp

    target = node.to.this.name
    if target == "DECIMAL" and not node.to.expressions:
        literal = node.this
        if isinstance(literal, exp.Literal) and literal.is_string:
            return cast(literal, "DECIMAL({},{})".format(*literal_shape(literal.this)))
        node.set("to", exp.DataType.build("DECIMAL(38,0)", dialect="duckdb"))
    if target in WHOLE and is_type(node.this, "DOUBLE", "FLOAT"):
        # Half away from zero; the engine's own cast rounds half to even.
        node.set("this", call("round", node.this))
    if target in TEXT:
        return _cut(_text(node), node.to)
    return node


def _text(node: Any) -> Any:
    from sqlglot import exp

    value = node.this
    if is_type(value, "DOUBLE", "FLOAT"):
        return call("__sql_double", value)
    shape = shape_of(value) if is_type(value, "DECIMAL") else None
    if shape is not None and shape[0] == shape[1]:  # DECIMAL(2,2) would lose its zero before the point
        return cast(cast(value, f"DECIMAL({min(shape[0] + 1, 38)},{shape[1]})"), "VARCHAR")
    if is_type(value, "TIMESTAMP"):
        return call("strftime", value, exp.Literal.string("%Y-%m-%d %H:%M:%S.%g"))
    if is_type(value, "JSON"):
        return call("json_extract_string", value, exp.Literal.string("$"))
    return node


def _cut(text: Any, kind: Any) -> Any:
    """VARCHAR(n) keeps the first n characters, CHAR(n) fills up with blanks too."""
    from sqlglot import exp

    length = int(kind.expressions[0].name) if kind.expressions else 1 if kind.this.name in ("CHAR", "NCHAR") else None
    if length is None:
        return text
    cut = call("left", text, number(length))
    return call("rpad", cut, number(length), exp.Literal.string(" ")) if kind.this.name in ("CHAR", "NCHAR") else cut
