"""What each operation on tables and items must be permitted: on a table, or on the index that is read.

Sources: Service Authorization Reference, "Amazon DynamoDB"; developer guide, "DynamoDB API permissions: Actions,
resources, and conditions reference", "IAM policies with DynamoDB transactions", "IAM security policies with PartiQL".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pocketlake.kernel.authorization import ANY, Authorization, Need, On, Request, filled, template
from pocketlake.kernel.call import Call

from .partiql import parser
from .service import Invalid

RESOURCE = "{ResourceArn}"
BACKUP = "{BackupArn}"
GLOBAL = "arn:aws:dynamodb::{account}:global-table/{GlobalTableName}"
REPLAYED = ("BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem")
PARTIQL = {
    "select": "dynamodb:PartiQLSelect",
    "exists": "dynamodb:PartiQLSelect",
    "insert": "dynamodb:PartiQLInsert",
    "update": "dynamodb:PartiQLUpdate",
    "delete": "dynamodb:PartiQLDelete",
}
WRITES = {"ConditionCheck": "ConditionCheckItem", "Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}


def arn(call: Call, name_or_arn: str) -> str:
    """Every operation takes a table by either."""
    if name_or_arn.startswith("arn:"):
        return name_or_arn
    return filled(template("dynamodb", "table/{TableName}"), call, {"TableName": name_or_arn})


def table(call: Call, request: Request) -> list[str]:
    return [arn(call, request["TableName"])]


def table_or_index(call: Call, request: Request) -> list[str]:
    index = request.get("IndexName")
    return [arn(call, request["TableName"]) + (f"/index/{index}" if index else "")]


def tables_of_batch(call: Call, request: Request) -> list[str]:
    return [arn(call, name) for name in request["RequestItems"]]


def source(call: Call, request: Request) -> list[str]:
    return [request.get("SourceTableArn") or arn(call, request.get("SourceTableName", ANY))]


def target(call: Call, request: Request) -> list[str]:
    return [arn(call, request["TargetTableName"])]


def imported(call: Call, request: Request) -> list[str]:
    return [arn(call, request["TableCreationParameters"]["TableName"])]


def reads(call: Call, request: Request) -> Iterator[Need]:
    for item in request["TransactItems"]:
        yield Need("dynamodb:GetItem", arn(call, item["Get"]["TableName"]))


def writes(call: Call, request: Request) -> Iterator[Need]:
    for item in request["TransactItems"]:
        for kind, action in WRITES.items():
            if kind in item:
                yield Need(f"dynamodb:{action}", arn(call, item[kind]["TableName"]))


def statement(call: Call, request: Request) -> Iterator[Need]:
    yield from _statement(call, request)


def statements(call: Call, request: Request) -> Iterator[Need]:
    for one in request["Statements"]:
        yield from _statement(call, one)


def transaction(call: Call, request: Request) -> Iterator[Need]:
    for one in request["TransactStatements"]:
        yield from _statement(call, one)


def _statement(call: Call, one: dict[str, Any]) -> Iterator[Need]:
    """One that cannot be read does nothing, so it needs nothing: the operation refuses it."""
    try:
        parsed = parser.parse(one["Statement"], one.get("Parameters") or [])
    except (Invalid, RecursionError):
        return
    index = f"/index/{parsed.index}" if parsed.index else ""
    yield Need(PARTIQL[parsed.kind], arn(call, parsed.table) + index)


TABLE = On(table)

authorization = Authorization(
    "dynamodb",
    {
        "batch_execute_statement": statements,
        "batch_get_item": On(tables_of_batch),
        "batch_write_item": On(tables_of_batch),
        "create_backup": TABLE,
        "create_global_table": (On(GLOBAL), On(template("dynamodb", "table/{GlobalTableName}"))),
        "create_table": (
            TABLE,
            On(table, "TagResource", given="Tags"),
            On(table, "PutResourcePolicy", given="ResourcePolicy"),
        ),
        "delete_backup": BACKUP,
        "delete_item": TABLE,
        "delete_resource_policy": RESOURCE,
        "delete_table": TABLE,
        "describe_backup": BACKUP,
        "describe_continuous_backups": TABLE,
        "describe_contributor_insights": On(table_or_index),
        "describe_endpoints": ANY,
        "describe_export": "{ExportArn}",
        "describe_global_table": GLOBAL,
        "describe_global_table_settings": GLOBAL,
        "describe_import": "{ImportArn}",
        "describe_kinesis_streaming_destination": TABLE,
        "describe_limits": ANY,
        "describe_table": TABLE,
        "describe_table_replica_auto_scaling": TABLE,
        "describe_time_to_live": TABLE,
        "disable_kinesis_streaming_destination": TABLE,
        "enable_kinesis_streaming_destination": TABLE,
        "execute_statement": statement,
        "execute_transaction": transaction,
        "export_table_to_point_in_time": "{TableArn}",
        "get_item": TABLE,
        "get_resource_policy": RESOURCE,
        "import_table": On(imported),
        "list_backups": ANY,
        "list_contributor_insights": ANY,
        "list_exports": ANY,
        "list_global_tables": ANY,
        "list_imports": ANY,
        "list_tables": ANY,
        "list_tags_of_resource": RESOURCE,
        "put_item": TABLE,
        "put_resource_policy": RESOURCE,
        "query": On(table_or_index),
        "restore_table_from_backup": (On(BACKUP), On(target), *(On(target, action) for action in REPLAYED)),
        "restore_table_to_point_in_time": (On(source), On(target), *(On(target, action) for action in REPLAYED)),
        "scan": On(table_or_index),
        "start_aws_backup_job": TABLE,  # AWS Backup's way in: no operation of the API, but an action
        "tag_resource": RESOURCE,
        "transact_get_items": reads,
        "transact_write_items": writes,
        "untag_resource": RESOURCE,
        "update_continuous_backups": TABLE,
        "update_contributor_insights": On(table_or_index),
        "update_global_table": GLOBAL,
        "update_global_table_settings": GLOBAL,
        "update_item": TABLE,
        "update_kinesis_streaming_destination": TABLE,
        "update_table": TABLE,
        "update_table_replica_auto_scaling": TABLE,
        "update_time_to_live": TABLE,
    },
)
