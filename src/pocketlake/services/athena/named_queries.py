"""Named queries: SQL kept under an id, in a workgroup."""

from __future__ import annotations

import uuid
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import workgroups
from .service import athena, errors, opened, page

PAGE = 50


def find(call: Call, identity: str) -> Resource:
    query = call.resources("namedquery").find(identity)
    if query is None:
        raise errors.InvalidRequestException(f"NamedQuery {identity} is not found.")
    return query


def describe(query: Resource) -> dict[str, Any]:
    return {**{name: value for name, value in query.body.items() if name != "Token"}, "NamedQueryId": query.name}


@athena.operation
def create_named_query(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    group = request.get("WorkGroup", workgroups.PRIMARY)
    workgroups.enabled(call, group)
    token = request.get("ClientRequestToken", "")
    if token:
        for query in call.resources("namedquery").list():
            if query.get("Token") == token:
                return {"NamedQueryId": query.name}
    identity = str(uuid.uuid4())
    members = ("Name", "Description", "Database", "QueryString")
    body = {name: request[name] for name in members if name in request}
    call.resources("namedquery").create(identity, {**body, "WorkGroup": group, "Token": token})
    return {"NamedQueryId": identity}


@athena.operation
def get_named_query(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return {"NamedQuery": describe(find(call, request["NamedQueryId"]))}


@athena.operation
def batch_get_named_query(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    found, missing = [], []
    for identity in request["NamedQueryIds"]:
        query = call.resources("namedquery").find(identity)
        if query is not None:
            found.append(describe(query))
        else:
            missing.append(
                {
                    "NamedQueryId": identity,
                    "ErrorCode": "INTERNAL_FAILURE",
                    "ErrorMessage": f"NamedQuery {identity} is not found.",
                }
            )
    return {"NamedQueries": found, "UnprocessedNamedQueryIds": missing}


@athena.operation
def list_named_queries(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    group = request.get("WorkGroup", workgroups.PRIMARY)
    workgroups.find(call, group)
    after = opened(call, request, "namedqueries").get("after", "")
    mine = [query for query in call.resources("namedquery").list(after=after) if query["WorkGroup"] == group]
    found, token = page(call, request, "namedqueries", mine, PAGE)
    return {"NamedQueryIds": [query.name for query in found], **token}


@athena.operation
def update_named_query(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    query = find(call, request["NamedQueryId"])
    members = ("Name", "Description", "QueryString")
    call.resources("namedquery").update(query, **{name: request[name] for name in members if name in request})
    return {}


@athena.operation
def delete_named_query(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    call.resources("namedquery").delete(find(call, request["NamedQueryId"]))
    return {}
