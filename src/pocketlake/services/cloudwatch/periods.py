"""Periods: which are allowed, where they begin, and the values that fall into each."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pocketlake.kernel.call import Call
from pocketlake.kernel.spread import Spread

from . import store
from .quotas import RETENTION

SHORT = (1, 5, 10, 20, 30)

Series = dict[int, Spread]  # by the second in which a period begins


@dataclass(slots=True, frozen=True)
class Span:
    """Periods of `seconds` from `start` (inclusive) to `end` (exclusive)."""

    start: int
    end: float
    seconds: int

    @property
    def count(self) -> int:
        return max(0, math.ceil((self.end - self.start) / self.seconds))

    def holding(self, moment: float) -> int:
        """The beginning of the period that `moment` falls into."""
        return self.start + int((moment - self.start) // self.seconds) * self.seconds


def is_allowed(seconds: int) -> bool:
    """Source: API reference, GetMetricStatistics, Period."""
    return seconds in SHORT or (seconds > 0 and seconds % 60 == 0)


def span(now: float, start: float, end: float, seconds: int) -> Span:
    """The periods asked for. The start is rounded down: the older, the coarser.

    Source: API reference, GetMetricStatistics, StartTime.
    """
    age = now - start
    if age > RETENTION[300]:
        grain = 3600
    elif age > RETENTION[60]:
        grain = 300
    else:
        grain = min(60, seconds)
    return Span(int(start // grain * grain), end, seconds)


def kept(seconds: int) -> int:
    """How long datapoints that answer for periods of so many seconds are kept."""
    return max(life for length, life in RETENTION.items() if length == 1 or seconds >= length)


def read(call: Call, metric: int, span: Span, unit: str | None = None) -> dict[str, Series]:
    """By unit: what fell into each period. Older than is kept for such periods is as if it were gone."""
    found: dict[str, Series] = {}
    first = max(span.start, call.now - kept(span.seconds))
    for place, spread in store.points(call.db, metric, first, span.end, unit):
        series = found.setdefault(place.unit, {})
        series.setdefault(span.holding(place.start), Spread()).merge(spread)
    return found
