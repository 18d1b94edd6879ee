"""Data laid out by key=value folders, and the services that take the folders for partitions."""

from __future__ import annotations

import datetime
import json
import time
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import dataset, fs

from .conftest import BUCKET

WAIT_SECONDS = 60
ROLE = "arn:aws:iam::000000000000:role/r"


def crawl(lake: Any, path: str) -> None:
    glue = lake.client("glue")
    glue.create_crawler(Name="c", Role=ROLE, DatabaseName="db", Targets={"S3Targets": [{"Path": path}]})
    glue.start_crawler(Name="c")
    lake.clock.advance(seconds=60)
    assert glue.get_crawler(Name="c")["Crawler"]["LastCrawl"]["Status"] == "SUCCEEDED"


def partitions(lake: Any, table: str) -> list[list[str]]:
    found = lake.client("glue").get_partitions(DatabaseName="db", TableName=table)["Partitions"]
    return sorted(partition["Values"] for partition in found)


def query(lake: Any, sql: str) -> tuple[list[list[str | None]], int]:
    """The rows, and how many bytes of the lake were read for them."""
    athena = lake.client("athena")
    output = {"OutputLocation": f"s3://{BUCKET}/results/"}
    identity = athena.start_query_execution(QueryString=sql, ResultConfiguration=output)["QueryExecutionId"]
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        lake.clock.advance(seconds=0)
        execution = athena.get_query_execution(QueryExecutionId=identity)["QueryExecution"]
        if execution["Status"]["State"] not in ("QUEUED", "RUNNING"):
            assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]
            rows = athena.get_query_results(QueryExecutionId=identity)["ResultSet"]["Rows"][1:]
            shown = [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows]
            return shown, execution["Statistics"]["DataScannedInBytes"]
    raise AssertionError(f"query {identity} did not end")


@pytest.mark.claim("S3-026")
def test_hive_folders_of_days_are_crawled_to_partitions(lake: Any, bucket: str, put: Any) -> None:
    for day in range(1, 5):
        put(f"logs/year=x/month=6/day={day}/test.json", json.dumps({"n": day}).encode())
    crawl(lake, f"s3://{bucket}/logs/")
    table = lake.client("glue").get_table(DatabaseName="db", Name="logs")["Table"]
    assert [key["Name"] for key in table["PartitionKeys"]] == ["year", "month", "day"]
    assert partitions(lake, "logs") == [["x", "6", str(day)] for day in range(1, 5)]


@pytest.mark.claim("S3-024")
def test_a_partitioned_dataset_is_read_by_its_partitions(lake: Any, bucket: str, s3: Any) -> None:
    table = pa.table({"id": range(3000), "country": ["de", "fr", "us"] * 1000})
    target = fs.S3FileSystem(
        access_key="test", secret_key="test", endpoint_override=lake.endpoint_url, region=lake.region
    )
    by_country = dataset.partitioning(pa.schema([("country", pa.string())]), flavor="hive")
    dataset.write_dataset(table, f"{bucket}/sales", format="parquet", partitioning=by_country, filesystem=target)
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix="sales/")["Contents"]]
    folders = [key.split("/")[1] for key in keys if key.endswith(".parquet")]
    assert folders == ["country=de", "country=fr", "country=us"]
    crawl(lake, f"s3://{bucket}/sales/")
    assert partitions(lake, "sales") == [["de"], ["fr"], ["us"]]
    everything, all_bytes = query(lake, "SELECT count(id), sum(id) FROM db.sales")
    assert everything == [["3000", str(sum(range(3000)))]]
    one, its_bytes = query(lake, "SELECT count(id), sum(id) FROM db.sales WHERE country = 'fr'")
    assert one == [["1000", str(sum(range(1, 3000, 3)))]]
    assert 0 < its_bytes < all_bytes / 2


@pytest.mark.claim("S3-025")
def test_a_daily_writer_makes_a_folder_of_each_day(lake: Any, bucket: str, s3: Any) -> None:
    lake.clock.freeze(datetime.datetime(2024, 6, 1, 12, tzinfo=datetime.UTC))
    firehose = lake.client("firehose")
    destination = {
        "RoleARN": ROLE,
        "BucketARN": f"arn:aws:s3:::{bucket}",
        "Prefix": "logs/year=!{timestamp:yyyy}/month=!{timestamp:M}/day=!{timestamp:d}/",
        "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/",
    }
    firehose.create_delivery_stream(DeliveryStreamName="d", ExtendedS3DestinationConfiguration=destination)
    for day in range(1, 5):
        firehose.put_record(DeliveryStreamName="d", Record={"Data": b"%d\n" % day})
        lake.clock.advance(days=1)
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert [key.rpartition("/")[0] for key in keys] == [f"logs/year=2024/month=6/day={day}" for day in range(1, 5)]
    assert [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys] == [b"1\n", b"2\n", b"3\n", b"4\n"]
