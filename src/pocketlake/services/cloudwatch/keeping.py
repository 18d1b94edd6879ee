"""How values get into the store, and how they grow coarser and go."""

from __future__ import annotations

from collections.abc import Callable

from pocketlake.kernel.call import Call
from pocketlake.kernel.metrics import Measured, Meter
from pocketlake.kernel.spread import Spread

from . import store
from .quotas import RETENTION
from .service import cloudwatch
from .store import Dimensions, Place

AT_ONCE = 500  # datapoints that one turn rolls up
KNOWN = 50_000  # metrics whose numbers are remembered
# What a datapoint becomes when it is too old for its period; and how much longer it may lie on disk, so that the lake
# is woken once for many of them. Readers go by the retention itself.
LONGER = {1: 60, 60: 300, 300: 3600}
PATIENCE = {1: 3600, 60: 86400, 300: 86400, 3600: 7 * 86400}


def number(call: Call, account: str, region: str, namespace: str, name: str, dimensions: str) -> int:
    """The metric's number; a new one if nobody has measured it before."""
    known: dict[tuple[str, ...], int] = call.memory.setdefault("numbers", {})
    key = (account, region, namespace, name, dimensions)
    found = known.get(key)
    if found is None:
        found = store.find(call.db, *key)
        if found is None:
            found = store.create(call.db, *key)
            call.undo(lambda: known.pop(key, None))
        if len(known) >= KNOWN:
            known.clear()
        known[key] = found
    return found


def meters_of(namespace: str | None, dimensions: Dimensions | None = None) -> Callable[[Meter], bool]:
    """Which meters measure something of a namespace, and of one resource in it."""
    wanted = None if dimensions is None else dict(dimensions)
    return lambda meter: namespace in (None, meter.family.namespace) and wanted in (None, meter.dimensions)


@cloudwatch.keeper
def keep(call: Call, measured: list[Measured]) -> None:
    """Write what the lake's services have measured: by the minute, as they publish on AWS.

    Whoever waits for a namespace's measures hears when there are some of a minute that is over.
    """
    whole = {
        f"cloudwatch/{one.account}/{one.region}/{one.family.namespace}"
        for one in measured
        if one.minute + 60 <= call.now
    }
    for family, account, region, dimensions, minute, figures in measured:
        key = store.key(dimensions.items())
        for name, spread in figures.items():
            metric = number(call, account, region, family.namespace, name, key)
            add(call, Place(metric, minute, 60, family.units[name]), spread)
    for topic in whole:
        call.notify(topic)


def add(call: Call, place: Place, spread: Spread) -> None:
    store.add(call.db, place, spread)
    due = place.start + RETENTION[place.seconds] + PATIENCE[place.seconds]
    scope = call.as_(account=call.lake.config.account, region=call.lake.config.region)
    set_for = scope.alarms.due(roll_up, "")
    if set_for is None or set_for > due:
        scope.alarms.set(roll_up, "", max(due, call.now))


@cloudwatch.alarm
def roll_up(call: Call, _: str) -> None:
    """Datapoints past their period's retention join those of the next longer one; hours past theirs go."""
    for seconds, kept in RETENTION.items():
        taken = store.take_old(call.db, seconds, call.now - kept, AT_ONCE)
        if seconds in LONGER:
            _lengthen(call, taken, LONGER[seconds])
        else:
            gone = {place.metric for place, _ in taken}
            store.forget_empty(call.db, gone)
            call.memory.pop("numbers", None)
        if len(taken) == AT_ONCE:
            call.alarms.set(roll_up, "", call.now)
            return
    following = [
        start + kept + PATIENCE[seconds]
        for seconds, kept in RETENTION.items()
        if (start := store.oldest(call.db, seconds)) is not None
    ]
    if following:
        call.alarms.set(roll_up, "", max(min(following), call.now + 1))


def _lengthen(call: Call, taken: list[tuple[Place, Spread]], seconds: int) -> None:
    together: dict[Place, Spread] = {}
    for place, spread in taken:
        longer = place._replace(start=place.start // seconds * seconds, seconds=seconds)
        together.setdefault(longer, Spread()).merge(spread)
    for place, spread in together.items():
        store.add(call.db, place, spread)
