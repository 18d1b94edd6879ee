"""Exports to S3: what they hold, how they are laid out, when they are refused; and Athena over them."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from pocketlake import spawned
from tests.services.dynamodb.conftest import invalid, make, refusal

BUCKET = "exported"
HOUR = 3600


@pytest.fixture
def s3(lake: Any) -> Any:
    client = lake.client("s3")
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.fixture
def recovered(dynamodb: Any, table: str) -> str:
    """The ARN of `table`, with point-in-time recovery."""
    recover(dynamodb, table)
    return dynamodb.describe_table(TableName=table)["Table"]["TableArn"]


def seconds(lake: Any) -> float:
    return lake.clock.now().timestamp()


def recover(dynamodb: Any, table: str) -> None:
    dynamodb.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )


def put(dynamodb: Any, *numbers: int, value: str = "v", table: str = "things") -> None:
    for number in numbers:
        dynamodb.put_item(TableName=table, Item=item(number, value))


def item(number: int, value: str = "v") -> dict[str, Any]:
    return {"p": {"S": f"p{number % 7}"}, "s": {"N": str(number)}, "v": {"S": value}}


def key(number: int) -> dict[str, Any]:
    return {name: value for name, value in item(number).items() if name != "v"}


def export(lake: Any, dynamodb: Any, arn: str, **more: Any) -> dict[str, Any]:
    """The description of an export that has ended."""
    begun = dynamodb.export_table_to_point_in_time(TableArn=arn, S3Bucket=BUCKET, **more)["ExportDescription"]
    assert begun["ExportStatus"] == "IN_PROGRESS"
    lake.clock.advance(1)
    return dynamodb.describe_export(ExportArn=begun["ExportArn"])["ExportDescription"]


def incremental(lake: Any, dynamodb: Any, arn: str, start: float, end: float, **more: Any) -> dict[str, Any]:
    window = {"ExportFromTime": start, "ExportToTime": end, **more.pop("window", {})}
    return export(lake, dynamodb, arn, ExportType="INCREMENTAL_EXPORT", IncrementalExportSpecification=window, **more)


def body(s3: Any, key: str) -> bytes:
    return s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()


def lines(s3: Any, found: dict[str, Any]) -> list[str]:
    """The lines of all data files that the manifests name."""
    summary = json.loads(body(s3, found["ExportManifest"]))
    listed = body(s3, summary["manifestFilesS3Key"]).splitlines()
    text = [gzip.decompress(body(s3, json.loads(entry)["dataFileS3Key"])).decode() for entry in listed]
    return "".join(text).splitlines()


def exported(s3: Any, found: dict[str, Any]) -> list[Any]:
    return [json.loads(line) for line in lines(s3, found)]


def by_number(records: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    return {int(record["Keys"]["s"]["N"]): record for record in records}


@pytest.mark.claim("DDB-620")
def test_full_export_holds_the_table_as_it_was_when_it_was_asked_for(lake, dynamodb, s3, recovered):
    put(dynamodb, *range(20))
    size = dynamodb.describe_table(TableName="things")["Table"]["TableSizeBytes"]
    begun = dynamodb.export_table_to_point_in_time(TableArn=recovered, S3Bucket=BUCKET)["ExportDescription"]
    put(dynamodb, 5, value="later")
    put(dynamodb, 100)
    dynamodb.delete_item(TableName="things", Key=key(6))
    lake.clock.advance(1)
    found = dynamodb.describe_export(ExportArn=begun["ExportArn"])["ExportDescription"]
    assert (found["ExportStatus"], found["ItemCount"]) == ("COMPLETED", 20)
    assert found["BilledSizeBytes"] == size > 0
    records = sorted(exported(s3, found), key=lambda record: int(record["Item"]["s"]["N"]))
    assert records == [{"Item": item(number)} for number in range(20)]


@pytest.mark.claim("DDB-620")
def test_full_export_of_a_moment_in_the_past(lake, dynamodb, s3, recovered):
    put(dynamodb, 1, 2, value="old")
    lake.clock.advance(HOUR)
    moment = seconds(lake)
    lake.clock.advance(HOUR)
    put(dynamodb, 2, 3, value="new")
    dynamodb.delete_item(TableName="things", Key=key(1))
    found = export(lake, dynamodb, recovered, ExportTime=moment)
    assert found["ExportTime"].timestamp() == pytest.approx(moment, abs=0.001)
    records = sorted(exported(s3, found), key=lambda record: record["Item"]["s"]["N"])
    assert records == [{"Item": item(number, "old")} for number in (1, 2)]


@pytest.mark.claim("DDB-621")
def test_layout_and_manifests(lake, dynamodb, s3, recovered):
    put(dynamodb, *range(3))
    found = export(lake, dynamodb, recovered, S3Prefix="2020-Nov")
    identity = found["ExportArn"].rpartition("/")[2]
    folder = f"2020-Nov/AWSDynamoDB/{identity}/"
    keys = {one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"]}
    (data,) = {key for key in keys if "/data/" in key}
    assert data.startswith(f"{folder}data/")
    assert data.endswith(".json.gz")
    manifests = {"manifest-files.json", "manifest-files.md5", "manifest-summary.json", "manifest-summary.md5"}
    assert keys - {data} == {folder + name for name in manifests | {"_started"}}
    assert found["ExportManifest"] == f"{folder}manifest-summary.json"
    for name in ("manifest-files", "manifest-summary"):
        digest = base64.b64encode(hashlib.md5(body(s3, f"{folder}{name}.json")).digest())
        assert body(s3, f"{folder}{name}.md5") == digest
    summary = json.loads(body(s3, found["ExportManifest"]))
    assert summary.pop("startTime").endswith("Z")
    assert summary.pop("endTime") >= summary.pop("exportTime")
    assert summary == {
        "version": "2020-06-30",
        "exportArn": found["ExportArn"],
        "tableArn": recovered,
        "tableId": found["TableId"],
        "s3Bucket": BUCKET,
        "s3Prefix": "2020-Nov",
        "s3SseAlgorithm": "AES256",
        "s3SseKmsKeyId": None,
        "manifestFilesS3Key": f"{folder}manifest-files.json",
        "billedSizeBytes": found["BilledSizeBytes"],
        "itemCount": 3,
        "outputFormat": "DYNAMODB_JSON",
        "exportType": "FULL_EXPORT",
    }
    (entry,) = (json.loads(line) for line in body(s3, f"{folder}manifest-files.json").splitlines())
    content = s3.get_object(Bucket=BUCKET, Key=data)
    assert entry == {
        "itemCount": 3,
        "md5Checksum": base64.b64encode(hashlib.md5(content["Body"].read()).digest()).decode(),
        "etag": content["ETag"].strip('"'),
        "dataFileS3Key": data,
    }


def test_export_of_an_empty_table_has_one_empty_file(lake, dynamodb, s3, recovered):
    found = export(lake, dynamodb, recovered)
    assert (found["ItemCount"], found["BilledSizeBytes"]) == (0, 0)
    assert lines(s3, found) == []


@pytest.mark.claim("DDB-622")
def test_ion_has_a_version_marker_and_types_for_each_of_dynamodbs(lake, dynamodb, s3, recovered):
    values = {
        "Authors": {"SS": ["Author1", "Author2"]},
        "Dimensions": {"S": '8.5 x "11"\n'},
        "InPublication": {"BOOL": False},
        "PageCount": {"N": "600"},
        "Price": {"N": "-20.50"},
        "Nothing": {"NULL": True},
        "Cover": {"B": b"bar"},
        "Codes": {"NS": ["1", "0.25"]},
        "Tree": {"M": {"a key": {"L": [{"S": "x"}, {"N": "2"}]}}},
    }
    dynamodb.put_item(TableName="things", Item={"p": {"S": "a"}, "s": {"N": "103"}, **values})
    found = export(lake, dynamodb, recovered, ExportFormat="ION")
    (line,) = lines(s3, found)
    assert line == (
        '$ion_1_0 {Item:{p:"a",s:103.,Authors:$dynamodb_SS::["Author1","Author2"],Dimensions:"8.5 x \\"11\\"\\n",'
        "InPublication:false,PageCount:6d2,Price:-20.5,Nothing:null,Cover:{{YmFy}},Codes:$dynamodb_NS::[1.,0.25],"
        "Tree:{'a key':[\"x\",2.]}}}"
    )


@pytest.mark.claim("DDB-623")
def test_incremental_export_holds_each_changed_item_once(lake, dynamodb, s3, recovered):
    put(dynamodb, 1, 2, 3, 4, value="old")
    lake.clock.advance(HOUR)
    start = seconds(lake)
    lake.clock.advance(60)
    put(dynamodb, 2, value="between")
    put(dynamodb, 2, value="new")
    put(dynamodb, 5, value="new")
    dynamodb.delete_item(TableName="things", Key=key(3))
    put(dynamodb, 6)
    dynamodb.delete_item(TableName="things", Key=key(6))
    lake.clock.advance(HOUR)
    end = seconds(lake)
    lake.clock.advance(60)
    put(dynamodb, 1, 2, value="after")
    found = incremental(lake, dynamodb, recovered, start, end)
    assert (found["ExportStatus"], found["ItemCount"]) == ("COMPLETED", 3)
    records = by_number(exported(s3, found))
    micros = {number: int(one.pop("Metadata")["WriteTimestampMicros"]["N"]) for number, one in records.items()}
    assert records == {
        2: {"Keys": key(2), "OldImage": item(2, "old"), "NewImage": item(2, "new")},
        3: {"Keys": key(3), "OldImage": item(3, "old")},
        5: {"Keys": key(5), "NewImage": item(5, "new")},
    }
    assert all(start * 1e6 <= moment < end * 1e6 for moment in micros.values())
    summary = json.loads(body(s3, found["ExportManifest"]))
    assert summary["version"] == "2023-08-01"
    assert summary["outputView"] == "NEW_AND_OLD_IMAGES"
    assert summary["exportType"] == "INCREMENTAL_EXPORT"
    assert "exportTime" not in summary
    (entry,) = body(s3, summary["manifestFilesS3Key"]).splitlines()
    assert json.loads(entry)["dataFileS3Key"].startswith("AWSDynamoDB/data/")


@pytest.mark.claim("DDB-623")
def test_incremental_export_of_new_images_only(lake, dynamodb, s3, recovered):
    put(dynamodb, 1, 2)
    lake.clock.advance(HOUR)
    start = seconds(lake)
    put(dynamodb, 1, value="new")
    dynamodb.delete_item(TableName="things", Key=key(2))
    lake.clock.advance(HOUR)
    view = {"ExportViewType": "NEW_IMAGE"}
    found = incremental(lake, dynamodb, recovered, start, seconds(lake), window=view, ExportFormat="ION")
    written = sorted(lines(s3, found))
    assert len(written) == 2
    assert written[0].startswith("$ion_1_0 {Record:{Metadata:{WriteTimestampMicros:")
    assert all("OldImage" not in line for line in written)
    assert sum("NewImage:{" in line for line in written) == 1


@pytest.mark.claim("DDB-620")
def test_export_needs_a_table_and_point_in_time_recovery(dynamodb, table):
    missing = "arn:aws:dynamodb:us-east-1:000000000000:table/nothing"
    assert refusal(dynamodb.export_table_to_point_in_time, TableArn=missing, S3Bucket=BUCKET) == (
        "TableNotFoundException",
        f"Table not found: {missing}",
    )
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    assert refusal(dynamodb.export_table_to_point_in_time, TableArn=arn, S3Bucket=BUCKET) == (
        "PointInTimeRecoveryUnavailableException",
        "Point in time recovery is not enabled for table 'things'",
    )


def test_export_times_lie_within_the_recovery_window(lake, dynamodb, s3, recovered):
    ask = dynamodb.export_table_to_point_in_time
    now = seconds(lake)
    for moment in (now - HOUR, now + HOUR):
        code, _ = refusal(ask, TableArn=recovered, S3Bucket=BUCKET, ExportTime=moment)
        assert code == "InvalidExportTimeException"
    lake.clock.advance(48 * HOUR)
    for length in (60, 25 * HOUR):
        window = {"ExportFromTime": now + HOUR, "ExportToTime": now + HOUR + length}
        request = {"ExportType": "INCREMENTAL_EXPORT", "IncrementalExportSpecification": window}
        assert "export period" in invalid(ask, TableArn=recovered, S3Bucket=BUCKET, **request)


@pytest.mark.claim("DDB-624")
def test_one_client_token_is_one_export(lake, dynamodb, s3, recovered):
    ask = dynamodb.export_table_to_point_in_time
    request = {"TableArn": recovered, "S3Bucket": BUCKET, "ClientToken": "once"}
    first = ask(**request)["ExportDescription"]["ExportArn"]
    lake.clock.advance(HOUR)
    assert ask(**request)["ExportDescription"]["ExportArn"] == first
    code, _ = refusal(ask, **{**request, "S3Prefix": "elsewhere"})
    assert code == "ExportConflictException"
    lake.clock.advance(8 * HOUR)
    assert ask(**request)["ExportDescription"]["ExportArn"] != first


def test_export_into_a_missing_bucket_fails(lake, dynamodb, recovered):
    found = export(lake, dynamodb, recovered)
    assert (found["ExportStatus"], found["FailureCode"]) == ("FAILED", "S3NoSuchBucket")
    assert "The specified bucket does not exist" in found["FailureMessage"]


def test_exports_are_listed_for_90_days(lake, dynamodb, s3, recovered):
    make(dynamodb, "others", "p:S")
    recover(dynamodb, "others")
    other = dynamodb.describe_table(TableName="others")["Table"]["TableArn"]
    mine = [export(lake, dynamodb, recovered)["ExportArn"] for _ in range(3)]
    theirs = export(lake, dynamodb, other)["ExportArn"]
    page = dynamodb.list_exports(MaxResults=3)
    rest = dynamodb.list_exports(MaxResults=3, NextToken=page["NextToken"])
    found = [one["ExportArn"] for one in page["ExportSummaries"] + rest["ExportSummaries"]]
    assert found == [theirs, *reversed(mine)]
    assert "NextToken" not in rest
    of_table = dynamodb.list_exports(TableArn=recovered)["ExportSummaries"]
    assert of_table == [
        {"ExportArn": arn, "ExportStatus": "COMPLETED", "ExportType": "FULL_EXPORT"} for arn in reversed(mine)
    ]
    lake.clock.advance(91 * 24 * HOUR)
    assert dynamodb.list_exports()["ExportSummaries"] == []
    assert refusal(dynamodb.describe_export, ExportArn=theirs)[0] == "ExportNotFoundException"


@pytest.mark.parametrize(
    ("named", "members"),
    [
        ("FilterSpecification", {"FilterSpecification": {"FilterExpression": "v = :v"}}),
        ("KMS", {"S3SseAlgorithm": "KMS"}),
        ("KMS", {"S3SseKmsKeyId": "alias/mine"}),
    ],
)
def test_what_is_not_built_is_named(dynamodb, recovered, named, members):
    code, message = refusal(dynamodb.export_table_to_point_in_time, TableArn=recovered, S3Bucket=BUCKET, **members)
    assert (code, named in message) == ("NotImplemented", True)


@pytest.mark.parametrize("token", ["x", "é", "A" * 60])
def test_tokens_that_no_list_gave(dynamodb, token):
    assert refusal(dynamodb.list_exports, NextToken=token)[0] == "ValidationException"


def test_large_tables_make_several_files(lake, dynamodb, s3, recovered):
    text = "x" * 390_000
    for number in range(60):
        put(dynamodb, number, value=text)
        lake.clock.advance(2)  # some 400 write units each
    found = export(lake, dynamodb, recovered)
    listed = body(s3, json.loads(body(s3, found["ExportManifest"]))["manifestFilesS3Key"]).splitlines()
    counts = [json.loads(entry)["itemCount"] for entry in listed]
    assert len(counts) > 1
    assert sum(counts) == found["ItemCount"] == 60
    assert {int(record["Item"]["s"]["N"]) for record in exported(s3, found)} == set(range(60))


def test_a_table_that_is_deleted_meanwhile_is_exported_whole(lake, dynamodb, s3, recovered):
    for number in range(60):
        put(dynamodb, number, value="x" * 390_000)
        lake.clock.advance(2)
    begun = dynamodb.export_table_to_point_in_time(TableArn=recovered, S3Bucket=BUCKET)["ExportDescription"]
    dynamodb.delete_table(TableName="things")
    lake.clock.advance(1)
    found = dynamodb.describe_export(ExportArn=begun["ExportArn"])["ExportDescription"]
    assert (found["ExportStatus"], found["ItemCount"]) == ("COMPLETED", 60)
    assert {int(record["Item"]["s"]["N"]) for record in exported(s3, found)} == set(range(60))
    assert [one["ExportArn"] for one in dynamodb.list_exports(TableArn=recovered)["ExportSummaries"]] == [
        begun["ExportArn"]
    ]


@pytest.mark.timeout(120)
def test_export_survives_kill_9(tmp_path: Path):
    """Killed while files are being written: each item is in the export once, and in no file that it does not name."""
    lake = spawned.start(tmp_path / "lake", "--limits", "off")
    try:
        dynamodb, s3 = lake.client("dynamodb"), lake.client("s3")
        make(dynamodb, "things", "p:S", "s:N")
        recover(dynamodb, "things")
        s3.create_bucket(Bucket=BUCKET)
        put(dynamodb, *range(100), value="x" * 390_000)
        arn = dynamodb.describe_table(TableName="things")["Table"]["TableArn"]
        begun = dynamodb.export_table_to_point_in_time(TableArn=arn, S3Bucket=BUCKET)["ExportDescription"]
        while not any("/data/" in key for key in keys(s3)):
            pass
        lake.kill()
        lake = spawned.start(tmp_path / "lake", "--limits", "off")
        dynamodb, s3 = lake.client("dynamodb"), lake.client("s3")
        lake.clock.advance(1)
        found = dynamodb.describe_export(ExportArn=begun["ExportArn"])["ExportDescription"]
        assert (found["ExportStatus"], found["ItemCount"]) == ("COMPLETED", 100)
        assert sorted(int(record["Item"]["s"]["N"]) for record in exported(s3, found)) == list(range(100))
        listed = body(s3, json.loads(body(s3, found["ExportManifest"]))["manifestFilesS3Key"]).splitlines()
        named = {json.loads(entry)["dataFileS3Key"] for entry in listed}
        assert {key for key in keys(s3) if "/data/" in key} == named
    finally:
        if lake.process.poll() is None:
            lake.kill()


def keys(s3: Any) -> list[str]:
    return [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


@pytest.mark.claim("DDB-625")
def test_athena_counts_what_was_exported(lake, dynamodb, s3, recovered):
    put(dynamodb, *range(50))
    full = export(lake, dynamodb, recovered)
    start = seconds(lake)
    lake.clock.advance(HOUR)
    put(dynamodb, *range(10), value="new")
    dynamodb.delete_item(TableName="things", Key=key(20))
    lake.clock.advance(HOUR)
    changed = incremental(lake, dynamodb, recovered, start, seconds(lake))
    lake.client("athena").create_work_group(
        Name="w", Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{BUCKET}/results/"}}
    )
    folder = full["ExportManifest"].rpartition("/")[0]
    attributes = "struct<p:struct<S:string>,s:struct<N:string>,v:struct<S:string>>"
    serde = "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'"
    query(lake, "CREATE DATABASE d")
    query(lake, f"CREATE EXTERNAL TABLE d.items (Item {attributes}) {serde} LOCATION 's3://{BUCKET}/{folder}/data/'")
    query(
        lake,
        f"CREATE EXTERNAL TABLE d.changes (Keys struct<p:struct<S:string>,s:struct<N:string>>, NewImage {attributes})"
        f" {serde} LOCATION 's3://{BUCKET}/AWSDynamoDB/data/'",
    )
    assert query(lake, "SELECT count(*), sum(CAST(Item.s.N AS bigint)) FROM d.items") == [["50", str(sum(range(50)))]]
    assert query(lake, "SELECT NewImage.v.S, count(*) FROM d.changes GROUP BY 1 ORDER BY 2") == [
        [None, "1"],
        ["new", "10"],
    ]
    assert changed["ItemCount"] == 11


def query(lake: Any, sql: str) -> list[list[str | None]]:
    athena = lake.client("athena")
    identity = athena.start_query_execution(QueryString=sql, WorkGroup="w")["QueryExecutionId"]
    lake.clock.advance(1)
    status = athena.get_query_execution(QueryExecutionId=identity)["QueryExecution"]["Status"]
    assert status["State"] == "SUCCEEDED", status
    rows = athena.get_query_results(QueryExecutionId=identity)["ResultSet"]["Rows"]
    return [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows[1:]]
