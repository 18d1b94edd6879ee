"""From text to one statement: the router. Queries keep their text (sqlglot reads it later); the rest is read here."""

from __future__ import annotations

from typing import Any

from . import ddl, statements
from .errors import NotSupported, SqlError
from .statements import Statement
from .words import Reader, place, unquote, words_of

NOT_BUILT = ("MERGE", "DELETE", "UPDATE", "OPTIMIZE", "VACUUM", "ANALYZE", "GRANT", "REVOKE", "CALL")


def parse(sql: str) -> Statement:
    """The one statement in `sql`; a trailing semicolon is forgiven. SqlError when it is none, or several."""
    words = words_of(sql)
    while words and words[-1].text == ";":
        words.pop()
    if not words:
        raise SqlError("SYNTAX_ERROR", "Query is empty.", 1, 1)
    for word in words:
        if word.text == ";":
            line, column = place(sql, word.start)
            raise SqlError("SYNTAX_ERROR", "Only one sql statement is allowed.", line, column)
    reader = Reader(sql[: words[-1].stop], words)
    statement = _route(reader)
    reader.end()
    return statement


def _route(reader: Reader) -> Statement:
    first = reader.here.upper
    if first in ("SELECT", "WITH", "VALUES", "TABLE", "("):
        return statements.Query(reader.rest())
    if first in NOT_BUILT:
        raise NotSupported(f"The statement {first}")
    routes = {
        "CREATE": ddl.create,
        "DROP": ddl.drop,
        "ALTER": ddl.alter,
        "SHOW": ddl.show,
        "DESCRIBE": ddl.describe,
        "DESC": ddl.describe,
        "MSCK": ddl.repair,
        "INSERT": _insert,
        "UNLOAD": _unload,
        "PREPARE": _prepare,
        "EXECUTE": _execute,
        "DEALLOCATE": _deallocate,
        "EXPLAIN": _explain,
    }
    route = routes.get(first)
    if route is None:
        raise reader.error(
            "'ALTER', 'ANALYZE', 'CREATE', 'DEALLOCATE', 'DESCRIBE', 'DROP', 'EXECUTE', 'EXPLAIN', 'INSERT', 'MSCK',"
            " 'PREPARE', 'SHOW', 'UNLOAD', <query>"
        )
    reader.take()
    return route(reader)


def _insert(reader: Reader) -> Statement:
    reader.expect("INTO")
    name = reader.qualified()
    columns: list[str] = []
    if reader.peek("(") and not any(
        reader.words[reader.at + 1].upper == word for word in ("SELECT", "WITH", "VALUES", "(")
    ):
        reader.expect("(")
        while not reader.accept(")"):
            columns.append(reader.name())
            reader.accept(",")
    return statements.InsertInto(name, tuple(columns), reader.rest())


def _unload(reader: Reader) -> Statement:
    sql = reader.parenthesised()
    reader.expect("TO")
    location = reader.string()
    properties = properties_of(reader) if reader.accept("WITH") else {}
    return statements.Unload(sql, location, properties)


def properties_of(reader: Reader) -> dict[str, Any]:
    """`(name = value, ...)`: strings, numbers, booleans and ARRAY['a', 'b']."""
    reader.expect("(")
    found: dict[str, Any] = {}
    while not reader.accept(")"):
        word = reader.here
        name = unquote(word.text).lower() if word.kind in ("string", "quoted") else reader.here.text.lower()
        reader.take()
        reader.expect("=")
        found[name] = _property(reader)
        if not reader.peek(")"):
            reader.expect(",")
    return found


def _property(reader: Reader) -> Any:
    if reader.accept("ARRAY"):
        reader.expect("[")
        items = []
        while not reader.accept("]"):
            items.append(reader.literal())
            reader.accept(",")
        return items
    word = reader.here
    if word.upper in ("TRUE", "FALSE"):
        reader.take()
        return word.upper == "TRUE"
    value = reader.literal()
    return int(value) if word.kind == "number" and value.isdigit() else value


def _prepare(reader: Reader) -> Statement:
    name = reader.take().text
    reader.expect("FROM")
    return statements.Prepare(name, reader.rest())


def _execute(reader: Reader) -> Statement:
    name = reader.take().text
    if not reader.accept("USING"):
        return statements.Execute(name, ())
    values, depth, start = [], 0, reader.here.start
    while reader.here.kind != "end":
        word = reader.take()
        depth += word.text in ("(", "[")
        depth -= word.text in (")", "]")
        if word.text == "," and depth == 0:
            values.append(reader.sql[start : word.start].strip())
            start = word.stop
    return statements.Execute(name, (*values, reader.sql[start:].strip()))


def _deallocate(reader: Reader) -> Statement:
    reader.expect("PREPARE")
    return statements.Deallocate(reader.take().text)


def _explain(reader: Reader) -> Statement:
    analyze = reader.accept("ANALYZE") or reader.accept("VERBOSE")
    if reader.peek("(") and reader.words[reader.at + 1].upper in ("TYPE", "FORMAT"):
        reader.parenthesised()
    return statements.Explain(reader.rest(), analyze)


def with_parameters(sql: str, values: list[str] | tuple[str, ...]) -> str:
    """The statement with its `?` replaced by these SQL literals, in order."""
    marks = [word for word in words_of(sql) if word.kind == "mark" and word.text == "?"]
    if len(marks) != len(values):
        raise SqlError(
            "INVALID_PARAMETER_USAGE",
            f"Incorrect number of parameters: expected {len(marks)} but found {len(values)}",
            1,
            1,
        )
    pieces, at = [], 0
    for mark, value in zip(marks, values, strict=True):
        pieces += [sql[at : mark.start], value]
        at = mark.stop
    return "".join([*pieces, sql[at:]])
