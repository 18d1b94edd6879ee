"""Partition projection: partitions computed from the table's properties, without asking the catalog or listing.

Source: Athena user guide, "Supported types for partition projection" and "Set up partition projection".
"""

from __future__ import annotations

import calendar
import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from pocketlake.engines.sql import pruning
from pocketlake.engines.sql.catalog import Partition, Table
from pocketlake.engines.sql.errors import SqlError

MOST = 1_000_000
UNITS = {"MILLIS": 0.001, "SECONDS": 1, "MINUTES": 60, "HOURS": 3600, "DAYS": 86400, "WEEKS": 604800}
MONTHS = {"MONTHS": 1, "YEARS": 12}
NOW = re.compile(r"\s*NOW\s*(?:([+-])\s*([0-9]+)\s*(YEAR|MONTH|WEEK|DAY|HOUR|MINUTE|SECOND)S?\s*)?$")
# Java's letters: how Python writes them, reads them, and how fine they are.
LETTERS = {
    "yyyy": ("%Y", "%Y"), "uuuu": ("%Y", "%Y"), "yy": ("%y", "%y"), "MM": ("%m", "%m"), "M": ("%-m", "%m"),
    "dd": ("%d", "%d"), "d": ("%-d", "%d"), "HH": ("%H", "%H"), "H": ("%-H", "%H"), "mm": ("%M", "%M"),
    "m": ("%-M", "%M"), "ss": ("%S", "%S"), "s": ("%-S", "%S"),
}  # fmt: skip


def is_enabled(table: Table) -> bool:
    return table.parameters.get("projection.enabled", "").lower() == "true" and bool(table.partition_keys)


def partitions(table: Table, filters: list[Any], now: float) -> list[Partition]:
    """[ATH-033] The product of every key's values, each key narrowed by the filters that speak of it alone."""
    kinds = {column.name: column.type for column in table.partition_keys}
    names = list(kinds)
    missing = [name for name in names if f"projection.{name}.type" not in table.parameters]
    if missing:
        full = f"{table.database}.{table.name}"
        raise SqlError(
            "HIVE_METASTORE_ERROR",
            f"Table {full} is configured for partition projection, but the following partition columns are missing"
            f" projection configuration: [{', '.join(missing)}] (table {full})",
        )
    values = [_chosen(_values(table, name, filters, now), name, filters, kinds) for name in names]
    total = 1
    for listed in values:
        total *= len(listed)
    if total > MOST:
        raise _invalid(table, f"Partition projection yields more than {MOST} partitions")
    return [Partition(chosen, _location(table, names, chosen)) for chosen in itertools.product(*values)]


def _chosen(values: Iterator[str], name: str, filters: list[Any], kinds: dict[str, str]) -> list[str]:
    kept = (value for value in values if pruning.survives(filters, {name: value}, kinds))
    return list(itertools.islice(kept, MOST + 1))


def _invalid(table: Table, message: str) -> SqlError:
    return SqlError("INVALID_TABLE_PROPERTY", f"{message} (table {table.database}.{table.name})")


def _property(table: Table, name: str, item: str, default: str | None = None) -> str:
    value = table.parameters.get(f"projection.{name}.{item}", default)
    if value is None:
        raise _invalid(table, f"Property projection.{name}.{item} is missing")
    return value


def _values(table: Table, name: str, filters: list[Any], now: float) -> Iterator[str]:
    kind = _property(table, name, "type").strip().lower()
    if kind == "enum":
        return iter(_property(table, name, "values").split(","))
    if kind == "integer":
        return _integers(table, name, filters)
    if kind == "date":
        return _dates(table, name, now)
    if kind == "injected":
        return _injected(name, filters)
    raise _invalid(table, f"Unknown projection type {kind} of column {name}")


def _integer(table: Table, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise _invalid(table, f'For input string: "{text}"') from None


def _range(table: Table, name: str) -> tuple[str, str]:
    low, comma, high = _property(table, name, "range").partition(",")
    if not comma:
        raise _invalid(table, f'For input string: "{low}"')
    return low.strip(), high.strip()


def _integers(table: Table, name: str, filters: list[Any]) -> Iterator[str]:
    low, high = (_integer(table, end) for end in _range(table, name))
    step = max(_integer(table, _property(table, name, "interval", "1")), 1)
    digits = _integer(table, _property(table, name, "digits", "0"))
    asked = _named_values(name, filters)
    if asked is not None:  # a range may be too wide to be counted through
        wanted = sorted({int(value) for value in asked if re.fullmatch(r"-?[0-9]+", value)})
        numbers = (value for value in wanted if low <= value <= high and (value - low) % step == 0)
    else:
        numbers = (value for value in range(low, high + 1, step))
    return (f"{value:0{digits}}" for value in numbers)


def _dates(table: Table, name: str, now: float) -> Iterator[str]:
    pattern = _property(table, name, "format")
    write, read, finest = _translated(table, pattern)
    ends = [_moment(table, end, now, write, read) for end in _range(table, name)]
    unit = table.parameters.get(f"projection.{name}.interval.unit")
    if unit is None and finest not in ("DAYS", "MONTHS"):
        raise _invalid(table, f"Property projection.{name}.interval.unit is missing")
    unit = (unit or finest).strip().upper()
    if unit.rstrip("S") + "S" not in (*UNITS, *MONTHS):
        raise _invalid(table, f"Unknown unit {unit} of column {name}")
    every = max(_integer(table, _property(table, name, "interval", "1")), 1)
    return _steps(ends[0], ends[1], unit.rstrip("S") + "S", every, write)


def _steps(first: datetime, last: datetime, unit: str, every: int, write: str) -> Iterator[str]:
    for number in itertools.count():
        moment = _later(first, unit, every * number)
        if moment > last:
            return
        yield moment.strftime(write)


def _translated(table: Table, pattern: str) -> tuple[str, str, str]:
    """How Python writes and reads a Java date pattern, and the unit of its finest letter."""
    write = read = ""
    finest = "YEARS"
    for part in re.finditer(r"''|'([^']*)'|([A-Za-z])\2*|.", pattern, re.DOTALL):
        text = part[0]
        if text.startswith("'"):
            text = (part[1] or "'").replace("%", "%%")
            write, read = write + text, read + text
        elif part[2] is None:
            write, read = write + text.replace("%", "%%"), read + text.replace("%", "%%")
        elif text in LETTERS:
            write, read = write + LETTERS[text][0], read + LETTERS[text][1]
            units = ["YEARS", "MONTHS", "DAYS", "HOURS", "MINUTES", "SECONDS"]
            finest = max(finest, units["yMdHms".replace("u", "y").index(text[0].replace("u", "y"))], key=units.index)
        else:
            raise _invalid(table, f"Unsupported date pattern {pattern}")
    return write, read, finest


def _moment(table: Table, text: str, now: float, write: str, read: str) -> datetime:
    """One end of a range: a date in the format, or NOW with an offset, cut to what the format can say."""
    relative = NOW.match(text)
    try:
        if relative is None:
            return datetime.strptime(text, read)
        moment = datetime.fromtimestamp(now, UTC).replace(tzinfo=None)
        if relative[1]:
            moment = _later(moment, relative[3] + "S", int(relative[1] + relative[2]))
        return datetime.strptime(moment.strftime(write), read)
    except ValueError:
        raise _invalid(table, f"Unable to parse the date '{text}'") from None


def _later(moment: datetime, unit: str, count: int) -> datetime:
    if unit in UNITS:
        return moment + timedelta(seconds=UNITS[unit] * count)
    months = MONTHS[unit] * count + moment.month - 1
    year, month = moment.year + months // 12, months % 12 + 1
    return moment.replace(year=year, month=month, day=min(moment.day, calendar.monthrange(year, month)[1]))


def _injected(name: str, filters: list[Any]) -> Iterator[str]:
    """An injected column's values come from the query: equality or IN with literals."""
    values = _named_values(name, filters)
    if values is None:
        raise SqlError(
            "CONSTRAINT_VIOLATION",
            f"For the injected projected partition column {name}, the WHERE clause must contain only static equality"
            " conditions, and at least one such condition must be present.",
        )
    return iter(dict.fromkeys(values))


def _named_values(name: str, filters: list[Any]) -> list[str] | None:
    """The values that a condition names one by one for this column: `=`, IN, or such joined by OR."""
    for part in filters:
        values = _equalities(part, name)
        if values is not None:
            return values
    return None


def _equalities(part: Any, name: str) -> list[str] | None:
    from sqlglot import exp

    part = part.unnest()
    if isinstance(part, exp.Or):
        sides = [_equalities(side, name) for side in (part.this, part.expression)]
        return None if None in sides else [value for side in sides if side for value in side]
    if isinstance(part, exp.In) and _is_column(part.this, name) and part.expressions:
        values = [_literal(item) for item in part.expressions]
    elif isinstance(part, exp.EQ) and _is_column(part.this, name):
        values = [_literal(part.expression)]
    elif isinstance(part, exp.EQ) and _is_column(part.expression, name):
        values = [_literal(part.this)]
    else:
        return None
    return None if None in values else [value for value in values if value is not None]


def _is_column(node: Any, name: str) -> bool:
    from sqlglot import exp

    return isinstance(node, exp.Column) and node.name == name


def _literal(node: Any) -> str | None:
    from sqlglot import exp

    if isinstance(node, exp.Neg):
        inner = _literal(node.this)
        return None if inner is None else f"-{inner}"
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Literal) and node.this.is_string:
        return str(node.this.this)
    return str(node.this) if isinstance(node, exp.Literal) else None


def _location(table: Table, names: list[str], values: tuple[str, ...]) -> str:
    template = table.parameters.get("storage.location.template")
    if not template:
        folders = "/".join(f"{name}={value}" for name, value in zip(names, values, strict=True))
        return f"{table.location.rstrip('/')}/{folders}"
    for name, value in zip(names, values, strict=True):
        template = template.replace("${" + name + "}", value)
    return template
