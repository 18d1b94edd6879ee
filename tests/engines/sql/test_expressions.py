"""Trino's scalar functions and operators, each with the text that Athena shows: the table is expressions.txt."""

from __future__ import annotations

from pathlib import Path

import pytest

from pocketlake.engines.sql import functions
from pocketlake.engines.sql.errors import NotSupported

from .conftest import Lab

TABLE = Path(__file__).with_name("expressions.txt").read_text().splitlines()
CASES = [tuple(line.split(" => ")) for line in TABLE if " => " in line]


@pytest.mark.claim("ATH-006", "ATH-529")
@pytest.mark.parametrize(("expression", "expected"), CASES, ids=[case[0] for case in CASES])
def test_expression(lab: Lab, expression: str, expected: str) -> None:
    got = lab.text(f"SELECT {expression}").strip("\n")
    if got.startswith('"'):
        got = got[1:-1].replace('""', '"')
    assert (got or "NULL") == expected


# Functions whose answer cannot be written down, and two that lose the zone that Trino keeps beside the value.
UNTABLED = {"CurrentTime", "Localtime", "at_timezone", "with_timezone"}


def test_every_function_of_the_registry_has_a_case() -> None:
    from sqlglot import exp

    from pocketlake.engines.sql import bind

    used = set()
    for expression, _ in CASES:
        for node in bind.read(f"SELECT {expression}").walk():
            used.add(str(node.this).lower() if isinstance(node, exp.Anonymous) else type(node).__name__)
    assert sorted((set(functions.NAMED) | functions.NODES) - used - UNTABLED) == []


@pytest.mark.parametrize(
    "expression",
    [
        "array_sort(array[3, 1], (x, y) -> x - y)",
        "regexp_replace('a', '(a)', x -> upper(x[1]))",
        "approx_percentile(1, 2, 0.5)",
        "format_datetime(now(), concat('y', 'y'))",
    ],
)
def test_what_is_known_and_not_built_says_so(lab: Lab, expression: str) -> None:
    with pytest.raises(NotSupported, match="is not supported by Pocketlake yet"):
        lab.text(f"SELECT {expression}")


def test_every_macro_is_understood_by_the_engine() -> None:
    from pocketlake.engines.sql import worker

    connection = worker.prepared()
    names = {name for (name,) in connection.execute("SELECT function_name FROM duckdb_functions()").fetchall()}
    for entry in functions.NAMED.values():
        if entry.kind == "macro":
            assert f"__m_{entry.name}" in names
        elif entry.kind == "udf":
            assert f"__u_{entry.name}" in names
