"""Questions to Athena: what people would ask, and the catalog statements around them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from pocketlake.embedded import EmbeddedLake

from .pipeline import BUCKET, DATABASE

RESULTS = f"s3://{BUCKET}/athena-results/"
POLL_SECONDS = 0.01


class QueryFailed(Exception):
    """Athena said no; the message is Athena's."""


@dataclass(slots=True, frozen=True)
class Question:
    title: str
    sql: str


@dataclass(slots=True, frozen=True)
class Answer:
    columns: list[tuple[str, str]]  # name, type
    rows: list[list[str | None]]
    scanned_bytes: int
    seconds: float


def ask(lake: EmbeddedLake, sql: str) -> Answer:
    """Run one statement to its end and fetch all its rows."""
    athena = lake.client("athena")
    begun = time.perf_counter()
    query = athena.start_query_execution(
        QueryString=sql,
        QueryExecutionContext={"Database": DATABASE},
        ResultConfiguration={"OutputLocation": RESULTS},
    )["QueryExecutionId"]
    execution = _wait(athena, query)
    if execution["Status"]["State"] != "SUCCEEDED":
        raise QueryFailed(f"{execution['Status'].get('StateChangeReason', 'no reason given')}\n{sql}")
    columns, rows = _rows(athena, query, execution["StatementType"] == "DML")
    seconds = time.perf_counter() - begun
    return Answer(columns, rows, execution["Statistics"].get("DataScannedInBytes", 0), seconds)


def _wait(athena: Any, query: str) -> dict[str, Any]:
    while True:
        execution: dict[str, Any] = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
        if execution["Status"]["State"] not in {"QUEUED", "RUNNING"}:
            return execution
        time.sleep(POLL_SECONDS)


def _rows(athena: Any, query: str, has_header: bool) -> tuple[list[tuple[str, str]], list[list[str | None]]]:
    columns: list[tuple[str, str]] = []
    rows: list[list[str | None]] = []
    for page in athena.get_paginator("get_query_results").paginate(QueryExecutionId=query):
        columns = [(c["Name"], c["Type"]) for c in page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]]
        rows += [[cell.get("VarCharValue") for cell in row["Data"]] for row in page["ResultSet"]["Rows"]]
    return columns, rows[1:] if has_header else rows


BY_CARRIER = Question(
    "Which airlines are late?",
    """
    SELECT a.name AS airline,
           count(*) AS flights,
           count(*) - count(f.dep_time) AS cancelled,
           round(avg(f.arr_delay), 1) AS mean_delay,
           approx_percentile(f.arr_delay, 0.9) AS p90_delay,
           round(100.0 * count_if(f.arr_delay > 30) / count(f.arr_delay), 1) AS late_pct
    FROM flights f JOIN airlines a ON a.carrier = f.carrier
    GROUP BY a.name
    HAVING count(*) >= 1000
    ORDER BY mean_delay DESC
    """,
)
BY_MONTH = Question(
    "How late is each month?",
    """
    SELECT month,
           count(*) AS flights,
           count(*) - count(dep_time) AS cancelled,
           round(avg(dep_delay), 1) AS mean_departure_delay
    FROM flights
    WHERE year = '2013'
    GROUP BY month
    ORDER BY month
    """,
)
WEATHER = Question(
    "What does bad weather do?",
    """
    SELECT CASE WHEN TRY_CAST(w.visib AS double) < 1 THEN '1 fog, below a mile'
                WHEN TRY_CAST(w.precip AS double) > 0.05 THEN '2 heavy rain or snow'
                WHEN TRY_CAST(w.precip AS double) > 0 THEN '3 light rain or snow'
                WHEN TRY_CAST(w.wind_speed AS double) > 25 THEN '4 strong wind'
                ELSE '5 none of it' END AS weather,
           count(*) AS flights,
           round(avg(f.dep_delay), 1) AS mean_delay,
           round(100.0 * (count(*) - count(f.dep_time)) / count(*), 1) AS cancelled_pct
    FROM flights f
    JOIN weather w ON w.origin = f.origin AND w.time_hour = f.time_hour
    GROUP BY 1
    ORDER BY 1
    """,
)
DESTINATIONS = Question(
    "Where do old aircraft fly?",
    """
    SELECT p.manufacturer,
           count(DISTINCT f.tailnum) AS aircraft,
           count(*) AS flights,
           round(avg(2013 - TRY_CAST(p.year AS integer)), 1) AS age,
           max_by(ap.name, f.distance) AS farthest,
           max(f.distance) AS miles
    FROM flights f
    JOIN planes p ON p.tailnum = f.tailnum
    JOIN airports ap ON ap.faa = f.dest
    GROUP BY p.manufacturer
    ORDER BY flights DESC
    LIMIT 8
    """,
)
WORST_DAYS = Question(
    "What was each airport's worst day, and how did it compare with the days around it?",
    """
    WITH daily AS (
        SELECT origin, flight_date, avg(dep_delay) AS delay, count(*) AS flights
        FROM flights GROUP BY origin, flight_date
    ), ranked AS (
        SELECT *,
               rank() OVER (PARTITION BY origin ORDER BY delay DESC) AS place,
               avg(delay) OVER (PARTITION BY origin ORDER BY flight_date
                                ROWS BETWEEN 3 PRECEDING AND 3 FOLLOWING) AS week
        FROM daily
    )
    SELECT origin, place, date_format(flight_date, '%a %d %b') AS day, flights,
           round(delay, 1) AS mean_delay, round(week, 1) AS mean_of_week
    FROM ranked WHERE place <= 2
    ORDER BY origin, place
    """,
)
QUESTIONS = (BY_CARRIER, BY_MONTH, WEATHER, DESTINATIONS, WORST_DAYS)

SUMMARY_TABLE = "daily_delays"
SUMMARY = f"""
    CREATE TABLE {SUMMARY_TABLE}
    WITH (format = 'PARQUET', write_compression = 'SNAPPY', external_location = 's3://{BUCKET}/daily-delays/') AS
    SELECT flight_date, origin, carrier, count(*) AS flights, count(dep_time) AS departed,
           sum(dep_delay) AS dep_delay, sum(distance) AS distance
    FROM flights
    GROUP BY flight_date, origin, carrier
"""
