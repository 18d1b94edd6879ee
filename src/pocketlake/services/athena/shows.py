"""SHOW and DESCRIBE: the catalog as Hive's text."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from pocketlake.engines.sql import statements
from pocketlake.engines.sql.errors import SqlError
from pocketlake.kernel.call import Call

from . import definitions, tables
from .runs import Answer, Run

STRING = "STRING"
DESCRIBED = [("col_name", STRING), ("data_type", STRING), ("comment", STRING)]


async def show(call: Call, run: Run, statement: Any) -> Answer:
    if isinstance(statement, statements.Describe):
        return _describe(call, run, statement)
    what = statement.what
    if what == "DATABASES":
        return _list("database_name", _matching(sorted(tables.database_names(call)), statement.pattern))
    if what in ("TABLES", "VIEWS"):
        return _tables(call, run, statement)
    database, name = definitions.full_name(run, statement.name)
    document = definitions.require_table(call, database, name)
    if what == "COLUMNS":
        columns = [column.name for column in tables.table_of(document).all_columns]
        return _list("field", [f"{column:<20}" for column in columns])
    if what == "PARTITIONS":
        return _partitions(call, document)
    if what == "TBLPROPERTIES":
        return _properties(document, statement.item)
    if what == "CREATE VIEW":
        if not tables.view_text(document):
            raise SqlError("INVALID_VIEW", f"Relation '{database}.{name}' is not a view", 1, 1)
        return _list("Create View", [f"CREATE VIEW {database}.{name} AS", *tables.view_text(document).split("\n")])
    if tables.view_text(document):
        raise SqlError("INVALID_TABLE", f"Relation '{database}.{name}' is a view, not a table", 1, 1)
    return _list("createtab_stmt", _create_table(document))


def _list(column: str, lines: list[str]) -> Answer:
    return Answer([(column, STRING)], lines=lines, rows=len(lines))


def _matching(names: list[str], pattern: str) -> list[str]:
    """Hive's patterns: `*` for anything, `|` for a choice. A LIKE pattern of Trino's (`%`) is understood too."""
    if not pattern:
        return names
    choices = [
        "".join(".*" if char in "*%" else "." if char == "." else re.escape(char) for char in part)
        for part in pattern.split("|")
    ]
    return [name for name in names if any(re.fullmatch(choice, name, re.IGNORECASE) for choice in choices)]


def _tables(call: Call, run: Run, statement: statements.Show) -> Answer:
    database = statement.name[-1] if statement.name else run.database
    definitions.require_database(call, database)
    found = tables.documents(call, database)
    if statement.what == "VIEWS":
        names = [item["Name"] for item in found if item.get("TableType") == "VIRTUAL_VIEW"]
        return _list("views", _matching(sorted(names), statement.pattern))
    return _list("tab_name", _matching(sorted(item["Name"] for item in found), statement.pattern))


def _partitions(call: Call, document: dict[str, Any]) -> Answer:
    """[ATH-028]"""
    table = tables.table_of(document)
    if not table.partition_keys:
        raise definitions.failed(f"Table {table.name} is not a partitioned table")
    lines = []
    for item in tables.partitions(call, table):
        pairs = zip(table.partition_keys, item.values, strict=True)
        lines.append("/".join(f"{key.name}={quote(value, safe=' -_.,@!+()&')}" for key, value in pairs))
    return _list("partition", sorted(lines))


def _properties(document: dict[str, Any], item: str) -> Answer:
    parameters = document.get("Parameters", {})
    if item:
        if item not in parameters:
            return _list(
                "prpt_name", [f"Table {document['DatabaseName']}.{document['Name']} does not have property: {item}"]
            )
        return _list("prpt_name", [parameters[item]])
    lines = [f"{name}\t{value}" for name, value in sorted(parameters.items())]
    return Answer([("prpt_name", STRING), ("prpt_value", STRING)], lines=lines, rows=len(lines))


def _line(*parts: str) -> str:
    return "\t".join(f"{part:<20}" for part in parts)


def _describe(call: Call, run: Run, statement: statements.Describe) -> Answer:
    database, name = definitions.full_name(run, statement.name)
    document = definitions.require_table(call, database, name)
    table = tables.table_of(document)
    columns = [(column.name, column.type, column.comment) for column in table.all_columns]
    if statement.column:
        columns = [column for column in columns if column[0] == statement.column]
        if not columns:
            raise SqlError("FAILED", f"SemanticException [Error 10002]: Invalid column reference {statement.column}")
    lines = [_line(*column) for column in columns] if not statement.style else []
    if statement.style:
        lines = ["# col_name            \tdata_type           \tcomment             ", "\t \t "]
        lines += [_line(column.name, column.type, column.comment) for column in table.columns]
    if table.partition_keys and not statement.column:
        lines += [
            "\t \t ",
            "# Partition Information\t \t ",
            "# col_name            \tdata_type           \tcomment             ",
            "\t \t ",
        ]
        lines += [_line(column.name, column.type, column.comment) for column in table.partition_keys]
    if statement.style:
        lines += _details(document)
    return Answer(DESCRIBED, lines=lines, rows=len(lines))


def _details(document: dict[str, Any]) -> list[str]:
    storage = document.get("StorageDescriptor", {})
    serde = storage.get("SerdeInfo", {})
    rows = [
        ("\t ", " "),
        ("# Detailed Table Information", " "),
        ("Database:", document["DatabaseName"]),
        ("Owner:", document.get("Owner", "hadoop")),
        ("Location:", storage.get("Location", "")),
        ("Table Type:", document.get("TableType", "")),
        ("# Storage Information", " "),
        ("SerDe Library:", serde.get("SerializationLibrary", "")),
        ("InputFormat:", storage.get("InputFormat", "")),
        ("OutputFormat:", storage.get("OutputFormat", "")),
    ]
    rows += [(f"\t{name}", value) for name, value in sorted(document.get("Parameters", {}).items())]
    return [_line(name, value, " ") for name, value in rows]


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _create_table(document: dict[str, Any]) -> list[str]:
    """A CREATE EXTERNAL TABLE that makes the same table."""
    storage, serde = document["StorageDescriptor"], document["StorageDescriptor"].get("SerdeInfo", {})
    lines = [f"CREATE EXTERNAL TABLE `{document['Name']}`("]
    lines += _columns(storage.get("Columns", []))
    if document.get("PartitionKeys"):
        lines += ["PARTITIONED BY ( ", *_columns(document["PartitionKeys"])]
    lines += ["ROW FORMAT SERDE ", f"  {_text(serde.get('SerializationLibrary', ''))} "]
    if serde.get("Parameters"):
        pairs = [f"  {_text(name)}={_text(value)}" for name, value in sorted(serde["Parameters"].items())]
        lines += ["WITH SERDEPROPERTIES ( ", *(pair + ", " for pair in pairs[:-1]), pairs[-1] + ") "]
    lines += ["STORED AS INPUTFORMAT ", f"  {_text(storage.get('InputFormat', ''))} "]
    lines += ["OUTPUTFORMAT ", f"  {_text(storage.get('OutputFormat', ''))}"]
    lines += ["LOCATION", f"  {_text(storage.get('Location', ''))}"]
    pairs = [
        f"  {_text(name)}={_text(value)}"
        for name, value in sorted(document.get("Parameters", {}).items())
        if name != "EXTERNAL"
    ]
    lines += (
        ["TBLPROPERTIES (", *(pair + ", " for pair in pairs[:-1]), *(pair + ")" for pair in pairs[-1:])]
        if pairs
        else []
    )
    return lines


def _columns(columns: list[dict[str, str]]) -> list[str]:
    shown = []
    for number, column in enumerate(columns):
        comment = f" COMMENT {_text(column['Comment'])}" if column.get("Comment") else ""
        end = ")" if number == len(columns) - 1 else ", "
        shown.append(f"  `{column['Name']}` {column.get('Type', 'string')}{comment}{end}")
    return shown
