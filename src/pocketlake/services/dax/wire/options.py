"""A request's optional parameters: a map of numbers to values, or null."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.errors import NotImplemented501

from ..service import refuse
from .scanning import Malformed

PROJECTION, CONSISTENT_READ, CONSUMED_CAPACITY, CONDITION = 0, 2, 3, 4
COLLECTION_METRICS, RETURN_VALUES, UPDATE, START_KEY, FILTER, INDEX = 6, 7, 8, 9, 10, 11
LIMIT, FORWARD, SELECT, SEGMENT, SEGMENTS, TOKEN = 13, 14, 15, 16, 17, 19
KNOWN = range(20)  # names and values of expressions (1, 5) stand in the expressions as well

CAPACITIES = ("NONE", "TOTAL", "INDEXES")
METRICS = ("NONE", "SIZE")
RETURNS = ("", "NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW")
SELECTS = ("", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "COUNT", "SPECIFIC_ATTRIBUTES")
MOST_SEGMENTS = 1_000_000


class Options:
    """Reads them one by one. Raises Malformed for what is of another type, ValidationException for wrong values."""

    __slots__ = ("_given",)

    def __init__(self, given: Any) -> None:
        if given is not None and type(given) is not dict:
            raise Malformed("options are a map")
        self._given: dict[Any, Any] = given or {}
        for option in self._given:
            if type(option) is not int:
                raise Malformed("options have numbers")
            if option not in KNOWN:
                raise NotImplemented501(f"DAX's request parameter {option}")

    def get(self, option: int) -> Any:
        return self._given.get(option)

    def is_set(self, option: int) -> bool:
        return bool(self._given.get(option))

    def common(self, request: dict[str, Any]) -> dict[str, Any]:
        """Adds what most operations have."""
        if asked := self._one_of(CONSUMED_CAPACITY, CAPACITIES, "returnConsumedCapacity"):
            request["ReturnConsumedCapacity"] = asked
        if asked := self._one_of(COLLECTION_METRICS, METRICS, "returnItemCollectionMetrics"):
            request["ReturnItemCollectionMetrics"] = asked
        return request

    def returns(self) -> str:
        return self._one_of(RETURN_VALUES, RETURNS, "returnValues") or "NONE"

    def reading(self, request: dict[str, Any]) -> dict[str, Any]:
        """Adds what queries and scans have, apart from expressions and the start."""
        self.common(request)
        if INDEX in self._given:
            request["IndexName"] = self._text(INDEX)
        if asked := self._one_of(SELECT, SELECTS, "select"):
            request["Select"] = asked
        if LIMIT in self._given:
            request["Limit"] = self._number(LIMIT, "limit", 1)
        if FORWARD in self._given:
            request["ScanIndexForward"] = self.is_set(FORWARD)
        if self.is_set(CONSISTENT_READ):
            request["ConsistentRead"] = True
        if SEGMENT in self._given:
            request["Segment"] = self._number(SEGMENT, "segment", 0)
        if SEGMENTS in self._given:
            request["TotalSegments"] = self._number(SEGMENTS, "totalSegments", 1)
            if request["TotalSegments"] > MOST_SEGMENTS:
                raise _unfit(request["TotalSegments"], "totalSegments", f"less than or equal to {MOST_SEGMENTS}")
        return request

    def token(self, request: dict[str, Any]) -> None:
        token = self._given.get(TOKEN)
        if type(token) is str and token:
            request["ClientRequestToken"] = token

    def _text(self, option: int) -> str:
        value = self._given[option]
        try:
            return value.decode() if type(value) is bytes else str(value)
        except UnicodeDecodeError:
            raise Malformed("text is UTF-8") from None

    def _number(self, option: int, name: str, least: int) -> int:
        value = self._given[option]
        if type(value) is not int:
            raise Malformed("a number was expected")
        if value < least:
            raise _unfit(value, name, f"greater than or equal to {least}")
        return value

    def _one_of(self, option: int, names: tuple[str, ...], name: str) -> str:
        value = self._given.get(option)
        if value is None:
            return ""
        if type(value) is not int or not 0 <= value < len(names) or not names[value]:
            raise _unfit(value, name, f"one of {', '.join(filter(None, names))}")
        return names[value]


def _unfit(value: Any, name: str, bound: str) -> Exception:
    return refuse(
        f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: "
        f"Member must have value {bound}"
    )
