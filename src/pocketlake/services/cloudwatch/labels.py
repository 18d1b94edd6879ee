"""What results of GetMetricData are called.

Without a label of their own, by the metric, and by statistic and period where the queries of one request differ in
those. Source: AWS's answers as LocalStack's tests recorded them. `${AVG}`, `${PROP('Dim.Name')}` and others in a label
are put in. Source: user guide, "Using dynamic labels".
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Any

from .expressions.functions import AGGREGATES
from .expressions.series import Series

DYNAMIC = re.compile(r"\$\{([^}]*)\}")
UNKNOWN = "--"
PROPERTY = re.compile(r"PROP\(\s*'([^']*)'\s*\)")


def generated(queries: Sequence[dict[str, Any]], query: dict[str, Any]) -> str:
    """Of a query of a metric."""
    stats = [one["MetricStat"] for one in queries if "MetricStat" in one]
    label: str = query["MetricStat"]["Metric"]["MetricName"]
    for member in ("Stat", "Period"):
        if len({stat[member] for stat in stats}) > 1:
            label += f" {query['MetricStat'][member]}"
    return label


def put_in(label: str, series: Series, offset: int) -> str:
    """`offset`: seconds by which the times in labels differ from UTC."""
    return DYNAMIC.sub(lambda found: _value(found[1].strip(), series, offset), label) if "${" in label else label


def _value(name: str, series: Series, offset: int) -> str:
    if found := PROPERTY.fullmatch(name):
        return series.properties.get(found[1], "")
    if name == "LABEL":
        return series.label
    points = list(series.points.items())
    if name.endswith("_RANGE") or not points:
        return _range(name, points)
    name, timed, _ = name.partition("_TIME")
    pick = PICKS.get(name)
    if pick is None:
        return _aggregated(name, points) if name in AGGREGATES and not timed else ""
    at, value = pick(points)
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at + offset)) if timed else _plain(value)


def _aggregated(name: str, points: list[tuple[int, float]]) -> str:
    try:
        return _plain(AGGREGATES[name]([value for _, value in points]))
    except OverflowError:  # a sum beyond the largest number
        return UNKNOWN


def _range(name: str, points: list[tuple[int, float]]) -> str:
    if not points:
        return UNKNOWN
    values = [value for _, value in points]
    return f"{_plain(min(values))} - {_plain(max(values))}" if name == "MINMAX_RANGE" else ""


PICKS: dict[str, Callable[[list[tuple[int, float]]], tuple[int, float]]] = {
    "FIRST": lambda points: points[0],
    "LAST": lambda points: points[-1],
    "MAX": lambda points: max(points, key=lambda point: point[1]),
    "MIN": lambda points: min(points, key=lambda point: point[1]),
}


def _plain(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
