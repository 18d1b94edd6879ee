"""Division, averages and sums with Trino's types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .decimals import decimal_of
from .nodes import call, cast, is_type, number


def divide(node: Any) -> Any:
    """decimal / decimal is a decimal in Trino; integers divide to integers (the engine is set so)."""
    from sqlglot import exp

    left, right = node.this, node.expression
    kinds = decimal_of(left), decimal_of(right)
    node.set("typed", False)
    node.set("safe", False)
    if kinds[0] is None or kinds[1] is None or not (_fraction(left) or _fraction(right)):
        return node
    target = decimal_of(node)
    assert target is not None
    quotient = exp.Div(this=cast(left, "DOUBLE"), expression=call("__nonzero", cast(right, "DOUBLE")))
    return cast(
        exp.Anonymous(this="round", expressions=[quotient, exp.Literal.number(target[1])]),
        f"DECIMAL({target[0]},{target[1]})",
    )


def _fraction(node: Any) -> bool:
    """Whether the operand is a decimal and not an integer."""
    from .decimals import is_integer

    return not is_integer(node)


def average(node: Any) -> Any:
    """avg(decimal(p, s)) is decimal(p, s), rounded half up."""
    kind = decimal_of(node.this)
    if kind is None or not _fraction(node.this):
        return node
    return _around(node, lambda value: cast(call("round", value, number(kind[1])), f"DECIMAL({kind[0]},{kind[1]})"))


def sum_of(node: Any) -> Any:
    """The sum of integers is a bigint; DuckDB's is a HUGEINT."""
    if not is_type(node.this, "TINYINT", "SMALLINT", "INT", "BIGINT"):
        return node
    return _around(node, lambda value: cast(value, "BIGINT"))


def _around(node: Any, wrap: Callable[[Any], Any]) -> Any:
    """Wrap an aggregate together with its FILTER and OVER, which must stay attached to it."""
    from sqlglot import exp

    outer = node
    while isinstance(outer.parent, exp.Filter | exp.Window | exp.WithinGroup) and outer.arg_key == "this":
        outer = outer.parent
    if outer is node:
        return wrap(node)
    outer.replace(wrap(outer))
    return node


def literal_shape(text: str) -> tuple[int, int]:
    whole, _, fraction = text.strip().lstrip("+-").partition(".")
    digits = len(whole.lstrip("0")) + len(fraction)
    return max(digits, 1), len(fraction)
