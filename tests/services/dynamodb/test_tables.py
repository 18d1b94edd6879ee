"""Tables: schemas, indexes, modes, and what AWS says against others."""

from __future__ import annotations

from typing import Any

import pytest

from pocketlake.services.dynamodb import backfill

from .conftest import definitions, index, invalid, make, refusal, schema, units

BAD = "One or more parameter values were invalid: "


@pytest.mark.claim("DDB-001", "DDB-511")
def test_on_demand_table_needs_no_capacity_and_serves_at_once(dynamodb: Any) -> None:
    made = dynamodb.create_table(
        TableName="free",
        KeySchema=schema("p:S"),
        AttributeDefinitions=definitions("p:S"),
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]
    assert made["TableStatus"] == "CREATING"
    dynamodb.put_item(TableName="free", Item={"p": {"S": "a"}})
    found = dynamodb.describe_table(TableName="free")["Table"]
    assert found["TableStatus"] == "ACTIVE"
    assert found["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert found["ItemCount"] == 1
    assert found["TableArn"] == "arn:aws:dynamodb:us-east-1:000000000000:table/free"


@pytest.mark.claim("DDB-501")
def test_provisioned_throughput_is_stated_and_changed(dynamodb: Any) -> None:
    make(dynamodb, "paid", "p:S", ProvisionedThroughput=units(5, 6))
    dynamodb.update_table(TableName="paid", ProvisionedThroughput=units(7, 4))
    found = dynamodb.describe_table(TableName="paid")["Table"]["ProvisionedThroughput"]
    assert (found["ReadCapacityUnits"], found["WriteCapacityUnits"]) == (7, 4)
    assert found["NumberOfDecreasesToday"] == 1
    assert "will not change" in invalid(dynamodb.update_table, TableName="paid", ProvisionedThroughput=units(7, 4))


CASES: list[tuple[dict[str, Any], str]] = [
    ({}, f"{BAD}ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"),
    (
        {"BillingMode": "PAY_PER_REQUEST", "ProvisionedThroughput": units(1, 1)},
        f"{BAD}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
    ),
    (
        {"ProvisionedThroughput": units(1000000000001, 1)},
        "Given value 1000000000001 for ReadCapacityUnits is out of bounds",
    ),
    (
        {"BillingMode": "PAY_PER_REQUEST", "KeySchema": schema("q:S")},
        f"{BAD}Some index key attributes are not defined in AttributeDefinitions. Keys: [q], AttributeDefinitions: [p]",
    ),
    (
        {"BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": definitions("p:S", "q:S")},
        f"{BAD}Number of attributes in KeySchema does not exactly match "
        "number of attributes defined in AttributeDefinitions",
    ),
    (
        {"BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "p", "KeyType": "RANGE"}]},
        "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
    ),
    (
        {"BillingMode": "PAY_PER_REQUEST", "LocalSecondaryIndexes": []},
        f"{BAD}List of LocalSecondaryIndexes is empty",
    ),
    (
        {"BillingMode": "PAY_PER_REQUEST", "GlobalSecondaryIndexes": []},
        f"{BAD}List of GlobalSecondaryIndexes is empty",
    ),
]


@pytest.mark.parametrize(("change", "message"), CASES)
def test_schema_is_refused_in_aws_words(dynamodb: Any, change: dict[str, Any], message: str) -> None:
    request = {"TableName": "bad", "KeySchema": schema("p:S"), "AttributeDefinitions": definitions("p:S")}
    assert invalid(dynamodb.create_table, **{**request, **change}) == message


@pytest.mark.claim("DDB-007", "DDB-548", "DDB-549", "DDB-011", "DDB-008", "DDB-550")
def test_local_indexes_come_with_the_table_five_at_most_and_share_its_hash_key(dynamodb: Any) -> None:
    five = [index(f"by{n}", "p:S", f"a{n}:S") for n in range(5)]
    also = tuple(f"a{n}:S" for n in range(6))
    make(dynamodb, "five", "p:S", "s:N", also=also[:5], LocalSecondaryIndexes=five)
    found = dynamodb.describe_table(TableName="five")["Table"]["LocalSecondaryIndexes"]
    assert len(found) == 5
    six = [*five, index("by5", "p:S", "a5:S")]
    request = {"TableName": "six", "BillingMode": "PAY_PER_REQUEST", "KeySchema": schema("p:S", "s:N")}
    defined = definitions("p:S", "s:N", *also)
    message = invalid(dynamodb.create_table, **request, AttributeDefinitions=defined, LocalSecondaryIndexes=six)
    assert message == f"{BAD}Number of LocalSecondaryIndexes exceeds per-table limit of 5"
    simple = {**request, "KeySchema": schema("p:S"), "AttributeDefinitions": definitions("p:S", "a0:S")}
    message = invalid(dynamodb.create_table, **simple, LocalSecondaryIndexes=five[:1])
    assert message.startswith(f"{BAD}Table KeySchema does not have a range key")
    other = [index("other", "s:N", "a0:S")]
    message = invalid(
        dynamodb.create_table,
        **request,
        AttributeDefinitions=definitions("p:S", "s:N", "a0:S"),
        LocalSecondaryIndexes=other,
    )
    assert "does not have the same leading hash key as table KeySchema for index: other" in message
    assert "LocalSecondaryIndexes" not in dynamodb.meta.service_model.operation_model("UpdateTable").input_shape.members


@pytest.mark.claim("DDB-009")
def test_local_index_cannot_be_deleted(dynamodb: Any) -> None:
    make(dynamodb, "kept", "p:S", "s:N", also=("a:S",), LocalSecondaryIndexes=[index("by-a", "p:S", "a:S")])
    code, _ = refusal(
        dynamodb.update_table, TableName="kept", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-a"}}]
    )
    assert code == "ResourceNotFoundException"
    assert len(dynamodb.describe_table(TableName="kept")["Table"]["LocalSecondaryIndexes"]) == 1


@pytest.mark.claim("DDB-010")
def test_twenty_global_indexes_and_no_more(dynamodb: Any) -> None:
    names = [f"g{n:02}" for n in range(21)]
    also = tuple(f"{name}:S" for name in names)
    many = [index(name, f"{name}:S") for name in names]
    make(dynamodb, "twenty", "p:S", also=also[:20], GlobalSecondaryIndexes=many[:20])
    message = invalid(
        dynamodb.create_table,
        TableName="more",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=schema("p:S"),
        AttributeDefinitions=definitions("p:S", *also),
        GlobalSecondaryIndexes=many,
    )
    assert message == f"{BAD}GlobalSecondaryIndex count exceeds the per-table limit of 20"
    message = invalid(
        dynamodb.update_table,
        TableName="twenty",
        AttributeDefinitions=definitions(also[20]),
        GlobalSecondaryIndexUpdates=[{"Create": many[20]}],
    )
    assert message == f"{BAD}GlobalSecondaryIndex count exceeds the per-table limit of 20"


@pytest.mark.claim("DDB-555")
def test_global_index_of_a_provisioned_table_needs_throughput(dynamodb: Any) -> None:
    message = invalid(
        dynamodb.create_table,
        TableName="bare",
        KeySchema=schema("p:S"),
        AttributeDefinitions=definitions("p:S", "g:S"),
        ProvisionedThroughput=units(1, 1),
        GlobalSecondaryIndexes=[index("by-g", "g:S")],
    )
    assert message == f"{BAD}ProvisionedThroughput is not specified for index: by-g"


@pytest.mark.claim("DDB-554")
def test_global_index_is_added_filled_and_deleted(
    lake: Any, dynamodb: Any, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "AT_ONCE", 7)
    for number in range(30):
        item = {"p": {"S": "a"}, "s": {"N": str(number)}, "color": {"S": "red" if number % 3 else "blue"}}
        dynamodb.put_item(TableName=table, Item=item)
    made = dynamodb.update_table(
        TableName=table,
        AttributeDefinitions=definitions("color:S", "s:N"),
        GlobalSecondaryIndexUpdates=[{"Create": index("by-color", "color:S", "s:N", projection="KEYS_ONLY")}],
    )["TableDescription"]
    assert made["TableStatus"] == "UPDATING"
    assert made["GlobalSecondaryIndexes"][0]["IndexStatus"] == "CREATING"
    assert made["GlobalSecondaryIndexes"][0]["Backfilling"] is True
    lake.clock.advance(seconds=1)
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert described["TableStatus"] == "ACTIVE"
    assert described["GlobalSecondaryIndexes"][0]["IndexStatus"] == "ACTIVE"
    assert described["GlobalSecondaryIndexes"][0]["ItemCount"] == 30
    blue = dynamodb.query(
        TableName=table,
        IndexName="by-color",
        KeyConditionExpression="color = :c",
        ExpressionAttributeValues={":c": {"S": "blue"}},
    )["Items"]
    assert [int(item["s"]["N"]) for item in blue] == list(range(0, 30, 3))
    dynamodb.update_table(TableName=table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-color"}}])
    assert "GlobalSecondaryIndexes" not in dynamodb.describe_table(TableName=table)["Table"]


@pytest.mark.claim("DDB-512")
def test_four_switches_to_on_demand_in_a_day(lake: Any, dynamodb: Any, table: str) -> None:
    def back_and_forth() -> None:
        dynamodb.update_table(TableName=table, BillingMode="PROVISIONED", ProvisionedThroughput=units(1, 1))
        dynamodb.update_table(TableName=table, BillingMode="PAY_PER_REQUEST")

    for _ in range(4):
        back_and_forth()
    dynamodb.update_table(TableName=table, BillingMode="PROVISIONED", ProvisionedThroughput=units(1, 1))
    code, _ = refusal(dynamodb.update_table, TableName=table, BillingMode="PAY_PER_REQUEST")
    assert code == "LimitExceededException"
    lake.clock.advance(hours=25)
    dynamodb.update_table(TableName=table, BillingMode="PAY_PER_REQUEST")


def test_tables_are_listed_by_name_in_pages_and_deleted_with_their_items(dynamodb: Any) -> None:
    for name in ("bbb", "aaa", "ccc"):
        make(dynamodb, name, "p:S")
    first = dynamodb.list_tables(Limit=2)
    assert (first["TableNames"], first["LastEvaluatedTableName"]) == (["aaa", "bbb"], "bbb")
    assert dynamodb.list_tables(ExclusiveStartTableName="bbb")["TableNames"] == ["ccc"]
    dynamodb.put_item(TableName="aaa", Item={"p": {"S": "old"}})
    assert dynamodb.delete_table(TableName="aaa")["TableDescription"]["TableStatus"] == "DELETING"
    code, message = refusal(dynamodb.describe_table, TableName="aaa")
    assert (code, message) == ("ResourceNotFoundException", "Requested resource not found: Table: aaa not found")
    make(dynamodb, "aaa", "p:S")
    assert dynamodb.scan(TableName="aaa")["Count"] == 0
    assert refusal(
        dynamodb.create_table,
        TableName="aaa",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=schema("p:S"),
        AttributeDefinitions=definitions("p:S"),
    ) == ("ResourceInUseException", "Table already exists: aaa")


def test_protected_table_is_not_deleted(dynamodb: Any) -> None:
    make(dynamodb, "safe", "p:S", DeletionProtectionEnabled=True)
    assert "can't be deleted while DeletionProtectionEnabled" in invalid(dynamodb.delete_table, TableName="safe")
    dynamodb.update_table(TableName="safe", DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName="safe")


def test_what_is_not_built_says_so(dynamodb: Any) -> None:
    request = {"TableName": "locked", "KeySchema": schema("p:S"), "AttributeDefinitions": definitions("p:S")}
    code, message = refusal(
        dynamodb.create_table, **request, BillingMode="PAY_PER_REQUEST", SSESpecification={"Enabled": True}
    )
    assert (code, "SSESpecification" in message) == ("NotImplemented", True)


def test_tags_and_policies_are_kept_with_the_table(dynamodb: Any, table: str) -> None:
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "a"}, {"Key": "cost", "Value": "b"}])
    dynamodb.untag_resource(ResourceArn=arn, TagKeys=["cost"])
    assert dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "a"}]
    assert refusal(dynamodb.get_resource_policy, ResourceArn=arn)[0] == "PolicyNotFoundException"
    revision = dynamodb.put_resource_policy(ResourceArn=arn, Policy='{"Statement": []}')["RevisionId"]
    assert dynamodb.get_resource_policy(ResourceArn=arn)["RevisionId"] == revision
    assert dynamodb.delete_resource_policy(ResourceArn=arn)["RevisionId"] == revision
