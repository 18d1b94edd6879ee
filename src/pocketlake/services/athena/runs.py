"""The life of a query: QUEUED, RUNNING, and one of SUCCEEDED, FAILED, CANCELLED."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from pocketlake.engines.sql import statements
from pocketlake.engines.sql.errors import Cancelled, Cutoff, SqlError
from pocketlake.engines.sql.parse import parse, with_parameters
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501, ServiceError

from . import metrics, store
from .service import athena

if TYPE_CHECKING:
    from pocketlake.engines.sql.duckdb_engine import DuckDBEngine
    from pocketlake.engines.sql.jobs import Outcome

log = logging.getLogger("pocketlake.athena")

DML = ("SELECT", "WITH", "VALUES", "TABLE", "INSERT", "UNLOAD", "MERGE", "UPDATE", "DELETE", "(")
UTILITY = ("SHOW", "DESCRIBE", "DESC", "EXPLAIN")
SUCCEEDED, FAILED, CANCELLED = "SUCCEEDED", "FAILED", "CANCELLED"
MINUTES = 30  # Source: Athena service quotas, "DML query timeout"


@dataclass(slots=True)
class Answer:
    """What a statement yields: a CSV file with columns, or lines of text. `rows` is an INSERT's or CTAS's count."""

    columns: list[tuple[str, str]] = field(default_factory=list)
    path: Path | None = None
    lines: list[str] | None = None
    rows: int = 0
    updated: int | None = None
    manifest: str = ""


@dataclass(slots=True)
class Run:
    """One query under way: its document, its directory, and what is measured."""

    query: dict[str, Any]
    directory: Path
    began: float
    sql: str = ""
    planning: float = 0.0
    engine_seconds: float = 0.0
    scanned: int = 0
    cutoff: int | None = None
    again: bool = False  # an earlier attempt was cut off: what it left behind is ours

    @property
    def identity(self) -> str:
        return str(self.query["QueryExecutionId"])

    @property
    def database(self) -> str:
        return str(self.query["QueryExecutionContext"].get("Database", "default"))


def statement_type(sql: str) -> str:
    first = sql.lstrip().split(None, 1)[0].upper() if sql.strip() else ""
    if first.startswith("("):
        first = "("
    return "DML" if first in DML else "UTILITY" if first in UTILITY else "DDL"


def substatement_type(sql: str) -> str:
    words = [word.upper() for word in sql.split()[:4]]
    if not words:
        return ""
    if words[0] in ("WITH", "VALUES", "TABLE") or words[0].startswith("("):
        return "SELECT"
    if words[0] == "CREATE" and "TABLE" in words[1:3]:
        return "CREATE_TABLE_AS_SELECT" if "EXTERNAL" not in words else "CREATE_TABLE"
    if words[0] in ("CREATE", "DROP", "ALTER", "SHOW", "MSCK") and len(words) > 1:
        return "_".join(word for word in words[:2] if word.isalpha())
    return words[0].split("(")[0]


def engine(call: Call) -> DuckDBEngine:
    """The lake's engine; its processes stay when the lake is emptied."""
    from pocketlake.engines.sql.duckdb_engine import DuckDBEngine

    lake = call.lake
    found: DuckDBEngine | None = lake.engines.get("sql")
    if found is None:
        found = lake.engines["sql"] = DuckDBEngine()
        lake.on_close(found.close)
        shutil.rmtree(lake.directory / "queries", ignore_errors=True)
    return found


@athena.alarm
async def run_query(call: Call, key: str) -> None:
    """Run the query to its end. After a crash it runs again from the start, unless its effect stands already."""
    query = store.find(call, key)
    if query is None or query["Status"]["State"] in (SUCCEEDED, FAILED, CANCELLED):
        return
    engine(call)
    directory = call.lake.directory.absolute() / "queries" / key
    directory.mkdir(parents=True, exist_ok=True)
    run = Run(query, directory, time.perf_counter(), again=query["Status"]["State"] == "RUNNING")
    try:
        answer = await _execute(call, run)
        if _still(call, key):
            await _deliver(call, run, answer)
    except SqlError as error:
        _failed(call, run, error)
    except NotImplemented501 as error:
        _failed(call, run, SqlError("NOT_SUPPORTED", error.message))
    except ServiceError as error:
        _failed(call, run, SqlError(error.code, error.message))
    except Exception:
        log.exception("query %s failed by a fault of ours", key)
        _failed(call, run, SqlError("GENERIC_INTERNAL_ERROR", "Internal error in the query engine", user=False))
    finally:
        await call.offload(shutil.rmtree, directory, True)


def _still(call: Call, key: str) -> bool:
    """Whether the query is there and neither cancelled nor ended."""
    query = store.find(call, key)
    return query is not None and query["Status"]["State"] not in (SUCCEEDED, FAILED, CANCELLED)


def running(call: Call, run: Run) -> None:
    if not _still(call, run.identity):
        raise Cancelled
    run.query["Status"]["State"] = "RUNNING"
    with call.transaction():
        store.update(call, run.query)


async def _execute(call: Call, run: Run) -> Answer:
    from . import definitions, selects, shows, writes

    query = run.query
    if "_Answer" in query:
        return Answer(**query["_Answer"])
    group = call.resources("workgroup").find(query["WorkGroup"])
    run.cutoff = group["Configuration"].get("BytesScannedCutoffPerQuery") if group is not None else None
    if (reused := _reused(call, run)) is not None:
        return reused
    sql, parameters = query["Query"], query.get("ExecutionParameters")
    statement = parse(sql)
    while isinstance(statement, statements.Execute):
        prepared = call.resources("prepared").find(statement.name, parent=query["WorkGroup"])
        if prepared is None:
            raise SqlError("NOT_FOUND", f"Prepared statement not found: {statement.name}")
        sql = with_parameters(prepared["QueryStatement"], statement.values or tuple(parameters or ()))
        statement, parameters = parse(sql), None
    if parameters:
        statement = parse(with_parameters(sql, parameters))
    routes: list[tuple[type | tuple[type, ...], Callable[[Call, Run, Any], Awaitable[Answer]]]] = [
        (statements.Query, selects.select),
        (statements.Explain, selects.explain),
        ((statements.CreateTableAs, statements.InsertInto, statements.Unload), writes.write),
        ((statements.Show, statements.Describe), shows.show),
    ]
    for kind, route in routes:
        if isinstance(statement, kind):
            return await route(call, run, statement)
    return await definitions.define(call, run, statement)


def keep(call: Call, run: Run, answer: Answer) -> Answer:
    """Note, in the tick in which a statement changed the catalog, that it did, and what it answers: once is enough."""
    run.query["_Answer"] = {
        "columns": answer.columns,
        "lines": answer.lines,
        "rows": answer.rows,
        "updated": answer.updated,
        "manifest": answer.manifest,
    }
    with call.transaction():
        store.update(call, run.query)
    return answer


def _reused(call: Call, run: Run) -> Answer | None:
    """An earlier result of the same text, when the caller allows one of that age."""
    query = run.query
    reuse = query["ResultReuseConfiguration"].get("ResultReuseByAgeConfiguration", {})
    if not reuse.get("Enabled") or query["StatementType"] != "DML":
        return None
    since = call.now - 60 * reuse.get("MaxAgeInMinutes", 60)
    database = query["QueryExecutionContext"].get("Database", "")
    earlier = store.reusable(call, query["WorkGroup"], since, query["Query"], database)
    if earlier is None or "_Columns" not in earlier:
        return None
    query["_ReusedFrom"] = earlier["ResultConfiguration"]["OutputLocation"]
    return Answer([tuple(column) for column in earlier["_Columns"]], rows=earlier["_Rows"])


async def ask_engine(call: Call, run: Run, job: Any) -> Outcome:
    """Run a job on the engine; what it scanned counts even when it fails."""
    outcome = await engine(call).run(run.identity, job, lambda: running(call, run))
    run.scanned += outcome.bytes_scanned
    run.engine_seconds += outcome.seconds
    if outcome.failure is None:
        return outcome
    if outcome.failure.code == "cutoff":
        raise Cutoff
    if outcome.failure.code == "timeout":
        raise SqlError("EXCEEDED_TIME_LIMIT", f"Query timed out after {MINUTES} minutes", user=False)
    raise SqlError(*outcome.failure)


async def _deliver(call: Call, run: Run, answer: Answer) -> None:
    """Write the result and its metadata to S3, and say so in the same tick as the last write."""
    query = run.query
    base = f"{query['ResultConfiguration']['OutputLocation'].rstrip('/')}/{run.identity}"
    if "_ReusedFrom" in query:
        location = query.pop("_ReusedFrom")
        query["Statistics"]["ResultReuseInformation"] = {"ReusedPreviousResult": True}
    elif answer.lines is not None:
        location = base + ".txt"
        await _put(call, location, "".join(line + "\n" for line in answer.lines).encode(), "text/plain")
        await _put(call, location + ".metadata", _metadata(answer), "application/octet-stream")
    elif answer.path is not None:
        location = base + ".csv"
        await _put(call, location, answer.path, "application/octet-stream")
        await _put(call, location + ".metadata", _metadata(answer), "application/octet-stream")
    else:
        location = base if answer.manifest == "" else f"{base}-manifest.csv"
        if answer.manifest:
            query["Statistics"]["DataManifestLocation"] = location
            await _put(call, location, answer.manifest.encode(), "text/csv")
            location = base
    if not _still(call, run.identity):
        return
    query["ResultConfiguration"] = {**query["ResultConfiguration"], "OutputLocation": location}
    query.pop("_Answer", None)
    query["_Columns"] = [list(column) for column in answer.columns]
    query["_Rows"] = answer.rows
    if answer.updated is not None:
        query["_Updated"] = answer.updated
    _measure(call, run)
    finish(call, query, SUCCEEDED)


def _metadata(answer: Answer) -> bytes:
    """Athena's own form is not documented and no client reads it: ours says the columns."""
    return orjson.dumps({"columns": [{"name": name, "type": kind} for name, kind in answer.columns]})


async def _put(call: Call, location: str, body: bytes | Path, content_type: str) -> None:
    bucket, _, key = location.removeprefix("s3://").partition("/")
    await call.aws.s3.put_object(Bucket=bucket, Key=key.lstrip("/"), Body=body, ContentType=content_type)


def _measure(call: Call, run: Run) -> None:
    total = time.perf_counter() - run.began
    other = max(total - run.engine_seconds, 0.0)
    run.query["Statistics"].update(
        DataScannedInBytes=run.scanned,
        EngineExecutionTimeInMillis=round(run.engine_seconds * 1000),
        TotalExecutionTimeInMillis=round(total * 1000),
        QueryQueueTimeInMillis=0,
        QueryPlanningTimeInMillis=round(run.planning * 1000),
        ServicePreProcessingTimeInMillis=0,
        ServiceProcessingTimeInMillis=round(max(other - run.planning, 0.0) * 1000),
    )


CATEGORIES = {"system": 1, "user": 2, "other": 3}
# As Athena was seen to answer; 1000 is "user error" in general. Source: Athena user guide, "Athena error catalog".
ERROR_TYPES = {
    "TABLE_NOT_FOUND": 1301, "SCHEMA_NOT_FOUND": 1301, "NOT_FOUND": 1300, "COLUMN_NOT_FOUND": 1006,
    "CATALOG_NOT_FOUND": 1006, "TYPE_MISMATCH": 1002, "FUNCTION_NOT_FOUND": 1303, "DIVISION_BY_ZERO": 1001,
    "INVALID_CAST_ARGUMENT": 1100, "NOT_SUPPORTED": 1200,
}  # fmt: skip


def _failed(call: Call, run: Run, error: SqlError) -> None:
    if not _still(call, run.identity):
        return
    _measure(call, run)
    if isinstance(error, Cutoff):
        finish(call, run.query, CANCELLED, "Bytes scanned limit was exceeded")
        return
    if isinstance(error, Cancelled):
        finish(call, run.query, CANCELLED, "Query cancelled by user")
        return
    run.query["Status"]["AthenaError"] = {
        "ErrorCategory": CATEGORIES["user" if error.user else "system"],
        "ErrorType": ERROR_TYPES.get(error.code, 1000) if error.user else 200,
        "Retryable": not error.user,
        "ErrorMessage": error.text,
    }
    finish(call, run.query, FAILED, error.text)


def finish(call: Call, query: dict[str, Any], state: str, reason: str = "") -> None:
    query["Status"].update(State=state, CompletionDateTime=call.now)
    if reason:
        query["Status"]["StateChangeReason"] = reason
    metrics.ended(call, query)
    with call.transaction():
        store.update(call, query)
