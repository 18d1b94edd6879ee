"""Prepared statements: SQL with `?`, by name in a workgroup."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import AlreadyExists, Resource

from . import workgroups
from .service import athena, errors, opened, page

PAGE = 50


def find(call: Call, name: str, group: str) -> Resource:
    workgroups.find(call, group)
    statement = call.resources("prepared").find(name, parent=group)
    if statement is None:
        raise errors.ResourceNotFoundException(f"PreparedStatement {name} was not found in workGroup {group}")
    return statement


def describe(statement: Resource) -> dict[str, Any]:
    return {
        "StatementName": statement.name,
        "QueryStatement": statement["QueryStatement"],
        "WorkGroupName": statement.parent,
        "Description": statement.get("Description"),
        "LastModifiedTime": statement["LastModifiedTime"],
    }


@athena.operation
def create_prepared_statement(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    group = workgroups.find(call, request["WorkGroup"]).name
    body = {"QueryStatement": request["QueryStatement"], "LastModifiedTime": call.now}
    if "Description" in request:
        body["Description"] = request["Description"]
    try:
        call.resources("prepared").create(request["StatementName"], body, parent=group)
    except AlreadyExists:
        raise errors.InvalidRequestException(
            f"PreparedStatement {request['StatementName']} already exists in workGroup {group}"
        ) from None
    return {}


@athena.operation
def get_prepared_statement(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return {"PreparedStatement": describe(find(call, request["StatementName"], request["WorkGroup"]))}


@athena.operation
def batch_get_prepared_statement(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    group = workgroups.find(call, request["WorkGroup"]).name
    found, missing = [], []
    for name in request["PreparedStatementNames"]:
        statement = call.resources("prepared").find(name, parent=group)
        if statement is not None:
            found.append(describe(statement))
        else:
            message = f"PreparedStatement {name} was not found in workGroup {group}"
            missing.append({"StatementName": name, "ErrorCode": "STATEMENT_NOT_FOUND", "ErrorMessage": message})
    return {"PreparedStatements": found, "UnprocessedPreparedStatementNames": missing}


@athena.operation
def list_prepared_statements(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    group = workgroups.find(call, request["WorkGroup"]).name
    after = opened(call, request, "prepared").get("after", "")
    found = call.resources("prepared").list(parent=group, after=after, limit=PAGE + 1)
    found, token = page(call, request, "prepared", found, PAGE)
    summaries = [{"StatementName": item.name, "LastModifiedTime": item["LastModifiedTime"]} for item in found]
    return {"PreparedStatements": summaries, **token}


@athena.operation
def update_prepared_statement(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    statement = find(call, request["StatementName"], request["WorkGroup"])
    changes = {"QueryStatement": request["QueryStatement"], "LastModifiedTime": call.now}
    if "Description" in request:
        changes["Description"] = request["Description"]
    call.resources("prepared").update(statement, **changes)
    return {}


@athena.operation
def delete_prepared_statement(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    call.resources("prepared").delete(find(call, request["StatementName"], request["WorkGroup"]))
    return {}
