"""The lake's own answers held against the source: every total must agree."""

from __future__ import annotations

from dataclasses import dataclass

from pocketlake.embedded import EmbeddedLake

from .pipeline import BUCKET
from .queries import SUMMARY_TABLE, ask
from .totals import COUNTED, SUMMED, Totals


@dataclass(slots=True, frozen=True)
class Check:
    what: str
    expected: object
    found: object

    @property
    def agrees(self) -> bool:
        return self.expected == self.found


def against_source(lake: EmbeddedLake, totals: Totals) -> list[Check]:
    """Nothing lost, nothing doubled, nothing changed on the way; every flight under the day on which it left."""
    sums = ", ".join(f"sum(CAST({name} AS bigint)) AS sum_{name}" for name in SUMMED)
    counts = ", ".join(f"count({name}) AS count_{name}" for name in COUNTED)
    row = _one(lake, f"SELECT count(*) AS n, count(DISTINCT event_id) AS ids, {sums}, {counts} FROM flights")
    checks = [Check("flights", totals.flights, row["n"]), Check("different event IDs", totals.flights, row["ids"])]
    checks += [Check(f"sum of {name}", totals.sums[name], row[f"sum_{name}"]) for name in SUMMED]
    checks += [Check(f"flights with {name}", totals.counts[name], row[f"count_{name}"]) for name in COUNTED]
    by_carrier = _groups(lake, "SELECT carrier, count(*) FROM flights GROUP BY carrier")
    checks.append(Check("flights of each carrier", totals.by_carrier, by_carrier))
    by_day = _groups(lake, "SELECT year || '-' || month || '-' || day, count(*) FROM flights GROUP BY year, month, day")
    checks.append(Check("flights of each day's partition", totals.by_day, by_day))
    for name, rows in totals.reference.items():
        checks.append(Check(f"rows of {name}", rows, _one(lake, f"SELECT count(*) AS n FROM {name}")["n"]))
    return [*checks, *_of_summary(lake, totals), _errors(lake)]


def _of_summary(lake: EmbeddedLake, totals: Totals) -> list[Check]:
    row = _one(
        lake,
        "SELECT CAST(sum(flights) AS bigint) AS flights, CAST(sum(departed) AS bigint) AS departed, "
        f"CAST(sum(dep_delay) AS bigint) AS dep_delay, CAST(sum(distance) AS bigint) AS distance FROM {SUMMARY_TABLE}",
    )
    expected = {
        "flights": totals.flights,
        "departed": totals.counts["dep_time"],
        "dep_delay": totals.sums["dep_delay"],
        "distance": totals.sums["distance"],
    }
    return [Check(f"{name} in {SUMMARY_TABLE}", value, row[name]) for name, value in expected.items()]


def _errors(lake: EmbeddedLake) -> Check:
    """What Firehose could not convert would lie under the error prefix."""
    found = lake.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="errors/")
    return Check("files under the error prefix", 0, found["KeyCount"])


def _one(lake: EmbeddedLake, sql: str) -> dict[str, int]:
    answer = ask(lake, sql)
    return {name: int(value or 0) for (name, _), value in zip(answer.columns, answer.rows[0], strict=True)}


def _groups(lake: EmbeddedLake, sql: str) -> dict[str, int]:
    return {str(key): int(count or 0) for key, count in ask(lake, sql).rows}
