"""What is alike in requests: expressions or their forerunners, never both; and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .expressions.bindings import Bindings
from .expressions.nodes import Action, Condition, Path
from .expressions.paths import paths
from .legacy import conditions
from .schemas import Table
from .service import Invalid, refuse

Request = dict[str, Any]


def bind(
    request: Request, expressions: Sequence[str], forerunners: Sequence[str] = (), counted: bool = False
) -> Bindings:
    """The request's names and values, after the check that it does not mix old and new parameters."""
    given = [name for name in expressions if name in request]
    if given:
        old = [name for name in forerunners if name in request]
        if old and not (old == ["KeyConditions"] and "KeyConditionExpression" not in request):
            raise Invalid(
                "Can not use both expression and non-expression parameters in the same request: "
                f"Non-expression parameters: {{{', '.join(old)}}} Expression parameters: {{{', '.join(given)}}}"
            )
    names, values = request.get("ExpressionAttributeNames"), request.get("ExpressionAttributeValues")
    if names is not None and not given:
        raise Invalid("ExpressionAttributeNames can only be specified when using expressions")
    valued = [name for name in expressions if name != "ProjectionExpression"]
    if values is not None and not any(name in request for name in valued):
        verb = "are" if len(valued) > 1 else "is"
        missing = "" if counted else f": {' and '.join(valued)} {verb} null"
        raise Invalid(f"ExpressionAttributeValues can only be specified when using expressions{missing}")
    bindings = Bindings(names, values)
    if values:
        bindings.check_values(counted or "KeyConditionExpression" in expressions)
    return bindings


def condition(request: Request, bindings: Bindings) -> Condition | None:
    """ConditionExpression or Expected."""
    if "ConditionExpression" in request:
        return bindings.condition(request["ConditionExpression"], "ConditionExpression")
    operator = request.get("ConditionalOperator")
    expected = request.get("Expected")
    if operator is not None and not expected:
        raise Invalid("ConditionalOperator cannot be used without Filter or Expected")
    if operator is not None and len(expected or {}) == 1:
        raise Invalid("ConditionalOperator can only be used when there are two or more conditions")
    return conditions(expected, operator, is_expected=True) if expected else None


def projection(request: Request, bindings: Bindings) -> tuple[Path, ...] | None:
    """ProjectionExpression or AttributesToGet."""
    if "ProjectionExpression" in request:
        return bindings.projection(request["ProjectionExpression"])
    attributes = request.get("AttributesToGet")
    if attributes is None:
        return None
    for at, name in enumerate(attributes):
        if name in attributes[:at]:
            raise Invalid(f"One or more parameter values were invalid: Duplicate value in attribute name: {name}")
    return tuple(Path((name,)) for name in attributes)


def check_scalars(table: Table, found: Condition | Sequence[Path] | Sequence[Action] | None) -> None:
    """Nothing lies beneath a key attribute, of the table or of an index."""
    if not found:
        return
    named: Sequence[Path | Action] = found if isinstance(found, (tuple, list)) else list(paths(found))  # type: ignore[arg-type]
    for one in named:
        path = one.path if isinstance(one, Action) else one
        if len(path.parts) > 1:
            head = str(path.parts[0])
            scalar = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
            if head in table.names:
                raise refuse(f"{scalar}Key: {head}")
            if any(head == name for index in table.indexes for name, _ in index.key.attributes):
                raise refuse(f"{scalar}IndexKey: {head}")


def check_return_values(request: Request, *allowed: str) -> str:
    asked: str = request.get("ReturnValues", "NONE")
    if asked not in allowed:
        raise Invalid(f"ReturnValues can only be {' or '.join(reversed(allowed))}")
    return asked
