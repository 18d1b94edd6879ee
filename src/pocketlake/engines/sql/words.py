"""Words of a statement: what the hand grammar for Hive's DDL reads, and what positions are counted on."""

from __future__ import annotations

import re
from typing import NamedTuple

from .errors import SqlError

WORD = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
      |(?P<string>'(?:[^'\\]|''|\\.)*')
      |(?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`)
      |(?P<number>\d+(?:\.\d+)?)
      |(?P<name>[^\W\d][\w$]*|\d\w*)
      |(?P<mark><=|>=|<>|!=|\|\||->|=>|.)""",
    re.VERBOSE | re.DOTALL,
)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "'": "'", '"': '"', "\\": "\\"}


class Word(NamedTuple):
    kind: str  # string, quoted, number, name, mark, end
    text: str
    start: int
    stop: int

    @property
    def upper(self) -> str:
        return self.text.upper() if self.kind == "name" else self.text if self.kind == "mark" else ""


def words_of(sql: str) -> list[Word]:
    found = []
    at = 0
    while at < len(sql):
        match = WORD.match(sql, at)
        assert match is not None
        kind = match.lastgroup or "mark"
        if kind != "space":
            found.append(Word(kind, match[0], at, match.end()))
        at = match.end()
    return found


def place(sql: str, offset: int) -> tuple[int, int]:
    """Line and column, both from 1."""
    line = sql.count("\n", 0, offset) + 1
    return line, offset - (sql.rfind("\n", 0, offset) + 1) + 1


def unquote(text: str) -> str:
    """What a string literal or a quoted identifier says."""
    mark, inside = text[0], text[1:-1]
    inside = inside.replace(mark * 2, mark)
    if mark != "'" or "\\" not in inside:
        return inside
    return re.sub(
        r"\\(?:u([0-9A-Fa-f]{4})|([0-3][0-7]{2})|(.))",
        lambda m: chr(int(m[1], 16)) if m[1] else chr(int(m[2], 8)) if m[2] else ESCAPES.get(m[3], m[3]),
        inside,
        flags=re.DOTALL,
    )


class Reader:
    """A cursor over the words of one statement."""

    def __init__(self, sql: str, words: list[Word]) -> None:
        self.sql = sql
        self.words = words
        self.at = 0

    @property
    def here(self) -> Word:
        if self.at < len(self.words):
            return self.words[self.at]
        return Word("end", "<EOF>", len(self.sql), len(self.sql))

    def take(self) -> Word:
        word = self.here
        self.at += 1
        return word

    def peek(self, *names: str) -> bool:
        """Whether the next words are these keywords or marks."""
        ahead = self.words[self.at : self.at + len(names)]
        return len(ahead) == len(names) and all(word.upper == name for word, name in zip(ahead, names, strict=True))

    def accept(self, *names: str) -> bool:
        if not self.peek(*names):
            return False
        self.at += len(names)
        return True

    def expect(self, *names: str) -> None:
        for name in names:
            if not self.accept(name):
                raise self.error(f"'{name}'")

    def name(self) -> str:
        word = self.take()
        if word.kind == "quoted":
            return unquote(word.text).lower()
        if word.kind in ("name", "number"):
            return word.text.lower()
        self.at -= 1
        raise self.error("<identifier>")

    def qualified(self) -> tuple[str, ...]:
        parts = [self.name()]
        while self.accept("."):
            parts.append(self.name())
        return tuple(parts)

    def string(self) -> str:
        word = self.take()
        if word.kind == "string" or (word.kind == "quoted" and word.text[0] == '"'):
            return unquote(word.text)
        self.at -= 1
        raise self.error("<string>")

    def literal(self) -> str:
        """A string or a number, as text: what partition values are written as."""
        word = self.take()
        if word.kind == "string" or word.kind == "quoted":
            return unquote(word.text)
        if word.kind in ("number", "name"):
            if word.upper in ("DATE", "TIMESTAMP") and self.here.kind == "string":
                return self.string()
            return word.text
        if word.text == "-" and self.here.kind == "number":
            return "-" + self.take().text
        self.at -= 1
        raise self.error("a value")

    def parenthesised(self) -> str:
        """The text between this "(" and the ")" that closes it."""
        start = self.here
        self.expect("(")
        depth = 1
        while depth:
            word = self.take()
            if word.kind == "end":
                raise self.error("')'")
            depth += (word.text == "(") - (word.text == ")")
        return self.sql[start.stop : self.words[self.at - 1].start]

    def rest(self) -> str:
        """Everything from here to the end."""
        text = self.sql[self.here.start :]
        self.at = len(self.words)
        return text

    def end(self) -> None:
        if self.here.kind != "end":
            raise self.error("<EOF>")

    def error(self, expected: str = "") -> SqlError:
        word = self.here
        line, column = place(self.sql, word.start)
        wanted = f" expecting {expected}" if expected else ""
        return SqlError(
            "SYNTAX_ERROR", f"mismatched input '{word.text}'.{wanted and ' Expecting: ' + expected}", line, column
        )
