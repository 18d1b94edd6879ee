"""Trino's decimal lattice: the precision and scale of an expression, from its leaves up.

Source: Trino documentation, "Decimal functions and operators".
"""

from __future__ import annotations

from typing import Any

Shape = tuple[int, int]

INTEGERS = {"TINYINT": (3, 0), "SMALLINT": (5, 0), "INT": (10, 0), "BIGINT": (19, 0)}
LONGEST = 38


def is_integer(node: Any) -> bool:
    return node.type is not None and node.type.this.name in INTEGERS


def decimal_of(node: Any) -> Shape | None:
    """(precision, scale) when the expression is a decimal or an integer whose shape is known, else None."""
    from sqlglot import exp

    if isinstance(node, exp.Paren | exp.Neg | exp.Max | exp.Min | exp.Avg | exp.Alias):
        return decimal_of(node.this)
    if isinstance(node, exp.Literal):
        return _literal(node)
    if isinstance(node, exp.Sum):
        inner = decimal_of(node.this)
        return None if inner is None else (LONGEST, inner[1])
    if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div):
        return _operation(node, decimal_of(node.this), decimal_of(node.expression))
    return _declared(node)


def _declared(node: Any) -> Shape | None:
    kind = node.args.get("to") or node.type
    if kind is None:
        return None
    name = kind.this.name
    if name in INTEGERS:
        return INTEGERS[name]
    if name != "DECIMAL" or not kind.expressions:
        return None
    numbers = [int(part.name) for part in kind.expressions]
    return numbers[0], numbers[1] if len(numbers) > 1 else 0


def _literal(node: Any) -> Shape | None:
    if node.is_string or "e" in node.this.lower():
        return None
    whole, point, fraction = node.this.partition(".")
    if not point:
        return INTEGERS["INT"]
    return max(len(whole.lstrip("0")) + len(fraction), 1), len(fraction)


def _operation(node: Any, left: Shape | None, right: Shape | None) -> Shape | None:
    from sqlglot import exp

    if left is None or right is None:
        return None
    (p1, s1), (p2, s2) = left, right
    if isinstance(node, exp.Mul):
        return min(LONGEST, p1 + p2), s1 + s2
    if isinstance(node, exp.Div):
        scale = max(s1, s2)
        return min(LONGEST, p1 + s2 + max(0, s2 - s1)), scale
    scale = max(s1, s2)
    return min(LONGEST, max(p1 - s1, p2 - s2) + scale + 1), scale
