"""Workgroups, named queries, prepared statements, data catalogs."""

from __future__ import annotations

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from .conftest import Athena


@pytest.mark.claim("ATH-010", "ATH-011", "ATH-507")
def test_history_is_kept_apart_per_workgroup(athena: Athena) -> None:
    for name in ("a", "b"):
        athena.client.create_work_group(
            Name=name, Configuration={"ResultConfiguration": {"OutputLocation": f"s3://results/{name}/"}}
        )
    mine = athena.start("SELECT 1", WorkGroup="a", ResultConfiguration={})
    other = athena.start("SELECT 2", WorkGroup="b", ResultConfiguration={})
    assert athena.client.list_query_executions(WorkGroup="a")["QueryExecutionIds"] == [mine]
    assert athena.finish(mine)["ResultConfiguration"]["OutputLocation"] == f"s3://results/a/{mine}.csv"
    athena.finish(other)


@pytest.mark.claim("ATH-013")
def test_an_enforced_workgroup_overrides_the_callers_location(athena: Athena) -> None:
    configuration = {
        "ResultConfiguration": {"OutputLocation": "s3://results/theirs/"},
        "EnforceWorkGroupConfiguration": True,
    }
    athena.client.create_work_group(Name="strict", Configuration=configuration)
    execution = athena.finish(athena.start("SELECT 1", WorkGroup="strict"))
    assert execution["ResultConfiguration"]["OutputLocation"].startswith("s3://results/theirs/")


@pytest.mark.claim("ATH-012")
def test_workgroups_are_tagged(athena: Athena) -> None:
    athena.client.create_work_group(Name="w", Tags=[{"Key": "team", "Value": "x"}])
    arn = "arn:aws:athena:us-east-1:000000000000:workgroup/w"
    athena.client.tag_resource(ResourceARN=arn, Tags=[{"Key": "b", "Value": "y"}])
    athena.client.untag_resource(ResourceARN=arn, TagKeys=["team"])
    assert athena.client.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": "y"}]


@pytest.mark.claim("ATH-014", "ATH-509", "ATH-519", "ATH-520", "ATH-521")
def test_a_query_over_the_scan_limit_is_cancelled_and_the_next_runs(athena: Athena) -> None:
    athena.put("big/a.csv", (b"x" * 99 + b"\n") * 120_000)
    athena.run("CREATE EXTERNAL TABLE big (v string) LOCATION 's3://data/big/'")
    unchecked = athena.lake.client("athena", config=Config(parameter_validation=False))
    with pytest.raises(ClientError, match=r"(?i)BytesScannedCutoffPerQuery"):
        unchecked.create_work_group(Name="low", Configuration={"BytesScannedCutoffPerQuery": 9_999_999})
    configuration = {
        "BytesScannedCutoffPerQuery": 10_000_000,
        "ResultConfiguration": {"OutputLocation": "s3://results/"},
    }
    athena.client.create_work_group(Name="capped", Configuration=configuration)
    execution = athena.finish(athena.start("SELECT count(*) FROM big", WorkGroup="capped"))
    assert execution["Status"]["State"] == "CANCELLED"
    assert execution["Status"]["StateChangeReason"] == "Bytes scanned limit was exceeded"
    assert athena.scanned > 10_000_000
    again = athena.finish(athena.start("SELECT max(v) FROM big", WorkGroup="capped"))
    assert again["Status"]["State"] == "CANCELLED"
    assert athena.rows("SELECT 1", WorkGroup="capped") == [["1"]]
    assert athena.rows("SELECT count(*) FROM big") == [["120000"]]


def test_a_disabled_workgroup_takes_no_query(athena: Athena) -> None:
    athena.client.create_work_group(Name="off")
    athena.client.update_work_group(WorkGroup="off", State="DISABLED", Description="closed")
    group = athena.client.get_work_group(WorkGroup="off")["WorkGroup"]
    assert (group["State"], group["Description"]) == ("DISABLED", "closed")
    with pytest.raises(ClientError, match="disabled"):
        athena.start("SELECT 1", WorkGroup="off")


def test_primary_is_there_and_stays(athena: Athena) -> None:
    assert [group["Name"] for group in athena.client.list_work_groups()["WorkGroups"]] == ["primary"]
    with pytest.raises(ClientError):
        athena.client.delete_work_group(WorkGroup="primary")


def test_a_new_workgroup_has_the_settings_aws_gives_it(athena: Athena) -> None:
    athena.client.create_work_group(Name="plain")
    group = athena.client.get_work_group(WorkGroup="plain")["WorkGroup"]
    engine = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}
    assert group["Configuration"] == {
        "EnforceWorkGroupConfiguration": True,
        "EnableMinimumEncryptionConfiguration": False,
        "PublishCloudWatchMetricsEnabled": False,
        "RequesterPaysEnabled": False,
        "EngineVersion": engine,
    }
    assert "Description" not in group


def test_what_is_wrong_with_a_workgroups_name(athena: Athena) -> None:
    for ask in (athena.client.get_work_group, athena.client.delete_work_group):
        with pytest.raises(ClientError, match=r"WorkGroup is not found\.") as refused:
            ask(WorkGroup="nope")
        assert refused.value.response["AthenaErrorCode"] == "INVALID_INPUT"
    with pytest.raises(ClientError, match=r"WorkGroup is not found\."):
        athena.start("SELECT 1", WorkGroup="nope")
    athena.client.create_work_group(Name="twice")
    with pytest.raises(ClientError, match="WorkGroup is already created"):
        athena.client.create_work_group(Name="twice")


def test_a_workgroup_with_queries_is_deleted_recursively_only(athena: Athena) -> None:
    athena.client.create_work_group(Name="w")
    athena.client.create_named_query(Name="n", Database="db", QueryString="SELECT 1", WorkGroup="w")
    with pytest.raises(ClientError, match="not empty"):
        athena.client.delete_work_group(WorkGroup="w")
    athena.client.delete_work_group(WorkGroup="w", RecursiveDeleteOption=True)
    assert athena.client.list_named_queries()["NamedQueryIds"] == []


def test_named_queries(athena: Athena) -> None:
    identity = athena.client.create_named_query(Name="n", Database="db", QueryString="SELECT 1")["NamedQueryId"]
    found = athena.client.get_named_query(NamedQueryId=identity)["NamedQuery"]
    assert (found["Name"], found["QueryString"], found["WorkGroup"]) == ("n", "SELECT 1", "primary")
    answer = athena.client.batch_get_named_query(NamedQueryIds=[identity, "nope"])
    assert len(answer["NamedQueries"]) == len(answer["UnprocessedNamedQueryIds"]) == 1
    athena.client.delete_named_query(NamedQueryId=identity)
    assert athena.client.list_named_queries()["NamedQueryIds"] == []


def test_prepared_statements(athena: Athena) -> None:
    athena.client.create_prepared_statement(StatementName="plus", WorkGroup="primary", QueryStatement="SELECT ?")
    athena.client.update_prepared_statement(StatementName="plus", WorkGroup="primary", QueryStatement="SELECT ? + 1")
    found = athena.client.get_prepared_statement(StatementName="plus", WorkGroup="primary")["PreparedStatement"]
    assert found["QueryStatement"] == "SELECT ? + 1"
    listed = athena.client.list_prepared_statements(WorkGroup="primary")["PreparedStatements"]
    assert [item["StatementName"] for item in listed] == ["plus"]
    athena.client.delete_prepared_statement(StatementName="plus", WorkGroup="primary")
    with pytest.raises(ClientError, match="was not found"):
        athena.client.get_prepared_statement(StatementName="plus", WorkGroup="primary")


def test_data_catalogs_and_metadata(athena: Athena) -> None:
    athena.client.create_data_catalog(Name="mine", Type="GLUE", Parameters={"catalog-id": "123456789012"})
    names = [item["CatalogName"] for item in athena.client.list_data_catalogs()["DataCatalogsSummary"]]
    assert names == ["AwsDataCatalog", "mine"]
    athena.csv_table()
    listed = athena.client.list_table_metadata(CatalogName="AwsDataCatalog", DatabaseName="db")["TableMetadataList"]
    assert [table["Name"] for table in listed] == ["logs"]
    assert [key["Name"] for key in listed[0]["PartitionKeys"]] == ["day"]
    assert athena.client.list_databases(CatalogName="AwsDataCatalog")["DatabaseList"][0]["Name"] == "db"
    with pytest.raises(ClientError, match="not found"):
        athena.client.get_table_metadata(CatalogName="AwsDataCatalog", DatabaseName="db", TableName="nope")
