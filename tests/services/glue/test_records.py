"""Connections, functions, statistics, classifiers and tags: what the catalog keeps beside tables."""

from typing import Any

import pytest
from botocore.exceptions import ClientError


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


def jdbc(name: str, **members: Any) -> dict[str, Any]:
    properties = {"JDBC_CONNECTION_URL": "jdbc:postgresql://h/db", "USERNAME": "u", "PASSWORD": "secret"}
    return {"Name": name, "ConnectionType": "JDBC", "ConnectionProperties": properties, **members}


@pytest.mark.claim("GLUE-029")
def test_a_connection_keeps_how_to_reach_a_store_and_hides_the_password(glue: Any) -> None:
    place = {"SubnetId": "subnet-1", "SecurityGroupIdList": ["sg-1"], "AvailabilityZone": "us-east-1a"}
    glue.create_connection(ConnectionInput=jdbc("c", PhysicalConnectionRequirements=place))
    shown = glue.get_connection(Name="c")["Connection"]
    assert shown["ConnectionProperties"]["PASSWORD"] == "secret"
    assert shown["PhysicalConnectionRequirements"] == place
    hidden = glue.get_connection(Name="c", HidePassword=True)["Connection"]
    assert hidden["ConnectionProperties"] == {"JDBC_CONNECTION_URL": "jdbc:postgresql://h/db", "USERNAME": "u"}
    assert "PASSWORD" not in glue.get_connections(HidePassword=True)["ConnectionList"][0]["ConnectionProperties"]


@pytest.mark.claim("GLUE-570")
def test_a_store_that_glue_does_not_know_is_no_type_of_connection(glue: Any) -> None:
    for kind in ("REDIS", "ELASTICACHE"):
        given = jdbc("c", ConnectionType=kind)
        message = refused("ValidationException", glue.create_connection, ConnectionInput=given)
        assert "connectionInput.connectionType" in message
    assert glue.get_connections()["ConnectionList"] == []


def test_connections_are_filtered_changed_and_deleted(glue: Any) -> None:
    glue.create_connection(ConnectionInput=jdbc("a", MatchCriteria=["x", "y"]))
    network = {"Name": "n", "ConnectionType": "NETWORK", "ConnectionProperties": {}}
    glue.create_connection(ConnectionInput=network)
    refused("AlreadyExistsException", glue.create_connection, ConnectionInput=network)
    found = glue.get_connections(Filter={"MatchCriteria": ["y"]})["ConnectionList"]
    assert [connection["Name"] for connection in found] == ["a"]
    found = glue.get_connections(Filter={"ConnectionType": "NETWORK"})["ConnectionList"]
    assert [connection["Name"] for connection in found] == ["n"]
    glue.update_connection(Name="a", ConnectionInput=jdbc("a", Description="new"))
    assert glue.get_connection(Name="a")["Connection"]["Description"] == "new"
    answer = glue.batch_delete_connection(ConnectionNameList=["a", "nil"])
    assert answer["Succeeded"] == ["a"]
    assert answer["Errors"]["nil"]["ErrorCode"] == "EntityNotFoundException"
    assert refused("EntityNotFoundException", glue.get_connection, Name="a") == "Connection a not found."


def test_functions_are_found_by_pattern(glue: Any) -> None:
    for name in ("Upper", "lower", "upside"):
        given = {"FunctionName": name, "ClassName": "x.Y", "OwnerName": "me", "OwnerType": "USER"}
        glue.create_user_defined_function(DatabaseName="db", FunctionInput=given)
    found = glue.get_user_defined_functions(DatabaseName="db", Pattern="up*")["UserDefinedFunctions"]
    assert [function["FunctionName"] for function in found] == ["upper", "upside"]
    assert len(glue.get_user_defined_functions(Pattern="*")["UserDefinedFunctions"]) == 3
    changed = {"FunctionName": "upper", "ClassName": "x.Z"}
    glue.update_user_defined_function(DatabaseName="db", FunctionName="upper", FunctionInput=changed)
    one = glue.get_user_defined_function(DatabaseName="db", FunctionName="UPPER")["UserDefinedFunction"]
    assert one["ClassName"] == "x.Z"
    glue.delete_user_defined_function(DatabaseName="db", FunctionName="upper")
    refused("EntityNotFoundException", glue.get_user_defined_function, DatabaseName="db", FunctionName="upper")


LONG = {
    "Type": "LONG",
    "LongColumnStatisticsData": {"NumberOfNulls": 1, "NumberOfDistinctValues": 2, "MaximumValue": 9},
}


def statistic(column: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"ColumnName": column, "ColumnType": "bigint", "AnalyzedTime": 1_700_000_000, "StatisticsData": data}


def test_column_statistics_are_kept_by_table_and_partition(glue: Any) -> None:
    storage = {"Columns": [{"Name": "id", "Type": "bigint"}]}
    keys = [{"Name": "p", "Type": "string"}]
    table = {"Name": "t", "StorageDescriptor": storage, "PartitionKeys": keys}
    glue.create_table(DatabaseName="db", TableInput=table)
    glue.create_partition(DatabaseName="db", TableName="t", PartitionInput={"Values": ["1"]})
    of = {"DatabaseName": "db", "TableName": "t"}
    wrong = {"Type": "STRING", "LongColumnStatisticsData": LONG["LongColumnStatisticsData"]}
    given = [statistic("id", LONG), statistic("nil", LONG), statistic("id", wrong)]
    errors = glue.update_column_statistics_for_table(**of, ColumnStatisticsList=given)["Errors"]
    assert [error["Error"]["ErrorCode"] for error in errors] == ["EntityNotFoundException", "InvalidInputException"]
    found = glue.get_column_statistics_for_table(**of, ColumnNames=["id", "x"])
    assert [one["StatisticsData"] for one in found["ColumnStatisticsList"]] == [LONG]
    assert [error["ColumnName"] for error in found["Errors"]] == ["x"]
    part = {**of, "PartitionValues": ["1"]}
    glue.update_column_statistics_for_partition(**part, ColumnStatisticsList=[statistic("id", LONG)])
    glue.delete_column_statistics_for_table(**of, ColumnName="id")
    assert glue.get_column_statistics_for_table(**of, ColumnNames=["id"])["ColumnStatisticsList"] == []
    assert len(glue.get_column_statistics_for_partition(**part, ColumnNames=["id"])["ColumnStatisticsList"]) == 1
    act = glue.get_column_statistics_for_partition
    refused("EntityNotFoundException", act, **of, PartitionValues=["9"], ColumnNames=["id"])


def test_classifiers_are_kept_with_their_version(glue: Any) -> None:
    glue.create_classifier(CsvClassifier={"Name": "c", "Delimiter": ";"})
    glue.create_classifier(GrokClassifier={"Name": "g", "Classification": "log", "GrokPattern": "%{WORD:a}"})
    glue.update_classifier(CsvClassifier={"Name": "c", "ContainsHeader": "PRESENT"})
    found = glue.get_classifier(Name="c")["Classifier"]["CsvClassifier"]
    assert (found["Delimiter"], found["ContainsHeader"], found["Version"]) == (";", "PRESENT", 2)
    assert len(glue.get_classifiers()["Classifiers"]) == 2
    refused("AlreadyExistsException", glue.create_classifier, CsvClassifier={"Name": "c"})
    same = {"Name": "s", "Delimiter": "'", "QuoteSymbol": "'"}
    refused("InvalidInputException", glue.create_classifier, CsvClassifier=same)
    glue.delete_classifier(Name="c")
    refused("EntityNotFoundException", glue.get_classifier, Name="c")


def test_tags_come_and_go(glue: Any) -> None:
    glue.create_database(DatabaseInput={"Name": "tagged"}, Tags={"a": "1", "b": "2"})
    arn = "arn:aws:glue:us-east-1:000000000000:database/tagged"
    glue.tag_resource(ResourceArn=arn, TagsToAdd={"b": "3", "c": "4"})
    glue.untag_resource(ResourceArn=arn, TagsToRemove=["a"])
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"b": "3", "c": "4"}
    refused("EntityNotFoundException", glue.get_tags, ResourceArn=f"{arn}x")
    refused("InvalidInputException", glue.get_tags, ResourceArn="arn:aws:glue:us-east-1:000000000000:nil/x")
