"""Items: put, got, updated, deleted; conditions, return values, sizes and numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr, Key

from .conftest import index, invalid, make, refusal

KEY = {"p": {"S": "a"}, "s": {"N": "1"}}


def get(dynamodb: Any, table: str, **more: Any) -> Any:
    return dynamodb.get_item(TableName=table, Key=KEY, **more).get("Item")


@pytest.mark.claim("DDB-002")
def test_items_of_differing_attributes_through_the_resource_layer(lake: Any, dynamodb: Any, table: str) -> None:
    things = lake.resource("dynamodb").Table(table)
    item = {
        "p": "a",
        "s": 1,
        "text": "grüße",
        "bytes": b"\x00\xff",
        "yes": True,
        "none": None,
        "list": [1, "two", {"three": Decimal("3.0")}],
        "strings": {"x", "y"},
        "numbers": {1, Decimal("2.50")},
        "binaries": {b"a", b"b"},
    }
    things.put_item(Item=item)
    things.put_item(Item={"p": "a", "s": 2, "other": 1})
    assert things.get_item(Key={"p": "a", "s": 1})["Item"] == item
    found = things.query(KeyConditionExpression=Key("p").eq("a") & Key("s").gt(1), FilterExpression=Attr("other").eq(1))
    assert found["Items"] == [{"p": "a", "s": 2, "other": 1}]


@pytest.mark.claim("DDB-003", "DDB-004", "DDB-526")
def test_projection_gives_what_it_names(dynamodb: Any, table: str) -> None:
    content = {"b": {"M": {"c": {"N": "1"}, "x": {"N": "2"}}}, "d": {"L": [{"S": "0"}, {"S": "1"}]}, "a": {"S": "v"}}
    dynamodb.put_item(TableName=table, Item={**KEY, **content})
    assert get(dynamodb, table, ProjectionExpression="a") == {"a": {"S": "v"}}
    several = get(dynamodb, table, ProjectionExpression="a, b.c, d[1], absent, d[7]")
    assert several == {"a": {"S": "v"}, "b": {"M": {"c": {"N": "1"}}}, "d": {"L": [{"S": "1"}]}}
    named = get(dynamodb, table, ProjectionExpression="#b.#c", ExpressionAttributeNames={"#b": "b", "#c": "c"})
    assert named == {"b": {"M": {"c": {"N": "1"}}}}
    message = invalid(dynamodb.get_item, TableName=table, Key=KEY, ProjectionExpression="name")
    assert message == ("Invalid ProjectionExpression: Attribute name is a reserved keyword; reserved keyword: name")
    message = invalid(dynamodb.get_item, TableName=table, Key=KEY, ProjectionExpression="b, b.c")
    assert message == (
        "Invalid ProjectionExpression: Two document paths overlap with each other; "
        "must remove or rewrite one of these paths; path one: [b], path two: [b, c]"
    )


NUMBERS = [
    ("1.0", "1"),
    ("-0", "0"),
    ("1e3", "1000"),
    ("0.00012300", "0.000123"),
    ("1E-130", "0." + "0" * 129 + "1"),
    ("9.9999999999999999999999999999999999999E+125", "99999999999999999999999999999999999999" + "0" * 88),
    ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
    ("00000000000000000000000000000000000000000000042", "42"),
]


@pytest.mark.parametrize(("given", "kept"), NUMBERS)
def test_numbers_are_exact_to_38_digits(dynamodb: Any, table: str, given: str, kept: str) -> None:
    dynamodb.put_item(TableName=table, Item={**KEY, "n": {"N": given}})
    item = get(dynamodb, table)
    assert item is not None
    assert item["n"] == {"N": kept}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"N": "1E126"}, "Number overflow. Attempting to store a number with magnitude larger than supported range"),
        ({"N": "1E-131"}, "Number underflow. Attempting to store a number with magnitude smaller than supported range"),
        ({"N": "1" * 39}, "Attempting to store more than 38 significant digits in a Number"),
        ({"N": "b"}, "The parameter cannot be converted to a numeric value: b"),
        ({"SS": []}, "One or more parameter values were invalid: An string set  may not be empty"),
        ({}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
        (
            {"S": "a", "N": "1"},
            "Supplied AttributeValue has more than one datatypes set, "
            "must contain exactly one of the supported datatypes",
        ),
    ],
)
def test_bad_values_are_refused_in_aws_words(dynamodb: Any, table: str, value: Any, message: str) -> None:
    assert (
        invalid(dynamodb.put_item, TableName=table, Item={**KEY, "v": value}).removeprefix(
            "1 validation error detected: "
        )
        == message
    )


@pytest.mark.claim("DDB-541")
def test_item_of_400_kb_and_no_byte_more(dynamodb: Any) -> None:
    make(dynamodb, "large", "p:S")
    room = 409_600 - len("p") - len("a") - len("t")
    dynamodb.put_item(TableName="large", Item={"p": {"S": "a"}, "t": {"S": "x" * room}})
    message = invalid(dynamodb.put_item, TableName="large", Item={"p": {"S": "a"}, "t": {"S": "x" * (room + 1)}})
    assert message.endswith("Item size has exceeded the maximum allowed size")
    message = invalid(
        dynamodb.update_item,
        TableName="large",
        Key={"p": {"S": "a"}},
        UpdateExpression="SET more = :m",
        ExpressionAttributeValues={":m": {"S": "xx"}},
    )
    assert message == "Item size to update has exceeded the maximum allowed size"


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"p": {"S": "a"}}, "One or more parameter values were invalid: Missing the key s in the item"),
        (
            {"p": {"N": "1"}, "s": {"N": "1"}},
            "One or more parameter values were invalid: Type mismatch for key p expected: S actual: N",
        ),
        (
            {"p": {"S": ""}, "s": {"N": "1"}},
            "One or more parameter values are not valid. "
            "The AttributeValue for a key attribute cannot contain an empty string value. Key: p",
        ),
        (
            {"p": {"S": "x" * 2049}, "s": {"N": "1"}},
            "One or more parameter values were invalid: "
            "Size of hashkey has exceeded the maximum size limit of2048 bytes",
        ),
    ],
)
def test_keys_are_judged(dynamodb: Any, table: str, item: Any, message: str) -> None:
    assert invalid(dynamodb.put_item, TableName=table, Item=item) == message


def test_key_that_does_not_match_the_schema(dynamodb: Any, table: str) -> None:
    for key in ({"p": {"S": "a"}}, {**KEY, "x": {"S": "b"}}, {"p": {"S": "a"}, "s": {"S": "1"}}):
        message = invalid(dynamodb.get_item, TableName=table, Key=key)
        assert message == "The provided key element does not match the schema"


def test_condition_lets_pass_or_fails_and_shows_the_item(dynamodb: Any, table: str) -> None:
    new = {"ConditionExpression": "attribute_not_exists(p)"}
    dynamodb.put_item(TableName=table, Item={**KEY, "v": {"N": "1"}}, **new)
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as caught:
        dynamodb.put_item(TableName=table, Item=KEY, ReturnValuesOnConditionCheckFailure="ALL_OLD", **new)
    assert caught.value.response["Error"]["Message"] == "The conditional request failed"
    assert caught.value.response["Item"] == {**KEY, "v": {"N": "1"}}
    assert get(dynamodb, table) == {**KEY, "v": {"N": "1"}}


def test_legacy_expected_and_updates(dynamodb: Any, table: str) -> None:
    dynamodb.put_item(TableName=table, Item={**KEY, "v": {"N": "1"}}, Expected={"p": {"Exists": False}})
    code, _ = refusal(dynamodb.put_item, TableName=table, Item=KEY, Expected={"p": {"Exists": False}})
    assert code == "ConditionalCheckFailedException"
    answer = dynamodb.update_item(
        TableName=table,
        Key=KEY,
        AttributeUpdates={
            "v": {"Action": "ADD", "Value": {"N": "2"}},
            "w": {"Value": {"S": "x"}},
            "gone": {"Action": "DELETE"},
        },
        Expected={"v": {"ComparisonOperator": "LT", "AttributeValueList": [{"N": "5"}]}},
        ReturnValues="UPDATED_NEW",
    )
    assert answer["Attributes"] == {"v": {"N": "3"}, "w": {"S": "x"}}
    mixed = {"UpdateExpression": "SET v = v", "AttributeUpdates": {"v": {"Value": {"N": "1"}}}}
    assert "Can not use both expression and non-expression parameters in the same request" in invalid(
        dynamodb.update_item, TableName=table, Key=KEY, **mixed
    )


def update(dynamodb: Any, table: str, expression: str, values: Any = None, **more: Any) -> Any:
    if values:
        more["ExpressionAttributeValues"] = values
    more.setdefault("ReturnValues", "ALL_NEW")
    return dynamodb.update_item(TableName=table, Key=KEY, UpdateExpression=expression, **more).get("Attributes")


def test_update_expression_sets_adds_removes_and_deletes(dynamodb: Any, table: str) -> None:
    values = {":one": {"N": "1"}, ":l": {"L": [{"S": "a"}, {"S": "b"}, {"S": "c"}]}, ":s": {"SS": ["x", "y"]}}
    item = update(dynamodb, table, "SET n = :one, l = :l, m = if_not_exists(m, :one) ADD s2 :s", values)
    assert item == {**KEY, "n": {"N": "1"}, "l": values[":l"], "m": {"N": "1"}, "s2": values[":s"]}
    values = {":one": {"N": "1"}, ":l": {"L": [{"S": "z"}]}, ":s": {"SS": ["x"]}}
    item = update(
        dynamodb,
        table,
        "SET n = n + :one, l = list_append(l, :l), l2 = l REMOVE m DELETE s2 :s",
        values,
    )
    assert item["n"] == {"N": "2"}
    assert [member["S"] for member in item["l"]["L"]] == ["a", "b", "c", "z"]
    assert [member["S"] for member in item["l2"]["L"]] == ["a", "b", "c"]
    assert "m" not in item
    assert item["s2"] == {"SS": ["y"]}
    item = update(dynamodb, table, "REMOVE l[0], l[2] SET l[99] = :e", {":e": {"S": "end"}})
    assert [member["S"] for member in item["l"]["L"]] == ["b", "z", "end"]


def test_operands_are_what_they_were_before_the_update(dynamodb: Any, table: str) -> None:
    update(dynamodb, table, "SET a = :a, b = :b", {":a": {"N": "1"}, ":b": {"L": [{"N": "2"}]}})
    item = update(dynamodb, table, "SET a = b, b = a")
    assert (item["a"], item["b"]) == ({"L": [{"N": "2"}]}, {"N": "1"})
    item = update(dynamodb, table, "SET c = a REMOVE a[0]")
    assert (item["a"], item["c"]) == ({"L": []}, {"L": [{"N": "2"}]})


def test_update_returns_what_it_touched(dynamodb: Any, table: str) -> None:
    update(dynamodb, table, "SET m = :m, x = :x", {":m": {"M": {"a": {"N": "1"}, "b": {"N": "2"}}}, ":x": {"N": "1"}})
    old = update(dynamodb, table, "SET m.a = :v", {":v": {"N": "9"}}, ReturnValues="UPDATED_OLD")
    assert old == {"m": {"M": {"a": {"N": "1"}}}}
    new = update(dynamodb, table, "SET m.a = m.a + :v", {":v": {"N": "1"}}, ReturnValues="UPDATED_NEW")
    assert new == {"m": {"M": {"a": {"N": "10"}}}}
    assert update(dynamodb, table, "REMOVE x", ReturnValues="UPDATED_NEW") is None


def test_removing_from_what_is_not_there_makes_nothing(dynamodb: Any, table: str) -> None:
    update(dynamodb, table, "REMOVE x", ReturnValues="NONE")
    assert get(dynamodb, table) is None
    dynamodb.update_item(TableName=table, Key=KEY)
    assert get(dynamodb, table) == KEY


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            "SET p = :v",
            "One or more parameter values were invalid: Cannot update attribute p. This attribute is part of the key",
        ),
        ("SET a.b = :v", "The document path provided in the update expression is invalid for update"),
        ("SET a = b + :v", "The provided expression refers to an attribute that does not exist in the item"),
        ("SET a = t + :v", "An operand in the update expression has an incorrect data type"),
        ("ADD t :v", "An operand in the update expression has an incorrect data type"),
        (
            "SET a = :v SET b = :v",
            'Invalid UpdateExpression: The "SET" section can only be used once in an update expression;',
        ),
        (
            "SET a = :v, a = :v",
            "Invalid UpdateExpression: Two document paths overlap with each other; "
            "must remove or rewrite one of these paths; path one: [a], path two: [a]",
        ),
        (
            "SET a = :w",
            "Invalid UpdateExpression: An expression attribute value used in expression is not defined; "
            "attribute value: :w",
        ),
        ("SET a = foo(:v)", "Invalid UpdateExpression: Invalid function name; function: foo"),
        ("SET a + :v", 'Invalid UpdateExpression: Syntax error; token: "+", near: "a + :v"'),
        (
            "SET a = list_append(t, :v)",
            "Invalid UpdateExpression: Incorrect operand type for operator or function; "
            "operator or function: list_append, operand type: N",
        ),
    ],
)
def test_bad_updates_are_refused_in_aws_words(dynamodb: Any, table: str, expression: str, message: str) -> None:
    dynamodb.put_item(TableName=table, Item={**KEY, "t": {"S": "text"}})
    found = invalid(
        dynamodb.update_item,
        TableName=table,
        Key=KEY,
        UpdateExpression=expression,
        ExpressionAttributeValues={":v": {"N": "1"}},
    )
    assert found.removeprefix("1 validation error detected: ") == message
    assert get(dynamodb, table) == {**KEY, "t": {"S": "text"}}


def test_delete_returns_what_was_there_and_is_idempotent(dynamodb: Any, table: str) -> None:
    dynamodb.put_item(TableName=table, Item={**KEY, "v": {"N": "1"}})
    old = dynamodb.delete_item(TableName=table, Key=KEY, ReturnValues="ALL_OLD")["Attributes"]
    assert old == {**KEY, "v": {"N": "1"}}
    assert "Attributes" not in dynamodb.delete_item(TableName=table, Key=KEY, ReturnValues="ALL_OLD")


def test_index_keys_of_items_have_the_indexes_types(dynamodb: Any) -> None:
    make(dynamodb, "typed", "p:S", also=("g:S",), GlobalSecondaryIndexes=[index("by-g", "g:S")])
    message = invalid(dynamodb.put_item, TableName="typed", Item={"p": {"S": "a"}, "g": {"N": "1"}})
    assert message == (
        "One or more parameter values were invalid: Type mismatch for Index Key g Expected: S Actual: N IndexName: by-g"
    )


def test_missing_table(dynamodb: Any) -> None:
    answer = refusal(dynamodb.get_item, TableName="absent", Key=KEY)
    assert answer == ("ResourceNotFoundException", "Requested resource not found")


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            "a = :v OR " * 200 + "a = :v",
            "The expression contains too many operators; operator count: 401",
        ),
        (
            f"a IN ({', '.join([':v'] * 101)})",
            "The IN operator is provided with too many operands; number of operands: 101",
        ),
        ("a = :v" + " " * 4091, "Expression size has exceeded the maximum allowed size; expression size: 4097"),
    ],
)
def test_expressions_have_bounds(dynamodb: Any, table: str, expression: str, message: str) -> None:
    found = invalid(
        dynamodb.scan, TableName=table, FilterExpression=expression, ExpressionAttributeValues={":v": {"N": "1"}}
    )
    assert found == f"Invalid FilterExpression: {message}"


@pytest.mark.parametrize("deep", ["(" * 2000 + "a = :v" + ")" * 2000, "NOT " * 1000 + "a = :v"])
def test_depth_of_an_expression_is_no_fault(dynamodb: Any, table: str, deep: str) -> None:
    values = {":v": {"N": "1"}}
    assert invalid(dynamodb.scan, TableName=table, FilterExpression=deep, ExpressionAttributeValues=values)
