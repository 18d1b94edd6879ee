"""Whole queries: scopes, joins, windows, unnesting, types that decide, and the errors in Athena's words."""

from __future__ import annotations

import pytest

from pocketlake.engines.sql.errors import SqlError

from .conftest import Lab

QUERIES: list[tuple[str, list[list[str]]]] = [
    ("SELECT count(*) FROM t", [["5"]]),
    ("SELECT id FROM t WHERE region = 'eu' ORDER BY id DESC", [["3"], ["1"]]),
    ("SELECT * FROM t WHERE id = 1",
     [["1", "eu", "1.50", "[a, b1]", "{x=1, name=n}", "2020-01-01 11:00:00.000", "2020-01-02", "{k=1}"]]),
    ("SELECT T.ID, place.x, t.place.name FROM db.T WHERE id = 2", [["2", "2", "n"]]),
    ("SELECT db.t.id FROM db.t WHERE db.t.id = 3", [["3"]]),
    ("SELECT sum(id), avg(amt), avg(id), sum(amt) FROM t", [["10", "3.00", "2.0", "15.00"]]),
    ("SELECT avg(amt) FILTER (WHERE id > 1) FROM t", [["4.50"]]),
    ("SELECT id, sum(id) OVER (ORDER BY id) FROM t ORDER BY 1 LIMIT 2", [["0", "0"], ["1", "1"]]),
    ("SELECT id, lag(id) OVER (PARTITION BY region ORDER BY id) FROM t WHERE id < 3 ORDER BY id",
     [["0", ""], ["1", ""], ["2", "0"]]),
    ("SELECT region, count(*) FROM t GROUP BY 1 HAVING count(*) > 2", [["us", "3"]]),
    ("SELECT region, sum(amt) FROM t GROUP BY GROUPING SETS ((region), ()) ORDER BY 2",
     [["eu", "6.00"], ["us", "9.00"], ["", "15.00"]]),
    ("WITH t AS (SELECT * FROM t) SELECT count(*) FROM t", [["5"]]),
    ("WITH t AS (SELECT 1 AS a) SELECT * FROM t", [["1"]]),
    ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3)"
        " SELECT * FROM n", [["1"], ["2"], ["3"]]),
    ("SELECT a.id, b.n FROM t a LEFT JOIN (SELECT 1 AS n) b ON a.id = b.n WHERE a.id"
        " < 2 ORDER BY 1", [["0", ""], ["1", "1"]]),
    ("SELECT id FROM t WHERE EXISTS (SELECT 1 FROM t u WHERE u.id = t.id + 1 AND u.region ="
        " 'us') ORDER BY id", [["1"], ["3"]]),
    ("SELECT tag FROM t CROSS JOIN UNNEST(tags) AS u(tag) WHERE id = 1", [["a"], ["b1"]]),
    ("SELECT tag, n FROM t CROSS JOIN UNNEST(tags) WITH ORDINALITY AS u(tag,"
        " n) WHERE id = 1", [["a", "1"], ["b1", "2"]]),
    ("SELECT x, y FROM UNNEST(ARRAY[1, 2], ARRAY['a']) AS u(x, y)", [["1", "a"], ["2", ""]]),
    ("SELECT k, v FROM t CROSS JOIN UNNEST(counts) AS u(k, v) WHERE id = 4", [["k", "4"]]),
    ("SELECT n, s FROM UNNEST(ARRAY[ROW(1, 'a'), ROW(2, 'b')]) AS u(n, s)", [["1", "a"], ["2", "b"]]),
    ("SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(n, s)", [["1", "a"], ["2", "b"]]),
    ("VALUES 1, 2", [["1"], ["2"]]),
    ("SELECT map_agg(region, id), array_agg(id ORDER BY id) FROM t WHERE id < 2", [["{us=0, eu=1}", "[0, 1]"]]),
    ("SELECT count_if(id > 2), max_by(region, id), approx_distinct(region) FROM t", [["2", "us", "2"]]),
    ("SELECT amt / 4, amt * 2, id / 2 FROM t WHERE id = 3", [["1.13", "9.00", "1"]]),
    ("SELECT id FROM t WHERE amt >= DECIMAL '4.5' ORDER BY id", [["3"], ["4"]]),
    ("SELECT id FROM t WHERE day BETWEEN DATE '2020-01-02' AND DATE '2020-01-03' ORDER BY 1", [["1"], ["2"]]),
    ("SELECT 1 INTERSECT SELECT 1 EXCEPT SELECT 2", [["1"]]),
    ("SELECT id FROM t ORDER BY id OFFSET 1 LIMIT 2", [["1"], ["2"]]),
]  # fmt: skip

ERRORS: list[tuple[str, str]] = [
    ("SELECT * FROM nope", "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.db.nope' does not exist"),
    ("SELECT * FROM x.y", "SCHEMA_NOT_FOUND: line 1:15: Schema 'x' does not exist"),
    (
        "SELECT nope FROM t",
        "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved or requester is not authorized to access"
        " requested resources",
    ),
    (
        "SELECT id\nFROM t\nWHERE t.nope = 1",
        "COLUMN_NOT_FOUND: line 3:7: Column 't.nope' cannot be resolved or requester is not authorized to access"
        " requested resources",
    ),
    ("SELECT * FROM nowhere.db.t", "CATALOG_NOT_FOUND: line 1:15: Catalog 'nowhere' does not exist"),
    ("SELECT id + region FROM t", "TYPE_MISMATCH: line 1:8: Cannot apply operator: integer + varchar"),
    ("SELECT foo(1)", "FUNCTION_NOT_FOUND: line 1:8: Function 'foo' not registered"),
    ("SELECT id FROM t WHERE id = 'a'", "TYPE_MISMATCH: line 1:24: Cannot apply operator: integer = varchar(1)"),
    (
        "SELECT id FROM t WHERE day > '2020-01-01'",
        "TYPE_MISMATCH: line 1:24: Cannot apply operator: date > varchar(10)",
    ),
]


@pytest.mark.claim("ATH-529")
@pytest.mark.parametrize(("sql", "expected"), QUERIES, ids=[case[0][:60] for case in QUERIES])
def test_query(lab: Lab, sql: str, expected: list[list[str]]) -> None:
    assert lab.rows(sql) == expected


@pytest.mark.parametrize(("sql", "expected"), ERRORS, ids=[case[0] for case in ERRORS])
def test_error_in_athenas_words(lab: Lab, sql: str, expected: str) -> None:
    with pytest.raises(SqlError) as error:
        lab.text(sql)
    assert error.value.text == expected


def test_labels_are_as_written_and_unnamed_columns_are_numbered(lab: Lab) -> None:
    bound, _ = lab.lowered('SELECT id AS Foo, count(*), id + 1, region AS "Bar" FROM t GROUP BY id, region')
    assert bound.labels == ["Foo", "_col1", "_col2", "Bar"]


def test_null_and_the_empty_string_differ_in_the_result_file(lab: Lab) -> None:
    assert lab.text("SELECT NULL, '', 'a\"b'") == ',"","a""b"\n'


def test_bytes_scanned_are_those_of_the_columns_that_are_read(lab: Lab) -> None:
    lab.text("SELECT * FROM t")
    whole = lab.outcome.bytes_scanned
    lab.text("SELECT id FROM t")
    assert 0 < lab.outcome.bytes_scanned < whole
