"""Which partitions can hold rows that a query's WHERE lets through: three-valued logic over the partition's values.

What the evaluator does not understand keeps the partition: the engine filters the rows again anyway. Everything that it
does understand is strict in NULL or Kleene's logic, and has to stay so: a condition is asked of a table although an
outer join may still put NULLs in the place of its rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
INTEGERS = ("tinyint", "smallint", "int", "integer", "bigint")


class Unknown(Exception):
    """The expression holds something that cannot be judged from the partition's values."""


def typed(value: str, kind: str) -> Any:
    """A partition's value as its type compares; None for Hive's null. Raises Unknown when it is no such value."""
    if value == HIVE_NULL:
        return None
    try:
        if kind in INTEGERS:
            return Decimal(int(value))
        if kind.startswith("decimal") or kind in ("double", "float"):
            return Decimal(value)
        if kind == "date":
            return date.fromisoformat(value)
    except (ValueError, InvalidOperation):
        raise Unknown from None
    return value


def survives(filters: list[Any], values: Mapping[str, str], kinds: Mapping[str, str]) -> bool:
    """False only when some filter is certainly not true for every row of the partition."""
    for condition in filters:
        try:
            if evaluate(condition, values, kinds) is not True:
                return False
        except Unknown:
            continue
    return True


def evaluate(node: Any, values: Mapping[str, str], kinds: Mapping[str, str]) -> Any:
    from sqlglot import exp

    def value(part: Any) -> Any:
        return evaluate(part, values, kinds)

    if isinstance(node, exp.And | exp.Or):
        return _logic(node, value, isinstance(node, exp.Or))
    if isinstance(node, exp.Paren):
        return value(node.this)
    if isinstance(node, exp.Not):
        inner = value(node.this)
        return None if inner is None else not inner
    if isinstance(node, exp.Column):
        if node.name not in values:
            raise Unknown
        return typed(values[node.name], kinds[node.name])
    if isinstance(node, exp.Literal):
        return node.this if node.is_string else Decimal(node.this)
    if isinstance(node, exp.Neg):
        return -value(node.this)
    if isinstance(node, exp.Null):
        return None
    if isinstance(node, exp.Cast):
        if node.to.expressions:  # a length cuts, a scale rounds
            raise Unknown
        return _cast(value(node.this), node.to.this.name.lower())
    if isinstance(node, exp.Between):
        return _all(
            _compare(exp.GTE, value(node.this), value(node.args["low"])),
            _compare(exp.LTE, value(node.this), value(node.args["high"])),
        )
    if isinstance(node, exp.In) and node.expressions:
        found = [_compare(exp.EQ, value(node.this), value(item)) for item in node.expressions]
        return True if True in found else None if None in found else False
    if isinstance(node, exp.Like):
        return _like(value(node.this), value(node.expression))
    if isinstance(node, exp.EQ | exp.NEQ | exp.GT | exp.GTE | exp.LT | exp.LTE):
        return _compare(type(node), value(node.this), value(node.expression))
    raise Unknown


def _logic(node: Any, value: Callable[[Any], Any], decisive: bool) -> Any:
    """AND and OR: one side may decide although the other is beyond judging."""
    results = []
    for side in (node.this, node.expression):
        try:
            results.append(value(side))
        except Unknown:
            results.append(Unknown)
    if decisive in results:
        return decisive
    if Unknown in results:
        raise Unknown
    return None if None in results else not decisive


def _all(left: Any, right: Any) -> Any:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def _compare(kind: Any, left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    if type(left) is not type(right):
        raise Unknown
    name = kind.__name__
    return {
        "EQ": left == right,
        "NEQ": left != right,
        "GT": left > right,
        "GTE": left >= right,
        "LT": left < right,
        "LTE": left <= right,
    }[name]


def _cast(value: Any, kind: str) -> Any:
    if value is None:
        return None
    try:
        if kind in ("varchar", "text", "char"):
            if isinstance(value, Decimal):
                return str(value)
            return value.isoformat() if isinstance(value, date) else value
        if kind in ("int", "bigint", "smallint", "tinyint", "double"):
            found = Decimal(value) if isinstance(value, str | Decimal) else _raise()
            return found if kind == "double" or found == found.to_integral_value() else _raise()
        if kind == "date":
            return (
                date.fromisoformat(value) if isinstance(value, str) else value if isinstance(value, date) else _raise()
            )
    except (ValueError, InvalidOperation):
        raise Unknown from None
    raise Unknown


def _raise() -> Any:
    raise Unknown


def _like(text: Any, pattern: Any) -> Any:
    if text is None or pattern is None:
        return None
    if not isinstance(text, str):
        raise Unknown
    parts = [".*" if char == "%" else "." if char == "_" else re.escape(char) for char in pattern]
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None
