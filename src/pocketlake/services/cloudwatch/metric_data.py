"""PutMetricData: values of metrics that anybody may put."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.spread import Spread

from . import keeping, quotas, store
from .service import cloudwatch, combination, errors, invalid
from .store import Place

MOST = int(quotas.METRICS_A_PUT.value)
MOST_VALUES = int(quotas.VALUES.value)
LARGEST = math.ldexp(1.0, int(quotas.LARGEST_EXPONENT.value))
RESOLUTIONS = (1, 60)


@cloudwatch.operation
def put_metric_data(call: Call, request: dict[str, Any]) -> None:
    """Up to 1,000 metrics, each with a value, up to 150 values with their counts, or an aggregate of some."""
    namespace = request["Namespace"]
    if namespace.startswith("AWS/"):
        raise invalid("The value AWS/ for parameter Namespace is invalid.")
    asked = [(f"MetricData.member.{at}", datum) for at, datum in enumerate(request.get("MetricData", ()), 1)]
    for at, entity in enumerate(request.get("EntityMetricData", ()), 1):
        data = entity.get("MetricData", ())
        asked += [(f"EntityMetricData.member.{at}.MetricData.member.{n}", datum) for n, datum in enumerate(data, 1)]
    if not asked:
        raise errors.MissingRequiredParameterException("The parameter MetricData is required.")
    if len(asked) > MOST:
        raise invalid(f"The collection MetricData must not have a size greater than {MOST}.")
    _check_times(call, asked)
    spreads = [_spread(at, datum) for at, datum in asked]
    for (_, datum), spread in zip(asked, spreads, strict=True):
        if spread.count:
            _keep(call, namespace, datum, spread)


def _keep(call: Call, namespace: str, datum: dict[str, Any], spread: Spread) -> None:
    dimensions = store.key((one["Name"], one["Value"]) for one in datum.get("Dimensions", ()))
    metric = keeping.number(call, call.account, call.region, namespace, datum["MetricName"], dimensions)
    seconds = datum.get("StorageResolution", 60)
    moment = datum.get("Timestamp", call.now)
    start = int(moment // seconds * seconds)
    keeping.add(call, Place(metric, start, seconds, datum.get("Unit", "None")), spread)


def _check_times(call: Call, asked: list[tuple[str, dict[str, Any]]]) -> None:
    """Two weeks back, two hours ahead. AWS names every member that is wrong."""
    wrong = []
    for at, datum in asked:
        moment = datum.get("Timestamp")
        if moment is None:
            continue
        if moment < call.now - quotas.PAST.value:
            wrong.append(f"The parameter {at}.Timestamp must specify a time within the past two weeks.")
        elif moment > call.now + quotas.FUTURE.value:
            wrong.append(f"The parameter {at}.Timestamp must specify a time no more than two hours in the future.")
    if wrong:
        raise invalid("\n".join(wrong))


def _spread(at: str, datum: dict[str, Any]) -> Spread:
    """What the datum says, once it is found to be right."""
    resolution = datum.get("StorageResolution", 60)
    if resolution not in RESOLUTIONS:
        raise invalid(f"The parameter {at}.StorageResolution must be a value in the set [ 1, 60 ].")
    repeated = Counter(one["Name"] for one in datum.get("Dimensions", ()))
    if any(times > 1 for times in repeated.values()):
        raise invalid(f"No Metric may have two dimensions with the same name: {at}.Dimensions.")
    if "Values" in datum:
        return _of_values(at, datum)
    if "Value" in datum and "StatisticValues" in datum:
        raise combination(_exclusive(at, "Value", "StatisticValues"))
    if "StatisticValues" in datum:
        return _of_aggregate(at, datum["StatisticValues"])
    if "Value" not in datum:
        raise combination(f"At least one of the parameters {at}.Value and {at}.StatisticValues must be specified.")
    _check(f"{at}.Value", datum["Value"])
    return Spread([datum["Value"]])


def _of_values(at: str, datum: dict[str, Any]) -> Spread:
    for other in ("Value", "StatisticValues"):
        if other in datum:
            raise invalid(_exclusive(at, other, "Values"))
    values = datum["Values"]
    counts = datum.get("Counts", [1.0] * len(values))
    if len(values) != len(counts):
        raise invalid(f"The parameters {at}.Values and {at}.Counts must be of the same size.")
    if len(values) > MOST_VALUES:
        raise invalid(f"The collection {at}.Values must not have a size greater than {MOST_VALUES}.")
    for n, (value, times) in enumerate(zip(values, counts, strict=True), 1):
        if not -LARGEST <= value <= LARGEST:
            _check(f"{at}.Values.member.{n}" if math.isfinite(value) else f"{at}.Values", value)
        if not times >= 0 or math.isinf(times):
            raise invalid(f"The value {_shown(times)} for parameter {at}.Counts.member.{n} is invalid.")
    together: dict[float, float] = {}
    for value, times in zip(values, counts, strict=True):
        if times:
            together[value] = together.get(value, 0) + times
    return Spread.counted(together)


def _of_aggregate(at: str, given: dict[str, float]) -> Spread:
    for name in ("SampleCount", "Sum", "Minimum", "Maximum"):
        _check(f"{at}.StatisticValues.{name}", given[name])
    if given["SampleCount"] < 0:
        raise invalid(
            f"The value {_shown(given['SampleCount'])} for parameter {at}.StatisticValues.SampleCount is invalid."
        )
    if given["Minimum"] > given["Maximum"]:
        raise combination(
            f"The parameter {at}.StatisticValues.Minimum must be less than or equal to {at}.StatisticValues.Maximum."
        )
    return Spread.aggregated(given["SampleCount"], given["Sum"], given["Minimum"], given["Maximum"])


def _exclusive(at: str, one: str, other: str) -> str:
    return f"The parameters {at}.{one} and {at}.{other} are mutually exclusive and you have specified both."


def _check(parameter: str, value: float) -> None:
    """Neither NaN nor infinite, and between -2^360 and 2^360."""
    if not -LARGEST <= value <= LARGEST:
        raise invalid(f"The value {_shown(value)} for parameter {parameter} is invalid.")


def _shown(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return ("Infinity" if value > 0 else "-Infinity") if math.isinf(value) else repr(float(value))
