"""Imports from S3: formats, compressions, what is counted, what is refused."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow
import pytest

from pocketlake import spawned
from tests.services.dynamodb.conftest import definitions, index, invalid, make, refusal, schema

BUCKET = "source"
COUNTS = ("ProcessedItemCount", "ImportedItemCount", "ErrorCount")
HOUR = 3600


@pytest.fixture
def s3(lake: Any) -> Any:
    client = lake.client("s3")
    client.create_bucket(Bucket=BUCKET)
    return client


def parameters(*keys: str, **more: Any) -> dict[str, Any]:
    also = more.pop("also", ())
    return {
        "TableName": "made",
        "KeySchema": schema(*keys),
        "AttributeDefinitions": definitions(*keys, *also),
        "BillingMode": "PAY_PER_REQUEST",
        **more,
    }


def asked(kind: str = "DYNAMODB_JSON", *keys: str, prefix: str = "in/", **more: Any) -> dict[str, Any]:
    source = {"S3Bucket": BUCKET, "S3KeyPrefix": prefix}
    made = more.pop("made", None) or parameters(*(keys or ("p:S",)))
    return {"S3BucketSource": source, "InputFormat": kind, "TableCreationParameters": made, **more}


def imported(lake: Any, dynamodb: Any, **request: Any) -> dict[str, Any]:
    """The description of an import that has ended."""
    begun = dynamodb.import_table(**request)["ImportTableDescription"]
    assert begun["ImportStatus"] == "IN_PROGRESS"
    lake.clock.advance(1)
    return dynamodb.describe_import(ImportArn=begun["ImportArn"])["ImportTableDescription"]


def counts(found: dict[str, Any]) -> tuple[int, ...]:
    return tuple(found[name] for name in COUNTS)


def items(dynamodb: Any) -> list[dict[str, Any]]:
    found = dynamodb.get_paginator("scan").paginate(TableName="made")
    return sorted((item for page in found for item in page["Items"]), key=lambda item: item["p"]["S"])


def lines(*found: dict[str, Any]) -> bytes:
    return b"".join(json.dumps({"Item": item}).encode() + b"\n" for item in found)


def item(number: int) -> dict[str, Any]:
    return {"p": {"S": f"p{number:05}"}, "n": {"N": str(number)}}


@pytest.mark.claim("DDB-630")
def test_import_makes_a_table_of_all_objects_under_the_prefix(lake, dynamodb, s3):
    for number in range(3):
        s3.put_object(Bucket=BUCKET, Key=f"in/{number}", Body=lines(*map(item, range(number * 10, number * 10 + 10))))
    s3.put_object(Bucket=BUCKET, Key="other", Body=lines(item(1000)))
    found = imported(lake, dynamodb, **asked())
    assert found["ImportStatus"] == "COMPLETED"
    assert counts(found) == (30, 30, 0)
    assert found["ProcessedSizeBytes"] == len(lines(*map(item, range(30))))
    assert found["EndTime"] >= found["StartTime"]
    assert found["CloudWatchLogGroupArn"].endswith(":log-group:/aws-dynamodb/imports:*")
    assert items(dynamodb) == [item(number) for number in range(30)]
    assert dynamodb.describe_table(TableName="made")["Table"]["TableArn"] == found["TableArn"]


@pytest.mark.claim("DDB-631")
@pytest.mark.parametrize("compression", ["NONE", "GZIP", "ZSTD"])
def test_compressions(lake, dynamodb, s3, compression):
    plain = lines(*map(item, range(2000)))
    halves = gzip.compress(plain[:100]) + gzip.compress(plain[100:])
    body = {"NONE": plain, "GZIP": halves, "ZSTD": _zstd(plain)}[compression]
    s3.put_object(Bucket=BUCKET, Key="in/a", Body=body)
    found = imported(lake, dynamodb, **asked(InputCompressionType=compression))
    assert (found["ImportStatus"], counts(found)) == ("COMPLETED", (2000, 2000, 0))
    assert found["ProcessedSizeBytes"] == len(plain)
    assert len(items(dynamodb)) == 2000


def _zstd(plain: bytes) -> bytes:
    sink = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(plain)
    return sink.getvalue().to_pybytes()


@pytest.mark.claim("DDB-632")
def test_csv_gives_keys_their_types_and_everything_else_text(lake, dynamodb, s3):
    by_number = index("by-number", "n:N")
    body = 'p,n,price,note\na,1,20,"says ""hi"", twice"\nb,2.50,,\n'
    s3.put_object(Bucket=BUCKET, Key="in/a.csv", Body=body.encode())
    made = parameters("p:S", also=("n:N",), GlobalSecondaryIndexes=[by_number])
    found = imported(lake, dynamodb, **asked("CSV", made=made))
    assert (found["ImportStatus"], counts(found)) == ("COMPLETED", (2, 2, 0))
    assert items(dynamodb) == [
        {"p": {"S": "a"}, "n": {"N": "1"}, "price": {"S": "20"}, "note": {"S": 'says "hi", twice'}},
        {"p": {"S": "b"}, "n": {"N": "2.5"}, "price": {"S": ""}, "note": {"S": ""}},
    ]
    answer = dynamodb.query(
        TableName="made",
        IndexName="by-number",
        KeyConditionExpression="n = :n",
        ExpressionAttributeValues={":n": {"N": "2.5"}},
    )
    assert [one["p"]["S"] for one in answer["Items"]] == ["b"]


@pytest.mark.claim("DDB-632")
def test_csv_with_a_header_of_the_request_and_another_delimiter(lake, dynamodb, s3):
    s3.put_object(Bucket=BUCKET, Key="in/a.csv", Body=b"a;1\nb;2\nc\nd;x;y\n")
    options = {"Csv": {"Delimiter": ";", "HeaderList": ["p", "v"]}}
    found = imported(lake, dynamodb, **asked("CSV", InputFormatOptions=options))
    assert (found["ImportStatus"], counts(found)) == ("FAILED", (4, 2, 2))
    assert items(dynamodb) == [{"p": {"S": "a"}, "v": {"S": "1"}}, {"p": {"S": "b"}, "v": {"S": "2"}}]


@pytest.mark.claim("DDB-633")
def test_ion(lake, dynamodb, s3):
    body = (
        '$ion_1_0 {Item:{p:"a",Set:$dynamodb_NS::[1.,25d-2],Price:2d3,'
        "Tree:{'a key':[true,null,\"x\"]},Cover:{{YmFy}}}}\n"
        "$ion_1_0 {Item:{p:'''long ''' '''text''', Count: 7, /* a note */ Half: 5e-1}} // the end\n"
        "$ion_1_0 {Item:{p:2020-01-01T}}\n"
        '$ion_1_0 {p:"no item"}\n'
    )
    s3.put_object(Bucket=BUCKET, Key="in/a.ion", Body=body.encode())
    found = imported(lake, dynamodb, **asked("ION"))
    assert (found["ImportStatus"], counts(found)) == ("FAILED", (4, 2, 2))
    assert items_by_key(dynamodb) == {
        "a": {
            "p": {"S": "a"},
            "Set": {"NS": ["1", "0.25"]},
            "Price": {"N": "2000"},
            "Tree": {"M": {"a key": {"L": [{"BOOL": True}, {"NULL": True}, {"S": "x"}]}}},
            "Cover": {"B": b"bar"},
        },
        "long text": {"p": {"S": "long text"}, "Count": {"N": "7"}, "Half": {"N": "0.5"}},
    }


def items_by_key(dynamodb: Any) -> dict[str, dict[str, Any]]:
    return {item["p"]["S"]: item for item in dynamodb.scan(TableName="made")["Items"]}


@pytest.mark.claim("DDB-634")
def test_items_that_are_none_are_counted_and_the_others_imported(lake, dynamodb, s3):
    good, late = lines(item(1)), lines(item(2))
    large = lines({"p": {"S": "big"}, "v": {"S": "x" * 410_000}})
    bad = b'{"p":{"S":"no item"}}\nno json\n' + lines(
        {"q": {"S": "no key"}}, {"p": {"N": "1"}}, {"p": {"S": "x", "N": "1"}}
    )
    s3.put_object(Bucket=BUCKET, Key="in/a", Body=good + bad + large + b"\n" + late)
    found = imported(lake, dynamodb, **asked())
    assert (found["ImportStatus"], found["FailureCode"]) == ("FAILED", "ItemValidationError")
    assert counts(found) == (8, 2, 6)
    assert items(dynamodb) == [item(1), item(2)]
    assert dynamodb.describe_table(TableName="made")["Table"]["TableStatus"] == "ACTIVE"


@pytest.mark.parametrize(
    ("kind", "bad"),
    [
        ("DYNAMODB_JSON", b'{"Item":{"p":{"S":"a"},"t":{"S":"\\ud800"}}}\n'),
        ("DYNAMODB_JSON", b'{"Item":{"p":{"S":"\\ud800"}}}\n'),
        ("ION", b'{Item:{p:"a",t:"\\ud800"}}\n'),
        ("ION", b'{Item:{p:"a",t:"\\UFFFFFFFF"}}\n'),
    ],
)
def test_texts_that_are_no_unicode_are_counted(lake, dynamodb, s3, kind, bad):
    good = lines(item(1)) if kind == "DYNAMODB_JSON" else b'{Item:{p:"p00001",n:1.}}\n'
    s3.put_object(Bucket=BUCKET, Key="in/a", Body=bad + good)
    found = imported(lake, dynamodb, **asked(kind))
    assert (found["ImportStatus"], counts(found)) == ("FAILED", (2, 1, 1))
    assert items(dynamodb) == [item(1)]


def test_several_objects_on_one_line_are_as_many_items(lake, dynamodb, s3):
    body = lines(item(1)) + lines(item(2), item(3)).replace(b"\n", b"") + b" " + lines(item(4)).rstrip() + b"\n{no"
    s3.put_object(Bucket=BUCKET, Key="in/a", Body=body)
    assert counts(imported(lake, dynamodb, **asked())) == (5, 4, 1)
    assert items(dynamodb) == [item(number) for number in range(1, 5)]


def test_an_object_that_cannot_be_read_to_its_end_is_left_there(lake, dynamodb, s3):
    whole = gzip.compress(lines(*map(item, range(1000))))
    s3.put_object(Bucket=BUCKET, Key="in/a", Body=whole[: len(whole) // 2])
    s3.put_object(Bucket=BUCKET, Key="in/b", Body=gzip.compress(lines(item(5000))))
    found = imported(lake, dynamodb, **asked(InputCompressionType="GZIP"))
    assert (found["ImportStatus"], found["ErrorCount"]) == ("FAILED", 1)
    kept = items(dynamodb)
    assert item(5000) in kept
    assert 1 < len(kept) < 1000


def test_the_last_of_items_with_one_key_stays(lake, dynamodb, s3):
    by_number = index("by-number", "n:N")
    twice = [{"p": {"S": "a"}, "n": {"N": "1"}}, {"p": {"S": "a"}, "n": {"N": "2"}}]
    s3.put_object(Bucket=BUCKET, Key="in/a", Body=lines(*twice))
    made = parameters("p:S", also=("n:N",), GlobalSecondaryIndexes=[by_number])
    assert counts(imported(lake, dynamodb, **asked(made=made))) == (2, 2, 0)
    assert dynamodb.scan(TableName="made", IndexName="by-number")["Items"] == [twice[1]]


def test_import_from_nothing_makes_an_empty_table(lake, dynamodb, s3):
    found = imported(lake, dynamodb, **asked())
    assert (found["ImportStatus"], counts(found), found["ProcessedSizeBytes"]) == ("COMPLETED", (0, 0, 0), 0)
    assert items(dynamodb) == []


def test_import_from_a_missing_bucket_leaves_no_table(lake, dynamodb):
    found = imported(lake, dynamodb, **asked())
    assert (found["ImportStatus"], found["FailureCode"]) == ("FAILED", "S3NoSuchBucket")
    assert "The specified bucket does not exist" in found["FailureMessage"]
    assert dynamodb.list_tables()["TableNames"] == []


@pytest.mark.claim("DDB-630")
def test_tables_that_exist_are_not_imported_into(dynamodb, table):
    request = asked(made={**parameters("p:S"), "TableName": table})
    assert refusal(dynamodb.import_table, **request) == ("ResourceInUseException", "Table already exists: things")
    request["TableCreationParameters"] |= {"TableName": "new", "BillingMode": "PROVISIONED"}
    assert "must both be specified when BillingMode is PROVISIONED" in invalid(dynamodb.import_table, **request)
    assert dynamodb.list_tables()["TableNames"] == [table]


@pytest.mark.claim("DDB-635")
def test_one_client_token_is_one_import(lake, dynamodb, s3):
    first = imported(lake, dynamodb, **asked(ClientToken="once"))["ImportArn"]
    assert dynamodb.import_table(**asked(ClientToken="once"))["ImportTableDescription"]["ImportArn"] == first
    code, _ = refusal(dynamodb.import_table, **asked(prefix="elsewhere", ClientToken="once"))
    assert code == "ImportConflictException"
    lake.clock.advance(9 * HOUR)
    assert refusal(dynamodb.import_table, **asked(ClientToken="once"))[0] == "ResourceInUseException"


def test_imports_are_listed_newest_first(lake, dynamodb, s3):
    arns = []
    for name in ("first", "second", "third"):
        request = asked(made={**parameters("p:S"), "TableName": name})
        arns.append(imported(lake, dynamodb, **request))
    page = dynamodb.list_imports(PageSize=2)
    rest = dynamodb.list_imports(PageSize=2, NextToken=page["NextToken"])
    listed = page["ImportSummaryList"] + rest["ImportSummaryList"]
    assert [one["ImportArn"] for one in listed] == [one["ImportArn"] for one in reversed(arns)]
    assert "NextToken" not in rest
    (one,) = dynamodb.list_imports(TableArn=arns[0]["TableArn"])["ImportSummaryList"]
    assert one["S3BucketSource"] == {"S3Bucket": BUCKET, "S3KeyPrefix": "in/"}
    lake.clock.advance(91 * 24 * HOUR)
    assert dynamodb.list_imports()["ImportSummaryList"] == []
    assert refusal(dynamodb.describe_import, ImportArn=arns[0]["ImportArn"])[0] == "ImportNotFoundException"


@pytest.mark.claim("DDB-636")
@pytest.mark.parametrize("kind", ["DYNAMODB_JSON", "ION"])
def test_what_was_exported_can_be_imported(lake, dynamodb, s3, kind):
    make(dynamodb, "things", "p:S")
    dynamodb.update_continuous_backups(
        TableName="things", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    rich = {
        "p": {"S": "rich"},
        "all": {"M": {"b": {"B": b"\0\xff"}, "l": {"L": [{"N": "-1.5"}, {"BOOL": True}, {"NULL": True}]}}},
        "sets": {"L": [{"SS": ["x", "y'"]}, {"NS": ["1", "1000000"]}, {"BS": [b"1"]}]},
        "odd name '\"\n": {"S": "ünï\ncödé\\"},
    }
    dynamodb.put_item(TableName="things", Item=rich)
    arn = dynamodb.describe_table(TableName="things")["Table"]["TableArn"]
    begun = dynamodb.export_table_to_point_in_time(TableArn=arn, S3Bucket=BUCKET, ExportFormat=kind)
    lake.clock.advance(1)
    folder = begun["ExportDescription"]["ExportManifest"].rpartition("/")[0]
    found = imported(lake, dynamodb, **asked(kind, prefix=f"{folder}/data/", InputCompressionType="GZIP"))
    assert (found["ImportStatus"], counts(found)) == ("COMPLETED", (1, 1, 0))
    assert dynamodb.scan(TableName="made")["Items"] == [rich]


@pytest.mark.timeout(120)
def test_import_survives_kill_9(tmp_path: Path):
    """Killed while items are being written: in the end each record has been counted once."""
    lake = spawned.start(tmp_path / "lake", "--limits", "off")
    try:
        s3 = lake.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        for number in range(2):
            numbers = range(number * 20_000, (number + 1) * 20_000)
            s3.put_object(Bucket=BUCKET, Key=f"in/{number}", Body=lines(*map(item, numbers)))
        dynamodb = lake.client("dynamodb")
        begun = dynamodb.import_table(**asked())["ImportTableDescription"]["ImportArn"]
        while not dynamodb.describe_import(ImportArn=begun)["ImportTableDescription"]["ImportedItemCount"]:
            pass
        assert dynamodb.describe_table(TableName="made")["Table"]["TableStatus"] == "CREATING"
        lake.kill()
        lake = spawned.start(tmp_path / "lake", "--limits", "off")
        dynamodb = lake.client("dynamodb")
        lake.clock.advance(1)
        found = dynamodb.describe_import(ImportArn=begun)["ImportTableDescription"]
        assert (found["ImportStatus"], counts(found)) == ("COMPLETED", (40_000, 40_000, 0))
        pages = dynamodb.get_paginator("scan").paginate(TableName="made", Select="COUNT")
        assert sum(page["Count"] for page in pages) == 40_000
    finally:
        if lake.process.poll() is None:
            lake.kill()
