"""Statements that write: CREATE TABLE AS, INSERT INTO, UNLOAD.

The engine writes files into the query's directory; they become objects, and only when the last is complete does the
catalog learn of them. A failed statement may leave objects behind, as Athena's does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pocketlake.engines.sql import statements, types
from pocketlake.engines.sql.errors import NotSupported, SqlError
from pocketlake.engines.sql.scan import format_of
from pocketlake.kernel.call import Call

from . import definitions, files, formats, selects, tables
from .runs import Answer, Run, keep

OPEN_PARTITIONS = 100  # Source: Athena user guide, "Use CTAS and INSERT INTO to work around the 100 partition limit"
KNOWN = {
    "format", "external_location", "partitioned_by", "write_compression", "parquet_compression", "orc_compression",
    "field_delimiter", "compression", "is_external", "table_type", "location",
}  # fmt: skip


@dataclass(slots=True)
class Written:
    """One object: its key's end under the location, and the partition it belongs to."""

    path: Path
    name: str
    values: tuple[str, ...]


async def write(call: Call, run: Run, statement: statements.Statement) -> Answer:
    if isinstance(statement, statements.CreateTableAs):
        return await create_table_as(call, run, statement)
    if isinstance(statement, statements.InsertInto):
        return await insert_into(call, run, statement)
    assert isinstance(statement, statements.Unload)
    return await unload(call, run, statement)


async def create_table_as(call: Call, run: Run, statement: statements.CreateTableAs) -> Answer:
    """[ATH-003, ATH-004, ATH-005, ATH-018, ATH-027]"""
    database, name = definitions.full_name(run, statement.name)
    properties = statement.properties
    _check_properties(properties)
    if tables.document(call, database, name) is not None:
        if statement.if_not_exists:
            return Answer()
        raise SqlError("TABLE_ALREADY_EXISTS", f"Table 'awsdatacatalog.{database}.{name}' already exists", 1, 1)
    definitions.require_database(call, database)
    location = _location(run, properties)
    bucket, prefix = files.split_location(location)
    _forget(call, run, location)
    if not files.is_empty(call, bucket, prefix):
        raise SqlError(
            "HIVE_PATH_ALREADY_EXISTS", f"Target directory for table '{database}.{name}' already exists: {location}."
        )
    form = formats.written(properties)
    keys = [key.lower() for key in properties.get("partitioned_by", [])]
    sql = statement.sql if statement.with_data else f"SELECT * FROM ({statement.sql}) AS __none LIMIT 0"
    outcome, made = await _engine_writes(call, run, sql, form, keys, {})
    _check_columns(outcome.columns, keys)
    await _store(call, run, location, made, form)
    columns = [(label.lower(), types.hive_name(kind)) for label, kind in outcome.columns]
    document = formats.table_input(name, columns, keys, location, form)
    with call.transaction():
        call.aws.glue.create_table(DatabaseName=database, TableInput=document)
        _register(call, database, name, document, {item.values for item in made if keys})
        return keep(call, run, _answer(outcome, location, made))


def _check_properties(properties: dict[str, Any]) -> None:
    if "bucketed_by" in properties or "bucket_count" in properties:
        raise NotSupported("CREATE TABLE AS with bucketed_by")
    if str(properties.get("table_type", "HIVE")).upper() == "ICEBERG":
        raise NotSupported("CREATE TABLE AS an Iceberg table")
    for name in properties:
        if name not in KNOWN:
            raise SqlError(
                "INVALID_TABLE_PROPERTY", f"Catalog 'awsdatacatalog' table property '{name}' does not exist", 1, 1
            )


def _location(run: Run, properties: dict[str, Any]) -> str:
    given = properties.get("external_location") or properties.get("location")
    if given:
        return str(given).rstrip("/") + "/"
    result = run.query["ResultConfiguration"]["OutputLocation"].rstrip("/")
    return f"{result}/tables/{run.identity}/"


def _check_columns(columns: list[tuple[str, str]], keys: list[str]) -> None:
    names = [label.lower() for label, _ in columns]
    for number, name in enumerate(names):
        if name.startswith("_col"):
            raise SqlError("MISSING_COLUMN_NAME", f"Column name not specified at position {number + 1}", 1, 1)
        if names.count(name) > 1:
            raise SqlError("DUPLICATE_COLUMN_NAME", f"Column name '{name}' specified more than once", 1, 1)
    if keys and names[-len(keys) :] != keys:
        raise SqlError(
            "HIVE_COLUMN_ORDER_MISMATCH",
            "Partition keys must be the last columns in the table and in the same order as the table properties:"
            f" [{', '.join(keys)}]",
        )
    if keys and len(keys) == len(names):
        raise SqlError("INVALID_TABLE_PROPERTY", "Table contains only partition columns")


async def _engine_writes(
    call: Call,
    run: Run,
    sql: str,
    form: formats.Form,
    keys: list[str],
    casts: dict[str, str],
    labels: list[str] | None = None,
) -> tuple[Any, list[Written]]:
    """Run the query into files; the files in the order of their names."""
    from pocketlake.engines.sql.jobs import Output

    lowered, scans = await selects.prepare(call, run, sql)
    names = labels or lowered.query.labels
    if labels is not None and len(labels) != len(lowered.query.labels):
        raise SqlError(
            "TYPE_MISMATCH",
            f"Insert query has mismatched column count: table {len(labels)}, query {len(lowered.query.labels)}",
            1,
            1,
        )
    root = run.directory / "out"
    if keys:
        if form.name == "orc":
            raise NotSupported("Writing partitioned ORC")
        root.mkdir()
        target, options = root, form.copy_options(keys)
    else:
        root.mkdir()
        target, options = root / f"part{form.suffix}", form.copy_options([])
    if form.name == "orc":
        target, options = root, form.compression.lower()
    outcome = await selects.execute(
        call, run, lowered, scans, Output("table", str(target), names, options, form.name, casts)
    )
    made = [_written(path, root) for path in sorted(root.rglob("*")) if path.is_file()]
    made = made if outcome.rows else []
    if len({item.values for item in made}) > OPEN_PARTITIONS:
        raise SqlError(
            "HIVE_TOO_MANY_OPEN_PARTITIONS", f"Exceeded limit of {OPEN_PARTITIONS} open writers for partitions/buckets"
        )
    return outcome, made


def _written(path: Path, root: Path) -> Written:
    folders = path.relative_to(root).parts[:-1]
    values = tuple(unquote(folder.partition("=")[2]) for folder in folders)
    return Written(path, "/".join(folders), values)


def _mark(run: Run) -> str:
    """How the names of all objects begin that this query makes."""
    return run.identity.replace("-", "_") + "_"


def _forget(call: Call, run: Run, location: str) -> None:
    """After a crash: the objects of the first attempt are no rows of anyone's, and must not be read or doubled."""
    if run.again:
        files.remove_made(call, location, _mark(run))


async def _store(call: Call, run: Run, location: str, made: list[Written], form: formats.Form) -> None:
    bucket, prefix = files.split_location(location)
    for number, item in enumerate(made):
        folder = f"{item.name}/" if item.name else ""
        item.name = f"{folder}{_mark(run)}{number:05}{form.object_suffix}"
        await call.aws.s3.put_object(Bucket=bucket, Key=prefix + item.name, Body=item.path)


def _register(call: Call, database: str, name: str, document: dict[str, Any], values: set[tuple[str, ...]]) -> None:
    """New partitions, those that are there already left alone."""
    keys = [key["Name"] for key in document["PartitionKeys"]]
    if not keys or not values:
        return
    known = {item.values for item in tables.partitions(call, tables.table_of({"DatabaseName": database, **document}))}
    inputs = []
    for chosen in sorted(values - known):
        folder = "/".join(f"{key}={definitions.escape(value)}" for key, value in zip(keys, chosen, strict=True))
        storage = document["StorageDescriptor"]
        location = f"{storage['Location'].rstrip('/')}/{folder}"
        inputs.append({"Values": list(chosen), "StorageDescriptor": {**storage, "Location": location}})
    for start in range(0, len(inputs), 100):
        call.aws.glue.batch_create_partition(
            DatabaseName=database, TableName=name, PartitionInputList=inputs[start : start + 100]
        )


def _answer(outcome: Any, location: str, made: list[Written]) -> Answer:
    return Answer([("rows", "BIGINT")], rows=outcome.rows, updated=outcome.rows, manifest=_manifest(location, made))


def _manifest(location: str, made: list[Written]) -> str:
    return "".join(f"{location.rstrip('/')}/{item.name}\n" for item in made)


async def insert_into(call: Call, run: Run, statement: statements.InsertInto) -> Answer:
    """Add files to a table's location; new partitions are registered."""
    database, name = definitions.full_name(run, statement.name)
    document = definitions.require_table(call, database, name)
    table = tables.table_of(document)
    if table.view:
        raise SqlError("NOT_SUPPORTED", "Inserting into views is not supported", 1, 1)
    form = formats.of_table(format_of(table), table)
    every = [column.name for column in table.all_columns]
    labels = list(statement.columns) or every
    for label in labels:
        if label not in every:
            raise SqlError("COLUMN_NOT_FOUND", f"Insert column name does not exist in target table: {label}", 1, 1)
    sql, keys = statement.sql, [column.name for column in table.partition_keys]
    if labels != every:
        given = ", ".join(f'"{label}"' for label in labels)
        chosen = ", ".join(f'"{column}"' if column in labels else f'NULL AS "{column}"' for column in every)
        sql = f"SELECT {chosen} FROM ({sql}) AS __given({given})"
    casts = {column.name: types.duckdb(column.type) for column in table.all_columns}
    _forget(call, run, table.location)
    outcome, made = await _engine_writes(call, run, sql, form, keys, casts, every)
    await _store(call, run, table.location, made, form)
    with call.transaction():
        _register(call, database, name, document, {item.values for item in made})
        return keep(call, run, _answer(outcome, table.location, made))


async def unload(call: Call, run: Run, statement: statements.Unload) -> Answer:
    """Write a query's rows as files, without a table."""
    if "format" not in statement.properties:
        raise SqlError("INVALID_TABLE_PROPERTY", "UNLOAD needs the property format")
    properties = {**statement.properties, "write_compression": statement.properties.get("compression", "")}
    location = statement.location.rstrip("/") + "/"
    bucket, prefix = files.split_location(location)
    _forget(call, run, location)
    if not files.is_empty(call, bucket, prefix):
        raise SqlError("HIVE_PATH_ALREADY_EXISTS", f"Target directory for UNLOAD already exists: {location}")
    form = formats.written(properties)
    keys = [key.lower() for key in properties.get("partitioned_by", [])]
    outcome, made = await _engine_writes(call, run, statement.sql, form, keys, {})
    await _store(call, run, location, made, form)
    return keep(call, run, _answer(outcome, location, made))
