"""What a crawler has put into the catalog is there for SQL, whatever wrote it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

ROLE = "arn:aws:iam::000000000000:role/r"
WAIT_SECONDS = 60


class Lake:
    """A bucket `data`, a crawler over a path of it, and Athena."""

    def __init__(self, lake: Any) -> None:
        self.lake = lake
        self.s3, self.glue, self.athena = (lake.client(name) for name in ("s3", "glue", "athena"))
        self.s3.create_bucket(Bucket="data")
        self.glue.create_database(DatabaseInput={"Name": "db"})

    def put(self, key: str, body: str) -> None:
        self.s3.put_object(Bucket="data", Key=key, Body=body.encode())

    def crawl(self, *paths: str) -> None:
        targets = {"S3Targets": [{"Path": f"s3://data/{path}"} for path in paths]}
        self.glue.create_crawler(Name="c", Role=ROLE, DatabaseName="db", Targets=targets)
        self.glue.start_crawler(Name="c")
        self.lake.clock.advance(seconds=60)
        assert self.glue.get_crawler(Name="c")["Crawler"]["LastCrawl"]["Status"] == "SUCCEEDED"

    def execute(self, sql: str) -> dict[str, Any]:
        identity = self.athena.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": "db"},
            ResultConfiguration={"OutputLocation": "s3://data/results/"},
        )["QueryExecutionId"]
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            self.lake.clock.advance(seconds=0)
            execution = self.athena.get_query_execution(QueryExecutionId=identity)["QueryExecution"]
            if execution["Status"]["State"] not in ("QUEUED", "RUNNING"):
                return execution  # type: ignore[no-any-return]
        raise AssertionError(f"query {identity} did not end")

    def rows(self, sql: str) -> list[list[str | None]]:
        execution = self.execute(sql)
        assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]
        answer = self.athena.get_query_results(QueryExecutionId=execution["QueryExecutionId"])
        return [[cell.get("VarCharValue") for cell in row["Data"]] for row in answer["ResultSet"]["Rows"]][1:]


@pytest.fixture
def data(lake: Any) -> Lake:
    return Lake(lake)


@pytest.mark.claim("GLUE-022", "GLUE-583")
def test_data_is_queried_once_it_is_catalogued(data: Lake) -> None:
    data.put("flights/2013.csv", "carrier,delay\nUA,12\nAA,-3\nUA,7\n")
    failed = data.execute("SELECT * FROM flights")
    assert failed["Status"]["State"] == "FAILED"
    assert "TABLE_NOT_FOUND" in failed["Status"]["StateChangeReason"]
    data.crawl("flights/")
    assert data.rows("SELECT carrier, delay FROM flights WHERE delay > 0 ORDER BY delay") == [["UA", "7"], ["UA", "12"]]


@pytest.mark.claim("GLUE-511")
def test_raw_json_is_grouped_and_filtered_by_the_columns_that_were_found(data: Lake) -> None:
    visits = [("de", 200, 1.5), ("de", 500, 9.0), ("us", 200, 2.5), ("us", 200, 3.5)]
    lines = [
        json.dumps({"who": {"country": country}, "status": status, "seconds": seconds})
        for country, status, seconds in visits
    ]
    data.put("visits/1.json", "\n".join(lines))
    data.crawl("visits/")
    sql = (
        "SELECT who.country, count(*), sum(seconds) FROM visits WHERE status < 400"
        " GROUP BY who.country ORDER BY who.country"
    )
    assert data.rows(sql) == [["de", "1", "1.5"], ["us", "2", "6.0"]]


@pytest.mark.claim("GLUE-510")
def test_a_table_outlives_its_data_and_data_its_table(data: Lake) -> None:
    data.put("t/x.json", '{"a":1}\n')
    data.crawl("t/")
    data.s3.delete_object(Bucket="data", Key="t/x.json")
    assert data.rows("SELECT * FROM t") == []
    data.put("t/x.json", '{"a":1}\n')
    data.glue.delete_table(DatabaseName="db", Name="t")
    assert data.s3.get_object(Bucket="data", Key="t/x.json")["Body"].read() == b'{"a":1}\n'


@pytest.mark.claim("GLUE-024")
def test_each_store_is_a_table_of_its_own(data: Lake) -> None:
    data.put("a/events/1.json", '{"a":1}\n')
    data.put("b/people/1.csv", "name,age\nx,3\ny,4\n")
    data.crawl("a/events/", "b/people/")
    found = data.glue.get_tables(DatabaseName="db")["TableList"]
    assert {table["Name"]: table["StorageDescriptor"]["Location"] for table in found} == {
        "events": "s3://data/a/events/",
        "people": "s3://data/b/people/",
    }


@pytest.mark.claim("GLUE-078")
def test_an_index_quickens_the_planning_and_leaves_the_bytes_alone(data: Lake) -> None:
    form = {
        "Columns": [{"Name": "id", "Type": "int"}],
        "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
        "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"},
    }
    keys = [{"Name": name, "Type": "string"} for name in ("year", "day")]
    table = {"Name": "t", "StorageDescriptor": {**form, "Location": "s3://data/t/"}, "PartitionKeys": keys}
    table["Parameters"] = {"partition_filtering.enabled": "true"}
    of = {"DatabaseName": "db", "TableName": "t"}
    data.glue.create_table(DatabaseName="db", TableInput=table)
    for start in range(0, 20_000, 100):
        inputs = [
            {"Values": [str(n % 7), str(n)], "StorageDescriptor": {**form, "Location": f"s3://data/t/{n}/"}}
            for n in range(start, start + 100)
        ]
        data.glue.batch_create_partition(**of, PartitionInputList=inputs)
    data.put("t/12345/x.csv", "1\n2\n3\n")

    def planning_and_bytes() -> tuple[int, int]:
        runs = []
        for _ in range(3):
            execution = data.execute("SELECT sum(id) FROM t WHERE day = '12345'")
            figures = execution["Statistics"]
            runs.append((figures["QueryPlanningTimeInMillis"], figures["DataScannedInBytes"]))
        return min(runs)

    scan, scanned = planning_and_bytes()
    data.glue.create_partition_index(**of, PartitionIndex={"IndexName": "i", "Keys": ["day"]})
    indexed, scanned_by_index = planning_and_bytes()
    assert indexed < scan / 2
    assert scanned_by_index == scanned == len("1\n2\n3\n")
    assert data.rows("SELECT sum(id), min(year) FROM t WHERE day = '12345'") == [["6", "4"]]
    assert data.rows("SELECT sum(id) FROM t WHERE day = 'it''s not there'") == [[None]]


def deliver(data: Lake, schema: str, prefix: str, records: list[dict[str, Any]]) -> None:
    """Have Firehose write the records under the prefix as Parquet by a table of the catalog."""
    conversion = {
        "SchemaConfiguration": {"DatabaseName": "db", "TableName": schema, "RoleARN": ROLE},
        "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
        "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
    }
    destination = {
        "RoleARN": ROLE,
        "BucketARN": "arn:aws:s3:::data",
        "Prefix": prefix,
        "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/",
        "DataFormatConversionConfiguration": conversion,
    }
    firehose = data.lake.client("firehose")
    firehose.create_delivery_stream(DeliveryStreamName="d", ExtendedS3DestinationConfiguration=destination)
    for start in range(0, len(records), 500):
        batch = [{"Data": json.dumps(record).encode()} for record in records[start : start + 500]]
        assert firehose.put_record_batch(DeliveryStreamName="d", Records=batch)["FailedPutCount"] == 0
    data.lake.clock.advance(minutes=20)


@pytest.mark.claim("GLUE-567")
def test_what_firehose_delivers_as_parquet_is_crawled_and_counted(data: Lake) -> None:
    columns = [{"Name": "id", "Type": "bigint"}, {"Name": "name", "Type": "string"}]
    schema = {"Name": "records", "StorageDescriptor": {"Columns": columns}}
    data.glue.create_table(DatabaseName="db", TableInput=schema)
    deliver(data, "records", "delivered/", [{"id": n, "name": f"n{n}"} for n in range(1000)])
    data.crawl("delivered/")
    table = data.glue.get_table(DatabaseName="db", Name="delivered")["Table"]
    assert table["Parameters"]["classification"] == "parquet"
    assert data.rows("SELECT count(*), sum(id) FROM delivered") == [["1000", str(sum(range(1000)))]]


@pytest.mark.claim("GLUE-503")
def test_one_definition_serves_whoever_writes_and_whoever_reads(data: Lake) -> None:
    of_hive = "org.apache.hadoop.hive.ql.io.parquet"
    form = {
        "Columns": [{"Name": "id", "Type": "bigint"}, {"Name": "name", "Type": "string"}],
        "Location": "s3://data/t/",
        "InputFormat": f"{of_hive}.MapredParquetInputFormat",
        "OutputFormat": f"{of_hive}.MapredParquetOutputFormat",
        "SerdeInfo": {"SerializationLibrary": f"{of_hive}.serde.ParquetHiveSerDe"},
    }
    table = {"Name": "t", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": form}
    data.glue.create_table(DatabaseName="db", TableInput=table)
    deliver(data, "t", "t/", [{"id": 1, "name": "by Firehose"}])
    data.rows("INSERT INTO t VALUES (2, 'by Athena')")
    assert data.rows("SELECT * FROM t ORDER BY id") == [["1", "by Firehose"], ["2", "by Athena"]]
    data.rows("ALTER TABLE t ADD COLUMNS (note string)")
    columns = data.glue.get_table(DatabaseName="db", Name="t")["Table"]["StorageDescriptor"]["Columns"]
    assert [column["Name"] for column in columns] == ["id", "name", "note"]
    form["Columns"] = [{"Name": "name", "Type": "string"}]
    data.glue.update_table(DatabaseName="db", TableInput=table)
    assert data.rows("SELECT * FROM t ORDER BY name") == [["by Athena"], ["by Firehose"]]
