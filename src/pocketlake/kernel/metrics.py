"""What services measure: counted in memory, written minute by minute by the service that keeps it.

Each stream, queue or table has a meter, and adding a value costs a list's append. When the lake's minute is over,
or when somebody asks, what was counted goes to the keeper in that turn's transaction. Nothing is armed while nothing is
measured: an idle lake sleeps, and a skipped year costs one minute's end. A kill -9 loses what was measured since
the last writing: a minute at most.

Gauges (how many messages lie in a queue) are read when a minute is written. Those that say something while nothing
happens are read for the minutes between once somebody asks for them, or something happens again.
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
MEASURES_A_TURN = 500  # of meters and their minutes; the last meter's are written whole
MOST_RETURNED = 10_000  # measures that wait for a keeper which failed
LONGEST_NAP = 1440  # minutes for which gauges are read afterwards

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
    """The measures of one resource.

    `gauges(at)` are read when what was counted is written. When `naps`, they say something of quiet minutes as well,
    until they are empty or all 0.
    """

    __slots__ = (
        "_closed",
        "_folded",
        "_metrics",
        "_read",
        "_values",
        "account",
        "dimensions",
        "family",
        "gauges",
        "naps",
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
        self.naps = False
        self._read = 0  # the last minute of which gauges were read
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
        if self.naps and self._read:
            self._catch_up(now)
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
        if self.gauges is not None and self.until:
            for metric, value in self.gauges(min(now, self.until)).items():
                self._values[metric].append(value)
            self._read = int(self.since)
        return self._hand_over()

    def nap(self, now: float) -> tuple[list[Measured], bool]:
        """What the gauges said since the last time, while nothing else happened; and whether they go on."""
        assert self.gauges is not None
        minute = int(now // MINUTE * MINUTE)
        self._catch_up(now)
        found = self.gauges(now) if self._read < minute else {}
        if any(found.values()):
            self._closed.append((minute, {metric: Spread([value]) for metric, value in found.items()}))
            self._read = minute
        return self._hand_over(), self._read >= minute

    def _catch_up(self, now: float) -> None:
        """Read the gauges as of the end of each minute that passed since they were read."""
        assert self.gauges is not None
        minute = int(now // MINUTE * MINUTE)
        for quiet in range(max(self._read + MINUTE, minute - LONGEST_NAP * MINUTE), minute, MINUTE):
            found = self.gauges(quiet + MINUTE)
            if not any(found.values()):
                break
            self._closed.append((quiet, {metric: Spread([value]) for metric, value in found.items()}))
            self._read = quiet

    def _hand_over(self) -> list[Measured]:
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
        self._napping: dict[Meter, None] = {}
        self._returned: list[Measured] = []  # their writing came to nothing
        self._timer: Timer | None = None

    def meter(self, call: Any, family: Family, dimensions: dict[str, str] | None = None) -> Meter:
        """A meter for something in the call's account and region. Two for the same thing add up."""
        return Meter(self, family, call.account, call.region, dimensions)

    def began(self, meter: Meter) -> None:
        """`meter` counts a new minute: have it written when that is over."""
        self._active[meter] = None
        self._napping.pop(meter, None)
        self._arm(meter.until)

    def _arm(self, due: float) -> None:
        if self._timer is None or self._timer.due > due:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._lake.clock.at(due, self._on_minute)

    def _on_minute(self) -> None:
        self._timer = None
        with self._lake.store.transaction():
            self.write(MEASURES_A_TURN)
        if self._active:
            self._arm(self._lake.clock.now())

    def ask(self, reads: Callable[[Meter], bool]) -> None:
        """Hand all that was measured to its keeper, within the turn, for somebody who reads.

        Quiet gauges too, of those meters which that somebody `reads`: a day of one costs 80 ms.
        """
        now = self._lake.clock.now()
        quiet: list[Measured] = []
        for meter in filter(reads, list(self._napping)):
            measured, goes_on = meter.nap(now)
            quiet += measured
            if not goes_on:
                del self._napping[meter]
        self.write(more=quiet)

    def write(self, most: int | None = None, more: list[Measured] | None = None) -> None:
        """Hand what was measured to its keeper, within the turn: all of it, or some `most` measures."""
        now = self._lake.clock.now()
        measured, self._returned = [*self._returned, *(more or ())], []
        for meter in list(self._active):
            if most is not None and len(measured) >= most:
                break
            del self._active[meter]
            measured += meter.take(now)
            if meter.naps:
                self._napping[meter] = None
        if not measured:
            return
        self._lake.store.undo(lambda: self._return(measured))
        keep = self._lake.service(KEEPER).keep
        assert keep is not None
        call = self._lake.call(KEEPER, self._lake.config.account, self._lake.config.region, "keep")
        keep(call, measured)

    def close(self) -> None:
        """The lake closes: write what was measured. What can't be written shall not keep the lake open."""
        try:
            with self._lake.store.transaction():
                self.write()
        except Exception:
            log.exception("the last minute's metrics could not be written")

    def _return(self, measured: list[Measured]) -> None:
        self._returned = [*measured, *self._returned][-MOST_RETURNED:]
        self._arm(self._lake.clock.now() + MINUTE)

    def clear(self) -> None:
        """Forget what was counted: the lake is being emptied."""
        for meter in self._active:
            meter.take(0.0)
        self._active.clear()
        self._napping.clear()
        self._returned.clear()
        self._timer = None
