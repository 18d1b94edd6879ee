"""The functions, by name."""

from __future__ import annotations

import math
import statistics
import time
from bisect import bisect
from collections.abc import Callable, Sequence

from .grammar import Malformed
from .series import Points, Series, Value

Grid = Callable[[int], range]  # the periods of so many seconds that the request asks for


def _series(value: Value, name: str) -> Series:
    if not isinstance(value, Series):
        raise Malformed(f"{name} takes a time series")
    return value


def _array(value: Value, name: str) -> list[Series]:
    if not isinstance(value, list):
        raise Malformed(f"{name} takes an array of time series")
    return value


def _number(value: Value, name: str) -> float:
    if not isinstance(value, float):
        raise Malformed(f"{name} takes a number")
    return value


# Of one series to a number; of many to a series


def aggregate(of: Callable[[Sequence[float]], float], name: str) -> Callable[[Value], Value]:
    def compute(value: Value) -> Value:
        if isinstance(value, Series):
            return of(list(value.points.values())) if value.points else math.nan
        array = _array(value, name)
        gathered: dict[int, list[float]] = {}
        for series in array:
            for at, one in series.points.items():
                gathered.setdefault(at, []).append(one)
        points = {at: of(values) for at, values in sorted(gathered.items())}
        return Series(points, min((series.period for series in array), default=60), name)

    return compute


AGGREGATES: dict[str, Callable[[Sequence[float]], float]] = {
    "AVG": statistics.fmean,
    "DATAPOINT_COUNT": lambda values: float(len(values)),
    "MAX": max,
    "MIN": min,
    "STDDEV": statistics.pstdev,
    "SUM": math.fsum,
}

# Point by point


def _clock(pick: Callable[[time.struct_time], int]) -> Callable[[int, float], float | None]:
    return lambda at, _: float(pick(time.gmtime(at)))


EACH: dict[str, Callable[[int, float], float | None]] = {
    "ABS": lambda _, value: abs(value),
    "CEIL": lambda _, value: float(math.ceil(value)),
    "FLOOR": lambda _, value: float(math.floor(value)),
    "LOG": lambda _, value: math.log(value) if value > 0 else None,
    "LOG10": lambda _, value: math.log10(value) if value > 0 else None,
    "MINUTE": _clock(lambda moment: moment.tm_min),
    "HOUR": _clock(lambda moment: moment.tm_hour),
    "DAY": _clock(lambda moment: moment.tm_wday + 1),
    "DATE": _clock(lambda moment: moment.tm_mday),
    "MONTH": _clock(lambda moment: moment.tm_mon),
    "YEAR": _clock(lambda moment: moment.tm_year),
    "EPOCH": lambda at, _: float(at),
}


def each(name: str, value: Value) -> Value:
    change = EACH[name]
    if isinstance(value, list):
        return [series.map(change) for series in value]
    if isinstance(value, float):
        return change(0, value) or 0.0
    return _series(value, name).map(change)


# From each point to the one before


def _with_previous(change: Callable[[float, int], float]) -> Callable[[Series], Series]:
    """`change(difference, seconds)` between each point and the one before; the first has none."""

    def compute(series: Series) -> Series:
        points: Points = {}
        before: tuple[int, float] | None = None
        for at, value in series.points.items():
            if before is not None:
                points[at] = change(value - before[1], at - before[0])
            before = at, value
        return series.holding(points)

    return compute


def _running_sum(series: Series) -> Series:
    points, total = {}, 0.0
    for at, value in series.points.items():
        points[at] = total = total + value
    return series.holding(points)


WHOLE: dict[str, Callable[[Series], Series]] = {
    "DIFF": _with_previous(lambda difference, _: difference),
    "DIFF_TIME": _with_previous(lambda _, seconds: float(seconds)),
    "RATE": _with_previous(lambda difference, seconds: difference / seconds),
    "RUNNING_SUM": _running_sum,
}


def whole(name: str, value: Value) -> Value:
    change = WHOLE[name]
    return [change(series) for series in value] if isinstance(value, list) else change(_series(value, name))


# FILL


def fill(value: Value, filler: Value, grid: Grid) -> Value:
    """Periods without a point get a value, that of another series, the last one (REPEAT), or one between (LINEAR)."""
    if isinstance(value, list):
        return [_series(fill(series, filler, grid), "FILL") for series in value]
    series = _series(value, "FILL")
    points = dict(series.points)
    gaps = [at for at in grid(series.period) if at not in points]
    if filler == "REPEAT":
        last: float | None = None
        for at in grid(series.period):
            last = points.get(at, last)
            if last is not None:
                points[at] = last
    elif filler == "LINEAR":
        known = list(series.points)
        for at in gaps:
            place = bisect(known, at)
            if 0 < place < len(known):
                before, after = known[place - 1], known[place]
                share = (at - before) / (after - before)
                points[at] = points[before] + share * (points[after] - points[before])
    elif isinstance(filler, Series):
        points |= {at: filler.points[at] for at in gaps if at in filler.points}
    else:
        points |= dict.fromkeys(gaps, _number(filler, "FILL"))
    return series.holding(points)


# IF


def choose(condition: Value, then: Value, otherwise: Value | None) -> Value:
    """Where the condition is not 0, the one; elsewhere the other, or nothing."""
    if isinstance(condition, float):
        chosen = then if condition else otherwise
        return math.nan if chosen is None else chosen
    points: Points = {}
    for at, flag in _series(condition, "IF").points.items():
        source = then if flag else otherwise
        if isinstance(source, Series):
            if at in source.points:
                points[at] = source.points[at]
        elif source is not None:
            points[at] = _number(source, "IF")
    shape = next((one for one in (then, otherwise, condition) if isinstance(one, Series)), None)
    assert shape is not None
    return shape.holding(points)


# Arrays


def first(value: Value, at: int) -> Value:
    array = _array(value, "FIRST" if at == 0 else "LAST")
    if not array:
        raise Malformed("The array is empty")
    return array[at]


def cut(value: Value, start: Value, end: Value | None) -> Value:
    """SLICE: from the `start`-th on, the `end`-th not included."""
    array = _array(value, "SLICE")
    if end is None:
        return array[int(_number(start, "SLICE")) :]
    return array[int(_number(start, "SLICE")) : int(_number(end, "SLICE"))]


def sort(value: Value, function: Value, order: Value = "ASC", limit: Value | None = None) -> Value:
    """By AVG, MIN, MAX or SUM of each; series without points come last."""
    if not isinstance(function, str) or function.upper() not in AGGREGATES:
        raise Malformed("SORT takes AVG, MAX, MIN or SUM")
    if not isinstance(order, str) or order.upper() not in ("ASC", "DESC"):
        raise Malformed("SORT takes ASC or DESC")
    of = AGGREGATES[function.upper()]
    array = _array(value, "SORT")
    held = sorted(
        (series for series in array if series.points),
        key=lambda series: of(list(series.points.values())),
        reverse=order.upper() == "DESC",
    )
    held += [series for series in array if not series.points]
    return held if limit is None else held[: int(_number(limit, "SORT"))]
