"""Names and values put into expressions, and what can be said against them once they are known."""

from __future__ import annotations

import re
from typing import Any

from ..attribute_values import value_size
from ..service import Invalid
from . import grammar
from .evaluation import compare
from .nodes import Action, And, Arithmetic, Between, Comparison, Condition, Function, In, Not, Operand, Or, Path, Value

NAME_KEY, VALUE_KEY = re.compile(r"#[0-9a-zA-Z_]+"), re.compile(r":[0-9a-zA-Z_]+")
TYPES = frozenset({"S", "N", "B", "NULL", "SS", "BOOL", "L", "BS", "NS", "M"})
ORDERED = ("S", "N", "B")
OPERAND_TYPE = "Incorrect operand type for operator or function; "
LONG_NAMES = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "NULL": "NULL",
    "BOOL": "BOOLEAN",
    "L": "LIST",
    "M": "MAP",
    "SS": "STRING_SET",
    "NS": "NUMBER_SET",
    "BS": "BINARY_SET",
}


class Bindings:
    """A request's ExpressionAttributeNames and -Values, and which of them its expressions have used."""

    __slots__ = ("names", "unused_names", "unused_values", "values")

    def __init__(self, names: dict[str, str] | None, values: dict[str, Any] | None) -> None:
        self.names = names or {}
        self.values = values or {}
        self.unused_names = set(self.names)
        self.unused_values = set(self.values)
        if names is not None:
            _check_keys("ExpressionAttributeNames", names, NAME_KEY)
        if values is not None:
            _check_keys("ExpressionAttributeValues", values, VALUE_KEY)

    def check_values(self, newer: bool) -> None:
        """Judge the values themselves. `newer`: the operation is one of those that do not say which one is wrong."""
        for name, value in self.values.items():
            try:
                value_size(value)
            except Invalid as mistake:
                if newer:
                    raise
                told = f"ExpressionAttributeValues contains invalid value: {mistake.older} for key {name}"
                raise Invalid(told) from None

    def check_used(self) -> None:
        for what, unused, given in (
            ("Names", self.unused_names, self.names),
            ("Values", self.unused_values, self.values),
        ):
            if unused:
                listed = ", ".join(name for name in given if name in unused)
                raise Invalid(f"Value provided in ExpressionAttribute{what} unused in expressions: keys: {{{listed}}}")

    # Expressions

    def condition(self, text: str, parameter: str) -> Condition:
        try:
            return self._condition(grammar.condition(text))
        except Invalid as mistake:
            told = str(mistake)
            if parameter == "KeyConditionExpression":  # which says so of comparisons as of functions
                told = told.replace("function; operator: ", "function; operator or function: ")
            raise Invalid(f"Invalid {parameter}: {told}") from None

    def update(self, text: str) -> tuple[Action, ...]:
        try:
            actions = [self._action(action) for action in grammar.update(text)]
            check_distinct([action.path for action in actions])
            for action in actions:
                check_action(action)
            return tuple(actions)
        except Invalid as mistake:
            raise Invalid(f"Invalid UpdateExpression: {mistake}") from None

    def projection(self, text: str) -> tuple[Path, ...]:
        try:
            paths = tuple(self._path(path) for path in grammar.projection(text))
            check_distinct(list(paths))
            return paths
        except Invalid as mistake:
            raise Invalid(f"Invalid ProjectionExpression: {mistake}") from None

    def _condition(self, node: Condition) -> Condition:
        if isinstance(node, (And, Or)):
            return type(node)(self._condition(node.left), self._condition(node.right))
        if isinstance(node, Not):
            return Not(self._condition(node.condition))
        if isinstance(node, Function):
            return self._function(node)
        if isinstance(node, Comparison):
            bound = Comparison(node.operator, self.operand(node.left), self.operand(node.right))
            check_comparison(bound)
            return bound
        if isinstance(node, Between):
            between = Between(self.operand(node.operand), self.operand(node.low), self.operand(node.high))
            check_between(between)
            return between
        return In(self.operand(node.operand), tuple(map(self.operand, node.options)))

    def _action(self, action: Action) -> Action:
        path = self._path(action.path)
        if isinstance(action.value, Arithmetic):
            left, right = self.operand(action.value.left), self.operand(action.value.right)
            return Action(action.kind, path, Arithmetic(action.value.operator, left, right))
        return Action(action.kind, path, None if action.value is None else self.operand(action.value))

    def operand(self, node: Operand) -> Operand:
        if isinstance(node, Path):
            return self._path(node)
        if isinstance(node, Value):
            if node.name not in self.values:
                raise Invalid(
                    f"An expression attribute value used in expression is not defined; attribute value: {node.name}"
                )
            self.unused_values.discard(node.name)
            return Value(node.name, self.values[node.name])
        return self._function(node)

    def _function(self, node: Function) -> Function:
        bound = Function(node.name, tuple(map(self.operand, node.arguments)))
        check_function(bound)
        return bound

    def _path(self, path: Path) -> Path:
        if not any(isinstance(part, str) and part[0] == "#" for part in path.parts):
            return path
        parts: list[str | int] = []
        for part in path.parts:
            if isinstance(part, str) and part[0] == "#":
                if part not in self.names:
                    raise Invalid(
                        f"An expression attribute name used in the document path is not defined; attribute name: {part}"
                    )
                self.unused_names.discard(part)
                part = self.names[part]
            parts.append(part)
        return Path(tuple(parts))


def _check_keys(parameter: str, given: dict[str, Any], allowed: re.Pattern[str]) -> None:
    if not given:
        raise Invalid(f"{parameter} must not be empty")
    for key in given:
        if not allowed.fullmatch(key):
            raise Invalid(f'{parameter} contains invalid key: Syntax error; key: "{key}"')


def kind_of(operand: Any) -> str | None:
    """The type of a value that is known before the item is; None for paths."""
    if isinstance(operand, Value):
        return str(next(iter(operand.value)))
    if isinstance(operand, Function):
        return "N" if operand.name == "size" else None
    return None


def check_function(function: Function) -> None:
    name, arguments = function.name, function.arguments
    expected = grammar.CONDITION_FUNCTIONS.get(name) or grammar.UPDATE_FUNCTIONS[name]
    if len(arguments) != expected:
        raise Invalid(
            "Incorrect number of operands for operator or function; "
            f"operator or function: {name}, number of operands: {len(arguments)}"
        )
    first = arguments[0]
    if name in grammar.CONDITION_FUNCTIONS and isinstance(first, Path) and first in arguments[1:]:
        raise _not_distinct(name, first)
    if name in ("attribute_exists", "attribute_not_exists", "if_not_exists") and not isinstance(arguments[0], Path):
        raise Invalid(f"Operator or function requires a document path; operator or function: {name}")
    kinds = [kind_of(argument) for argument in arguments]
    if name == "begins_with":
        _allow(name, kinds, "S", "B")
    elif name == "list_append":
        _allow(name, kinds, "L")
    elif name == "size" and kinds[0] in ("N", "BOOL", "NULL"):
        raise Invalid(f"{OPERAND_TYPE}operator or function: {name}, operand type: {kinds[0]}")
    elif name == "attribute_type":
        if kinds[1] != "S":
            shown = kinds[1] or "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"
            raise Invalid(f"{OPERAND_TYPE}operator or function: {name}, operand type: {shown}")
        assert isinstance(arguments[1], Value)
        asked = arguments[1].value["S"]
        if asked not in TYPES:
            raise Invalid(
                f"Invalid attribute type name found; type: {asked}, valid types: {{B,NULL,SS,BOOL,L,BS,N,NS,S,M}}"
            )


def _allow(name: str, kinds: list[str | None], *allowed: str) -> None:
    for kind in kinds:
        if kind is not None and kind not in allowed:
            raise Invalid(f"{OPERAND_TYPE}operator or function: {name}, operand type: {kind}")


def check_comparison(node: Comparison) -> None:
    if isinstance(node.left, Path) and node.left == node.right:
        raise _not_distinct(node.operator, node.left)
    if node.operator not in ("=", "<>"):
        for kind in (kind_of(node.left), kind_of(node.right)):
            if kind is not None and kind not in ORDERED:
                raise Invalid(f"{OPERAND_TYPE}operator: {node.operator}, operand type: {kind}")


def _not_distinct(operator: str, path: Path) -> Invalid:
    return Invalid(
        "The first operand must be distinct from the remaining operands for this operator or function; "
        f"operator: {operator}, first operand: {path}"
    )


def check_between(node: Between) -> None:
    low, high = node.low, node.high
    _allow("BETWEEN", [kind_of(node.operand), kind_of(low), kind_of(high)], *ORDERED)
    if not isinstance(low, Value) or not isinstance(high, Value):
        return
    kinds = kind_of(low), kind_of(high)
    shown = (
        f"lower bound operand: AttributeValue: {_shown(low.value)}, "
        f"upper bound operand: AttributeValue: {_shown(high.value)}"
    )
    if kinds[0] != kinds[1]:
        raise Invalid(f"The BETWEEN operator requires same data type for lower and upper bounds; {shown}")
    if compare(">", low.value, high.value):
        raise Invalid(f"The BETWEEN operator requires upper bound to be greater than or equal to lower bound; {shown}")


def _shown(value: dict[str, Any]) -> str:
    ((kind, content),) = value.items()
    return f"{{{kind}:{content}}}"


def check_distinct(paths: list[Path]) -> None:
    """No path may lead to or through another one."""
    if len(paths) < 2:
        return
    for at, second in enumerate(paths):
        for first in paths[:at]:
            _check_pair(first, second)


def _check_pair(first: Path, second: Path) -> None:
    shown = f"must remove or rewrite one of these paths; path one: {first}, path two: {second}"
    for one, other in zip(first.parts, second.parts, strict=False):
        if type(one) is not type(other):
            raise Invalid(f"Two document paths conflict with each other; {shown}")
        if one != other:
            return
    raise Invalid(f"Two document paths overlap with each other; {shown}")


def check_action(action: Action) -> None:
    value = action.value
    if isinstance(value, Arithmetic):
        for kind in (kind_of(value.left), kind_of(value.right)):
            if kind is not None and kind != "N":
                raise Invalid(f"{OPERAND_TYPE}operator or function: {value.operator}, operand type: {kind}")
    if action.kind in ("ADD", "DELETE"):
        kind = kind_of(value)
        if kind not in ("SS", "NS", "BS") and not (action.kind == "ADD" and kind == "N"):
            assert kind is not None
            raise Invalid(
                f"{OPERAND_TYPE}operator: {action.kind}, operand type: {LONG_NAMES[kind]}, "
                "typeSet: ALLOWED_FOR_" + action.kind + "_OPERAND"
            )
