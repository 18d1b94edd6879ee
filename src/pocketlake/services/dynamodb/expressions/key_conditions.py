"""Key conditions: of what a key condition expression says, one condition for each key attribute.

Wording: recorded by dynalite (validations/index.js, convertKeyCondition).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..service import Invalid
from .nodes import And, Between, Comparison, Condition, Function, In, Not, Operand, Or, Path, Value

OPERATORS = {"=": "EQ", "<": "LT", "<=": "LE", ">": "GT", ">=": "GE"}
TURNED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
WRONG = "Invalid KeyConditionExpression: "


class KeyCondition(NamedTuple):
    """`operator` is one of EQ LT LE GT GE BETWEEN BEGINS_WITH, or a legacy one that keys do not allow."""

    operator: str
    values: list[dict[str, Any]]


def by_attribute(node: Condition) -> dict[str, KeyCondition]:
    found: dict[str, KeyCondition] = {}
    _collect(node, found)
    return found


def _collect(node: Condition, found: dict[str, KeyCondition]) -> None:
    if isinstance(node, And):
        _collect(node.left, found)
        _collect(node.right, found)
        return
    if isinstance(node, (Or, Not, In)):
        raise Invalid(f"Invalid operator used in KeyConditionExpression: {type(node).__name__.upper()}")
    if isinstance(node, Comparison):
        if node.operator == "<>":
            raise Invalid("Invalid operator used in KeyConditionExpression: <>")
        left, right, operator = node.left, node.right, node.operator
        if isinstance(left, Value):
            left, right, operator = right, left, TURNED[operator]
        _add(found, OPERATORS[operator], left, right)
    elif isinstance(node, Between):
        _check_first("BETWEEN", node.operand)
        _add(found, "BETWEEN", node.operand, node.low, node.high)
    else:
        assert isinstance(node, Function)
        if node.name != "begins_with":
            if node.name == "size":
                raise Invalid("KeyConditionExpressions cannot contain nested operations")
            raise Invalid(f"Invalid operator used in KeyConditionExpression: {node.name}")
        _check_first("begins_with", node.arguments[0])
        _add(found, "BEGINS_WITH", *node.arguments)


def _check_first(operator: str, operand: Operand) -> None:
    if isinstance(operand, Value):
        raise Invalid(
            f"Invalid condition in KeyConditionExpression: {operator} operator must have the key attribute "
            "as its first operand"
        )


def _add(found: dict[str, KeyCondition], operator: str, attribute: Operand, *values: Operand) -> None:
    for operand in (attribute, *values):
        if isinstance(operand, Function):
            raise Invalid("KeyConditionExpressions cannot contain nested operations")
    if isinstance(attribute, Value):
        raise Invalid("Invalid condition in KeyConditionExpression: No key attribute specified")
    assert isinstance(attribute, Path)
    if any(isinstance(value, Path) for value in values):
        raise Invalid("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
    if len(attribute.parts) > 1:
        raise Invalid(f"{WRONG}KeyConditionExpressions cannot have conditions on nested attributes")
    name = str(attribute.parts[0])
    if name in found:
        raise Invalid(f"{WRONG}KeyConditionExpressions must only contain one condition per key")
    found[name] = KeyCondition(operator, [value.value for value in values if isinstance(value, Value)])
