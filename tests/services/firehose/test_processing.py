"""Processors: the rules on asking for them, and what they do to records."""

import base64
import gzip
import json

import pytest
from botocore.exceptions import ClientError

from .samples import create, failures, log_record, objects, processing, processor, put, refusal

LAMBDA_ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
QUERY = processor("MetadataExtraction", JsonParsingEngine="JQ-1.6", MetadataExtractionQuery="{a: .a}")
DELIMITER = processor("AppendDelimiterToRecord", Delimiter="\\n")
PARTITIONED = {
    "DynamicPartitioningConfiguration": {"Enabled": True},
    "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60},
    "Prefix": "a=!{partitionKeyFromQuery:a}/",
    "ErrorOutputPrefix": "bad/",
}


def function(**parameters):
    return processor("Lambda", LambdaArn=LAMBDA_ARN, **parameters)


def deaggregation(**parameters):
    return processor("RecordDeAggregation", **parameters)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "A maximum of 5 and a minimum of 1 processor needs to be supplied when processing is enabled."),
        (
            [DELIMITER] * 6,
            "A maximum of 5 and a minimum of 1 processor needs to be supplied when processing is enabled.",
        ),
        ([function(), function()], "Cannot have more than 1 Lambda processor."),
        ([processor("Lambda")], "LambdaArn is required when Lambda processor is used."),
        ([function(NumberOfRetries="301")], "Number of retries for lambda must be between 0 and 300."),
        (
            [function(BufferSizeInMBs="1")],
            "Both BufferSizeInMBs and BufferIntervalInSeconds are required to configure buffering for lambda "
            "processor.",
        ),
        (
            [function(BufferSizeInMBs="0.1", BufferIntervalInSeconds="60")],
            "BufferSizeInMBs for lambda processor must be between 0.2 and 3.",
        ),
        (
            [function(BufferSizeInMBs="3", BufferIntervalInSeconds="901")],
            "BufferIntervalInSeconds for lambda processor must be between 0 and 900.",
        ),
        (
            [processor("CloudWatchLogProcessing", DataMessageExtraction="true")],
            "CloudWatchLogProcessingProcessor can only be enabled with DecompressionProcessor",
        ),
        (
            [QUERY],
            "class com.amazonaws.services.firehose.internal.model.MetadataExtractionProcessor can only be present when "
            "Dynamic Partitioning is enabled.",
        ),
        (
            [deaggregation(SubRecordType="JSON")],
            "class com.amazonaws.services.firehose.internal.model.RecordDeAggregationProcessor can only be present "
            "when Dynamic Partitioning is enabled.",
        ),
    ],
)
def test_processors_are_refused_in_aws_words(bucket, given, message):
    configuration = {"ProcessingConfiguration": processing(*given)}
    assert refusal("InvalidArgumentException", create, bucket, **configuration) == message


@pytest.mark.parametrize(
    ("given", "changes", "message"),
    [
        (
            [QUERY],
            {"BufferingHints": {"SizeInMBs": 63, "IntervalInSeconds": 60}},
            "BufferingHints.SizeInMBs must be at least 64 when Dynamic Partitioning is enabled.",
        ),
        (
            [QUERY],
            {"BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 0}},
            "BufferingHints.IntervalInSeconds must be at least 60 when Dynamic Partitioning is enabled.",
        ),
        (
            [QUERY],
            {"Prefix": "!{timestamp:yyyy}/"},
            "S3 Prefix should contain Dynamic Partitioning namespaces when Dynamic Partitioning is enabled",
        ),
        (
            [DELIMITER],
            {},
            "MetadataExtraction processor should be present when S3 Prefix has partitionKeyFromQuery namespace.",
        ),
        (
            [processor("MetadataExtraction", JsonParsingEngine="JQ-1.6", MetadataExtractionQuery="{a: .a, b: .b}")],
            {},
            "MetaDataExtraction JQ Query can't contain keys that are not present in the S3 Prefix expression",
        ),
        (
            [processor("MetadataExtraction", JsonParsingEngine="JQ-1.5", MetadataExtractionQuery="{a: .a}")],
            {},
            "MetaDataExtraction JSON Parsing Engine has to be one of JQ-1.6",
        ),
        ([QUERY, deaggregation(SubRecordType="XML")], {}, "SubRecordType has to be one of JSON, DELIMITED"),
        ([QUERY, deaggregation(SubRecordType="DELIMITED")], {}, "Delimiter should be present for DELIMITED"),
        (
            [QUERY],
            {"DynamicPartitioningConfiguration": {"Enabled": False}, "ProcessingConfiguration": {"Enabled": False}},
            "Dynamic Partitioning Namespaces can only be part of a prefix expression when Dynamic Partitioning is "
            "enabled.",
        ),
    ],
)
def test_dynamic_partitioning_is_refused_in_aws_words(bucket, given, changes, message):
    configuration = {**PARTITIONED, "ProcessingConfiguration": processing(*given), **changes}
    assert refusal("InvalidArgumentException", create, bucket, **configuration) == message


def test_a_query_that_is_no_jq_is_refused(bucket):
    query = processor("MetadataExtraction", JsonParsingEngine="JQ-1.6", MetadataExtractionQuery="{a: .a")
    configuration = {**PARTITIONED, "ProcessingConfiguration": processing(query)}
    assert "JQ Query is not valid" in refusal("InvalidArgumentException", create, bucket, **configuration)


def test_a_lambda_function_says_that_the_service_is_missing(bucket):
    with pytest.raises(ClientError) as caught:
        create(bucket, ProcessingConfiguration=processing(function(NumberOfRetries="2")))
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert "lambda" in caught.value.response["Error"]["Message"]


@pytest.mark.claim("KDF-552")
@pytest.mark.parametrize(
    ("given", "expected"),
    [(None, b"ab"), (DELIMITER, b"a\nb\n"), (processor("AppendDelimiterToRecord"), b"a\nb\n")],
)
def test_records_are_joined_as_they_are_or_with_a_delimiter(bucket, given, expected):
    create(bucket, **({"ProcessingConfiguration": processing(given)} if given else {}))
    put(bucket, b"a", b"b")
    bucket.clock.advance(60)
    assert list(objects(bucket).values()) == [expected]


def logs_through_kinesis(lake, *processors):
    """Direct puts with decompression are for CloudWatch Logs alone; records of a Kinesis stream are anyone's."""
    kinesis = lake.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    lake.clock.advance(60)
    arn = kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamARN"]
    create(lake, source=arn, ErrorOutputPrefix="bad/", ProcessingConfiguration=processing(*processors))
    bad = b"not compressed"
    for record in (log_record("one", "two"), log_record("x", kind="CONTROL_MESSAGE"), bad, log_record("three")):
        kinesis.put_record(StreamName="s", Data=record, PartitionKey="k")
    lake.clock.advance(120)
    (body,) = objects(lake, "2013/").values()
    (failed,) = failures(lake, "bad/decompression-failed/")
    assert base64.b64decode(failed["rawData"]) == bad
    return body


def test_log_records_are_decompressed(bucket):
    body = logs_through_kinesis(bucket, processor("Decompression", CompressionFormat="GZIP"), DELIMITER)
    documents = [json.loads(line) for line in body.splitlines()]
    assert [document["messageType"] for document in documents] == ["DATA_MESSAGE", "CONTROL_MESSAGE", "DATA_MESSAGE"]
    assert [event["message"] for event in documents[0]["logEvents"]] == ["one", "two"]


def test_log_messages_are_extracted_and_control_messages_dropped(bucket):
    processors = processor("Decompression"), processor("CloudWatchLogProcessing", DataMessageExtraction="true")
    assert logs_through_kinesis(bucket, *processors) == b"one\ntwo\nthree\n"


def test_only_cloudwatch_logs_puts_into_a_stream_that_decompresses(bucket):
    create(bucket, ProcessingConfiguration=processing(processor("Decompression")))
    assert refusal("InvalidSourceException", put, bucket, log_record("x")) == (
        "Put to Firehose failed for AccountId: 000000000000, FirehoseName: d because the request is not originating "
        "from allowed source types."
    )


@pytest.mark.claim("KDF-527")
def test_source_records_are_backed_up_as_they_came(bucket):
    bucket.client("s3").create_bucket(Bucket="backup")
    backup = {
        "RoleARN": "arn:aws:iam::000000000000:role/firehose",
        "BucketARN": "arn:aws:s3:::backup",
        "Prefix": "raw/",
        "CompressionFormat": "GZIP",
    }
    create(
        bucket,
        ProcessingConfiguration=processing(DELIMITER),
        S3BackupMode="Enabled",
        S3BackupConfiguration=backup,
    )
    put(bucket, b"a", b"b")
    bucket.clock.advance(60)
    assert list(objects(bucket).values()) == [b"a\nb\n"]
    s3 = bucket.client("s3")
    (item,) = s3.list_objects_v2(Bucket="backup")["Contents"]
    assert item["Key"].startswith("raw/2013/05/06/07/d-1-")
    assert item["Key"].endswith(".gz")
    assert gzip.decompress(s3.get_object(Bucket="backup", Key=item["Key"])["Body"].read()) == b"ab"
    described = bucket.client("firehose").describe_delivery_stream(DeliveryStreamName="d")["DeliveryStreamDescription"]
    found = described["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert found["S3BackupDescription"]["BucketARN"] == "arn:aws:s3:::backup"


def test_a_backup_needs_its_configuration(bucket):
    assert refusal("InvalidArgumentException", create, bucket, S3BackupMode="Enabled") == (
        "S3 backup destination configuration is required when enabling S3 backup."
    )


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("Asia/Tokyo", "2013/05/06/16/"), ("America/New_York", "2013/05/06/03/"), ("UTC", "2013/05/06/07/")],
)
def test_names_follow_the_time_zone_and_the_file_extension(bucket, zone, expected):
    create(bucket, CustomTimeZone=zone, FileExtension=".jsonl")
    put(bucket, b"x")
    bucket.clock.advance(60)
    (key,) = objects(bucket)
    assert key.startswith(expected)
    assert key.endswith(".jsonl")
