"""Athena's text form of values, as DuckDB expressions: results are formatted inside the engine, at its speed.

Numbers are written as Java writes them, timestamps with milliseconds, arrays `[1, 2]`, maps and rows `{a=1}`.
"""

from __future__ import annotations

from .types import field_of, split_top

MACROS = [
    # Java's Double.toString: plain between 1e-3 and 1e7, else one digit before the point and E.
    r"""CREATE MACRO __java_double(x) AS CASE
        WHEN x IS NULL THEN NULL WHEN isnan(x) THEN 'NaN'
        WHEN isinf(x) THEN (CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END)
        WHEN x = 0 OR (abs(x) >= 1e-3 AND abs(x) < 1e7) THEN CAST(x AS VARCHAR)
        ELSE __java_exponent(CAST(x AS VARCHAR)) END""",
    # CAST(double AS varchar) in SQL's own form, always with an exponent: 3.77E1.
    r"""CREATE MACRO __sql_double(x) AS CASE
        WHEN x IS NULL THEN NULL WHEN isnan(x) THEN 'NaN'
        WHEN isinf(x) THEN (CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END)
        WHEN x = 0 THEN (CASE WHEN signbit(x) THEN '-0E0' ELSE '0E0' END)
        ELSE __java_exponent(CAST(x AS VARCHAR)) END""",
]
# Digits and exponent of DuckDB's shortest text, put together again the Java way; no sub-query, for lambdas take none.
EXPONENT = [
    "CREATE MACRO __java_digits(d) AS CASE WHEN d = '' THEN '0.0' ELSE d[1] || '.' ||"
    " CASE WHEN length(d) > 1 THEN d[2:] ELSE '0' END END",
    "CREATE MACRO __java_parts(w, f, x) AS __java_digits(rtrim(ltrim(w || f, '0'), '0')) || 'E' ||"
    " CAST(x + length(w) - 1 - (length(w || f) - length(ltrim(w || f, '0'))) AS VARCHAR)",
    "CREATE MACRO __java_exponent(t) AS CASE WHEN starts_with(t, '-') THEN '-' ELSE '' END || __java_parts("
    "split_part(split_part(ltrim(t, '-'), 'e', 1), '.', 1), split_part(split_part(ltrim(t, '-'), 'e', 1), '.', 2),"
    " coalesce(try_cast(split_part(t, 'e', 2) AS INTEGER), 0))",
]
SETUP = [*EXPONENT, *MACROS]


def text(value: str, kind: str, depth: int = 0) -> str:
    """An expression for the text of `value`, an expression of DuckDB type `kind`; NULL stays NULL."""
    if kind.endswith("]"):
        return _array(value, kind[: kind.rindex("[")], depth)
    if kind.startswith(("STRUCT(", "TUPLE(")):
        return _row(value, kind, depth)
    if kind.startswith("MAP("):
        return _map(value, kind, depth)
    if kind == "VARCHAR":
        return value
    if kind in ("DOUBLE", "FLOAT"):
        return f"__java_double({value})"
    if kind.startswith("TIMESTAMP WITH"):
        return f"(strftime({value} AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S.%g') || ' UTC')"
    if kind.startswith("TIMESTAMP"):
        return f"strftime({value}, '%Y-%m-%d %H:%M:%S.%g')"
    if kind == "TIME":
        return f"strftime(DATE '2000-01-01' + {value}, '%H:%M:%S.%g')"
    if kind == "BLOB":
        return f"lower(rtrim(regexp_replace(hex({value}), '(..)', '\\1 ', 'g')))"
    if kind.startswith("DECIMAL("):
        # DECIMAL(2,2) would lose its zero before the point.
        return (
            f"regexp_replace(CAST({value} AS VARCHAR), '^(-?)\\.', '\\1' || '0.')"
            if _pure(kind)
            else f"CAST({value} AS VARCHAR)"
        )
    if kind == "INTERVAL":
        return f"__interval_text({value})"
    return f"CAST({value} AS VARCHAR)"


def _pure(kind: str) -> bool:
    """Whether a decimal type has no digit before the point."""
    precision, scale = kind[len("DECIMAL(") : -1].split(",")
    return int(precision) == int(scale)


def _array(value: str, kind: str, depth: int) -> str:
    item = f"v{depth}"
    inner = f"coalesce({text(item, kind, depth + 1)}, 'null')"
    return f"('[' || array_to_string(list_transform({value}, lambda {item}: {inner}), ', ') || ']')"


def _row(value: str, kind: str, depth: int) -> str:
    parts = []
    for number, part in enumerate(split_top(kind[len("STRUCT(") : -1]), 1):
        name, inside = _field(part)
        unnamed = not name or name == f"_{number - 1}"
        label = "" if unnamed else name.replace("'", "''") + "="
        quoted = name.replace("'", "''")
        got = f"struct_extract({value}, '{quoted}')" if name else f"struct_extract({value}, {number})"
        parts.append(f"'{label}' || coalesce({text(got, inside, depth)}, 'null')")
    return f"CASE WHEN {value} IS NULL THEN NULL ELSE '{{' || " + " || ', ' || ".join(parts) + " || '}' END"


def _field(part: str) -> tuple[str, str]:
    """A row without names has its types only."""
    if part.startswith('"') or (
        " " in part and part.split(" ", 1)[0].split("(")[0] not in ("TIMESTAMP", "STRUCT", "TUPLE", "MAP", "DECIMAL")
    ):
        return field_of(part)
    return "", part


def _map(value: str, kind: str, depth: int) -> str:
    key, inner = split_top(kind[4:-1])
    item = f"v{depth}"
    left = text(f"{item}.key", key, depth + 1)
    right = f"coalesce({text(f'{item}.value', inner, depth + 1)}, 'null')"
    entries = f"list_transform(map_entries({value}), lambda {item}: {left} || '=' || {right})"
    return f"('{{' || array_to_string({entries}, ', ') || '}}')"
