"""The parameters that came before expressions, read into the same conditions and actions.

Expected, ConditionalOperator, AttributeUpdates, KeyConditions, QueryFilter, ScanFilter, AttributesToGet. Wording:
recorded by dynalite (validations/index.js, updateItem.js).
"""

from __future__ import annotations

from typing import Any

from .attribute_values import value_size
from .expressions.evaluation import compare
from .expressions.key_conditions import KeyCondition
from .expressions.nodes import Action, And, Between, Comparison, Condition, Function, In, Not, Or, Path, Value
from .service import Invalid, refuse

BAD = "One or more parameter values were invalid: "
COMPARISONS = {"EQ": "=", "NE": "<>", "LT": "<", "LE": "<=", "GT": ">", "GE": ">="}
COUNTS = {"NULL": 0, "NOT_NULL": 0, "BETWEEN": 2}
SCALARS = ("S", "N", "B")
KINDS = {
    **dict.fromkeys(("LT", "LE", "GT", "GE", "CONTAINS", "NOT_CONTAINS", "IN", "BETWEEN"), SCALARS),
    "BEGINS_WITH": ("S", "B"),
}


def conditions(given: dict[str, Any], operator: str | None, is_expected: bool = False) -> Condition | None:
    """Expected, or a filter, as one condition; None when it is empty."""
    found: Condition | None = None
    for name, one in given.items():
        node = _expected(name, one) if is_expected else _condition(name, key_condition(name, one))
        if found is None:
            found = node
        else:
            found = Or(found, node) if operator == "OR" else And(found, node)
    return found


def key_condition(name: str, given: dict[str, Any]) -> KeyCondition:
    """A member of KeyConditions or of a filter, with its arguments checked."""
    operator, values = given["ComparisonOperator"], given.get("AttributeValueList", [])
    check_arguments(operator, values)
    return KeyCondition(operator, values)


def check_arguments(operator: str, values: list[Any]) -> None:
    for value in values:
        value_size(value)
    right = len(values) >= 1 if operator == "IN" else len(values) == COUNTS.get(operator, 1)
    if not right:
        raise Invalid(f"{BAD}Invalid number of argument(s) for the {operator} ComparisonOperator")
    kinds = {next(iter(value)) for value in values}
    if len(kinds) > 1:
        raise Invalid(f"{BAD}AttributeValues inside AttributeValueList must be of same type")
    for kind in kinds:
        if kind not in KINDS.get(operator, (kind,)):
            raise Invalid(f"{BAD}ComparisonOperator {operator} is not valid for {kind} AttributeValue type")
    if operator == "BETWEEN" and compare(">", values[0], values[1]):
        raise Invalid(
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
        )


def _condition(name: str, given: KeyCondition) -> Condition:
    path, operator = Path((name,)), given.operator
    values = tuple(Value("", value) for value in given.values)
    if operator in COMPARISONS:
        return Comparison(COMPARISONS[operator], path, values[0])
    if operator == "NULL":
        return Function("attribute_not_exists", (path,))
    if operator == "NOT_NULL":
        return Function("attribute_exists", (path,))
    if operator == "IN":
        return In(path, values)
    if operator == "BETWEEN":
        return Between(path, values[0], values[1])
    if operator == "BEGINS_WITH":
        return Function("begins_with", (path, values[0]))
    found = Function("contains", (path, values[0]))
    return Not(found) if operator == "NOT_CONTAINS" else found


def _expected(name: str, given: dict[str, Any]) -> Condition:
    """One attribute of Expected: Value and Exists, or ComparisonOperator with its values."""
    has_list, has_value = "AttributeValueList" in given, "Value" in given
    operator = given.get("ComparisonOperator")
    if has_list and has_value:
        raise Invalid(f"{BAD}Value and AttributeValueList cannot be used together for Attribute: {name}")
    if operator is not None:
        if "Exists" in given:
            raise Invalid(f"{BAD}Exists and ComparisonOperator cannot be used together for Attribute: {name}")
        if operator not in ("NULL", "NOT_NULL") and not has_list and not has_value:
            raise Invalid(
                f"{BAD}Value or AttributeValueList must be used with ComparisonOperator: {operator} "
                f"for Attribute: {name}"
            )
        values = given.get("AttributeValueList", [given["Value"]] if has_value else [])
        check_arguments(operator, values)
        return _condition(name, KeyCondition(operator, values))
    if has_list:
        raise Invalid(f"{BAD}AttributeValueList can only be used with a ComparisonOperator for Attribute: {name}")
    exists = given.get("Exists")
    if exists is not False and not has_value:
        shown = "null" if exists is None else "true"
        raise Invalid(f"{BAD}Value must be provided when Exists is {shown} for Attribute: {name}")
    if exists is False and has_value:
        raise Invalid(f"{BAD}Value cannot be used when Exists is false for Attribute: {name}")
    if exists is False:
        return Function("attribute_not_exists", (Path((name,)),))
    value_size(given["Value"])
    return Comparison("=", Path((name,)), Value("", given["Value"]))


def updates(given: dict[str, Any]) -> tuple[Action, ...]:
    """AttributeUpdates as actions of an update."""
    actions = []
    for name, one in given.items():
        kind, value = one.get("Action", "PUT"), one.get("Value")
        if value is None:
            if kind != "DELETE":
                raise Invalid(f"{BAD}Only DELETE action is allowed when no attribute value is specified")
            actions.append(Action("REMOVE", Path((name,))))
            continue
        value_size(value)
        type_ = next(iter(value))
        if kind == "DELETE" and type_ not in ("SS", "NS", "BS"):
            raise Invalid(f"{BAD}DELETE action with value is not supported for the type {type_}")
        if kind == "ADD" and type_ not in ("L", "N", "SS", "NS", "BS"):
            raise Invalid(f"{BAD}ADD action is not supported for the type {type_}")
        actions.append(Action({"PUT": "SET"}.get(kind, kind), Path((name,)), Value("", value)))
    return tuple(actions)


def check_types(actions: tuple[Action, ...], item: dict[str, Any]) -> None:
    """Adding to, or deleting from, an attribute of another type is worded differently than in expressions."""
    for action in actions:
        found = item.get(str(action.path.parts[0]))
        if action.kind in ("ADD", "DELETE") and found is not None:
            assert isinstance(action.value, Value)
            if next(iter(action.value.value)) not in found:
                raise refuse("Type mismatch for attribute to update")
