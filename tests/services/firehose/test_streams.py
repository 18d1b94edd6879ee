"""Delivery streams as resources: what is described, changed, encrypted, and how fast they take records."""

import json
import urllib.error
import urllib.request

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import pocketlake

from .samples import ROLE, create, destination, objects, put, refusal

WHERE = "destinationId-000000000001"
PATIENT = Config(retries={"max_attempts": 0})
OTHERS = {"S3Configuration": destination(), "RoleARN": ROLE}


def update(lake, version, **changes):
    lake.client("firehose").update_destination(
        DeliveryStreamName="d", CurrentDeliveryStreamVersionId=version, DestinationId=WHERE, **changes
    )


def describe(lake):
    return lake.client("firehose").describe_delivery_stream(DeliveryStreamName="d")["DeliveryStreamDescription"]


def test_a_new_stream_is_described_with_aws_defaults(bucket):
    firehose = bucket.client("firehose")
    given = {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake"}
    firehose.create_delivery_stream(DeliveryStreamName="d", S3DestinationConfiguration=given)
    described = describe(bucket)
    assert described["DeliveryStreamStatus"] == "ACTIVE"
    assert described["DeliveryStreamType"] == "DirectPut"
    assert described["VersionId"] == "1"
    assert described["DeliveryStreamEncryptionConfiguration"] == {"Status": "DISABLED"}
    assert described["HasMoreDestinations"] is False
    (found,) = described["Destinations"]
    assert found["DestinationId"] == WHERE
    assert found["S3DestinationDescription"] == {
        **given,
        "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 300},
        "CompressionFormat": "UNCOMPRESSED",
        "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
        "CloudWatchLoggingOptions": {"Enabled": False},
    }
    assert found["ExtendedS3DestinationDescription"]["S3BackupMode"] == "Disabled"


def test_an_update_merges_and_counts_the_version(bucket):
    create(bucket, Prefix="old/", CompressionFormat="GZIP")
    created = describe(bucket)["LastUpdateTimestamp"]
    bucket.clock.advance(10)
    update(bucket, "1", ExtendedS3DestinationUpdate={"Prefix": "new/"})
    described = describe(bucket)
    assert described["VersionId"] == "2"
    assert (described["LastUpdateTimestamp"] - created).total_seconds() == pytest.approx(10, abs=0.01)
    s3 = described["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert (s3["Prefix"], s3["CompressionFormat"]) == ("new/", "GZIP")
    put(bucket, b"x")
    bucket.clock.advance(60)
    (key,) = objects(bucket)
    assert key.startswith("new/2013/05/06/07/d-2-")


@pytest.mark.parametrize(
    ("version", "where", "changes", "code", "message"),
    [
        (
            "7",
            WHERE,
            {"ExtendedS3DestinationUpdate": {}},
            "ConcurrentModificationException",
            "Cannot update firehose: d since the current version id: 1 and specified version id: 7 do not match",
        ),
        ("1", "other", {"S3DestinationUpdate": {}}, "InvalidArgumentException", "Destination Id other not found"),
        (
            "1",
            WHERE,
            {},
            "InvalidArgumentException",
            "Exactly one destination configuration is supported for a Firehose",
        ),
        (
            "1",
            WHERE,
            {"S3DestinationUpdate": {}, "ExtendedS3DestinationUpdate": {}},
            "InvalidArgumentException",
            "Exactly one destination configuration is supported for a Firehose",
        ),
        (
            "1",
            WHERE,
            {"ExtendedS3DestinationUpdate": {"DynamicPartitioningConfiguration": {"Enabled": True}}},
            "InvalidArgumentException",
            "Dynamic Partitioning can't be enabled on an existing delivery stream.",
        ),
    ],
)
def test_an_update_is_refused_in_aws_words(bucket, version, where, changes, code, message):
    create(bucket)
    act = bucket.client("firehose").update_destination
    request = {"DeliveryStreamName": "d", "CurrentDeliveryStreamVersionId": version, "DestinationId": where}
    assert refusal(code, act, **request, **changes) == message
    assert describe(bucket)["VersionId"] == "1"


def test_encryption_with_a_key_of_aws_goes_on_and_off(bucket):
    firehose = bucket.client("firehose")
    create(bucket)
    firehose.start_delivery_stream_encryption(
        DeliveryStreamName="d", DeliveryStreamEncryptionConfigurationInput={"KeyType": "AWS_OWNED_CMK"}
    )
    assert describe(bucket)["DeliveryStreamEncryptionConfiguration"] == {
        "KeyType": "AWS_OWNED_CMK",
        "Status": "ENABLED",
    }
    assert firehose.put_record(DeliveryStreamName="d", Record={"Data": b"x"})["Encrypted"] is True
    assert put(bucket, b"x")["Encrypted"] is True
    firehose.stop_delivery_stream_encryption(DeliveryStreamName="d")
    assert describe(bucket)["DeliveryStreamEncryptionConfiguration"]["Status"] == "DISABLED"
    assert put(bucket, b"x")["Encrypted"] is False


def test_encryption_with_a_key_of_ones_own_says_that_kms_is_missing(bucket):
    create(bucket)
    start = bucket.client("firehose").start_delivery_stream_encryption
    key = {"KeyType": "CUSTOMER_MANAGED_CMK"}
    message = refusal(
        "InvalidArgumentException",
        start,
        DeliveryStreamName="d",
        DeliveryStreamEncryptionConfigurationInput=key,
    )
    assert message == "KeyARN has to be specified when KeyType is CUSTOMER_MANAGED_CMK"
    key["KeyARN"] = "arn:aws:kms:us-east-1:000000000000:key/k"
    with pytest.raises(ClientError) as caught:
        start(DeliveryStreamName="d", DeliveryStreamEncryptionConfigurationInput=key)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert "KMS" in caught.value.response["Error"]["Message"]


def test_a_stream_that_reads_kinesis_is_not_encrypted_by_firehose(bucket):
    kinesis = bucket.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    bucket.clock.advance(60)
    arn = kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamARN"]
    create(bucket, source=arn)
    start = bucket.client("firehose").start_delivery_stream_encryption
    assert refusal("InvalidArgumentException", start, DeliveryStreamName="d").startswith(
        "Server side encryption from firehose is only allowed for direct put delivery streams"
    )


@pytest.mark.parametrize(
    ("member", "configuration"),
    [
        ("SnowflakeDestinationConfiguration", None),
        ("RedshiftDestinationConfiguration", None),
        ("AmazonopensearchserviceDestinationConfiguration", {"IndexName": "i", **OTHERS}),
    ],
)
def test_an_unbuilt_destination_says_so_at_creation(bucket, member, configuration):
    if configuration is None:
        configuration = {
            "SnowflakeDestinationConfiguration": {
                "AccountUrl": "https://account.snowflakecomputing.com",
                "Database": "d",
                "Schema": "s",
                "Table": "t",
                **OTHERS,
            },
            "RedshiftDestinationConfiguration": {
                "ClusterJDBCURL": "jdbc:redshift://c.abc.us-east-1.redshift.amazonaws.com:5439/db",
                "CopyCommand": {"DataTableName": "t"},
                **OTHERS,
            },
        }[member]
    with pytest.raises(ClientError) as caught:
        bucket.client("firehose").create_delivery_stream(DeliveryStreamName="d", **{member: configuration})
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert member in caught.value.response["Error"]["Message"]


@pytest.mark.claim("KDF-529", "KDF-584")
def test_a_rate_belongs_to_the_region_and_what_is_beyond_it_fails_record_by_record(bucket):
    megabyte = b"x" * 1_000_000
    for region, admitted in (("us-east-1", 5), ("eu-central-1", 4)):
        firehose = bucket.client("firehose", region=region, config=PATIENT)
        firehose.create_delivery_stream(DeliveryStreamName="d", ExtendedS3DestinationConfiguration=destination())
        answers = [
            firehose.put_record_batch(DeliveryStreamName="d", Records=[{"Data": megabyte}] * 3) for _ in range(2)
        ]
        assert [answer["FailedPutCount"] for answer in answers] == [0, 6 - admitted]
        failed = [record for record in answers[1]["RequestResponses"] if "ErrorCode" in record]
        assert failed == [{"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}] * (6 - admitted)
        message = refusal(
            "ServiceUnavailableException", firehose.put_record, DeliveryStreamName="d", Record={"Data": megabyte}
        )
        assert message == "Slow down."
    bucket.clock.advance(1)  # a second brings 1 MiB there, 5 MiB here
    assert firehose.put_record_batch(DeliveryStreamName="d", Records=[{"Data": megabyte}] * 3)["FailedPutCount"] == 2
    bucket.clock.advance(60)
    assert sum(map(len, objects(bucket).values())) == (5 + 4 + 1) * 1_000_000


def test_with_limits_off_nothing_is_throttled(tmp_path):
    with pocketlake.run(tmp_path, limits="off") as lake:
        lake.clock.freeze()
        lake.client("s3").create_bucket(Bucket="lake")
        create(lake)
        for _ in range(4):
            assert put(lake, *[b"x" * 1_000_000] * 4)["FailedPutCount"] == 0


def test_a_batch_holds_four_mebibytes(bucket):
    create(bucket)
    assert refusal("InvalidArgumentException", put, bucket, *[b"x" * 1_024_000] * 5) == (
        "Records size exceeds 4 MB limit"
    )


@pytest.mark.claim("KDF-531")
def test_a_delivery_stream_is_no_data_stream_to_read_from(bucket):
    create(bucket)
    kinesis = bucket.client("kinesis")
    for act in (kinesis.describe_stream_summary, kinesis.list_shards):
        refusal("ResourceNotFoundException", act, StreamName="d")


@pytest.mark.claim("KDF-551")
def test_list_pages_by_name_and_type(bucket):
    for name in ("a", "b", "c"):
        create(bucket, name)
    firehose = bucket.client("firehose")
    page = firehose.list_delivery_streams(Limit=2, DeliveryStreamType="DirectPut")
    assert (page["DeliveryStreamNames"], page["HasMoreDeliveryStreams"]) == (["a", "b"], True)
    page = firehose.list_delivery_streams(ExclusiveStartDeliveryStreamName="b")
    assert (page["DeliveryStreamNames"], page["HasMoreDeliveryStreams"]) == (["c"], False)
    assert firehose.list_delivery_streams(DeliveryStreamType="KinesisStreamAsSource")["DeliveryStreamNames"] == []


def test_tags_are_counted_listed_in_pages_and_taken_off(bucket):
    create(bucket)
    firehose = bucket.client("firehose")
    tags = [{"Key": f"k{n:02}", "Value": str(n)} for n in range(50)]
    firehose.tag_delivery_stream(DeliveryStreamName="d", Tags=tags)
    refusal("LimitExceededException", firehose.tag_delivery_stream, DeliveryStreamName="d", Tags=[{"Key": "one-more"}])
    page = firehose.list_tags_for_delivery_stream(DeliveryStreamName="d", ExclusiveStartTagKey="k09", Limit=2)
    assert page == {**page, "Tags": tags[10:12], "HasMoreTags": True}
    firehose.untag_delivery_stream(DeliveryStreamName="d", TagKeys=[tag["Key"] for tag in tags[:49]])
    assert firehose.list_tags_for_delivery_stream(DeliveryStreamName="d")["Tags"] == tags[49:]


def ask(lake, method, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{lake.endpoint_url}/_pocketlake/faults", data, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["faults"]


def test_a_fault_on_demand_refuses_the_next_calls_and_the_clients_retries_get_through(bucket):
    create(bucket)
    fault = {"service": "firehose", "operation": "PutRecord", "code": "ServiceUnavailableException", "times": 2}
    (waiting,) = ask(bucket, "POST", {**fault, "message": "Slow down."})
    assert waiting == {**fault, "message": "Slow down.", "status": 503}
    once = bucket.client("firehose", config=PATIENT)
    once.put_record_batch(DeliveryStreamName="d", Records=[{"Data": b"a"}])
    put_record = {"DeliveryStreamName": "d", "Record": {"Data": b"b"}}
    assert refusal("ServiceUnavailableException", once.put_record, **put_record) == "Slow down."
    retrying = bucket.client("firehose", config=Config(retries={"mode": "standard", "max_attempts": 3}))
    assert retrying.put_record(**put_record)["ResponseMetadata"]["RetryAttempts"] == 1
    assert ask(bucket, "GET") == []
    bucket.clock.advance(60)
    assert list(objects(bucket).values()) == [b"ab"]


def test_faults_are_taken_back_and_checked(bucket):
    create(bucket)
    ask(bucket, "POST", {"service": "firehose", "operation": "PutRecord", "code": "InternalFailure", "status": 500})
    assert ask(bucket, "DELETE") == []
    assert put(bucket, b"x")["FailedPutCount"] == 0
    for body in ({}, {"service": "s", "operation": "o", "code": "c", "times": 0}, {"service": "s", "operation": 1}):
        with pytest.raises(urllib.error.HTTPError) as caught:
            ask(bucket, "POST", body)
        assert caught.value.code == 400
