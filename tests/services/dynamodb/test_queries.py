"""Query and Scan: keys, order, pages, segments, filters, indexes, and what they cost."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import index, invalid, make


def fill(lake: Any, dynamodb: Any, table: str, count: int, size: int = 10, partition: str = "a") -> None:
    """Items 0 to count-1, no faster than one partition key bears."""
    at_once = max(1, min(25, 900_000 // size))
    for first in range(0, count, at_once):
        puts = [
            {"PutRequest": {"Item": {"p": {"S": partition}, "s": {"N": str(n)}, "v": {"S": "x" * size}}}}
            for n in range(first, min(first + at_once, count))
        ]
        assert dynamodb.batch_write_item(RequestItems={table: puts})["UnprocessedItems"] == {}
        lake.clock.advance(seconds=1)


def query(dynamodb: Any, table: str, condition: str, values: dict[str, Any], **more: Any) -> Any:
    return dynamodb.query(TableName=table, KeyConditionExpression=condition, ExpressionAttributeValues=values, **more)


def sorts(answer: Any) -> list[int]:
    return [int(item["s"]["N"]) for item in answer["Items"]]


A = {":p": {"S": "a"}}


@pytest.mark.claim("DDB-527", "DDB-528")
@pytest.mark.parametrize(
    ("condition", "values", "expected"),
    [
        ("p = :p", {}, list(range(-5, 6))),
        ("p = :p AND s = :x", {":x": "-2"}, [-2]),
        ("p = :p AND s < :x", {":x": "-3"}, [-5, -4]),
        ("p = :p AND s <= :x", {":x": "-3"}, [-5, -4, -3]),
        ("p = :p AND s > :x", {":x": "3.5"}, [4, 5]),
        ("s >= :x AND p = :p", {":x": "4"}, [4, 5]),
        ("p = :p AND :x > s", {":x": "-4"}, [-5]),
        ("(p = :p) AND (s BETWEEN :x AND :y)", {":x": "-1", ":y": "1.0"}, [-1, 0, 1]),
    ],
)
def test_key_conditions_select_in_order(
    dynamodb: Any, table: str, condition: str, values: dict[str, str], expected: list[int]
) -> None:
    for number in (3, -1, 5, 0, -5, 2, -3, 4, 1, -2, -4):
        dynamodb.put_item(TableName=table, Item={"p": {"S": "a"}, "s": {"N": str(number)}})
    dynamodb.put_item(TableName=table, Item={"p": {"S": "b"}, "s": {"N": "0"}})
    given = {**A, **{name: {"N": text} for name, text in values.items()}}
    assert sorts(query(dynamodb, table, condition, given)) == expected
    assert sorts(query(dynamodb, table, condition, given, ScanIndexForward=False)) == expected[::-1]


def test_texts_sort_by_their_bytes_and_begin_with(dynamodb: Any) -> None:
    make(dynamodb, "texts", "p:S", "s:S")
    words = ["a", "ab", "abc", "b", "B", "é", "\U0001f600", "ab\uffff"]
    for word in words:
        dynamodb.put_item(TableName="texts", Item={"p": {"S": "a"}, "s": {"S": word}})
    found = query(dynamodb, "texts", "p = :p", A)["Items"]
    assert [item["s"]["S"] for item in found] == sorted(words, key=lambda word: word.encode())
    found = query(dynamodb, "texts", "p = :p AND begins_with(s, :x)", {**A, ":x": {"S": "ab"}})["Items"]
    assert [item["s"]["S"] for item in found] == ["ab", "abc", "ab\uffff"]


@pytest.mark.claim("DDB-531", "DDB-532")
def test_pages_of_a_megabyte_or_of_limit_cover_everything_once(lake: Any, dynamodb: Any, table: str) -> None:
    fill(lake, dynamodb, table, 30, size=100_000)
    for more in ({}, {"Limit": 5}, {"ScanIndexForward": False, "Limit": 7}):
        found: list[int] = []
        start: dict[str, Any] = {}
        pages = 0
        while True:
            page = query(dynamodb, table, "p = :p", A, **more, **start)
            assert sum(len(item["v"]["S"]) for item in page["Items"]) <= 1024 * 1024
            assert len(page["Items"]) <= more.get("Limit", 100)
            found, pages = found + sorts(page), pages + 1
            if "LastEvaluatedKey" not in page:
                break
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        assert found == sorted(range(30), reverse="ScanIndexForward" in more)
        assert pages >= 3


@pytest.mark.claim("DDB-529")
def test_filter_comes_after_the_read_and_saves_nothing(lake: Any, dynamodb: Any, table: str) -> None:
    fill(lake, dynamodb, table, 20, size=1000)
    more: dict[str, Any] = {"ReturnConsumedCapacity": "TOTAL", "ConsistentRead": True}
    whole = query(dynamodb, table, "p = :p", A, **more)
    few = dynamodb.query(
        TableName=table,
        KeyConditionExpression="p = :p",
        FilterExpression="v = :v",
        ExpressionAttributeValues={**A, ":v": {"S": "no"}},
        **more,
    )
    assert (few["Count"], few["ScannedCount"], few["Items"]) == (0, 20, [])
    assert few["ConsumedCapacity"] == whole["ConsumedCapacity"]
    assert whole["ConsumedCapacity"]["CapacityUnits"] == 5.0


@pytest.mark.claim("DDB-530")
def test_filter_may_not_name_keys(dynamodb: Any, table: str) -> None:
    message = invalid(
        dynamodb.query,
        TableName=table,
        KeyConditionExpression="p = :p",
        FilterExpression="s > :x",
        ExpressionAttributeValues={**A, ":x": {"N": "1"}},
    )
    assert message == ("Filter Expression can only contain non-primary key attributes: Primary key attribute: s")


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("p > :p", "Query key condition not supported"),
        ("s = :n", "Query condition missed key schema element: p"),
        ("p = :p AND v = :p", "Query condition missed key schema element: s"),
        ("p = :n", "One or more parameter values were invalid: Condition parameter type does not match schema type"),
        ("p = :p OR s = :n", "Invalid operator used in KeyConditionExpression: OR"),
        (
            "p = :p AND p = :p",
            "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key",
        ),
        (
            "p = :p AND s.a = :n",
            "Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested attributes",
        ),
        (
            "p = :p AND s > :n AND v = :p",
            "The number of query conditions (3) exceeds the number of key attributes defined in the schema (2)",
        ),
        (
            "p = :p AND begins_with(s, :n)",
            "Invalid KeyConditionExpression: Incorrect operand type for operator or function; "
            "operator or function: begins_with, operand type: N",
        ),
        (
            "p = :p AND :b >= s",
            "Invalid KeyConditionExpression: Incorrect operand type for operator or function; "
            "operator or function: >=, operand type: BOOL",
        ),
        ("p = :p AND contains(s, :n)", "Invalid operator used in KeyConditionExpression: contains"),
        ("p = :p AND", 'Invalid KeyConditionExpression: Syntax error; token: "<EOF>", near: "AND"'),
    ],
)
def test_bad_key_conditions_are_refused_in_aws_words(dynamodb: Any, table: str, condition: str, message: str) -> None:
    given = ((":p", {"S": "a"}), (":n", {"N": "1"}), (":b", {"BOOL": True}))
    values = {name: value for name, value in given if name in condition}
    found = invalid(dynamodb.query, TableName=table, KeyConditionExpression=condition, ExpressionAttributeValues=values)
    assert found == message


@pytest.mark.claim("DDB-534")
def test_scan_reads_everything_and_filters_then(lake: Any, dynamodb: Any, table: str) -> None:
    for partition in ("a", "b", "c", "d"):
        fill(lake, dynamodb, table, 50, partition=partition)
    dynamodb.put_item(TableName=table, Item={"p": {"S": "z"}, "s": {"N": "1"}, "wanted": {"BOOL": True}})
    found = dynamodb.scan(TableName=table, FilterExpression="attribute_exists(wanted)")
    assert (found["Count"], found["ScannedCount"]) == (1, 201)


@pytest.mark.claim("DDB-535", "DDB-536")
def test_scan_pages_and_costs_all_that_it_reads(lake: Any, dynamodb: Any, table: str) -> None:
    fill(lake, dynamodb, table, 30, size=100_000)
    for consistent, factor in ((False, 0.5), (True, 1.0)):
        units, count, start, pages = 0.0, 0, {}, 0
        while True:
            page = dynamodb.scan(TableName=table, ReturnConsumedCapacity="TOTAL", ConsistentRead=consistent, **start)
            units, count, pages = units + page["ConsumedCapacity"]["CapacityUnits"], count + page["Count"], pages + 1
            if "LastEvaluatedKey" not in page:
                break
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        least = 30 * 100_000 / 4096 * factor
        assert count == 30
        assert pages == 3
        assert least <= units <= least + pages + 1


@pytest.mark.claim("DDB-537")
def test_segments_are_disjoint_and_complete(dynamodb: Any) -> None:
    make(dynamodb, "wide", "p:N")
    for first in range(0, 200, 25):
        puts = [{"PutRequest": {"Item": {"p": {"N": str(n)}}}} for n in range(first, first + 25)]
        dynamodb.batch_write_item(RequestItems={"wide": puts})
    parts = [
        [int(item["p"]["N"]) for item in dynamodb.scan(TableName="wide", Segment=n, TotalSegments=4)["Items"]]
        for n in range(4)
    ]
    assert sorted(number for part in parts for number in part) == list(range(200))
    assert all(len(part) > 20 for part in parts)
    message = invalid(dynamodb.scan, TableName="wide", Segment=4, TotalSegments=4)
    assert message == (
        "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
        "Segment: 4 is not less than TotalSegments: 4"
    )


@pytest.fixture
def comments(dynamodb: Any) -> str:
    """Comments by ID and date; by user and date through a global index, by score through a local one."""
    return make(
        dynamodb,
        "comments",
        "id:S",
        "date:S",
        also=("user:S", "score:N"),
        GlobalSecondaryIndexes=[index("user-date", "user:S", "date:S", projection="INCLUDE", include=["text"])],
        LocalSecondaryIndexes=[index("by-score", "id:S", "score:N", projection="KEYS_ONLY")],
    )


def comment(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": {"S": f"c{number % 3}"},
        "date": {"S": f"2026-01-{number + 1:02}"},
        "user": {"S": f"u{number % 4}"},
        "score": {"N": str(100 - number)},
        "text": {"S": "text"},
        "body": {"S": "b" * 3000},
        **more,
    }


@pytest.mark.claim("DDB-533", "DDB-551", "DDB-552", "DDB-553", "DDB-557")
def test_table_and_indexes_answer_queries(dynamodb: Any, comments: str) -> None:
    for number in range(20):
        dynamodb.put_item(TableName=comments, Item=comment(number))
    more: dict[str, Any] = {"ReturnConsumedCapacity": "INDEXES"}
    by_user = dynamodb.query(
        TableName=comments,
        IndexName="user-date",
        KeyConditionExpression="#u = :u",
        ExpressionAttributeNames={"#u": "user"},
        ExpressionAttributeValues={":u": {"S": "u1"}},
        **more,
    )
    scanned = dynamodb.scan(
        TableName=comments,
        FilterExpression="#u = :u",
        ExpressionAttributeNames={"#u": "user"},
        ExpressionAttributeValues={":u": {"S": "u1"}},
        **more,
    )
    dates = [item["date"]["S"] for item in by_user["Items"]]
    assert dates == sorted(item["date"]["S"] for item in scanned["Items"])
    assert len(dates) == 5
    assert set(by_user["Items"][0]) == {"id", "date", "user", "text"}
    assert by_user["ConsumedCapacity"]["GlobalSecondaryIndexes"] == {"user-date": {"CapacityUnits": 0.5}}
    assert scanned["ConsumedCapacity"]["CapacityUnits"] > 10 * by_user["ConsumedCapacity"]["CapacityUnits"]
    by_score = dynamodb.query(
        TableName=comments,
        IndexName="by-score",
        KeyConditionExpression="id = :i",
        ExpressionAttributeValues={":i": {"S": "c0"}},
        ConsistentRead=True,
    )["Items"]
    scores = [int(item["score"]["N"]) for item in by_score]
    assert scores == sorted(100 - number for number in range(0, 20, 3))
    assert set(by_score[0]) == {"id", "date", "score"}


@pytest.mark.claim("DDB-520")
def test_global_index_is_not_read_consistently(dynamodb: Any, comments: str) -> None:
    message = invalid(dynamodb.scan, TableName=comments, IndexName="user-date", ConsistentRead=True)
    assert message == "Consistent reads are not supported on global secondary indexes"


def test_select_forms(dynamodb: Any, comments: str) -> None:
    dynamodb.put_item(TableName=comments, Item=comment(0))
    assert "Items" not in dynamodb.scan(TableName=comments, Select="COUNT")
    assert dynamodb.scan(TableName=comments, IndexName="by-score", Select="ALL_ATTRIBUTES")["Items"] == [comment(0)]
    message = invalid(dynamodb.scan, TableName=comments, IndexName="user-date", Select="ALL_ATTRIBUTES")
    assert message == (
        "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary "
        "index user-date because its projection type is not ALL"
    )
    message = invalid(dynamodb.scan, TableName=comments, IndexName="none")
    assert message == "The table does not have the specified index: none"


def test_index_follows_updates_and_deletes(dynamodb: Any, comments: str) -> None:
    dynamodb.put_item(TableName=comments, Item=comment(0))
    key = {name: comment(0)[name] for name in ("id", "date")}

    def users() -> list[str]:
        return [item["user"]["S"] for item in dynamodb.scan(TableName=comments, IndexName="user-date")["Items"]]

    def update(expression: str, **values: Any) -> None:
        more = {"ExpressionAttributeValues": values} if values else {}
        names = {"#u": "user"}
        dynamodb.update_item(
            TableName=comments, Key=key, UpdateExpression=expression, ExpressionAttributeNames=names, **more
        )

    update("SET #u = :u", **{":u": {"S": "other"}})
    assert users() == ["other"]
    update("REMOVE #u")
    assert users() == []
    update("SET #u = :u", **{":u": {"S": "again"}})
    dynamodb.delete_item(TableName=comments, Key=key)
    assert users() == []


def test_legacy_conditions_and_filters(lake: Any, dynamodb: Any, table: str) -> None:
    fill(lake, dynamodb, table, 10)
    found = dynamodb.query(
        TableName=table,
        KeyConditions={
            "p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]},
            "s": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"N": "3"}, {"N": "6"}]},
        },
        QueryFilter={"v": {"ComparisonOperator": "BEGINS_WITH", "AttributeValueList": [{"S": "xx"}]}},
        AttributesToGet=["s"],
    )
    assert found["Items"] == [{"s": {"N": str(n)}} for n in (3, 4, 5, 6)]
    found = dynamodb.scan(
        TableName=table,
        ScanFilter={
            "s": {"ComparisonOperator": "IN", "AttributeValueList": [{"N": "1"}, {"N": "2.0"}]},
            "v": {"ComparisonOperator": "NULL"},
        },
        ConditionalOperator="OR",
    )
    assert sorted(sorts(found)) == [1, 2]
