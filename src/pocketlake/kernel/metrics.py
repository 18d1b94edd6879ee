"""What services measure: counted in memory, written minute by minute by the service that keeps it.

Each stream, queue or table has a meter, and adding a value costs a list's append. When the lake's minute is over,
or when somebody asks, what was counted goes to the keeper in that turn's transaction. Nothing is armed while nothing is
measured: an idle lake sleeps, and a skipped year costs one minute's end. A kill -9 loses what was measured since
the last writing: a minute at most.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from pocketlake.kernel.clock import Timer
from pocketlake.kernel.spread import Spread

if TYPE_CHECKING:
    from pocketlake.kernel.lake import Lake

log = logging.getLogger("pocketlake.metrics")

KEEPER = "cloudwatch"  # the one service whose name the kernel knows: it keeps what all measure
MINUTE = 60
AT_ONCE = 1000  # values that lie unfolded
METERS_A_TURN = 500
MOST_RETURNED = 10_000  # measures that wait for a keeper which failed

Figures = dict[str, Spread]


@dataclass(slots=True, frozen=True)
class Family:
    """Metrics of one kind of resource: their namespace and units; `derive` makes those that follow from others."""

    namespace: str
    units: dict[str, str]
    derive: Callable[[Figures], Figures] | None = None


class Measured(NamedTuple):
    """What one meter counted in the minute that began at `minute`."""

    family: Family
    account: str
    region: str
    dimensions: dict[str, str]
    minute: int
    figures: Figures


class Meter:
    """The measures of one resource. `gauges`, if there are any, are read when what was counted is written."""

    __slots__ = (
        "_closed",
        "_folded",
        "_metrics",
        "_values",
        "account",
        "dimensions",
        "family",
        "gauges",
        "region",
        "since",
        "until",
    )

    def __init__(
        self, metrics: Metrics, family: Family, account: str, region: str, dimensions: dict[str, str] | None = None
    ) -> None:
        self._metrics = metrics
        self.family = family
        self.account = account
        self.region = region
        self.dimensions = dimensions or {}
        self.gauges: Callable[[float], dict[str, float]] | None = None
        self.since = self.until = 0.0  # the minute that is being counted
        self._values: defaultdict[str, list[float]] = defaultdict(list)
        self._folded: Figures = {}
        self._closed: list[tuple[int, Figures]] = []

    def add(self, metric: str, value: float, now: float) -> None:
        """`metric` was `value` at `now`."""
        if not self.since <= now < self.until:
            self._turn(now)
        values = self._values[metric]
        values.append(value)
        if len(values) >= AT_ONCE:
            self._fold(metric)

    def _turn(self, now: float) -> None:
        """Another minute has begun."""
        self._close()
        self.since = now // MINUTE * MINUTE
        self.until = self.since + MINUTE
        self._metrics.began(self)

    def _fold(self, metric: str) -> None:
        values = self._values.pop(metric)
        spread = self._folded.get(metric)
        if spread is None:
            self._folded[metric] = Spread(values)
        else:
            spread.take(values)

    def _close(self) -> None:
        for metric in list(self._values):
            self._fold(metric)
        if self._folded:
            self._closed.append((int(self.since), self._folded))
            self._folded = {}

    def take(self, now: float) -> list[Measured]:
        """What was counted since the last time, by minute. It is the caller's now."""
        if self.gauges is not None and self.since <= now <= self.until:
            for metric, value in self.gauges(now).items():
                self._values[metric].append(value)
        self._close()
        closed, self._closed = self._closed, []
        self.since = self.until = 0.0
        derive = self.family.derive
        return [
            Measured(self.family, self.account, self.region, self.dimensions, minute, derive(one) if derive else one)
            for minute, one in closed
        ]


class Metrics:
    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._active: dict[Meter, None] = {}
        self._returned: list[Measured] = []  # their writing came to nothing
        self._timer: Timer | None = None

    def meter(self, call: Any, family: Family, dimensions: dict[str, str] | None = None) -> Meter:
        """A meter for something in the call's account and region. Two for the same thing add up."""
        return Meter(self, family, call.account, call.region, dimensions)

    def began(self, meter: Meter) -> None:
        """`meter` counts a new minute: have it written when that is over."""
        self._active[meter] = None
        self._arm(meter.until)

    def _arm(self, due: float) -> None:
        if self._timer is None or self._timer.due > due:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._lake.clock.at(due, self._on_minute)

    def _on_minute(self) -> None:
        self._timer = None
        with self._lake.store.transaction():
            self.write(METERS_A_TURN)
        if self._active:
            self._arm(self._lake.clock.now())

    def write(self, most: int | None = None) -> None:
        """Hand what was measured to its keeper, within the turn: all of it, or that of `most` meters."""
        now = self._lake.clock.now()
        meters = list(self._active)[:most]
        measured, self._returned = self._returned, []
        for meter in meters:
            del self._active[meter]
            measured += meter.take(now)
        if not measured:
            return
        self._lake.store.undo(lambda: self._return(measured))
        keep = self._lake.service(KEEPER).keep
        assert keep is not None
        call = self._lake.call(KEEPER, self._lake.config.account, self._lake.config.region, "keep")
        keep(call, measured)

    def _return(self, measured: list[Measured]) -> None:
        self._returned = [*measured, *self._returned][-MOST_RETURNED:]
        self._arm(self._lake.clock.now() + MINUTE)

    def clear(self) -> None:
        """Forget what was counted: the lake is being emptied."""
        for meter in self._active:
            meter.take(0.0)
        self._active.clear()
        self._returned.clear()
        self._timer = None
