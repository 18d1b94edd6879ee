"""What does Firehose take a second, and what does its conversion cost over pyarrow alone on the same records?

    .venv/bin/python -m benchmarks.firehose [--records 400000] [--rounds 5]

`run` compares puts with other systems. On its own the module converts JSON to Parquet: a delivery from a full buffer
to the object in S3 (rows out of SQLite, conversion, the object's bytes hashed, written and committed) against pyarrow
reading the same records from memory and writing the same Parquet to memory. Aim: half of pyarrow's speed.
"""

from __future__ import annotations

import argparse
import base64
import random
import statistics
import time
from collections.abc import Sequence
from typing import Any

import orjson

from benchmarks import wire
from benchmarks.peers import System
from benchmarks.rows import Bench

STREAM, BUCKET = "bench", "bench-firehose"
ROLE = "arn:aws:iam::000000000000:role/bench"
TARGET = "Firehose_20150804"
RECORD = base64.b64encode(b"r" * 200).decode()
BATCH = 500
AIM = 0.5
COLUMNS = {
    "id": "bigint",
    "user": "string",
    "event": "string",
    "price": "double",
    "ts": "timestamp",
    "page": "string",
    "ok": "boolean",
}


def run(bench: Bench) -> None:
    for system in bench.systems:
        _prepare(system)
    bench.compare("Firehose PutRecord, 200 B", 1, put_record)
    bench.compare("Firehose PutRecord, 200 B", 32, put_record)
    batch = {"per_call": BATCH, "unit": "records/s"}
    bench.compare("Firehose PutRecordBatch, 500 x 200 B", 1, put_record_batch, **batch)
    bench.compare("Firehose PutRecordBatch, 500 x 200 B", 32, put_record_batch, **batch)


def put_record(system: System) -> Sequence[bytes]:
    body = {"DeliveryStreamName": STREAM, "Record": {"Data": RECORD}}
    return [wire.json_call(system.url, "firehose", TARGET, "PutRecord", body)]


def put_record_batch(system: System) -> Sequence[bytes]:
    body = {"DeliveryStreamName": STREAM, "Records": [{"Data": RECORD}] * BATCH}
    return [wire.json_call(system.url, "firehose", TARGET, "PutRecordBatch", body)]


def _prepare(system: System) -> None:
    import boto3

    session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    session.client("s3", endpoint_url=system.url).create_bucket(Bucket=BUCKET)
    session.client("firehose", endpoint_url=system.url).create_delivery_stream(
        DeliveryStreamName=STREAM,
        ExtendedS3DestinationConfiguration={
            "RoleARN": ROLE,
            "BucketARN": f"arn:aws:s3:::{BUCKET}",
            "BufferingHints": {"SizeInMBs": 128, "IntervalInSeconds": 900},
        },
    )


# Conversion


def records(count: int) -> list[bytes]:
    chance = random.Random(1)
    return [
        orjson.dumps(
            {
                "id": number,
                "user": f"user-{number % 5000}",
                "event": chance.choice(["view", "click", "buy"]),
                "price": round(chance.random() * 100, 2),
                "ts": f"2024-03-05 {number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}",
                "page": f"/p/{number % 1000}",
                "ok": number % 3 == 0,
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for number in range(count)
    ]


def alone(sent: list[bytes]) -> float:
    """Seconds of pyarrow: JSON in memory to Parquet in memory."""
    import pyarrow as pa
    from pyarrow import json, parquet

    from pocketlake.engines.formats.hive_types import arrow_schema

    began = time.perf_counter()
    table = json.read_json(
        pa.BufferReader(b"".join(sent)),
        parse_options=json.ParseOptions(explicit_schema=arrow_schema(COLUMNS.items()), newlines_in_values=False),
    )
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink, compression="snappy", use_dictionary=False)
    assert table.num_rows == len(sent)
    return time.perf_counter() - began


def prepare_conversion(lake: Any) -> None:
    lake.clock.freeze()
    lake.client("s3").create_bucket(Bucket=BUCKET)
    glue = lake.client("glue")
    glue.create_database(DatabaseInput={"Name": "bench"})
    columns = [{"Name": name, "Type": kind} for name, kind in COLUMNS.items()]
    described = {"Columns": columns, "Location": f"s3://{BUCKET}/t/"}
    glue.create_table(DatabaseName="bench", TableInput={"Name": "t", "StorageDescriptor": described})
    lake.client("firehose").create_delivery_stream(
        DeliveryStreamName=STREAM,
        ExtendedS3DestinationConfiguration={
            "RoleARN": ROLE,
            "BucketARN": f"arn:aws:s3:::{BUCKET}",
            "BufferingHints": {"SizeInMBs": 128, "IntervalInSeconds": 60},
            "DataFormatConversionConfiguration": {
                "SchemaConfiguration": {"RoleARN": ROLE, "DatabaseName": "bench", "TableName": "t"},
                "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
                "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
            },
        },
    )


def delivered(lake: Any, sent: list[bytes]) -> float:
    """Seconds from the moment the delivery is due to the moment its object is committed."""
    firehose = lake.client("firehose")
    for start in range(0, len(sent), BATCH):
        batch = [{"Data": record} for record in sent[start : start + BATCH]]
        assert firehose.put_record_batch(DeliveryStreamName=STREAM, Records=batch)["FailedPutCount"] == 0
    began = time.perf_counter()
    lake.clock.advance(60)
    seconds = time.perf_counter() - began
    s3 = lake.client("s3")
    (item,) = s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    s3.delete_object(Bucket=BUCKET, Key=item["Key"])
    return seconds


def main() -> None:
    import pocketlake

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=400_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    sent = records(options.records)
    with pocketlake.run(limits="off") as lake:
        prepare_conversion(lake)
        pairs = [(delivered(lake, sent), alone(sent)) for _ in range(options.rounds + 1)][1:]
    ours, theirs = (options.records / statistics.median(seconds) for seconds in zip(*pairs, strict=True))
    share = statistics.median(base / mine for mine, base in pairs)
    print(f"{options.records:,} records of {sum(map(len, sent)) / len(sent):.0f} bytes, JSON to Parquet")
    print(f"pyarrow alone       {theirs:12,.0f} records/s")
    print(
        f"Firehose, delivered {ours:12,.0f} records/s   {share:.2f} of it   {'aim' if share >= AIM else 'MISSED'} {AIM}"
    )


if __name__ == "__main__":
    main()
