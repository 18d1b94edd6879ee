"""SEARCH expressions: which metrics they mean.

`{AWS/SQS,QueueName} MetricName="NumberOfMessagesSent" orders`: a namespace with exactly these dimensions, members with
exact values, and words that occur anywhere in a metric's names and values. NOT, AND and OR, from tight to loose.
Source: user guide, "CloudWatch search expression syntax".
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ..store import Metric
from .grammar import Malformed

SCHEMA = re.compile(r"\s*\{([^}]*)\}")
TOKEN = re.compile(r"""\s*(?:(?P<sign>[()=])|(?P<quoted>"[^"]*"|'[^']*')|(?P<word>[^\s()="']+))""")
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

Test = Callable[[Metric], bool]


def compiled(text: str) -> Test:
    """Raises Malformed."""
    schema = SCHEMA.match(text)
    tests: list[Test] = []
    if schema is not None:
        tests.append(_of_schema([part.strip().strip("\"'") for part in schema[1].split(",")]))
        text = text[schema.end() :]
    parser = _Parser(text)
    if not parser.is_done:
        tests.append(parser.any())
        if not parser.is_done:
            raise Malformed("The search expression goes on behind its end")
    return lambda metric: all(test(metric) for test in tests)


def _of_schema(parts: list[str]) -> Test:
    namespace, *names = parts
    return lambda metric: (
        metric.namespace == namespace and sorted(name for name, _ in metric.dimensions) == sorted(names)
    )


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        text = text.rstrip()
        while at < len(text):
            match = TOKEN.match(text, at)
            if match is None:
                raise Malformed("The search expression cannot be read")
            kind = match.lastgroup or ""
            self._tokens.append((kind, match[kind]))
            at = match.end()
        self._at = 0

    @property
    def is_done(self) -> bool:
        return self._at >= len(self._tokens)

    def _is(self, value: str) -> bool:
        """Whether this word or sign comes next; then it is passed."""
        if not self.is_done and self._tokens[self._at][0] != "quoted" and self._tokens[self._at][1] == value:
            self._at += 1
            return True
        return False

    def any(self) -> Test:
        tests = [self.all()]
        while self._is("OR"):
            tests.append(self.all())
        return lambda metric: any(test(metric) for test in tests)

    def all(self) -> Test:
        tests = [self._one()]
        while not self.is_done and self._tokens[self._at] not in (("sign", ")"), ("word", "OR")):
            self._is("AND")
            tests.append(self._one())
        return lambda metric: all(test(metric) for test in tests)

    def _one(self) -> Test:
        if self._is("NOT"):
            test = self._one()
            return lambda metric: not test(metric)
        if self._is("("):
            test = self.any()
            self._close()
            return test
        kind, value = self._take()
        if kind == "word" and self._is("="):
            return self._member(value)
        return _anywhere(value.strip("\"'"), exact=kind == "quoted")

    def _member(self, name: str) -> Test:
        """`Name=value`, `Name="value"`, `Name=(a OR b)`."""
        if self._is("("):
            tests = [self._value_of(name)]
            while self._is("OR"):
                tests.append(self._value_of(name))
            self._close()
            return lambda metric: any(test(metric) for test in tests)
        return self._value_of(name)

    def _value_of(self, name: str) -> Test:
        kind, value = self._take()
        wanted = value.strip("\"'")
        if kind == "quoted":
            return lambda metric: wanted in _members(metric, name)
        return lambda metric: any(_occurs(wanted, held) for held in _members(metric, name))

    def _take(self) -> tuple[str, str]:
        if self.is_done or self._tokens[self._at][0] == "sign":
            raise Malformed("The search expression cannot be read")
        self._at += 1
        return self._tokens[self._at - 1]

    def _close(self) -> None:
        if not self._is(")"):
            raise Malformed("The search expression lacks a closing parenthesis")


def _members(metric: Metric, name: str) -> list[str]:
    if name == "MetricName":
        return [metric.name]
    if name == "Namespace":
        return [metric.namespace]
    return [value for one, value in metric.dimensions if one == name]


def _anywhere(wanted: str, exact: bool) -> Test:
    def test(metric: Metric) -> bool:
        texts = [metric.namespace, metric.name, *(part for dimension in metric.dimensions for part in dimension)]
        return wanted in texts if exact else any(_occurs(wanted, text) for text in texts)

    return test


def _occurs(wanted: str, text: str) -> bool:
    """Whether the words of `wanted` are among those of `text`, whatever their case: `cpu` is in CPUUtilization."""
    held = {word.lower() for word in WORDS.findall(text)}
    return wanted.lower() == text.lower() or all(word.lower() in held for word in WORDS.findall(wanted))
