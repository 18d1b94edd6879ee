"""AWS's DAX client for Python, unchanged: what it writes and reads through a cluster, and says `done` at the end."""

import os
import sys
from decimal import Decimal

import boto3
import botocore.session
from amazondax import AmazonDaxClient

ENDPOINT, TABLE = sys.argv[1], "songs"
ITEM = {
    "artist": {"S": "The Beatles"},
    "track": {"N": "3.5"},
    "text": {"S": "Help me if you can, I'm feeling döwn"},
    "whole": {"N": "12345678901234567890123456789"},
    "part": {"N": "-0.25"},
    "bytes": {"B": b"\x00\xff"},
    "yes": {"BOOL": True},
    "none": {"NULL": True},
    "texts": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "2.5"]},
    "blobs": {"BS": [b"x"]},
    "map": {"M": {"list": {"L": [{"N": "1"}, {"M": {"deep": {"S": "yes"}}}]}}},
}
KEY = {name: ITEM[name] for name in ("artist", "track")}


def key(track):
    return {"artist": {"S": "Queen"}, "track": {"N": str(track)}}


def refused(code, operation, **request):
    try:
        operation(**request)
    except Exception as error:
        assert error.response["Error"]["Code"] == code, error
        return error
    raise AssertionError(f"{code} was expected")


def items(dax, direct):
    assert dax.get_item(TableName=TABLE, Key=KEY) == {}
    assert dax.put_item(TableName=TABLE, Item=ITEM, ReturnValues="ALL_OLD") == {}
    assert direct.get_item(TableName=TABLE, Key=KEY)["Item"] == ITEM
    for consistent in (False, True):
        assert dax.get_item(TableName=TABLE, Key=KEY, ConsistentRead=consistent)["Item"] == ITEM
    projected = dax.get_item(
        TableName=TABLE,
        Key=KEY,
        ProjectionExpression="#m.list[1].deep, #t",
        ExpressionAttributeNames={"#m": "map", "#t": "track"},
    )
    assert projected["Item"] == {"map": {"M": {"list": {"L": [{"M": {"deep": {"S": "yes"}}}]}}}, "track": {"N": "3.5"}}
    updated = dax.update_item(
        TableName=TABLE,
        Key=KEY,
        UpdateExpression="SET #p = if_not_exists(#p, :none) + :one, #m.#l = list_append(#m.#l, :more) "
        "REMOVE yes ADD texts :text DELETE numbers :number",
        ConditionExpression="attribute_exists(artist) "
        "AND (part BETWEEN :low AND :none OR NOT size(#m) IN (:none, :one))",
        ExpressionAttributeNames={"#p": "plays so far", "#m": "map", "#l": "list"},
        ExpressionAttributeValues={
            ":none": {"N": "0"},
            ":one": {"N": "1"},
            ":low": {"N": "-1"},
            ":more": {"L": [{"S": "more"}]},
            ":text": {"SS": ["c"]},
            ":number": {"NS": ["1"]},
        },
        ReturnValues="UPDATED_NEW",
    )["Attributes"]
    assert updated["plays so far"] == {"N": "1"}
    assert sorted(updated["texts"]["SS"]) == ["a", "b", "c"]
    found = dax.get_item(TableName=TABLE, Key=KEY)["Item"]
    assert found == direct.get_item(TableName=TABLE, Key=KEY)["Item"]
    assert "yes" not in found
    assert found["map"]["M"]["list"]["L"][2] == {"S": "more"}
    assert dax.delete_item(TableName=TABLE, Key=KEY, ReturnValues="ALL_OLD")["Attributes"] == found
    assert "Item" not in dax.get_item(TableName=TABLE, Key=KEY)


def batches(dax):
    writes = [{"PutRequest": {"Item": {**key(n), "year": {"N": str(1970 + n)}}}} for n in range(20)]
    written = dax.batch_write_item(RequestItems={TABLE: writes}, ReturnConsumedCapacity="TOTAL")
    assert written["UnprocessedItems"] == {}
    assert written["ConsumedCapacity"][0]["CapacityUnits"] == 40.0
    asked = {TABLE: {"Keys": [key(n) for n in (1, 2, 77)]}}
    found = dax.batch_get_item(RequestItems=asked, ReturnConsumedCapacity="TOTAL")
    assert sorted(item["year"]["N"] for item in found["Responses"][TABLE]) == ["1971", "1972"]
    again = dax.batch_get_item(RequestItems=asked, ReturnConsumedCapacity="TOTAL")
    assert again["ConsumedCapacity"] == [{"TableName": TABLE, "CapacityUnits": 0.0}]
    asked[TABLE]["ProjectionExpression"] = "#y"
    asked[TABLE]["ExpressionAttributeNames"] = {"#y": "year"}
    found = dax.batch_get_item(RequestItems=asked)["Responses"][TABLE]
    assert sorted(item["year"]["N"] for item in found) == ["1971", "1972"]
    assert all(item.keys() == {"year"} for item in found)


def queries(dax):
    asked = {
        "TableName": TABLE,
        "KeyConditionExpression": "artist = :a AND track >= :from",
        "FilterExpression": "#y <> :not",
        "ExpressionAttributeNames": {"#y": "year"},
        "ExpressionAttributeValues": {":a": {"S": "Queen"}, ":from": {"N": "5"}, ":not": {"N": "1976"}},
        "Limit": 4,
        "ReturnConsumedCapacity": "INDEXES",
    }
    seen, pages = [], 0
    while True:
        page = dax.query(**asked)
        seen += [int(item["track"]["N"]) for item in page["Items"]]
        pages += 1
        if "LastEvaluatedKey" not in page:
            break
        asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]
    assert seen == [n for n in range(5, 20) if n != 6], seen
    assert pages == 4
    index = {
        "TableName": TABLE,
        "IndexName": "by-year",
        "KeyConditionExpression": "#y = :y",
        "ExpressionAttributeNames": {"#y": "year"},
        "ExpressionAttributeValues": {":y": {"N": "1975"}},
    }
    assert dax.query(**index)["Items"] == [{**key(5), "year": {"N": "1975"}}]
    first = dax.scan(TableName=TABLE, IndexName="by-year", Limit=1)
    second = dax.scan(TableName=TABLE, IndexName="by-year", ExclusiveStartKey=first["LastEvaluatedKey"])
    assert first["Count"] + second["Count"] == 20
    assert dax.scan(TableName=TABLE, Select="COUNT")["Count"] == 20
    assert sum(dax.scan(TableName=TABLE, Segment=n, TotalSegments=3)["Count"] for n in range(3)) == 20
    projected = dax.scan(TableName=TABLE, ProjectionExpression="track", Limit=2)["Items"]
    assert [item.keys() for item in projected] == [{"track"}, {"track"}]


def transactions(dax):
    more = {"UpdateExpression": "ADD plays :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
    done = dax.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": TABLE, "Item": {**key(100), "year": {"N": "1999"}}}},
            {"Update": {"TableName": TABLE, "Key": key(1), **more}},
            {"Delete": {"TableName": TABLE, "Key": key(2)}},
            {"ConditionCheck": {"TableName": TABLE, "Key": key(3), "ConditionExpression": "attribute_exists(artist)"}},
        ],
        ReturnConsumedCapacity="TOTAL",
    )
    assert done["ConsumedCapacity"][0]["TableName"] == TABLE
    gets = [{"Get": {"TableName": TABLE, "Key": key(n)}} for n in (100, 1, 2)]
    first, second, third = dax.transact_get_items(TransactItems=gets)["Responses"]
    assert first["Item"]["year"] == {"N": "1999"}
    assert second["Item"]["plays"] == {"N": "1"}
    assert third == {}
    assert dax.get_item(TableName=TABLE, Key=key(1))["Item"] == second["Item"]
    check = {"TableName": TABLE, "Key": key(3), "ConditionExpression": "attribute_not_exists(artist)"}
    error = refused(
        "TransactionCanceledException",
        dax.transact_write_items,
        TransactItems=[{"ConditionCheck": {**check, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}],
    )
    assert error.cancellation_reasons[0] == "ConditionalCheckFailed"


def refusals(dax):
    never = "attribute_not_exists(artist)"
    refused("ConditionalCheckFailedException", dax.put_item, TableName=TABLE, Item=key(3), ConditionExpression=never)
    refused("ResourceNotFoundException", dax.get_item, TableName="nowhere", Key=key(1))
    refused("ValidationException", dax.put_item, TableName=TABLE, Item={**key(3), "year": {"S": "text"}})


def resource():
    """The resource of boto3's kind, over DAX."""
    with AmazonDaxClient.resource(endpoint_url=ENDPOINT) as dax:
        table = dax.Table(TABLE)
        table.put_item(Item={"artist": "Abba", "track": 1, "year": Decimal("1974"), "by": {"Björn", "Benny"}})
        found = table.get_item(Key={"artist": "Abba", "track": 1})["Item"]
        assert found == {"artist": "Abba", "track": 1, "year": 1974, "by": {"Björn", "Benny"}}
        with table.batch_writer() as batch:
            for n in range(30):
                batch.put_item(Item={"artist": "Abba", "track": 10 + n})
        condition = boto3.dynamodb.conditions.Key("artist").eq("Abba")
        assert table.query(KeyConditionExpression=condition)["Count"] == 31


def main():
    direct = boto3.client("dynamodb")
    options = {"region_name": os.environ["AWS_REGION"], "endpoint_url": ENDPOINT}
    with AmazonDaxClient(botocore.session.get_session(), **options) as dax:
        items(dax, direct)
        batches(dax)
        queries(dax)
        transactions(dax)
        refusals(dax)
    if ENDPOINT.startswith("dax://"):
        resource()
    print("done")


main()
