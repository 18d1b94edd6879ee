"""JSON deserialisers: what they take, what they refuse, and that both ways of reading agree."""

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketlake.engines.formats import json_records, json_values
from pocketlake.engines.formats.json_records import JsonOptions, convert

COLUMNS = [("id", "int"), ("name", "string"), ("price", "double")]


def rows(records: list[bytes], columns: list[tuple[str, str]], **options: Any) -> list[dict[str, Any]]:
    converted = convert(records, columns, JsonOptions(**options))
    assert converted.failures == []
    return converted.table.to_pylist()


def test_records_become_rows_in_order() -> None:
    records = [b'{"id":%d,"name":"n%d","price":%d.5,"other":[1,{"x":2}]}' % (i, i, i) for i in range(3000)]
    expected = [{"id": i, "name": f"n{i}", "price": i + 0.5} for i in range(3000)]
    assert rows(records, COLUMNS) == expected


def test_nothing_in_is_an_empty_table_of_the_schema() -> None:
    assert convert([], COLUMNS).table.schema.names == ["id", "name", "price"]


def test_only_the_bad_records_fail_and_say_why() -> None:
    records = [b'{"id":%d,"name":"x","price":1}' % i for i in range(5000)]
    records[7] = b'{"id":7,"name":'
    records[8] = b'"name"}'
    records[2500] = b'{"id":"seven","name":"x","price":1}'
    records[2501] = b'[{"id":1}]'
    records[4999] = b'{"id":4999999999,"name":"\xff"}'
    converted = convert(records, COLUMNS)
    assert [(failure.index, failure.code) for failure in converted.failures] == [
        (7, json_values.PARSE_ERROR),
        (8, json_values.PARSE_ERROR),
        (2500, json_values.MALFORMED_DATA),
        (2501, json_values.PARSE_ERROR),
        (4999, json_values.PARSE_ERROR),
    ]
    assert "Column id" in converted.failures[2].message
    kept = [i for i in range(5000) if i not in (7, 8, 2500, 2501, 4999)]
    assert converted.table.column("id").to_pylist() == kept


def test_two_broken_halves_do_not_make_a_record() -> None:
    converted = convert([b'{"id":1,"name":', b'"a"}', b'{"id":2}{"id":3}'], COLUMNS)
    assert [failure.index for failure in converted.failures] == [0, 1]
    assert converted.table.column("id").to_pylist() == [2, 3]


def test_a_record_may_hold_several_documents_with_and_without_newlines() -> None:
    assert [row["id"] for row in rows([b'{"id":1}{"id":2}\n', b'{"id":3}\n{"id":4}'], COLUMNS)] == [1, 2, 3, 4]
    converted = convert([b'{"id":1}null', b'{"id":1} x', b"", b"null"], COLUMNS)
    assert [failure.index for failure in converted.failures] == [0, 1, 2, 3]


@pytest.mark.parametrize("key", ["ID", "Id", "id"])
def test_keys_match_without_regard_to_case(key: str) -> None:
    assert rows([b'{"%s":1}' % key.encode()], COLUMNS)[0]["id"] == 1


def test_a_rare_spelling_late_in_the_batch_is_not_lost() -> None:
    records = [b'{"id":%d}' % i for i in range(5000)]
    records[4321] = b'{"Id":4321}'
    assert [row["id"] for row in rows(records, [("id", "int")])] == list(range(5000))
    nested = [b'{"s":{"k":%d}}' % i for i in range(5000)]
    nested[4321] = b'{"s":{"K":4321}}'
    assert [row["s"]["k"] for row in rows(nested, [("s", "struct<k:int>")])] == list(range(5000))


def test_case_matters_when_asked_and_keys_can_be_mapped() -> None:
    assert rows([b'{"ID":1}'], [("id", "int")], case_insensitive=False) == [{"id": None}]
    mapped = {"ts": "timestamp"}
    assert rows([b'{"timestamp":"a"}'], [("ts", "string")], column_to_json_key=mapped) == [{"ts": "a"}]
    assert rows([b'{"TimeStamp":"a"}'], [("ts", "string")], column_to_json_key={"ts": "TimeStamp"}) == [{"ts": "a"}]


def test_dots_in_keys_become_underscores_when_asked() -> None:
    records = [b'{"a.b":1}', b'{"a_b":2}', b'{"A.b":3}']
    assert [row["a_b"] for row in rows(records, [("a_b", "int")], dots_to_underscores=True)] == [1, 2, 3]
    assert rows(records[:1], [("a_b", "int")]) == [{"a_b": None}]


VALUES = [
    ("int", "1", 1),
    ("int", "1.0", 1),
    ("int", '"12"', 12),
    ("bigint", "9007199254740993", 9007199254740993),
    ("double", "1", 1.0),
    ("double", '"1.5"', 1.5),
    ("float", "0.5", 0.5),
    ("boolean", "true", True),
    ("boolean", '"TRUE"', True),
    ("string", "1", "1"),
    ("string", '{"a":[1,"é"]}', '{"a":[1,"é"]}'),
    ("string", "null", None),
    ("varchar(2)", '"abc"', "ab"),
    ("binary", '"abc"', b"abc"),
    ("date", '"2013-01-31"', dt.date(2013, 1, 31)),
    ("date", '"2013-1-3"', dt.date(2013, 1, 3)),
    ("decimal(10,2)", "1.239", Decimal("1.24")),
    ("decimal(38,18)", "12345678901234567890.123456789012345678", Decimal("12345678901234567890.123456789012345678")),
    ("decimal(10,2)", '"7.5"', Decimal("7.50")),
    ("array<int>", "[1,null,3]", [1, None, 3]),
    ("array<struct<Aa:int>>", '[{"aA":1},{"AA":2}]', [{"Aa": 1}, {"Aa": 2}]),
    ("map<string,int>", '{"a":1,"B":2}', [("a", 1), ("B", 2)]),
    ("struct<a:array<date>>", '{"a":["2013-01-31"]}', {"a": [dt.date(2013, 1, 31)]}),
    ("timestamp", '"2017-02-07T15:13:01.39256Z"', dt.datetime(2017, 2, 7, 15, 13, 1, 392560)),
    ("timestamp", '"2017-02-07T15:13:01.123456789Z"', dt.datetime(2017, 2, 7, 15, 13, 1, 123456)),
    ("timestamp", '"2017-2-7 15:13:01.14"', dt.datetime(2017, 2, 7, 15, 13, 1, 140000)),
    ("timestamp", "1518033528", dt.datetime(2018, 2, 7, 19, 58, 48)),
    ("timestamp", "1518033528123", dt.datetime(2018, 2, 7, 19, 58, 48, 123000)),
    ("timestamp", "1518033528.123", dt.datetime(2018, 2, 7, 19, 58, 48, 123000)),
    ("timestamp", '"1518033528"', dt.datetime(2018, 2, 7, 19, 58, 48)),
]


@pytest.mark.parametrize(("kind", "text", "value"), VALUES)
def test_values_take_their_hive_type(kind: str, text: str, value: Any) -> None:
    assert rows([b'{"c":%s}' % text.encode()], [("c", kind)]) == [{"c": value}]


REFUSED = [
    ("int", "1.5"), ("int", "true"), ("tinyint", "128"), ("double", '"x"'), ("boolean", "1"), ("date", '"2013-02-30"'),
    ("date", "20130131"), ("decimal(4,2)", "123"), ("array<int>", '{"a":1}'), ("struct<a:int>", "[1]"),
    ("map<string,int>", "[1]"), ("timestamp", '"yesterday"'), ("timestamp", "true"),
    ("timestamp", '"2013-13-01 00:00:00"'),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), REFUSED)
def test_values_that_do_not_fit_fail_their_record(kind: str, text: str) -> None:
    converted = convert([b'{"c":%s}' % text.encode(), b"{}"], [("c", kind)])
    assert [(failure.index, failure.code) for failure in converted.failures] == [(0, json_values.MALFORMED_DATA)]
    assert converted.table.num_rows == 1


HIVE_TIMESTAMPS = [
    ((), "2017-02-07 15:13:01.14", dt.datetime(2017, 2, 7, 15, 13, 1, 140000)),
    (("millis",), 1518033528123, dt.datetime(2018, 2, 7, 19, 58, 48, 123000)),
    (("yyyy-MM-dd'T'HH:mm:ss",), "2017-02-07T15:13:01", dt.datetime(2017, 2, 7, 15, 13, 1)),
    (("millis", "dd/MMM/yyyy:HH:mm:ss Z"), "07/Feb/2017:15:13:01 +0200", dt.datetime(2017, 2, 7, 13, 13, 1)),
    (("MM/dd/yy hh:mm a",), "02/07/17 12:13 PM", dt.datetime(2017, 2, 7, 12, 13)),
]


@pytest.mark.parametrize(("formats", "value", "expected"), HIVE_TIMESTAMPS)
def test_hive_reads_timestamps_by_the_given_patterns(formats: tuple[str, ...], value: Any, expected: Any) -> None:
    record = orjson.dumps({"T": value})
    options = {"deserialiser": "hive", "timestamp_formats": formats}
    assert rows([record], [("t", "timestamp")], **options) == [{"t": expected}]


def test_hive_refuses_iso_timestamps_without_a_pattern() -> None:
    options = JsonOptions(deserialiser="hive")
    converted = convert([b'{"t":"2017-02-07T15:13:01Z"}', b'{"t":1518033528}'], [("t", "timestamp")], options)
    assert [failure.index for failure in converted.failures] == [0, 1]


SCHEMA = [("a", "int"), ("b", "string"), ("c", "array<struct<d:bigint,e:string>>"), ("t", "timestamp"), ("f", "double")]
TIMES = st.one_of(st.just("2013-01-01 05:06:07"), st.integers(0, 2_000_000_000), st.none(), st.just("bad"))
INNER = st.dictionaries(st.sampled_from(["d", "D", "e", "x"]), st.one_of(st.integers(-5, 5), st.text(max_size=3)))
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "a": st.one_of(st.integers(-5, 5), st.just(2**40), st.none()),
        "B": st.one_of(st.text(max_size=3), st.none(), st.booleans()),
        "c": st.lists(INNER, max_size=2),
        "t": TIMES,
        "F": st.one_of(st.integers(0, 3), st.floats(allow_nan=False, allow_infinity=False)),
    },
)


@settings(max_examples=150, deadline=None)
@given(st.lists(DOCUMENTS, max_size=6))
def test_the_fast_and_the_exact_way_agree(documents: list[dict[str, Any]]) -> None:
    records = [json.dumps(document).encode() for document in documents]
    together = convert(records, SCHEMA)
    plan = json_records._plan(SCHEMA, JsonOptions())
    failures: list[json_records.Failure] = []
    alone = json_records._read_one_by_one(plan, records, 0, failures)
    assert together.table.to_pylist() == alone.to_pylist()
    assert together.failures == failures
