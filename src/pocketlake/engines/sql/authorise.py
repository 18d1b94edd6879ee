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
    ["Select", "From", "Join", "Where", "Group", "Having", "Order", "Ordered", "Limit", "Offset", "Fetch", "Distinct", "With", "CTE", "Subquery", "Union", "Intersect", "Except", "Table", "TableAlias", "Identifier", "Column", "Alias", "Aliases", "Star", "Literal", "Null", "Boolean", "Paren", "Tuple", "Values", "Neg", "Not", "Between", "In", "Like", "Is", "Any", "All", "Interval", "IntervalSpan", "DataType", "DataTypeParam", "ColumnDef", "Bracket", "Dot", "Lambda", "Window", "WindowSpec", "IgnoreNulls", "RespectNulls", "Filter", "Unnest", "Lateral", "WithinGroup", "Cube", "Rollup", "GroupingSets", "Var", "Add", "Sub", "Mul", "Div", "Mod", "EQ", "NEQ", "LT", "LTE", "GT", "GTE", "NullSafeEQ", "NullSafeNEQ", "DPipe", "Escape", "PropertyEQ", "Slice", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot", "BitwiseLeftShift", "BitwiseRightShift", "HexString", "NationalString", "UnicodeString", "SafeConcat", "Collate", "Anonymous", "AnonymousAggFunc", "JSONKeyValue", "JSONPath", "JSONPathRoot", "JSONPathKey", "JSONPathSubscript", "JSONPathWildcard", "FormatJson", "Interval", "WeekStart", "Cast", "AtTimeZone", "Hint", "PivotAlias", "Qualify", "Windows", "CurrentDate", "Kwarg", "Placeholder", "ForIn", "HavingMax", "WithOperator"]
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
