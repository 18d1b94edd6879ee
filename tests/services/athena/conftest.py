"""Athena as a user has it: buckets, a database, and a way to run SQL to its end."""

from __future__ import annotations

import time
from typing import Any

import pytest

RESULTS = "s3://results/out/"
WAIT_SECONDS = 60


class Athena:
    """Runs SQL against the database `db`; data lies in the bucket `data`, results in `results`."""

    def __init__(self, lake: Any) -> None:
        self.lake = lake
        self.client = lake.client("athena")
        self.s3 = lake.client("s3")
        self.glue = lake.client("glue")
        for bucket in ("data", "results"):
            self.s3.create_bucket(Bucket=bucket)
        self.glue.create_database(DatabaseInput={"Name": "db"})
        self.execution: dict[str, Any] = {}

    def put(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket="data", Key=key, Body=body)

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]

    def start(self, sql: str, **options: Any) -> str:
        options.setdefault("ResultConfiguration", {"OutputLocation": RESULTS})
        options.setdefault("QueryExecutionContext", {"Database": "db"})
        return str(self.client.start_query_execution(QueryString=sql, **options)["QueryExecutionId"])

    def finish(self, identity: str) -> dict[str, Any]:
        """The execution when it has ended."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            self.execution = self.client.get_query_execution(QueryExecutionId=identity)["QueryExecution"]
            if self.execution["Status"]["State"] not in ("QUEUED", "RUNNING"):
                return self.execution
            self.lake.clock.advance(seconds=0)
        raise AssertionError(f"query {identity} did not end")

    def run(self, sql: str, **options: Any) -> list[list[str | None]]:
        """The rows of the first page, header and all; an assertion when the query fails."""
        execution = self.finish(self.start(sql, **options))
        assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]
        answer = self.client.get_query_results(QueryExecutionId=execution["QueryExecutionId"])
        return [[cell.get("VarCharValue") for cell in row["Data"]] for row in answer["ResultSet"]["Rows"]]

    def rows(self, sql: str, **options: Any) -> list[list[str | None]]:
        return self.run(sql, **options)[1:]

    def fails(self, sql: str, **options: Any) -> str:
        execution = self.finish(self.start(sql, **options))
        assert execution["Status"]["State"] == "FAILED", execution["Status"]
        return str(execution["Status"]["StateChangeReason"])

    @property
    def scanned(self) -> int:
        return int(self.execution["Statistics"]["DataScannedInBytes"])

    def csv_table(self) -> None:
        """`logs`: three objects in three partitions of Hive's layout, not yet registered."""
        self.put("logs/day=1/a.csv", b"1,x\n2,y\n")
        self.put("logs/day=2/a.csv", b"3,z\n")
        self.put("logs/day=10/a.csv", b"9,q\n")
        self.run(
            "CREATE EXTERNAL TABLE logs (id int, v string) PARTITIONED BY (day string)"
            " ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://data/logs/'"
        )


@pytest.fixture
def athena(lake: Any) -> Athena:
    return Athena(lake)
