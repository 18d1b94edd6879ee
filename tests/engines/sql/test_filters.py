"""Which partitions of a table are read, however far from it the WHERE stands: in views, CTEs, sub-queries, unions."""

from __future__ import annotations

import pytest

from pocketlake.engines.sql import bind, pruning
from pocketlake.engines.sql.catalog import Column, Snapshot, Table, TableName

KEYS = (Column("day", "string"), Column("n", "int"))
LOGS = Table("db", "logs", (Column("id", "int"), Column("v", "string")), KEYS, "s3://b/logs/")
VIEWS = {
    "plain": "SELECT * FROM logs",
    "renamed": "SELECT id AS what, day AS dt FROM logs",
    "daily": "SELECT day, count(*) AS c FROM logs GROUP BY day",
    "twice": "SELECT * FROM renamed",
    "latest": "SELECT * FROM logs ORDER BY id LIMIT 10",
    "both": "SELECT day AS d, id FROM logs UNION ALL SELECT day, id FROM logs WHERE n = 1",
}
KINDS = {"day": "string", "n": "int"}
PARTITIONS = [{"day": day, "n": n} for day in ("a", "b", "c") for n in ("1", "2")]
EVERYTHING = "a1 a2 b1 b2 c1 c2"

# A query, and the partitions that each of its scans reads.
CASES: list[tuple[str, list[str]]] = [
    ("SELECT id FROM logs WHERE day = 'a'", ["a1 a2"]),
    ("SELECT id FROM plain WHERE day = 'a' AND n = 2", ["a2"]),
    ("SELECT what FROM renamed WHERE dt IN ('a', 'c')", ["a1 a2 c1 c2"]),
    ("SELECT what FROM twice x WHERE x.dt > 'b'", ["c1 c2"]),
    ("SELECT * FROM daily WHERE day = 'b'", ["b1 b2"]),
    ("SELECT * FROM daily WHERE c = 1", [EVERYTHING]),
    ("SELECT * FROM daily WHERE day = 'b' OR c = 1", [EVERYTHING]),
    ("SELECT * FROM latest WHERE day = 'b'", [EVERYTHING]),
    ("SELECT * FROM both WHERE d = 'c'", ["c1 c2", "c1"]),
    ("WITH w AS (SELECT * FROM logs) SELECT * FROM w WHERE day = 'a'", ["a1 a2"]),
    ("WITH w AS (SELECT * FROM logs), x AS (SELECT * FROM w WHERE n = 1) SELECT * FROM x WHERE day = 'a'", ["a1"]),
    ("WITH w AS (SELECT * FROM logs) SELECT * FROM w p JOIN w q ON p.id = q.id WHERE p.day = 'a' AND q.day = 'b'",
     ["a1 a2 b1 b2"]),
    ("WITH w AS (SELECT * FROM logs) SELECT * FROM w p JOIN w q ON p.id = q.id WHERE p.day = 'a'", [EVERYTHING]),
    ("SELECT * FROM (SELECT * FROM (SELECT day, n AS m FROM logs) x) y WHERE m = 2 AND day <> 'b'", ["a2 c2"]),
    ("SELECT * FROM logs x JOIN logs y ON x.id = y.id AND x.day = 'a' AND y.day = 'b'", ["a1 a2", "b1 b2"]),
    ("SELECT * FROM logs x LEFT JOIN logs y ON x.id = y.id AND x.day = 'a' AND y.day = 'b'", [EVERYTHING, "b1 b2"]),
    ("SELECT * FROM logs x FULL JOIN logs y ON x.id = y.id AND x.day = 'a'", [EVERYTHING, EVERYTHING]),
    ("SELECT * FROM logs x RIGHT JOIN logs y ON x.id = y.id AND y.day = 'a'", [EVERYTHING, EVERYTHING]),
    ("SELECT * FROM logs x LEFT JOIN logs y ON x.id = y.id WHERE y.day IS NULL", [EVERYTHING, EVERYTHING]),
    ("SELECT * FROM logs x LEFT JOIN logs y ON x.id = y.id WHERE coalesce(y.day, 'z') = 'z'", [EVERYTHING, EVERYTHING]),
    ("SELECT id FROM logs WHERE day = 'a' UNION SELECT id FROM logs WHERE day = 'b'", ["a1 a2", "b1 b2"]),
    ("SELECT * FROM (SELECT day FROM logs EXCEPT SELECT day FROM logs) x WHERE day = 'a'", ["a1 a2", "a1 a2"]),
    ("SELECT * FROM (SELECT day FROM logs UNION SELECT day FROM logs LIMIT 3) x WHERE day = 'a'",
     [EVERYTHING, EVERYTHING]),
    ("SELECT * FROM (SELECT day, row_number() OVER (PARTITION BY day ORDER BY id) AS r FROM logs) x WHERE day = 'a'",
     ["a1 a2"]),
    ("SELECT * FROM (SELECT day, row_number() OVER (ORDER BY id) AS r FROM logs) x WHERE day = 'a'", [EVERYTHING]),
    ("SELECT * FROM (SELECT day, count(*) FROM logs GROUP BY ROLLUP (day)) x WHERE day = 'a'", [EVERYTHING]),
    ("SELECT day FROM logs GROUP BY day HAVING day = 'a' AND count(*) > 1", ["a1 a2"]),
    ("SELECT DISTINCT day FROM plain WHERE day LIKE 'a%'", ["a1 a2"]),
    ("SELECT * FROM (SELECT upper(day) AS day FROM logs) x WHERE day = 'A'", [EVERYTHING]),
    ("SELECT 1 WHERE EXISTS (SELECT 1 FROM plain WHERE day = 'c' AND n = 1)", ["c1"]),
    ("SELECT (SELECT max(id) FROM logs WHERE day = 'b') FROM logs WHERE n = 1", ["b1 b2", "a1 b1 c1"]),
    ("SELECT * FROM logs WHERE CAST(day AS varchar(1)) = 'x' OR n = 7", [EVERYTHING]),
    ("SELECT * FROM logs WHERE day = 'a' OR (day = 'b' AND n = 2)", ["a1 a2 b2"]),
    ("SELECT * FROM logs WHERE NOT (day = 'a' OR n = 1)", ["b2 c2"]),
    ("WITH RECURSIVE w(day, i) AS (SELECT day, 1 FROM logs UNION ALL SELECT day, i + 1 FROM w WHERE i < 3)"
     " SELECT * FROM w WHERE day = 'a'", [EVERYTHING]),
]  # fmt: skip


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    tables = {TableName("db", "logs"): LOGS}
    for name, text in VIEWS.items():
        tables[TableName("db", name)] = Table("db", name, (), view=text)
    return Snapshot("db", tables, {"db"})


@pytest.mark.claim("ATH-022", "ATH-024")
@pytest.mark.parametrize(("sql", "expected"), CASES, ids=[case[0] for case in CASES])
def test_partitions_that_are_read(snapshot: Snapshot, sql: str, expected: list[str]) -> None:
    bound = bind.bind(sql, snapshot)
    read = [
        " ".join(f"{each['day']}{each['n']}" for each in PARTITIONS if pruning.survives(scan.filters, each, KINDS))
        for scan in bound.scans
    ]
    assert sorted(read) == sorted(expected)
