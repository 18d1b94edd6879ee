"""What goes to a worker process and what comes back: plain values."""

from __future__ import annotations

from dataclasses import dataclass, field

from .failures import Failure
from .scan import ScanPlan


@dataclass(slots=True)
class Output:
    """`kind`: csv (Athena's result file at `path`), table (files in the directory `path`), text (EXPLAIN).

    `options` are COPY's, for a table; `columns` its names.
    """

    kind: str
    path: str
    labels: list[str]
    options: str = ""
    format: str = ""
    casts: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Job:
    sql: str
    scans: list[ScanPlan]
    directory: str
    output: Output
    cutoff: int | None = None
    timeout: float = 1800.0


@dataclass(slots=True)
class Outcome:
    """`columns` are (label, DuckDB type); `bytes_scanned` is what the engine read of the tables' files."""

    columns: list[tuple[str, str]] = field(default_factory=list)
    rows: int = 0
    bytes_scanned: int = 0
    seconds: float = 0.0
    text: str = ""
    failure: Failure | None = None
