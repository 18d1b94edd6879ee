"""The engine's errors in Athena's words. Values that a message quotes are the caller's own data; paths never are."""

from __future__ import annotations

import re
import sys
from typing import NamedTuple

from .errors import SqlError


class Failure(NamedTuple):
    code: str
    message: str


PATTERNS: list[tuple[str, str, str]] = [
    (r"(?i)divi(sion|de) by zero", "DIVISION_BY_ZERO", "Division by zero"),
    (r"(SQL array indices start at 1|Array subscript.*|Key not present in map.*)", "INVALID_FUNCTION_ARGUMENT", r"\1"),
    (r"Could not convert string '([^']*)' to INT32", "INVALID_CAST_ARGUMENT", r"Cannot cast '\1' to INT"),
    (r"Could not convert string '([^']*)' to INT64", "INVALID_CAST_ARGUMENT", r"Cannot cast '\1' to BIGINT"),
    (r"Could not convert string '([^']*)' to INT16", "INVALID_CAST_ARGUMENT", r"Cannot cast '\1' to SMALLINT"),
    (r"Could not convert string '([^']*)' to INT8", "INVALID_CAST_ARGUMENT", r"Cannot cast '\1' to TINYINT"),
    (r"Could not convert string '([^']*)' to (\w+)", "INVALID_CAST_ARGUMENT", r"Cannot cast '\1' to \2"),
    (
        r"(?i)(timestamp|date) field value out of range|invalid (date|timestamp) field format",
        "INVALID_CAST_ARGUMENT",
        r"Value cannot be cast to \1\2",
    ),
    (r"Overflow in \w+ of (DECIMAL|INT128|HUGEINT)", "NUMERIC_VALUE_OUT_OF_RANGE", "Decimal overflow"),
    (
        r"Overflow in (addition|subtraction|multiplication) of (INT8|INT16|INT32|INT64) \((.*)\)!",
        "NUMERIC_VALUE_OUT_OF_RANGE",
        r"\2 \1 overflow: \3",
    ),
    (r"(?i)(overflow|out of range)", "NUMERIC_VALUE_OUT_OF_RANGE", "Value is out of range"),
    (r"(?i)malformed json", "HIVE_CURSOR_ERROR", "Row is not a valid JSON Object"),
    (
        r"(?i)more than one row returned by a subquery",
        "SUBQUERY_MULTIPLE_ROWS",
        "Scalar sub-query has returned multiple rows",
    ),
    (
        r'column "([^"]+)" must appear in the GROUP BY',
        "EXPRESSION_NOT_AGGREGATE",
        r"'\1' must be an aggregate expression or appear in GROUP BY clause",
    ),
    (
        r"(?i)must appear in the GROUP BY",
        "EXPRESSION_NOT_AGGREGATE",
        "The expression must be an aggregate expression or appear in GROUP BY clause",
    ),
    (r"Cannot compare values of type (\S+) and (?:type )?(\S+)", "TYPE_MISMATCH", r"Cannot apply operator: \1 and \2"),
    (
        r"No function matches the given name and argument types '([^']*)'",
        "FUNCTION_NOT_FOUND",
        r"Unexpected parameters for function \1",
    ),
    (
        r"Set operations can only apply to expressions with the same number",
        "TYPE_MISMATCH",
        "column types in a set operation have incompatible counts",
    ),
    (r"(?i)parquet", "HIVE_BAD_DATA", "Malformed Parquet file, or a column's type does not fit the table's"),
]
CLASSES = {
    "OutOfMemoryException": ("EXCEEDED_LOCAL_MEMORY_LIMIT", "Query exceeded per-node memory limit"),
    "ConversionException": ("INVALID_CAST_ARGUMENT", "A value cannot be cast to the type asked for"),
    "BinderException": ("TYPE_MISMATCH", "Types do not fit"),
    "ParserException": ("SYNTAX_ERROR", "The statement could not be understood"),
    "CatalogException": ("FUNCTION_NOT_FOUND", "A function is not registered"),
    "InterruptException": ("USER_CANCELED", "Query was canceled"),
    "IOException": ("HIVE_CANNOT_OPEN_SPLIT", "Error opening Hive split"),
}


USERS_FAULT = ("ConversionException", "BinderException", "InterruptException", "OutOfMemoryException")


def failure_of(error: Exception) -> Failure:
    """What went wrong, as a code and a message of ours."""
    if isinstance(error, SqlError):
        return Failure(error.code, error.text.split(": ", 1)[1])
    message = str(error).split("\n\nLINE ")[0]
    for pattern, code, words in PATTERNS:
        found = re.search(pattern, message)
        if found is not None:
            return Failure(code, _known(found.expand(words)))
    kind = type(error).__name__
    code, words = CLASSES.get(kind, ("GENERIC_INTERNAL_ERROR", "The engine failed"))
    if kind not in USERS_FAULT:
        print(f"sql worker: {kind}: {message}", file=sys.stderr)  # the server's log, which may name files
    detail = message.split("\n")[0].split("Error: ", 1)[-1]
    return Failure(code, f"{words}: {_known(detail)}")


INTEGERS = {"INT8": "tinyint", "INT16": "smallint", "INT32": "integer", "INT64": "bigint"}


def _known(text: str) -> str:
    """Without our inner names, and with Trino's names of types."""
    text = re.sub(r"\bINT(8|16|32|64)\b", lambda found: INTEGERS[found[0]], text)
    return re.sub(r"/\S+", "(a file)", re.sub(r"__[mu]_|__scan_\d+\.?", "", text))
