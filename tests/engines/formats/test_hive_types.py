"""Hive type texts: parse, print, convert."""

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketlake.engines.formats import hive_types as hive

CASES = [
    ("int", "int", pa.int32(), "INTEGER"),
    ("INTEGER", "int", pa.int32(), "INTEGER"),
    ("bigint", "bigint", pa.int64(), "BIGINT"),
    ("tinyint", "tinyint", pa.int8(), "TINYINT"),
    ("smallint", "smallint", pa.int16(), "SMALLINT"),
    ("boolean", "boolean", pa.bool_(), "BOOLEAN"),
    ("float", "float", pa.float32(), "FLOAT"),
    ("double", "double", pa.float64(), "DOUBLE"),
    ("string", "string", pa.string(), "VARCHAR"),
    ("varchar(20)", "varchar(20)", pa.string(), "VARCHAR"),
    ("char( 3 )", "char(3)", pa.string(), "VARCHAR"),
    ("binary", "binary", pa.binary(), "BLOB"),
    ("date", "date", pa.date32(), "DATE"),
    ("timestamp", "timestamp", pa.timestamp("us"), "TIMESTAMP"),
    ("decimal", "decimal(10,0)", pa.decimal128(10, 0), "DECIMAL(10,0)"),
    ("decimal(10)", "decimal(10,0)", pa.decimal128(10, 0), "DECIMAL(10,0)"),
    ("Decimal( 38 , 9 )", "decimal(38,9)", pa.decimal128(38, 9), "DECIMAL(38,9)"),
    ("array<array<int>>", "array<array<int>>", pa.list_(pa.list_(pa.int32())), "INTEGER[][]"),
    ("map<string,bigint>", "map<string,bigint>", pa.map_(pa.string(), pa.int64()), "MAP(VARCHAR, BIGINT)"),
    (
        "struct<a:int, b:array<string>>",
        "struct<a:int,b:array<string>>",
        pa.struct([("a", pa.int32()), ("b", pa.list_(pa.string()))]),
        'STRUCT("a" INTEGER, "b" VARCHAR[])',
    ),
    (
        "struct<`a b`:int,$c-d:struct<Date:date>>",
        "struct<a b:int,$c-d:struct<Date:date>>",
        pa.struct([("a b", pa.int32()), ("$c-d", pa.struct([("Date", pa.date32())]))]),
        'STRUCT("a b" INTEGER, "$c-d" STRUCT("Date" DATE))',
    ),
    ("struct<a:int comment 'why'>", "struct<a:int>", pa.struct([("a", pa.int32())]), 'STRUCT("a" INTEGER)'),
]


@pytest.mark.parametrize(("text", "canonical", "arrow", "duck"), CASES)
def test_a_type_text_has_one_tree_and_converts(text: str, canonical: str, arrow: pa.DataType, duck: str) -> None:
    tree = hive.parse(text)
    assert str(tree) == canonical
    assert hive.parse(canonical) == tree
    assert hive.to_arrow(tree) == arrow
    assert hive.to_duckdb(tree) == duck
    assert duckdb.sql(f"SELECT NULL::{duck}").fetchall() == [(None,)]


@pytest.mark.parametrize(
    "text",
    [
        "", "uniontype<int,string>", "interval_day_time", "array<int", "array<>", "map<int>", "struct<a>",
        "struct<:int>", "int int", "decimal(39,0)", "decimal(5,6)", "varchar(0)", "char(256)", "foo",
        "array<" * 100 + "int" + ">" * 100, "decimal(99999999999999,1)", "struct<a:int;b:int>",
    ],
)  # fmt: skip
def test_what_is_no_type_says_so(text: str) -> None:
    with pytest.raises(hive.HiveTypeError):
        hive.parse(text)


ARROW = [
    (pa.uint8(), "smallint"),
    (pa.uint16(), "int"),
    (pa.uint32(), "bigint"),
    (pa.uint64(), "decimal(20,0)"),
    (pa.large_string(), "string"),
    (pa.dictionary(pa.int32(), pa.string()), "string"),
    (pa.timestamp("ns", tz="UTC"), "timestamp"),
    (pa.date64(), "date"),
    (pa.null(), "string"),
    (pa.large_list(pa.float16()), "array<float>"),
    (pa.binary(16), "binary"),
]


@pytest.mark.parametrize(("arrow", "text"), ARROW)
def test_foreign_arrow_types_get_the_next_wider_hive_type(arrow: pa.DataType, text: str) -> None:
    assert str(hive.from_arrow(arrow)) == text


LEAVES = st.one_of(
    st.sampled_from(sorted(set(hive.PRIMITIVES.values()))).map(hive.Primitive),
    st.builds(hive.Decimal, st.integers(19, 38), st.integers(0, 18)),
)
NAMES = st.text("abcXYZ_09", min_size=1, max_size=5)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(hive.Array),
        st.builds(hive.Map, LEAVES, inner),
        st.lists(st.builds(hive.Field, NAMES, inner), min_size=1, max_size=3).map(lambda f: hive.Struct(tuple(f))),
    ),
    max_leaves=8,
)


@given(TREES)
def test_every_tree_survives_text_and_arrow(tree: hive.HiveType) -> None:
    assert hive.parse(str(tree)) == tree
    assert hive.from_arrow(hive.to_arrow(tree)) == tree
