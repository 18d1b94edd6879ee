"""What Firehose streams publish to CloudWatch."""

import pytest

from tests.services.measured import measured, stand_at_noon

from .endpoints import serving
from .samples import BUCKET, client, create, objects, processing, processor, put, table
from .test_http_endpoint import accepted
from .test_http_endpoint import create as create_for_endpoint


@pytest.fixture
def noon(bucket):
    stand_at_noon(bucket)
    return bucket


def asked(lake, name, statistic="Sum"):
    return measured(lake, "AWS/Firehose", name, statistic, minutes=1440, DeliveryStreamName="d")


@pytest.mark.claim("KDF-701")
def test_what_was_put_and_by_which_calls(noon):
    create(noon)
    client(noon, "firehose").put_record(DeliveryStreamName="d", Record={"Data": b"12345"})
    put(noon, b"1", b"22", b"333")
    assert asked(noon, "IncomingBytes") == [5 + 6]
    assert asked(noon, "IncomingRecords") == [4]
    assert asked(noon, "IncomingPutRequests") == [2]
    assert (asked(noon, "PutRecord.Bytes"), asked(noon, "PutRecord.Requests")) == ([5], [1])
    assert (asked(noon, "PutRecordBatch.Bytes"), asked(noon, "PutRecordBatch.Records")) == ([6], [3])
    assert asked(noon, "PutRecordBatch.Requests") == [1]
    assert (
        asked(noon, "PutRecord.Latency", "SampleCount") == asked(noon, "PutRecordBatch.Latency", "SampleCount") == [1]
    )
    assert asked(noon, "BytesPerSecondLimit", "Maximum") == [5 * 1024 * 1024]
    assert asked(noon, "RecordsPerSecondLimit", "Maximum") == [500_000]
    assert asked(noon, "PutRequestsPerSecondLimit", "Maximum") == [2000]


@pytest.mark.claim("KDF-705")
def test_records_over_the_rate(noon):
    create(noon)
    megabyte = b"x" * 1_000_000
    put(noon, *[megabyte] * 4)
    answer = put(noon, *[megabyte] * 4)
    assert answer["FailedPutCount"] == 3
    assert asked(noon, "ThrottledRecords") == [3]
    assert asked(noon, "IncomingRecords") == [5]


@pytest.mark.claim("CW-502", "KDF-702")
def test_a_delivery_and_how_fresh_it_was(noon):
    create(noon)
    put(noon, b"1\n", b"22\n")
    noon.clock.advance(seconds=20)
    put(noon, b"333\n")
    noon.clock.advance(minutes=2)
    assert list(objects(noon).values()) == [b"1\n22\n333\n"]
    assert asked(noon, "DeliveryToS3.Records") == [3]
    assert asked(noon, "DeliveryToS3.Bytes") == [9]
    assert asked(noon, "DeliveryToS3.DataFreshness", "Maximum") == [60]
    assert asked(noon, "DeliveryToS3.Success", "Average") == [1]
    assert asked(noon, "DeliveryToS3.ObjectCount") == [1]


@pytest.mark.claim("KDF-512")
def test_deliveries_that_a_bucket_refuses_are_without_success_and_age(noon):
    create(noon)
    put(noon, b"late")
    s3 = client(noon, "s3")
    s3.delete_bucket(Bucket=BUCKET)
    noon.clock.advance(hours=2)
    assert set(asked(noon, "DeliveryToS3.Success", "Maximum")) == {0}
    assert asked(noon, "DeliveryToS3.Records") == []
    s3.create_bucket(Bucket=BUCKET)
    noon.clock.advance(minutes=6)
    assert asked(noon, "DeliveryToS3.Success", "Maximum")[-1] == 1
    assert asked(noon, "DeliveryToS3.DataFreshness", "Maximum")[0] >= 7200


@pytest.mark.claim("KDF-702")
def test_a_backup_is_measured_by_itself(noon):
    backup = {
        "RoleARN": "arn:aws:iam::000000000000:role/firehose",
        "BucketARN": f"arn:aws:s3:::{BUCKET}",
        "Prefix": "b/",
    }
    create(noon, S3BackupMode="Enabled", S3BackupConfiguration=backup)
    put(noon, b"1234")
    noon.clock.advance(minutes=2)
    assert asked(noon, "BackupToS3.Records") == asked(noon, "BackupToS3.Success") == [1]
    assert asked(noon, "BackupToS3.Bytes") == [4]
    assert asked(noon, "DeliveryToS3.Records") == [1]


@pytest.mark.claim("KDF-703")
def test_records_that_are_converted_and_those_that_do_not_fit(noon):
    create(noon, **table(noon))
    good, bad = b'{"id": 1, "name": "a"}', b'{"id": "no number"}'
    put(noon, good, bad)
    noon.clock.advance(minutes=2)
    assert (asked(noon, "SucceedConversion.Records"), asked(noon, "SucceedConversion.Bytes")) == ([1], [len(good)])
    assert (asked(noon, "FailedConversion.Records"), asked(noon, "FailedConversion.Bytes")) == ([1], [len(bad)])
    assert asked(noon, "DeliveryToS3.Records") == [1]


@pytest.mark.claim("KDF-704")
def test_dynamic_partitions_are_counted(noon):
    extraction = processor("MetadataExtraction", MetadataExtractionQuery="{c: .c}", JsonParsingEngine="JQ-1.6")
    create(
        noon,
        BufferingHints={"SizeInMBs": 64, "IntervalInSeconds": 60},
        DynamicPartitioningConfiguration={"Enabled": True},
        Prefix="!{partitionKeyFromQuery:c}/",
        ErrorOutputPrefix="bad/",
        ProcessingConfiguration=processing(extraction),
    )
    put(noon, b'{"c": "a"}', b'{"c": "b"}', b'{"c": "a"}')
    noon.clock.advance(minutes=3)
    assert asked(noon, "PartitionCount", "Maximum") == [2]
    assert asked(noon, "PartitionCountExceeded") == [0]
    assert asked(noon, "ActivePartitionsLimit", "Maximum") == [500]
    assert asked(noon, "DeliveryToS3.ObjectCount") == [2]
    assert sum(asked(noon, "PerPartitionThroughput", "SampleCount")) == 2
    assert asked(noon, "SucceedProcessing.Records") == [3]


@pytest.mark.claim("CW-502")
def test_what_was_read_from_a_source_stream(noon):
    kinesis = client(noon, "kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    arn = kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamARN"]
    create(noon, source=arn)
    kinesis.put_records(StreamName="s", Records=[{"Data": b"12345", "PartitionKey": "k"}] * 3)
    noon.clock.advance(minutes=2)
    assert asked(noon, "DataReadFromKinesisStream.Records") == [3]
    assert asked(noon, "DataReadFromKinesisStream.Bytes") == [15]
    assert asked(noon, "KinesisMillisBehindLatest", "Maximum") == [0]
    assert asked(noon, "DeliveryToS3.Records") == [3]
    assert measured(noon, "AWS/Kinesis", "IncomingRecords", StreamName="s") == [3]
    assert measured(noon, "AWS/Kinesis", "GetRecords.Records", StreamName="s") == [3]


@pytest.mark.claim("KDF-702")
def test_deliveries_to_an_endpoint_count_their_failures(noon):
    answers = iter([(500, {}, {})])

    def answer(request):
        return next(answers, None) or accepted(request)

    with serving(answer) as endpoint:
        create_for_endpoint(noon, endpoint.url)
        put(noon, b"12", b"345")
        noon.clock.advance(minutes=3)
        assert len(endpoint.requests) == 2
    assert asked(noon, "DeliveryToHttpEndpoint.Success", "SampleCount") == [2]
    assert asked(noon, "DeliveryToHttpEndpoint.Success") == [1]
    assert asked(noon, "DeliveryToHttpEndpoint.Records") == [2]
    assert asked(noon, "DeliveryToHttpEndpoint.Bytes") == [5]
    assert asked(noon, "DeliveryToHttpEndpoint.DataFreshness", "Maximum")[0] >= 60
