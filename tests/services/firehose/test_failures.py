"""What can't be delivered: kept for a day, tried again, given up with an envelope that says why."""

import base64
import io
import logging

import pyarrow.parquet as pq
import pytest

import pocketlake

from .samples import BUCKET, create, destination, failures, objects, put, refusal, table

WHERE = "destinationId-000000000001"


@pytest.fixture
def no_bucket(lake):
    """A stream with one record in it, whose bucket is missing."""
    lake.clock.freeze("2013-05-06T07:08:09")
    create(lake)
    put(lake, b"waits\n")
    return lake


@pytest.mark.claim("KDF-512")
def test_a_record_is_delivered_when_its_bucket_comes_back_within_a_day(no_bucket):
    no_bucket.clock.advance(hours=23)
    no_bucket.client("s3").create_bucket(Bucket=BUCKET)
    no_bucket.clock.advance(minutes=10)
    ((key, body),) = objects(no_bucket).items()
    assert body == b"waits\n"
    assert key.startswith("2013/05/06/07/")


@pytest.mark.claim("KDF-512")
def test_a_record_is_lost_when_its_bucket_stays_away_for_a_day(no_bucket):
    no_bucket.clock.advance(hours=23, minutes=30)
    put(no_bucket, b"younger\n")
    no_bucket.clock.advance(hours=1)
    no_bucket.client("s3").create_bucket(Bucket=BUCKET)
    no_bucket.clock.advance(hours=2)
    assert list(objects(no_bucket).values()) == [b"younger\n"]


def test_a_bucket_that_is_missing_costs_one_line_in_the_log(no_bucket, caplog):
    with caplog.at_level(logging.INFO, logger="pocketlake"):
        no_bucket.clock.advance(hours=20)
    (line,) = [record for record in caplog.records if record.name == "pocketlake.firehose"]
    assert "NoSuchBucket" in line.getMessage()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_an_update_tries_again_at_once(no_bucket):
    no_bucket.clock.advance(hours=2)
    no_bucket.client("s3").create_bucket(Bucket="other")
    update = {"DeliveryStreamName": "d", "CurrentDeliveryStreamVersionId": "1", "DestinationId": WHERE}
    no_bucket.client("firehose").update_destination(
        ExtendedS3DestinationUpdate={"BucketARN": "arn:aws:s3:::other"}, **update
    )
    no_bucket.clock.advance(0)
    assert no_bucket.client("s3").list_objects_v2(Bucket="other")["KeyCount"] == 1


def test_a_refused_delivery_takes_the_same_records_again_after_a_restart_too(tmp_path):
    with pocketlake.run(tmp_path) as lake:
        lake.clock.freeze()
        create(lake)
        put(lake, b"first\n")
        lake.clock.advance(61)
        put(lake, b"second\n")
    with pocketlake.run(tmp_path) as lake:
        lake.client("s3").create_bucket(Bucket=BUCKET)
        lake.clock.advance(10)
        assert list(objects(lake).values()) == [b"first\n"]
        lake.clock.advance(60)
        assert sorted(objects(lake).values()) == [b"first\n", b"second\n"]


@pytest.mark.claim("KDF-511", "KDF-539", "KDF-578")
def test_the_buffer_grows_when_delivery_has_fallen_behind(no_bucket):
    no_bucket.clock.advance(70)
    for second in range(5):
        put(no_bucket, *[b"%d" % second * 500_000] * 2)
        no_bucket.clock.advance(1)
    no_bucket.client("s3").create_bucket(Bucket=BUCKET)
    no_bucket.clock.advance(300)
    sizes = sorted(map(len, objects(no_bucket).values()))
    assert sizes == [6, 5_000_000]  # the hint is 1 MiB


def test_a_full_buffer_does_not_wait_behind_a_long_interval(bucket):
    create(bucket, BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 900})
    for _ in range(6):
        put(bucket, b"x" * 700_000)
    bucket.clock.advance(0)
    waiting = 6 * 700_000 - sum(map(len, objects(bucket).values()))
    assert waiting < 1024 * 1024, "a buffer's worth waits"
    bucket.clock.advance(900)
    assert sum(map(len, objects(bucket).values())) == 6 * 700_000


@pytest.mark.claim("KDF-505")
def test_without_buffering_records_are_delivered_at_once(bucket):
    create(bucket, BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 0})
    put(bucket, b"a")
    bucket.clock.advance(0)
    assert list(objects(bucket).values()) == [b"a"]


@pytest.mark.claim("KDF-546", "KDF-570")
def test_records_of_a_missing_table_fail_and_later_ones_are_converted(bucket):
    options = table(bucket)
    bucket.client("glue").delete_table(DatabaseName="db", Name="t")
    create(bucket, **options)
    put(bucket, b'{"id": 1}', b'{"id": 2}')
    bucket.clock.advance(60)
    failed = failures(bucket, "bad/format-conversion-failed/")
    assert all(key.startswith("bad/") for key in objects(bucket))
    assert [base64.b64decode(line["rawData"]) for line in failed] == [b'{"id": 1}', b'{"id": 2}']
    line = failed[0]
    assert line["lastErrorCode"] == "DataFormatConversion.InvalidSchema"
    assert line["lastErrorMessage"].startswith("The schema is invalid. The specified table could not be found")
    assert line["dataCatalogTable"] == {
        "catalogId": "000000000000",
        "databaseName": "db",
        "tableName": "t",
        "region": "us-east-1",
        "versionId": "LATEST",
        "catalogArn": "arn:aws:glue:us-east-1:000000000000:catalog",
    }
    assert line["attemptsMade"] == 1
    assert line["subSequenceNumber"] is None
    assert len({line["sequenceNumber"] for line in failed}) == 2
    columns = [{"Name": "id", "Type": "int"}]
    bucket.client("glue").create_table(
        DatabaseName="db",
        TableInput={"Name": "t", "StorageDescriptor": {"Columns": columns, "Location": f"s3://{BUCKET}/t/"}},
    )
    put(bucket, b'{"id": 3}')
    bucket.clock.advance(60)
    (body,) = [body for key, body in objects(bucket).items() if key.endswith(".parquet")]
    rows = pq.read_table(io.BytesIO(body))
    assert rows.to_pylist() == [{"id": 3}]
    assert str(rows.schema.field("id").type) == "int32"


@pytest.mark.claim("KDF-570")
def test_a_column_type_that_nothing_reads_fails_the_records(bucket):
    options = table(bucket)
    columns = [{"Name": "id", "Type": "uniontype<int,string>"}]
    bucket.client("glue").update_table(
        DatabaseName="db",
        TableInput={"Name": "t", "StorageDescriptor": {"Columns": columns, "Location": f"s3://{BUCKET}/t/"}},
    )
    create(bucket, **options)
    put(bucket, b'{"id": 1}')
    bucket.clock.advance(60)
    (line,) = failures(bucket, "bad/format-conversion-failed/")
    assert line["lastErrorCode"] == "DataFormatConversion.InvalidSchema"
    assert "uniontype" in line["lastErrorMessage"]


def test_failures_of_a_kinesis_source_carry_the_shards_numbers_and_times(bucket):
    kinesis = bucket.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    bucket.clock.advance(60)
    arn = kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamARN"]
    create(bucket, source=arn, **table(bucket))
    start = bucket.clock.now().timestamp()
    numbers = []
    for _ in range(2):
        numbers.append(kinesis.put_record(StreamName="s", Data=b"nonsense", PartitionKey="k")["SequenceNumber"])
        bucket.clock.advance(0.25)
    bucket.clock.advance(120)
    failed = failures(bucket, "bad/format-conversion-failed/")
    assert [line["sequenceNumber"] for line in failed] == numbers
    assert [line["arrivalTimestamp"] - int(start * 1000) for line in failed] == [0, 250]


@pytest.mark.claim("KDF-571")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"CompressionFormat": "GZIP"},
            "The S3 destination's compression format must be set to UNCOMPRESSED when data format conversion is "
            "enabled. To enable compression within the converted output format, set the appropriate serialization "
            "option in the output format configuration.",
        ),
        (
            {"BufferingHints": {"SizeInMBs": 63, "IntervalInSeconds": 60}},
            "BufferingHints.SizeInMBs must be at least 64 when data format conversion is enabled.",
        ),
        ({"InputFormatConfiguration": None}, "InputFormatConfiguration must not be null"),
        ({"OutputFormatConfiguration": None}, "OutputFormatConfiguration must not be null"),
        ({"SchemaConfiguration": None}, "SchemaConfiguration must not be null"),
        ({"InputFormatConfiguration": {"Deserializer": {}}}, "Deserializer must not be null"),
        (
            {"OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}, "OrcSerDe": {}}}},
            "More than one serializer specified. Only one may be chosen.",
        ),
        (
            {"SchemaConfiguration": {"RoleARN": "r", "DatabaseName": "db"}},
            "SchemaConfiguration.TableName must not be null or empty",
        ),
    ],
)
def test_a_conversion_that_lacks_a_part_is_refused_in_aws_words(bucket, changes, message):
    options = table(bucket)
    conversion = dict(options["DataFormatConversionConfiguration"])
    for member, value in changes.items():
        if member not in conversion:
            options[member] = value
        elif value is None:
            del conversion[member]
        else:
            conversion[member] = value
    options["DataFormatConversionConfiguration"] = conversion
    assert refusal("InvalidArgumentException", create, bucket, **options) == message


def test_a_kms_key_for_objects_says_that_kms_is_missing(bucket):
    key = {"KMSEncryptionConfig": {"AWSKMSKeyARN": "arn:aws:kms:us-east-1:000000000000:key/k"}}
    configuration = destination(EncryptionConfiguration=key)
    firehose = bucket.client("firehose")
    message = refusal(
        "NotImplemented",
        firehose.create_delivery_stream,
        DeliveryStreamName="d",
        ExtendedS3DestinationConfiguration=configuration,
    )
    assert "KMS" in message
