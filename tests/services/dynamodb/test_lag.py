"""Eventually consistent reads, when they are told to lag."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import index, make


@pytest.fixture
def lag(lake: Any) -> Callable[..., None]:
    def lag(**settings: Any) -> None:
        data = json.dumps({"service": "dynamodb", "behaviour": "lag", "seconds": 5, **settings}).encode()
        urllib.request.urlopen(urllib.request.Request(f"{lake.endpoint_url}/_pocketlake/faults", data)).close()

    return lag


@pytest.fixture
def table(lake: Any, dynamodb: Any) -> str:
    lake.clock.freeze()
    by_g = index("by-g", "g:S", "s:N", projection="KEYS_ONLY")
    by_n = index("by-n", "p:S", "n:N")
    return make(
        dynamodb,
        "lagging",
        "p:S",
        "s:N",
        also=("g:S", "n:N"),
        GlobalSecondaryIndexes=[by_g],
        LocalSecondaryIndexes=[by_n],
    )


def put(dynamodb: Any, sort: int, value: str, **more: Any) -> None:
    item = {"p": {"S": "a"}, "s": {"N": str(sort)}, "v": {"S": value}, **more}
    dynamodb.put_item(TableName="lagging", Item=item)


def get(dynamodb: Any, sort: int, consistent: bool = False) -> str | None:
    key = {"p": {"S": "a"}, "s": {"N": str(sort)}}
    found = dynamodb.get_item(TableName="lagging", Key=key, ConsistentRead=consistent).get("Item")
    return found["v"]["S"] if found else None


def values(answer: dict[str, Any]) -> list[str]:
    return [item["v"]["S"] if "v" in item else item["s"]["N"] for item in answer["Items"]]


@pytest.mark.claim("DDB-525")
def test_an_eventual_read_may_see_what_was_and_a_consistent_one_never_does(
    lake: Any, dynamodb: Any, table: str, lag: Callable[..., None]
) -> None:
    put(dynamodb, 1, "first")
    lake.clock.advance(seconds=10)
    assert get(dynamodb, 1) == "first"
    lag()
    put(dynamodb, 1, "second")
    put(dynamodb, 2, "new")
    assert (get(dynamodb, 1), get(dynamodb, 1, consistent=True)) == ("first", "second")
    assert (get(dynamodb, 2), get(dynamodb, 2, consistent=True)) == (None, "new")
    keys = [{"p": {"S": "a"}, "s": {"N": "1"}}]
    for consistent, value in ((False, "first"), (True, "second")):
        request = {table: {"Keys": keys, "ConsistentRead": consistent}}
        assert dynamodb.batch_get_item(RequestItems=request)["Responses"][table][0]["v"]["S"] == value
    select = "SELECT * FROM lagging WHERE p = 'a'"
    for statement in (select, f"{select} AND s = 1", "SELECT * FROM lagging"):
        for consistent, count in ((False, 1), (True, 2 if "s = 1" not in statement else 1)):
            found = dynamodb.execute_statement(Statement=statement, ConsistentRead=consistent)
            assert len(found["Items"]) == count
            assert values(found)[0] == ("second" if consistent else "first")
    for consistent, value in ((False, "first"), (True, "second")):
        one = {"Statement": f"{select} AND s = 1", "ConsistentRead": consistent}
        (answer,) = dynamodb.batch_execute_statement(Statements=[one])["Responses"]
        assert answer["Item"]["v"]["S"] == value
    lake.clock.advance(seconds=4)
    assert get(dynamodb, 1) == "first"
    lake.clock.advance(seconds=2)
    assert (get(dynamodb, 1), get(dynamodb, 2)) == ("second", "new")


def test_queries_and_scans_lag_and_global_indexes_always_do(
    lake: Any, dynamodb: Any, table: str, lag: Callable[..., None]
) -> None:
    for sort in (1, 2, 3):
        put(dynamodb, sort, f"old-{sort}", g={"S": "x"}, n={"N": str(-sort)})
    lake.clock.advance(seconds=10)
    lag()
    put(dynamodb, 2, "new-2", g={"S": "y"}, n={"N": "9"})
    put(dynamodb, 4, "new-4", g={"S": "x"}, n={"N": "0"})
    dynamodb.delete_item(TableName=table, Key={"p": {"S": "a"}, "s": {"N": "3"}})
    query = {"TableName": table, "KeyConditionExpression": "p = :a", "ExpressionAttributeValues": {":a": {"S": "a"}}}
    by_g = {
        "TableName": table,
        "IndexName": "by-g",
        "KeyConditionExpression": "g = :x",
        "ExpressionAttributeValues": {":x": {"S": "x"}},
    }
    assert values(dynamodb.query(**query)) == ["old-1", "old-2", "old-3"]
    assert values(dynamodb.query(**query, ScanIndexForward=False)) == ["old-3", "old-2", "old-1"]
    assert values(dynamodb.query(**query, ConsistentRead=True)) == ["old-1", "new-2", "new-4"]
    assert values(dynamodb.query(**query, IndexName="by-n")) == ["old-3", "old-2", "old-1"]
    assert values(dynamodb.query(**query, IndexName="by-n", ConsistentRead=True)) == ["old-1", "new-4", "new-2"]
    assert values(dynamodb.query(**by_g)) == ["1", "2", "3"]
    assert sorted(values(dynamodb.scan(TableName=table))) == ["old-1", "old-2", "old-3"]
    assert sorted(values(dynamodb.scan(TableName=table, ConsistentRead=True))) == ["new-2", "new-4", "old-1"]
    paged, start = [], {}
    while True:
        page = dynamodb.query(**query, Limit=1, **start)
        paged += values(page)
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert paged == ["old-1", "old-2", "old-3"]
    lake.clock.advance(seconds=6)
    assert values(dynamodb.query(**query)) == ["old-1", "new-2", "new-4"]
    assert values(dynamodb.query(**by_g)) == ["1", "4"]


def test_lag_is_for_those_tables_and_that_share_of_reads_that_were_asked_for(
    lake: Any, dynamodb: Any, table: str, lag: Callable[..., None]
) -> None:
    lag(resource="another")
    put(dynamodb, 1, "first")
    assert get(dynamodb, 1) == "first"
    lag(resource=table, share=0.5, seed=7)
    lake.clock.advance(seconds=10)
    put(dynamodb, 1, "second")
    seen = [get(dynamodb, 1) for _ in range(40)]
    assert 8 < seen.count("first") < 32
    assert seen.count("first") + seen.count("second") == 40
