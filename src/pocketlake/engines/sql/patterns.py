"""Date patterns: Joda's (format_datetime) as strftime's (DuckDB)."""

from __future__ import annotations

import re

from .errors import NotSupported

JODA = {
    "yyyy": "%Y", "yy": "%y", "y": "%Y", "YYYY": "%Y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%-m",
    "dd": "%d", "d": "%-d",
    "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M", "ss": "%S", "s": "%-S", "SSS": "%g",
    "EEEE": "%A", "EEE": "%a", "EE": "%a", "E": "%a", "a": "%p", "D": "%-j", "DDD": "%j",
    "Z": "%z", "ZZ": "%z", "z": "%Z",
    "xxxx": "%G", "ww": "%V", "e": "%u",
}  # fmt: skip


def joda_to_strftime(pattern: str) -> str:
    pieces = []
    for part in re.finditer(r"''|'[^']*'|([A-Za-z])\1*|.", pattern, re.DOTALL):
        text = part[0]
        if text == "''":
            pieces.append("'")
        elif text.startswith("'"):
            pieces.append(text[1:-1].replace("%", "%%"))
        elif text[0].isalpha():
            if text not in JODA:
                raise NotSupported(f"The date pattern {text}")
            pieces.append(JODA[text])
        else:
            pieces.append("%%" if text == "%" else text)
    return "".join(pieces)
