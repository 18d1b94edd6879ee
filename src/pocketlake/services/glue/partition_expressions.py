"""The expression of GetPartitions: a WHERE clause over partition keys, compared by the keys' types.

    parse(text, types) -> Predicate        predicate.matches(values) -> bool

Grammar (keywords in any case; parentheses may also stand around single names, literals and AND/OR, as Glue's parser
takes them):

    or   := and (OR and)*          and := not (AND not)*          not := NOT not | '(' or ')' | test
    test := name (= | == | != | <> | < | > | <= | >=) literal     and the same with the sides exchanged
          | name [NOT] (IN '(' literal, ... ')' | BETWEEN literal AND literal | LIKE literal) | name IS [NOT] NULL

Truth has three values: a partition whose key is __HIVE_DEFAULT_PARTITION__ (null) meets no comparison.
Source: Glue API reference, GetPartitions, "Expression".
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
MAX_DEPTH = 100

TOKEN = re.compile(
    r"\s+|(?P<string>'(?:[^']|'')*')|(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r'|(?P<name>[A-Za-z_][\w$]*|"[^"]+"|`[^`]+`)|(?P<sign><=|>=|<>|!=|==|[=<>(),])'
)
KEYWORDS = {"and", "or", "not", "in", "between", "like", "is", "null"}
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "==": operator.eq, "!=": operator.ne, "<>": operator.ne,
    "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip
MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
TIMESTAMP = re.compile(r"(\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?$", re.ASCII)

Test = Callable[[Sequence[Any]], "bool | None"]


class ExpressionError(Exception):
    """The expression is wrong: InvalidInputException with this message."""


class StateError(Exception):
    """A stored partition's value is not of its key's type: InvalidStateException with this message."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # string, number, name, sign, or the keyword itself
    text: str


@dataclass(frozen=True, slots=True)
class KeyType:
    """How values of a partition key are read and what Glue calls the type in its errors."""

    title: str
    noun: str
    read: Callable[[str], Any]


@dataclass(slots=True)
class Predicate:
    """`equal` are the string keys that must equal one value: where an index or the key's order can begin."""

    types: list[KeyType | None]
    test: Test
    used: set[int]
    equal: dict[int, str] = field(default_factory=dict)

    def matches(self, values: Sequence[str]) -> bool:
        typed = [self._read(at, text) if at in self.used else None for at, text in enumerate(values)]
        return self.test(typed) is True

    def _read(self, at: int, text: str) -> Any:
        kind = self.types[at]
        assert kind is not None  # the parser refused keys of unknown types
        if text == HIVE_NULL:
            return None
        try:
            return kind.read(text)
        except (ValueError, InvalidOperation):
            raise StateError(f'"{text}" is not {kind.noun}') from None


def _timestamp(text: str) -> tuple[datetime, int]:
    """Seconds and nanoseconds: datetime alone stops at microseconds."""
    match = TIMESTAMP.match(text)
    if match is None:
        raise ValueError(text)
    return datetime.fromisoformat(match[1]), int(((match[2] or "") + "0" * 9)[:9])


def _date(text: str) -> date:
    if len(text) != 10:
        raise ValueError(text)
    return date.fromisoformat(text)


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError(text)
    return number


STRING = KeyType("String", "a string", str)
INTEGRAL = KeyType("Integral", "an integer", int)
KEY_TYPES = {
    "string": STRING,
    "varchar": STRING,
    "char": STRING,
    "tinyint": INTEGRAL,
    "smallint": INTEGRAL,
    "int": INTEGRAL,
    "integer": INTEGRAL,
    "bigint": INTEGRAL,
    "long": INTEGRAL,
    "decimal": KeyType("Decimal", "a decimal", _decimal),
    "date": KeyType("Date", "a date", _date),
    "timestamp": KeyType("Timestamp", "a timestamp", _timestamp),
}


def parse(text: str, keys: Sequence[tuple[str, str]]) -> Predicate:
    """The predicate of `text` over partition keys given as (name, Hive type)."""
    tokens = _unwrap(_tokens(text))
    parser = _Parser(text, tokens, keys)
    test = parser.disjunction(0)
    if parser.at != len(tokens):
        raise parser.unsupported()
    return Predicate(parser.types, test, parser.used, parser.equal)


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(f"Unsupported expression '{text}'")
        at = match.end()
        kind, found = match.lastgroup, match.group()
        if kind == "name" and found.lower() in KEYWORDS:
            tokens.append(_Token(found.lower(), found))
        elif kind is not None:
            tokens.append(_Token(kind, found))
    return tokens


def _unwrap(tokens: list[_Token]) -> list[_Token]:
    """Take away parentheses around one token, except IN's."""
    result: list[_Token] = []
    for token in tokens:
        result.append(token)
        while (
            len(result) >= 3
            and result[-1].text == ")"
            and result[-3].text == "("
            and result[-2].text not in "(),"
            and not (len(result) >= 4 and result[-4].kind == "in")
        ):
            result[-3:] = [result[-2]]
            # What is single now may be wrapped once more by a parenthesis that comes later.
    return result


class _Parser:
    def __init__(self, text: str, tokens: list[_Token], keys: Sequence[tuple[str, str]]) -> None:
        self.text = text
        self.tokens = tokens
        self.names = {name.lower(): at for at, (name, _) in enumerate(keys)}
        self.spelled = [kind for _, kind in keys]
        self.types = [KEY_TYPES.get(kind.partition("(")[0].strip().lower()) for _, kind in keys]
        self.at = 0
        self.used: set[int] = set()
        self.equal: dict[int, str] = {}

    def disjunction(self, depth: int) -> Test:
        if depth > MAX_DEPTH:
            raise self.unsupported()
        before = dict(self.equal)
        tests = [self.conjunction(depth)]
        while self.accept("or"):
            tests.append(self.conjunction(depth))
            self.equal = dict(before)  # no single value is needed on either side of an OR
        return tests[0] if len(tests) == 1 else lambda row: _any(test(row) for test in tests)

    def conjunction(self, depth: int) -> Test:
        tests = [self.negation(depth)]
        while self.accept("and"):
            tests.append(self.negation(depth))
        return tests[0] if len(tests) == 1 else lambda row: _all(test(row) for test in tests)

    def negation(self, depth: int) -> Test:
        if depth > MAX_DEPTH:
            raise self.unsupported()
        if self.accept("not"):
            before = dict(self.equal)
            inner = self.negation(depth + 1)
            self.equal = before
            return _not(inner)
        if self.accept("sign", "("):
            inner = self.disjunction(depth + 1)
            self.expect("sign", ")")
            return inner
        return self.comparison()

    def comparison(self) -> Test:
        if self.peek().kind in ("string", "number"):
            literal = self.take()
            sign = self.take()
            column = self.column()
            return self.compare(column, MIRRORED.get(sign.text, sign.text), literal)
        column = self.column()
        if self.accept("is"):
            negated = self.accept("not")
            self.expect("null")
            return lambda row: (row[column] is None) is not negated
        if self.accept("not"):
            return _not(self.word_test(column))
        if self.peek().kind in ("in", "between", "like"):
            return self.word_test(column)
        sign = self.take()
        return self.compare(column, sign.text, self.take())

    def compare(self, column: int, sign: str, literal: _Token) -> Test:
        if sign not in COMPARE:
            raise self.unsupported()
        compare, value = COMPARE[sign], self.literal(column, literal)
        if sign in ("=", "==") and self.types[column] is STRING:
            self.equal.setdefault(column, value)
        return lambda row: None if row[column] is None else compare(row[column], value)

    def word_test(self, column: int) -> Test:
        if self.accept("in"):
            self.expect("sign", "(")
            wanted = {self.literal(column, self.take())}
            while self.accept("sign", ","):
                wanted.add(self.literal(column, self.take()))
            self.expect("sign", ")")
            return lambda row: None if row[column] is None else row[column] in wanted
        if self.accept("between"):
            low = self.literal(column, self.take())
            self.expect("and")
            high = self.literal(column, self.take())
            return lambda row: None if row[column] is None else low <= row[column] <= high
        self.expect("like")
        kind = self.types[column]
        if kind is not STRING:
            assert kind is not None
            raise ExpressionError(f"{kind.title} data type doesn't support operation 'LIKE'")
        pattern = _like(self.literal(column, self.take()))
        return lambda row: None if row[column] is None else pattern.fullmatch(row[column]) is not None

    def column(self) -> int:
        token = self.take()
        if token.kind != "name":
            raise self.unsupported()
        at = self.names.get(token.text.strip('"`').lower())
        if at is None:
            raise ExpressionError("Invalid partition expression!")
        if self.types[at] is None:
            raise ExpressionError(f"Unknown type : '{self.spelled[at]}'")
        self.used.add(at)
        return at

    def literal(self, column: int, token: _Token) -> Any:
        """The literal read as the column's type: text and numbers may stand for each other."""
        if token.kind == "name" and token.text.lower() in ("date", "timestamp") and self.peek().kind == "string":
            token = self.take()
        if token.kind not in ("string", "number"):
            raise self.unsupported()
        kind = self.types[column]
        assert kind is not None
        text = token.text[1:-1].replace("''", "'") if token.kind == "string" else token.text
        try:
            return kind.read(text)
        except (ValueError, InvalidOperation):
            raise ExpressionError(f'"{text}" is not {kind.noun}') from None

    def peek(self) -> _Token:
        return self.tokens[self.at] if self.at < len(self.tokens) else _Token("end", "")

    def take(self) -> _Token:
        token = self.peek()
        self.at += 1
        return token

    def accept(self, kind: str, text: str = "") -> bool:
        token = self.peek()
        if token.kind != kind or (text and token.text != text):
            return False
        self.at += 1
        return True

    def expect(self, kind: str, text: str = "") -> None:
        if not self.accept(kind, text):
            raise self.unsupported()

    def unsupported(self) -> ExpressionError:
        return ExpressionError(f"Unsupported expression '{self.text}'")


def _like(pattern: str) -> re.Pattern[str]:
    parts = {"%": ".*", "_": "."}
    return re.compile("".join(parts.get(char) or re.escape(char) for char in pattern), re.DOTALL)


def _not(test: Test) -> Test:
    def inverted(row: Sequence[Any]) -> bool | None:
        truth = test(row)
        return None if truth is None else not truth

    return inverted


def _any(truths: Any) -> bool | None:
    result: bool | None = False
    for truth in truths:
        if truth:
            return True
        if truth is None:
            result = None
    return result


def _all(truths: Any) -> bool | None:
    result: bool | None = True
    for truth in truths:
        if truth is False:
            return False
        if truth is None:
            result = None
    return result
