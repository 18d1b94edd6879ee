"""The grammar of Hive's data definition language as Athena takes it."""

from __future__ import annotations

from typing import Any

from . import statements
from .errors import NotSupported
from .statements import Statement
from .words import Reader, unquote

DELIMITERS = {
    ("FIELDS", "TERMINATED", "BY"): "field.delim",
    ("ESCAPED", "BY"): "escape.delim",
    ("COLLECTION", "ITEMS", "TERMINATED", "BY"): "collection.delim",
    ("MAP", "KEYS", "TERMINATED", "BY"): "mapkey.delim",
    ("LINES", "TERMINATED", "BY"): "line.delim",
    ("NULL", "DEFINED", "AS"): "serialization.null.format",
}


def create(reader: Reader) -> Statement:
    replace = reader.accept("OR", "REPLACE")
    if reader.accept("VIEW"):
        name = reader.qualified()
        reader.expect("AS")
        return statements.CreateView(name, reader.rest(), replace)
    if reader.accept("DATABASE") or reader.accept("SCHEMA"):
        return _create_database(reader)
    external = reader.accept("EXTERNAL")
    reader.expect("TABLE")
    if_not_exists = reader.accept("IF", "NOT", "EXISTS")
    name = reader.qualified()
    if not external and not reader.peek("("):
        return _create_table_as(reader, name, if_not_exists)
    return _create_table(reader, name, external, if_not_exists)


def _create_table_as(reader: Reader, name: statements.Name, if_not_exists: bool) -> Statement:
    from .parse import properties_of

    properties = properties_of(reader) if reader.accept("WITH") else {}
    reader.expect("AS")
    sql, with_data = reader.rest(), True
    words = sql.split()
    if [word.upper() for word in words[-3:]] == ["WITH", "NO", "DATA"]:
        with_data = False
        sql = sql[: sql.upper().rindex("WITH")]
    elif [word.upper() for word in words[-2:]] == ["WITH", "DATA"]:
        sql = sql[: sql.upper().rindex("WITH")]
    return statements.CreateTableAs(name, properties, sql, if_not_exists, with_data)


def _create_database(reader: Reader) -> Statement:
    found: dict[str, Any] = {"if_not_exists": reader.accept("IF", "NOT", "EXISTS"), "name": reader.name()}
    while reader.here.kind != "end":
        if reader.accept("COMMENT"):
            found["comment"] = reader.string()
        elif reader.accept("LOCATION"):
            found["location"] = reader.string()
        elif reader.accept("WITH", "DBPROPERTIES"):
            found["properties"] = string_properties(reader)
        else:
            raise reader.error("{<EOF>, 'COMMENT', 'LOCATION', 'WITH'}")
    return statements.CreateDatabase(**found)


def _create_table(reader: Reader, name: statements.Name, external: bool, if_not_exists: bool) -> Statement:
    found: dict[str, Any] = {
        "name": name,
        "columns": columns_of(reader) if reader.peek("(") else [],
        "external": external,
        "if_not_exists": if_not_exists,
    }
    while reader.here.kind != "end":
        _table_clause(reader, found)
    return statements.CreateTable(**found)


def _table_clause(reader: Reader, found: dict[str, Any]) -> None:
    if reader.accept("COMMENT"):
        found["comment"] = reader.string()
    elif reader.accept("PARTITIONED", "BY"):
        found["partitions"] = columns_of(reader)
    elif reader.accept("CLUSTERED", "BY"):
        columns = tuple(part.strip(' `"').lower() for part in reader.parenthesised().split(","))
        reader.expect("INTO")
        found["buckets"] = (columns, int(reader.literal()))
        reader.expect("BUCKETS")
    elif reader.accept("ROW", "FORMAT", "SERDE"):
        found["serde"] = reader.string()
        if reader.accept("WITH", "SERDEPROPERTIES"):
            found["serde_properties"] = string_properties(reader)
    elif reader.accept("WITH", "SERDEPROPERTIES"):
        found["serde_properties"] = string_properties(reader)
    elif reader.accept("ROW", "FORMAT", "DELIMITED"):
        found["delimiters"] = _delimiters(reader)
    elif reader.accept("STORED", "AS", "INPUTFORMAT"):
        input_format = reader.string()
        reader.expect("OUTPUTFORMAT")
        found["formats"] = (input_format, reader.string())
    elif reader.accept("STORED", "AS"):
        found["stored_as"] = reader.name().upper()
    elif reader.accept("LOCATION"):
        found["location"] = reader.string()
    elif reader.accept("TBLPROPERTIES"):
        found["properties"] = string_properties(reader)
    else:
        raise reader.error("{<EOF>, 'COMMENT', 'LOCATION', 'PARTITIONED', 'ROW', 'STORED', 'TBLPROPERTIES', 'WITH'}")


def _delimiters(reader: Reader) -> dict[str, str]:
    found: dict[str, str] = {}
    while True:
        for words, name in DELIMITERS.items():
            if reader.accept(*words):
                found[name] = reader.string()
                break
        else:
            return found


def columns_of(reader: Reader) -> list[tuple[str, str, str]]:
    """`(name type [COMMENT '...'], ...)`, types as Hive writes them."""
    reader.expect("(")
    columns = []
    while True:
        name = reader.name()
        kind = _type(reader)
        comment = reader.string() if reader.accept("COMMENT") else ""
        columns.append((name, kind, comment))
        if reader.accept(")"):
            return columns
        reader.expect(",")


def _type(reader: Reader) -> str:
    """A type's text: up to a comma, a closing parenthesis or COMMENT outside of < > and ( )."""
    start, depth = reader.here.start, 0
    while not (depth == 0 and (reader.peek(",") or reader.peek(")") or reader.peek("COMMENT"))):
        word = reader.take()
        if word.kind == "end":
            raise reader.error("')'")
        depth += word.text in ("<", "(")
        depth -= word.text in (">", ")")
    text = reader.sql[start : reader.words[reader.at - 1].stop].strip()
    return "".join(text.split()).replace("`", "") if "<" in text or "(" in text else text.lower()


def string_properties(reader: Reader) -> dict[str, str]:
    reader.expect("(")
    found = {}
    while not reader.accept(")"):
        name = reader.string()
        reader.expect("=")
        found[name] = reader.literal()
        if not reader.peek(")"):
            reader.expect(",")
    return found


def drop(reader: Reader) -> Statement:
    word = reader.take().upper
    kind = {"SCHEMA": "DATABASE"}.get(word, word)
    if kind not in ("TABLE", "VIEW", "DATABASE"):
        reader.at -= 1
        raise reader.error("{'TABLE', 'VIEW', 'DATABASE', 'SCHEMA'}")
    if_exists = reader.accept("IF", "EXISTS")
    name = reader.qualified()
    cascade = reader.accept("CASCADE")
    reader.accept("RESTRICT")
    return statements.Drop(kind, name, if_exists, cascade)


def partition_spec(reader: Reader) -> dict[str, str]:
    reader.expect("(")
    found = {}
    while True:
        name = reader.name()
        reader.expect("=")
        found[name] = reader.literal()
        if reader.accept(")"):
            return found
        reader.expect(",")


def alter(reader: Reader) -> Statement:
    if reader.accept("DATABASE") or reader.accept("SCHEMA"):
        name = reader.name()
        reader.expect("SET", "DBPROPERTIES")
        return statements.AlterDatabase(name, string_properties(reader))
    reader.expect("TABLE")
    table = reader.qualified()
    if reader.accept("ADD", "COLUMNS"):
        return statements.AddColumns(table, columns_of(reader))
    if reader.accept("REPLACE", "COLUMNS"):
        return statements.AddColumns(table, columns_of(reader), replace=True)
    if reader.accept("ADD"):
        return _add_partitions(reader, table)
    if reader.accept("DROP"):
        return _drop_partitions(reader, table)
    if reader.accept("SET", "LOCATION"):
        return statements.SetLocation(table, reader.string(), {})
    if reader.accept("SET", "TBLPROPERTIES"):
        return statements.SetProperties(table, string_properties(reader))
    reader.expect("PARTITION")
    old = partition_spec(reader)
    if reader.accept("SET", "LOCATION"):
        return statements.SetLocation(table, reader.string(), old)
    reader.expect("RENAME", "TO", "PARTITION")
    return statements.RenamePartition(table, old, partition_spec(reader))


def _add_partitions(reader: Reader, table: statements.Name) -> Statement:
    if_not_exists = reader.accept("IF", "NOT", "EXISTS")
    partitions = []
    while reader.accept("PARTITION"):
        spec = partition_spec(reader)
        partitions.append((spec, reader.string() if reader.accept("LOCATION") else ""))
        reader.accept(",")
    if not partitions:
        raise reader.error("'PARTITION'")
    return statements.AddPartitions(table, partitions, if_not_exists)


def _drop_partitions(reader: Reader, table: statements.Name) -> Statement:
    if_exists = reader.accept("IF", "EXISTS")
    partitions = []
    while reader.accept("PARTITION"):
        partitions.append(partition_spec(reader))
        reader.accept(",")
    if not partitions:
        raise reader.error("'PARTITION'")
    return statements.DropPartitions(table, partitions, if_exists)


def repair(reader: Reader) -> Statement:
    reader.expect("REPAIR", "TABLE")
    return statements.Repair(reader.qualified())


def show(reader: Reader) -> Statement:
    if reader.accept("DATABASES") or reader.accept("SCHEMAS"):
        reader.accept("LIKE")
        return statements.Show("DATABASES", (), reader.string() if reader.here.kind != "end" else "")
    for what in ("TABLES", "VIEWS"):
        if reader.accept(what):
            name = reader.qualified() if reader.accept("IN") or reader.accept("FROM") else ()
            reader.accept("LIKE")
            return statements.Show(what, name, reader.string() if reader.here.kind != "end" else "")
    if reader.accept("COLUMNS"):
        return statements.Show("COLUMNS", _name_in(reader))
    if reader.accept("PARTITIONS"):
        return statements.Show("PARTITIONS", reader.qualified())
    for what in ("TABLE", "VIEW"):
        if reader.accept("CREATE", what):
            return statements.Show(f"CREATE {what}", reader.qualified())
    if reader.accept("TBLPROPERTIES"):
        name = reader.qualified()
        item = unquote(reader.parenthesised().strip()) if reader.peek("(") else ""
        return statements.Show("TBLPROPERTIES", name, item=item)
    if reader.here.upper in ("FUNCTIONS", "SESSION", "STATS", "GRANTS", "ROLES"):
        raise NotSupported(f"The statement SHOW {reader.here.upper}")
    raise reader.error(
        "{'COLUMNS', 'CREATE', 'DATABASES', 'PARTITIONS', 'SCHEMAS', 'TABLES', 'TBLPROPERTIES', 'VIEWS'}"
    )


def _name_in(reader: Reader) -> statements.Name:
    """`FROM db.table`, `IN table IN db`."""
    if not (reader.accept("FROM") or reader.accept("IN")):
        raise reader.error("{'FROM', 'IN'}")
    name = reader.qualified()
    if reader.accept("FROM") or reader.accept("IN"):
        return (reader.name(), *name)
    return name


def describe(reader: Reader) -> Statement:
    view = reader.accept("VIEW")
    style = reader.take().upper if reader.peek("FORMATTED") or reader.peek("EXTENDED") else ""
    name = reader.qualified()
    partition = partition_spec(reader) if reader.accept("PARTITION") else {}
    column = reader.name() if reader.here.kind != "end" else ""
    return statements.Describe(name, style, partition, column, view)
