"""Trino's functions on DuckDB, as a table: what a name is, and what it becomes.

direct   sqlglot's translation is right, or DuckDB has the function under the same name
macro    a SQL macro of ours in the engine; it costs nothing at run time
rewrite  a tree rewrite in lower.py, since the types matter or a lambda is passed
udf      a Python function over Arrow columns, the last resort

A function that stands in none of these does not exist for a caller: that is what keeps `read_csv`, `glob` and the
engine's own catalog functions out of reach.
"""

from __future__ import annotations

from typing import NamedTuple

from . import arithmetic, arrays


class Function(NamedTuple):
    name: str
    kind: str  # direct, macro, rewrite, udf
    sql: str = ""  # macro: parameters and body; direct: DuckDB's name when it differs


# Names that sqlglot leaves as they are (exp.Anonymous).
NAMED: dict[str, Function] = {
    entry.name: entry
    for entry in [
        Function("all_match", "rewrite"),
        Function("any_match", "rewrite"),
        Function("none_match", "rewrite"),
        Function("map_filter", "rewrite"),
        Function("transform_keys", "rewrite"),
        Function("transform_values", "rewrite"),
        Function("zip_with", "rewrite"),
        Function("zip", "rewrite"),
        Function("format_datetime", "rewrite"),
        Function("at_timezone", "rewrite"),
        Function("array_union", "macro", "(a, b) AS __union(a, b)"),
        Function("arrays_overlap", "macro", "(a, b) AS list_has_any(a, b)"),
        Function("array_histogram", "macro", "(a) AS list_histogram(a)"),
        Function(
            "bit_count",
            "macro",
            "(x, b) AS bit_count(CASE WHEN b >= 64 THEN CAST(x AS BIGINT)"
            " ELSE CAST(x AS BIGINT) & (CAST(power(2, least(b, 62)) AS BIGINT) - 1) END)",
        ),
        Function("bitwise_left_shift", "macro", "(x, n) AS CAST(x * CAST(power(2, n) AS HUGEINT) AS BIGINT)"),
        Function(
            "bitwise_right_shift",  # zeros come in from the left, as wide as the type
            "macro",
            "(x, n) AS CASE WHEN n = 0 OR x >= 0 THEN CAST(x >> n AS BIGINT)"
            " WHEN typeof(x) = 'BIGINT' THEN ((x >> 1) & 9223372036854775807) >> (n - 1)"
            " ELSE (CAST(x AS BIGINT) & 4294967295) >> n END",
        ),
        Function("bitwise_right_shift_arithmetic", "macro", "(x, n) AS CAST(floor(x / power(2, n)) AS BIGINT)"),
        Function("codepoint", "direct", "unicode"),
        Function("e", "macro", "() AS exp(1::DOUBLE)"),
        Function("every", "direct", "bool_and"),
        Function("infinity", "macro", "() AS CAST('infinity' AS DOUBLE)"),
        Function("nan", "macro", "() AS CAST('nan' AS DOUBLE)"),
        Function("is_finite", "direct", "isfinite"),
        Function("is_infinite", "direct", "isinf"),
        Function("hamming_distance", "macro", "(a, b) AS CAST(hamming(a, b) AS BIGINT)"),
        Function("geometric_mean", "direct", "geomean"),
        Function("histogram", "direct"),
        Function("map_agg", "rewrite"),
        Function("multimap_agg", "rewrite"),
        Function("map_concat", "direct"),
        Function("map_entries", "rewrite"),
        Function("map_zip_with", "rewrite"),
        Function("multimap_from_entries", "macro", "(e) AS __multimap(e)"),
        Function("split_to_multimap", "macro", "(s, d, k) AS __split_to_multimap(s, d, k)"),
        Function("json_exists", "rewrite"),
        Function("timezone_hour", "macro", "(x) AS CAST(date_part('timezone_hour', CAST(x AS TIMESTAMPTZ)) AS BIGINT)"),
        Function(
            "timezone_minute", "macro", "(x) AS CAST(date_part('timezone_minute', CAST(x AS TIMESTAMPTZ)) AS BIGINT)"
        ),
        Function(
            "cosine_similarity",
            "macro",
            "(a, b) AS list_sum(list_transform(map_keys(a), lambda k: coalesce(a[k] * b[k], 0)))"
            " / sqrt(list_sum(list_transform(map_values(a), lambda v: v * v))"
            " * list_sum(list_transform(map_values(b), lambda v: v * v)))",
        ),
        Function("human_readable_seconds", "udf"),
        Function("to_big_endian_64", "udf"),
        Function("from_big_endian_64", "udf"),
        Function("to_ieee754_64", "udf"),
        Function("from_ieee754_64", "udf"),
        Function("map_values", "direct"),
        Function("from_base64url", "macro", "(x) AS from_base64(replace(replace(x, '-', '+'), '_', '/'))"),
        Function("to_base64url", "macro", "(x) AS replace(replace(to_base64(x), '+', '-'), '/', '_')"),
        Function("is_json_scalar", "macro", "(x) AS json_type(x) NOT IN ('OBJECT', 'ARRAY')"),
        Function(
            "json_array_length",
            "macro",
            "(x) AS CASE WHEN json_type(x) = 'ARRAY' THEN CAST(json_array_length(x) AS BIGINT) END",
        ),
        Function(
            "json_array_get",
            "macro",
            "(x, i) AS json_extract(x, CASE WHEN i < 0 THEN '$[#' || i || ']' ELSE '$[' || i || ']' END)",
        ),
        Function(
            "json_size",
            "macro",
            "(x, p) AS CASE json_type(x, p) WHEN 'OBJECT' THEN len(json_keys(x, p)) WHEN 'ARRAY' THEN"
            " json_array_length(x, p) ELSE 0 END",
        ),
        Function("millisecond", "macro", "(x) AS CAST(date_part('millisecond', x) % 1000 AS BIGINT)"),
        Function(
            "ngrams",
            "macro",
            "(a, n) AS list_transform(range(1, greatest(len(a) - n + 2, 2)), lambda i: a[i:i + n - 1])",
        ),
        Function(
            "regexp_position",
            "macro",
            "(s, p) AS CASE WHEN regexp_matches(s, p) THEN CAST(strpos(s, regexp_extract(s, p)) AS BIGINT) ELSE -1 END",
        ),
        Function(
            "contains_sequence",
            "macro",
            "(a, b) AS len(list_filter(range(1, len(a) - len(b) + 2), lambda i: a[i:i + len(b) - 1] = b)) > 0",
        ),
        Function("to_iso8601", "rewrite"),
        Function("to_milliseconds", "macro", "(x) AS CAST(epoch_ms(x) AS BIGINT)"),
        Function("trim_array", "macro", "(a, n) AS a[1:len(a) - n]"),
        Function("url_encode", "direct"),
        Function("url_decode", "direct"),
        Function(
            "url_extract_protocol", "macro", "(u) AS nullif(regexp_extract(u, '^([A-Za-z][A-Za-z0-9+.-]*):', 1), '')"
        ),
        Function(
            "url_extract_host",
            "macro",
            "(u) AS nullif(regexp_extract(u, '^[A-Za-z][A-Za-z0-9+.-]*://([^/?#@]*@)?([^:/?#]*)', 2), '')",
        ),
        Function(
            "url_extract_port",
            "macro",
            "(u) AS try_cast(nullif(regexp_extract(u, '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#:]*:([0-9]+)', 1),"
            " '') AS BIGINT)",
        ),
        Function(
            "url_extract_path",
            "macro",
            "(u) AS regexp_extract(u, '^(?:[A-Za-z][A-Za-z0-9+.-]*:)?(?://[^/?#]*)?([^?#]*)', 1)",
        ),
        Function("url_extract_query", "macro", "(u) AS regexp_extract(u, '\\?([^#]*)', 1)"),
        Function("url_extract_fragment", "macro", "(u) AS regexp_extract(u, '#(.*)$', 1)"),
        Function(
            "url_extract_parameter",
            "macro",
            "(u, n) AS url_decode(list_extract(list_filter(string_split(regexp_extract(u, '\\?([^#]*)', 1), '&'),"
            " lambda p: split_part(p, '=', 1) = n), 1)[length(n) + 2:])",
        ),
        Function("with_timezone", "macro", "(x, z) AS timezone(z, CAST(x AS TIMESTAMP))"),
        Function("yow", "macro", "(x) AS CAST(isoyear(x) AS BIGINT)"),
        Function("crc32", "udf"),
        Function("xxhash64", "udf"),
        Function("hmac_md5", "udf"),
        Function("hmac_sha1", "udf"),
        Function("hmac_sha256", "udf"),
        Function("hmac_sha512", "udf"),
        Function("luhn_check", "udf"),
        Function("to_base", "udf"),
        # What lower.py writes itself.
    ]
}

# Macros that lower.py's rewrites call.
OWN_MACROS = [
    "__subscript(a, i) AS CASE WHEN a IS NULL OR i IS NULL THEN NULL WHEN i = 0 THEN error('SQL array"
    " indices start at 1')"
    " WHEN i < 0 THEN error('Array subscript is negative: ' || i)"
    " WHEN i > len(a) THEN error('Array subscript must be less than or equal to array length: ' || i || '"
    " > ' || len(a))"
    " ELSE a[i] END",
    "__map_subscript(m, k) AS CASE WHEN m IS NULL THEN NULL WHEN map_contains(m, k) THEN m[k]"
    " ELSE error('Key not present in map: ' || CAST(k AS VARCHAR)) END",
    "__regexp_extract(s, p, g) AS CASE WHEN regexp_matches(s, p) THEN regexp_extract(s, p, g) END",
    "__interval_text(i) AS CASE WHEN date_part('year', i) <> 0 OR date_part('month', i) <> 0 THEN"
    " CASE WHEN date_part('year', i) * 12 + date_part('month', i) < 0 THEN '-' ELSE '' END"
    " || CAST(abs(date_part('year', i)) AS VARCHAR) || '-' || CAST(abs(date_part('month', i)) AS VARCHAR)"
    " ELSE __day_time(i) END",
    "__day_time(i) AS CAST(date_part('day', i) AS VARCHAR) || ' ' || strftime(DATE '2000-01-01' + (i -"
    " to_days(CAST(date_part('day', i) AS INTEGER))), '%H:%M:%S.%g')",
    "__json_scalar(j, p) AS TRY(CASE WHEN json_type(j, p) IN ('OBJECT', 'ARRAY', 'NULL') THEN NULL ELSE"
    " json_extract_string(j, p) END)",
    "__from_iso8601(x) AS CAST(x AS TIMESTAMPTZ)",
    "__split_part(s, d, i) AS CASE WHEN i > len(string_split(s, d)) THEN NULL ELSE split_part(s, d, i) END",
    "__position(a, x) AS CAST(coalesce(list_position(a, x), 0) AS BIGINT)",
    "__element_at(a, i) AS CASE WHEN i = 0 THEN error('SQL array indices start at 1') ELSE a[i] END",
    "__json_exists(j, p) AS TRY(json_exists(j, p))",
    # A start of 0 is nowhere, one before the beginning too.
    "__substr(s, i, n) AS CASE WHEN i = 0 OR i < -length(s) THEN CASE WHEN s IS NOT NULL THEN '' END"
    " ELSE substring(s, i, n) END",
    "__substr_bytes(s, i, n) AS unhex(substring(hex(s), CASE WHEN i > 0 THEN 2 * i - 1 ELSE 2 * i END, 2 * n))",
    "__strpos(s, x, n) AS CAST(CASE WHEN n < 1 THEN error('instance' || ' must not be 0 or negative')"
    " WHEN len(string_split(s, x)) <= n THEN 0"
    " ELSE length(array_to_string(string_split(s, x)[1:n], x)) + 1 END AS BIGINT)",
    "__split(s, d, n) AS CASE WHEN len(string_split(s, d)) <= n THEN string_split(s, d)"
    " ELSE list_concat(string_split(s, d)[1:n - 1], [array_to_string(string_split(s, d)[n:], d)]) END",
    "__json_extract(j, p) AS TRY(json_extract(j, p))",
    "__entry(k, v) AS {'key': k, 'value': v}",
    "__map_agg(k, v) AS map_from_entries(list_filter(list_transform(range(1, len(k) + 1), lambda i: {'key':"
    " k[i], 'value': v[i]}),"
    " lambda e, i: e.key IS NOT NULL AND list_position(k, e.key) = i))",
    "__multimap_agg(k, v) AS map_from_entries(list_transform(list_distinct(k), lambda d: {'key': d,"
    " 'value': list_transform(list_filter(range(1, len(k) + 1), lambda i: k[i] = d), lambda i: v[i])}))",
    "__slice(a, s, n) AS CASE WHEN s = 0 THEN error('SQL array indices start at 1') WHEN s > 0 THEN a[s:s + n - 1]"
    " ELSE a[len(a) + s + 1:len(a) + s + n] END",
    "__cbrt(x) AS CASE WHEN power(round(cbrt(x)), 3) = x THEN round(cbrt(x)) ELSE cbrt(x) END",
    "__width_bucket(x, lo, hi, n) AS CAST(CASE WHEN x < lo THEN 0 WHEN x >= hi THEN n + 1"
    " ELSE floor((x - lo) * n / CAST(hi - lo AS DOUBLE)) + 1 END AS BIGINT)",
    "__repeat(x, n) AS list_transform(range(n), lambda i: x)",
    "__split_to_map(s, d, k) AS map_from_entries(list_transform(string_split(s, d),"
    " lambda p: {'key': split_part(p, k, 1), 'value': split_part(p, k, 2)}))",
    "__json_array_contains(j, x) AS list_contains(CAST(json_extract(j, '$[*]') AS VARCHAR[]),"
    " CAST(to_json(x) AS VARCHAR))",
    "__array_remove(a, x) AS list_filter(a, lambda v: v IS DISTINCT FROM x)",
]


def setup() -> list[str]:
    """The statements that give a fresh engine our macros."""
    own = [f"CREATE MACRO {text}" for text in (*arithmetic.MACROS, *arrays.MACROS, *OWN_MACROS)]
    named = [f"CREATE MACRO __m_{entry.name}{entry.sql}" for entry in NAMED.values() if entry.kind == "macro"]
    return own + named


# sqlglot's nodes for functions that Trino has. What is not here is refused.
NODES = frozenset(
    """
    Abs Acos And AnyValue ApproxDistinct ApproxQuantile ArgMax ArgMin Array ArrayAgg
    ArrayContains ArrayDistinct ArrayExcept ArrayFilter ArrayIntersect ArrayMax
    ArrayMin ArrayPosition ArrayRemove ArraySize ArraySlice ArraySort ArrayToString Asin AtTimeZone Atan Atan2
    Avg BitwiseAndAgg BitwiseOrAgg BitwiseXorAgg Case Cast Cbrt Ceil Chr Coalesce Concat ConcatWs Corr Cos Cosh
    Count CountIf CovarPop CovarSamp CumeDist CurrentDate CurrentTime CurrentTimestamp
    CurrentTimezone CurrentUser Date DateAdd DateDiff DateTrunc Day DayOfMonth DayOfWeekIso DayOfYear
    Decode Degrees DenseRank Encode EndsWith Exists Exp Extract FirstValue Flatten Floor Format FromBase
    FromBase64 FromISO8601Date FromISO8601Timestamp GenerateSeries
    Greatest GroupConcat Hex Hour If IsNan JSONArrayContains JSONExtract
    JSONExtractScalar JSONFormat JSONObject JSONValue Kurtosis Lag LastDay LastValue Lead Least Length Levenshtein Ln
    Localtime Localtimestamp Log LogicalAnd LogicalOr Lower LowerHex MD5Digest Map MapFromEntries MapKeys Max
    Min Minute Mod Month Normalize NthValue Ntile Nullif Or Pad ParseDatetime ParseJSON PercentRank Pi
    Pow Quarter Radians Rand Rank Reduce RegexpCount RegexpExtract RegexpExtractAll RegexpLike
    RegexpReplace RegexpSplit RegrIntercept RegrSlope Repeat Replace Reverse Round RowNumber SHA
    SHA2Digest Second Sign Sin Sinh Soundex Split SplitPart Sqrt StartsWith Stddev StddevPop StddevSamp
    StrPosition StrToMap StrToTime Struct Substring Sum Tan Tanh TimeToStr TimeToUnix
    TimestampTrunc ToBase64 Transform Translate Trim Trunc Try TryCast Typeof Unhex
    UnixToTime Unnest Upper Uuid Variance VariancePop WeekOfYear WidthBucket Year YearOfWeek
    """.split()  # noqa: SIM905 - a list of names reads best as words
)
