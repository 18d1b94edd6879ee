"""Ways around the catalog: nothing physical may answer. Each is refused, or answers from the catalog's own table."""

from __future__ import annotations

import pytest

from pocketlake.engines.sql import statements
from pocketlake.engines.sql.errors import SqlError
from pocketlake.engines.sql.parse import parse

from .conftest import Lab

REFUSED = [
    "SELECT * FROM ph.src",
    'SELECT * FROM "ph"."src"',
    "SELECT * FROM '/etc/passwd'",
    'SELECT * FROM "/etc/passwd"',
    'SELECT * FROM "s.parquet"',
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM duckdb_views()",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM pg_catalog.pg_tables",
    "SELECT sql FROM sqlite_master",
    "SELECT 1; SELECT * FROM ph.src",
    "COPY ph.src TO 's3://elsewhere/x'",
    "ATTACH '/tmp/x.db'",
    "INSTALL httpfs",
    "SET enable_external_access = true",
    "PRAGMA database_list",
    "SELECT (SELECT max(email) FROM ph.src)",
    "SELECT * FROM t WHERE EXISTS (SELECT 1 FROM ph.src WHERE ph.src.id = t.id)",
    "SELECT id FROM t UNION ALL SELECT id FROM ph.src",
    "SELECT * FROM t, LATERAL (SELECT email FROM src) q",
    "SELECT query('select 1')",
    "SELECT * FROM query_table('ph.src')",
    "TABLE ph.src",
    "SELECT * FROM t TABLESAMPLE BERNOULLI (100)",
    "SELECT current_setting('x')",
    "SELECT getvariable('x')",
    "SELECT getenv('HOME')",
    "FROM ph.src",
    "SELECT * FROM t FOR VERSION AS OF 1",
    "SELECT columns('.*') FROM t",
    "SELECT * FROM t AT (VERSION => 1)",
    "SUMMARIZE ph.src",
    "PIVOT ph.src ON region USING sum(amt)",
    "EXPLAIN SELECT * FROM ph.src",
    "SELECT error('x')",
    "SELECT __scan_0.id FROM __scan_0",
    "WITH a AS (SELECT * FROM b), b AS (SELECT 1 AS x) SELECT * FROM a",
    "SELECT read_text('/etc/passwd')",
    "SELECT json_serialize_sql('select 1')",
]

ALLOWED = [
    "SELECT id FROM db.t WHERE region = 'eu'",
    "SELECT * FROM awsdatacatalog.db.t x JOIN t y USING (id)",
    "WITH t AS (SELECT 1 AS a) SELECT * FROM t",
    "WITH u AS (SELECT * FROM t) SELECT count(*) FROM u",
    "WITH t AS (SELECT * FROM t) SELECT count(*) FROM t",
    "VALUES (1)",
    "SELECT * FROM (TABLE t)",
    "SELECT count(*) FROM t t1, t t2",
    "SELECT * FROM UNNEST(ARRAY[1, 2])",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_refused(lab: Lab, sql: str) -> None:
    with pytest.raises(SqlError):
        statement = parse(sql)
        assert isinstance(statement, statements.Query | statements.Explain)
        lab.text(statement.sql)


@pytest.mark.parametrize("sql", ALLOWED)
def test_allowed_and_answered(lab: Lab, sql: str) -> None:
    lab.rows(sql)
    assert lab.outcome.failure is None


def test_a_locked_engine_reads_no_other_file(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> None:
    from pocketlake.engines.sql import worker

    secret = tmp_path_factory.mktemp("secret") / "x.csv"
    secret.write_text("a\n1\n")
    connection = worker.prepared()
    worker.lock(connection, str(tmp_path_factory.mktemp("query")))
    for statement in (
        f"SELECT * FROM read_csv('{secret}')",
        f"COPY (SELECT 1) TO '{secret}'",
        "SET enable_external_access = true",
        f"ATTACH '{secret}'",
    ):
        with pytest.raises(Exception, match=r"(?i)permission|locked|disabled"):
            connection.execute(statement)
    connection.close()
