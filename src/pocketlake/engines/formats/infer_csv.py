"""CSV as Glue's built-in classifier sees it: which delimiter, whether there is a header, which types.

Source: Glue developer guide, "Built-in CSV classifier".
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pocketlake.engines.formats import schemas
from pocketlake.engines.formats.hive_types import Field, HiveType, Primitive

DELIMITERS = (",", "|", "\t", ";", "\x01")
MAX_HEADER_FIELD = 150
REGULAR = 0.9  # share of the rows that must have the same number of fields
MAX_ROWS = 10_000

INTEGER = re.compile(r"[+-]?\d{1,18}$", re.ASCII)
DOUBLE = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$", re.ASCII)
DATE = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?Z?)?$", re.ASCII)
STRING, BIGINT, FLOATING, BOOLEAN = Primitive("string"), Primitive("bigint"), Primitive("double"), Primitive("boolean")


@dataclass(frozen=True, slots=True)
class CsvClassifier:
    """A custom classifier. `header` names the columns; `serde` is Glue's name, "None" leaves the choice here."""

    delimiter: str = ""
    quote: str = ""
    contains_header: Literal["UNKNOWN", "PRESENT", "ABSENT"] = "UNKNOWN"
    header: tuple[str, ...] = ()
    trims: bool = True
    allows_single_column: bool = False
    types: tuple[str, ...] = ()
    serde: str = "None"


@dataclass(frozen=True, slots=True)
class CsvFinding:
    delimiter: str
    has_header: bool
    is_quoted: bool
    columns: schemas.Columns


def find(text: str, is_whole: bool, custom: CsvClassifier | None = None) -> CsvFinding | None:
    """What the text's beginning shows; None when it is no CSV (fewer than two columns or two rows, or irregular)."""
    custom = custom or CsvClassifier()
    best: tuple[str, list[list[str]]] | None = None
    for delimiter in (custom.delimiter,) if custom.delimiter else DELIMITERS:
        rows = _rows(text, delimiter, custom.quote or '"', is_whole)
        if _is_regular(rows, custom) and (best is None or len(rows[0]) > len(best[1][0])):
            best = delimiter, rows
    if best is None:
        return None
    delimiter, rows = best
    if custom.trims:
        rows = [[value.strip() for value in row] for row in rows]
    has_header = _has_header(rows, custom)
    columns = _columns(rows, has_header, custom)
    return CsvFinding(delimiter, has_header, _is_quoted(text, delimiter, custom.quote or '"'), columns)


def _rows(text: str, delimiter: str, quote: str, is_whole: bool) -> list[list[str]]:
    """The first rows; the last one of a sample may be cut off and is left out."""
    if delimiter not in text:
        lines = [line for line in text.splitlines() if line]
        return [[line] for line in (lines if is_whole else lines[:-1])][:MAX_ROWS]
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, quotechar=quote)
    rows: list[list[str]] = []
    try:
        for row in reader:
            if row:
                rows.append(row)
            if len(rows) > MAX_ROWS:
                break
    except csv.Error:
        return []
    return rows if is_whole and len(rows) <= MAX_ROWS else rows[:-1]


def _is_regular(rows: list[list[str]], custom: CsvClassifier) -> bool:
    if len(rows) < 2:
        return False
    width, count = Counter(map(len, rows)).most_common(1)[0]
    if width < 2 and not custom.allows_single_column:
        return False
    return len(rows[0]) == width and count >= REGULAR * len(rows)


def _has_header(rows: list[list[str]], custom: CsvClassifier) -> bool:
    """Whether the first row can only be names.

    Every field a text that is no number, boolean or date, not empty (the last one may be) and below 150 characters;
    and below it some column that is not text: a file of texts only gives no sign, so its first row counts as data.
    """
    if custom.contains_header != "UNKNOWN":
        return custom.contains_header == "PRESENT"
    first, data = rows[0], rows[1:]
    named = first[:-1] if not first[-1] else first
    if not named or not all(0 < len(name) < MAX_HEADER_FIELD for name in named):
        return False
    if any(type_of(name) != STRING or DATE.match(name) for name in named) or len(set(named)) != len(named):
        return False
    return any(_column_type(data, at) not in (STRING, None) for at in range(len(first)))


def _columns(rows: list[list[str]], has_header: bool, custom: CsvClassifier) -> schemas.Columns:
    data = rows[1:] if has_header else rows
    names = list(custom.header) if custom.header else _names(rows[0], has_header)
    columns = []
    for at, name in enumerate(names):
        declared = custom.types[at].lower() if at < len(custom.types) else ""
        kind = Primitive(_DECLARED.get(declared, declared)) if declared else (_column_type(data, at) or STRING)
        columns.append(Field(name, kind))
    return tuple(columns)


_DECLARED = {"long": "bigint", "short": "smallint", "integer": "int"}


def _names(first: Sequence[str], has_header: bool) -> list[str]:
    if not has_header:
        return [f"col{at}" for at in range(len(first))]
    names: list[str] = []
    for at, text in enumerate(first):
        name = text.strip().lower() or f"col{at}"
        names.append(f"{name}_{at}" if name in names else name)
    return names


def _column_type(data: list[list[str]], at: int) -> HiveType | None:
    kind: HiveType | None = None
    for value in {row[at] for row in data if at < len(row)}:
        if text := value.strip():
            kind = schemas.merge_types(kind, type_of(text))
            if kind == STRING:
                return kind
    return kind


def type_of(value: str) -> HiveType:
    """bigint, double, boolean or string: dates and times stay strings."""
    if INTEGER.match(value):
        return BIGINT
    if DOUBLE.match(value):
        return FLOATING
    return BOOLEAN if value.lower() in ("true", "false") else STRING


def _is_quoted(text: str, delimiter: str, quote: str) -> bool:
    return any(line.startswith(quote) or delimiter + quote in line for line in text.splitlines()[:100])
