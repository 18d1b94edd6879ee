"""Connections: how to reach a data store. Records only: nothing connects through them yet."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import AlreadyExists, Resource

from . import quotas
from .service import each_alone, errors, glue, own_catalog, page_start, page_token

PAGE = 100
SECRETS = ("PASSWORD", "ENCRYPTED_PASSWORD", "ENCRYPTED_KAFKA_CLIENT_KEYSTORE_PASSWORD")


def _find(call: Call, name: str) -> Resource:
    connection = call.resources("connection").find(name)
    if connection is None:
        raise errors.EntityNotFoundException(f"Connection {name} not found.")
    return connection


def _document(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in given.items() if not name.startswith("Validate")}
    return {**kept, "LastUpdatedTime": call.now, "LastUpdatedBy": call.principal.arn, "Status": "READY"}


def _describe(connection: Resource, hide_password: bool) -> dict[str, Any]:
    """A password is left out when HidePassword asks for it.  [GLUE-029]"""
    body = {"MatchCriteria": [], **connection.body, "CreationTime": connection.created}
    if hide_password:
        properties = {name: value for name, value in body["ConnectionProperties"].items() if name not in SECRETS}
        body["ConnectionProperties"] = properties
    return body


@glue.operation
def create_connection(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    own_catalog(call, request)
    given = request["ConnectionInput"]
    name = given["Name"]
    quotas.check_count(call, quotas.CONNECTIONS, "connection")
    try:
        call.resources("connection").create(
            name, _document(call, given), arn=call.arn(f"connection/{name}"), tags=request.get("Tags", {})
        )
    except AlreadyExists:
        raise errors.AlreadyExistsException("Connection already exists.") from None
    return {"CreateConnectionStatus": "READY"}


@glue.operation
def get_connection(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    own_catalog(call, request)
    return {"Connection": _describe(_find(call, request["Name"]), request.get("HidePassword", False))}


@glue.operation
def get_connections(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Connections by name; the filter asks for a type and for all of the given match criteria."""
    own_catalog(call, request)
    wanted = request.get("Filter", {})
    criteria = set(wanted.get("MatchCriteria", []))
    limit = request.get("MaxResults", PAGE)
    found = [
        connection
        for connection in call.resources("connection").list(after=page_start(call, request, "connections"))
        if wanted.get("ConnectionType") in (None, connection["ConnectionType"])
        and criteria <= set(connection.get("MatchCriteria", []))
    ]
    hide = request.get("HidePassword", False)
    answer: dict[str, Any] = {"ConnectionList": [_describe(connection, hide) for connection in found[:limit]]}
    if len(found) > limit:
        answer["NextToken"] = page_token(call, "connections", found[limit - 1].name)
    return answer


@glue.operation
def update_connection(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    own_catalog(call, request)
    connection = _find(call, request["Name"])
    given = request["ConnectionInput"]
    document = _document(call, {**given, "Name": connection.name})
    call.resources("connection").replace_body(connection, document)
    return {}


@glue.operation
def delete_connection(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    own_catalog(call, request)
    call.resources("connection").delete(_find(call, request["ConnectionName"]))
    return {}


@glue.operation
def batch_delete_connection(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    own_catalog(call, request)
    succeeded: list[str] = []
    failures: list[dict[str, Any]] = []
    for name in request["ConnectionNameList"]:
        with each_alone(call, failures, Name=name):
            call.resources("connection").delete(_find(call, name))
            succeeded.append(name)
    return {
        "Succeeded": succeeded,
        "Errors": {failure["Name"]: failure["ErrorDetail"] for failure in failures},
    }
