"""A small table and an engine in this process, so that a case costs milliseconds."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from pocketlake.engines.sql import authorise, bind, lower, scan, worker
from pocketlake.engines.sql.catalog import Column, Snapshot, Table, TableName
from pocketlake.engines.sql.jobs import Job, Outcome, Output

COLUMNS = (
    Column("id", "int"),
    Column("region", "string"),
    Column("amt", "decimal(10,2)"),
    Column("tags", "array<string>"),
    Column("place", "struct<x:int,name:string>"),
    Column("seen", "timestamp"),
    Column("day", "date"),
    Column("counts", "map<string,int>"),
)
PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
TABLE = Table("db", "t", COLUMNS, (), "s3://b/t/", PARQUET)
ROWS = """COPY (SELECT i::INT AS id, CASE WHEN i % 2 = 0 THEN 'us' ELSE 'eu' END AS region,
    (i * 1.5)::DECIMAL(10,2) AS amt, ['a', 'b' || i] AS tags, {'x': i::INT, 'name': 'n'} AS place,
    TIMESTAMP '2020-01-01 10:00:00' + to_hours(i::INT) AS seen, DATE '2020-01-01' + i::INT AS day,
    map {'k': i::INT} AS counts FROM range(5) t(i)) TO '{path}'"""


class Lab:
    """Runs Trino's SQL over one Parquet table, `db.t`, of five rows."""

    def __init__(self, directory: Path) -> None:
        import duckdb

        self.file = directory / "t.parquet"
        duckdb.sql(ROWS.replace("{path}", str(self.file)))
        self.snapshot = Snapshot("db", {TableName("db", "t"): TABLE}, {"db"})
        self.directory = directory
        self.count = 0
        self.outcome = Outcome()

    def lowered(self, sql: str) -> tuple[bind.BoundQuery, str]:
        bound = authorise.authorise(bind.bind(sql, self.snapshot), authorise.EverythingAllowed())
        return bound, lower.lower(bound)

    def text(self, sql: str) -> str:
        """The result file's text, without its header; a failure's code and words."""
        bound, lowered = self.lowered(sql)
        self.count += 1
        home = self.directory / str(self.count)
        home.mkdir()
        scans = []
        for item in bound.scans:
            target = scan.plan(item, home)
            scan.place(target, [scan.ScanFile("t.parquet", path=str(self.file), length=self.file.stat().st_size)])
            scans.append(target)
        path = home / "result.csv"
        connection = worker.prepared()
        job = Job(lowered, scans, str(home), Output("csv", str(path), bound.labels))
        self.outcome = worker.run(connection, job)
        connection.close()
        if self.outcome.failure is not None:
            return f"{self.outcome.failure.code}: {self.outcome.failure.message}"
        return path.read_text().split("\n", 1)[1]

    def rows(self, sql: str) -> list[list[str]]:
        return list(csv.reader(io.StringIO(self.text(sql))))


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("lab"))


Evaluate = Callable[[str], str]
