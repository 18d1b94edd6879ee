"""GetQueryResults: a page of the result file, read from where the page before ended."""

from __future__ import annotations

from typing import Any

from pocketlake.engines.sql.types import athena_name
from pocketlake.kernel.blobs import FileSlice
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError

from . import queries
from .service import athena, errors, opened

MOST = 1000
CHUNK = 1 << 20
PRECISIONS = {
    "boolean": 0, "tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19, "float": 17, "double": 17, "date": 0,
    "timestamp": 3, "timestamp with time zone": 3, "varchar": 2147483647, "varbinary": 1073741824,
}  # fmt: skip


@athena.operation
async def get_query_results(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Up to 1,000 rows; the first of a SELECT's first page is the header."""
    query = queries.find(call, request["QueryExecutionId"])
    state = query["Status"]["State"]
    if (request.get("MaxResults") or 0) > MOST:
        raise _refused("INVALID_INPUT", f"MaxResults is more than maximum allowed length {MOST}")
    if state in ("QUEUED", "RUNNING"):
        raise _refused("INVALID_QUERY_EXECUTION_STATE", f"Query has not yet finished. Current state: {state}")
    if state == "CANCELLED":
        raise _refused("RESULT_NOT_FOUND", "Could not find results")
    if state != "SUCCEEDED":
        message = f"Query did not finish successfully. Final query state: {state}"
        raise _refused("INVALID_QUERY_EXECUTION_STATE", message)
    start = opened(call, request, f"results {query['QueryExecutionId']}").get("offset", 0)
    limit = min(request.get("MaxResults") or MOST, MOST)
    location = query["ResultConfiguration"]["OutputLocation"]
    columns = query.get("_Columns", [])
    rows: list[list[str | None]] = []
    following: int | None = None
    if location.endswith(".csv"):
        rows, following = await call.offload(read_csv, _reader(call, location), start, limit)
    elif location.endswith(".txt"):
        rows, following = _lines(call, location, start, limit)
    answer: dict[str, Any] = {
        "ResultSet": {
            "Rows": [{"Data": [{} if value is None else {"VarCharValue": value} for value in row]} for row in rows],
            "ResultSetMetadata": {"ColumnInfo": [_column(name, kind) for name, kind in columns]},
        },
        "UpdateCount": query.get("_Updated", 0),
    }
    if following is not None:
        answer["NextToken"] = call.pages.seal({"for": f"results {query['QueryExecutionId']}", "offset": following})
    return answer


def _refused(code: str, message: str) -> Exception:
    refused: Exception = errors.InvalidRequestException(message, AthenaErrorCode=code)
    return refused


def _column(name: str, kind: str) -> dict[str, Any]:
    shown = athena_name(kind)
    precision, scale = PRECISIONS.get(shown, 0), 0
    if shown == "decimal":
        precision, scale = (int(part) for part in kind[len("DECIMAL(") : -1].split(","))
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": "string" if kind == "STRING" else shown,
        "Precision": precision,
        "Scale": scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": shown == "varchar",
    }


def _body(call: Call, location: str) -> bytes | FileSlice:
    bucket, _, key = location.removeprefix("s3://").partition("/")
    try:
        body: bytes | FileSlice = call.aws.s3.get_object(Bucket=bucket, Key=key.lstrip("/"))["Body"]
    except ServiceError:
        raise errors.InvalidRequestException(
            "Could not find results in the specified location. The results may have been deleted."
        ) from None
    return body


def _reader(call: Call, location: str) -> bytes | FileSlice:
    return _body(call, location)


def _lines(call: Call, location: str, start: int, limit: int) -> tuple[list[list[str | None]], int | None]:
    body = _body(call, location)
    data = _bytes(body, 0, None).decode()
    lines = data.removesuffix("\n").split("\n") if data else []
    chosen: list[list[str | None]] = [[line] for line in lines[start : start + limit]]
    return chosen, start + limit if start + limit < len(lines) else None


def _bytes(body: bytes | FileSlice, start: int, length: int | None) -> bytes:
    if isinstance(body, bytes):
        return body[start : None if length is None else start + length]
    with open(body.path, "rb") as file:
        file.seek(body.offset + start)
        return file.read(body.length - start if length is None else min(length, body.length - start))


def read_csv(body: bytes | FileSlice, start: int, limit: int) -> tuple[list[list[str | None]], int | None]:
    """Rows from the byte `start`, and the byte at which the next page starts (None: there is none)."""
    size = len(body) if isinstance(body, bytes) else body.length
    data, at = b"", 0
    rows: list[list[str | None]] = []
    while len(rows) < limit:
        end = _row_end(data, at)
        if end < 0:
            piece = _bytes(body, start + len(data), CHUNK)
            if not piece:
                break
            data += piece
            continue
        rows.append(_fields(data[at:end].decode()))
        at = end + 1
    return rows, start + at if start + at < size else None


def _row_end(data: bytes, at: int) -> int:
    """Where the row from `at` ends: the next line break outside of quotes; -1 when it is not in `data` yet."""
    end = at
    while True:
        end = data.find(b"\n", end)
        if end < 0:
            return -1
        if data.count(b'"', at, end) % 2 == 0:
            return end
        end += 1


def _fields(line: str) -> list[str | None]:
    """A quoted field is text, one without quotes is NULL."""
    fields: list[str | None] = []
    at = 0
    while True:
        if line.startswith('"', at):
            end = line.find('"', at + 1)
            while line.startswith('"', end + 1):
                end = line.find('"', end + 2)
            fields.append(line[at + 1 : end].replace('""', '"'))
            at = end + 1
        else:
            end = line.find(",", at)
            end = len(line) if end < 0 else end
            fields.append(line[at:end] or None)
            at = end
        if at >= len(line):
            return fields
        at += 1  # the comma
        if at == len(line):
            return [*fields, None]
