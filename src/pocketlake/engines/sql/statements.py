"""The statements of Athena, as values: what parse.py makes and whoever executes them reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Name = tuple[str, ...]  # (table), (database, table) or (catalog, database, table)


@dataclass(frozen=True, slots=True)
class Statement:
    pass


@dataclass(frozen=True, slots=True)
class Query(Statement):
    """SELECT, WITH, VALUES, TABLE."""

    sql: str


@dataclass(frozen=True, slots=True)
class CreateTableAs(Statement):
    name: Name
    properties: dict[str, Any]
    sql: str
    if_not_exists: bool = False
    with_data: bool = True


@dataclass(frozen=True, slots=True)
class InsertInto(Statement):
    name: Name
    columns: tuple[str, ...]
    sql: str


@dataclass(frozen=True, slots=True)
class Unload(Statement):
    sql: str
    location: str
    properties: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CreateTable(Statement):
    """Hive's CREATE EXTERNAL TABLE. Columns are (name, type, comment)."""

    name: Name
    columns: list[tuple[str, str, str]]
    external: bool = True
    if_not_exists: bool = False
    comment: str = ""
    partitions: list[tuple[str, str, str]] = field(default_factory=list)
    serde: str = ""
    delimiters: dict[str, str] = field(default_factory=dict)
    serde_properties: dict[str, str] = field(default_factory=dict)
    stored_as: str = ""
    formats: tuple[str, str] | None = None
    location: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    buckets: tuple[tuple[str, ...], int] | None = None


@dataclass(frozen=True, slots=True)
class CreateView(Statement):
    name: Name
    sql: str
    replace: bool = False


@dataclass(frozen=True, slots=True)
class CreateDatabase(Statement):
    name: str
    if_not_exists: bool = False
    comment: str = ""
    location: str = ""
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AlterDatabase(Statement):
    name: str
    properties: dict[str, str]


@dataclass(frozen=True, slots=True)
class Drop(Statement):
    """`kind`: TABLE, VIEW or DATABASE."""

    kind: str
    name: Name
    if_exists: bool = False
    cascade: bool = False


@dataclass(frozen=True, slots=True)
class AddPartitions(Statement):
    name: Name
    partitions: list[tuple[dict[str, str], str]]
    if_not_exists: bool = False


@dataclass(frozen=True, slots=True)
class DropPartitions(Statement):
    name: Name
    partitions: list[dict[str, str]]
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class RenamePartition(Statement):
    name: Name
    old: dict[str, str]
    new: dict[str, str]


@dataclass(frozen=True, slots=True)
class SetLocation(Statement):
    name: Name
    location: str
    partition: dict[str, str]


@dataclass(frozen=True, slots=True)
class SetProperties(Statement):
    name: Name
    properties: dict[str, str]


@dataclass(frozen=True, slots=True)
class AddColumns(Statement):
    """`replace`: REPLACE COLUMNS."""

    name: Name
    columns: list[tuple[str, str, str]]
    replace: bool = False


@dataclass(frozen=True, slots=True)
class Repair(Statement):
    name: Name


@dataclass(frozen=True, slots=True)
class Show(Statement):
    """`what`: DATABASES, TABLES, VIEWS, COLUMNS, PARTITIONS, CREATE TABLE, CREATE VIEW, TBLPROPERTIES."""

    what: str
    name: Name = ()
    pattern: str = ""
    item: str = ""


@dataclass(frozen=True, slots=True)
class Describe(Statement):
    name: Name
    style: str = ""  # FORMATTED, EXTENDED
    partition: dict[str, str] = field(default_factory=dict)
    column: str = ""
    view: bool = False


@dataclass(frozen=True, slots=True)
class Prepare(Statement):
    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class Execute(Statement):
    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deallocate(Statement):
    name: str


@dataclass(frozen=True, slots=True)
class Explain(Statement):
    sql: str
    analyze: bool = False
