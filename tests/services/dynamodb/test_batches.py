"""Batches and transactions: limits, what is unprocessed, all or nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

import pocketlake

from .conftest import invalid, make, refusal


@pytest.fixture
def simple(dynamodb: Any) -> str:
    return make(dynamodb, "simple", "p:S")


def put(name: str, **more: Any) -> dict[str, Any]:
    return {"PutRequest": {"Item": {"p": {"S": name}, **more}}}


def names(answer: dict[str, Any], table: str) -> list[str]:
    return sorted(item["p"]["S"] for item in answer["Responses"][table])


def keys(*given: str) -> list[dict[str, Any]]:
    return [{"p": {"S": name}} for name in given]


@pytest.mark.claim("DDB-539", "DDB-542")
def test_batch_of_25_writes_and_no_more(dynamodb: Any, simple: str) -> None:
    dynamodb.put_item(TableName=simple, Item={"p": {"S": "0"}, "old": {"S": "x"}})
    writes = [put(str(n)) for n in range(24)] + [{"DeleteRequest": {"Key": {"p": {"S": "gone"}}}}]
    assert dynamodb.batch_write_item(RequestItems={simple: writes})["UnprocessedItems"] == {}
    assert dynamodb.scan(TableName=simple)["Count"] == 24
    assert dynamodb.get_item(TableName=simple, Key={"p": {"S": "0"}})["Item"] == {"p": {"S": "0"}}
    assert "length less than or equal to 25" in invalid(
        dynamodb.batch_write_item, RequestItems={simple: [put(str(n)) for n in range(26)]}
    )
    make(dynamodb, "other", "p:S")
    several = {simple: [put(str(n)) for n in range(13)], "other": [put(str(n)) for n in range(13)]}
    assert invalid(dynamodb.batch_write_item, RequestItems=several) == (
        "Too many items requested for the BatchWriteItem call"
    )
    assert invalid(dynamodb.batch_write_item, RequestItems={simple: [put("a"), put("a")]}) == (
        "Provided list of item keys contains duplicates"
    )


@pytest.mark.claim("DDB-543", "DDB-544", "DDB-546")
def test_batch_get_of_100_keys_from_several_tables(dynamodb: Any, simple: str) -> None:
    make(dynamodb, "other", "p:S")
    for first in range(0, 100, 25):
        dynamodb.batch_write_item(RequestItems={simple: [put(str(n)) for n in range(first, first + 25)]})
    dynamodb.put_item(TableName="other", Item={"p": {"S": "b"}})
    found = dynamodb.batch_get_item(RequestItems={simple: {"Keys": keys("1", "x")}, "other": {"Keys": keys("b")}})
    assert (names(found, simple), names(found, "other")) == (["1"], ["b"])
    assert found["UnprocessedKeys"] == {}
    whole = dynamodb.batch_get_item(RequestItems={simple: {"Keys": keys(*map(str, range(100)))}})
    assert names(whole, simple) == sorted(map(str, range(100)))
    assert (
        refusal(dynamodb.batch_get_item, RequestItems={simple: {"Keys": keys(*map(str, range(101)))}})[0]
        == "ValidationException"
    )


@pytest.fixture
def warm(dynamodb: Any) -> str:
    """Bears large items at once: 40,000 units a second."""
    units = {"ReadUnitsPerSecond": 40_000, "WriteUnitsPerSecond": 40_000}
    return make(dynamodb, "warm", "p:S", WarmThroughput=units)


@pytest.mark.claim("DDB-545")
def test_batch_get_stops_at_16_mb(lake: Any, dynamodb: Any, warm: str) -> None:
    for number in range(60):
        lake.clock.advance(seconds=1)
        dynamodb.put_item(TableName=warm, Item={"p": {"S": str(number)}, "v": {"S": "x" * 409_000}})
    answer = dynamodb.batch_get_item(RequestItems={warm: {"Keys": keys(*map(str, range(60)))}})
    left = answer["UnprocessedKeys"][warm]["Keys"]
    assert len(answer["Responses"][warm]) == 41
    assert len(left) == 19


def test_batch_of_the_largest_items_passes_and_larger_ones_do_not(lake: Any, dynamodb: Any, warm: str) -> None:
    """25 items of 400 KB are 10 MB: the limit of 16 MB cannot be reached."""
    writes = [put(str(n), v={"S": "x" * 409_590}) for n in range(25)]
    answer = dynamodb.batch_write_item(RequestItems={warm: writes})
    assert answer["UnprocessedItems"] == {}
    assert (
        invalid(dynamodb.batch_write_item, RequestItems={warm: [put("a", v={"S": "x" * 409_600})]})
        == "Item size has exceeded the maximum allowed size"
    )


def write(table: str, name: str, **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": table, "Item": {"p": {"S": name}}, **more}}


@pytest.mark.claim("DDB-547")
def test_transaction_is_all_or_nothing_and_says_why(dynamodb: Any, simple: str) -> None:
    dynamodb.put_item(TableName=simple, Item={"p": {"S": "there"}, "n": {"N": "1"}})
    update = {
        "Update": {
            "TableName": simple,
            "Key": {"p": {"S": "there"}},
            "UpdateExpression": "SET n = n + :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }
    check = {
        "ConditionCheck": {
            "TableName": simple,
            "Key": {"p": {"S": "missing"}},
            "ConditionExpression": "attribute_exists(p)",
        }
    }
    new = write(simple, "new")
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as caught:
        dynamodb.transact_write_items(TransactItems=[new, update, check])
    assert caught.value.response["Error"]["Message"] == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
        "[None, None, ConditionalCheckFailed]"
    )
    assert [reason["Code"] for reason in caught.value.response["CancellationReasons"]] == [
        "None",
        "None",
        "ConditionalCheckFailed",
    ]
    assert dynamodb.scan(TableName=simple)["Items"] == [{"p": {"S": "there"}, "n": {"N": "1"}}]
    dynamodb.transact_write_items(TransactItems=[new, update])
    found = dynamodb.transact_get_items(
        TransactItems=[{"Get": {"TableName": simple, "Key": key}} for key in keys("new", "there", "none")]
    )["Responses"]
    assert found == [{"Item": {"p": {"S": "new"}}}, {"Item": {"p": {"S": "there"}, "n": {"N": "2"}}}, {}]


def test_failed_check_shows_the_item(dynamodb: Any, simple: str) -> None:
    dynamodb.put_item(TableName=simple, Item={"p": {"S": "a"}, "v": {"N": "1"}})
    guarded = write(
        simple,
        "a",
        ConditionExpression="attribute_not_exists(p)",
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    )
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as caught:
        dynamodb.transact_write_items(TransactItems=[guarded])
    assert caught.value.response["CancellationReasons"] == [
        {
            "Code": "ConditionalCheckFailed",
            "Message": "The conditional request failed",
            "Item": {"p": {"S": "a"}, "v": {"N": "1"}},
        }
    ]


def test_token_makes_a_transaction_happen_once_for_ten_minutes(lake: Any, dynamodb: Any, simple: str) -> None:
    add = {
        "Update": {
            "TableName": simple,
            "Key": {"p": {"S": "a"}},
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }

    def count() -> str:
        return str(dynamodb.get_item(TableName=simple, Key={"p": {"S": "a"}})["Item"]["n"]["N"])

    for _ in range(3):
        dynamodb.transact_write_items(TransactItems=[add], ClientRequestToken="once")
    assert count() == "1"
    code, _ = refusal(dynamodb.transact_write_items, TransactItems=[write(simple, "b")], ClientRequestToken="once")
    assert code == "IdempotentParameterMismatchException"
    lake.clock.advance(minutes=11)
    dynamodb.transact_write_items(TransactItems=[add], ClientRequestToken="once")
    assert count() == "2"


def test_one_item_is_touched_once_in_a_transaction(dynamodb: Any, simple: str) -> None:
    assert invalid(dynamodb.transact_write_items, TransactItems=[write(simple, "a"), write(simple, "a")]) == (
        "Transaction request cannot include multiple operations on one item"
    )


def test_transaction_costs_twice(dynamodb: Any, simple: str) -> None:
    answer = dynamodb.transact_write_items(TransactItems=[write(simple, "a")], ReturnConsumedCapacity="TOTAL")
    assert answer["ConsumedCapacity"] == [{"TableName": simple, "CapacityUnits": 2.0, "WriteCapacityUnits": 2.0}]


def test_tokens_of_transactions_leave_the_disk(tmp_path: Path) -> None:
    with pocketlake.run(tmp_path) as lake:
        dynamodb = lake.client("dynamodb")
        put = {"Put": {"TableName": make(dynamodb, "things", "p:S"), "Item": {"p": {"S": "a"}}}}
        dynamodb.transact_write_items(TransactItems=[put], ClientRequestToken="first")
        lake.clock.advance(minutes=5)
        dynamodb.transact_write_items(TransactItems=[put], ClientRequestToken="second")
        lake.clock.advance(hours=1)
    with sqlite3.connect(tmp_path / "lake.sqlite") as store:
        assert store.execute("SELECT count(*) FROM dynamodb_tokens").fetchone() == (0,)
