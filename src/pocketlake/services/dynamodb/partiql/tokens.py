"""PartiQL's words: a statement as tokens, and how one reads them.

Wording: paritysuite/dynamodb-conformance, tests/tier3/error-messages/partiqlGrammar.test.ts, recorded in October 2026.
"""

from __future__ import annotations

import re

from ..service import Invalid

BLANK = r"(?:\s|--[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)*+"  # blanks and comments, never given back
TOKEN = re.compile(
    BLANK + r"(?:(?P<quoted>\"(?:[^\"]|\"\")*\")|(?P<text>'(?:[^']|'')*')|(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<mark><<|>>|<=|>=|<>|!=|[=<>()\[\]{},.:?+\-*;]))"
)
REST = re.compile(BLANK)
BARE_TABLE = re.compile(r"[A-Za-z0-9_-]+")
MALFORMED = "Statement wasn't well formed, can't be processed: "
EXPONENT_CHARACTERS = 20  # of an exponent are enough to see that it is too large
INTEGERS = range(-(2**31), 2**31)  # exponents and scales that the parser can hold


class Tokens:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        self.starts: list[int] = []
        self.at = 0
        place = 0
        while (match := TOKEN.match(text, place)) is not None:
            kind = str(match.lastgroup)
            self.tokens.append((kind, match[kind]))
            self.starts.append(match.start(kind))
            place = match.end()
            if kind == "number" and not _fits(match[kind]):
                raise Invalid(MALFORMED)
        rest = REST.match(text, place)
        assert rest is not None
        if rest.end() < len(text):
            raise Invalid(MALFORMED)

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def accept(self, *marks: str) -> str:
        """Take one of these marks or words if it comes next."""
        kind, text = self.peek()
        shown = text.upper() if kind == "name" else text
        if kind in ("name", "mark") and shown in marks:
            self.at += 1
            return shown
        return ""

    def expect(self, *marks: str) -> None:
        for mark in marks:
            if not self.accept(mark):
                raise self.unexpected()

    def unexpected(self) -> Invalid:
        _, text = self.peek()
        return Invalid(f"{MALFORMED}Unexpected {'token: ' + text if text else 'end'}")

    def leftover(self) -> Invalid:
        return Invalid(f"{MALFORMED}Unexpected token after expression")

    def finish(self) -> None:
        if self.at < len(self.tokens):
            raise self.leftover()

    def place(self, token: int) -> str:
        """Where a token stands, as AWS says it: line, column and length, counted from 1."""
        before, (_, text) = self.text[: self.starts[token]], self.tokens[token]
        return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}:{len(text)}"

    def name(self) -> str:
        kind, text = self.peek()
        if kind not in ("name", "quoted"):
            raise self.unexpected()
        self.at += 1
        return text if kind == "name" else text[1:-1].replace('""', '"')

    def table(self) -> str:
        """Unquoted names may have hyphens, and digits after them."""
        if self.peek()[0] != "name":
            name = self.name()
            if not name:
                raise Invalid("Path component cannot be an empty string")
            return name
        match = BARE_TABLE.match(self.text, self.starts[self.at])
        assert match is not None
        while self.at < len(self.tokens) and self.starts[self.at] < match.end():
            self.at += 1
        return match[0]

    def refuse_alias(self, *words: str) -> None:
        """Behind a table comes one of these words, or no name at all."""
        kind, text = self.peek()
        if kind == "quoted" or (kind == "name" and text.upper() not in words):
            raise Invalid("Aliasing is not supported")


def _fits(number: str) -> bool:
    digits, _, exponent = number.lower().partition("e")
    power = int(exponent[:EXPONENT_CHARACTERS] or 0)
    return power in INTEGERS and len(digits.partition(".")[2]) - power in INTEGERS
