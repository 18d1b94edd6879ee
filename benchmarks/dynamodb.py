"""How many DynamoDB calls a second? PutItem, GetItem, Query of 100, BatchWriteItem of 25, transactions, a hot item."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from benchmarks import load, wire
from benchmarks.peers import System
from benchmarks.rows import Bench
from benchmarks.specialists import table_systems

TARGET = "DynamoDB_20120810"
TABLE = "bench"
KEYS = 1000
PAGE = 100
BATCH = 25
AIM = 5.0  # over the fastest peer on Python or Node
CONNECTIONS = (1, 32, 256)
VALUE = "v" * 200
COST = "A call is HTTP, JSON, key and value checks and one or two statements of SQLite, some 60 us in all."


def run(bench: Bench) -> None:
    with table_systems(bench.folder) as specialists:
        _run(replace(bench, systems=[*bench.systems, *specialists]))


def _run(bench: Bench) -> None:
    for system in bench.systems:
        _prepare(system)
    for question, requests, per_call in (
        ("DynamoDB PutItem, 200 B", put_item, 1),
        ("DynamoDB GetItem, 200 B", get_item, 1),
        ("DynamoDB Query of 100 x 200 B", query, PAGE),
        ("DynamoDB BatchWriteItem, 25 x 200 B", batch_write, BATCH),
        ("DynamoDB TransactWriteItems of 4", transact, 4),
        ("DynamoDB conditional update of one hot item", hot_update, 1),
    ):
        unit = {"per_call": per_call, "unit": "items/s"} if per_call > 1 else {}
        for connections in CONNECTIONS:
            aim = AIM if connections == 32 else None
            bench.compare(question, connections, requests, aim=aim, because=COST, **unit)


def _call(system: System, operation: str, body: dict[str, Any]) -> bytes:
    return wire.json_call(system.url, "dynamodb", TARGET, operation, {"TableName": TABLE, **body}, "1.0")


def _key(number: int) -> dict[str, Any]:
    return {"p": {"S": f"partition-{number % 10}"}, "s": {"N": str(number // 10)}}


def _item(number: int) -> dict[str, Any]:
    return {**_key(number), "value": {"S": VALUE}, "count": {"N": str(number)}, "flag": {"BOOL": True}}


def put_item(system: System) -> Sequence[bytes]:
    return [_call(system, "PutItem", {"Item": _item(number)}) for number in range(KEYS)]


def get_item(system: System) -> Sequence[bytes]:
    return [_call(system, "GetItem", {"Key": _key(number)}) for number in range(KEYS)]


def query(system: System) -> Sequence[bytes]:
    return [
        _call(
            system,
            "Query",
            {
                "KeyConditionExpression": "p = :p",
                "ExpressionAttributeValues": {":p": {"S": f"partition-{number}"}},
                "Limit": PAGE,
            },
        )
        for number in range(10)
    ]


def batch_write(system: System) -> Sequence[bytes]:
    def body(first: int) -> dict[str, Any]:
        return {"RequestItems": {TABLE: [{"PutRequest": {"Item": _item(first + n)}} for n in range(BATCH)]}}

    return [
        wire.json_call(system.url, "dynamodb", TARGET, "BatchWriteItem", body(first), "1.0")
        for first in range(0, KEYS, BATCH)
    ]


def transact(system: System) -> Sequence[bytes]:
    def body(first: int) -> dict[str, Any]:
        return {"TransactItems": [{"Put": {"TableName": TABLE, "Item": _item(first + n)}} for n in range(4)]}

    return [
        wire.json_call(system.url, "dynamodb", TARGET, "TransactWriteItems", body(first), "1.0")
        for first in range(0, KEYS, 4)
    ]


def hot_update(system: System) -> Sequence[bytes]:
    body = {
        "Key": _key(0),
        "UpdateExpression": "SET #c = #c + :one",
        "ConditionExpression": "attribute_exists(p) AND #c >= :zero",
        "ExpressionAttributeNames": {"#c": "count"},
        "ExpressionAttributeValues": {":one": {"N": "1"}, ":zero": {"N": "0"}},
    }
    return [_call(system, "UpdateItem", body)]


def _prepare(system: System) -> None:
    client = _client(system)
    with suppress(client.exceptions.ResourceInUseException):  # a slow peer that was asked again had made it
        client.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "p", "AttributeType": "S"},
                {"AttributeName": "s", "AttributeType": "N"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
    client.get_waiter("table_exists").wait(TableName=TABLE)
    filling = list(batch_write(system))
    assert load.send(system.url, filling, connections=1) == len(filling), (
        f"{system.name} did not take the items to read"
    )


def _client(system: System) -> Any:
    import boto3

    session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    return session.client("dynamodb", endpoint_url=system.url)
