"""Record format conversion: what deserialisers read and what serialisers write, by their options."""

import io
import json
from datetime import datetime

import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest

from .samples import BUCKET, create, failures, objects, put, table


def conversion(lake, columns, deserialiser, serialiser=None):
    """The options of a stream that converts by a table with these columns."""
    options = table(lake)
    described = {
        "Columns": [{"Name": name, "Type": kind} for name, kind in columns.items()],
        "Location": f"s3://{BUCKET}/t/",
    }
    lake.client("glue").update_table(DatabaseName="db", TableInput={"Name": "t", "StorageDescriptor": described})
    given = options["DataFormatConversionConfiguration"]
    given["InputFormatConfiguration"] = {"Deserializer": deserialiser}
    given["OutputFormatConfiguration"] = {"Serializer": serialiser or {"ParquetSerDe": {}}}
    return options


def converted(lake, options, *records):
    """The one object that the records became, and its name."""
    create(lake, **options)
    put(lake, *records)
    lake.clock.advance(60)
    ((key, body),) = [(key, body) for key, body in objects(lake).items() if not key.startswith("bad/")]
    return key, body


def rows(lake, options, *records):
    _, body = converted(lake, options, *records)
    return pq.read_table(io.BytesIO(body)).to_pylist()


@pytest.mark.claim("KDF-569")
def test_openx_folds_case_unless_told_otherwise(bucket):
    options = conversion(bucket, {"id": "int"}, {"OpenXJsonSerDe": {}})
    assert rows(bucket, options, b'{"ID": 1}', b'{"id": 2}') == [{"id": 1}, {"id": 2}]


def test_openx_keeps_case_when_told_to(bucket):
    options = conversion(bucket, {"id": "int"}, {"OpenXJsonSerDe": {"CaseInsensitive": False}})
    assert rows(bucket, options, b'{"ID": 1}', b'{"id": 2}') == [{"id": None}, {"id": 2}]


def test_openx_maps_columns_and_dots(bucket):
    serde = {"ColumnToJsonKeyMappings": {"ts": "timestamp"}, "ConvertDotsInJsonKeysToUnderscores": True}
    options = conversion(bucket, {"ts": "bigint", "a_b": "int"}, {"OpenXJsonSerDe": serde})
    assert rows(bucket, options, b'{"timestamp": 5, "a.b": 1}') == [{"ts": 5, "a_b": 1}]


def test_openx_reads_the_documented_timestamps(bucket):
    options = conversion(bucket, {"t": "timestamp"}, {"OpenXJsonSerDe": {}})
    given = ["2017-02-07T15:13:01.39256Z", "2017-2-7 15:13:01.14", "1486480381", 1486480381148, 1486480381.148]
    found = rows(bucket, options, *[json.dumps({"t": value}).encode() for value in given])
    assert [row["t"].isoformat() for row in found] == [
        "2017-02-07T15:13:01.392560",
        "2017-02-07T15:13:01.140000",
        "2017-02-07T15:13:01",
        "2017-02-07T15:13:01.148000",
        "2017-02-07T15:13:01.148000",
    ]


def test_hive_reads_the_timestamp_formats_that_are_given(bucket):
    serde = {"TimestampFormats": ["dd/MM/yyyy HH:mm", "millis"]}
    options = conversion(bucket, {"t": "timestamp"}, {"HiveJsonSerDe": serde})
    found = rows(bucket, options, b'{"t": "07/02/2017 15:13"}', b'{"t": 1486480381148}', b'{"t": "2017-02-07"}')
    assert [row["t"] for row in found] == [
        datetime(2017, 2, 7, 15, 13),
        datetime(2017, 2, 7, 15, 13, 1, 148000),
    ]
    (failed,) = failures(bucket, "bad/format-conversion-failed/")
    assert failed["lastErrorCode"] == "DataFormatConversion.MalformedData"


@pytest.mark.claim("KDF-569")
def test_what_is_no_json_fails(bucket):
    options = conversion(bucket, {"id": "int"}, {"HiveJsonSerDe": {}})
    assert rows(bucket, options, b"1,2,3", b'{"id": 1}') == [{"id": 1}]
    (failed,) = failures(bucket, "bad/format-conversion-failed/")
    assert failed["lastErrorCode"] == "DataFormatConversion.ParseError"


@pytest.mark.claim("KDF-571")
@pytest.mark.parametrize(
    ("asked", "written"), [("SNAPPY", "SNAPPY"), ("GZIP", "GZIP"), ("UNCOMPRESSED", "UNCOMPRESSED")]
)
def test_parquet_is_compressed_and_encoded_as_asked(bucket, asked, written):
    serde = {"Compression": asked, "EnableDictionaryCompression": True, "WriterVersion": "V2", "PageSizeBytes": 65536}
    options = conversion(bucket, {"name": "string"}, {"OpenXJsonSerDe": {}}, {"ParquetSerDe": serde})
    key, body = converted(bucket, options, *[b'{"name": "same"}'] * 10)
    assert key.endswith(".parquet")
    metadata = pq.ParquetFile(io.BytesIO(body)).metadata
    column = metadata.row_group(0).column(0)
    assert column.compression == written
    assert column.dictionary_page_offset is not None
    assert metadata.format_version == "2.6"


def test_parquet_has_no_dictionary_by_default(bucket):
    options = conversion(bucket, {"name": "string"}, {"OpenXJsonSerDe": {}})
    _, body = converted(bucket, options, b'{"name": "same"}')
    metadata = pq.ParquetFile(io.BytesIO(body)).metadata
    assert metadata.row_group(0).column(0).dictionary_page_offset is None
    assert metadata.row_group(0).column(0).compression == "SNAPPY"
    assert metadata.format_version == "1.0"


@pytest.mark.claim("KDF-568")
def test_orc_is_written_as_asked(bucket):
    serde = {
        "Compression": "ZLIB",
        "StripeSizeBytes": 8 * 1024 * 1024,
        "RowIndexStride": 1000,
        "BloomFilterColumns": ["name"],
        "BloomFilterFalsePositiveProbability": 0.01,
        "DictionaryKeyThreshold": 0.5,
        "FormatVersion": "V0_11",
    }
    options = conversion(bucket, {"id": "int", "name": "string"}, {"OpenXJsonSerDe": {}}, {"OrcSerDe": serde})
    key, body = converted(bucket, options, *[b'{"id": %d, "name": "n%d"}' % (n, n) for n in range(20)])
    assert key.endswith(".orc")
    file = orc.ORCFile(io.BytesIO(body))
    assert (file.compression, file.row_index_stride, file.file_version) == ("ZLIB", 1000, "0.11")
    assert file.read().column("id").to_pylist() == list(range(20))


@pytest.mark.parametrize(("asked", "written"), [({}, "SNAPPY"), ({"Compression": "NONE"}, "UNCOMPRESSED")])
def test_orc_has_aws_defaults(bucket, asked, written):
    options = conversion(bucket, {"id": "int"}, {"OpenXJsonSerDe": {}}, {"OrcSerDe": asked})
    _, body = converted(bucket, options, b'{"id": 1}')
    file = orc.ORCFile(io.BytesIO(body))
    assert (file.compression, file.row_index_stride, file.file_version) == (written, 10_000, "0.12")


def test_orc_bloom_filters_are_in_the_file(bucket):
    sizes = {}
    for name, columns in (("plain", []), ("bloom", ["name"])):
        serde = {"Compression": "NONE", **({"BloomFilterColumns": columns} if columns else {})}
        options = conversion(bucket, {"name": "string"}, {"OpenXJsonSerDe": {}}, {"OrcSerDe": serde})
        create(bucket, name, **options)
        put(bucket, *[b'{"name": "n%d"}' % n for n in range(50)], name=name)
        bucket.clock.advance(60)
        bucket.client("glue").delete_database(Name="db")
        sizes[name] = sum(len(body) for key, body in objects(bucket).items() if f"/{name}-1-" in key)
    assert sizes["bloom"] > sizes["plain"] > 0


@pytest.mark.claim("KDF-550")
def test_hadoop_snappy_is_blocks_of_snappy_behind_their_lengths(bucket):
    import pyarrow as pa

    create(bucket, CompressionFormat="HADOOP_SNAPPY", BufferingHints={"SizeInMBs": 5, "IntervalInSeconds": 60})
    sent = [bytes([65 + n % 26]) * 100_000 for n in range(7)]
    put(bucket, *sent)
    bucket.clock.advance(60)
    ((key, body),) = objects(bucket).items()
    assert key.endswith(".hsnappy")
    plain, at = b"", 0
    while at < len(body):
        length, packed = int.from_bytes(body[at : at + 4], "big"), int.from_bytes(body[at + 4 : at + 8], "big")
        plain += pa.decompress(body[at + 8 : at + 8 + packed], length, codec="snappy", asbytes=True)
        at += 8 + packed
    assert plain == b"".join(sent)


@pytest.mark.claim("KDF-550")
@pytest.mark.parametrize(
    ("compression", "extension"), [("GZIP", ".gz"), ("ZIP", ".zip"), ("Snappy", ".snappy"), ("UNCOMPRESSED", "")]
)
def test_compressed_objects_are_named_so(bucket, compression, extension):
    create(bucket, CompressionFormat=compression)
    put(bucket, b"x")
    bucket.clock.advance(60)
    (key,) = objects(bucket)
    assert key[-36:].count("-") == 4 if not extension else key.endswith(extension)
