"""Which attributes an expression names."""

from __future__ import annotations

from collections.abc import Iterator

from .nodes import And, Between, Comparison, Condition, Function, In, Not, Operand, Or, Path, Value


def paths(node: Condition | Operand) -> Iterator[Path]:
    """All document paths of a condition."""
    if isinstance(node, Path):
        yield node
    elif isinstance(node, (And, Or, Comparison)):
        yield from paths(node.left)
        yield from paths(node.right)
    elif isinstance(node, Not):
        yield from paths(node.condition)
    elif isinstance(node, Between):
        for operand in (node.operand, node.low, node.high):
            yield from paths(operand)
    elif isinstance(node, In):
        for operand in (node.operand, *node.options):
            yield from paths(operand)
    elif isinstance(node, Function):
        for operand in node.arguments:
            yield from paths(operand)
    else:
        assert isinstance(node, Value)
