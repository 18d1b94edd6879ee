"""SearchTables: tables of all databases by words and by properties."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import tables
from .service import errors, glue, own_catalog, page_start, page_token

PAGE = 100
COMPARATORS: dict[str, Callable[[str, str], bool]] = {
    "EQUALS": lambda value, wanted: value == wanted,
    "GREATER_THAN": lambda value, wanted: value > wanted,
    "LESS_THAN": lambda value, wanted: value < wanted,
    "GREATER_THAN_EQUALS": lambda value, wanted: value >= wanted,
    "LESS_THAN_EQUALS": lambda value, wanted: value <= wanted,
}
SORTED_BY: dict[str, Callable[[Resource], Any]] = {
    "Name": lambda table: table.name,
    "DatabaseName": lambda table: table.parent,
    "CreateTime": lambda table: table["CreateTime"],
    "UpdateTime": lambda table: table["UpdateTime"],
    "LastAccessTime": lambda table: table.get("LastAccessTime", 0.0),
}


@glue.operation
def search_tables(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Tables whose metadata hold the text ("quoted": exactly one of the values) and meet every filter."""
    own_catalog(call, request)
    text = request.get("SearchText", "")
    filters = request.get("Filters", [])
    found = [
        table
        for table in call.resources("table").list_all()
        if (not text or _mentions(table, text)) and all(_meets(table, wanted) for wanted in filters)
    ]
    for criterion in reversed(request.get("SortCriteria", [])):
        key = SORTED_BY.get(criterion["FieldName"])
        if key is None:
            raise errors.InvalidInputException(f"Tables can not be sorted by {criterion['FieldName']}.")
        found.sort(key=key, reverse=criterion.get("Sort") == "DESC")
    start = int(page_start(call, request, "search") or 0)
    limit = request.get("MaxResults", PAGE)
    answer: dict[str, Any] = {"TableList": [tables.describe(call, table) for table in found[start : start + limit]]}
    if len(found) > start + limit:
        answer["NextToken"] = page_token(call, "search", str(start + limit))
    return answer


def _words(table: Resource) -> list[str]:
    columns = [*table.get("StorageDescriptor", {}).get("Columns", []), *table["PartitionKeys"]]
    described = [text for column in columns for text in (column["Name"], column.get("Comment", ""))]
    return [table.name, table.parent, table.get("Description", ""), *described, *table.get("Parameters", {}).values()]


def _mentions(table: Resource, text: str) -> bool:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1] in _words(table)
    return any(text.lower() in word.lower() for word in _words(table))


def _meets(table: Resource, wanted: dict[str, Any]) -> bool:
    """Keys are members of the table, or of its Parameters."""
    key, value = wanted.get("Key", ""), wanted.get("Value", "")
    compare = COMPARATORS[wanted.get("Comparator", "EQUALS")]
    members = {name.lower(): member for name, member in table.body.items() if isinstance(member, str)}
    candidates = [members.get(key.lower()), table.get("Parameters", {}).get(key)]
    return any(compare(candidate, value) for candidate in candidates if candidate is not None)
