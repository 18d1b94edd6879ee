"""Functions of arrays and maps as Trino means them: order kept, NULLs counted, bounds checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .errors import NotSupported
from .nodes import call, cast, is_type, number

MACROS = [
    "__distinct(a) AS list_filter(a, lambda x, i: list_position(a, x) = i)",
    "__union(a, b) AS __distinct(list_concat(a, b))",
    "__except(a, b) AS __distinct(list_filter(a, lambda x: list_position(b, x) IS NULL))",
    "__intersect(a, b) AS __distinct(list_filter(a, lambda x: list_position(b, x) IS NOT NULL))",
    # Whether x is there is unknown when it is not found among NULLs.
    "__contains(a, x) AS CASE WHEN list_contains(a, x) THEN true"
    " WHEN len(a) > 0 AND list_position(a, NULL) IS NOT NULL THEN NULL ELSE list_contains(a, x) END",
    "__sequence(a, b) AS CASE WHEN a <= b THEN generate_series(a, b) ELSE generate_series(a, b, -1) END",
    "__days(a, b) AS CASE WHEN a <= b THEN list_transform(generate_series(a, b, INTERVAL 1 DAY), lambda d: d::DATE)"
    " ELSE list_transform(generate_series(a, b, INTERVAL '-1' DAY), lambda d: d::DATE) END",
    "__bins(x, bins) AS CAST(len(list_filter(bins, lambda b: b <= x)) AS BIGINT)",
    "__multimap(e) AS map_from_entries(list_transform(__distinct(list_transform(e, lambda p: p[1])), lambda k:"
    " {'key': k, 'value': list_transform(list_filter(e, lambda p: p[1] = k), lambda p: p[2])}))",
    "__split_to_multimap(s, d, k) AS __multimap(list_transform(string_split(s, d),"
    " lambda p: row(split_part(p, k, 1), split_part(p, k, 2))))",
]


def distinct(node: Any) -> Any:
    return call("__distinct", node.this)


def difference(node: Any) -> Any:
    return call("__except", node.this, node.expression)


def intersection(node: Any) -> Any:
    return call("__intersect", *node.expressions)


def contains(node: Any) -> Any:
    return call("__contains", node.this, node.expression)


def sort(node: Any) -> Any:
    if node.args.get("expression") is not None:
        raise NotSupported("array_sort with a comparator")
    return node


def reverse(node: Any) -> Any:
    return call("list_reverse", node.this) if is_type(node.this, "ARRAY", "LIST") else node


def sequence(node: Any) -> Any:
    """Upwards or downwards by one, or by the step; days between dates, and dates by an interval."""
    start, end, step = node.args["start"], node.args["end"], node.args.get("step")
    if is_type(start, "DATE"):
        return call("__days", start, end) if step is None else cast(node, "DATE[]")
    return call("__sequence", start, end) if step is None else node


def width_bucket(node: Any) -> Any:
    if is_type(node.args["min_value"], "ARRAY", "LIST"):
        return call("__bins", node.this, node.args["min_value"])
    return call("__width_bucket", *(node.args[name] for name in ("this", "min_value", "max_value", "num_buckets")))


def map_entries(node: Any) -> Any:
    """Rows without names, as Trino's."""
    from sqlglot import exp

    entry = exp.to_identifier("__e")
    parts = [call("struct_extract", entry, exp.Literal.string(name)) for name in ("key", "value")]
    body = exp.Lambda(this=call("row", *parts), expressions=[entry])
    return call("list_transform", call("map_entries", node.expressions[0]), body)


def slice_of(node: Any) -> Any:
    return call("__slice", node.this, node.args["start"], node.args["end"] if node.args.get("end") else number(0))


def rewrites() -> dict[type, Callable[[Any], Any]]:
    from sqlglot import exp

    return {
        exp.ArraySlice: slice_of,
        exp.ArrayDistinct: distinct,
        exp.ArrayExcept: difference,
        exp.ArrayIntersect: intersection,
        exp.ArrayContains: contains,
        exp.ArraySort: sort,
        exp.Reverse: reverse,
        exp.GenerateSeries: sequence,
        exp.WidthBucket: width_bucket,
    }
