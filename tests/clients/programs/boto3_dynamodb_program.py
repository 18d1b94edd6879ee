"""boto3's resource layer over DynamoDB, unchanged: tables and items as objects, conditions as expressions of Python."""

from __future__ import annotations

from decimal import Decimal

import boto3
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

BY_CARRIER = {
    "IndexName": "by-carrier",
    "KeySchema": [{"AttributeName": "carrier", "KeyType": "HASH"}, {"AttributeName": "delay", "KeyType": "RANGE"}],
    "Projection": {"ProjectionType": "ALL"},
}


def make(dynamodb):
    table = dynamodb.create_table(
        TableName="flights",
        KeySchema=[{"AttributeName": "day", "KeyType": "HASH"}, {"AttributeName": "number", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind}
            for name, kind in (("day", "S"), ("number", "N"), ("carrier", "S"), ("delay", "N"))
        ],
        GlobalSecondaryIndexes=[BY_CARRIER],
        BillingMode="PAY_PER_REQUEST",
    )
    table.wait_until_exists()
    table.reload()
    assert table.table_status == "ACTIVE"
    return table


def write(table) -> None:
    """120 flights in batches; of those with the same key the last one stays."""
    with table.batch_writer(overwrite_by_pkeys=["day", "number"]) as batch:
        for number in range(120):
            flight = {"day": f"2013-01-{number % 3 + 1:02}", "number": number, "carrier": "UA", "delay": Decimal(-1)}
            batch.put_item(Item=flight)
            batch.put_item(Item={**flight, "carrier": ["UA", "B6"][number % 2], "delay": Decimal(number) / 4})
        batch.delete_item(Key={"day": "2013-01-01", "number": 0})
    assert table.scan(Select="COUNT")["Count"] == 119


def read(table) -> None:
    found = table.query(
        KeyConditionExpression=Key("day").eq("2013-01-02") & Key("number").between(10, 40),
        FilterExpression=Attr("carrier").eq("B6") | Attr("delay").lt(3),
        ProjectionExpression="#n, delay",
        ExpressionAttributeNames={"#n": "number"},
    )
    assert [int(item["number"]) for item in found["Items"]] == [10, 13, 19, 25, 31, 37]
    assert set(found["Items"][0]) == {"number", "delay"}
    late = table.query(
        IndexName="by-carrier",
        KeyConditionExpression=Key("carrier").eq("B6") & Key("delay").gte(Decimal("29.5")),
        ScanIndexForward=False,
    )
    assert [item["delay"] for item in late["Items"]] == [Decimal("29.75")]
    wanted = Attr("carrier").is_in(["B6"]) & Attr("number").size().gt(0) | Attr("missing").exists()
    assert table.scan(FilterExpression=wanted)["Count"] == 0  # a number has no size
    pages = table.meta.client.get_paginator("scan").paginate(TableName="flights", PaginationConfig={"PageSize": 25})
    assert sum(page["Count"] for page in pages) == 119


def change(table) -> None:
    key = {"day": "2013-01-02", "number": 1}
    tags = "tags = list_append(if_not_exists(tags, :none), :new)"
    answer = table.update_item(
        Key=key,
        UpdateExpression=f"SET {tags}, delay = delay + :one ADD crew :crew",
        ConditionExpression=Attr("carrier").begins_with("B") & Attr("gate").not_exists(),
        ExpressionAttributeValues={":none": [], ":new": [{"late": True}], ":one": 1, ":crew": {"a", "b"}},
        ReturnValues="ALL_NEW",
    )
    assert answer["Attributes"]["delay"] == Decimal("1.25")
    assert answer["Attributes"]["tags"] == [{"late": True}]
    assert answer["Attributes"]["crew"] == {"a", "b"}
    try:
        table.put_item(Item={**key, "carrier": "XX"}, ConditionExpression=Attr("number").not_exists())
        raise AssertionError("the condition was not looked at")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ConditionalCheckFailedException", error
    gone = table.delete_item(Key=key, ConditionExpression=Attr("crew").contains("a"), ReturnValues="ALL_OLD")
    assert gone["Attributes"]["carrier"] == "B6"
    assert "Item" not in table.get_item(Key=key, ConsistentRead=True)


def main() -> None:
    dynamodb = boto3.resource("dynamodb")
    table = make(dynamodb)
    write(table)
    read(table)
    change(table)
    keys = [{"day": "2013-01-03", "number": number} for number in (2, 5, 8)]
    many = dynamodb.batch_get_item(RequestItems={"flights": {"Keys": keys}})["Responses"]["flights"]
    assert sorted(int(item["number"]) for item in many) == [2, 5, 8]
    assert [each.name for each in dynamodb.tables.all()] == ["flights"]
    table.delete()
    table.wait_until_not_exists()
    print("done")


if __name__ == "__main__":
    main()
