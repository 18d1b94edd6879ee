"""Time series, and arithmetic on them point by point."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .grammar import Malformed

Points = dict[int, float]


@dataclass(slots=True)
class Series:
    """Values by the second in which their period begins, in order of time."""

    points: Points
    period: int
    label: str
    properties: dict[str, str] = field(default_factory=dict)

    def map(self, change: Callable[[int, float], float | None]) -> Series:
        """Each point changed; those that become None, or no number, go."""
        changed = {at: change(at, one) for at, one in self.points.items()}
        return self.holding({at: value for at, value in changed.items() if value is not None and math.isfinite(value)})

    def holding(self, points: Points) -> Series:
        return Series(dict(sorted(points.items())), self.period, self.label, self.properties)


Value = float | str | Series | list[Series]


def _divide(left: float, right: float) -> float | None:
    return left / right if right else None


def _power(left: float, right: float) -> float | None:
    try:
        value = left**right
    except (OverflowError, ZeroDivisionError):
        return None
    return value if isinstance(value, float) and math.isfinite(value) else None


def _flag(compare: Callable[[float, float], bool]) -> Callable[[float, float], float]:
    return lambda left, right: 1.0 if compare(left, right) else 0.0


OPERATORS: dict[str, Callable[[float, float], float | None]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "^": _power,
    "==": _flag(operator.eq),
    "!=": _flag(operator.ne),
    "<": _flag(operator.lt),
    "<=": _flag(operator.le),
    ">": _flag(operator.gt),
    ">=": _flag(operator.ge),
    "&&": _flag(lambda left, right: bool(left and right)),
    "||": _flag(lambda left, right: bool(left or right)),
}


def operate(sign: str, left: Value, right: Value) -> Value:
    """Scalars with anything, series with series where both have a point, arrays element by element."""
    if isinstance(left, str) or isinstance(right, str):
        raise Malformed("A string cannot be calculated with")
    if isinstance(left, list) or isinstance(right, list):
        return [_one(operate(sign, one, other)) for one, other in _pairs(left, right)]
    apply = OPERATORS[sign]
    if isinstance(left, Series):
        if isinstance(right, Series):
            others = right.points
            return left.map(lambda at, value: apply(value, others[at]) if at in others else None)
        number = right
        return left.map(lambda at, value: apply(value, number))
    if isinstance(right, Series):
        first = left
        return right.map(lambda at, value: apply(first, value))
    value = apply(left, right)
    return math.nan if value is None else value


def _pairs(left: Value, right: Value) -> Iterable[tuple[Value, Value]]:
    if isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            raise Malformed("Arrays of different lengths cannot be calculated with")
        return zip(left, right, strict=True)
    if isinstance(left, list):
        return [(one, right) for one in left]
    assert isinstance(right, list)
    return [(left, one) for one in right]


def _one(value: Value) -> Series:
    assert isinstance(value, Series)
    return value
