"""Item collections of tables with local indexes: their size, and its limit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pocketlake.services.dynamodb import quotas

from .conftest import index, make, refusal

TOO_LARGE = ("ItemCollectionSizeLimitExceededException", "Collection size exceeded.")


@pytest.fixture
def table(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """A collection holds 1,000 bytes."""
    monkeypatch.setattr(quotas, "COLLECTION_BYTES", replace(quotas.COLLECTION_BYTES, value=1000))
    local = index("by-n", "p:S", "n:N", projection="KEYS_ONLY")
    return make(dynamodb, "gathered", "p:S", "s:N", also=("n:N",), LocalSecondaryIndexes=[local])


def item(sort: int, size: int, name: str = "a", **more: Any) -> dict[str, Any]:
    """Of exactly so many bytes: 1 + 1 for p, 1 + 2 for s, the rest for v."""
    return {"p": {"S": name}, "s": {"N": str(sort)}, "v": {"S": "x" * (size - 6)}, **more}


@pytest.mark.claim("DDB-513")
def test_an_item_collection_ends_at_its_limit(dynamodb: Any, table: str) -> None:
    dynamodb.put_item(TableName=table, Item=item(1, 500))
    dynamodb.put_item(TableName=table, Item=item(2, 500))
    assert refusal(dynamodb.put_item, TableName=table, Item=item(3, 50)) == TOO_LARGE
    assert refusal(dynamodb.put_item, TableName=table, Item=item(2, 501)) == TOO_LARGE
    dynamodb.put_item(TableName=table, Item=item(2, 500))  # nothing is added
    dynamodb.put_item(TableName=table, Item=item(3, 50, name="b"))  # another collection
    dynamodb.delete_item(TableName=table, Key={"p": {"S": "a"}, "s": {"N": "1"}})
    dynamodb.put_item(TableName=table, Item=item(3, 500))
    assert (
        dynamodb.query(
            TableName=table,
            KeyConditionExpression="p = :a",
            ExpressionAttributeValues={":a": {"S": "a"}},
            Select="COUNT",
        )["Count"]
        == 2
    )


def test_entries_of_local_indexes_count(dynamodb: Any, table: str) -> None:
    dynamodb.put_item(TableName=table, Item=item(1, 900, n={"N": "1"}))  # n takes 3 bytes, its entry 1+1+3+3
    dynamodb.put_item(TableName=table, Item=item(2, 89))
    assert refusal(dynamodb.put_item, TableName=table, Item=item(3, 10)) == TOO_LARGE
    update = {"TableName": table, "Key": {"p": {"S": "a"}, "s": {"N": "1"}}}
    dynamodb.update_item(**update, UpdateExpression="REMOVE n")
    dynamodb.put_item(TableName=table, Item=item(3, 11))
    value = {":n": {"N": "1"}}
    refused = refusal(dynamodb.update_item, **update, UpdateExpression="SET n = :n", ExpressionAttributeValues=value)
    assert refused == TOO_LARGE


def test_a_transaction_says_that_a_collection_is_full(dynamodb: Any, table: str) -> None:
    puts = [{"Put": {"TableName": table, "Item": item(sort, 400)}} for sort in range(3)]
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as caught:
        dynamodb.transact_write_items(TransactItems=puts)
    reasons = caught.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "None", "ItemCollectionSizeLimitExceeded"]
    dynamodb.put_item(TableName=table, Item=item(1, 1000))  # nothing of it was written, nor counted
    assert dynamodb.scan(TableName=table)["Count"] == 1


def test_tables_without_local_indexes_have_no_such_limit(dynamodb: Any, table: str) -> None:
    make(dynamodb, "free", "p:S", "s:N")
    for sort in range(5):
        dynamodb.put_item(TableName="free", Item=item(sort, 400))
    answer = dynamodb.put_item(TableName=table, Item=item(1, 400), ReturnItemCollectionMetrics="SIZE")
    assert answer["ItemCollectionMetrics"] == {
        "ItemCollectionKey": {"p": {"S": "a"}},
        "SizeEstimateRangeGB": [0.0, 1.0],
    }
