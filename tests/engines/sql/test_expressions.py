"""Trino's scalar functions and operators, each with the text that Athena shows: the table is expressions.txt."""

from __future__ import annotations

from pathlib import Path

import pytest

from pocketlake.engines.sql import functions

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


def test_every_macro_is_understood_by_the_engine() -> None:
    from pocketlake.engines.sql import worker

    connection = worker.prepared()
    names = {name for (name,) in connection.execute("SELECT function_name FROM duckdb_functions()").fetchall()}
    for entry in functions.NAMED.values():
        if entry.kind == "macro":
            assert f"__m_{entry.name}" in names
        elif entry.kind == "udf":
            assert f"__u_{entry.name}" in names
