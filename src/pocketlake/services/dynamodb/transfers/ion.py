"""Items as Amazon Ion text, one on a line: what exports write and imports read.

Sources: developer guide, "DynamoDB table export output format" and "Amazon S3 import formats for DynamoDB" (which Ion
type stands for which of DynamoDB's); the Ion 1.0 specification, "Text". Values that DynamoDB has no type for
(timestamps, symbols, s-expressions, clobs) are refused.
"""

from __future__ import annotations

import re
import sys
from decimal import Decimal
from typing import Any

import orjson

from ..service import Invalid

MARKER = "$ion_1_0"
SETS = ("SS", "NS", "BS")
PLAIN = re.compile(r"(?!(?:null|true|false|nan)$)(?!\$\d+$)[A-Za-z_$][A-Za-z0-9_$]*")
EXPONENT = -10  # smaller numbers are written with one

SPACE = re.compile(r"(?:[ \t\r\n\f\v]+|//[^\r\n]*|/\*.*?\*/)+", re.DOTALL)
SYMBOL = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
QUOTED = re.compile(r"'((?:[^'\\\r\n]|\\.)*)'")
STRING = re.compile(r'"((?:[^"\\\r\n]|\\.)*)"')
LONG_STRING = re.compile(r"'''((?:[^'\\]|\\.|'(?!''))*)'''", re.DOTALL)
BLOB = re.compile(r"\{\{\s*([A-Za-z0-9+/=\s]*?)\s*\}\}")
NUMBER = re.compile(r"-?(?:0|[1-9](?:_?\d)*)(?:\.(?:\d(?:_?\d)*)?)?(?:[dDeE][+-]?\d+)?(?=[\s,\]\}:/]|$)")
ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(\r\n|.))", re.DOTALL)
ESCAPED = {"0": "\0", "a": "\a", "b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "v": "\v"} | {
    character: character for character in "\"'?\\/"
}


# Writing


def line(name: str, members: dict[str, dict[str, Any]]) -> str:
    """A line of a file: the version marker and a struct with one field, whose value is `members` as a struct."""
    return f"{MARKER} {{{name}:{struct(members)}}}\n"


def struct(members: dict[str, dict[str, Any]]) -> str:
    return "{" + ",".join(f"{_field(name)}:{text(value)}" for name, value in members.items()) + "}"


def text(value: dict[str, Any]) -> str:
    """An attribute value."""
    ((kind, content),) = value.items()
    if kind in SETS:
        return f"$dynamodb_{kind}::[" + ",".join(text({kind[0]: member}) for member in content) + "]"
    if kind == "S":
        return orjson.dumps(content).decode()
    if kind == "N":
        return _decimal(content)
    if kind == "B":
        return f"{{{{{content}}}}}"
    if kind == "BOOL":
        return "true" if content else "false"
    if kind == "L":
        return "[" + ",".join(map(text, content)) + "]"
    return struct(content) if kind == "M" else "null"


def _decimal(number: str) -> str:
    """600 is 6d2, 103 is `103.`: without trailing zeros, and never an Ion int."""
    sign, digits, exponent = Decimal(number).as_tuple()
    assert isinstance(exponent, int)
    plain = "".join(map(str, digits)).rstrip("0")
    exponent += len(digits) - len(plain)
    minus = "-" if sign else ""
    if not plain:
        return "0."
    if exponent == 0:
        return f"{minus}{plain}."
    if EXPONENT <= exponent < 0:
        padded = plain.zfill(1 - exponent)
        return f"{minus}{padded[:exponent]}.{padded[exponent:]}"
    return f"{minus}{plain}d{exponent}"


def _field(name: str) -> str:
    if PLAIN.fullmatch(name):
        return name
    return "'" + orjson.dumps(name).decode()[1:-1].replace("'", "\\'").replace('\\"', '"') + "'"


# Reading


def item(line: str) -> dict[str, dict[str, Any]] | None:
    """The item on a line; None where it has none. Raises Invalid."""
    reader = _Reader(line)
    found = reader.top()
    if found is None:
        return None
    members = found.get("M")
    if members is None or not isinstance(members.get("Item"), dict) or "M" not in members["Item"]:
        raise Invalid("The line holds no struct with a field Item")
    content: dict[str, dict[str, Any]] = members["Item"]["M"]
    return content


class _Reader:
    """Reads one line from its beginning to its end."""

    def __init__(self, line: str) -> None:
        self.line = line
        self.at = 0

    def top(self) -> dict[str, Any] | None:
        found = None
        while not self._ends():
            if self.line.startswith(MARKER, self.at):
                self.at += len(MARKER)
                continue
            if found is not None:
                raise self._wrong("one value on a line")
            found = self.value()
        return found

    def value(self) -> dict[str, Any]:
        annotation = self._annotation()
        if annotation.startswith("$dynamodb_") and annotation[10:] in SETS:
            return self._set(annotation[10:])
        if self.line.startswith("[", self.at):
            return {"L": self._members("[", "]", self.value)}
        if found := self._match(BLOB):
            return {"B": "".join(found[1].split())}
        if self.line.startswith("{", self.at):
            return {"M": dict(self._members("{", "}", self._member))}
        if (string := self._string()) is not None:
            return {"S": string}
        if found := self._match(NUMBER):
            return {"N": found[0].replace("_", "").replace("d", "E").replace("D", "E").replace(".E", "E").rstrip(".")}
        return self._word()

    def _word(self) -> dict[str, Any]:
        found = self._match(SYMBOL)
        word = found[0] if found else ""
        if word == "null":
            if self.line.startswith(".", self.at):  # null.string and the like
                self.at += 1
                self._match(SYMBOL)
            return {"NULL": True}
        if word in ("true", "false"):
            return {"BOOL": word == "true"}
        raise self._wrong("a value that DynamoDB has a type for")

    def _annotation(self) -> str:
        """The last of a value's type annotations, or none."""
        last = ""
        while not self._ends():
            start = self.at
            found = self._match(SYMBOL) or (None if self.line.startswith("'''", self.at) else self._match(QUOTED))
            if found is None or self._ends() or not self.line.startswith("::", self.at):
                self.at = start
                break
            self.at += 2
            last = found[0]
        return last

    def _set(self, kind: str) -> dict[str, Any]:
        members = self._members("[", "]", self.value)
        if any(kind[0] not in member for member in members):
            raise self._wrong(f"a set of {kind[0]}")
        return {kind: [member[kind[0]] for member in members]}

    def _members(self, opening: str, closing: str, member: Any) -> list[Any]:
        self._expect(opening)
        found: list[Any] = []
        while not self._skips(closing):
            found.append(member())
            if not self._skips(","):
                self._expect(closing)
                break
        return found

    def _member(self) -> tuple[str, dict[str, Any]]:
        name = self._string()
        if name is None:
            quoted = self._match(QUOTED)
            plain = None if quoted else self._match(SYMBOL)
            if quoted is None and plain is None:
                raise self._wrong("a field's name")
            name = _unescaped(quoted[1]) if quoted else plain[0] if plain else ""
        self._expect(":")
        return name, self.value()

    def _string(self) -> str | None:
        if found := self._match(STRING):
            return _unescaped(found[1])
        parts = []
        while not self._ends() and (found := self._match(LONG_STRING)):
            parts.append(_unescaped(found[1]))
        return "".join(parts) if parts else None

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.line, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def _ends(self) -> bool:
        self._match(SPACE)
        return self.at >= len(self.line)

    def _skips(self, token: str) -> bool:
        if self._ends() or not self.line.startswith(token, self.at):
            return False
        self.at += len(token)
        self._ends()
        return True

    def _expect(self, token: str) -> None:
        if not self._skips(token):
            raise self._wrong(token)

    def _wrong(self, expected: str) -> Invalid:
        return Invalid(f"Expected {expected} at offset {self.at}, found {self.line[self.at : self.at + 20]!r}")


def _unescaped(text: str) -> str:
    return ESCAPE.sub(_escaped, text) if "\\" in text else text


def _escaped(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    if code:
        if (point := int(code, 16)) > sys.maxunicode:
            raise Invalid(f"Unknown escape {found[0]!r}")
        return chr(point)
    if found[4] in ("\n", "\r", "\r\n"):
        return ""
    if found[4] not in ESCAPED:
        raise Invalid(f"Unknown escape {found[0]!r}")
    return ESCAPED[found[4]]
