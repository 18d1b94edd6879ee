"""From a query's text to a bound tree: tables are the catalog's, columns have types, or an error says where.

Tables are found by scope, so a CTE shadows a table and `WITH t AS (SELECT * FROM t)` still reads the table t.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from . import decimals, filters, typecheck, types
from .catalog import CATALOG, Snapshot, Table, TableName
from .errors import SqlError
from .words import place

DIALECT = "athena"
INFORMATION_SCHEMA = "information_schema"
MAX_VIEW_DEPTH = 16
HEX = re.compile(r"\b[xX]'([0-9a-fA-F ]*)'")


@dataclass(slots=True)
class Scan:
    """One reference to a table: `handle` is what the tree calls it, `columns` what is read of it, `filters` the
    conditions that every row of it must meet."""

    handle: str
    table: Table
    columns: tuple[str, ...] = ()
    filters: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class BoundQuery:
    """`labels`: the result's column names as Athena shows them, by position."""

    tree: Any
    scans: list[Scan]
    labels: list[str]
    sql: str


def read(sql: str) -> Any:
    """The query's tree; a syntax error in Athena's words."""
    from sqlglot import exp, parse
    from sqlglot.errors import ParseError, TokenError

    try:
        trees = parse(HEX.sub(_packed, sql) if "X'" in sql.upper() else sql, read=DIALECT)
    except ParseError as error:
        found = error.errors[0] if error.errors else {}
        near = found.get("highlight") or ""
        column = max(int(found.get("col") or 1) - max(len(near) - 1, 0), 1)
        raise SqlError(
            "SYNTAX_ERROR", f"mismatched input '{near or '<EOF>'}'", int(found.get("line") or 1), column
        ) from None
    except TokenError as error:
        raise SqlError("SYNTAX_ERROR", str(error).split("\n")[0], 1, 1) from None
    except RecursionError:
        raise SqlError("SYNTAX_ERROR", "statement is too large (stack overflow)", 1, 1) from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Query | exp.Values):
        raise SqlError("SYNTAX_ERROR", "a query was expected", 1, 1)
    tree = trees[0]
    return exp.select("*").from_(tree) if isinstance(tree, exp.Values) else tree


def _packed(found: re.Match[str]) -> str:
    """A hex literal may hold blanks, which the parser does not know; the length stays, for positions."""
    packed = found[1].replace(" ", "")
    return found[0] if " " not in found[1] else f"X'{packed}'" + " " * (len(found[1]) - len(packed))


def tables_named(sql: str, database: str) -> set[TableName]:
    """The catalog's tables that the query reads. Raises for what is no table of the catalog at all."""
    return {name for _, name in _references(read(sql), database)}


def _references(tree: Any, database: str) -> list[tuple[Any, TableName]]:
    from sqlglot import exp
    from sqlglot.optimizer.scope import traverse_scope

    shadows: set[int] = set()
    for scope in traverse_scope(tree):
        for node, source in scope.selected_sources.values():
            if isinstance(node, exp.Table) and not isinstance(source, exp.Table):
                shadows.add(id(node))
    found = []
    for node in tree.find_all(exp.Table):
        if id(node) in shadows or _is_shadowed(node):
            continue
        found.append((node, _table_name(node, database)))
    return found


def _is_shadowed(node: Any) -> bool:
    """Whether a CTE in reach bears this name: for scopes that the traversal does not list."""
    from sqlglot import exp

    if node.args.get("db"):
        return False
    name, child, parent = node.name.lower(), node, node.parent
    while parent is not None:
        with_ = parent.args.get("with_") or parent.args.get("with")
        if with_ is not None and child is not with_:
            if any(cte.alias.lower() == name for cte in with_.expressions):
                return True
        elif isinstance(parent, exp.With):
            index = next((n for n, cte in enumerate(parent.expressions) if cte is child), 0)
            visible = parent.expressions if parent.args.get("recursive") else parent.expressions[:index]
            if any(cte.alias.lower() == name for cte in visible):
                return True
        child, parent = parent, parent.parent
    return False


def _table_name(node: Any, database: str) -> TableName:
    from sqlglot import exp

    if not isinstance(node.this, exp.Identifier):
        name = node.this.name if isinstance(node.this, exp.Anonymous) else node.this.sql(DIALECT).split("(")[0]
        raise SqlError("SYNTAX_ERROR", f"Table function '{name.lower()}' not registered", *position(node))
    for member in ("version", "when", "sample", "pivots", "changes", "partition"):
        if node.args.get(member):
            raise SqlError("NOT_SUPPORTED", f"{member} of a table is not supported", *position(node))
    catalog = node.catalog.lower()
    if catalog and catalog != CATALOG:
        raise SqlError("CATALOG_NOT_FOUND", f"Catalog '{catalog}' does not exist", *position(node))
    if not node.db and not database:
        raise SqlError(
            "MISSING_SCHEMA_NAME", "Schema must be specified when session schema is not set", *position(node)
        )
    return TableName(node.db.lower() or database.lower(), node.name.lower())


def position(node: Any) -> tuple[int, int]:
    """Where a node's first word stands; (1, 1) when the tree does not say."""
    places = [
        (part.meta["line"], max(part.meta["col"] - (part.meta.get("end", 0) - part.meta.get("start", 0)), 1))
        for part in node.walk()
        if "line" in part.meta
    ]
    return min(places, default=(1, 1))


def bind(sql: str, snapshot: Snapshot) -> BoundQuery:
    """Resolve the query against the catalog. The labels keep the case in which the caller wrote them."""
    tree = read(sql)
    scans: list[Scan] = []
    _name_unnested(tree)
    written = _name_columns(tree)
    _resolve(tree, snapshot, snapshot.database, scans, 0)
    tree = _qualify(tree, scans, sql)
    labels = [written.get(number) or name for number, name in enumerate(_output_names(tree))]
    filters.describe(tree, scans)
    return BoundQuery(tree, scans, labels, sql)


def _name_unnested(tree: Any) -> None:
    """Values and unnested columns without names get Trino's: a star must have something to stand for."""
    from sqlglot import exp

    for number, node in enumerate(tree.find_all(exp.Unnest, exp.Values)):
        alias = node.args.get("alias")
        if not isinstance(node.parent, exp.From | exp.Join) or (alias is not None and alias.args.get("columns")):
            continue
        if isinstance(node, exp.Values):
            width = len(node.expressions[0].expressions) if isinstance(node.expressions[0], exp.Tuple) else 1
        else:
            width = len(node.expressions)
        columns = [exp.to_identifier(f"_col{column}") for column in range(width)]
        name = alias.this if alias is not None and alias.this else exp.to_identifier(f"__unnamed_{number}")
        node.set("alias", exp.TableAlias(this=name, columns=columns))


def _name_columns(tree: Any) -> dict[int, str]:
    """Give the outermost query's unnamed columns Trino's names; the names as written, when no star is there."""
    from sqlglot import exp

    select = tree
    while not isinstance(select, exp.Select):
        select = select.this
    written: dict[int, str] = {}
    star = False
    projections = []
    for number, item in enumerate(select.expressions):
        star = star or item.is_star
        if isinstance(item, exp.Alias | exp.Column | exp.Dot):
            written[number] = item.alias_or_name if not isinstance(item, exp.Dot) else item.name
        elif not item.is_star:
            item = exp.alias_(item, f"_col{number}")
        projections.append(item)
    select.set("expressions", projections)
    return {} if star else written


def _output_names(tree: Any) -> list[str]:
    from sqlglot import exp

    select = tree
    while not isinstance(select, exp.Select):
        select = select.this
    return [item.alias_or_name for item in select.expressions]


def _resolve(tree: Any, snapshot: Snapshot, database: str, scans: list[Scan], depth: int) -> None:
    """Put a scan's handle, or a view's query, in the place of every table."""
    from sqlglot import exp

    if depth > MAX_VIEW_DEPTH:
        raise SqlError("INVALID_VIEW", "View nesting is too deep")
    references = _references(tree, database)
    names = {(name.database, name.name) for _, name in references}
    for node, name in references:
        table = snapshot.tables.get(name)
        if table is None:
            _missing(node, name, snapshot)
        assert table is not None
        alias = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(node.name.lower()))
        joins = node.args.get("joins")
        if table.view:
            view = read(table.view)
            _resolve(view, snapshot, table.database, scans, depth + 1)
            new: Any = exp.Subquery(this=view, alias=alias.copy())
        else:
            handle = f"__scan_{len(scans)}"
            scans.append(Scan(handle, table))
            new = exp.Table(this=exp.to_identifier(handle), alias=alias.copy())
        if joins:
            new.set("joins", joins)
        new.meta.update(node.this.meta)
        node.replace(new)
    for column in tree.find_all(exp.Column):
        if column.args.get("db") and (column.db.lower(), column.table.lower()) in names:
            column.set("db", None)
            column.set("catalog", None)


def _missing(node: Any, name: TableName, snapshot: Snapshot) -> None:
    line, column = position(node)
    if name.database not in snapshot.databases and name.database != INFORMATION_SCHEMA:
        raise SqlError("SCHEMA_NOT_FOUND", f"Schema '{name.database}' does not exist", line, column)
    raise SqlError("TABLE_NOT_FOUND", f"Table '{name}' does not exist", line, column)


def _qualify(tree: Any, scans: list[Scan], sql: str) -> Any:
    from sqlglot.errors import OptimizeError, SchemaError
    from sqlglot.optimizer.annotate_types import annotate_types
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.schema import MappingSchema

    tables: dict[str, object] = {
        scan.handle: {column.name.lower(): types.trino(types.tree(column.type)) for column in scan.table.all_columns}
        for scan in scans
    }
    schema = MappingSchema(tables or {"__none": {"x": "int"}}, dialect=DIALECT)
    try:
        tree = qualify(tree, schema=schema, dialect=DIALECT, identify=True, quote_identifiers=True)
        tree = annotate_types(tree, schema=schema, dialect=DIALECT)
    except (OptimizeError, SchemaError) as error:
        raise _unresolved(str(error), sql) from None
    decimals.settle(tree)
    typecheck.check(tree)
    return tree


def _unresolved(message: str, sql: str) -> SqlError:
    found = re.search(r"Line: (\d+), Col: (\d+)", message)
    quoted = re.search(r"'([^']*)'", message)
    unknown = re.search(r"Unknown column: (\S+)", message)
    name = (quoted[1] if quoted else unknown[1] if unknown else "").replace('"', "")
    line, column = (int(found[1]), int(found[2])) if found else (1, 1)
    if found:
        column = max(column - len(name.rsplit(".", 1)[-1]) + 1, 1)
    elif name:
        at = re.search(rf"\b{re.escape(name)}\b", sql, re.IGNORECASE)
        line, column = place(sql, at.start()) if at else (1, 1)
    if "ambiguous" in message.lower():
        return SqlError("AMBIGUOUS_NAME", f"Column '{name.lower()}' is ambiguous", line, column)
    if "could not be resolved" in message or "Unknown column" in message:
        line, column, name = _with_qualifier(sql, line, column, name)
        what = "cannot be resolved or requester is not authorized to access requested resources"
        return SqlError("COLUMN_NOT_FOUND", f"Column '{name.lower()}' {what}", line, column)
    return SqlError("SYNTAX_ERROR", message.split(". Line")[0], line, column)


def _with_qualifier(sql: str, line: int, column: int, name: str) -> tuple[int, int, str]:
    """The place and name of `t.x` where the parser tells those of `x`."""
    lines = sql.split("\n")
    before = lines[line - 1][: column - 1] if line <= len(lines) else ""
    found = re.search(r'("[^"]+"|\w+)\.$', before)
    return (line, column, name) if found is None else (line, found.start() + 1, found[1].strip('"') + "." + name)
