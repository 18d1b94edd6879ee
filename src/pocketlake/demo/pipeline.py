"""The pipeline: a catalog table, a Kinesis stream, a Firehose stream that writes Parquet by it, and the producer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pocketlake.embedded import EmbeddedLake

from .source import Event

BUCKET = "flights-lake"
DATABASE = "nyc"
TABLE = "flights"
STREAM = "departures"
DELIVERY = "departures-to-parquet"
SHARDS = 4
BATCH = 500  # PutRecords takes no more
BUFFER_SECONDS = 900
BUFFER_MB = 128
TIME_ZONE = "America/New_York"
BEGIN = datetime(2013, 1, 1, 10, 0, tzinfo=UTC)  # five in the morning in New York

COLUMNS = (
    ("event_id", "int"),
    ("flight_date", "date"),
    ("scheduled_at", "timestamp"),
    ("departed_at", "timestamp"),
    ("dep_time", "int"),
    ("sched_dep_time", "int"),
    ("dep_delay", "int"),
    ("arr_time", "int"),
    ("sched_arr_time", "int"),
    ("arr_delay", "int"),
    ("carrier", "string"),
    ("flight", "int"),
    ("tailnum", "string"),
    ("origin", "string"),
    ("dest", "string"),
    ("air_time", "int"),
    ("distance", "int"),
    ("hour", "int"),
    ("minute", "int"),
    ("time_hour", "string"),
)
PARTITIONS = ("year", "month", "day")
PREFIX = "flights/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/"

PARQUET = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
}


@dataclass(slots=True)
class Streamed:
    """How far the producer is; `throttled` counts records that Kinesis refused and the producer sent again."""

    records: int = 0
    bytes: int = 0
    calls: int = 0
    throttled: int = 0
    seconds: float = 0.0


def build(lake: EmbeddedLake) -> None:
    """Everything that stands between a producer and a table, as one would create it on AWS."""
    lake.client("s3").create_bucket(Bucket=BUCKET)
    role = _role(lake)
    glue = lake.client("glue")
    glue.create_database(DatabaseInput={"Name": DATABASE, "Description": "Flights that left New York in 2013"})
    glue.create_table(DatabaseName=DATABASE, TableInput=_table())
    kinesis = lake.client("kinesis")
    kinesis.create_stream(StreamName=STREAM, ShardCount=SHARDS)
    stream = kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]["StreamARN"]
    lake.client("firehose").create_delivery_stream(
        DeliveryStreamName=DELIVERY,
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": stream, "RoleARN": role},
        ExtendedS3DestinationConfiguration=_destination(role, lake.region),
    )


def _role(lake: EmbeddedLake) -> str:
    import json

    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
            for service in ("firehose.amazonaws.com", "glue.amazonaws.com")
        ],
    }
    iam = lake.client("iam")
    return str(iam.create_role(RoleName="flights-pipeline", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"])


def _table() -> dict[str, Any]:
    return {
        "Name": TABLE,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "parquet", "EXTERNAL": "TRUE"},
        "PartitionKeys": [{"Name": name, "Type": "string"} for name in PARTITIONS],
        "StorageDescriptor": {
            "Columns": [{"Name": name, "Type": kind} for name, kind in COLUMNS],
            "Location": f"s3://{BUCKET}/flights/",
            **PARQUET,
        },
    }


def _destination(role: str, region: str) -> dict[str, Any]:
    return {
        "RoleARN": role,
        "BucketARN": f"arn:aws:s3:::{BUCKET}",
        "Prefix": PREFIX,
        "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/",
        "CustomTimeZone": TIME_ZONE,
        "BufferingHints": {"SizeInMBs": BUFFER_MB, "IntervalInSeconds": BUFFER_SECONDS},
        "DataFormatConversionConfiguration": {
            "Enabled": True,
            "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
            "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {"Compression": "SNAPPY"}}},
            "SchemaConfiguration": {
                "RoleARN": role,
                "DatabaseName": DATABASE,
                "TableName": TABLE,
                "Region": region,
                "VersionId": "LATEST",
            },
        },
    }


def batches(events: Iterable[Event]) -> Iterator[list[Event]]:
    """As many as one PutRecords takes, and never over New York's midnight: a batch arrives on the day it left."""
    batch: list[Event] = []
    for event in events:
        if batch and (len(batch) == BATCH or event.day != batch[0].day):
            yield batch
            batch = []
        batch.append(event)
    if batch:
        yield batch


def stream(lake: EmbeddedLake, events: list[Event], progress: Callable[[Event, Streamed], None]) -> Streamed:
    """Put all events, the lake's clock moving along: a batch arrives when its last flight has left.

    At the end the clock moves past the last buffer's interval, so that everything is delivered.
    """
    kinesis = lake.client("kinesis")
    done = Streamed()
    begun = time.perf_counter()
    now = BEGIN.timestamp()
    for batch in batches(events):
        if batch[-1].at > now:
            lake.clock.advance(seconds=batch[-1].at - now)
            now = batch[-1].at
        now += _put(lake, kinesis, batch, done)
        done.records += len(batch)
        done.seconds = time.perf_counter() - begun
        progress(batch[-1], done)
    lake.clock.advance(seconds=2 * BUFFER_SECONDS)
    done.seconds = time.perf_counter() - begun
    return done


def _put(lake: EmbeddedLake, kinesis: Any, batch: list[Event], done: Streamed) -> float:
    """Put a batch; what a shard refuses goes again a second later, as producers do. Returns the seconds waited."""
    records = [{"Data": event.data, "PartitionKey": event.key} for event in batch]
    waited = 0.0
    while records:
        answers = kinesis.put_records(StreamName=STREAM, Records=records)["Records"]
        done.calls += 1
        done.bytes += sum(len(r["Data"]) for r, a in zip(records, answers, strict=True) if "ErrorCode" not in a)
        records = [record for record, answer in zip(records, answers, strict=True) if "ErrorCode" in answer]
        if records:
            done.throttled += len(records)
            lake.clock.advance(seconds=1)
            waited += 1.0
    return waited
