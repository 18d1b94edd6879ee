"""Statements that change the catalog: databases, tables, views, partitions."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote, unquote

import orjson

from pocketlake.engines.formats import hive_types
from pocketlake.engines.sql import statements, types
from pocketlake.engines.sql.errors import NotSupported, SqlError
from pocketlake.engines.sql.pruning import HIVE_NULL
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError

from . import files, formats, tables
from .runs import Answer, Run, keep

DDL = "FAILED"


def full_name(run: Run, name: statements.Name) -> tuple[str, str]:
    """Database and table of a written name."""
    if len(name) > 3 or (len(name) == 3 and name[0] != "awsdatacatalog"):
        raise SqlError("CATALOG_NOT_FOUND", f"Catalog '{name[0]}' does not exist", 1, 1)
    return (name[-2] if len(name) > 1 else run.database), name[-1]


def require_database(call: Call, database: str) -> None:
    try:
        call.aws.glue.get_database(Name=database)
    except ServiceError:
        raise SqlError("SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist", 1, 1) from None


def require_table(call: Call, database: str, name: str) -> dict[str, Any]:
    found = tables.document(call, database, name)
    if found is None:
        require_database(call, database)
        raise SqlError("TABLE_NOT_FOUND", f"Table 'awsdatacatalog.{database}.{name}' does not exist", 1, 1)
    return found


def failed(message: str) -> SqlError:
    """Hive's way to say no."""
    return SqlError("FAILED", f"Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. {message}")


def escape(value: str) -> str:
    return value if value == HIVE_NULL else quote(value, safe=" -_.,@!+()&")


async def define(call: Call, run: Run, statement: statements.Statement) -> Answer:
    handler = HANDLERS.get(type(statement))
    if handler is None:
        raise NotSupported(f"The statement {type(statement).__name__}")
    result = handler(call, run, statement)
    lines = await result if isinstance(result, Awaitable) else result
    return keep(call, run, Answer(lines=lines or []))


def _create_database(call: Call, run: Run, statement: statements.CreateDatabase) -> None:
    given: dict[str, Any] = {"Name": statement.name, "Parameters": statement.properties}
    if statement.comment:
        given["Description"] = statement.comment
    if statement.location:
        given["LocationUri"] = statement.location
    try:
        call.aws.glue.create_database(DatabaseInput=given)
    except ServiceError as error:
        if error.code != "AlreadyExistsException":
            raise
        if not statement.if_not_exists:
            raise failed(f"Database {statement.name} already exists") from None


def _alter_database(call: Call, run: Run, statement: statements.AlterDatabase) -> None:
    require_database(call, statement.name)
    found = call.aws.glue.get_database(Name=statement.name)["Database"]
    kept = {name: found[name] for name in ("Name", "Description", "LocationUri") if name in found}
    parameters = {**found.get("Parameters", {}), **statement.properties}
    call.aws.glue.update_database(Name=statement.name, DatabaseInput={**kept, "Parameters": parameters})


def _drop(call: Call, run: Run, statement: statements.Drop) -> None:
    if statement.kind == "DATABASE":
        _drop_database(call, statement)
        return
    database, name = full_name(run, statement.name)
    found = tables.document(call, database, name)
    if found is None:
        if statement.if_exists:
            return
        raise (
            failed(f"Table {database}.{name} not found")
            if statement.kind == "TABLE"
            else failed(f"View {name} not found")
        )
    is_view = found.get("TableType") == "VIRTUAL_VIEW"
    if is_view != (statement.kind == "VIEW"):
        raise failed("Cannot drop a view with DROP TABLE" if is_view else "Cannot drop a base table with DROP VIEW")
    call.aws.glue.delete_table(DatabaseName=database, Name=name)


def _drop_database(call: Call, statement: statements.Drop) -> None:
    name = statement.name[-1]
    try:
        call.aws.glue.get_database(Name=name)
    except ServiceError:
        if statement.if_exists:
            return
        raise failed(f"Database does not exist: {name}") from None
    listed = tables.documents(call, name)
    if listed and not statement.cascade:
        raise failed(f"InvalidOperationException(message:Database {name} is not empty. One or more tables exist.)")
    call.aws.glue.delete_database(Name=name)


def _create_table(call: Call, run: Run, statement: statements.CreateTable) -> None:
    """[ATH-533, ATH-543, ATH-557]"""
    database, name = full_name(run, statement.name)
    if statement.properties.get("table_type", "").upper() == "ICEBERG":
        raise NotSupported("CREATE TABLE for Iceberg")
    if not statement.external:
        raise failed("MetaException(message:Only external tables are supported: CREATE EXTERNAL TABLE)")
    if not statement.location:
        raise SqlError("FAILED", "SemanticException table is not external or has no location")
    files.split_location(statement.location)
    _check_types(statement)
    require_database(call, database)
    try:
        call.aws.glue.create_table(DatabaseName=database, TableInput=_table_input(name, statement))
    except ServiceError as error:
        if error.code != "AlreadyExistsException":
            raise
        if not statement.if_not_exists:
            raise failed(f"AlreadyExistsException(message:Table {name} already exists.)") from None


def _check_types(statement: statements.CreateTable) -> None:
    names = [name for name, _, _ in statement.columns]
    for name, kind, _ in [*statement.columns, *statement.partitions]:
        if not hive_types.is_valid(kind):
            raise SqlError("FAILED", f"ParseException: cannot recognize input near '{kind}' in column type of {name}")
    for name in [name for name, _, _ in statement.partitions] + [name for name in names if names.count(name) > 1]:
        if name in names:  # [ATH-544]
            raise SqlError("FAILED", f"SemanticException Column repeated in partitioning columns: {name}")


def _table_input(name: str, statement: statements.CreateTable) -> dict[str, Any]:
    stored = statement.stored_as or ("TEXTFILE" if not statement.formats else "")
    if stored and stored not in formats.STORED_AS:
        raise SqlError("FAILED", f"SemanticException Unrecognized file format in STORED AS clause: '{stored}'")
    input_format, output_format, library = formats.STORED_AS.get(stored, ("", "", formats.LAZY))
    if statement.formats:
        input_format, output_format = statement.formats
    serde = {**statement.delimiters, **statement.serde_properties}
    if statement.delimiters.get("field.delim"):
        serde.setdefault("serialization.format", statement.delimiters["field.delim"])
    serde.setdefault("serialization.format", "1")
    storage: dict[str, Any] = {
        "Columns": [_column(*column) for column in statement.columns],
        "Location": statement.location,
        "InputFormat": input_format,
        "OutputFormat": output_format,
        "SerdeInfo": {"SerializationLibrary": statement.serde or library, "Parameters": serde},
    }
    if statement.buckets:
        storage["BucketColumns"], storage["NumberOfBuckets"] = list(statement.buckets[0]), statement.buckets[1]
    document: dict[str, Any] = {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", **statement.properties},
        "StorageDescriptor": storage,
        "PartitionKeys": [_column(*column) for column in statement.partitions],
    }
    if statement.comment:
        document["Parameters"]["comment"] = statement.comment
    return document


def _column(name: str, kind: str, comment: str) -> dict[str, str]:
    return {"Name": name, "Type": kind, **({"Comment": comment} if comment else {})}


async def _create_view(call: Call, run: Run, statement: statements.CreateView) -> None:
    """A view is kept as Presto keeps it: its text and columns in a comment."""
    from pocketlake.engines.sql.jobs import Output

    from . import selects

    database, name = full_name(run, statement.name)
    require_database(call, database)
    existing = tables.document(call, database, name)
    if existing is not None and (not statement.replace or existing.get("TableType") != "VIRTUAL_VIEW"):
        raise SqlError("TABLE_ALREADY_EXISTS", f"Table already exists: '{database}.{name}'", 1, 1)
    # Running it over empty tables is how its columns' types become known.
    lowered, scans = await selects.prepare(call, run, statement.sql, with_files=False)
    output = Output("csv", str(run.directory / "view.csv"), lowered.query.labels)
    outcome = await selects.execute(call, run, lowered, scans, output)
    columns = [(label.lower(), types.hive_name(kind)) for label, kind in outcome.columns]
    text = orjson.dumps(
        {
            "originalSql": statement.sql,
            "catalog": "awsdatacatalog",
            "schema": run.database,
            "columns": [{"name": label, "type": types.trino(types.tree(kind))} for label, kind in columns],
        }
    )
    document = {
        "Name": name,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "ViewOriginalText": tables.VIEW_HEAD + base64.b64encode(text).decode() + tables.VIEW_TAIL,
        "ViewExpandedText": "/* Presto View */",
        "StorageDescriptor": {"Columns": [_column(label, kind, "") for label, kind in columns], "Location": ""},
        "PartitionKeys": [],
    }
    if existing is None:
        call.aws.glue.create_table(DatabaseName=database, TableInput=document)
    else:
        call.aws.glue.update_table(DatabaseName=database, TableInput=document)


def _values(document: dict[str, Any], spec: dict[str, str]) -> list[str]:
    keys = [key["Name"].lower() for key in document.get("PartitionKeys", [])]
    if sorted(keys) != sorted(spec):
        raise SqlError(
            "FAILED", f"SemanticException [Error 10006]: Partition not found {spec}, table's keys are {keys}"
        )
    return [spec[key] for key in keys]


def _add_partitions(call: Call, run: Run, statement: statements.AddPartitions) -> None:
    """[ATH-542]"""
    database, name = full_name(run, statement.name)
    document = require_table(call, database, name)
    storage = document["StorageDescriptor"]
    for spec, location in statement.partitions:
        values = _values(document, spec)
        keys = [key["Name"] for key in document["PartitionKeys"]]
        folder = "/".join(f"{key}={escape(value)}" for key, value in zip(keys, values, strict=True))
        place = location or f"{storage['Location'].rstrip('/')}/{folder}"
        given = {"Values": values, "StorageDescriptor": {**storage, "Location": place}}
        try:
            call.aws.glue.create_partition(DatabaseName=database, TableName=name, PartitionInput=given)
        except ServiceError as error:
            if error.code != "AlreadyExistsException":
                raise
            if not statement.if_not_exists:
                raise failed("AlreadyExistsException(message:Partition already exists.)") from None


def _drop_partitions(call: Call, run: Run, statement: statements.DropPartitions) -> None:
    database, name = full_name(run, statement.name)
    document = require_table(call, database, name)
    keys = [key["Name"].lower() for key in document.get("PartitionKeys", [])]
    known = tables.partitions(call, tables.table_of(document))
    for spec in statement.partitions:
        if not set(spec) <= set(keys):
            raise SqlError("FAILED", f"SemanticException [Error 10006]: Partition not found {spec}")
        chosen = [item for item in known if all(item.values[keys.index(key)] == value for key, value in spec.items())]
        if not chosen and not statement.if_exists:
            raise SqlError("FAILED", f"SemanticException [Error 10006]: Partition not found {spec}")
        for item in chosen:
            call.aws.glue.delete_partition(DatabaseName=database, TableName=name, PartitionValues=list(item.values))


def _partition(call: Call, database: str, name: str, values: list[str]) -> dict[str, Any]:
    try:
        found: dict[str, Any] = call.aws.glue.get_partition(
            DatabaseName=database, TableName=name, PartitionValues=values
        )
    except ServiceError:
        raise SqlError("FAILED", f"SemanticException [Error 10006]: Partition not found {values}") from None
    return found["Partition"]


def _rename_partition(call: Call, run: Run, statement: statements.RenamePartition) -> None:
    database, name = full_name(run, statement.name)
    document = require_table(call, database, name)
    old, new = _values(document, statement.old), _values(document, statement.new)
    found = _partition(call, database, name, old)
    given = {"Values": new, "StorageDescriptor": found["StorageDescriptor"], "Parameters": found.get("Parameters", {})}
    call.aws.glue.update_partition(DatabaseName=database, TableName=name, PartitionValueList=old, PartitionInput=given)


def _set_location(call: Call, run: Run, statement: statements.SetLocation) -> None:
    database, name = full_name(run, statement.name)
    document = require_table(call, database, name)
    files.split_location(statement.location)
    if not statement.partition:
        storage = {**document["StorageDescriptor"], "Location": statement.location}
        _update(call, database, document, StorageDescriptor=storage)
        return
    values = _values(document, statement.partition)
    found = _partition(call, database, name, values)
    storage = {**found["StorageDescriptor"], "Location": statement.location}
    given = {"Values": values, "StorageDescriptor": storage, "Parameters": found.get("Parameters", {})}
    call.aws.glue.update_partition(
        DatabaseName=database, TableName=name, PartitionValueList=values, PartitionInput=given
    )


INPUT = (
    "Name", "Description", "Owner", "Retention", "StorageDescriptor", "PartitionKeys", "ViewOriginalText",
    "ViewExpandedText", "TableType", "Parameters",
)  # fmt: skip


def _update(call: Call, database: str, document: dict[str, Any], **changes: Any) -> None:
    kept = {name: document[name] for name in INPUT if name in document}
    call.aws.glue.update_table(DatabaseName=database, TableInput={**kept, **changes})


def _set_properties(call: Call, run: Run, statement: statements.SetProperties) -> None:
    database, name = full_name(run, statement.name)
    document = require_table(call, database, name)
    _update(call, database, document, Parameters={**document.get("Parameters", {}), **statement.properties})


def _add_columns(call: Call, run: Run, statement: statements.AddColumns) -> None:
    database, name = full_name(run, statement.name)
    document = require_table(call, database, name)
    storage = document["StorageDescriptor"]
    new = [_column(*column) for column in statement.columns]
    kept = [] if statement.replace else storage["Columns"]
    names = {column["Name"].lower() for column in [*kept, *document.get("PartitionKeys", [])]}
    for column in new:
        if column["Name"] in names:
            raise failed(f"Duplicate column name: {column['Name']}")
        if not hive_types.is_valid(column["Type"]):
            raise SqlError("FAILED", f"ParseException: cannot recognize input near '{column['Type']}' in column type")
    _update(call, database, document, StorageDescriptor={**storage, "Columns": [*kept, *new]})


def _repair(call: Call, run: Run, statement: statements.Repair) -> list[str]:
    """Register the Hive-style folders under the table's location that the catalog does not know.  [ATH-541]"""
    database, name = full_name(run, statement.name)
    document = require_table(call, database, name)
    table = tables.table_of(document)
    if not table.partition_keys:
        raise failed(f"Table {name} is not a partitioned table")
    bucket, prefix = files.split_location(table.location)
    known = {item.values for item in tables.partitions(call, table)}
    found: dict[tuple[str, ...], str] = {}
    for key in files.keys(call, bucket, prefix):
        folders = key[len(prefix) :].split("/")[: len(table.partition_keys)]
        pairs = [folder.partition("=") for folder in folders]
        if [pair[0].lower() for pair in pairs] == [column.name for column in table.partition_keys]:
            found.setdefault(tuple(unquote(pair[2]) for pair in pairs), "/".join(folders))
    new = {values: folder for values, folder in sorted(found.items()) if values not in known}
    storage = document["StorageDescriptor"]
    base = table.location.rstrip("/")
    inputs = [
        {"Values": list(values), "StorageDescriptor": {**storage, "Location": f"{base}/{folder}"}}
        for values, folder in new.items()
    ]
    for start in range(0, len(inputs), 100):
        call.aws.glue.batch_create_partition(
            DatabaseName=database, TableName=name, PartitionInputList=inputs[start : start + 100]
        )
    if not new:
        return []
    missing = "\t".join(f"{name}:{folder}" for folder in new.values())
    added = [f"Repair: Added partition to metastore {name}:{folder}" for folder in new.values()]
    return [f"Partitions not in metastore:\t{missing}", *added]


def _prepare(call: Call, run: Run, statement: statements.Prepare) -> None:
    call.aws.athena.create_prepared_statement(
        StatementName=statement.name, WorkGroup=run.query["WorkGroup"], QueryStatement=statement.sql
    )


def _deallocate(call: Call, run: Run, statement: statements.Deallocate) -> None:
    call.aws.athena.delete_prepared_statement(StatementName=statement.name, WorkGroup=run.query["WorkGroup"])


HANDLERS: dict[type, Callable[[Call, Run, Any], Any]] = {
    statements.CreateDatabase: _create_database,
    statements.AlterDatabase: _alter_database,
    statements.Drop: _drop,
    statements.CreateTable: _create_table,
    statements.CreateView: _create_view,
    statements.AddPartitions: _add_partitions,
    statements.DropPartitions: _drop_partitions,
    statements.RenamePartition: _rename_partition,
    statements.SetLocation: _set_location,
    statements.SetProperties: _set_properties,
    statements.AddColumns: _add_columns,
    statements.Repair: _repair,
    statements.Prepare: _prepare,
    statements.Deallocate: _deallocate,
}
