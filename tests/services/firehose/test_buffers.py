"""Buffers: size or time, whichever comes first, and nothing left behind."""

import apsw
import pytest
from botocore.exceptions import ParamValidationError

import pocketlake

from .samples import BUCKET, create, destination, objects, put, table

MIB = 1024 * 1024


def fill(lake, megabytes, name="d"):
    """In calls of 4 MiB; the clock moves on where the region's rate asks for it."""
    for start in range(0, megabytes, 4):
        if start:
            lake.clock.advance(1)
        answer = put(lake, *[b"x" * MIB_RECORD] * min(4, megabytes - start), name=name)
        assert answer["FailedPutCount"] == 0


MIB_RECORD = 1_000_000


@pytest.mark.claim("KDF-536", "KDF-573")
def test_size_or_time_delivers_whichever_comes_first(bucket):
    create(bucket, "small", BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 900}, Prefix="small/")
    create(bucket, "slow", BufferingHints={"SizeInMBs": 128, "IntervalInSeconds": 60}, Prefix="slow/")
    fill(bucket, 2, "small")
    put(bucket, b"x" * 1024, name="slow")
    bucket.clock.advance(0)
    assert [len(body) for body in objects(bucket, "small/").values()] == [2 * MIB_RECORD]
    bucket.clock.advance(59)
    assert objects(bucket, "slow/") == {}
    bucket.clock.advance(1)
    assert [len(body) for body in objects(bucket, "slow/").values()] == [1024]


@pytest.mark.claim("KDF-537")
def test_thirty_two_megabytes_go_when_thirty_three_were_put(bucket):
    create(bucket, BufferingHints={"SizeInMBs": 32, "IntervalInSeconds": 900})
    fill(bucket, 36)
    bucket.clock.advance(1)
    ((_, body),) = objects(bucket).items()
    assert 32 * MIB <= len(body) <= 36 * MIB_RECORD


@pytest.mark.claim("KDF-548", "KDF-549")
def test_the_interval_decides_on_the_number_and_the_size_of_objects(bucket):
    for name, seconds in (("fast", 60), ("slow", 300)):
        hints = {"SizeInMBs": 5, "IntervalInSeconds": seconds}
        create(bucket, name, BufferingHints=hints, Prefix=f"{name}/!{{timestamp:mm-ss}}/", ErrorOutputPrefix="e/")
    for _ in range(60):
        for name in ("fast", "slow"):
            put(bucket, b"x", name=name)
        bucket.clock.advance(10)
    fast, slow = objects(bucket, "fast/"), objects(bucket, "slow/")
    assert [len(body) for body in fast.values()] == [6] * 10
    assert [len(body) for body in slow.values()] == [30] * 2
    assert [key.split("/")[1] for key in fast] == sorted(f"{8 + minute:02}-09" for minute in range(10))


@pytest.mark.claim("KDF-504")
def test_nothing_is_left_in_the_lake_after_delivery(tmp_path):
    with pocketlake.run(tmp_path) as lake:
        lake.clock.freeze()
        lake.client("s3").create_bucket(Bucket=BUCKET)
        create(lake)
        put(lake, b"a", b"b")
        lake.clock.advance(60)
        assert list(objects(lake).values()) == [b"ab"]
        model = lake.client("firehose").meta.service_model
        assert not [name for name in model.operation_names if "Get" in name or "Subscribe" in name]
    with apsw.Connection(str(tmp_path / "lake.sqlite")) as db:
        for name in ("firehose_batches", "firehose_attempts"):
            assert db.execute(f"SELECT count(*) FROM {name}").fetchall() == [(0,)]


@pytest.mark.claim("KDF-545")
def test_hive_style_prefixes_become_partitions_of_a_table(bucket):
    prefix = "t/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/"
    create(bucket, Prefix=prefix, **table(bucket))
    for day in range(3):
        put(bucket, *[b'{"id": %d, "name": "n"}' % (day * 10 + n) for n in range(4)])
        bucket.clock.advance(days=1)
    run(bucket, "DROP TABLE db.t")
    run(
        bucket,
        "CREATE EXTERNAL TABLE db.t (id int, name string) PARTITIONED BY (year string, month string, day string) "
        f"STORED AS PARQUET LOCATION 's3://{BUCKET}/t/'",
    )
    run(bucket, "MSCK REPAIR TABLE db.t")
    found = run(bucket, "SELECT count(*), min(id) FROM db.t WHERE year = '2013' AND month = '05' AND day = '07'")
    assert [value["VarCharValue"] for value in found["ResultSet"]["Rows"][1]["Data"]] == ["4", "10"]
    assert len(bucket.client("glue").get_partitions(DatabaseName="db", TableName="t")["Partitions"]) == 3


def run(lake, sql):
    athena = lake.client("athena")
    started = athena.start_query_execution(
        QueryString=sql, ResultConfiguration={"OutputLocation": f"s3://{BUCKET}/results/"}
    )
    lake.clock.advance(0)
    execution = athena.get_query_execution(QueryExecutionId=started["QueryExecutionId"])["QueryExecution"]
    assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]
    return athena.get_query_results(QueryExecutionId=started["QueryExecutionId"])


@pytest.mark.claim("KDF-566", "KDF-581", "KDF-582", "KDF-583")
@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("create_delivery_stream", {"DeliveryStreamName": "d", "AthenaDestinationConfiguration": {}}),
        ("create_delivery_stream", {"DeliveryStreamName": "d", "DynamoDBDestinationConfiguration": {}}),
        (
            "create_delivery_stream",
            {
                "DeliveryStreamName": "d",
                "ExtendedS3DestinationConfiguration": destination(
                    DataFormatConversionConfiguration={
                        "OutputFormatConfiguration": {"Serializer": {"RecordIOProtobuf": {}}}
                    }
                ),
            },
        ),
        ("put_record", {"Record": {"Data": b"x"}}),
        ("put_record", {"DeliveryStreamName": "d", "Record": {"Data": b"x"}, "PartitionKey": "k"}),
    ],
)
def test_there_is_no_such_member(bucket, operation, arguments):
    with pytest.raises(ParamValidationError):
        getattr(bucket.client("firehose"), operation)(**arguments)
