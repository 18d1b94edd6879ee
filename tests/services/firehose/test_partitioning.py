"""Dynamic partitioning: an object for each partition, and what has no place in one."""

import base64
import io
import json

import pyarrow.parquet as pq
import pytest

import pocketlake
from pocketlake.services.firehose.deaggregation import documents
from pocketlake.services.firehose.metadata import query_keys

from .samples import create, failures, log_record, objects, processing, processor, put, table


def query(text):
    return processor("MetadataExtraction", JsonParsingEngine="JQ-1.6", MetadataExtractionQuery=text)


def partitioned(*processors, prefix="device=!{partitionKeyFromQuery:device}/!{timestamp:yyyy-MM-dd}/", **options):
    return {
        "DynamicPartitioningConfiguration": {"Enabled": True, "RetryOptions": {"DurationInSeconds": 300}},
        "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60},
        "Prefix": prefix,
        "ErrorOutputPrefix": "bad/!{firehose:error-output-type}/",
        "ProcessingConfiguration": processing(*processors),
        **options,
    }


def record(device, n=0):
    return json.dumps({"device": device, "n": n}).encode()


@pytest.mark.claim("KDF-514", "KDF-526", "KDF-528")
def test_each_key_has_its_own_folder_and_what_has_no_key_fails(bucket):
    create(bucket, **partitioned(query("{device: .device}"), processor("AppendDelimiterToRecord")))
    put(bucket, record("a", 1), record("b", 2), b"nonsense", record(None), record("a", 3), record(""), record(7))
    bucket.clock.advance(60)
    found = objects(bucket, "device=")
    assert {
        key.rpartition("/")[0]: [json.loads(line)["n"] for line in body.splitlines()] for key, body in found.items()
    } == {
        "device=a/2013-05-06": [1, 3],
        "device=b/2013-05-06": [2],
        "device=7/2013-05-06": [0],
    }
    failed = failures(bucket, "bad/processing-failed/")
    assert [(line["errorCode"], line["errorMessage"]) for line in failed] == [
        ("DynamicPartitioning.MetadataExtractionFailed", "Non JSON record provided"),
        ("DynamicPartitioning.MetadataExtractionFailed", "partitionKeys values must not be null or empty"),
        ("DynamicPartitioning.MetadataExtractionFailed", "partitionKeys values must not be null or empty"),
    ]
    assert base64.b64decode(failed[0]["rawData"]) == b"nonsense"
    assert failed[0]["attemptsMade"] == 1
    assert failed[0]["attemptEndingTimestamp"] - failed[0]["arrivalTimestamp"] == 60_000


def padded(device, n, size):
    """A record of so many bytes and a few."""
    return json.dumps({"device": device, "n": n, "pad": "x" * size}).encode() + b"\n"


def delivered(lake, prefix="device="):
    """By device: the numbers in each object, in the order of the objects' names."""
    found = {}
    for key, body in sorted(objects(lake, prefix).items()):
        device = key.partition("/")[0].removeprefix("device=")
        found.setdefault(device, []).append([json.loads(line)["n"] for line in body.splitlines()])
    return found


def test_a_full_partition_is_delivered_alone(tmp_path):
    """What comes seldom waits for its own time, however much the stream's other partitions take."""
    with pocketlake.run(tmp_path, limits="off") as lake:
        lake.clock.freeze()
        lake.client("s3").create_bucket(Bucket="lake")
        create(lake, **partitioned(query("{device: .device}")))
        put(lake, padded("quiet", 0, 10))
        for n in range(67):
            put(lake, padded("loud", n, 1000 * 1024 - 100))  # 64 MiB are 66 of them
        lake.clock.advance(0)
        (numbers,) = delivered(lake)["loud"]
        assert numbers in (list(range(66)), list(range(67)))
        assert "quiet" not in delivered(lake)
        lake.clock.advance(59)
        assert "quiet" not in delivered(lake)
        lake.clock.advance(1)
        assert delivered(lake)["quiet"] == [[0]]


def test_each_partition_s_time_begins_with_its_first_record(bucket):
    create(bucket, **partitioned(query("{device: .device}")))
    put(bucket, padded("a", 1, 0))
    bucket.clock.advance(40)
    put(bucket, padded("b", 2, 0), padded("a", 3, 0))
    bucket.clock.advance(19)
    assert delivered(bucket) == {}
    bucket.clock.advance(1)
    assert delivered(bucket) == {"a": [[1, 3]]}
    put(bucket, padded("a", 4, 0))  # begins anew
    bucket.clock.advance(39)
    assert delivered(bucket) == {"a": [[1, 3]]}
    bucket.clock.advance(1)
    assert delivered(bucket) == {"a": [[1, 3]], "b": [[2]]}
    bucket.clock.advance(20)
    assert delivered(bucket) == {"a": [[1, 3], [4]], "b": [[2]]}


def test_another_day_in_the_prefix_is_another_partition(bucket):
    create(bucket, **partitioned(query("{device: .device}")))
    bucket.clock.set("2013-05-06T23:59:30Z")
    put(bucket, padded("a", 1, 0))
    bucket.clock.advance(40)
    put(bucket, padded("a", 2, 0))
    bucket.clock.advance(60)
    assert {key.rpartition("/")[0] for key in objects(bucket, "device=")} == {
        "device=a/2013-05-06",
        "device=a/2013-05-07",
    }


def test_random_strings_in_the_prefix_make_no_partitions(bucket):
    prefix = "!{partitionKeyFromQuery:device}/!{firehose:random-string}/"
    create(bucket, **partitioned(query("{device: .device}"), prefix=f"data/{prefix}"))
    for n in range(3):
        put(bucket, padded("a", n, 0), padded("b", n, 0))
        bucket.clock.advance(5)
    bucket.clock.advance(60)
    names = [key.split("/") for key in objects(bucket, "data/")]
    assert sorted(name[1] for name in names) == ["a", "b"]
    assert names[0][2] != names[1][2]


def test_partitions_that_wait_are_active_and_delivered_ones_are_not(bucket):
    create(bucket, **partitioned(query("{device: .device}")))
    put(bucket, *[record(f"d{n:03}") for n in range(300)])
    bucket.clock.advance(30)
    put(bucket, *[record(f"e{n:03}") for n in range(250)])  # 50 too many: the first 300 still wait
    bucket.clock.advance(30)
    put(bucket, *[record(f"f{n:03}") for n in range(300)])  # the first 300 have gone
    bucket.clock.advance(60)
    names = [base64.b64decode(line["rawData"]) for line in failures(bucket, "bad/activePartitionExceeded/")]
    assert [json.loads(name)["device"] for name in names] == [f"e{n:03}" for n in range(200, 250)]


def test_partitions_survive_a_restart_and_a_refusing_bucket(tmp_path):
    with pocketlake.run(tmp_path) as lake:
        lake.clock.freeze()
        create(lake, **partitioned(query("{device: .device}")))  # there is no bucket yet
        put(lake, padded("a", 1, 0))
        lake.clock.advance(30)
        put(lake, padded("b", 2, 0))
        lake.clock.advance(30)
    with pocketlake.run(tmp_path) as lake:
        put(lake, padded("a", 3, 0))
        lake.client("s3").create_bucket(Bucket="lake")
        lake.clock.advance(30)
        assert delivered(lake) == {"a": [[1]], "b": [[2]]}  # what was sealed takes no more
        lake.clock.advance(60)
        assert sorted(delivered(lake)["a"]) == [[1], [3]]


def test_partitions_go_with_their_stream(bucket):
    create(bucket, **partitioned(query("{device: .device}")))
    put(bucket, padded("a", 1, 0))
    bucket.clock.advance(30)
    put(bucket, padded("b", 2, 0))
    bucket.clock.advance(30)  # b was sorted, and waits
    bucket.client("firehose").delete_delivery_stream(DeliveryStreamName="d")
    create(bucket, **partitioned(query("{device: .device}")))
    bucket.clock.advance(600)
    assert delivered(bucket) == {"a": [[1]]}


def test_records_that_were_sorted_tell_where_they_came_from_when_they_do_not_fit(bucket):
    options = table(bucket)
    create(
        bucket,
        **partitioned(query("{name: .name}"), prefix="t/name=!{partitionKeyFromQuery:name}/"),
        DataFormatConversionConfiguration=options["DataFormatConversionConfiguration"],
    )
    put(bucket, b'{"id": 1, "name": "a"}')
    bucket.clock.advance(20)
    put(bucket, b'{"id": "x", "name": "a"}')
    bucket.clock.advance(40)
    (failed,) = failures(bucket, "bad/format-conversion-failed/")
    assert failed["attemptEndingTimestamp"] - failed["arrivalTimestamp"] == 40_000
    assert failed["sequenceNumber"].strip("0")


def test_what_fails_after_its_decompression_is_shown_as_it_arrived(bucket):
    """Through the sorting too. Source: developer guide, "Troubleshoot decompression"."""
    kinesis = bucket.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    bucket.clock.advance(60)
    arn = kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamARN"]
    options = table(bucket)
    processors = (
        processor("Decompression", CompressionFormat="GZIP"),
        processor("CloudWatchLogProcessing", DataMessageExtraction="true"),
        query("{name: .name}"),
    )
    create(
        bucket,
        source=arn,
        **partitioned(*processors, prefix="t/name=!{partitionKeyFromQuery:name}/"),
        DataFormatConversionConfiguration=options["DataFormatConversionConfiguration"],
    )
    good, bad = (log_record(json.dumps({"id": value, "name": "a"})) for value in (1, "x"))
    for sent in (good, bad):
        kinesis.put_record(StreamName="s", Data=sent, PartitionKey="k")
    bucket.clock.advance(120)
    (failed,) = failures(bucket, "bad/format-conversion-failed/")
    assert base64.b64decode(failed["rawData"]) == bad
    (body,) = objects(bucket, "t/name=a/").values()
    assert pq.read_table(io.BytesIO(body)).column("id").to_pylist() == [1]


def test_more_partitions_than_the_limit_go_to_the_error_prefix(bucket):
    create(bucket, **partitioned(query("{device: .device}")))
    for start in range(0, 600, 300):
        put(bucket, *[record(f"d{n:03}") for n in range(start, start + 300)])
    put(bucket, record("d000", 1), record("d599", 1))
    bucket.clock.advance(60)
    pages = bucket.client("s3").get_paginator("list_objects_v2").paginate(Bucket="lake", Prefix="device=")
    assert sum(page["KeyCount"] for page in pages) == 500
    failed = failures(bucket, "bad/activePartitionExceeded/")
    assert len(failed) == 101
    assert {json.loads(base64.b64decode(line["rawData"]))["device"] for line in failed} == {
        f"d{n:03}" for n in range(500, 600)
    }
    assert failed[0]["errorMessage"] == "The delivery stream has reached its limit of 500 active partitions."


def test_with_limits_off_partitions_are_not_counted(tmp_path):
    with pocketlake.run(tmp_path, limits="off") as lake:
        lake.clock.freeze()
        lake.client("s3").create_bucket(Bucket="lake")
        create(lake, **partitioned(query("{device: .device}")))
        put(lake, *[record(f"d{n:03}") for n in range(500)])
        put(lake, record("d500"))
        lake.clock.advance(60)
        pages = lake.client("s3").get_paginator("list_objects_v2").paginate(Bucket="lake", Prefix="device=")
        assert sum(page["KeyCount"] for page in pages) == 501


def test_a_key_that_a_query_leaves_out_or_that_is_too_long_fails_its_record_alone(bucket):
    create(bucket, **partitioned(query(". | {device: .device, n: .n}")))
    put(bucket, record("a" * 513), record("b"), record(10**25), b'{"device": "c"}')
    bucket.clock.advance(60)
    assert len(objects(bucket, "device=")) == 2
    assert [line["errorMessage"] for line in failures(bucket, "bad/processing-failed/")] == [
        "partitionKeys values must not be null or empty",
        "Length of evaluated prefix cannot be greater than 512",
    ]


@pytest.mark.parametrize(
    ("parameters", "sent"),
    [
        ({"SubRecordType": "JSON"}, [b'{"device":"a"}{"device":"b"}', b'{"device":"a"}\n{"device":"a"}']),
        (
            {"SubRecordType": "DELIMITED", "Delimiter": base64.b64encode(b"##").decode()},
            [b'{"device":"a"}##{"device":"b"}##', b'{"device":"a"}##{"device":"a"}'],
        ),
    ],
)
def test_aggregated_records_are_taken_apart_before_they_are_partitioned(bucket, parameters, sent):
    processors = processor("RecordDeAggregation", **parameters), query("{device: .device}")
    create(bucket, **partitioned(*processors))
    put(bucket, *sent)
    bucket.clock.advance(60)
    assert {key.partition("/")[0]: body for key, body in objects(bucket, "device=").items()} == {
        "device=a": b'{"device":"a"}' * 3,
        "device=b": b'{"device":"b"}',
    }


def test_partitions_are_converted_each_for_itself(bucket):
    options = table(bucket)
    create(
        bucket,
        **partitioned(query("{name: .name}"), prefix="t/name=!{partitionKeyFromQuery:name}/"),
        DataFormatConversionConfiguration=options["DataFormatConversionConfiguration"],
    )
    put(
        bucket,
        b'{"id": 1, "name": "a"}',
        b'{"id": 2, "name": "b"}',
        b'{"id": "x", "name": "a"}',
        b'{"id": 3, "name": "a"}',
    )
    bucket.clock.advance(60)
    found = {key.rpartition("/")[0]: pq.read_table(io.BytesIO(body)) for key, body in objects(bucket, "t/").items()}
    assert {folder: rows.column("id").to_pylist() for folder, rows in found.items()} == {
        "t/name=a": [1, 3],
        "t/name=b": [2],
    }
    (failed,) = failures(bucket, "bad/format-conversion-failed/")
    assert base64.b64decode(failed["rawData"]) == b'{"id": "x", "name": "a"}'


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ('{a: .x.y, "b": (.ts | strftime("%Y,%m")), c}', {"a", "b", "c"}),
        ("{a: {b: .c, d: .e}, f: [.g, .h]}", {"a", "f"}),
        ("{}", set()),
        (". | {a: .b}", None),
        ("{a: .b} | {c: .a}", None),
        ("{(.k): .v}", None),
    ],
)
def test_the_keys_of_a_query_are_read_where_it_is_one_object(query, keys):
    assert query_keys(query) == keys


@pytest.mark.parametrize(
    ("record", "found"),
    [
        (b'{"a":1}', [b'{"a":1}']),
        (b'{"a":1}{"a":2} {"a":3}\n', [b'{"a":1}', b'{"a":2}', b'{"a":3}']),
        (b'{\n"a": 1\n}\n{"a": 2}', [b'{\n"a": 1\n}', b'{"a": 2}']),
        (b"", []),
    ],
)
def test_json_documents_are_told_apart(record, found):
    assert documents(record) == found


@pytest.mark.parametrize("record", [b"[1]", b'{"a":1}nonsense', b"1", b'{"a":'])
def test_what_is_no_json_object_is_no_aggregate(record):
    with pytest.raises(ValueError):
        documents(record)
