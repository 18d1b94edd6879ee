"""Global tables of the legacy version, 2017.11.29: AWS makes none any more, so there are none.

The operations still answer, and do not see tables that have replicas (version 2019.11.21: replicas.py).
Source: recorded from AWS in October 2026 (ack-api-quirks, DynamoDB, table-global-tables).
"""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError

from ..service import Invalid, errors, operation
from ..table_rules import BAD

UNSUPPORTED = (
    f"{BAD}DynamoDB global tables version 2017.11.29 is not supported. We recommend using DynamoDB global tables "
    "version 2019.11.21, instead of version 2017.11.29 (Legacy)."
)


def _missing(request: dict[str, Any]) -> ServiceError:
    name = request["GlobalTableName"]
    error: ServiceError = errors.GlobalTableNotFoundException(f"Global table with name: '{name}' does not exist.")
    return error


@operation
def create_global_table(_: Call, __: dict[str, Any]) -> dict[str, Any]:
    """[DDB-647]"""
    raise Invalid(UNSUPPORTED)


@operation
def update_global_table(_: Call, request: dict[str, Any]) -> dict[str, Any]:
    if not request["ReplicaUpdates"]:
        raise Invalid(BAD.removesuffix(": "))
    if any("Create" in update for update in request["ReplicaUpdates"]):
        raise Invalid(UNSUPPORTED)
    raise _missing(request)


@operation
def describe_global_table(_: Call, request: dict[str, Any]) -> dict[str, Any]:
    raise _missing(request)


@operation
def describe_global_table_settings(_: Call, request: dict[str, Any]) -> dict[str, Any]:
    raise _missing(request)


@operation
def update_global_table_settings(_: Call, request: dict[str, Any]) -> dict[str, Any]:
    raise _missing(request)


@operation
def list_global_tables(_: Call, __: dict[str, Any]) -> dict[str, Any]:
    return {"GlobalTables": []}
