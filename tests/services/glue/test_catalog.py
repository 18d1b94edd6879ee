"""Databases, tables and their versions."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

COLUMNS = [{"Name": "id", "Type": "int"}, {"Name": "name", "Type": "string"}]


def table(name: str, **members: Any) -> dict[str, Any]:
    return {"Name": name, "StorageDescriptor": {"Columns": COLUMNS, "Location": "s3://b/x/"}, **members}


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


@pytest.mark.claim("GLUE-025")
def test_databases_hold_their_own_tables(glue: Any) -> None:
    glue.create_database(DatabaseInput={"Name": "Other", "Description": "d", "Parameters": {"a": "b"}})
    for database in ("db", "other"):
        glue.create_table(DatabaseName=database, TableInput=table("same"))
    assert [found["DatabaseName"] for found in glue.get_tables(DatabaseName="db")["TableList"]] == ["db"]
    found = glue.get_database(Name="OTHER")["Database"]
    assert (found["Name"], found["Description"], found["Parameters"]) == ("other", "d", {"a": "b"})
    assert found["CatalogId"] == glue.get_databases()["DatabaseList"][0]["CatalogId"]


def test_databases_are_refused_as_aws_refuses(glue: Any) -> None:
    assert refused("AlreadyExistsException", glue.create_database, DatabaseInput={"Name": "DB"})
    assert refused("EntityNotFoundException", glue.get_database, Name="x") == "Database x not found."
    assert refused("EntityNotFoundException", glue.delete_database, Name="x") == "Database x not found."
    assert refused("EntityNotFoundException", glue.update_database, Name="x", DatabaseInput={"Name": "x"})


def test_databases_come_by_pages(glue: Any) -> None:
    for number in range(5):
        glue.create_database(DatabaseInput={"Name": f"d{number}"})
    pages = list(glue.get_paginator("get_databases").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["DatabaseList"]) for page in pages] == [2, 2, 2]
    assert refused("InvalidInputException", glue.get_databases, NextToken="forged")


@pytest.mark.claim("GLUE-026")
def test_a_table_needs_its_database(glue: Any) -> None:
    message = refused("EntityNotFoundException", glue.create_table, DatabaseName="nil", TableInput=table("t"))
    assert message == "Database nil not found."
    message = refused("EntityNotFoundException", glue.get_table, DatabaseName="db", Name="t")
    assert message == "Table t not found."


@pytest.mark.claim("GLUE-040")
def test_a_table_comes_back_as_it_was_given(glue: Any) -> None:
    given = table(
        "Flights",
        Description="d",
        Owner="me",
        TableType="EXTERNAL_TABLE",
        Parameters={"classification": "parquet"},
        PartitionKeys=[{"Name": "year", "Type": "int", "Comment": "c"}],
    )
    given["StorageDescriptor"] |= {
        "InputFormat": "i",
        "OutputFormat": "o",
        "Compressed": True,
        "NumberOfBuckets": -1,
        "SerdeInfo": {"SerializationLibrary": "s", "Parameters": {"serialization.format": "1"}},
        "BucketColumns": ["id"],
        "SortColumns": [{"Column": "id", "SortOrder": 1}],
        "Parameters": {"k": "v"},
        "StoredAsSubDirectories": False,
    }
    glue.create_table(DatabaseName="db", TableInput=given)
    found = glue.get_table(DatabaseName="db", Name="FLIGHTS")["Table"]
    assert {name: found[name] for name in given} == {**given, "Name": "flights"}
    assert found["VersionId"] == "0"
    assert found["CreateTime"] == found["UpdateTime"]
    assert refused("AlreadyExistsException", glue.create_table, DatabaseName="db", TableInput=given)


def test_a_column_may_be_given_once(glue: Any) -> None:
    given = table("t", PartitionKeys=[{"Name": "ID", "Type": "int"}])
    refused("InvalidInputException", glue.create_table, DatabaseName="db", TableInput=given)


NAMES = ["mytable_1", "mytable_two", "other_mine", "x", "x.y"]
EXPRESSIONS = [
    (r"mytable_\w+", 2), ("*", 5), ("my*", 2), ("*mine", 1), ("x.*", 2), ("x|other.*", 2), (r"\w+", 4), ("", 5),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "count"), EXPRESSIONS)
def test_tables_are_found_by_expression(glue: Any, expression: str, count: int) -> None:
    for name in NAMES:
        glue.create_table(DatabaseName="db", TableInput=table(name))
    assert len(glue.get_tables(DatabaseName="db", Expression=expression)["TableList"]) == count
    refused("InvalidInputException", glue.get_tables, DatabaseName="db", Expression="(")


def test_an_update_makes_a_version_and_skip_archive_forgets_the_former(glue: Any) -> None:
    glue.create_table(DatabaseName="db", TableInput=table("t", Description="0"))
    glue.update_table(DatabaseName="db", TableInput=table("t", Description="1"))
    glue.update_table(DatabaseName="db", TableInput=table("t", Description="2"), SkipArchive=True)
    versions = glue.get_table_versions(DatabaseName="db", TableName="t")["TableVersions"]
    assert [(v["VersionId"], v["Table"]["Description"]) for v in versions] == [("0", "0"), ("2", "2")]
    current = glue.get_table_version(DatabaseName="db", TableName="t")["TableVersion"]
    assert current["Table"]["VersionId"] == current["VersionId"] == "2"
    glue.delete_table_version(DatabaseName="db", TableName="t", VersionId="0")
    answer = glue.batch_delete_table_version(DatabaseName="db", TableName="t", VersionIds=["0", "2"])
    assert [error["ErrorDetail"]["ErrorCode"] for error in answer["Errors"]] == [
        "EntityNotFoundException",
        "InvalidInputException",
    ]
    act = glue.get_table_version
    assert refused("EntityNotFoundException", act, DatabaseName="db", TableName="t", VersionId="9")
    assert refused("InvalidInputException", act, DatabaseName="db", TableName="t", VersionId="9x")


def test_an_update_of_a_version_that_is_no_longer_current_is_refused(glue: Any) -> None:
    glue.create_table(DatabaseName="db", TableInput=table("t"))
    glue.update_table(DatabaseName="db", TableInput=table("t"), VersionId="0")
    request = {"DatabaseName": "db", "TableInput": table("t"), "VersionId": "0"}
    refused("ConcurrentModificationException", glue.update_table, **request)
    assert glue.get_table(DatabaseName="db", Name="t")["Table"]["VersionId"] == "1"


def test_deleting_a_database_deletes_all_in_it(glue: Any) -> None:
    glue.create_table(DatabaseName="db", TableInput=table("t", PartitionKeys=[{"Name": "p", "Type": "string"}]))
    glue.create_partition(DatabaseName="db", TableName="t", PartitionInput={"Values": ["1"]})
    glue.delete_database(Name="db")
    glue.create_database(DatabaseInput={"Name": "db"})
    assert glue.get_tables(DatabaseName="db")["TableList"] == []
    glue.create_table(DatabaseName="db", TableInput=table("t", PartitionKeys=[{"Name": "p", "Type": "string"}]))
    assert glue.get_partitions(DatabaseName="db", TableName="t")["Partitions"] == []


def test_batch_delete_names_what_was_not_there(glue: Any) -> None:
    glue.create_table(DatabaseName="db", TableInput=table("t"))
    errors = glue.batch_delete_table(DatabaseName="db", TablesToDelete=["t", "u"])["Errors"]
    assert [(error["TableName"], error["ErrorDetail"]["ErrorCode"]) for error in errors] == [
        ("u", "EntityNotFoundException")
    ]
    assert glue.get_tables(DatabaseName="db")["TableList"] == []


def test_search_looks_through_all_databases(glue: Any) -> None:
    glue.create_database(DatabaseInput={"Name": "second"})
    glue.create_table(DatabaseName="db", TableInput=table("orders_eu", Parameters={"classification": "csv"}))
    glue.create_table(DatabaseName="second", TableInput=table("orders_us", Parameters={"classification": "parquet"}))
    glue.create_table(DatabaseName="second", TableInput=table("people"))
    found = glue.search_tables(SearchText="Orders", SortCriteria=[{"FieldName": "Name", "Sort": "DESC"}])
    assert [one["Name"] for one in found["TableList"]] == ["orders_us", "orders_eu"]
    filters = [{"Key": "classification", "Value": "csv"}]
    assert [one["Name"] for one in glue.search_tables(Filters=filters)["TableList"]] == ["orders_eu"]


def of_store(name: str, location: str, **parameters: str) -> dict[str, Any]:
    return {"Name": name, "StorageDescriptor": {"Columns": COLUMNS, "Location": location}, "Parameters": parameters}


@pytest.mark.claim("GLUE-004", "GLUE-027")
def test_one_database_and_one_search_hold_tables_of_many_stores(glue: Any) -> None:
    stores = {
        "orders_s3": ("s3://lake/orders/", "parquet"),
        "orders_jdbc": ("shop.public.orders", "postgresql"),
        "orders_dynamodb": ("arn:aws:dynamodb:us-east-1:000000000000:table/orders", "dynamodb"),
        "orders_kafka": ("orders-topic", "json"),
    }
    for name, (location, kind) in stores.items():
        glue.create_table(DatabaseName="db", TableInput=of_store(name, location, classification=kind))
    glue.create_table(DatabaseName="db", TableInput=of_store("people", "s3://lake/people/"))
    listed = {
        one["Name"]: one["StorageDescriptor"]["Location"] for one in glue.get_tables(DatabaseName="db")["TableList"]
    }
    assert listed == {"people": "s3://lake/people/", **{name: location for name, (location, _) in stores.items()}}
    found = glue.search_tables(SearchText="orders")["TableList"]
    assert {one["Name"]: one["Parameters"]["classification"] for one in found} == {
        name: kind for name, (_, kind) in stores.items()
    }


def test_catalogs_of_others_and_iceberg_creation_say_501(glue: Any) -> None:
    refused("NotImplemented", glue.get_databases, CatalogId="999999999999")
    iceberg = {"IcebergInput": {"MetadataOperation": "CREATE"}}
    request = {"DatabaseName": "db", "TableInput": table("t"), "OpenTableFormatInput": iceberg}
    refused("NotImplemented", glue.create_table, **request)


def test_accounts_and_regions_have_catalogs_of_their_own(lake: Any, glue: Any) -> None:
    assert lake.client("glue", region="eu-west-1").get_databases()["DatabaseList"] == []
    other = lake.client("glue", account="111111111111")
    assert other.get_databases()["DatabaseList"] == []
