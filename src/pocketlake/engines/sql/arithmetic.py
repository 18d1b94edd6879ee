"""Division, averages and sums with Trino's types, exact to the last of 38 digits."""

from __future__ import annotations

from typing import Any

from .decimals import LONGEST, Shape, is_decimal, operation_shape, shape_of
from .nodes import call, cast, is_type, number

# Of two unscaled integers a, b and t = 10^n: a * t / b, rounded half away from zero as Trino rounds.
MACROS = [
    # By zero to infinity or not a number, where the engine would raise.
    "__divide_double(a, b, infinity) AS CASE WHEN b = 0 THEN a * infinity ELSE a / b END",
    # For what is known to fit into 128 bits when doubled.
    "__divide_short(a, b, t) AS CASE WHEN b = 0 THEN error('Division by zero')"
    " ELSE sign(a) * sign(b) * ((2 * abs(a) * t + abs(b)) // (2 * abs(b))) END",
    # Whole part and remainder apart; only a divisor that leaves the remainder no room goes to Python.
    "__divide_long(a, b, t) AS CASE WHEN b = 0 THEN error('Division by zero')"
    " WHEN abs(b) > 99999999999999999999999999999999999999::HUGEINT // t"
    " THEN CAST(__u_wide_divide(CAST(a AS VARCHAR), CAST(b AS VARCHAR), CAST(t AS VARCHAR)) AS HUGEINT)"
    " ELSE (a // b) * t + ((a % b) * t) // b"
    " + CASE WHEN abs(((a % b) * t) % b) >= abs(b) - abs(((a % b) * t) % b) THEN sign(a) * sign(b) ELSE 0 END END",
]


def wide_divide(dividend: str, divisor: str, factor: str) -> str:
    """The same division in Python's integers."""
    a, b, t = int(dividend), int(divisor), int(factor)
    quotient = (2 * abs(a) * t + abs(b)) // (2 * abs(b))
    return str(quotient if (a < 0) == (b < 0) else -quotient)


def divide(node: Any) -> Any:
    """decimal / decimal is a decimal in Trino; integers divide to integers (the engine is set so)."""
    from sqlglot import exp

    left, right = node.this, node.expression
    node.set("typed", False)
    node.set("safe", False)
    if is_type(node, "DOUBLE", "FLOAT"):
        infinity = cast(exp.Literal.string("infinity"), node.type.this.name)
        return call("__divide_double", left, right, infinity)
    shapes = shape_of(left), shape_of(right)
    if shapes[0] is None or shapes[1] is None or not (is_decimal(left) or is_decimal(right)):
        return node
    return quotient(left, shapes[0], right, shapes[1], operation_shape("Div", shapes[0], shapes[1]))


def quotient(left: Any, first: Shape, right: Any, second: Shape, target: Shape) -> Any:
    """left / right as a decimal of the target's shape, exactly."""
    shift = target[1] - first[1] + second[1]
    short = first[0] + shift < LONGEST - 1 and second[0] < LONGEST - 1
    name = "__divide_short" if short else "__divide_long"
    power = cast(number(10**shift), "HUGEINT")
    return _scaled(call(name, _unscaled(left, first), _unscaled(right, second), power), target)


def _unscaled(value: Any, shape: Shape) -> Any:
    """The decimal's digits as an integer: 1.50 is 150."""
    from sqlglot import exp

    precision, scale = shape
    if scale == 0:
        return cast(value, "HUGEINT")
    held = cast(value, f"DECIMAL({precision},{scale})")
    if precision + scale <= LONGEST:
        return cast(exp.Mul(this=held, expression=cast(number(10**scale), f"DECIMAL({scale + 1},0)")), "HUGEINT")
    digits = call("replace", cast(held, "VARCHAR"), exp.Literal.string("."), exp.Literal.string(""))
    return cast(digits, "HUGEINT")


def _scaled(digits: Any, shape: Shape) -> Any:
    from sqlglot import exp

    precision, scale = shape
    whole = cast(digits, f"DECIMAL({LONGEST},0)")
    if scale:
        unit = cast(exp.Literal.string("0." + "0" * (scale - 1) + "1"), f"DECIMAL({scale},{scale})")
        whole = exp.Mul(this=whole, expression=unit)
    return cast(whole, f"DECIMAL({precision},{scale})")


def average(node: Any) -> Any:
    """avg(decimal(p, s)) is decimal(p, s), rounded half up: the exact sum divided by the count."""
    from sqlglot import exp

    shape = shape_of(node.this)
    if shape is None or not is_decimal(node.this):
        return node
    outer = _outermost(node)
    total = _with_aggregate(outer, node, exp.Sum(this=node.this.copy()))
    count = _with_aggregate(outer, node, exp.Count(this=node.this.copy(), big_int=True))
    none = exp.Nullif(this=cast(count, "HUGEINT"), expression=number(0))
    divided = quotient(total, (LONGEST, shape[1]), none, (19, 0), shape)
    if outer is node:
        return divided
    outer.replace(divided)
    return node


def _with_aggregate(outer: Any, node: Any, aggregate: Any) -> Any:
    """A copy of `outer`, the FILTER and OVER around `node`, with another aggregate in node's place."""
    if outer is node:
        return aggregate
    node.meta["here"] = True
    copied = outer.copy()
    node.meta.pop("here")
    for part in copied.walk():
        if part.meta.pop("here", False):
            part.replace(aggregate)
            break
    return copied


def sum_of(node: Any) -> Any:
    """The sum of integers is a bigint; DuckDB's is a HUGEINT."""
    if not is_type(node.this, "TINYINT", "SMALLINT", "INT", "BIGINT"):
        return node
    outer = _outermost(node)
    if outer is node:
        return cast(node, "BIGINT")
    outer.replace(cast(outer, "BIGINT"))
    return node


def _outermost(node: Any) -> Any:
    """The aggregate with its FILTER and OVER, which must stay attached to it."""
    from sqlglot import exp

    outer = node
    while isinstance(outer.parent, exp.Filter | exp.Window | exp.WithinGroup) and outer.arg_key == "this":
        outer = outer.parent
    return outer


def rounded(node: Any) -> Any:
    """round(decimal, n) keeps its scale in Trino."""
    shape = shape_of(node)
    if shape is None or not is_decimal(node.this) or node.args.get("decimals") is None:
        return node
    return cast(node, f"DECIMAL({shape[0]},{shape[1]})")
