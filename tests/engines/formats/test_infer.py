"""What a crawler makes of files: format, header, types, compression."""

import bz2
import datetime as dt
import gzip
import io
import json
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import orc
from pyarrow import parquet as pq

from pocketlake.engines.formats import infer, schemas
from pocketlake.engines.formats.hive_types import parse
from pocketlake.engines.formats.infer import CsvClassifier, Finding, Sample, classify


def found(data: bytes, *custom: CsvClassifier) -> Finding:
    head = data[: infer.HEAD_BYTES]
    tail = data[-infer.TAIL_BYTES :] if infer.needs_tail(head) else b""
    return classify(Sample(head, len(data), tail), custom)


def shape(finding: Finding) -> list[tuple[str, str]]:
    return [(column.name, str(column.type)) for column in finding.columns]


CSV = [
    ("a header over numbers", "id,name,rate\n1,x,1.5\n2,y,2\n", ",", True, "id bigint name string rate double"),
    ("no header", "1,x\n2,y\n", ",", False, "col0 bigint col1 string"),
    ("texts only give no sign", "carrier,name\nUA,United\nAA,American\n", ",", False, "col0 string col1 string"),
    ("a number among the names", "id,2013\n1,2\n", ",", False, "col0 string col1 bigint"),
    ("a date among the names", "x,2013-01-01\n1,b\n", ",", False, "col0 string col1 string"),
    ("pipes", "a|b\n1|2\n", "|", True, "a bigint b bigint"),
    ("tabs", "a\tb\n1\t2\n", "\t", True, "a bigint b bigint"),
    ("semicolons win by count", "a;b;c\n1,5;2,5;3\n", ";", True, "a string b string c bigint"),
    ("control-A", "a\x01b\n1\x012\n", "\x01", True, "a bigint b bigint"),
    ("booleans, exponents", "a,b\ntrue,1e5\nFALSE,-2\n", ",", True, "a boolean b double"),
    ("empty cells say nothing", "a,b\n1,\n,2\n", ",", True, "a bigint b bigint"),
    ("names in lower case, trailing delimiter", "Id,Name,\n1,x,\n", ",", True, "id bigint name string col2 string"),
    ("quotes", '"a","b, c"\n1,"x, y"\n2,"z"\n', ",", True, "a bigint b, c string"),
    ("dates stay strings", "a,b\n1,2013-01-01\n", ",", True, "a bigint b string"),
    ("numbers past 64 bits", "a,b\n1,123456789012345678901\n", ",", True, "a bigint b double"),
]


@pytest.mark.parametrize(("name", "text", "delimiter", "header", "columns"), CSV, ids=[case[0] for case in CSV])
def test_csv(name: str, text: str, delimiter: str, header: bool, columns: str) -> None:
    finding = found(text.encode())
    assert finding.classification == "csv"
    assert " ".join(f"{column} {kind}" for column, kind in shape(finding)) == columns
    parameters = finding.table_parameters()
    assert parameters["delimiter"] == delimiter
    assert ("skip.header.line.count" in parameters) is header
    assert dict(finding.serde_parameters) == {"field.delim": delimiter}
    assert parameters["recordCount"] == str(text.count("\n") - header)


@pytest.mark.parametrize(
    "data",
    [b"", b"hello\n", b"a,b\n", b"one\ntwo\nthree\n", b"a,b\n1\n2,3,4\n5\n", b"\x00\x01\x02", b"{broken", b"PAR1"],
)
def test_what_no_classifier_knows_is_unknown(data: bytes) -> None:
    assert found(data).classification == "UNKNOWN"


def test_a_custom_csv_classifier_is_obeyed() -> None:
    text = b"carrier,name\nUA,United\n"
    present = found(text, CsvClassifier(contains_header="PRESENT"))
    assert shape(present) == [("carrier", "string"), ("name", "string")]
    assert present.table_parameters()["skip.header.line.count"] == "1"
    named = found(b"1#'a'\n2#'b'\n", CsvClassifier("#", "'", "ABSENT", ("x", "y")))
    assert shape(named) == [("x", "bigint"), ("y", "string")]
    assert named.serde == infer.OPEN_CSV
    assert dict(named.serde_parameters) == {"separatorChar": "#", "quoteChar": "'"}
    single = CsvClassifier(allows_single_column=True, contains_header="PRESENT")
    assert shape(found(b"word\na\nb\n", single)) == [("word", "string")]
    typed = CsvClassifier(header=("a", "b"), contains_header="ABSENT", types=("INT", "DATE"))
    assert shape(found(b"1,2013-01-01\n2,2013-01-01\n", typed)) == [("a", "int"), ("b", "date")]


JSON = [
    ('{"a":1,"B":"x"}\n{"a":2.5,"c":true}\n', "a double b string c boolean"),
    ('{"a":3000000000}{"a":null}', "a bigint"),
    ('{\n "a": {"X": 1}\n}\n{"a": {"y": [1, 2]}}', "a struct<X:int,y:array<int>>"),
    ('{"a":[]}\n{"a":[{"k":1},{"k":"s"}]}', "a array<struct<k:string>>"),
    ('{"a":1}\n{"a":{"b":1}}', "a string"),
    ('{"a":null,"b":{}}', "a string b string"),
    ('[{"a":1},{"a":2,"b":"x"}]', "array array<struct<a:int,b:string>>"),
]


@pytest.mark.parametrize(("text", "columns"), JSON)
def test_json(text: str, columns: str) -> None:
    finding = found(text.encode())
    assert finding.classification == "json"
    assert " ".join(f"{column} {kind}" for column, kind in shape(finding)) == columns
    assert finding.serde == infer.OPENX_JSON
    assert dict(finding.serde_parameters)["paths"] == ",".join(sorted(name for name, _ in shape(finding)))


TABLE = pa.table(
    {
        "Id": pa.array([1, 2], pa.int32()),
        "price": pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)),
        "day": [dt.date(2013, 1, 1)] * 2,
        "inner": [{"x": ["a"]}] * 2,
    }
)
COLUMNS = [("id", "int"), ("price", "decimal(10,2)"), ("day", "date"), ("inner", "struct<x:array<string>>")]


def test_parquet_and_orc_tell_their_schema_and_count() -> None:
    sink = io.BytesIO()
    pq.write_table(TABLE, sink)
    parquet = found(sink.getvalue())
    assert (parquet.classification, parquet.records, parquet.compression) == ("parquet", 2, "snappy")
    assert shape(parquet) == COLUMNS
    sink = io.BytesIO()
    orc.write_table(TABLE, sink, compression="zlib")
    assert shape(found(sink.getvalue())) == COLUMNS
    assert found(sink.getvalue()).compression == "zlib"


def test_avro_tells_its_schema() -> None:
    schema = {
        "type": "record",
        "name": "r",
        "fields": [
            {"name": "Id", "type": "long"},
            {"name": "name", "type": ["null", "string"]},
            {"name": "tags", "type": {"type": "map", "values": "int"}},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        ],
    }
    text = json.dumps(schema).encode()

    def number(value: int) -> bytes:
        value, out = value << 1, b""
        while value > 0x7F:
            out += bytes([value & 0x7F | 0x80])
            value >>= 7
        return out + bytes([value])

    def entry(key: bytes, value: bytes) -> bytes:
        return number(len(key)) + key + number(len(value)) + value

    data = b"Obj\x01" + number(2) + entry(b"avro.codec", b"deflate") + entry(b"avro.schema", text) + b"\0" + b"s" * 16
    finding = found(data)
    expected = [("id", "bigint"), ("name", "string"), ("tags", "map<string,int>"), ("at", "timestamp")]
    assert (finding.classification, finding.compression, shape(finding)) == ("avro", "deflate", expected)
    assert found(data[:20]).classification == "UNKNOWN"


TEXT = b"".join(b'{"id":%d,"name":"n%d"}\n' % (i, i * i) for i in range(200_000))


def _framed(data: bytes) -> bytes:
    codec = pa.Codec("snappy")
    frames = [b"\xff\x06\x00\x00sNaPpY"]
    for at in range(0, len(data), 60_000):
        body = b"\0\0\0\0" + codec.compress(data[at : at + 60_000], asbytes=True)
        frames.append(b"\x00" + len(body).to_bytes(3, "little") + body)
    return b"".join(frames)


@pytest.mark.parametrize(
    ("kind", "compress"),
    [
        ("none", lambda data: data),
        ("gzip", gzip.compress),
        ("bzip2", bz2.compress),
        ("zstd", lambda data: pa.Codec("zstd").compress(data, asbytes=True)),
        ("snappy", _framed),
    ],
)
def test_a_sample_of_a_compressed_file_is_enough(kind: str, compress: object) -> None:
    data = compress(TEXT)  # type: ignore[operator]
    finding = classify(Sample(data[: 200 << 10], len(data)))
    assert (finding.classification, finding.compression) == ("json", kind)
    assert shape(finding) == [("id", "int"), ("name", "string")]


MERGES = [
    ("int", "bigint", "bigint"),
    ("bigint", "double", "double"),
    ("int", "string", "string"),
    ("boolean", "int", "string"),
    ("decimal(10,2)", "decimal(12,0)", "decimal(14,2)"),
    ("date", "timestamp", "timestamp"),
    ("array<int>", "array<double>", "array<double>"),
    ("struct<a:int,b:int>", "struct<A:bigint,c:string>", "struct<a:bigint,b:int,c:string>"),
    ("struct<a:int>", "array<int>", "string"),
    ("map<string,int>", "map<string,bigint>", "map<string,bigint>"),
]


@pytest.mark.parametrize(("one", "other", "both"), MERGES)
def test_types_merge_to_what_holds_both(one: str, other: str, both: str) -> None:
    assert str(schemas.merge_types(parse(one), parse(other))) == both


def test_files_of_one_table_add_up() -> None:
    one, two = found(b'{"a":1,"b":1}\n'), found(b'{"a":2.5,"c":"x"}\n{"a":1,"b":2,"c":"y"}\n')
    assert one.is_like(two)
    assert not one.is_like(found(b"a,b\n1,2\n"))
    assert not one.is_like(found(b'{"x":1,"y":2}'))
    both = infer.together([one, two])
    assert shape(both) == [("a", "double"), ("b", "int"), ("c", "string")]
    assert (both.objects, both.records) == (2, 3)


STARTS = [
    b"",
    b"PAR1",
    b"ORC",
    b"Obj\x01",
    b"\x1f\x8b",
    b"BZh",
    b"\x28\xb5\x2f\xfd",
    b"\xff\x06\x00\x00sNaPpY",
    b"{",
    b"[",
]
BODIES = st.binary(max_size=80) | st.text(',|\t;\n"{}[]:1a', max_size=80).map(str.encode)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(STARTS), BODIES, st.integers(0, 50))
def test_no_bytes_upset_the_classifiers(start: bytes, body: bytes, more: int) -> None:
    data = start + body
    tail = data if infer.needs_tail(data) else b""
    finding = classify(Sample(data, len(data) + more, tail), [CsvClassifier(";", "'", allows_single_column=True)])
    assert finding.classification in ("UNKNOWN", "csv", "json", "avro", "parquet", "orc")
