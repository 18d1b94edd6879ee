"""The catalog as the SQL engine wants it: Glue's tables as plain values."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson

from pocketlake.engines.sql.catalog import Column, Partition, Snapshot, Table, TableName
from pocketlake.engines.sql.errors import SqlError
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError

VIEW_HEAD, VIEW_TAIL = "/* Presto View: ", " */"
INFORMATION_SCHEMA = "information_schema"


def database_names(call: Call) -> list[str]:
    return [item["Name"] for item in _all(call.aws.glue.get_databases, "DatabaseList")]


def documents(call: Call, database: str) -> list[dict[str, Any]]:
    try:
        return _all(call.aws.glue.get_tables, "TableList", DatabaseName=database)
    except ServiceError:
        raise SqlError("SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist", 1, 1) from None


def document(call: Call, database: str, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = call.aws.glue.get_table(DatabaseName=database, Name=name)["Table"]
        return found
    except ServiceError as error:
        if error.code != "EntityNotFoundException":
            raise
        return None


def _all(ask: Any, member: str, **request: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        answer = ask(**request, **token)
        found += answer[member]
        if "NextToken" not in answer:
            return found
        token = {"NextToken": answer["NextToken"]}


def table_of(found: dict[str, Any]) -> Table:
    storage = found.get("StorageDescriptor", {})
    serde = storage.get("SerdeInfo", {})
    return Table(
        found["DatabaseName"],
        found["Name"],
        _columns(storage.get("Columns", [])),
        _columns(found.get("PartitionKeys", [])),
        storage.get("Location", ""),
        serde.get("SerializationLibrary", ""),
        storage.get("InputFormat", ""),
        serde.get("Parameters", {}),
        found.get("Parameters", {}),
        view_text(found),
    )


def _columns(listed: list[dict[str, Any]]) -> tuple[Column, ...]:
    return tuple(Column(item["Name"].lower(), item.get("Type", "string"), item.get("Comment", "")) for item in listed)


def view_text(found: dict[str, Any]) -> str:
    """The Trino text of a view, which Glue holds as Presto's comment; "" for a table."""
    if found.get("TableType") != "VIRTUAL_VIEW":
        return ""
    original = found.get("ViewOriginalText", "")
    if not original.startswith(VIEW_HEAD):
        return str(original)
    try:
        return str(orjson.loads(base64.b64decode(original[len(VIEW_HEAD) : -len(VIEW_TAIL)]))["originalSql"])
    except (binascii.Error, orjson.JSONDecodeError, KeyError):
        raise SqlError("INVALID_VIEW", f"The text of view {found['Name']} cannot be read") from None


async def snapshot(call: Call, sql: str, database: str) -> Snapshot:
    """Every table and view that the query leads to."""
    from pocketlake.engines.sql import bind

    known = Snapshot(database)
    waiting = [(sql, database)]
    asked: set[TableName] = set()
    while waiting:
        text, home = waiting.pop()
        for name in await call.offload(bind.tables_named, text, home):
            if name in asked:
                continue
            asked.add(name)
            found = _information(name) if name.database == INFORMATION_SCHEMA else _table(call, name, known)
            if found is not None:
                known.tables[name] = found
                if found.view:
                    waiting.append((found.view, found.database))
    return known


def _table(call: Call, name: TableName, known: Snapshot) -> Table | None:
    found = document(call, name.database, name.name)
    if found is not None:
        known.databases.add(name.database)
        return table_of(found)
    try:
        call.aws.glue.get_database(Name=name.database)
        known.databases.add(name.database)
    except ServiceError:
        if name.database == "default":
            known.databases.add(name.database)
    return None


INFORMATION = {
    "schemata": ("catalog_name", "schema_name"),
    "tables": ("table_catalog", "table_schema", "table_name", "table_type"),
    "views": ("table_catalog", "table_schema", "table_name", "view_definition"),
    "columns": (
        "table_catalog", "table_schema", "table_name", "column_name", "ordinal_position", "column_default",
        "is_nullable", "data_type", "comment", "extra_info",
    ),
}  # fmt: skip


def _information(name: TableName) -> Table | None:
    columns = INFORMATION.get(name.name)
    if columns is None:
        return None
    kinds = {"ordinal_position": "bigint"}
    return Table(INFORMATION_SCHEMA, name.name, tuple(Column(item, kinds.get(item, "string")) for item in columns))


def information_rows(call: Call, what: str) -> list[tuple[str | None, ...]]:
    from pocketlake.engines.sql import types

    catalog = "awsdatacatalog"
    databases = database_names(call)
    if what == "schemata":
        return [(catalog, name) for name in [*databases, INFORMATION_SCHEMA]]
    rows: list[tuple[str | None, ...]] = []
    for database in databases:
        for found in documents(call, database):
            view = found.get("TableType") == "VIRTUAL_VIEW"
            head = (catalog, database, found["Name"])
            if what == "tables":
                rows.append((*head, "VIEW" if view else "BASE TABLE"))
            elif what == "views" and view:
                rows.append((*head, view_text(found)))
            elif what == "columns":
                table = table_of(found)
                keys = {column.name for column in table.partition_keys}
                for number, column in enumerate(table.all_columns, 1):
                    extra = "partition key" if column.name in keys else None
                    kind = types.trino(types.tree(column.type))
                    rows.append((*head, column.name, str(number), None, "YES", kind, column.comment or None, extra))
    return rows


def partitions(call: Call, table: Table, expression: str = "") -> list[Partition]:
    request = {"Expression": expression} if expression else {}
    found = _all(
        call.aws.glue.get_partitions, "Partitions", DatabaseName=table.database, TableName=table.name, **request
    )
    return [Partition(tuple(item["Values"]), item.get("StorageDescriptor", {}).get("Location", "")) for item in found]
