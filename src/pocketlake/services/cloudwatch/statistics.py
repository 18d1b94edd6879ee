"""GetMetricStatistics: one metric's statistics, period by period."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.spread import Spread

from . import keeping, measures, periods, quotas, store
from .measures import Statistic
from .service import cloudwatch, combination, invalid

MOST = int(quotas.DATAPOINTS.value)


@cloudwatch.operation
def get_metric_statistics(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Datapoints by unit and time. What the lake's services measure counts up to this very moment."""
    simple, extended = _asked(request)
    start, end, seconds = int(request["StartTime"]), int(request["EndTime"]), request["Period"]
    if start >= end:
        raise invalid("The parameter StartTime must be less than the parameter EndTime.")
    if not periods.is_allowed(seconds):
        raise invalid("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.")
    span = periods.span(call.now, start, end, seconds)
    if span.count > MOST:
        raise combination(
            f"You have requested up to {span.count} datapoints, which exceeds the limit of {MOST}. You may reduce the "
            "datapoints requested by increasing Period, or decreasing the time range."
        )
    dimensions = [(one["Name"], one["Value"]) for one in request.get("Dimensions", ())]
    call.lake.metrics.ask(keeping.meters_of(request["Namespace"], dimensions))
    metric = store.find(
        call.db, call.account, call.region, request["Namespace"], request["MetricName"], store.key(dimensions)
    )
    found = {} if metric is None else periods.read(call, metric, span, request.get("Unit"))
    datapoints = [
        point
        for unit, series in found.items()
        for begin, spread in sorted(series.items())
        if (point := _datapoint(begin, unit, spread, simple, extended)) is not None
    ]
    return {"Label": request["MetricName"], "Datapoints": datapoints}


def _asked(request: dict[str, Any]) -> tuple[dict[str, Statistic], dict[str, Statistic]]:
    """Statistics and extended ones by name: of either, at least one."""
    simple, extended = request.get("Statistics", ()), request.get("ExtendedStatistics", ())
    if bool(simple) == bool(extended):
        raise combination("Must specify either Statistics or ExtendedStatistics")
    found: dict[str, Statistic] = {}
    for name in extended:
        statistic = None if name in measures.SIMPLE else measures.statistic(name)
        if statistic is None:
            raise invalid(f"The value {name} for parameter ExtendedStatistics is not supported.")
        found[name] = statistic
    return {name: measures.SIMPLE[name] for name in simple}, found


def _datapoint(
    begin: int, unit: str, spread: Spread, simple: dict[str, Statistic], extended: dict[str, Statistic]
) -> dict[str, Any] | None:
    """None where nothing can be said: of percentiles that were aggregated before they came."""
    point: dict[str, Any] = {"Timestamp": begin, "Unit": unit}
    point |= {name: compute(spread) for name, compute in simple.items()}
    if extended:
        values = {name: value for name, compute in extended.items() if (value := compute(spread)) is not None}
        if not values:
            return None
        point["ExtendedStatistics"] = values
    return point
