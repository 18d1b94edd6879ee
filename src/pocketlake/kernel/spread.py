"""Values of one metric in one period, as far as statistics need them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

EXACT = 150  # different values that are told apart; past these, neighbours are put together
WIDTH = math.log(1.02)  # of what is put together: 2 %


class Spread:
    """How many values, their sum, the least and the most; and how often each came, for percentiles.

    `counts` is None where that is not known: of what a caller aggregated itself.
    """

    __slots__ = ("count", "counts", "least", "most", "sum")

    def __init__(self, values: Iterable[float] = ()) -> None:
        self.count: float = 0
        self.sum: float = 0
        self.least = math.inf
        self.most = -math.inf
        self.counts: dict[float, float] | None = {}
        if values:
            self.take(list(values))

    @classmethod
    def of(cls, value: float, times: float) -> Spread:
        """The same value `times` times."""
        return cls.aggregated(times, value * times, value, value)

    @classmethod
    def counted(cls, counts: dict[float, float]) -> Spread:
        """Values, and how often each came."""
        total = sum(value * times for value, times in counts.items())
        ends = (min(counts), max(counts)) if counts else (math.inf, -math.inf)
        return cls.aggregated(sum(counts.values()), total, *ends, counts)

    @classmethod
    def aggregated(
        cls, count: float, total: float, least: float, most: float, counts: dict[float, float] | None = None
    ) -> Spread:
        spread = cls()
        spread.count, spread.sum, spread.least, spread.most = count, total, least, most
        spread.counts = {least: count} if counts is None and least == most else counts
        return spread

    def take(self, values: list[float]) -> None:
        self.count += len(values)
        self.sum += sum(values)
        self.least = min(self.least, min(values))
        self.most = max(self.most, max(values))
        self._count(Counter(values))

    def merge(self, other: Spread) -> None:
        self.count += other.count
        self.sum += other.sum
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)
        if other.counts is None:
            self.counts = None
        else:
            self._count(other.counts)

    def _count(self, more: dict[float, float] | Counter[float]) -> None:
        counts = self.counts
        if counts is None:
            return
        for value, times in more.items():
            counts[value] = counts.get(value, 0) + times
        if len(counts) > EXACT:
            self.counts = coarse(counts)


def coarse(counts: dict[float, float]) -> dict[float, float]:
    """Values within 2 % of each other become their mean."""
    together: dict[tuple[int, int], tuple[float, float]] = {}
    for value, times in counts.items():
        sign = (value > 0) - (value < 0)
        place = (sign, math.floor(math.log(abs(value)) / WIDTH) if sign else 0)
        total, before = together.get(place, (0.0, 0.0))
        together[place] = (total + value * times, before + times)
    return {total / times if times else 0.0: times for total, times in together.values()}


def merged(*spreads: Spread | None) -> Spread:
    """All of them together; those that are None are not there."""
    whole = Spread()
    for spread in spreads:
        if spread is not None:
            whole.merge(spread)
    return whole
