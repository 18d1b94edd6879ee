"""Statistics: from the values of a period to one number.

Sources: user guide, "CloudWatch statistics definitions"; percentiles are of the values as they are kept, which is to
2 % where more than 150 different ones came in a period.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pocketlake.kernel.spread import Spread

SIMPLE: dict[str, Callable[[Spread], float]] = {
    "SampleCount": lambda spread: spread.count,
    "Average": lambda spread: spread.sum / spread.count,
    "Sum": lambda spread: spread.sum,
    "Minimum": lambda spread: spread.least,
    "Maximum": lambda spread: spread.most,
}
NUMBER = r"(\d{1,3}(?:\.\d{1,10})?)"
PERCENTILE = re.compile(rf"p{NUMBER}", re.IGNORECASE)
SHORT = re.compile(rf"(tm|wm|tc|ts){NUMBER}", re.IGNORECASE)
RANGE = re.compile(r"(TM|WM|TC|TS|PR)\((-?[\d.]+%?)?:(-?[\d.]+%?)?\)", re.IGNORECASE)
INTERQUARTILE = re.compile("IQM", re.IGNORECASE)

Statistic = Callable[[Spread], float | None]  # None: the values are not known well enough


@dataclass(slots=True, frozen=True)
class Bounds:
    """Which of the values count: by rank, as shares of their number, or by themselves."""

    low: float
    high: float
    by_rank: bool


def statistic(name: str) -> Statistic | None:
    """By the name that requests have for it; None when there is none of that name."""
    if name in SIMPLE:
        return SIMPLE[name]
    if found := PERCENTILE.fullmatch(name):
        return _percentile_of(float(found[1]))
    if INTERQUARTILE.fullmatch(name):
        return _trimmed("TM", Bounds(0.25, 0.75, True))
    if found := SHORT.fullmatch(name):
        share = float(found[2]) / 100
        return _trimmed(found[1].upper(), Bounds(0.0, share, True)) if share <= 1 else None
    if found := RANGE.fullmatch(name):
        bounds = _bounds(found[2], found[3])
        if bounds is None or (found[1].upper() == "PR" and bounds.by_rank):
            return None
        return _trimmed(found[1].upper(), bounds)
    return None


def _percentile_of(share: float) -> Statistic | None:
    return (lambda spread: percentile(spread, share / 100)) if share <= 100 else None


def percentile(spread: Spread, share: float) -> float | None:
    """The least value that at least this share of all values does not exceed."""
    if spread.counts is None:
        return None
    wanted, passed = share * spread.count, 0.0
    for value, times in sorted(spread.counts.items()):
        passed += times
        if passed >= wanted - 1e-9:
            return value
    return spread.most


def _bounds(low: str | None, high: str | None) -> Bounds | None:
    """`(10%:90%)`, `(:90%)`, `(100:2000)`: both of one kind."""
    given = [one for one in (low, high) if one]
    by_rank = any(one.endswith("%") for one in given)
    if not given or (by_rank and not all(one.endswith("%") for one in given)):
        return None
    try:
        least, most = (float(one.rstrip("%")) if one else None for one in (low, high))
    except ValueError:
        return None
    if by_rank:
        bounds = Bounds((least or 0.0) / 100, (100.0 if most is None else most) / 100, True)
        return bounds if 0 <= bounds.low < bounds.high <= 1 else None
    return Bounds(float("-inf") if least is None else least, float("inf") if most is None else most, False)


def _trimmed(kind: str, bounds: Bounds) -> Statistic:
    def compute(spread: Spread) -> float | None:
        if spread.counts is None:
            return None
        inside = _inside(spread, bounds)
        count = sum(times for _, times in inside)
        total = sum(value * times for value, times in inside)
        if kind == "TC":
            return count
        if kind == "TS":
            return total
        if kind == "PR":
            return count / spread.count * 100
        if kind == "WM":
            return _winsorized(spread, bounds, inside)
        return total / count if count else None

    return compute


def _inside(spread: Spread, bounds: Bounds) -> list[tuple[float, float]]:
    """Values within the bounds, each with how often it counts; a value at the edge of a rank counts in part."""
    assert spread.counts is not None
    ordered = sorted(spread.counts.items())
    if not bounds.by_rank:
        return [(value, times) for value, times in ordered if bounds.low < value <= bounds.high]
    low, high = bounds.low * spread.count, bounds.high * spread.count
    inside, passed = [], 0.0
    for value, times in ordered:
        share = min(passed + times, high) - max(passed, low)
        passed += times
        if share > 1e-9:
            inside.append((value, share))
    return inside


def _winsorized(spread: Spread, bounds: Bounds, inside: list[tuple[float, float]]) -> float | None:
    """The mean when what lies outside is drawn to the edge."""
    if not inside:
        return None
    assert spread.counts is not None
    low, high = inside[0][0], inside[-1][0]
    if not bounds.by_rank:
        low, high = max(bounds.low, spread.least), min(bounds.high, spread.most)
    return sum(min(max(value, low), high) * times for value, times in spread.counts.items()) / spread.count
