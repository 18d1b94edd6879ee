"""DDL, partitions and formats: what the catalog says and what a query then reads."""

from __future__ import annotations

import gzip
import json

import pytest

from .conftest import Athena


@pytest.mark.claim("ATH-533", "ATH-557", "ATH-543")
def test_create_external_table_enters_the_catalog(athena: Athena) -> None:
    athena.run(
        "CREATE EXTERNAL TABLE impressions (`user` string, text string, `timestamp` string, impression string)"
        " PARTITIONED BY (month string) STORED AS parquet LOCATION 's3://data/tables/'"
    )
    table = athena.glue.get_table(DatabaseName="db", Name="impressions")["Table"]
    storage = table["StorageDescriptor"]
    assert [column["Name"] for column in storage["Columns"]] == ["user", "text", "timestamp", "impression"]
    assert table["PartitionKeys"] == [{"Name": "month", "Type": "string"}]
    assert storage["InputFormat"].endswith("MapredParquetInputFormat")
    assert storage["SerdeInfo"]["SerializationLibrary"].endswith("ParquetHiveSerDe")


@pytest.mark.claim("ATH-544")
def test_a_partition_column_is_no_data_column_and_comes_last(athena: Athena) -> None:
    statement = "CREATE EXTERNAL TABLE t (day string, id int) PARTITIONED BY (day string) LOCATION 's3://data/t/'"
    assert "Column repeated in partitioning columns" in athena.fails(statement)
    athena.csv_table()
    assert athena.run("SELECT * FROM logs") == [["id", "v", "day"]]


@pytest.mark.claim("ATH-540", "ATH-541", "ATH-028", "ATH-517")
def test_partitions_are_seen_after_msck_repair(athena: Athena) -> None:
    athena.csv_table()
    assert athena.rows("SELECT count(*) FROM logs") == [["0"]]
    lines = athena.run("MSCK REPAIR TABLE logs")
    assert lines[1] == ["Repair: Added partition to metastore logs:day=1"]
    assert athena.run("SHOW PARTITIONS logs") == [["day=1"], ["day=10"], ["day=2"]]
    assert athena.rows("SELECT * FROM logs ORDER BY id") == [
        ["1", "x", "1"],
        ["2", "y", "1"],
        ["3", "z", "2"],
        ["9", "q", "10"],
    ]


@pytest.mark.claim("ATH-019", "ATH-021", "ATH-022", "ATH-023", "ATH-539")
def test_a_partition_filter_reads_that_folder_alone(athena: Athena) -> None:
    athena.csv_table()
    athena.run("MSCK REPAIR TABLE logs")
    athena.put("logs/day=2/broken.csv.gz", b"no gzip at all")
    assert athena.rows("SELECT id FROM logs WHERE day = '1' ORDER BY id") == [["1"], ["2"]]
    assert athena.scanned == len(b"1,x\n2,y\n")


@pytest.mark.claim("ATH-542")
def test_other_layouts_need_add_partition(athena: Athena) -> None:
    athena.csv_table()
    athena.put("elsewhere/2024/a.csv", b"7,w\n")
    athena.put("plain/2024/a.csv", b"8,w\n")
    athena.run(
        "CREATE EXTERNAL TABLE plain (id int) PARTITIONED BY (day string)"
        " ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://data/plain/'"
    )
    athena.run("MSCK REPAIR TABLE plain")
    assert athena.run("SHOW PARTITIONS plain") == []
    athena.run("ALTER TABLE logs ADD PARTITION (day='x') LOCATION 's3://data/elsewhere/2024/'")
    assert athena.rows("SELECT * FROM logs") == [["7", "w", "x"]]
    athena.run("ALTER TABLE logs DROP PARTITION (day='x')")
    assert athena.rows("SELECT * FROM logs") == []


def test_partition_projection_needs_no_registered_partition(athena: Athena) -> None:
    athena.put("p/2024-01-02/a.csv", b"1\n")
    athena.put("p/2024-01-05/a.csv", b"2\n")
    athena.run(
        "CREATE EXTERNAL TABLE p (id int) PARTITIONED BY (dt string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ','"
        " LOCATION 's3://data/p/' TBLPROPERTIES ('projection.enabled'='true', 'projection.dt.type'='date',"
        " 'projection.dt.range'='2024-01-01,2024-12-31', 'projection.dt.format'='yyyy-MM-dd',"
        " 'storage.location.template'='s3://data/p/${dt}/')"
    )
    assert athena.rows("SELECT * FROM p WHERE dt < '2024-01-04'") == [["1", "2024-01-02"]]
    assert athena.rows("SELECT count(*) FROM p") == [["2"]]
    assert athena.glue.get_partitions(DatabaseName="db", TableName="p")["Partitions"] == []


def test_the_same_rows_from_csv_opencsv_json_and_parquet(athena: Athena) -> None:
    want = [["1", "a"], ["2", None]]
    athena.put("csv/x.csv", b"1,a\n2,\\N\n")
    athena.put("csvgz/x.csv.gz", gzip.compress(b"1,a\n2,\\N\n"))
    athena.put("json/x.json", b'{"ID": 1, "name": "a"}\n{"id": 2, "Name": null}\n')
    delimited = "ROW FORMAT DELIMITED FIELDS TERMINATED BY ','"
    openx = "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'"
    for name, form in (("csv", delimited), ("csvgz", delimited), ("json", openx)):
        athena.run(f"CREATE EXTERNAL TABLE {name} (id int, name string) {form} LOCATION 's3://data/{name}/'")
        assert athena.rows(f"SELECT * FROM {name} ORDER BY id") == want
    athena.put("open/x.csv", b'id,name\n"1","a,""b"""\n')
    athena.run(
        "CREATE EXTERNAL TABLE opened (id string, name string) ROW FORMAT SERDE"
        " 'org.apache.hadoop.hive.serde2.OpenCSVSerde' LOCATION 's3://data/open/'"
        " TBLPROPERTIES ('skip.header.line.count'='1')"
    )
    assert athena.rows("SELECT * FROM opened") == [["1", 'a,"b"']]


@pytest.mark.claim("ATH-003", "ATH-004", "ATH-018")
def test_create_table_as_writes_gzip_parquet_where_it_is_told(athena: Athena) -> None:
    import io

    import pyarrow.parquet as pq

    athena.csv_table()
    athena.run("MSCK REPAIR TABLE logs")
    athena.run("CREATE TABLE made WITH (external_location = 's3://data/made/') AS SELECT id, v FROM logs")
    assert athena.rows("SELECT count(*), sum(id) FROM made") == [["4", "15"]]
    (key,) = athena.keys("data", "made/")
    body = athena.s3.get_object(Bucket="data", Key=key)["Body"].read()
    assert pq.ParquetFile(io.BytesIO(body)).metadata.row_group(0).column(0).compression == "GZIP"
    columns = athena.glue.get_table(DatabaseName="db", Name="made")["Table"]["StorageDescriptor"]["Columns"]
    assert [(column["Name"], column["Type"]) for column in columns] == [("id", "int"), ("v", "string")]
    again = "CREATE TABLE made2 WITH (external_location = 's3://data/made/') AS SELECT 1 AS a"
    assert athena.fails(again).startswith("HIVE_PATH_ALREADY_EXISTS")
    athena.run("CREATE TABLE elsewhere WITH (format = 'TEXTFILE') AS SELECT 1 AS a")
    (key,) = athena.keys("results", f"out/tables/{athena.execution['QueryExecutionId']}/")
    assert key.endswith(".gz")


def test_create_table_as_partitions_and_insert_adds_more(athena: Athena) -> None:
    athena.csv_table()
    athena.run("MSCK REPAIR TABLE logs")
    properties = "format = 'PARQUET', partitioned_by = ARRAY['day'], external_location = 's3://data/by_day/'"
    athena.run(f"CREATE TABLE by_day WITH ({properties}) AS SELECT id, v, day FROM logs")
    assert athena.run("SHOW PARTITIONS by_day") == [["day=1"], ["day=10"], ["day=2"]]
    athena.run("INSERT INTO by_day VALUES (50, 'new', '2'), (51, 'new', '77')")
    want = [["1", "2"], ["10", "1"], ["2", "2"], ["77", "1"]]
    assert athena.rows("SELECT day, count(*) FROM by_day GROUP BY 1 ORDER BY 1") == want


@pytest.mark.parametrize("form", ["PARQUET", "ORC", "JSON", "TEXTFILE"])
def test_formats_are_read_back_as_written(athena: Athena, form: str) -> None:
    athena.run(f"CREATE TABLE f WITH (format = '{form}') AS SELECT 1 AS a, 'x' AS b, CAST(NULL AS varchar) AS c")
    assert athena.rows("SELECT * FROM f") == [["1", "x", None]]


def test_unload_writes_files_without_a_table(athena: Athena) -> None:
    athena.run("UNLOAD (SELECT 1 AS a) TO 's3://data/unloaded/' WITH (format = 'JSON', compression = 'NONE')")
    (key,) = athena.keys("data", "unloaded/")
    assert json.loads(athena.s3.get_object(Bucket="data", Key=key)["Body"].read()) == {"a": 1}


def test_views_are_kept_and_read(athena: Athena) -> None:
    athena.csv_table()
    athena.run("MSCK REPAIR TABLE logs")
    athena.run("CREATE VIEW daily AS SELECT day, count(*) AS n FROM logs GROUP BY day")
    athena.run("CREATE VIEW busy AS SELECT * FROM daily WHERE n > 1")
    assert athena.rows("SELECT * FROM busy") == [["1", "2"]]
    table = athena.glue.get_table(DatabaseName="db", Name="daily")["Table"]
    assert table["TableType"] == "VIRTUAL_VIEW"
    assert table["ViewOriginalText"].startswith("/* Presto View: ")
    assert athena.run("SHOW VIEWS") == [["busy"], ["daily"]]


def test_show_describe_and_alter(athena: Athena) -> None:
    athena.csv_table()
    assert athena.run("SHOW TABLES 'l*'") == [["logs"]]
    assert athena.run("SHOW DATABASES") == [["db"]]
    described = athena.run("DESCRIBE logs")
    assert described[0] == [f"{'id':<20}\t{'int':<20}\t{'':<20}"]
    athena.run("ALTER TABLE logs ADD COLUMNS (extra double)")
    assert [line[0].strip() for line in athena.run("SHOW COLUMNS IN logs")] == ["id", "v", "extra", "day"]  # type: ignore[union-attr]
    statement = "\n".join(line[0] or "" for line in athena.run("SHOW CREATE TABLE logs"))
    athena.run("DROP TABLE logs")
    athena.run(statement)
    assert athena.run("SHOW TABLES") == [["logs"]]


def test_information_schema_tells_of_the_catalog(athena: Athena) -> None:
    athena.csv_table()
    rows = athena.rows(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'logs' ORDER BY"
        " ordinal_position"
    )
    assert rows == [["id", "integer"], ["v", "varchar"], ["day", "varchar"]]


def test_archived_objects_are_passed_over(athena: Athena) -> None:
    athena.csv_table()
    athena.s3.put_object(Bucket="data", Key="logs/day=1/old.csv", Body=b"99,old\n", StorageClass="GLACIER")
    athena.put("logs/day=1/_hidden.csv", b"98,hidden\n")
    athena.run("MSCK REPAIR TABLE logs")
    assert athena.rows("SELECT id FROM logs WHERE day = '1' ORDER BY id") == [["1"], ["2"]]
