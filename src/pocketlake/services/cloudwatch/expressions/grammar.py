"""The grammar: from an expression's text to a tree."""

from __future__ import annotations

import re
from dataclasses import dataclass

DEEPEST = 64
TOO_DEEP = "The expression is nested too deeply"
TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<sign>==|!=|<=|>=|&&|\|\||[-+*/^<>()\[\],])
    )""",
    re.VERBOSE,
)
# How tightly operators bind.
BINDING = {
    "||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4, "+": 5, "-": 5, "*": 6, "/": 6, "^": 8,
}  # fmt: skip
WORDS = {"AND": "&&", "OR": "||"}
UNARY = 7


class Malformed(Exception):
    """What is wrong with an expression."""


@dataclass(slots=True, frozen=True)
class Literal:
    value: float | str


@dataclass(slots=True, frozen=True)
class Name:
    """A query's ID, or a word that a function takes (REPEAT)."""

    value: str


@dataclass(slots=True, frozen=True)
class Operation:
    sign: str
    left: Node
    right: Node


@dataclass(slots=True, frozen=True)
class Function:
    name: str
    arguments: tuple[Node, ...]


@dataclass(slots=True, frozen=True)
class Array:
    elements: tuple[Node, ...]


Node = Literal | Name | Operation | Function | Array


def parse(text: str) -> Node:
    """Raises Malformed."""
    parser = _Parser(_tokens(text))
    tree = parser.expression(0)
    parser.expect("")
    return tree


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            wrong = text[at:].lstrip()
            raise Malformed(f"Unexpected '{wrong[:1]}' at position {len(text) - len(wrong) + 1}")
        kind = match.lastgroup or ""
        value = match[kind]
        if kind == "name" and value.upper() in WORDS:
            kind, value = "sign", WORDS[value.upper()]
        found.append((kind, value))
        at = match.end()
    return [*found, ("end", "")]


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def _next(self) -> tuple[str, str]:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._tokens[self._at][0] == "sign" else ""

    def expect(self, sign: str) -> None:
        kind, value = self._next()
        if (kind, value) != (("sign", sign) if sign else ("end", "")):
            raise Malformed(f"Unexpected '{value}'" if value else "The expression ends too early")

    def expression(self, least: int) -> Node:
        """Operators that bind at least so tightly; ^ from the right, all others from the left."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise Malformed(TOO_DEEP)
        left = self._operand()
        while (binding := BINDING.get(self._peek(), -1)) >= max(least, 1):
            _, sign = self._next()
            left = Operation(sign, left, self.expression(binding if sign == "^" else binding + 1))
        self._depth -= 1
        return left

    def _operand(self) -> Node:
        kind, value = self._next()
        if kind == "number":
            return Literal(float(value))
        if kind == "text":
            return Literal(value[1:-1])
        if kind == "name":
            if self._peek() == "(":
                self._next()
                return Function(value.upper(), self._list(")"))
            return Name(value)
        if value == "-":
            return Operation("*", Literal(-1.0), self.expression(UNARY))
        if value == "+":
            return self.expression(UNARY)
        if value == "(":
            inner = self.expression(0)
            self.expect(")")
            return inner
        if value == "[":
            return Array(self._list("]"))
        raise Malformed(f"Unexpected '{value}'" if value else "The expression ends too early")

    def _list(self, end: str) -> tuple[Node, ...]:
        """Elements up to `end`, which is passed."""
        if self._peek() == end:
            self._next()
            return ()
        elements = [self.expression(0)]
        while self._peek() == ",":
            self._next()
            elements.append(self.expression(0))
        self.expect(end)
        return tuple(elements)
