"""From a tree to its value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pocketlake.kernel.errors import NotImplemented501

from . import functions
from .functions import AGGREGATES, EACH, WHOLE, Grid
from .grammar import Array, Function, Literal, Malformed, Name, Node, Operation
from .series import Series, Value, operate

KEYWORDS = frozenset({"REPEAT", "LINEAR", "ASC", "DESC", "AVG", "MIN", "MAX", "SUM", "STDDEV"})
NOT_BUILT = frozenset({"ANOMALY_DETECTION_BAND", "DB_PERF_INSIGHTS", "INSIGHT_RULE_METRIC", "LAMBDA", "SERVICE_QUOTA"})


@dataclass(slots=True, frozen=True)
class Scope:
    """What an expression can reach.

    `value(id)` is the value of another query; `metrics()` gives IDs and series of all queries that are of metrics;
    `search` runs a SEARCH; `period` is that of what has none of its own. `spend(points)` is told of every value's
    points, and raises Malformed when they are too many: arrays of arrays grow without bounds.
    """

    value: Callable[[str], Value]
    metrics: Callable[[], list[tuple[str, Series]]]
    search: Callable[[str, str, int], list[Series]]
    grid: Grid
    period: int
    spend: Callable[[int], None]


def evaluate(node: Node, scope: Scope) -> Value:
    """Raises Malformed."""
    value = _value_of(node, scope)
    if isinstance(value, Series):
        scope.spend(len(value.points))
    elif isinstance(value, list):
        scope.spend(sum(1 + len(series.points) for series in value))
    return value


def _value_of(node: Node, scope: Scope) -> Value:
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Name):
        return node.value if node.value in KEYWORDS else scope.value(node.value)
    if isinstance(node, Operation):
        return operate(node.sign, evaluate(node.left, scope), evaluate(node.right, scope))
    if isinstance(node, Array):
        return _flat([evaluate(one, scope) for one in node.elements])
    return _call(node, [evaluate(one, scope) for one in node.arguments], scope)


def _flat(values: list[Value]) -> list[Series]:
    found: list[Series] = []
    for value in values:
        if isinstance(value, Series):
            found.append(value)
        elif isinstance(value, list):
            found += value
        else:
            raise Malformed("An array holds time series")
    return found


# Least and most arguments of what is neither an aggregate nor works point by point.
ARGUMENTS = {
    "FILL": (2, 2),
    "FIRST": (1, 1),
    "IF": (2, 3),
    "LAST": (1, 1),
    "METRICS": (0, 1),
    "METRIC_COUNT": (1, 1),
    "PERIOD": (1, 1),
    "REMOVE_EMPTY": (1, 1),
    "SEARCH": (2, 3),
    "SLICE": (2, 3),
    "SORT": (2, 4),
    "TIME_SERIES": (1, 1),
}


def _call(node: Function, given: list[Value], scope: Scope) -> Value:
    name = node.name
    if name in NOT_BUILT:
        raise NotImplemented501(f"The metric math function {name}")
    least, most = ARGUMENTS.get(name, (1, 1))
    if name not in ARGUMENTS and name not in AGGREGATES and name not in EACH and name not in WHOLE:
        raise Malformed(f"There is no function {name}")
    if not least <= len(given) <= most:
        raise Malformed(f"{name} does not take {len(given)} arguments")
    if name in AGGREGATES:
        return functions.aggregate(AGGREGATES[name], name)(given[0])
    if name in EACH:
        return functions.each(name, given[0])
    if name in WHOLE:
        return functions.whole(name, given[0])
    return _special(name, given, scope)


def _special(name: str, given: list[Value], scope: Scope) -> Value:
    match name:
        case "FILL":
            return functions.fill(given[0], given[1], scope.grid)
        case "IF":
            return functions.choose(given[0], given[1], given[2] if len(given) > 2 else None)
        case "FIRST" | "LAST":
            return functions.first(given[0], 0 if name == "FIRST" else -1)
        case "SLICE":
            return functions.cut(given[0], given[1], given[2] if len(given) > 2 else None)
        case "SORT":
            return functions.sort(given[0], *given[1:])
        case "METRICS":
            part = given[0] if given else ""
            return [series for id, series in scope.metrics() if isinstance(part, str) and part in id]
        case "TIME_SERIES":
            if not isinstance(given[0], float):
                raise Malformed("TIME_SERIES takes a number")
            return Series(dict.fromkeys(scope.grid(scope.period), given[0]), scope.period, name)
        case "PERIOD":
            if not isinstance(given[0], Series):
                raise Malformed("PERIOD takes a time series")
            return float(given[0].period)
        case "SEARCH":
            return _search(given, scope)
    if not isinstance(given[0], list):
        raise Malformed(f"{name} takes an array of time series")
    if name == "METRIC_COUNT":
        return float(len(given[0]))
    return [series for series in given[0] if series.points]  # REMOVE_EMPTY


def _search(given: list[Value], scope: Scope) -> Value:
    text, statistic = given[:2]
    period = given[2] if len(given) > 2 else float(scope.period)
    if not isinstance(text, str) or not isinstance(statistic, str) or not isinstance(period, float):
        raise Malformed("SEARCH takes a search expression, a statistic and a period")
    return scope.search(text, statistic, int(period))
