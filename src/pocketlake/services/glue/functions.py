"""User-defined functions: Hive functions registered in a database."""

from __future__ import annotations

import re
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import AlreadyExists, Resource

from . import databases, quotas
from .service import errors, glue, own_catalog, page_start, page_token

PAGE = 100


def _find(call: Call, database: str, name: str) -> Resource:
    parent = databases.find(call, database)
    function = call.resources("function").find(name.lower(), parent=parent.name)
    if function is None:
        raise errors.EntityNotFoundException(f"Function {name.lower()} not found.")
    return function


def _document(call: Call, database: str, given: dict[str, Any], name: str) -> dict[str, Any]:
    return {**given, "FunctionName": name, "DatabaseName": database, "CatalogId": call.account}


def _describe(function: Resource) -> dict[str, Any]:
    return {**function.body, "CreateTime": function.created}


@glue.operation
def create_user_defined_function(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    own_catalog(call, request)
    database = databases.find(call, request["DatabaseName"]).name
    given = request["FunctionInput"]
    if not given.get("FunctionName"):
        raise errors.InvalidInputException("FunctionName must be given.")
    name = given["FunctionName"].lower()
    quotas.check_count(call, quotas.FUNCTIONS, "function", database)
    try:
        call.resources("function").create(
            name,
            _document(call, database, given, name),
            parent=database,
            arn=call.arn(f"userDefinedFunction/{database}/{name}"),
        )
    except AlreadyExists:
        raise errors.AlreadyExistsException("Function already exists.") from None
    return {}


@glue.operation
def get_user_defined_function(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    own_catalog(call, request)
    return {"UserDefinedFunction": _describe(_find(call, request["DatabaseName"], request["FunctionName"]))}


@glue.operation
def get_user_defined_functions(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Functions whose name matches Pattern, of one database or of all."""
    own_catalog(call, request)
    try:
        pattern = re.compile(request["Pattern"].replace(".*", "*").replace("*", ".*"))
    except re.error as error:
        raise errors.InvalidInputException(f"Invalid pattern: {error}") from None
    functions = call.resources("function")
    if "DatabaseName" in request:
        candidates = functions.list(parent=databases.find(call, request["DatabaseName"]).name)
    else:
        candidates = functions.list_all()
    after = page_start(call, request, "functions")
    found = [
        function
        for function in candidates
        if pattern.fullmatch(function.name) and f"{function.parent}/{function.name}" > after
    ]
    limit = request.get("MaxResults", PAGE)
    answer: dict[str, Any] = {"UserDefinedFunctions": [_describe(function) for function in found[:limit]]}
    if len(found) > limit:
        last = found[limit - 1]
        answer["NextToken"] = page_token(call, "functions", f"{last.parent}/{last.name}")
    return answer


@glue.operation
def update_user_defined_function(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    own_catalog(call, request)
    function = _find(call, request["DatabaseName"], request["FunctionName"])
    document = _document(call, function.parent, request["FunctionInput"], function.name)
    call.resources("function").replace_body(function, document)
    return {}


@glue.operation
def delete_user_defined_function(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    own_catalog(call, request)
    call.resources("function").delete(_find(call, request["DatabaseName"], request["FunctionName"]))
    return {}
