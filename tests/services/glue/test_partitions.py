"""Partitions: written, found by expressions, indexed."""

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError


def partition(*values: str, **members: Any) -> dict[str, Any]:
    location = "s3://b/t/" + "/".join(values) + "/"
    columns = [{"Name": "id", "Type": "int"}]
    return {"Values": list(values), "StorageDescriptor": {"Location": location, "Columns": columns}, **members}


def refused(code: str, act: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        act(**request)
    assert caught.value.response["Error"]["Code"] == code
    return caught.value.response["Error"]["Message"]


@pytest.fixture
def glue(lake: Any) -> Any:
    client = lake.client("glue")
    client.create_database(DatabaseInput={"Name": "db"})
    return client


TABLE = {"DatabaseName": "db", "TableName": "t"}


def make(glue: Any, keys: str, *rows: tuple[str, ...]) -> None:
    """A table t with partition keys "year int, country string" and these partitions."""
    pairs = [pair.split() for pair in keys.split(",")]
    partition_keys = [{"Name": name, "Type": kind} for name, kind in pairs]
    glue.create_table(DatabaseName="db", TableInput={"Name": "t", "PartitionKeys": partition_keys})
    for start in range(0, len(rows), 100):
        inputs = [partition(*row) for row in rows[start : start + 100]]
        assert not glue.batch_create_partition(**TABLE, PartitionInputList=inputs).get("Errors")


def values(glue: Any, expression: str, **more: Any) -> list[tuple[str, ...]]:
    pages = glue.get_paginator("get_partitions").paginate(**TABLE, Expression=expression, **more)
    return [tuple(found["Values"]) for page in pages for found in page["Partitions"]]


def test_a_partition_comes_back_and_goes(glue: Any) -> None:
    make(glue, "year int, country string")
    glue.create_partition(**TABLE, PartitionInput=partition("2024", "us", Parameters={"a": "b"}))
    found = glue.get_partition(**TABLE, PartitionValues=["2024", "us"])["Partition"]
    assert found["StorageDescriptor"]["Location"] == "s3://b/t/2024/us/"
    assert (found["TableName"], found["Parameters"]) == ("t", {"a": "b"})
    glue.delete_partition(**TABLE, PartitionValues=["2024", "us"])
    message = refused("EntityNotFoundException", glue.get_partition, **TABLE, PartitionValues=["2024", "us"])
    assert message == "Cannot find partition."


def test_partitions_are_refused_as_aws_refuses(glue: Any) -> None:
    make(glue, "year int", ("2024",))
    refused("AlreadyExistsException", glue.create_partition, **TABLE, PartitionInput=partition("2024"))
    message = refused("InvalidInputException", glue.create_partition, **TABLE, PartitionInput=partition("1", "2"))
    assert message == "The number of partition keys do not match the number of partition values"
    request = {**TABLE, "TableName": "u", "PartitionInput": partition("1")}
    refused("EntityNotFoundException", glue.create_partition, **request)


def test_batches_do_what_they_can_and_name_the_rest(glue: Any) -> None:
    make(glue, "year int", ("1",), ("2",))
    inputs = [partition("2"), partition("3"), partition("3", "4")]
    errors = glue.batch_create_partition(**TABLE, PartitionInputList=inputs)["Errors"]
    assert [(e["PartitionValues"], e["ErrorDetail"]["ErrorCode"]) for e in errors] == [
        (["2"], "AlreadyExistsException"),
        (["3", "4"], "InvalidInputException"),
    ]
    entries = [
        {"PartitionValueList": ["1"], "PartitionInput": partition("1", Parameters={"x": "y"})},
        {"PartitionValueList": ["2"], "PartitionInput": partition("20")},
        {"PartitionValueList": ["9"], "PartitionInput": partition("9")},
    ]
    errors = glue.batch_update_partition(**TABLE, Entries=entries)["Errors"]
    assert [e["PartitionValueList"] for e in errors] == [["9"]]
    wanted = [{"Values": [value]} for value in ("20", "2", "1")]
    found = glue.batch_get_partition(**TABLE, PartitionsToGet=wanted)
    assert [one["Values"] for one in found["Partitions"]] == [["20"], ["1"]]
    errors = glue.batch_delete_partition(**TABLE, PartitionsToDelete=[{"Values": ["1"]}, {"Values": ["2"]}])["Errors"]
    assert [e["PartitionValues"] for e in errors] == [["2"]]


def test_a_partition_moves_only_to_a_free_place(glue: Any) -> None:
    make(glue, "year int", ("1",), ("2",))
    request = {**TABLE, "PartitionValueList": ["1"], "PartitionInput": partition("2")}
    refused("AlreadyExistsException", glue.update_partition, **request)
    assert values(glue, "") == [("1",), ("2",)]


@pytest.mark.claim("GLUE-028")
def test_an_expression_selects_partitions(glue: Any) -> None:
    make(glue, "year string, month int", ("2023", "1"), ("2024", "1"), ("2024", "12"))
    assert values(glue, "year='2024'") == [("2024", "1"), ("2024", "12")]
    assert values(glue, "year = '2024' AND month > 2") == [("2024", "12")]
    assert values(glue, "month = 1 OR year = '2024'") == [("2023", "1"), ("2024", "1"), ("2024", "12")]
    assert values(glue, "   ") == [("2023", "1"), ("2024", "1"), ("2024", "12")]


def test_wrong_expressions_say_what_is_wrong(glue: Any) -> None:
    make(glue, "year int, rate float", ("x", "1.5"))
    act = glue.get_partitions
    assert refused("InvalidInputException", act, **TABLE, Expression="nil = 1") == "Invalid partition expression!"
    assert refused("InvalidInputException", act, **TABLE, Expression="rate = 1.5") == "Unknown type : 'float'"
    assert "Unsupported expression" in refused("InvalidInputException", act, **TABLE, Expression="year >")
    assert refused("InvalidStateException", act, **TABLE, Expression="year = 1") == '"x" is not an integer'


def test_pages_and_segments_hold_each_partition_once(glue: Any) -> None:
    rows = [(str(number),) for number in range(250)]
    make(glue, "n int", *rows)
    pages = list(glue.get_paginator("get_partitions").paginate(**TABLE, PaginationConfig={"PageSize": 100}))
    assert [len(page["Partitions"]) for page in pages] == [100, 100, 50]
    parts = [values(glue, "n >= 10", Segment={"SegmentNumber": number, "TotalSegments": 4}) for number in range(4)]
    assert all(parts)
    assert sorted(row for part in parts for row in part) == sorted(row for row in rows if int(row[0]) >= 10)
    segment = {"SegmentNumber": 4, "TotalSegments": 4}
    refused("InvalidInputException", glue.get_partitions, **TABLE, Segment=segment)


def test_the_columns_can_be_left_out(glue: Any) -> None:
    make(glue, "n int", ("1",))
    found = glue.get_partitions(**TABLE, ExcludeColumnSchema=True)["Partitions"][0]
    assert found["StorageDescriptor"] == {"Location": "s3://b/t/1/"}


@pytest.mark.claim("GLUE-069", "GLUE-070")
def test_indexes_are_on_any_order_of_the_partition_keys(glue: Any) -> None:
    make(glue, "country string, category string, year string", ("us", "a", "1"))
    for name, keys in (("i", ["country", "category", "year"]), ("j", ["category", "country"]), ("k", ["year"])):
        glue.create_partition_index(**TABLE, PartitionIndex={"IndexName": name, "Keys": keys})
    described = glue.get_partition_indexes(**TABLE)["PartitionIndexDescriptorList"]
    assert [(d["IndexName"], [k["Name"] for k in d["Keys"]], d["IndexStatus"]) for d in described] == [
        ("i", ["country", "category", "year"], "ACTIVE"),
        ("j", ["category", "country"], "ACTIVE"),
        ("k", ["year"], "ACTIVE"),
    ]
    act = glue.create_partition_index
    refused("ResourceNumberLimitExceededException", act, **TABLE, PartitionIndex={"IndexName": "l", "Keys": ["year"]})
    glue.delete_partition_index(**TABLE, IndexName="k")
    refused("InvalidInputException", act, **TABLE, PartitionIndex={"IndexName": "l", "Keys": ["nil"]})
    refused("AlreadyExistsException", act, **TABLE, PartitionIndex={"IndexName": "j", "Keys": ["year"]})
    assert "PartitionIndexes" not in glue.get_table(DatabaseName="db", Name="t")["Table"]


@pytest.mark.claim("GLUE-071")
def test_an_index_finds_what_a_scan_finds(glue: Any) -> None:
    rows = [(country, str(year), str(day)) for country in ("de", "us") for year in range(5) for day in range(30)]
    make(glue, "country string, year string, day int", *rows)
    expressions = ["year = '3'", "year = '3' AND country = 'us'", "year = '3' AND day < 4", "year = '3' OR day = 2"]
    scanned = [sorted(values(glue, expression)) for expression in expressions]
    glue.create_partition_index(**TABLE, PartitionIndex={"IndexName": "by_year", "Keys": ["year", "country"]})
    assert [sorted(values(glue, expression)) for expression in expressions] == scanned
    glue.delete_partition(**TABLE, PartitionValues=["us", "3", "0"])
    glue.create_partition(**TABLE, PartitionInput=partition("fr", "3", "0"))
    paged = values(glue, "year = '3'", PaginationConfig={"PageSize": 7})
    assert len(paged) == len(set(paged)) == 60
    assert ("us", "3", "0") not in paged
    assert ("fr", "3", "0") in paged


MANY = 100_000


@pytest.mark.claim("GLUE-068", "GLUE-076", "GLUE-077")
def test_an_index_spares_reading_all_of_very_many_partitions(lake: Any, glue: Any) -> None:
    make(glue, "year string, day string")
    inputs = [{"Values": [str(n % 7), str(n)]} for n in range(MANY)]
    refused("ValidationException", glue.batch_create_partition, **TABLE, PartitionInputList=inputs[:101])
    for start in range(0, MANY, 100):
        assert not glue.batch_create_partition(**TABLE, PartitionInputList=inputs[start : start + 100]).get("Errors")
    assert len(values(glue, "")) == MANY

    def seconds() -> float:
        runs = []
        for _ in range(3):
            begun = time.perf_counter()
            assert values(glue, "day = '12345'") == [("4", "12345")]
            runs.append(time.perf_counter() - begun)
        return min(runs)

    scan = seconds()
    glue.create_partition_index(**TABLE, PartitionIndex={"IndexName": "by_day", "Keys": ["day"]})
    assert glue.get_partition_indexes(**TABLE)["PartitionIndexDescriptorList"][0]["IndexStatus"] == "ACTIVE"
    assert seconds() < scan / 10
