"""Databases: namespaces of tables and functions."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import AlreadyExists, Resource

from . import quotas, store
from .service import errors, glue, own_catalog, page_start, page_token

PAGE = 100
# What Glue grants on new tables while Lake Formation does not govern the database.
DEFAULT_PERMISSIONS = [{"Principal": {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}, "Permissions": ["ALL"]}]


def find(call: Call, name: str) -> Resource:
    database = call.resources("database").find(name.lower())
    if database is None:
        raise errors.EntityNotFoundException(f"Database {name.lower()} not found.")
    return database


def describe(call: Call, database: Resource) -> dict[str, Any]:
    return {**database.body, "CreateTime": database.created, "CatalogId": call.account}


def _document(given: dict[str, Any]) -> dict[str, Any]:
    return {"CreateTableDefaultPermissions": DEFAULT_PERMISSIONS, **given, "Name": given["Name"].lower()}


@glue.operation
def create_database(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Add a database to the catalog; its name is kept in lower case.  [GLUE-025]"""
    own_catalog(call, request)
    document = _document(request["DatabaseInput"])
    name = document["Name"]
    quotas.check_count(call, quotas.DATABASES, "database")
    try:
        call.resources("database").create(
            name, document, arn=call.arn(f"database/{name}"), tags=request.get("Tags", {})
        )
    except AlreadyExists:
        raise errors.AlreadyExistsException("Database already exists.") from None
    return {}


@glue.operation
def get_database(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    own_catalog(call, request)
    return {"Database": describe(call, find(call, request["Name"]))}


@glue.operation
def get_databases(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    own_catalog(call, request)
    limit = request.get("MaxResults", PAGE)
    found = call.resources("database").list(after=page_start(call, request, "databases"), limit=limit + 1)
    answer: dict[str, Any] = {"DatabaseList": [describe(call, database) for database in found[:limit]]}
    if len(found) > limit:
        answer["NextToken"] = page_token(call, "databases", found[limit - 1].name)
    return answer


@glue.operation
def update_database(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Replace the database's description. Its name stays."""
    own_catalog(call, request)
    database = find(call, request["Name"])
    document = _document(request["DatabaseInput"])
    if document["Name"] != database.name:
        raise errors.InvalidInputException("Database name cannot be changed.")
    call.resources("database").replace_body(database, document)
    return {}


@glue.operation
def delete_database(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Delete the database with all its tables and functions. The data in S3 stays.  [GLUE-510]"""
    own_catalog(call, request)
    database = find(call, request["Name"])
    for kind in ("table", "function"):
        resources = call.resources(kind)
        for resource in resources.list(parent=database.name):
            resources.delete(resource)
            if kind == "table":
                store.drop_table(call, database.name, resource.name)
    call.resources("database").delete(database)
    return {}
