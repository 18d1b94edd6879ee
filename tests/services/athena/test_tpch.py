"""TPC-H: the 22 queries through Athena's front end give what DuckDB gives by itself over the same Parquet."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from .conftest import Athena

HOME = Path(__file__).parent / "tpch"
TEXT = (HOME / "queries.sql").read_text()
QUERIES = {
    int(number): sql.strip() for number, sql in re.findall(r"^-- (\d+)\n(.*?)\n;", TEXT, re.DOTALL | re.MULTILINE)
}
SIZES = {"parts": 200_000, "suppliers": 10_000, "customers": 150_000, "orders": 1_500_000}  # at scale 1
FEW = (1, 3, 6, 13, 18)
TYPES = {"BIGINT": "bigint", "INTEGER": "int", "VARCHAR": "string", "DATE": "date", "DECIMAL(15,2)": "decimal(15,2)"}


class Reference:
    """The tables in S3 and in a DuckDB of the test's own."""

    def __init__(self, athena: Athena, directory: Path, scale: float) -> None:
        import duckdb

        self.athena = athena
        self.duckdb = duckdb.connect()
        setup = (HOME / "tables.sql").read_text()
        for name, count in SIZES.items():
            setup = setup.replace(f"${name}", str(int(count * scale)))
        self.duckdb.execute(setup)
        for (name,) in self.duckdb.execute("SHOW TABLES").fetchall():
            path = directory / f"{name}.parquet"
            self.duckdb.execute(f"COPY {name} TO '{path}'")
            athena.put(f"{name}/1.parquet", path.read_bytes())
            columns = self.duckdb.execute(f"DESCRIBE {name}").fetchall()
            listed = ", ".join(f"{column} {TYPES[kind]}" for column, kind, *_ in columns)
            athena.run(f"CREATE EXTERNAL TABLE {name} ({listed}) STORED AS PARQUET LOCATION 's3://data/{name}/'")

    def check(self, number: int) -> int:
        """Compare one query's answers, all of them; how many rows there are."""
        sql = QUERIES[number]
        expected = self.duckdb.execute(sql).fetchall()
        execution = self.athena.finish(self.athena.start(sql))
        assert execution["Status"]["State"] == "SUCCEEDED", (number, execution["Status"])
        pages = self.athena.client.get_paginator("get_query_results").paginate(
            QueryExecutionId=execution["QueryExecutionId"]
        )
        found = [
            [cell.get("VarCharValue") for cell in row["Data"]] for page in pages for row in page["ResultSet"]["Rows"]
        ]
        assert len(found) - 1 == len(expected), number
        assert any(cell is not None for row in found[1:] for cell in row), f"query {number} finds nothing"
        for got, want in zip(found[1:], expected, strict=True):
            assert all(same(a, b) for a, b in zip(got, want, strict=True)), (number, got, want)
        return len(expected)


def same(text: str | None, value: Any) -> bool:
    """Averages are decimals in Trino and doubles in DuckDB: equal to half of the last digit that Trino shows."""
    if text is None or value is None:
        return text is None and value is None
    if isinstance(value, int | float | Decimal):
        digits = len(text.partition(".")[2]) if "E" not in text else 0
        unit = 0.5000001 * 10.0**-digits if "E" not in text else 0.0
        return abs(float(text) - float(value)) <= max(unit, 1e-9 * abs(float(value)))
    return text == (value.isoformat() if isinstance(value, date) else str(value))


@pytest.fixture
def small(athena: Athena, tmp_path: Path) -> Iterator[Reference]:
    yield Reference(athena, tmp_path, 0.004)


@pytest.mark.claim("ATH-526")
def test_a_few_queries_of_tpch(small: Reference) -> None:
    assert all(small.check(number) for number in FEW)


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("POCKETLAKE_SLOW"), reason="POCKETLAKE_SLOW=1 runs it")
@pytest.mark.timeout(900)
def test_all_queries_of_tpch(athena: Athena, tmp_path: Path) -> None:
    large = Reference(athena, tmp_path, 0.1)
    rows = {number: large.check(number) for number in QUERIES}
    assert len(rows) == 22
    assert [number for number, count in rows.items() if not count] == []
