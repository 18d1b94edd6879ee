"""Crawlers: they read S3 and fill the catalog."""

import gzip
import io
import json
from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest
from botocore.exceptions import ClientError
from pyarrow import orc
from pyarrow import parquet as pq

ROLE = "arn:aws:iam::000000000000:role/crawler"


def refused(code: str, act: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        act(**request)
    assert caught.value.response["Error"]["Code"] == code
    return caught.value.response["Error"]["Message"]


class Crawling:
    """A bucket, and a crawler over it."""

    def __init__(self, lake: Any) -> None:
        self.lake = lake
        self.s3 = lake.client("s3")
        self.glue = lake.client("glue")
        self.s3.create_bucket(Bucket="data")

    def put(self, key: str, body: bytes | str) -> None:
        self.s3.put_object(Bucket="data", Key=key, Body=body.encode() if isinstance(body, str) else body)

    def create(self, path: str = "s3://data/", target: dict[str, Any] | None = None, **members: Any) -> None:
        request = {"Name": "c", "Role": ROLE, "DatabaseName": "db", **members}
        self.glue.create_crawler(**request, Targets={"S3Targets": [{"Path": path, **(target or {})}]})

    def run(self) -> dict[str, Any]:
        self.glue.start_crawler(Name="c")
        self.lake.clock.advance(seconds=60)
        crawler = self.glue.get_crawler(Name="c")["Crawler"]
        assert crawler["State"] == "READY"
        return crawler["LastCrawl"]

    def crawl(self, path: str = "s3://data/", target: dict[str, Any] | None = None, **members: Any) -> None:
        self.create(path, target, **members)
        last = self.run()
        assert last["Status"] == "SUCCEEDED", last

    def table(self, name: str) -> dict[str, Any]:
        return self.glue.get_table(DatabaseName="db", Name=name)["Table"]

    def tables(self) -> list[str]:
        return [table["Name"] for table in self.glue.get_tables(DatabaseName="db")["TableList"]]

    def columns(self, name: str) -> dict[str, str]:
        return {column["Name"]: column["Type"] for column in self.table(name)["StorageDescriptor"]["Columns"]}

    def values(self, name: str) -> list[list[str]]:
        found = self.glue.get_partitions(DatabaseName="db", TableName=name)["Partitions"]
        return sorted(partition["Values"] for partition in found)


@pytest.fixture
def crawling(lake: Any) -> Crawling:
    return Crawling(lake)


def parquet(**columns: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def avro(schema: str) -> bytes:
    """An empty container file: its header says all that a crawler wants. Lengths are zigzag varints of one byte."""
    assert len(schema) < 64 * 128
    size = len(schema) << 1
    length = bytes([size & 0x7F | 0x80, size >> 7])
    return b"Obj\x01\x02\x16avro.schema" + length + schema.encode() + b"\x00" + b"s" * 16


@pytest.mark.claim("GLUE-510")
def test_the_catalog_holds_definitions_and_the_data_stays_in_s3(crawling: Crawling) -> None:
    crawling.put("t/x.json", '{"a":1}\n')
    crawling.crawl("s3://data/t/")
    crawling.glue.delete_table(DatabaseName="db", Name="t")
    assert crawling.s3.get_object(Bucket="data", Key="t/x.json")["Body"].read() == b'{"a":1}\n'
    crawling.run()
    crawling.s3.delete_object(Bucket="data", Key="t/x.json")
    assert crawling.columns("t") == {"a": "int"}


@pytest.mark.claim("GLUE-005", "GLUE-023", "GLUE-502", "GLUE-508")
def test_each_folder_of_another_format_becomes_a_table(crawling: Crawling) -> None:
    crawling.put("in/flights/1.csv", "year,carrier,delay\n2013,UA,1.5\n2013,AA,\n")
    crawling.put("in/events/1.json", '{"id":1,"tags":["a"]}\n{"id":2,"who":{"name":"x"}}\n')
    crawling.put("in/events/2.json.gz", gzip.compress(b'{"id":3000000000}\n'))
    crawling.put("in/trips/part-0.parquet", parquet(Id=[1, 2, 3], name=["a", "b", "c"]))
    sink = io.BytesIO()
    orc.write_table(pa.table({"when": pa.array([0], pa.timestamp("ms"))}), sink)
    crawling.put("in/orcs/x.orc", sink.getvalue())
    crawling.put("in/avros/x.avro", avro('{"type":"record","name":"r","fields":[{"name":"n","type":"long"}]}'))
    crawling.put("in/trips/_SUCCESS", "")
    crawling.crawl("s3://data/in/")
    assert crawling.tables() == ["avros", "events", "flights", "orcs", "trips"]
    assert crawling.columns("avros") == {"n": "bigint"}
    assert crawling.columns("flights") == {"year": "bigint", "carrier": "string", "delay": "double"}
    expected = {"id": "bigint", "tags": "array<string>", "who": "struct<name:string>"}
    assert crawling.columns("events") == expected
    assert crawling.columns("trips") == {"id": "bigint", "name": "string"}
    assert crawling.columns("orcs") == {"when": "timestamp"}
    table = crawling.table("flights")
    assert table["StorageDescriptor"]["Location"] == "s3://data/in/flights/"
    assert table["StorageDescriptor"]["SerdeInfo"]["Parameters"] == {"field.delim": ","}
    parameters = table["Parameters"]
    assert {name: parameters[name] for name in ("classification", "delimiter", "skip.header.line.count")} == {
        "classification": "csv",
        "delimiter": ",",
        "skip.header.line.count": "1",
    }
    measures = {name: parameters[name] for name in ("objectCount", "recordCount", "sizeKey", "averageRecordSize")}
    assert measures == {"objectCount": "1", "recordCount": "2", "sizeKey": "40", "averageRecordSize": "20"}
    assert parameters["UPDATED_BY_CRAWLER"] == "c"


@pytest.mark.claim("GLUE-512")
def test_partitions_follow_the_keys_folders(crawling: Crawling) -> None:
    for day in ("2024/03/05", "2024/03/06"):
        crawling.put(f"plain/{day}/dev1/x.json", '{"a":1}\n')
    crawling.put("hive/year=2023/month=12/x.csv", "a,b\n1,x\n")
    crawling.put("hive/year=2024/month=01/x.csv", "a,b\n2,y\n")
    crawling.crawl()
    assert crawling.tables() == ["hive", "plain"]
    keys = [key["Name"] for key in crawling.table("plain")["PartitionKeys"]]
    assert keys == ["partition_0", "partition_1", "partition_2", "partition_3"]
    assert crawling.values("plain") == [["2024", "03", "05", "dev1"], ["2024", "03", "06", "dev1"]]
    assert [key["Name"] for key in crawling.table("hive")["PartitionKeys"]] == ["year", "month"]
    assert crawling.values("hive") == [["2023", "12"], ["2024", "01"]]
    partition = crawling.glue.get_partition(DatabaseName="db", TableName="hive", PartitionValues=["2024", "01"])
    assert partition["Partition"]["StorageDescriptor"]["Location"] == "s3://data/hive/year=2024/month=01/"


@pytest.mark.claim("GLUE-045")
def test_a_second_crawl_brings_the_catalog_up_to_date(crawling: Crawling) -> None:
    crawling.put("t/dt=1/x.json", '{"a":1}\n')
    crawling.crawl("s3://data/t")
    assert crawling.run()["Status"] == "SUCCEEDED"
    assert crawling.table("t")["VersionId"] == "1"
    versions = crawling.glue.get_table_versions(DatabaseName="db", TableName="t")["TableVersions"]
    assert len(versions) == 1, "nothing changed, so there is no new version"
    crawling.put("t/dt=2/x.json", '{"a":1.5,"b":"x"}\n')
    crawling.run()
    assert crawling.values("t") == [["1"], ["2"]]
    assert crawling.columns("t") == {"a": "double", "b": "string"}
    metrics = crawling.glue.get_crawler_metrics(CrawlerNameList=["c"])["CrawlerMetricsList"][0]
    assert (metrics["TablesCreated"], metrics["TablesUpdated"]) == (1, 1)


def test_policies_keep_what_they_should(crawling: Crawling) -> None:
    crawling.put("t/x.json", '{"a":1}\n')
    crawling.crawl("s3://data/t/", SchemaChangePolicy={"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"})
    crawling.put("t/x.json", '{"b":1}\n')
    crawling.run()
    assert crawling.columns("t") == {"a": "int"}
    configuration = {"Version": 1.0, "CrawlerOutput": {"Tables": {"AddOrUpdateBehavior": "MergeNewColumns"}}}
    crawling.glue.update_crawler(
        Name="c",
        SchemaChangePolicy={"UpdateBehavior": "UPDATE_IN_DATABASE"},
        Configuration=json.dumps(configuration),
    )
    crawling.run()
    assert crawling.columns("t") == {"a": "int", "b": "int"}


@pytest.mark.parametrize("behaviour", ["LOG", "DEPRECATE_IN_DATABASE", "DELETE_FROM_DATABASE"])
def test_a_table_whose_data_is_gone_goes_by_the_policy(crawling: Crawling, behaviour: str) -> None:
    crawling.put("in/a/x.json", '{"a":1}\n')
    crawling.put("in/b/x.csv", "a,b\n1,2\n")
    crawling.put("in/c/x.parquet", parquet(z=[1]))
    crawling.crawl("s3://data/in/", SchemaChangePolicy={"DeleteBehavior": behaviour})
    crawling.s3.delete_object(Bucket="data", Key="in/b/x.csv")
    crawling.run()
    if behaviour == "DELETE_FROM_DATABASE":
        assert crawling.tables() == ["a", "c"]
    else:
        deprecated = "DEPRECATED_BY_CRAWLER" in crawling.table("b")["Parameters"]
        assert deprecated is (behaviour == "DEPRECATE_IN_DATABASE")


@pytest.mark.claim("GLUE-074")
def test_an_incremental_crawl_reads_only_new_folders(crawling: Crawling) -> None:
    log = {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}
    new_only = {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"}
    act = crawling.glue.create_crawler
    refused("InvalidInputException", act, Name="x", Role=ROLE, Targets={"S3Targets": []}, RecrawlPolicy=new_only)
    crawling.put("t/dt=1/x.json", '{"a":1}\n')
    crawling.crawl("s3://data/t/", SchemaChangePolicy=log, RecrawlPolicy=new_only)
    crawling.put("t/dt=1/x.json", "no longer readable")
    crawling.put("t/dt=2/x.json", '{"a":2}\n')
    crawling.run()
    assert crawling.values("t") == [["1"], ["2"]]
    assert crawling.tables() == ["t"]


def test_exclusions_prefix_samples_and_classifiers_are_obeyed(crawling: Crawling) -> None:
    crawling.put("in/carriers/a.csv", "carrier,name\nUA,United\n")
    crawling.put("in/carriers/b.tmp", "{}")
    crawling.put("in/skip/x.json", '{"a":1}')
    crawling.glue.create_classifier(CsvClassifier={"Name": "heads", "ContainsHeader": "PRESENT"})
    crawling.crawl(
        "s3://data/in/",
        {"Exclusions": ["**.tmp", "skip/**"], "SampleSize": 1},
        TablePrefix="raw_",
        Classifiers=["heads"],
        Configuration=json.dumps({"Version": 1.0, "Grouping": {"TableLevelConfiguration": 3}}),
    )
    assert crawling.tables() == ["raw_carriers"]
    assert crawling.columns("raw_carriers") == {"carrier": "string", "name": "string"}


LOG = """\
2024-03-05T10:00:00Z WARN  [main] disk 81% full
2024-03-05T10:00:01Z ERROR [worker-7] cannot reach 10.0.0.7
  Traceback: not a line of its own
2024-03-05T10:00:02Z INFO  [main] done
"""


@pytest.mark.claim("GLUE-504")
def test_a_grok_classifier_gives_columns_to_the_lines_of_a_log(crawling: Crawling) -> None:
    pattern = r"%{TIMESTAMP_ISO8601:At} %{LOGLEVEL:level} +\[%{THREAD}\] %{GREEDYDATA:message}"
    custom = r"THREAD %{WORD:thread}(?:-%{INT:number:int})?"
    given = {"Name": "logs", "Classification": "applog", "GrokPattern": pattern, "CustomPatterns": custom}
    crawling.glue.create_classifier(GrokClassifier=given)
    crawling.put("logs/a.log", LOG)
    crawling.put("logs/b.log.gz", gzip.compress(LOG.encode()))
    crawling.crawl("s3://data/logs/", Classifiers=["logs"])
    expected = {"at": "string", "level": "string", "thread": "string", "number": "int", "message": "string"}
    assert crawling.columns("logs") == expected
    table = crawling.table("logs")
    assert table["Parameters"]["classification"] == "applog"
    assert table["Parameters"]["grokPattern"] == pattern
    serde = table["StorageDescriptor"]["SerdeInfo"]
    assert serde["SerializationLibrary"] == "com.amazonaws.glue.serde.GrokSerDe"
    assert serde["Parameters"] == {"input.format": pattern, "input.grokCustomPatterns": custom}


def test_a_grok_pattern_that_is_none_fails_the_crawl_with_its_reason(crawling: Crawling) -> None:
    given = {"Name": "logs", "Classification": "applog", "GrokPattern": "%{NOWHERE:x}"}
    crawling.glue.create_classifier(GrokClassifier=given)
    crawling.put("logs/a.log", LOG)
    crawling.create("s3://data/logs/", Classifiers=["logs"])
    last = crawling.run()
    assert last["Status"] == "FAILED"
    assert "there is no pattern NOWHERE" in last["ErrorMessage"]


@pytest.mark.claim("GLUE-073")
def test_a_sample_reads_only_some_files_of_a_folder(crawling: Crawling) -> None:
    for number in range(5):
        crawling.put(f"t/{number}.json", json.dumps({"a": 1, "b": 1, "c": 1, f"only_in_{number}": 1}))
    crawling.crawl("s3://data/t/", {"SampleSize": 2})
    assert list(crawling.columns("t")) == ["a", "b", "c", "only_in_0", "only_in_1"]


def test_a_name_that_is_taken_gets_the_locations_hash(crawling: Crawling) -> None:
    crawling.put("x/t/a.json", '{"a":1}')
    crawling.put("y/t/a.json", '{"b":1}')
    crawling.create()
    targets = [{"Path": "s3://data/x/t/"}, {"Path": "s3://data/y/t/"}]
    crawling.glue.update_crawler(Name="c", Targets={"S3Targets": targets})
    crawling.run()
    assert len(crawling.tables()) == 2
    assert crawling.tables()[0] == "t"
    assert crawling.tables()[1].startswith("t_")
    assert crawling.run()["Status"] == "SUCCEEDED"
    assert len(crawling.tables()) == 2


@pytest.mark.claim("GLUE-509")
def test_a_schedule_crawls_at_its_times(crawling: Crawling) -> None:
    crawling.put("t/a.json", '{"a":1}')
    crawling.lake.clock.set(datetime.fromisoformat("2030-01-01T00:02:00+00:00"))
    crawling.create("s3://data/t/", Schedule="cron(0/5 * * * ? *)")
    crawling.lake.clock.advance(minutes=16)
    crawls = crawling.glue.list_crawls(CrawlerName="c")["Crawls"]
    assert [crawl["State"] for crawl in crawls] == ["COMPLETED"] * 3
    assert crawling.glue.get_crawler(Name="c")["Crawler"]["Schedule"]["State"] == "SCHEDULED"
    crawling.glue.stop_crawler_schedule(CrawlerName="c")
    crawling.lake.clock.advance(minutes=10)
    assert len(crawling.glue.list_crawls(CrawlerName="c")["Crawls"]) == 3
    refused("SchedulerNotRunningException", crawling.glue.stop_crawler_schedule, CrawlerName="c")
    crawling.glue.start_crawler_schedule(CrawlerName="c")
    crawling.lake.clock.advance(minutes=6)
    assert len(crawling.glue.list_crawls(CrawlerName="c")["Crawls"]) == 4


def test_a_running_crawler_is_left_alone_and_can_be_stopped(crawling: Crawling) -> None:
    crawling.lake.clock.freeze()
    crawling.create()
    refused("CrawlerNotRunningException", crawling.glue.stop_crawler, Name="c")
    crawling.glue.start_crawler(Name="c")
    assert crawling.glue.get_crawler(Name="c")["Crawler"]["State"] == "RUNNING"
    refused("CrawlerRunningException", crawling.glue.start_crawler, Name="c")
    refused("CrawlerRunningException", crawling.glue.delete_crawler, Name="c")
    refused("CrawlerRunningException", crawling.glue.update_crawler, Name="c", Description="x")
    crawling.glue.stop_crawler(Name="c")
    refused("CrawlerStoppingException", crawling.glue.stop_crawler, Name="c")
    crawling.lake.clock.advance(seconds=60)
    crawler = crawling.glue.get_crawler(Name="c")["Crawler"]
    assert (crawler["State"], crawler["LastCrawl"]["Status"]) == ("READY", "CANCELLED")
    assert crawling.glue.list_crawls(CrawlerName="c")["Crawls"][0]["State"] == "STOPPED"


def test_what_cannot_be_read_fails_with_a_message(crawling: Crawling) -> None:
    crawling.create("s3://nowhere/x/")
    last = crawling.run()
    assert last["Status"] == "FAILED"
    assert "s3://nowhere/x/" in last["ErrorMessage"]


def test_what_is_not_built_says_501_when_it_starts(crawling: Crawling) -> None:
    targets = {"JdbcTargets": [{"ConnectionName": "x", "Path": "db/%"}]}
    crawling.glue.create_crawler(Name="j", Role=ROLE, DatabaseName="db", Targets=targets)
    refused("NotImplemented", crawling.glue.start_crawler, Name="j")
    crawling.glue.create_classifier(XMLClassifier={"Name": "x", "Classification": "xml", "RowTag": "row"})
    crawling.create(Classifiers=["x"])
    refused("NotImplemented", crawling.glue.start_crawler, Name="c")


def test_crawlers_are_records_too(crawling: Crawling) -> None:
    crawling.create("s3://data/x/", Tags={"team": "a"}, Description="d")
    crawling.glue.create_crawler(Name="e", Role="crawler", Targets={"S3Targets": []})
    refused("AlreadyExistsException", crawling.glue.create_crawler, Name="e", Role="r", Targets={"S3Targets": []})
    assert crawling.glue.list_crawlers()["CrawlerNames"] == ["c", "e"]
    assert crawling.glue.list_crawlers(Tags={"team": "a"})["CrawlerNames"] == ["c"]
    found = crawling.glue.batch_get_crawlers(CrawlerNames=["e", "nil"])
    assert ([c["Name"] for c in found["Crawlers"]], found["CrawlersNotFound"]) == (["e"], ["nil"])
    crawling.glue.update_crawler(Name="c", Description="new")
    crawler = crawling.glue.get_crawler(Name="c")["Crawler"]
    assert (crawler["Description"], crawler["Version"]) == ("new", 2)
    crawling.glue.delete_crawler(Name="c")
    assert refused("EntityNotFoundException", crawling.glue.get_crawler, Name="c") == "Crawler c not found."
    act = crawling.glue.create_crawler
    refused("InvalidInputException", act, Name="f", Role="r", Targets={"S3Targets": []}, Schedule="rate(1 day)")


def test_crawls_are_filtered(crawling: Crawling) -> None:
    crawling.create()
    crawling.run()
    crawling.run()
    act = crawling.glue.list_crawls
    first = act(CrawlerName="c")["Crawls"][1]
    one = {"FieldName": "CRAWL_ID", "FilterOperator": "EQ", "FieldValue": first["CrawlId"]}
    assert [crawl["CrawlId"] for crawl in act(CrawlerName="c", Filters=[one])["Crawls"]] == [first["CrawlId"]]
    later = {"FieldName": "STATE", "FilterOperator": "NE", "FieldValue": "COMPLETED"}
    assert act(CrawlerName="c", Filters=[later])["Crawls"] == []
    message = refused("InvalidInputException", act, CrawlerName="c", Filters=[{**one, "FilterOperator": "LE"}])
    assert message == "Only EQ or NE operator is allowed for field : CRAWL_ID"
    message = refused("EntityNotFoundException", act, CrawlerName="nil")
    assert message == "Crawler entry with name nil does not exist"
