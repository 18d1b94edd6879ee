"""Text to tokens."""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn

from ..service import Invalid

TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z][A-Za-z0-9_]*)|(?P<value>:[A-Za-z0-9_]+)|(?P<alias>\#[A-Za-z0-9_]+)|(?P<number>[0-9]+)"
    r"|(?P<mark><=|>=|<>|[=<>+\-,.()\[\]]))"
)
SPACE = re.compile(r"\s*")


class Token(NamedTuple):
    kind: str  # name value alias number mark, end
    text: str
    start: int
    end: int


class Tokens:
    """The tokens of one expression, and a place among them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.tokens: list[Token] = []
        place = 0
        while (match := TOKEN.match(text, place)) is not None:
            kind = match.lastgroup
            assert kind is not None
            self.tokens.append(Token(kind, match[kind], match.start(kind), match.end()))
            place = match.end()
        place = SPACE.match(text, place).end()  # type: ignore[union-attr]
        if place < len(text):
            self._refuse_character(place)
        self.tokens.append(Token("end", "<EOF>", len(text), len(text)))

    def _refuse_character(self, place: int) -> NoReturn:
        start = self.tokens[-1].start if self.tokens else 0
        end = re.compile(r"[^\s,()=<>\[\]]*").match(self.text, place + 1).end()  # type: ignore[union-attr]
        raise syntax(self.text[place], self.text[start:end])

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def accept(self, mark: str) -> bool:
        """Take this mark if it comes next."""
        token = self.tokens[self.at]
        if token.kind == "mark" and token.text == mark:
            self.at += 1
            return True
        return False

    def word(self, word: str) -> bool:
        """Take this keyword, in whatever case, if it comes next."""
        token = self.tokens[self.at]
        if token.kind == "name" and token.text.upper() == word:
            self.at += 1
            return True
        return False

    def expect(self, mark: str) -> None:
        if not self.accept(mark):
            raise self.unexpected()

    def unexpected(self) -> Invalid:
        """The refusal of the next token. `near` is the text from the token before it to the one after it."""
        token = self.next
        start = self.tokens[self.at - 1].start if self.at else 0
        following = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        end = following.end if following.kind != "end" and token.kind != "end" else token.end
        if token.kind == "end":
            end = len(self.text)
        return syntax(token.text, self.text[start:end])


def syntax(token: str, near: str) -> Invalid:
    return Invalid(f'Syntax error; token: "{token}", near: "{near}"')
