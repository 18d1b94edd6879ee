"""The stage between bind and lower: may this caller run this query? Fails closed.

Two questions. Is every node one that we know to be harmless (no table functions, no functions outside the registry, no
construct the lowering has never seen)? And does the policy let the caller read these columns of these tables?
"""

from __future__ import annotations

from typing import Protocol

from . import functions
from .bind import BoundQuery, Scan, position
from .errors import NotSupported, SqlError

STRUCTURE = frozenset(
    """
    Add Alias Aliases All Anonymous AnonymousAggFunc Any AtTimeZone Between BitwiseAnd BitwiseLeftShift
    BitwiseNot BitwiseOr BitwiseRightShift BitwiseXor Boolean Bracket CTE Cast Collate Column ColumnDef Cube
    CurrentDate DPipe DataType DataTypeParam Distinct Div Dot EQ Escape Except Fetch Filter ForIn FormatJson
    From GT GTE Group GroupingSets Having HavingMax HexString Hint Identifier IgnoreNulls In Intersect Interval
    IntervalSpan Is JSONKeyValue JSONPath JSONPathKey JSONPathRoot JSONPathSubscript JSONPathWildcard Join Kwarg
    LT LTE Lambda Lateral Like Limit Literal Mod Mul NEQ NationalString Neg Not Null NullSafeEQ NullSafeNEQ
    Offset Order Ordered Paren PivotAlias Placeholder PropertyEQ Qualify RespectNulls Rollup SafeConcat Select
    Slice Star Sub Subquery Table TableAlias Tuple UnicodeString Union Unnest Values Var WeekStart Where Window
    WindowSpec Windows With WithOperator WithinGroup
    """.split()  # noqa: SIM905 - a list of names reads best as words
)
TABLE_FUNCTIONS = frozenset(["Unnest", "Lateral", "Subquery", "Table", "Select"])


class Policy(Protocol):
    """Who may read what. Row filters and masks will be added to the scan by the policy."""

    def admit(self, scan: Scan) -> None:
        """Raise SqlError when this scan is not allowed."""


class EverythingAllowed:
    """The lake without Lake Formation: whoever may query may read what the catalog holds."""

    def admit(self, scan: Scan) -> None:
        return None


def authorise(query: BoundQuery, policy: Policy) -> BoundQuery:
    """The same query, allowed; SqlError otherwise."""
    check_nodes(query)
    for scan in query.scans:
        policy.admit(scan)
    return query


def check_nodes(query: BoundQuery) -> None:
    from sqlglot import exp

    handles = {scan.handle for scan in query.scans}
    ctes = {cte.alias for cte in query.tree.find_all(exp.CTE)}
    for node in query.tree.walk():
        name = type(node).__name__
        if isinstance(node, exp.Anonymous):
            _check_function(node)
        elif name not in STRUCTURE and name not in functions.NODES:
            if isinstance(node, exp.Func):
                raise SqlError(
                    "FUNCTION_NOT_FOUND", f"Function '{node.sql_name().lower()}' not registered", *position(node)
                )
            raise NotSupported(f"The construct {name}")
        if isinstance(node, exp.Table) and node.name not in handles and node.name not in ctes:
            raise SqlError("TABLE_NOT_FOUND", f"Table '{node.name}' does not exist", *position(node))


def _check_function(node: object) -> None:
    name = str(getattr(node, "this", ""))
    if name.lower() not in functions.NAMED:
        raise SqlError("FUNCTION_NOT_FOUND", f"Function '{name.lower()}' not registered", *position(node))
