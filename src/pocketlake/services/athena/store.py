"""Query executions: a row each, the document in it as the API shows it."""

from __future__ import annotations

from typing import Any

import orjson

from pocketlake.kernel.call import Call

MIGRATIONS = [
    """
    CREATE TABLE athena_queries (
        account TEXT NOT NULL, region TEXT NOT NULL, id TEXT NOT NULL,
        workgroup TEXT NOT NULL, submitted REAL NOT NULL, token TEXT NOT NULL, state TEXT NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (account, region, id)
    ) WITHOUT ROWID;
    CREATE INDEX athena_queries_by_workgroup ON athena_queries (account, region, workgroup, submitted, id);
    CREATE INDEX athena_queries_by_token ON athena_queries (account, region, token) WHERE token <> '';
    """
]


def insert(call: Call, body: dict[str, Any], token: str) -> None:
    call.db.execute(
        "INSERT INTO athena_queries VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            call.account,
            call.region,
            body["QueryExecutionId"],
            body["WorkGroup"],
            body["Status"]["SubmissionDateTime"],
            token,
            body["Status"]["State"],
            orjson.dumps(body),
        ),
    )


def update(call: Call, body: dict[str, Any]) -> None:
    # The primary key serves this.
    call.db.execute(
        "UPDATE athena_queries SET state = ?, body = ? WHERE account = ? AND region = ? AND id = ?",
        (body["Status"]["State"], orjson.dumps(body), call.account, call.region, body["QueryExecutionId"]),
    )


def find(call: Call, identity: str) -> dict[str, Any] | None:
    # The primary key serves this.
    row = call.db.one(
        "SELECT body FROM athena_queries WHERE account = ? AND region = ? AND id = ?",
        (call.account, call.region, identity),
    )
    return None if row is None else orjson.loads(row[0])


def by_token(call: Call, token: str) -> dict[str, Any] | None:
    # athena_queries_by_token serves this.
    row = call.db.one(
        "SELECT body FROM athena_queries WHERE account = ? AND region = ? AND token = ? AND token <> ''",
        (call.account, call.region, token),
    )
    return None if row is None else orjson.loads(row[0])


def newest(call: Call, workgroup: str, before: tuple[float, str] | None, limit: int) -> list[tuple[str, float]]:
    """(id, submitted) of a workgroup's queries, the newest first. athena_queries_by_workgroup serves this."""
    moment, identity = before or (float("inf"), "")
    return list(
        call.db.execute(
            "SELECT id, submitted FROM athena_queries WHERE account = ? AND region = ? AND workgroup = ?"
            " AND (submitted, id) < (?, ?) ORDER BY submitted DESC, id DESC LIMIT ?",
            (call.account, call.region, workgroup, moment, identity, limit),
        )
    )


def reusable(call: Call, workgroup: str, since: float, query: str, database: str) -> dict[str, Any] | None:
    """The newest success of the same text since then. athena_queries_by_workgroup serves this."""
    rows = call.db.execute(
        "SELECT body FROM athena_queries WHERE account = ? AND region = ? AND workgroup = ? AND submitted >= ?"
        " AND state = 'SUCCEEDED' ORDER BY submitted DESC LIMIT 1000",
        (call.account, call.region, workgroup, since),
    )
    for (body,) in rows:
        document: dict[str, Any] = orjson.loads(body)
        if document["Query"] == query and document["QueryExecutionContext"].get("Database", "") == database:
            return document
    return None


def delete_workgroup(call: Call, workgroup: str) -> None:
    call.db.execute(
        "DELETE FROM athena_queries WHERE account = ? AND region = ? AND workgroup = ?",
        (call.account, call.region, workgroup),
    )
