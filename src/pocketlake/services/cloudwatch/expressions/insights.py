"""Metrics Insights: SELECT over all metrics of a name.

    SELECT SUM(Requests) FROM SCHEMA("app", server) WHERE server != 'a' GROUP BY server ORDER BY MAX() DESC LIMIT 5

Source: user guide, "Metrics Insights query components and syntax".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pocketlake.kernel.spread import Spread

from ..store import Metric
from .grammar import Malformed

TOKEN = re.compile(
    r"""\s*(?:(?P<sign>!=|[(),=])|(?P<value>'(?:[^']|'')*')|(?P<name>"[^"]*"|[A-Za-z_]\w*)|(?P<number>\d+))"""
)
BEGINNING = re.compile(r"\s*SELECT\s", re.IGNORECASE)
MOST = 500  # series that one query gives
# By what they make of the values of a period, whatever metric they come from.
FUNCTIONS: dict[str, Callable[[Spread], float]] = {
    "AVG": lambda spread: spread.sum / spread.count,
    "COUNT": lambda spread: spread.count,
    "MAX": lambda spread: spread.most,
    "MIN": lambda spread: spread.least,
    "SUM": lambda spread: spread.sum,
}


@dataclass(slots=True, frozen=True)
class Condition:
    name: str
    value: str
    is_equal: bool

    def holds(self, dimensions: dict[str, str]) -> bool:
        """Metrics without the dimension do not count, whatever is asked of it."""
        return self.name in dimensions and (dimensions[self.name] == self.value) == self.is_equal


@dataclass(slots=True)
class Query:
    function: str
    metric: str
    namespace: str
    schema: list[str] | None = None  # exactly these dimensions
    conditions: tuple[Condition, ...] = ()
    groups: tuple[str, ...] = ()
    order: str | None = None
    descends: bool = False
    limit: int = MOST

    def group_of(self, metric: Metric) -> tuple[str, ...] | None:
        """The values by which it is grouped; None when the query is not about it."""
        if (metric.namespace, metric.name) != (self.namespace, self.metric):
            return None
        dimensions = dict(metric.dimensions)
        if self.schema is not None and sorted(dimensions) != sorted(self.schema):
            return None
        if not all(condition.holds(dimensions) for condition in self.conditions):
            return None
        if any(name not in dimensions for name in self.groups):
            return None
        return tuple(dimensions[name] for name in self.groups)


def is_query(text: str) -> bool:
    return BEGINNING.match(text) is not None


def parse(text: str) -> Query:
    """Raises Malformed."""
    parser = _Parser(text)
    parser.word("SELECT")
    function = parser.function()
    parser.sign("(")
    metric = parser.name()
    parser.sign(")")
    parser.word("FROM")
    query = Query(function, metric, "")
    if parser.has_word("SCHEMA"):
        parser.sign("(")
        query.namespace, *query.schema = parser.names()
        parser.sign(")")
    else:
        query.namespace = parser.name()
    if parser.has_word("WHERE"):
        query.conditions = parser.conditions()
    if parser.has_word("GROUP"):
        parser.word("BY")
        query.groups = tuple(parser.names())
    if parser.has_word("ORDER"):
        parser.word("BY")
        query.order = parser.function()
        parser.sign("(")
        parser.sign(")")
        query.descends = parser.has_word("DESC")
        if not query.descends:
            parser.has_word("ASC")
    if parser.has_word("LIMIT"):
        query.limit = parser.number()
    parser.end()
    return query


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        self._at = at = 0
        text = text.rstrip()
        while at < len(text):
            match = TOKEN.match(text, at)
            if match is None:
                raise Malformed(f"Unexpected '{text[at:].strip()[:1]}'")
            kind = match.lastgroup or ""
            self._tokens.append((kind, match[kind]))
            at = match.end()

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _take(self, kind: str) -> str:
        found, value = self._peek()
        if found != kind:
            raise Malformed(f"Unexpected '{value}'" if value else "The query ends too early")
        self._at += 1
        return value

    def has_word(self, word: str) -> bool:
        """Whether this word comes next; then it is passed."""
        kind, value = self._peek()
        if kind == "name" and value.upper() == word:
            self._at += 1
            return True
        return False

    def word(self, word: str) -> None:
        if not self.has_word(word):
            raise Malformed(f"{word} is expected, not '{self._peek()[1]}'")

    def sign(self, sign: str) -> None:
        if self._take("sign") != sign:
            raise Malformed(f"'{sign}' is expected")

    def name(self) -> str:
        return self._take("name").strip('"')

    def names(self) -> list[str]:
        found = [self.name()]
        while self._peek() == ("sign", ","):
            self._at += 1
            found.append(self.name())
        return found

    def function(self) -> str:
        name = self._take("name").upper()
        if name not in FUNCTIONS:
            raise Malformed(f"There is no function {name}; there are {', '.join(FUNCTIONS)}")
        return name

    def conditions(self) -> tuple[Condition, ...]:
        found = []
        while True:
            name, sign = self.name(), self._take("sign")
            if sign not in ("=", "!="):
                raise Malformed(f"Unexpected '{sign}'")
            value = self._take("value")[1:-1].replace("''", "'")
            found.append(Condition(name, value, sign == "="))
            if not self.has_word("AND"):
                return tuple(found)

    def number(self) -> int:
        number = int(self._take("number"))
        if not 1 <= number <= MOST:
            raise Malformed(f"LIMIT has to lie between 1 and {MOST}")
        return number

    def end(self) -> None:
        if self._peek()[0] != "end":
            raise Malformed(f"Unexpected '{self._peek()[1]}'")
