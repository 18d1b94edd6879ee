"""Partition projection: partitions computed from the table's properties, without asking the catalog or listing.

Source: Athena user guide, "Supported types for partition projection".
"""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import Any

from pocketlake.engines.sql import pruning
from pocketlake.engines.sql.catalog import Partition, Table
from pocketlake.engines.sql.errors import SqlError

MOST = 1_000_000
UNITS = {"SECONDS": 1, "MINUTES": 60, "HOURS": 3600, "DAYS": 86400, "WEEKS": 604800}
PATTERN = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}


def is_enabled(table: Table) -> bool:
    return table.parameters.get("projection.enabled", "").lower() == "true" and bool(table.partition_keys)


def partitions(table: Table, filters: list[Any]) -> list[Partition]:
    """[ATH-033] The product of every key's values, each key narrowed by the filters that speak of it alone."""
    kinds = {column.name: column.type for column in table.partition_keys}
    values = []
    for column in table.partition_keys:
        given = _values(table, column.name, filters)
        values.append([value for value in given if pruning.survives(filters, {column.name: value}, kinds)])
    names = [column.name for column in table.partition_keys]
    total = 1
    for listed in values:
        total *= len(listed)
    if total > MOST:
        raise SqlError("INVALID_TABLE_PROPERTY", f"Partition projection yields more than {MOST} partitions")
    return [Partition(chosen, _location(table, names, chosen)) for chosen in itertools.product(*values)]


def _property(table: Table, name: str, item: str, default: str | None = None) -> str:
    value = table.parameters.get(f"projection.{name}.{item}", default)
    if value is None:
        raise SqlError(
            "INVALID_TABLE_PROPERTY", f"Table {table.database}.{table.name} is missing projection.{name}.{item}"
        )
    return value


def _values(table: Table, name: str, filters: list[Any]) -> list[str]:
    kind = _property(table, name, "type").lower()
    if kind == "enum":
        return [value.strip() for value in _property(table, name, "values").split(",")]
    if kind == "integer":
        low, high = (int(value) for value in _property(table, name, "range").split(","))
        digits = int(_property(table, name, "digits", "0"))
        return [f"{value:0{digits}}" for value in range(low, high + 1, int(_property(table, name, "interval", "1")))]
    if kind == "date":
        return _dates(table, name)
    if kind == "injected":
        return _injected(name, filters)
    raise SqlError("INVALID_TABLE_PROPERTY", f"Unknown projection type {kind} of column {name}")


def _dates(table: Table, name: str) -> list[str]:
    pattern = _property(table, name, "format")
    for joda, strftime in PATTERN.items():
        pattern = pattern.replace(joda, strftime)
    pattern = pattern.replace("'", "")
    start, end = (value.strip() for value in _property(table, name, "range").split(","))
    if "NOW" in start + end:
        raise SqlError(
            "NOT_SUPPORTED", "Partition projection over a range with NOW is not supported by Pocketlake yet."
        )
    unit = _property(table, name, "interval.unit", "DAYS").upper()
    every = int(_property(table, name, "interval", "1"))
    moment, last = datetime.strptime(start, pattern), datetime.strptime(end, pattern)
    found: list[str] = []
    while moment <= last and len(found) <= MOST:
        found.append(moment.strftime(pattern))
        moment = _later(moment, unit, every)
    return found


def _later(moment: datetime, unit: str, every: int) -> datetime:
    if unit in UNITS:
        return moment + timedelta(seconds=UNITS[unit] * every)
    months = {"MONTHS": 1, "YEARS": 12}[unit] * every + moment.month - 1
    return moment.replace(year=moment.year + months // 12, month=months % 12 + 1)


def _injected(name: str, filters: list[Any]) -> list[str]:
    """An injected column's values come from the query: equality or IN with literals."""
    from sqlglot import exp

    for part in filters:
        if isinstance(part, exp.EQ) and isinstance(part.this, exp.Column) and part.this.name == name:
            return [part.expression.name]
        if isinstance(part, exp.In) and isinstance(part.this, exp.Column) and part.this.name == name:
            return [item.name for item in part.expressions]
    raise SqlError(
        "CONSTRAINT_VIOLATION",
        f"For the injected projected partition column {name}, the WHERE clause must contain only static"
        f" equality conditions,"
        " and at least one such condition must be present.",
    )


def _location(table: Table, names: list[str], values: tuple[str, ...]) -> str:
    template = table.parameters.get("storage.location.template")
    if not template:
        return (
            table.location.rstrip("/")
            + "/"
            + "/".join(f"{name}={value}" for name, value in zip(names, values, strict=True))
        )
    for name, value in zip(names, values, strict=True):
        template = template.replace("${" + name + "}", value)
    return template
