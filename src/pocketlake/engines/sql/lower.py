"""Typed lowering: a bound Trino tree becomes DuckDB's text with Trino's meaning.

Rewrites go from the leaves up, one function a node class; what has none is left to sqlglot's translation. A rewrite
reads the types that the binder noted on the nodes, for the two engines differ most where types decide: decimals, dates,
division.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from . import arithmetic, arrays, casts, functions, lambdas
from .bind import BoundQuery
from .errors import NotSupported, SqlError
from .nodes import call, cast, is_type, number
from .patterns import joda_to_strftime
from .unnesting import unnest_to_lateral

Rewrite = Callable[[Any], Any]


def lower(query: BoundQuery) -> str:
    """The query in DuckDB's dialect. The tree is used up."""
    from sqlglot import exp

    rewrites = _rewrites()
    tree = query.tree
    for node in reversed(list(tree.walk())):
        rewrite = rewrites.get(type(node))
        if rewrite is None:
            continue
        kind = node.type
        new = rewrite(node)
        if new is not node:
            new.type = kind
            node.replace(new)
            if node is tree:
                tree = new
    for node in list(tree.find_all(exp.Unnest)):
        unnest_to_lateral(node)
    return str(tree.sql("duckdb"))


def _literal(node: Any) -> Any:
    """1.5 is a double: written so that the engine takes it for one."""
    if not node.is_string and not node.this.isdigit() and "e" not in node.this.lower():
        node.set("this", f"{node.this}e0")
    return node


def _date_diff(node: Any) -> Any:
    """Whole units between two moments, not boundaries crossed."""
    from sqlglot import exp

    unit = exp.Literal.string(node.text("unit").lower() or "day")
    return call("date_sub", unit, cast(node.expression, "TIMESTAMP"), cast(node.this, "TIMESTAMP"))


def _date_add(node: Any) -> Any:
    """A date plus days, weeks, months is a date; DuckDB makes it a timestamp."""
    if is_type(node.this, "DATE"):
        node.type = None
        return cast(node, "DATE")
    return node


def _plus_interval(node: Any) -> Any:
    from sqlglot import exp

    sides = (node.this, node.expression)
    if isinstance(node, exp.Sub) and all(is_type(side, "DATE") for side in sides):
        return exp.Sub(this=cast(node.this, "TIMESTAMP"), expression=cast(node.expression, "TIMESTAMP"))
    if any(isinstance(side, exp.Interval) for side in sides) and any(is_type(side, "DATE") for side in sides):
        return cast(node, "DATE")
    return node


def _subscript(node: Any) -> Any:
    """`a[i]` raises outside of the array and for a missing key; element_at answers NULL."""
    from sqlglot import exp
    from sqlglot.expressions.builders import apply_index_offset

    if len(node.expressions) != 1 or isinstance(node.expressions[0], exp.Slice):
        return node
    if is_type(node.this, "MAP"):
        key = _map_key(node)
        if node.args.get("safe"):
            return exp.Bracket(this=node.this, expressions=[key], offset=1)
        return call("__map_subscript", node.this, key)
    offset = 1 - (node.args.get("offset") or 0)
    index = apply_index_offset(node.this, [node.expressions[0].copy()], offset, dialect="duckdb")[0]
    if is_type(node.this, "STRUCT"):
        return call("struct_extract", node.this, index)
    return call("__element_at" if node.args.get("safe") else "__subscript", node.this, index)


def _map_key(node: Any) -> Any:
    """The parser takes one off integer subscripts; a map's key is not an index."""
    from sqlglot.expressions.builders import apply_index_offset

    return apply_index_offset(
        node.this, [node.expressions[0].copy()], 1 - (node.args.get("offset") or 0), dialect="duckdb"
    )[0]


def _regexp_extract(node: Any) -> Any:
    group = node.args.get("group") or number(0)
    return call("__regexp_extract", node.this, node.expression, group)


def _regexp_replace(node: Any) -> Any:
    """Every match, Java's `$1` for a group."""
    from sqlglot import exp

    replacement = node.args.get("replacement") or exp.Literal.string("")
    if isinstance(replacement, exp.Lambda):
        raise NotSupported("A lambda as the replacement of regexp_replace")
    if isinstance(replacement, exp.Literal):
        replacement = exp.Literal.string(re.sub(r"\$(\d)", r"\\\1", replacement.this))
    return call("regexp_replace", node.this, node.expression, replacement, exp.Literal.string("g"))


def _json_scalar(node: Any) -> Any:
    return call("__json_scalar", node.this, _json_path(node.expression))


def _json_extract(node: Any) -> Any:
    return call("__json_extract", node.this, _json_path(node.expression))


def _json_path(path: Any) -> Any:
    from sqlglot import exp

    if isinstance(path, exp.JSONPath):
        return exp.Literal.string(path.sql("duckdb").strip("'"))
    if isinstance(path, exp.Literal) and path.this.startswith(("lax ", "strict ")):
        return exp.Literal.string(path.this.split(" ", 1)[1])
    return path


def _format_datetime(node: Any) -> Any:
    from sqlglot import exp

    pattern = node.expressions[1]
    if not isinstance(pattern, exp.Literal):
        raise NotSupported("format_datetime with a pattern that is no literal")
    return call("strftime", node.expressions[0], exp.Literal.string(joda_to_strftime(pattern.this)))


def _parse_datetime(node: Any) -> Any:
    from sqlglot import exp

    pattern = node.args.get("format")
    if not isinstance(pattern, exp.Literal):
        raise NotSupported("parse_datetime with a pattern that is no literal")
    return cast(call("strptime", node.this, exp.Literal.string(joda_to_strftime(pattern.this))), "TIMESTAMPTZ")


def _iso8601(node: Any) -> Any:
    from sqlglot import exp

    value = node.expressions[0]
    if is_type(value, "DATE"):
        return cast(value, "VARCHAR")
    zone = "Z" if is_type(value, "TIMESTAMPTZ", "TIMESTAMPLTZ") else ""
    return call("strftime", value, exp.Literal.string(f"%Y-%m-%dT%H:%M:%S.%g{zone}"))


def _map_agg(node: Any) -> Any:
    return call("__map_agg", *(call("list", part) for part in node.expressions))


def _multimap_agg(node: Any) -> Any:
    return call("__multimap_agg", *(call("list", part) for part in node.expressions))


def _cardinality(node: Any) -> Any:
    name = "cardinality" if is_type(node.this, "MAP") else "len"
    return cast(call(name, node.this), "BIGINT")


def _typeof(node: Any) -> Any:
    from sqlglot import exp

    kind = node.this.type
    if isinstance(node.this, exp.Literal) and node.this.is_string:
        return exp.Literal.string(f"varchar({len(node.this.this)})")
    text = kind.sql("trino").lower().replace('"', "") if kind is not None else "unknown"
    return exp.Literal.string(re.sub(r"decimal\((\d+), (\d+)\)", r"decimal(\1,\2)", text))


def _concat(node: Any) -> Any:
    """NULL in, NULL out: DuckDB's concat skips NULLs. For arrays too."""
    from sqlglot import exp

    parts = [part.copy() for part in node.expressions]
    joined = parts[0]
    for part in parts[1:]:
        joined = exp.DPipe(this=joined, expression=part, safe=False)
    return exp.Paren(this=joined)


def _is_bytes(node: Any) -> bool:
    from sqlglot import exp

    makers = exp.Unhex, exp.FromBase64, exp.Encode, exp.MD5Digest, exp.SHA, exp.SHA2Digest
    return is_type(node, "BINARY", "VARBINARY", "BLOB") or isinstance(node.unnest(), makers)


def _length(node: Any) -> Any:
    return cast(call("octet_length", node.this) if _is_bytes(node.this) else node, "BIGINT")


def _substring(node: Any) -> Any:
    """From position 0 on there is nothing; of bytes too."""
    start, length = node.args["start"], node.args.get("length")
    name = "__substr_bytes" if _is_bytes(node.this) else "__substr"
    return call(name, node.this, start, number(2**31 - 1) if length is None else length)


def _strpos(node: Any) -> Any:
    occurrence = node.args.get("occurrence")
    if occurrence is None:
        return cast(node, "BIGINT")
    return call("__strpos", node.this, node.args["substr"], occurrence)


def _split(node: Any) -> Any:
    """With a limit, the last part is all the rest."""
    limit = node.args.get("limit")
    return node if limit is None else call("__split", node.this, node.expression, limit)


def _sign(node: Any) -> Any:
    return cast(node, "DOUBLE") if is_type(node.this, "DOUBLE", "FLOAT") else node


def _extract(node: Any) -> Any:
    """Sunday is the seventh day of a week."""
    from sqlglot import exp

    if node.this.name.upper() in ("DOW", "DAY_OF_WEEK"):
        node.set("this", exp.Var(this="ISODOW"))
    return node


def _date_format(node: Any) -> Any:
    """MySQL's %v is the ISO week, which the parser leaves as it is."""
    form = node.args.get("format")
    if form is not None and form.is_string:
        form.set("this", form.this.replace("%v", "%V"))
    return node


def _position(node: Any) -> Any:
    return call("__position", node.this, node.expression)


def _split_part(node: Any) -> Any:
    return call("__split_part", node.this, node.args["delimiter"], node.args["part_index"])


def _trunc_date(node: Any) -> Any:
    if is_type(node.this, "DATE"):
        return cast(node, "DATE")
    return node


def _bigint(node: Any) -> Any:
    return cast(node, "BIGINT")


def _at_time_zone(node: Any) -> Any:
    """The wall clock in that zone. The zone itself is not kept beside the value."""
    value = node.this if is_type(node.this, "TIMESTAMPTZ", "TIMESTAMPLTZ") else cast(node.this, "TIMESTAMPTZ")
    return call("timezone", node.args["zone"], value)


def _anonymous(node: Any) -> Any:
    """A function that sqlglot does not know: ours by the registry."""
    name = str(node.this).lower()
    rewrite = _named().get(name) or lambdas.NAMED.get(name)
    if rewrite is not None:
        return rewrite(node)
    entry = functions.NAMED.get(name)
    if entry is None:  # made by another rewrite
        return node
    if entry.kind == "rewrite":
        raise SqlError("FUNCTION_NOT_FOUND", f"Function '{name}' not registered", 1, 1)
    prefix = {"macro": "__m_", "udf": "__u_"}.get(entry.kind)
    node.set("this", f"{prefix}{name}" if prefix else entry.sql or name)
    return node


def _named() -> dict[str, Rewrite]:
    return {
        "format_datetime": _format_datetime,
        "to_iso8601": _iso8601,
        "map_entries": arrays.map_entries,
        "json_exists": lambda node: call("__json_exists", node.expressions[0], _json_path(node.expressions[1])),
        "map_agg": _map_agg,
        "multimap_agg": _multimap_agg,
        "at_timezone": lambda node: call("timezone", node.expressions[1], cast(node.expressions[0], "TIMESTAMPTZ")),
    }


def _rewrites() -> dict[type, Rewrite]:
    from sqlglot import exp

    return {
        **arrays.rewrites(),
        exp.Div: arithmetic.divide,
        exp.Avg: arithmetic.average,
        exp.Round: arithmetic.rounded,
        exp.Literal: _literal,
        exp.Sum: arithmetic.sum_of,
        exp.Cast: casts.rewrite,
        exp.TryCast: casts.rewrite,
        exp.DateDiff: _date_diff,
        exp.DateAdd: _date_add,
        exp.Add: _plus_interval,
        exp.Sub: _plus_interval,
        exp.Bracket: _subscript,
        exp.RegexpExtract: _regexp_extract,
        exp.RegexpReplace: _regexp_replace,
        exp.JSONExtractScalar: _json_scalar,
        exp.JSONExtract: _json_extract,
        exp.ArraySize: _cardinality,
        exp.ArrayPosition: _position,
        exp.ArrayRemove: lambda node: call("__array_remove", node.this, node.expression),
        exp.SplitPart: _split_part,
        exp.TimestampTrunc: _trunc_date,
        exp.DateTrunc: _trunc_date,
        exp.Typeof: _typeof,
        exp.Concat: _concat,
        exp.ParseDatetime: _parse_datetime,
        exp.FromISO8601Timestamp: lambda node: call("__from_iso8601", node.this),
        exp.AtTimeZone: _at_time_zone,
        exp.Anonymous: _anonymous,
        exp.Reduce: lambdas.reduce,
        exp.Format: lambda node: call("printf", node.this, *node.expressions),
        exp.ApproxQuantile: _percentile,
        exp.Cbrt: lambda node: call("__cbrt", node.this),
        exp.FromBase: lambda node: call("__u_from_base", *_arguments(node)),
        exp.Repeat: lambda node: call("__repeat", *_arguments(node)),
        exp.StrToMap: lambda node: call("__split_to_map", *_arguments(node)),
        exp.JSONArrayContains: _json_array_contains,
        exp.Soundex: lambda node: call("__u_soundex", node.this),
        exp.Normalize: lambda node: call("__u_normalize", node.this, exp.Literal.string(node.text("form") or "NFC")),
        exp.SHA: lambda node: call("unhex", call("sha1", node.this)),
        exp.SHA2Digest: _sha2,
        exp.Year: _bigint,
        exp.Month: _bigint,
        exp.Day: _bigint,
        exp.Length: _length,
        exp.Substring: _substring,
        exp.StrPosition: _strpos,
        exp.Split: _split,
        exp.Sign: _sign,
        exp.Extract: _extract,
        exp.TimeToStr: _date_format,
        exp.CurrentTimezone: lambda node: exp.Literal.string("UTC"),
        exp.JSONValue: lambda node: call("__json_scalar", node.this, _json_path(node.args["path"])),
        exp.Try: lambda node: call("try", node.this),
        exp.Levenshtein: _bigint,
    }


def _arguments(node: Any) -> list[Any]:
    """A function node's arguments in the order of its signature."""
    return [node.args[name] for name in node.arg_types if node.args.get(name) is not None]


def _json_array_contains(node: Any) -> Any:
    """The JSON first, then the value."""
    return call("__json_array_contains", node.this, node.expression)


def _percentile(node: Any) -> Any:
    """Of the type of its values, as Trino's. Weights and accuracies are more than the engine knows."""
    if node.args.get("weight") or node.args.get("accuracy") or node.args.get("error_tolerance"):
        raise NotSupported("approx_percentile with weights or an accuracy")
    quantile = node.args["quantile"]
    return call(
        "approx_quantile", node.this, cast(quantile, "FLOAT[]" if is_type(quantile, "ARRAY", "LIST") else "FLOAT")
    )


def _sha2(node: Any) -> Any:
    return call("__u_sha512", node.this) if node.text("length") == "512" else node
