"""What a query says of each table it reads: the columns it needs, and the conditions that every row must meet.

Conditions are gathered through views, CTEs, sub-queries and unions down to the tables, for the pruning of partitions
only: the query itself stays as it is, so a condition that gets lost on the way costs bytes, never rows. What `pruning`
understands is strict in NULL, which makes it safe to ask it before an outer join.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bind import Scan

MOST_ALTERNATIVES = 16  # references to one CTE whose conditions are still joined by OR


def describe(tree: Any, scans: list[Scan]) -> None:
    """Fill in `columns` and `filters` of every scan of the bound tree."""
    from sqlglot import exp
    from sqlglot.optimizer.scope import traverse_scope

    scopes = traverse_scope(tree)
    known = Conditions(scopes)
    by_handle = {scan.handle: scan for scan in scans}
    for scope in scopes:
        for alias, (_, source) in scope.selected_sources.items():
            if not isinstance(source, exp.Table) or source.name not in by_handle:
                continue
            scan = by_handle[source.name]
            used = {column.name for column in scope.columns if column.table == alias}
            scan.columns = tuple(
                column.name.lower() for column in scan.table.all_columns if column.name.lower() in used
            )
            scan.filters = [part.copy() for part in known.within(scope) if _only_of(part, alias)]


class Conditions:
    """Which conditions hold for the rows of each scope, by what it says itself and by what its readers want of it."""

    def __init__(self, scopes: list[Any]) -> None:
        from sqlglot.optimizer.scope import Scope

        self._readers: dict[int, list[tuple[Any, str]]] = {}
        self._whole: dict[int, Any] = {}  # a branch's union
        self._wanted: dict[int, list[Any]] = {}
        for scope in scopes:
            for alias, (_, source) in scope.selected_sources.items():
                if isinstance(source, Scope):
                    self._readers.setdefault(id(source), []).append((scope, alias))
            for branch in scope.set_operation_scopes:
                self._whole[id(branch)] = scope

    def within(self, scope: Any) -> list[Any]:
        """Conjuncts over the scope's own sources."""
        from sqlglot import exp

        select = scope.expression
        if not isinstance(select, exp.Select):
            return []
        return [*_own(select), *_inward(select, self.wanted(scope))]

    def wanted(self, scope: Any) -> list[Any]:
        """Conjuncts over the scope's output columns that all of its readers agree on."""
        found = self._wanted.get(id(scope))
        if found is None:
            self._wanted[id(scope)] = []  # a recursive CTE reads itself: nothing is known of its rows
            found = self._wanted[id(scope)] = self._asked(scope)
        return found

    def _asked(self, scope: Any) -> list[Any]:
        from sqlglot import exp

        union = self._whole.get(id(scope))
        if union is not None:
            return _renamed(self.wanted(union), union.expression, scope.expression) if _is_open(union) else []
        readers = self._readers.get(id(scope), [])
        if not readers or len(readers) > MOST_ALTERNATIVES or _is_recursive(scope.expression):
            return []
        offers = []
        for reader, alias in readers:
            parts = [_bare(part) for part in self.within(reader) if _only_of(part, alias)]
            if not parts:
                return []
            offers.append(parts)
        if len(offers) == 1:
            return offers[0]
        return [exp.or_(*(exp.and_(*parts) for parts in offers))]


def _own(select: Any) -> Iterator[Any]:
    """The conjuncts of WHERE and of the joins' ON that a row must meet."""
    from sqlglot import exp

    where = select.args.get("where")
    if where is not None:
        yield from _conjuncts(where.this)
    for join in select.args.get("joins") or []:
        condition = join.args.get("on")
        if condition is None or join.side in ("RIGHT", "FULL"):
            continue
        for part in _conjuncts(condition):
            # A row of the left side stays whatever ON says; one of the right side does not.
            if join.side != "LEFT" or _only_of(part, join.alias_or_name):
                yield part
    having = select.args.get("having")
    if having is not None and _is_simple(select.args.get("group")):
        keys = select.args["group"].expressions
        for part in _conjuncts(having.this):
            if part.find(exp.AggFunc) is None and all(column in keys for column in part.find_all(exp.Column)):
                yield part


def _conjuncts(condition: Any) -> Iterator[Any]:
    from sqlglot import exp

    condition = condition.unnest()
    if isinstance(condition, exp.And):
        yield from _conjuncts(condition.this)
        yield from _conjuncts(condition.expression)
    else:
        yield condition


def _only_of(part: Any, alias: str) -> bool:
    from sqlglot import exp

    columns = list(part.find_all(exp.Column))
    return bool(columns) and all(column.table == alias for column in columns) and part.find(exp.Query) is None


def _is_simple(group: Any) -> bool:
    """GROUP BY with keys alone: ROLLUP and its like make rows that no row of the table stands for."""
    from sqlglot import exp

    return group is not None and group.find(exp.Rollup, exp.Cube, exp.GroupingSets) is None


def _is_open(scope: Any) -> bool:
    """Whether fewer rows in mean fewer rows out, and nothing else: no LIMIT."""
    return not any(scope.expression.args.get(name) for name in ("limit", "offset", "fetch"))


def _is_recursive(query: Any) -> bool:
    from sqlglot import exp

    cte = query.find_ancestor(exp.CTE)
    return cte is not None and isinstance(cte.parent, exp.With) and bool(cte.parent.args.get("recursive"))


def _inward(select: Any, wanted: list[Any]) -> Iterator[Any]:
    """The conditions on a SELECT's output that can be asked of its input: those on columns it passes on untouched."""
    from sqlglot import exp

    group = select.args.get("group")
    if not wanted or any(select.args.get(name) for name in ("limit", "offset", "fetch")):
        return
    if group is not None and not _is_simple(group):
        return
    passed = {item.alias_or_name: item.unalias() for item in select.selects if isinstance(item.unalias(), exp.Column)}
    partitions = [window.args.get("partition_by") or [] for window in select.find_all(exp.Window)]
    passed = {name: column for name, column in passed.items() if all(column in keys for keys in partitions)}
    for condition in wanted:
        if all(column.name in passed for column in condition.find_all(exp.Column)):
            yield condition.transform(lambda node: passed[node.name].copy() if isinstance(node, exp.Column) else node)


def _bare(condition: Any) -> Any:
    """The condition over column names alone, without the reader's alias."""
    from sqlglot import exp

    return condition.transform(
        lambda node: exp.column(node.this.copy()) if isinstance(node, exp.Column) else node, copy=True
    )


def _renamed(conditions: list[Any], union: Any, branch: Any) -> list[Any]:
    """The union's conditions under the names of one branch's columns."""
    from sqlglot import exp

    names = [item.alias_or_name for item in union.selects]
    theirs = [item.alias_or_name for item in branch.selects]
    if len(names) != len(theirs):
        return []
    to = dict(zip(names, theirs, strict=True))
    kept = [condition for condition in conditions if all(c.name in to for c in condition.find_all(exp.Column))]
    return [
        condition.transform(lambda node: exp.column(to[node.name]) if isinstance(node, exp.Column) else node)
        for condition in kept
    ]
