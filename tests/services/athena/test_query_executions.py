"""The life of a query: start, wait, results, stop."""

from __future__ import annotations

import io

import pytest
from botocore.exceptions import ClientError

from .conftest import RESULTS, Athena


@pytest.mark.claim("ATH-505", "ATH-528")
def test_a_query_runs_and_its_result_lies_in_s3(athena: Athena) -> None:
    assert athena.run("SELECT 1 AS a, NULL AS b, '' AS c") == [["a", "b", "c"], ["1", None, ""]]
    execution = athena.execution
    identity = execution["QueryExecutionId"]
    assert execution["ResultConfiguration"]["OutputLocation"] == f"{RESULTS}{identity}.csv"
    assert athena.keys("results") == [f"out/{identity}.csv", f"out/{identity}.csv.metadata"]
    body = athena.s3.get_object(Bucket="results", Key=f"out/{identity}.csv")["Body"].read()
    assert body == b'"a","b","c"\n"1",,""\n'
    assert execution["StatementType"] == "DML"
    assert execution["Statistics"]["TotalExecutionTimeInMillis"] >= 0
    assert execution["EngineVersion"]["EffectiveEngineVersion"] == "Athena engine version 3"


def test_types_of_the_result(athena: Athena) -> None:
    athena.run("SELECT 1 AS i, CAST(1.5 AS decimal(10,2)) AS d, 'x' AS s, ARRAY[1] AS a, DATE '2020-01-01' AS t")
    answer = athena.client.get_query_results(QueryExecutionId=athena.execution["QueryExecutionId"])
    info = answer["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    assert [(column["Name"], column["Type"], column["Precision"], column["Scale"]) for column in info] == [
        ("i", "integer", 10, 0),
        ("d", "decimal", 10, 2),
        ("s", "varchar", 2147483647, 0),
        ("a", "array", 0, 0),
        ("t", "date", 0, 0),
    ]


def test_pages_hold_a_thousand_rows_with_the_header_first(athena: Athena) -> None:
    identity = athena.finish(athena.start("SELECT x, 'a\n\"b\"' FROM UNNEST(sequence(1, 2500)) AS u(x)"))[
        "QueryExecutionId"
    ]
    sizes, values, token = [], [], {}
    while True:
        answer = athena.client.get_query_results(QueryExecutionId=identity, **token)
        rows = answer["ResultSet"]["Rows"]
        sizes.append(len(rows))
        values += [row["Data"][0]["VarCharValue"] for row in rows]
        assert rows[-1]["Data"][1]["VarCharValue"] == 'a\n"b"'
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert sizes == [1000, 1000, 501]
    assert values == ["x", *map(str, range(1, 2501))]


def test_a_failed_query_says_why_and_has_no_results(athena: Athena) -> None:
    assert (
        athena.fails("SELECT * FROM nope")
        == "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.db.nope' does not exist"
    )
    error = athena.execution["Status"]["AthenaError"]
    assert (error["ErrorCategory"], error["ErrorType"], error["Retryable"]) == (2, 1301, False)
    with pytest.raises(ClientError, match=r"Query did not finish successfully\. Final query state: FAILED") as refused:
        athena.client.get_query_results(QueryExecutionId=athena.execution["QueryExecutionId"])
    assert refused.value.response["AthenaErrorCode"] == "INVALID_QUERY_EXECUTION_STATE"


ERRORS = [
    ("SELECT * FROM nowhere.t", 1301, "SCHEMA_NOT_FOUND: line 1:15: Schema 'nowhere' does not exist"),
    (
        "SELECT banana",
        1006,
        "COLUMN_NOT_FOUND: line 1:8: Column 'banana' cannot be resolved or requester is not authorized to access"
        " requested resources",
    ),
    ("SELECT 1 = 'a'", 1002, "TYPE_MISMATCH: line 1:8: Cannot apply operator: integer = varchar(1)"),
    ("SELECT foo(1)", 1303, "FUNCTION_NOT_FOUND: line 1:8: Function 'foo' not registered"),
    ("SELECT 1 / 0", 1001, "DIVISION_BY_ZERO: Division by zero"),
    ("SELECT CAST('a' AS integer)", 1100, "INVALID_CAST_ARGUMENT: Cannot cast 'a' to INT"),
    ("MERGE INTO t USING s ON a = b", 1200, "NOT_SUPPORTED: The statement MERGE is not supported by Pocketlake yet."),
]


@pytest.mark.parametrize(("sql", "kind", "reason"), ERRORS, ids=[case[0] for case in ERRORS])
def test_errors_have_athenas_types_and_words(athena: Athena, sql: str, kind: int, reason: str) -> None:
    assert athena.fails(sql) == reason
    error = athena.execution["Status"]["AthenaError"]
    assert (error["ErrorCategory"], error["ErrorType"], error["ErrorMessage"]) == (2, kind, reason)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELEC 1", "line 1:1: mismatched input 'SELEC'. Expecting: 'ALTER', "),
        ("SELECT 1,\n  FROM", "line 2:3: mismatched input"),
        ("SELECT 1; SELECT 2", "line 1:9: Only one sql statement is allowed."),
        ("DROP INDEX x", "line 1:6: mismatched input 'INDEX'"),
    ],
)
def test_what_is_no_sql_is_refused_at_once(athena: Athena, sql: str, message: str) -> None:
    with pytest.raises(ClientError) as refused:
        athena.start(sql)
    assert refused.value.response["Error"]["Code"] == "InvalidRequestException"
    assert refused.value.response["AthenaErrorCode"] == "MALFORMED_QUERY"
    assert refused.value.response["Error"]["Message"].startswith(message)
    assert athena.client.list_query_executions()["QueryExecutionIds"] == []


def test_an_output_location_is_required(athena: Athena) -> None:
    with pytest.raises(ClientError, match="No output location provided"):
        athena.client.start_query_execution(QueryString="SELECT 1")


def test_the_same_token_is_the_same_query(athena: Athena) -> None:
    token = "t" * 32
    first = athena.start("SELECT 1", ClientRequestToken=token)
    assert athena.start("SELECT 1", ClientRequestToken=token) == first
    with pytest.raises(ClientError, match="Idempotent parameters do not match"):
        athena.start("SELECT 2", ClientRequestToken=token)


def test_parameters_and_prepared_statements(athena: Athena) -> None:
    assert athena.rows("SELECT ?, ?", ExecutionParameters=["'it''s'", "2"]) == [["it's", "2"]]
    athena.run("PREPARE add_one FROM SELECT ? + 1")
    assert athena.rows("EXECUTE add_one USING 41") == [["42"]]
    assert athena.rows("EXECUTE add_one", ExecutionParameters=["1"]) == [["2"]]


def test_a_stopped_query_is_cancelled(athena: Athena) -> None:
    identity = athena.start(
        "SELECT count(*) FROM UNNEST(sequence(1, 5000)) a(x), UNNEST(sequence(1, 5000)) b(y),"
        " UNNEST(sequence(1, 5000)) c(z) WHERE x * y * z % 7 = 1"
    )
    athena.client.stop_query_execution(QueryExecutionId=identity)
    assert athena.finish(identity)["Status"]["State"] == "CANCELLED"
    assert athena.rows("SELECT 1") == [["1"]]


def test_reuse_answers_from_an_earlier_result(athena: Athena) -> None:
    reuse = {"ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": 60}}
    athena.run("SELECT 1 AS x")
    location = athena.execution["ResultConfiguration"]["OutputLocation"]
    assert athena.rows("SELECT 1 AS x", ResultReuseConfiguration=reuse) == [["1"]]
    assert athena.execution["Statistics"]["ResultReuseInformation"]["ReusedPreviousResult"]
    assert athena.execution["ResultConfiguration"]["OutputLocation"] == location
    athena.lake.clock.advance(hours=2)
    athena.run("SELECT 1 AS x", ResultReuseConfiguration=reuse)
    assert athena.execution["ResultConfiguration"]["OutputLocation"] != location


@pytest.mark.claim("ATH-530", "ATH-555")
def test_parquet_is_read_in_place_and_only_the_columns_asked_for(athena: Athena) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    columns = {f"c{number}": [f"{number}-{row}" * 5 for row in range(2000)] for number in range(20)}
    pq.write_table(pa.table({"id": range(2000), **columns}), buffer)
    athena.put("wide/x.parquet", buffer.getvalue())
    listed = ", ".join(f"c{number} string" for number in range(20))
    athena.run(f"CREATE EXTERNAL TABLE wide (id bigint, {listed}) STORED AS PARQUET LOCATION 's3://data/wide/'")
    assert athena.rows("SELECT count(id), sum(id) FROM wide") == [["2000", "1999000"]]
    assert 0 < athena.scanned < len(buffer.getvalue()) / 10
    assert athena.keys("data") == ["wide/x.parquet"]


def test_batch_and_list(athena: Athena) -> None:
    identities = [athena.start(f"SELECT {number}") for number in range(3)]
    for identity in identities:
        athena.finish(identity)
    answer = athena.client.batch_get_query_execution(QueryExecutionIds=[*identities, "nope"])
    assert [item["QueryExecutionId"] for item in answer["QueryExecutions"]] == identities
    assert answer["UnprocessedQueryExecutionIds"][0]["QueryExecutionId"] == "nope"
    first = athena.client.list_query_executions(MaxResults=2)
    rest = athena.client.list_query_executions(NextToken=first["NextToken"])
    assert sorted(first["QueryExecutionIds"] + rest["QueryExecutionIds"]) == sorted(identities)
