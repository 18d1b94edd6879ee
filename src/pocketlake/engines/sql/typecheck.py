"""Operators between types that Trino does not mix, where DuckDB would cast in silence.

Only operands whose type is beyond doubt are judged: columns, literals, casts.
"""

from __future__ import annotations

from typing import Any

from .errors import SqlError

TEXT = {"VARCHAR", "TEXT", "CHAR"}
NUMBER = {"TINYINT", "SMALLINT", "INT", "BIGINT", "DOUBLE", "FLOAT", "DECIMAL"}
MOMENT = {"DATE", "TIMESTAMP", "TIMESTAMPTZ"}


def check(tree: Any) -> None:
    from sqlglot import exp

    from .bind import position

    marks = {
        exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
        exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/",
    }  # fmt: skip
    for node in tree.find_all(*marks):
        left, right = _family(node.this), _family(node.expression)
        if left is None or right is None or left == right:
            continue
        names = f"{_name(node.this)} {marks[type(node)]} {_name(node.expression)}"
        raise SqlError("TYPE_MISMATCH", f"Cannot apply operator: {names}", *position(node))


def _family(node: Any) -> str | None:
    from sqlglot import exp

    if not isinstance(node, exp.Column | exp.Literal | exp.Cast) or node.type is None:
        return None
    name = node.type.this.name
    for family, members in (("text", TEXT), ("number", NUMBER), ("moment", MOMENT), ("boolean", {"BOOLEAN"})):
        if name in members:
            return family
    return None


def _name(node: Any) -> str:
    from sqlglot import exp

    if isinstance(node, exp.Literal) and node.is_string:
        return f"varchar({len(node.this)})"
    return {"int": "integer", "text": "varchar"}.get(name := str(node.type.sql("trino")).lower(), name)
