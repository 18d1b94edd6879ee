"""kill -9 while Athena's queries run: each one ends after the restart, and what it changes is changed once."""

from __future__ import annotations

import functools
import time
from pathlib import Path
from typing import Any

import pytest

from pocketlake.spawned import SpawnedLake

from .mortal import ROUNDS, Mortal

LIFE_SECONDS = (0.02, 0.8)
END_SECONDS = 120
# Thirty million rows of work, so that a query can be met in its midst.
SLOW = "SELECT count(*) AS n FROM UNNEST(sequence(1, 30000)) a(x), UNNEST(sequence(1, 1000)) b(y) WHERE x * y % 7 = 1"
ROWS = 2000
SUMS = [[str(ROWS), str(ROWS), str(ROWS * (ROWS - 1) // 2)]]


@pytest.mark.timeout(240 + 60 * ROUNDS)
@pytest.mark.claim("ATH-528")
def test_queries_end_and_act_once_after_kill_9(tmp_path: Path) -> None:
    with Mortal(tmp_path / "lake") as mortal:
        lake = mortal.lake
        prepare(lake)
        slow = run(lake, SLOW)
        base, cut = ROWS, 0
        for number in range(ROUNDS):
            started = {name: start(lake, sql) for name, sql in statements(number).items()}
            # The first time at once, so that some query is surely cut off.
            mortal.kill(seconds=LIFE_SECONDS if number else (0.0, 0.0))
            died = time.time()
            client.cache_clear()
            lake = mortal.rise()
            ends = {name: end(lake, identity) for name, identity in started.items()}
            assert {name: status["State"] for name, status in ends.items()} == dict.fromkeys(ends, "SUCCEEDED"), ends
            cut += sum(status["CompletionDateTime"].timestamp() > died for status in ends.values())
            assert answer(lake, started["select"]) == slow
            assert run(lake, f"SELECT count(*), count(DISTINCT id), sum(id) FROM made_{number}") == SUMS
            base *= 2
            assert run(lake, "SELECT count(*) FROM grown") == [[str(base)]], "an INSERT was lost or counted twice"
            assert run(lake, f"SELECT day, count(*) FROM days_{number} GROUP BY 1 ORDER BY 1") == [
                [str(day), str(ROWS // 4)] for day in range(4)
            ]
            assert len(keys(lake, f"unloaded/{number}/")) == 1
            assert run(lake, f"SHOW TABLES 'plain_{number}'") == [[f"plain_{number}"]]
        assert cut, "every query had ended before its lake died"


def statements(number: int) -> dict[str, str]:
    wait = f"(SELECT n FROM ({SLOW}))"
    return {
        "select": SLOW,
        "made": f"CREATE TABLE made_{number} AS SELECT id FROM numbers WHERE {wait} > 0",
        "grow": f"INSERT INTO grown SELECT id FROM grown WHERE {wait} > 0",
        "days": f"CREATE TABLE days_{number} WITH (partitioned_by = ARRAY['day']) AS"
        " SELECT id, CAST(id % 4 AS varchar) AS day FROM numbers",
        "unload": f"UNLOAD (SELECT id FROM numbers) TO 's3://data/unloaded/{number}/' WITH (format = 'PARQUET')",
        "plain": f"CREATE EXTERNAL TABLE plain_{number} (id int) LOCATION 's3://data/plain/'",
        "view": f"CREATE VIEW seen_{number} AS SELECT id FROM numbers",
    }


def prepare(lake: SpawnedLake) -> None:
    s3 = client(lake, "s3")
    for bucket in ("data", "results"):
        s3.create_bucket(Bucket=bucket)
    client(lake, "glue").create_database(DatabaseInput={"Name": "db"})
    values = f"SELECT CAST(x AS integer) AS id FROM UNNEST(sequence(0, {ROWS - 1})) AS u(x)"
    for name in ("numbers", "grown"):
        run(lake, f"CREATE TABLE {name} WITH (external_location = 's3://data/{name}/') AS {values}")


@functools.cache
def client(lake: SpawnedLake, service: str) -> Any:
    return lake.client(service)


def start(lake: SpawnedLake, sql: str) -> str:
    answer = client(lake, "athena").start_query_execution(
        QueryString=sql,
        QueryExecutionContext={"Database": "db"},
        ResultConfiguration={"OutputLocation": "s3://results/out/"},
    )
    return str(answer["QueryExecutionId"])


def state(lake: SpawnedLake, identity: str) -> dict[str, Any]:
    status: dict[str, Any] = client(lake, "athena").get_query_execution(QueryExecutionId=identity)["QueryExecution"]
    return dict(status["Status"])


def end(lake: SpawnedLake, identity: str) -> dict[str, Any]:
    """The status with which a query has ended; an assertion when it hangs."""
    deadline = time.monotonic() + END_SECONDS
    while time.monotonic() < deadline:
        status = state(lake, identity)
        if status["State"] not in ("QUEUED", "RUNNING"):
            return status
        time.sleep(0.05)  # another process works, in real time
    raise AssertionError(f"query {identity} is stuck in {status['State']}")


def answer(lake: SpawnedLake, identity: str) -> list[list[str]]:
    found = client(lake, "athena").get_query_results(QueryExecutionId=identity)["ResultSet"]
    rows = [[cell["VarCharValue"] for cell in row["Data"]] for row in found["Rows"]]
    return rows[1:] if rows and rows[0] == [item["Name"] for item in found["ResultSetMetadata"]["ColumnInfo"]] else rows


def run(lake: SpawnedLake, sql: str) -> list[list[str]]:
    identity = start(lake, sql)
    status = end(lake, identity)
    assert status["State"] == "SUCCEEDED", (sql, status)
    return answer(lake, identity)


def keys(lake: SpawnedLake, prefix: str) -> list[str]:
    found = client(lake, "s3").list_objects_v2(Bucket="data", Prefix=prefix)
    return [item["Key"] for item in found.get("Contents", [])]
