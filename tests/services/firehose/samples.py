"""Streams to put into, and what lies in the bucket behind them."""

import functools
import gzip
import json

import pytest
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::000000000000:role/firehose"
BUCKET = "lake"


@functools.lru_cache(maxsize=16)
def client(lake, service):
    """One for all of a test's calls: to make a boto3 client costs more than most of them."""
    return lake.client(service)


def destination(**options):
    return {
        "RoleARN": ROLE,
        "BucketARN": f"arn:aws:s3:::{BUCKET}",
        "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
        **options,
    }


def create(lake, name="d", source=None, **options):
    arguments = {"DeliveryStreamName": name, "ExtendedS3DestinationConfiguration": destination(**options)}
    if source:
        arguments["DeliveryStreamType"] = "KinesisStreamAsSource"
        arguments["KinesisStreamSourceConfiguration"] = {"KinesisStreamARN": source, "RoleARN": ROLE}
    return client(lake, "firehose").create_delivery_stream(**arguments)["DeliveryStreamARN"]


def put(lake, *records, name="d"):
    return client(lake, "firehose").put_record_batch(
        DeliveryStreamName=name, Records=[{"Data": record} for record in records]
    )


def objects(lake, prefix=""):
    s3 = client(lake, "s3")
    found = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return {item["Key"]: s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read() for item in found}


def table(lake):
    glue = client(lake, "glue")
    glue.create_database(DatabaseInput={"Name": "db"})
    columns = [{"Name": "id", "Type": "int"}, {"Name": "name", "Type": "string"}]
    glue.create_table(
        DatabaseName="db",
        TableInput={"Name": "t", "StorageDescriptor": {"Columns": columns, "Location": f"s3://{BUCKET}/t/"}},
    )
    return {
        "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60},
        "ErrorOutputPrefix": "bad/!{firehose:error-output-type}/",
        "DataFormatConversionConfiguration": {
            "Enabled": True,
            "SchemaConfiguration": {"RoleARN": ROLE, "DatabaseName": "db", "TableName": "t", "Region": "us-east-1"},
            "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
            "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
        },
    }


def processor(kind, **parameters):
    given = [{"ParameterName": name, "ParameterValue": value} for name, value in parameters.items()]
    return {"Type": kind, "Parameters": given}


def processing(*processors):
    return {"Enabled": True, "Processors": list(processors)}


def refusal(code, act, *arguments, **options):
    """The message with which a call is refused, with this code."""
    with pytest.raises(ClientError) as caught:
        act(*arguments, **options)
    assert caught.value.response["Error"]["Code"] == code
    return caught.value.response["Error"]["Message"]


def failures(lake, prefix):
    """The envelopes in the error objects below a prefix."""
    return [json.loads(line) for body in objects(lake, prefix).values() for line in body.splitlines()]


def log_record(*messages, kind="DATA_MESSAGE"):
    """What CloudWatch Logs sends."""
    events = [{"id": str(n), "timestamp": 1, "message": message} for n, message in enumerate(messages)]
    document = {"messageType": kind, "owner": "1", "logGroup": "g", "logStream": "s", "logEvents": events}
    return gzip.compress(json.dumps(document).encode())
