"""pocketlake sql"""

from __future__ import annotations

import time
from typing import Any

import click

from pocketlake.cli.endpoint import client, url_option

RESULTS = "s3://pocketlake-query-results/"
ROW_LIMIT = 1000
POLL_SECONDS = 0.02
RIGHT_ALIGNED = {"tinyint", "smallint", "integer", "bigint", "float", "double", "decimal"}


@click.command()
@url_option
@click.argument("statement")
@click.option("--database", default="default", show_default=True)
@click.option("--output", default=RESULTS, show_default=True, help="S3 place of the result files.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, ROW_LIMIT), help="Rows to print.")
def sql(url: str, statement: str, database: str, output: str, limit: int) -> None:
    """Ask Athena: pocketlake sql "SELECT 1"."""
    athena = client(url, "athena")
    if output == RESULTS:
        client(url, "s3").create_bucket(Bucket=RESULTS.removeprefix("s3://").rstrip("/"))
    query = athena.start_query_execution(
        QueryString=statement,
        QueryExecutionContext={"Database": database},
        ResultConfiguration={"OutputLocation": output},
    )["QueryExecutionId"]
    execution = _wait(athena, query)
    state = execution["Status"]["State"]
    if state != "SUCCEEDED":
        raise click.ClickException(execution["Status"].get("StateChangeReason", state))
    page = athena.get_query_results(QueryExecutionId=query, MaxResults=min(limit + 1, ROW_LIMIT))
    _print(page, execution, limit)


def _wait(athena: Any, query: str) -> dict[str, Any]:
    # A person waits at a terminal: real time, not the lake's.
    while True:
        execution: dict[str, Any] = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
        if execution["Status"]["State"] not in {"QUEUED", "RUNNING"}:
            return execution
        time.sleep(POLL_SECONDS)


def _print(page: dict[str, Any], execution: dict[str, Any], limit: int) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    columns = page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    rows = [[cell.get("VarCharValue") for cell in row["Data"]] for row in page["ResultSet"]["Rows"]]
    if execution.get("StatementType") == "DML" and rows:
        rows = rows[1:]  # the header
    table = Table(box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column["Name"], justify="right" if column["Type"] in RIGHT_ALIGNED else "left")
    for row in rows[:limit]:
        table.add_row(*[Text("NULL", style="dim") if cell is None else Text(cell) for cell in row])
    if columns:
        Console().print(table)
    statistics = execution.get("Statistics", {})
    more = f" (the first {limit})" if page.get("NextToken") or len(rows) > limit else ""
    click.echo(
        f"{min(len(rows), limit)} rows{more}, {statistics.get('DataScannedInBytes', 0):,} bytes scanned, "
        f"{statistics.get('TotalExecutionTimeInMillis', 0)} ms"
    )
