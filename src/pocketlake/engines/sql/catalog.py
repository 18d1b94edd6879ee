"""What the SQL front end must know of a table: plain values, filled in by whoever keeps the catalog."""

from __future__ import annotations

from dataclasses import dataclass, field

CATALOG = "awsdatacatalog"


@dataclass(frozen=True, slots=True)
class Column:
    """`type` is Hive's text: `array<string>`."""

    name: str
    type: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table or a view of the catalog. `parameters` are the table's, `serde` those of its SerDe."""

    database: str
    name: str
    columns: tuple[Column, ...]
    partition_keys: tuple[Column, ...] = ()
    location: str = ""
    serde_library: str = ""
    input_format: str = ""
    serde: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    view: str = ""  # Trino text of the view; empty for a table

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """Partition keys come last, as SELECT * shows them."""
        return self.columns + self.partition_keys


@dataclass(frozen=True, slots=True, order=True)
class TableName:
    database: str
    name: str

    def __str__(self) -> str:
        return f"{CATALOG}.{self.database}.{self.name}"


@dataclass(frozen=True, slots=True)
class Partition:
    values: tuple[str, ...]
    location: str


@dataclass(slots=True)
class Snapshot:
    """The part of the catalog that a statement names, as it stands when the statement is bound."""

    database: str
    tables: dict[TableName, Table] = field(default_factory=dict)
    databases: set[str] = field(default_factory=set)
