"""The regular expressions of the service models are Java's; these are their Python equals, where there is one."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Callable
from functools import lru_cache
from itertools import groupby

# Java's POSIX classes, as ranges for the inside of a character class.
POSIX = {
    "ASCII": r"\x00-\x7f",
    "Alnum": "a-zA-Z0-9",
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Upper": "A-Z",
    "Lower": "a-z",
    "XDigit": "0-9a-fA-F",
    "Punct": r"!-/:-@\[-`{-~",
    "Graph": r"!-~",
    "Print": r" -~",
    "Blank": r" \t",
    "Cntrl": r"\x00-\x1f\x7f",
    "all": r"\x00-\U0010ffff",
}
CATEGORIES = {"IsAlphabetic": "L", "IsWhitespace": "Z", "LD": "L"}
ASTRAL = r"\uD800\uDC00-\uDBFF\uDFFF"
PROPERTY = re.compile(r"\\([pP])(?:\{(\w+)\}|([A-Z]))")


@lru_cache(maxsize=512)
def matcher(pattern: str) -> Callable[[str], object] | None:
    """The pattern's full-match test, or None when Python cannot say it (the check is then left out)."""
    python = _translate(pattern)
    if python is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return re.compile(python, re.ASCII).fullmatch
        except (re.error, OverflowError, RecursionError):
            return None


def _translate(pattern: str) -> str | None:
    if "&&" in pattern:
        return None
    if ASTRAL in pattern:
        pattern = pattern.replace(ASTRAL, r"\U00010000-\U0010FFFF")
    pattern = pattern.replace(r"\z", r"\Z")
    if r"\p" not in pattern and r"\P" not in pattern:
        return pattern
    out, at, inside = [], 0, False
    while at < len(pattern):
        found = PROPERTY.match(pattern, at)
        if found:
            ranges = _property(found[2] or found[3], negative=found[1] == "P")
            if ranges is None:
                return None
            # A hyphen right after a class is a literal one: [\p{L}-_].
            out.append(ranges if inside else f"[{ranges}]")
            at = found.end()
            if inside and pattern[at : at + 1] == "-" and pattern[at + 1 : at + 2] != "]":
                out.append(r"\-")
                at += 1
            continue
        char = pattern[at]
        step = 2 if char == "\\" else 1
        if char == "[":
            inside = True
        elif char == "]":
            inside = False
        out.append(pattern[at : at + step])
        at += step
    return "".join(out)


def _property(name: str, negative: bool) -> str | None:
    if name in POSIX:
        return None if negative else POSIX[name]
    name = CATEGORIES.get(name, name)
    if not re.fullmatch(r"[LMNPSZC][a-z]?", name):
        return None
    return _ranges(name, negative)


@lru_cache(maxsize=64)
def _ranges(category: str, negative: bool) -> str:
    """All characters whose general category begins (or does not begin) with `category`, as ranges."""
    chosen = [run for run in _runs() if run[2].startswith(category) is not negative]
    return "".join(rf"\U{first:08x}-\U{last:08x}" for first, last, _ in chosen)


@lru_cache(maxsize=1)
def _runs() -> list[tuple[int, int, str]]:
    """Neighbours of one category, as (first, last, category). The planes in between hold nothing."""
    runs: list[tuple[int, int, str]] = []
    for start, end in ((0, 0x323B0), (0xE0000, 0x110000)):
        categories = map(unicodedata.category, map(chr, range(start, end)))
        at = start
        for category, points in groupby(categories):
            size = sum(1 for _ in points)
            runs.append((at, at + size - 1, category))
            at += size
    return runs
