"""The hand grammar: one statement, its kind, and its parts."""

from __future__ import annotations

from typing import Any

import pytest

from pocketlake.engines.sql import statements as s
from pocketlake.engines.sql.errors import SqlError
from pocketlake.engines.sql.parse import parse, with_parameters

CASES: list[tuple[str, Any]] = [
    ("SELECT 1;", s.Query("SELECT 1")),
    ("CREATE TABLE a.b WITH (format = 'ORC', partitioned_by = ARRAY['d']) AS SELECT 1 AS d",
     s.CreateTableAs(("a", "b"), {"format": "ORC", "partitioned_by": ["d"]}, "SELECT 1 AS d")),
    ("CREATE TABLE IF NOT EXISTS b AS SELECT 1 WITH NO DATA", s.CreateTableAs(("b",), {}, "SELECT 1 ", True, False)),
    ("INSERT INTO t (a, b) SELECT 1, 2", s.InsertInto(("t",), ("a", "b"), "SELECT 1, 2")),
    ("INSERT INTO t (SELECT 1)", s.InsertInto(("t",), (), "(SELECT 1)")),
    ("UNLOAD (SELECT (1)) TO 's3://b/' WITH (format = 'JSON')", s.Unload("SELECT (1)", "s3://b/", {"format": "JSON"})),
    ("CREATE OR REPLACE VIEW v AS SELECT 1", s.CreateView(("v",), "SELECT 1", True)),
    ("CREATE SCHEMA IF NOT EXISTS d COMMENT 'c' LOCATION 's3://x' WITH DBPROPERTIES ('a'='b')",
     s.CreateDatabase("d", True, "c", "s3://x", {"a": "b"})),
    ("DROP DATABASE IF EXISTS d CASCADE", s.Drop("DATABASE", ("d",), True, True)),
    ("DROP VIEW v", s.Drop("VIEW", ("v",))),
    ("ALTER TABLE t ADD IF NOT EXISTS PARTITION (d='1') LOCATION 's3://x/' PARTITION (d='2')",
     s.AddPartitions(("t",), [({"d": "1"}, "s3://x/"), ({"d": "2"}, "")], True)),
    ("ALTER TABLE t DROP PARTITION (d='1'), PARTITION (d='2')", s.DropPartitions(("t",), [{"d": "1"}, {"d": "2"}])),
    ("ALTER TABLE t PARTITION (d='1') RENAME TO PARTITION (d='2')", s.RenamePartition(("t",), {"d": "1"}, {"d": "2"})),
    ("ALTER TABLE t PARTITION (d='1') SET LOCATION 's3://y'", s.SetLocation(("t",), "s3://y", {"d": "1"})),
    ("ALTER TABLE t SET TBLPROPERTIES ('a'='b')", s.SetProperties(("t",), {"a": "b"})),
    ("ALTER TABLE t REPLACE COLUMNS (a int, b array<string>)",
     s.AddColumns(("t",), [("a", "int", ""), ("b", "array<string>", "")], True)),
    ("MSCK REPAIR TABLE `T`", s.Repair(("t",))),
    ("SHOW TABLES IN d 'a*'", s.Show("TABLES", ("d",), "a*")),
    ("SHOW COLUMNS IN t IN d", s.Show("COLUMNS", ("d", "t"))),
    ("SHOW CREATE TABLE t", s.Show("CREATE TABLE", ("t",))),
    ("SHOW TBLPROPERTIES t('x')", s.Show("TBLPROPERTIES", ("t",), "", "x")),
    ("DESCRIBE FORMATTED d.t", s.Describe(("d", "t"), "FORMATTED")),
    ("DESCRIBE t PARTITION (d='1') c", s.Describe(("t",), "", {"d": "1"}, "c")),
    ("PREPARE p FROM SELECT ?", s.Prepare("p", "SELECT ?")),
    ("EXECUTE p USING 1, 'a,b', ARRAY[1, 2]", s.Execute("p", ("1", "'a,b'", "ARRAY[1, 2]"))),
    ("DEALLOCATE PREPARE p", s.Deallocate("p")),
    ("EXPLAIN (TYPE LOGICAL) SELECT 1", s.Explain("SELECT 1")),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), CASES, ids=[case[0][:50] for case in CASES])
def test_statement(sql: str, expected: Any) -> None:
    assert parse(sql) == expected


def test_create_external_table() -> None:
    statement = parse(
        "CREATE EXTERNAL TABLE IF NOT EXISTS d.t (`user` string COMMENT 'it''s', n array<struct<a:int>>)\n"
        "COMMENT 'c' PARTITIONED BY (month string) ROW FORMAT SERDE 'x.Y' WITH SERDEPROPERTIES ('k'='v')\n"
        "STORED AS PARQUET LOCATION 's3://b/p/' TBLPROPERTIES ('z'='1')"
    )
    assert statement == s.CreateTable(
        ("d", "t"),
        [("user", "string", "it's"), ("n", "array<struct<a:int>>", "")],
        if_not_exists=True,
        comment="c",
        partitions=[("month", "string", "")],
        serde="x.Y",
        serde_properties={"k": "v"},
        stored_as="PARQUET",
        location="s3://b/p/",
        properties={"z": "1"},
    )


@pytest.mark.parametrize("sql", ["", "FOO BAR", "SELECT 1; SELECT 2", "DROP INDEX x", "MERGE INTO t USING s ON a = b"])
def test_refused(sql: str) -> None:
    with pytest.raises(SqlError):
        parse(sql)


def test_parameters_leave_strings_alone() -> None:
    assert with_parameters("SELECT '?', ? -- ?", ["1"]) == "SELECT '?', 1 -- ?"
