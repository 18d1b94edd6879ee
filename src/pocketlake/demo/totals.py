"""What the answers must add up to, computed from the source files alone: another road than the one the events took."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from . import source

FIRST_DAY = date(2013, 1, 1)
SUMMED = ("event_id", "distance", "air_time", "dep_delay", "arr_delay")
COUNTED = ("dep_time", "arr_time", "tailnum")


@dataclass(slots=True, frozen=True)
class Totals:
    """Of the flights: rows, sums and counts of what is not missing; rows per carrier, and per day of departure."""

    flights: int
    sums: dict[str, int]
    counts: dict[str, int]
    by_carrier: dict[str, int]
    by_day: dict[str, int]
    reference: dict[str, int]


def of_source(flights: bytes, days: int | None = None) -> Totals:
    import pyarrow as pa
    import pyarrow.compute as pc

    table = _read(flights)
    table = table.append_column("event_id", pa.array(range(1, table.num_rows + 1)))
    if days is not None:
        table = table.filter(pc.less(_date(table), FIRST_DAY + timedelta(days=days)))
    return Totals(
        flights=table.num_rows,
        sums={name: pc.sum(table[name]).as_py() for name in SUMMED},
        counts={name: pc.count(table[name]).as_py() for name in COUNTED},
        by_carrier=_counts(table["carrier"]),
        by_day={day.isoformat(): count for day, count in _counts(_departure_day(table)).items()},
        reference={name: _read(source.reference(name)).num_rows for name in source.REFERENCE},
    )


def _read(content: bytes) -> Any:
    import pyarrow.csv

    missing = pyarrow.csv.ConvertOptions(null_values=[source.MISSING], strings_can_be_null=True)
    return pyarrow.csv.read_csv(io.BytesIO(content), convert_options=missing)


def _counts(column: Any) -> dict[Any, int]:
    return {pair["values"]: pair["counts"] for pair in column.value_counts().to_pylist()}


def _date(table: Any) -> Any:
    """The scheduled day on New York's calendar."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = [pc.utf8_lpad(table[name].cast(pa.string()), width, "0") for name, width in (("month", 2), ("day", 2))]
    text = pc.binary_join_element_wise(table["year"].cast(pa.string()), *parts, "-")
    return pc.strptime(text, "%Y-%m-%d", "s").cast(pa.date32())


def _departure_day(table: Any) -> Any:
    """The day of departure on New York's calendar; of a cancelled flight, the scheduled one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    delay = pc.fill_null(table["dep_delay"], 0)
    minutes = pc.add(pc.add(pc.multiply(table["hour"], 60), table["minute"]), delay)
    departure = pc.add(_date(table).cast(pa.timestamp("s")), pc.multiply(minutes, 60).cast(pa.duration("s")))
    return pc.floor_temporal(departure, unit="day").cast(pa.date32())
