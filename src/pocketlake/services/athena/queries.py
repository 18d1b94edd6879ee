"""Query executions: start, look at, stop. What happens in between stands in runs.py."""

from __future__ import annotations

import uuid
from typing import Any

from pocketlake.engines.sql import statements
from pocketlake.engines.sql.errors import SqlError
from pocketlake.engines.sql.parse import parse
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501, ServiceError

from . import prepared_statements, runs, store, workgroups
from .service import athena, errors, opened

QUERY_BYTES = 262_144  # Source: Athena user guide, "Service Quotas": query string length
PAGE = 50
FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")
NO_LOCATION = (
    "No output location provided. An output location is required either through the Workgroup result configuration"
    " setting or as an API input."
)


def find(call: Call, identity: str) -> dict[str, Any]:
    query = store.find(call, identity)
    if query is None:
        raise errors.InvalidRequestException(
            f"QueryExecution {identity} was not found", AthenaErrorCode="QUERY_EXECUTION_NOT_FOUND"
        )
    return query


def shown(query: dict[str, Any]) -> dict[str, Any]:
    """The document without what only we need."""
    return {name: value for name, value in query.items() if not name.startswith("_")}


@athena.operation
async def start_query_execution(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Take a query; it runs in the background, at once when a worker is free.  [ATH-505, ATH-528]

    What is no SQL at all is refused here, and makes no query execution.
    """
    try:
        await call.offload(_check_syntax, request["QueryString"])
    except SqlError as error:
        message = error.text.split(": ", 1)[1]
        raise errors.InvalidRequestException(message, AthenaErrorCode="MALFORMED_QUERY") from None
    token = request.get("ClientRequestToken", "")
    earlier = store.by_token(call, token) if token else None
    if earlier is not None:
        if earlier["Query"] != request["QueryString"].strip():
            raise errors.InvalidRequestException(
                "Idempotent parameters do not match", AthenaErrorCode="IDEMPOTENT_PARAMETER_MISMATCH"
            )
        return {"QueryExecutionId": earlier["QueryExecutionId"]}
    group = workgroups.enabled(call, request.get("WorkGroup", workgroups.PRIMARY))
    if len(request["QueryString"].encode()) > QUERY_BYTES:
        raise errors.InvalidRequestException(f"Query string length must be at most {QUERY_BYTES} bytes")
    configuration = group["Configuration"]
    identity = str(uuid.uuid4())
    query = {
        "QueryExecutionId": identity,
        "Query": request["QueryString"].strip(),
        "StatementType": runs.statement_type(request["QueryString"]),
        "SubstatementType": runs.substatement_type(request["QueryString"]),
        "ResultConfiguration": _result_configuration(call, request, configuration),
        "ResultReuseConfiguration": request.get(
            "ResultReuseConfiguration", {"ResultReuseByAgeConfiguration": {"Enabled": False}}
        ),
        "QueryExecutionContext": _context(request),
        "Status": {"State": "QUEUED", "SubmissionDateTime": call.now},
        "Statistics": {},
        "WorkGroup": group.name,
        "EngineVersion": configuration["EngineVersion"],
    }
    if "ExecutionParameters" in request:
        query["ExecutionParameters"] = request["ExecutionParameters"]
    store.insert(call, query, token)
    call.alarms.set(runs.run_query, identity, call.now)
    return {"QueryExecutionId": identity}


def _check_syntax(sql: str) -> None:
    """Raise the SqlError of a statement that cannot be read; what is known and not built is for the run to say."""
    from pocketlake.engines.sql import bind

    try:
        statement = parse(sql)
        if isinstance(statement, statements.Query):
            bind.read(statement.sql)
    except SqlError as error:
        if error.code == "SYNTAX_ERROR":
            raise


def _context(request: dict[str, Any]) -> dict[str, str]:
    context = request.get("QueryExecutionContext", {})
    return {name.capitalize(): value.lower() for name, value in context.items() if value}


def _result_configuration(call: Call, request: dict[str, Any], configuration: dict[str, Any]) -> dict[str, Any]:
    """Where the result goes: the caller's word, or the workgroup's when that is enforced.  [ATH-013]"""
    if configuration.get("ManagedQueryResultsConfiguration", {}).get("Enabled"):
        raise NotImplemented501("Athena managed query results")
    theirs, mine = configuration.get("ResultConfiguration", {}), request.get("ResultConfiguration", {})
    chosen = dict(theirs) if configuration.get("EnforceWorkGroupConfiguration") else {**theirs, **mine}
    location = chosen.get("OutputLocation", "")
    if not location:
        raise errors.InvalidRequestException(NO_LOCATION)
    if not location.startswith("s3://"):
        raise errors.InvalidRequestException("outputLocation is not a valid S3 path.")
    bucket = location.removeprefix("s3://").split("/")[0]
    try:
        call.aws.s3.head_bucket(Bucket=bucket)
    except ServiceError:
        raise errors.InvalidRequestException(f"Unable to verify/create output bucket {bucket}") from None
    chosen["OutputLocation"] = location
    return chosen


@athena.operation
def get_query_execution(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return {"QueryExecution": shown(find(call, request["QueryExecutionId"]))}


@athena.operation
def batch_get_query_execution(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    found, missing = [], []
    for identity in request["QueryExecutionIds"]:
        query = store.find(call, identity)
        if query is not None:
            found.append(shown(query))
        else:
            message = f"QueryExecution {identity} was not found"
            missing.append({"QueryExecutionId": identity, "ErrorCode": "INVALID_INPUT", "ErrorMessage": message})
    return {"QueryExecutions": found, "UnprocessedQueryExecutionIds": missing}


@athena.operation
def list_query_executions(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """A workgroup's history, the newest first.  [ATH-010, ATH-507]"""
    group = workgroups.find(call, request.get("WorkGroup", workgroups.PRIMARY)).name
    sealed = opened(call, request, "queries")
    limit = min(request.get("MaxResults") or PAGE, PAGE)
    before = (sealed["moment"], sealed["after"]) if sealed else None
    found = store.newest(call, group, before, limit + 1)
    answer: dict[str, Any] = {"QueryExecutionIds": [identity for identity, _ in found[:limit]]}
    if len(found) > limit:
        identity, moment = found[limit - 1]
        answer["NextToken"] = call.pages.seal({"for": "queries", "moment": moment, "after": identity})
    return answer


@athena.operation
def stop_query_execution(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Cancel a query that is queued or running; one that has ended stays as it is."""
    query = find(call, request["QueryExecutionId"])
    if query["Status"]["State"] in FINAL:
        return {}
    runs.finish(call, query, "CANCELLED", "Query cancelled by user")
    runs.engine(call).cancel(query["QueryExecutionId"])
    return {}


@athena.operation
def get_query_runtime_statistics(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Times and rows of a query. The stages of its plan are not kept."""
    query = find(call, request["QueryExecutionId"])
    figures = query["Statistics"]
    times = {
        "QueryQueueTimeInMillis": figures.get("QueryQueueTimeInMillis"),
        "QueryPlanningTimeInMillis": figures.get("QueryPlanningTimeInMillis"),
        "EngineExecutionTimeInMillis": figures.get("EngineExecutionTimeInMillis"),
        "ServiceProcessingTimeInMillis": figures.get("ServiceProcessingTimeInMillis"),
        "TotalExecutionTimeInMillis": figures.get("TotalExecutionTimeInMillis"),
    }
    rows = {"InputBytes": figures.get("DataScannedInBytes"), "OutputRows": query.get("_Rows")}
    return {"QueryRuntimeStatistics": {"Timeline": times, "Rows": rows}}


__all__ = ["prepared_statements"]
