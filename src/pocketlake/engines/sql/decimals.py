"""Trino's decimal lattice: the precision and scale of every expression, from the leaves up, through sub-queries.

sqlglot's annotation knows that something is a decimal, not which one: results, roundings and overflows depend on that.
Source: Trino documentation, "Decimal functions and operators"; `round`, `floor` and `mod` as its mathematical
functions declare them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Shape = tuple[int, int]

INTEGERS = {"TINYINT": (3, 0), "SMALLINT": (5, 0), "INT": (10, 0), "BIGINT": (19, 0)}
FLOATS = ("DOUBLE", "FLOAT")
LONGEST = 38


def is_decimal(node: Any) -> bool:
    return node.type is not None and node.type.this.name == "DECIMAL"


def shape_of(node: Any) -> Shape | None:
    """(precision, scale) of a settled node: a decimal's own, an integer's as Trino widens it; None for all else."""
    kind = node.type
    if kind is None or kind.this.name in INTEGERS:
        return None if kind is None else INTEGERS[kind.this.name]
    # Without numbers it is not DECIMAL(38, 0), but one that nobody could tell.
    return _declared(kind) if kind.this.name == "DECIMAL" and kind.expressions else None


def settle(tree: Any) -> None:
    """Give every decimal expression its precision and scale, and mixed arithmetic with doubles its double."""
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope, traverse_scope

    for scope in traverse_scope(tree):
        for column in scope.columns:
            source = scope.sources.get(column.table)
            if isinstance(source, Scope):
                kind = _output(source.expression, column.name)
                if kind is not None:
                    column.type = kind.copy()
        if isinstance(scope.expression, exp.SetOperation):
            continue
        for node in reversed(list(scope.walk())):
            kind = _computed(node)
            if kind is not None:
                node.type = kind


def _output(query: Any, name: str) -> Any:
    """The decimal type of a sub-query's column of that name; None when it is none."""
    from sqlglot import exp

    if isinstance(query, exp.Subquery):
        return _output(query.unnest(), name)
    if isinstance(query, exp.SetOperation):
        names = [item.alias_or_name for item in query.selects]
        return _common(_branches(query, names.index(name))) if name in names else None
    if isinstance(query, exp.Values | exp.Unnest):
        return _output_of_rows(query, name)
    if not isinstance(query, exp.Select):
        return None
    for item in query.selects:
        if item.alias_or_name == name:
            return item.type if is_decimal(item) else None
    return None


def _output_of_rows(query: Any, name: str) -> Any:
    """The decimal type of a column of VALUES or UNNEST."""
    from sqlglot import exp

    names = query.alias_column_names
    if name not in names:
        return None
    at = names.index(name)
    if isinstance(query, exp.Values):
        rows = [row.expressions if isinstance(row, exp.Tuple) else [row] for row in query.expressions]
        return _common([row[at] for row in rows])
    if at >= len(query.expressions):
        return None
    kind = query.expressions[at].type
    inner = (
        kind.expressions[0] if kind is not None and kind.this.name in ("ARRAY", "LIST") and kind.expressions else None
    )
    return inner if isinstance(inner, exp.DataType) and inner.this.name == "DECIMAL" and inner.expressions else None


def _branches(query: Any, position: int) -> list[Any]:
    from sqlglot import exp

    if isinstance(query, exp.Subquery):
        return _branches(query.unnest(), position)
    if isinstance(query, exp.SetOperation):
        return _branches(query.this, position) + _branches(query.expression, position)
    return [query.selects[position]] if len(query.selects) > position else []


def _decimal(shape: Shape) -> Any:
    from sqlglot import exp

    return exp.DataType.build(f"DECIMAL({shape[0]}, {shape[1]})", dialect="trino")


def _computed(node: Any) -> Any:
    """The type that Trino gives to a node whose parts are settled; None to leave it as it is."""
    from sqlglot import exp

    if isinstance(node, exp.Literal):
        return _literal(node)
    if isinstance(node, exp.Cast | exp.TryCast):
        return _cast(node)
    same = (
        exp.Paren, exp.Neg, exp.Abs, exp.Alias, exp.Max, exp.Min, exp.AnyValue, exp.FirstValue, exp.LastValue,
        exp.NthValue, exp.Lag, exp.Lead, exp.Window, exp.Filter, exp.IgnoreNulls, exp.RespectNulls, exp.Nullif,
        exp.ArgMax, exp.ArgMin, exp.Avg,
    )  # fmt: skip
    if isinstance(node, same):
        return node.this.type.copy() if is_decimal(node.this) else None
    if isinstance(node, exp.Distinct):
        return node.expressions[0].type if len(node.expressions) == 1 and is_decimal(node.expressions[0]) else None
    if isinstance(node, exp.Array):
        inner = _common(node.expressions)
        return None if inner is None else exp.DataType(this=exp.DType.ARRAY, expressions=[inner], nested=True)
    if isinstance(node, exp.Sum):
        shape = shape_of(node.this)
        return _decimal((LONGEST, shape[1])) if shape is not None and is_decimal(node.this) else None
    if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div | exp.Mod):
        return _operation(node)
    if isinstance(node, exp.Coalesce | exp.Greatest | exp.Least):
        return _common([node.this, *node.expressions])
    if isinstance(node, exp.If):
        return _common([node.args["true"], node.args.get("false")])
    if isinstance(node, exp.Case):
        return _common([*(branch.args["true"] for branch in node.args["ifs"]), node.args.get("default")])
    if isinstance(node, exp.Round | exp.Floor | exp.Ceil | exp.Trunc):
        return _rounded(node)
    if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Select) and len(node.this.selects) == 1:
        item = node.this.selects[0]
        return item.type if is_decimal(item) else None
    return None


def _literal(node: Any) -> Any:
    """Athena reads 1.5 as a double, unlike Trino's default: a decimal literal is written DECIMAL '1.5'."""
    from sqlglot import exp

    if node.is_string:
        return None
    if not node.this.isdigit():
        return exp.DataType.build("DOUBLE")
    return exp.DataType.build("INT" if int(node.this) < 2**31 else "BIGINT")


def _cast(node: Any) -> Any:
    from sqlglot import exp

    if node.to.this.name != "DECIMAL":
        return None
    if not node.to.expressions and isinstance(node.this, exp.Literal) and node.this.is_string:
        return _decimal(literal_shape(node.this.this))
    return _decimal(_declared(node.to))


def _declared(kind: Any) -> Shape:
    numbers = [int(part.name) for part in kind.expressions]
    return (LONGEST, 0) if not numbers else (numbers[0], numbers[1] if len(numbers) > 1 else 0)


def literal_shape(text: str) -> Shape:
    """Of DECIMAL '0012.50': (4, 2)."""
    whole, _, fraction = text.strip().lstrip("+-").partition(".")
    digits = len(whole.lstrip("0")) + len(fraction)
    return max(digits, 1), len(fraction)


def _operation(node: Any) -> Any:
    from sqlglot import exp

    left, right = node.this, node.expression
    if not (is_decimal(left) or is_decimal(right)):
        return None
    if any(side.type is not None and side.type.this.name in FLOATS for side in (left, right)):
        return exp.DataType.build("DOUBLE")
    shapes = shape_of(left), shape_of(right)
    if shapes[0] is None or shapes[1] is None:
        return None
    return _decimal(operation_shape(type(node).__name__, shapes[0], shapes[1]))


def operation_shape(operator: str, left: Shape, right: Shape) -> Shape:
    """`operator`: Add, Sub, Mul, Div, Mod."""
    (p1, s1), (p2, s2) = left, right
    scale = max(s1, s2)
    if operator == "Mul":
        return min(LONGEST, p1 + p2), s1 + s2
    if operator == "Div":
        return min(LONGEST, p1 + s2 + max(0, s2 - s1)), scale
    if operator == "Mod":
        return min(p1 - s1, p2 - s2) + scale, scale
    return min(LONGEST, max(p1 - s1, p2 - s2) + scale + 1), scale


def _common(nodes: Iterable[Any]) -> Any:
    """The type to which all of these are widened, when one is a decimal and the rest decimals, integers or NULL."""
    from sqlglot import exp

    given = [node for node in nodes if node is not None and not isinstance(node.unalias(), exp.Null)]
    if not any(is_decimal(node) for node in given):
        return None
    shapes = [shape for node in given if (shape := shape_of(node)) is not None]
    if len(shapes) < len(given):
        return None
    scale = max(scale for _, scale in shapes)
    return _decimal((min(LONGEST, max(precision - s for precision, s in shapes) + scale), scale))


def _rounded(node: Any) -> Any:
    from sqlglot import exp

    if not is_decimal(node.this):
        return None
    precision, scale = shape_of(node.this) or (LONGEST, 0)
    if isinstance(node, exp.Round) and node.args.get("decimals") is not None:
        return _decimal((min(LONGEST, precision + 1), scale))
    if isinstance(node, exp.Trunc):
        return node.this.type.copy() if node.args.get("decimals") else _decimal((max(precision - scale, 1), 0))
    return _decimal((min(LONGEST, precision - scale + min(scale, 1)) or 1, 0))
