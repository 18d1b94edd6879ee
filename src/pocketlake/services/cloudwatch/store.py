"""Metrics and their datapoints in the store: every statement of the service."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from pocketlake.kernel.spread import Spread
from pocketlake.kernel.store import Store

MIGRATIONS = [
    """
    CREATE TABLE cloudwatch_metrics (
        number INTEGER PRIMARY KEY,
        account TEXT NOT NULL, region TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
        dimensions TEXT NOT NULL
    );
    CREATE UNIQUE INDEX cloudwatch_metrics_by_name
        ON cloudwatch_metrics (account, region, namespace, name, dimensions);
    CREATE TABLE cloudwatch_points (
        metric INTEGER NOT NULL, start INTEGER NOT NULL, seconds INTEGER NOT NULL, unit TEXT NOT NULL,
        count REAL NOT NULL, sum REAL NOT NULL, least REAL NOT NULL, most REAL NOT NULL, spread BLOB,
        PRIMARY KEY (metric, start, seconds, unit)
    ) WITHOUT ROWID;
    CREATE INDEX cloudwatch_points_by_age ON cloudwatch_points (seconds, start);
    """
]

POINT = "count, sum, least, most, spread"

Dimensions = list[tuple[str, str]]


class Metric(NamedTuple):
    number: int
    namespace: str
    name: str
    dimensions: Dimensions


class Place(NamedTuple):
    """Where a datapoint belongs: `seconds` from `start` on."""

    metric: int
    start: int
    seconds: int
    unit: str


def key(dimensions: Iterable[tuple[str, str]]) -> str:
    """Dimensions in one form, whatever their order."""
    return orjson.dumps(sorted(dimensions)).decode()


def find(db: Store, account: str, region: str, namespace: str, name: str, dimensions: str) -> int | None:
    # cloudwatch_metrics_by_name serves this.
    row = db.one(
        "SELECT number FROM cloudwatch_metrics"
        " WHERE account = ? AND region = ? AND namespace = ? AND name = ? AND dimensions = ?",
        (account, region, namespace, name, dimensions),
    )
    return None if row is None else int(row[0])


def create(db: Store, account: str, region: str, namespace: str, name: str, dimensions: str) -> int:
    row = db.one(
        "INSERT INTO cloudwatch_metrics (account, region, namespace, name, dimensions) VALUES (?, ?, ?, ?, ?)"
        " RETURNING number",
        (account, region, namespace, name, dimensions),
    )
    assert row is not None
    return int(row[0])


def metrics(
    db: Store, account: str, region: str, namespace: str | None, name: str | None, after: int, since: float
) -> Iterable[Metric]:
    """By number, those that come after `after` and have had values since `since`."""
    # The primary keys of both tables serve this; nothing orders metrics but their age.
    rows = db.rows(
        "SELECT number, namespace, name, dimensions FROM cloudwatch_metrics"
        " WHERE account = ? AND region = ? AND number > ? AND (?4 IS NULL OR namespace = ?4)"
        " AND (?5 IS NULL OR name = ?5)"
        " AND EXISTS (SELECT 1 FROM cloudwatch_points WHERE metric = number AND start > ?6) ORDER BY number",
        (account, region, after, namespace, name, since),
    )
    for number, space, named, dimensions in rows:
        yield Metric(number, space, named, [(one, value) for one, value in orjson.loads(dimensions)])


def add(db: Store, place: Place, spread: Spread) -> None:
    """Put values to what is there."""
    # The primary key serves both.
    row = db.one(
        f"SELECT {POINT} FROM cloudwatch_points WHERE metric = ? AND start = ? AND seconds = ? AND unit = ?", place
    )
    if row is not None:
        whole = _spread(row)
        whole.merge(spread)
        spread = whole
    counts = spread.counts
    kept = None if counts is None or spread.least == spread.most else orjson.dumps(list(counts.items()))
    db.execute(
        "INSERT OR REPLACE INTO cloudwatch_points VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*place, spread.count, spread.sum, spread.least, spread.most, kept),
    )


def points(db: Store, metric: int, first: float, end: float, unit: str | None) -> list[tuple[Place, Spread]]:
    """In order of time, those that begin in [first, end)."""
    # The primary key serves this.
    rows = db.rows(
        f"SELECT metric, start, seconds, unit, {POINT} FROM cloudwatch_points"
        " WHERE metric = ? AND start >= ? AND start < ? AND (?4 IS NULL OR unit = ?4) ORDER BY start",
        (metric, first, end, unit),
    )
    return [(Place(*row[:4]), _spread(row[4:])) for row in rows]


def oldest(db: Store, seconds: int) -> int | None:
    """When the oldest datapoint of so many seconds began."""
    # cloudwatch_points_by_age serves this.
    row = db.one("SELECT min(start) FROM cloudwatch_points WHERE seconds = ?", (seconds,))
    return None if row is None else row[0]


def take_old(db: Store, seconds: int, before: float, limit: int) -> list[tuple[Place, Spread]]:
    """Remove the oldest datapoints of so many seconds that began before `before`."""
    # cloudwatch_points_by_age, then the primary key, serve this.
    rows = db.rows(
        f"SELECT metric, start, seconds, unit, {POINT} FROM cloudwatch_points"
        " WHERE seconds = ? AND start < ? ORDER BY start LIMIT ?",
        (seconds, before, limit),
    )
    db.executemany(
        "DELETE FROM cloudwatch_points WHERE metric = ? AND start = ? AND seconds = ? AND unit = ?",
        [row[:4] for row in rows],
    )
    return [(Place(*row[:4]), _spread(row[4:])) for row in rows]


def forget_empty(db: Store, metrics: set[int]) -> None:
    """Metrics of which nothing is left are gone."""
    db.executemany(
        "DELETE FROM cloudwatch_metrics WHERE number = ?1"
        " AND NOT EXISTS (SELECT 1 FROM cloudwatch_points WHERE metric = ?1)",
        [(metric,) for metric in metrics],
    )


def _spread(row: tuple[Any, ...]) -> Spread:
    count, total, least, most, kept = row
    return Spread.aggregated(count, total, least, most, None if kept is None else dict(orjson.loads(kept)))
