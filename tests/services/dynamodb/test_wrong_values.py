"""How values are refused: two layers of DynamoDB word it differently, and which one answers the operation decides.

Recorded against AWS in October 2026 by paritysuite/dynamodb-conformance (tests/tier3/error-messages).
"""

from __future__ import annotations

from typing import Any

import pytest

from pocketlake.kernel.errors import ServiceError
from pocketlake.services.dynamodb.attribute_values import item_size

from .conftest import invalid, make

ONE = "1 validation error detected: "
BAD = "One or more parameter values were invalid: "
UNREADABLE = "The parameter cannot be converted to a numeric value"
OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
KEY = {"p": {"S": "x"}}
# What is given, how the newer layer refuses it, and the older one.
VALUES = [
    ({"N": "abc"}, f"{UNREADABLE}: abc", f"{UNREADABLE}: abc"),
    ({"N": ""}, f"{UNREADABLE}: ", UNREADABLE),
    ({"N": "1e126"}, OVERFLOW, OVERFLOW),
    ({"N": "1e2147483647"}, OVERFLOW, UNDERFLOW),
    ({"N": "-1e99999999999"}, OVERFLOW, None),
    ({"N": "1e-99999999999"}, UNDERFLOW, None),
    (
        {"SS": ["b", "a", "b"]},
        f'{BAD}Input collection ["a", "b", "b"] contains duplicates.',
        f"{BAD}Input collection [b, a, b] contains duplicates.",
    ),
    (
        {"BS": [b"\xff", b"\0", b"\0"]},
        f'{BAD}Input collection ["AA==","/w==","AA=="]of type BS contains duplicates.',
        f"{BAD}Input collection [/w==, AA==, AA==]of type BS contains duplicates.",
    ),
    (
        {"NS": ["2", "1", "2"]},
        f"{BAD}Input collection contains duplicates.",
        "Input collection contains duplicates",
    ),
]


@pytest.fixture
def plain(dynamodb: Any) -> str:
    return make(dynamodb, "plain", "p:S")


@pytest.mark.parametrize(("value", "newer", "older"), VALUES, ids=lambda given: str(given)[:30])
def test_values_are_refused_in_the_words_of_the_operation_s_layer(
    dynamodb: Any, plain: str, value: Any, newer: str, older: str | None
) -> None:
    item = {**KEY, "v": value}
    condition = {"ConditionExpression": "v = :v", "ExpressionAttributeValues": {":v": value}}
    filtered = {
        "KeyConditionExpression": "p = :p",
        "FilterExpression": "v = :v",
        "ExpressionAttributeValues": {":p": {"S": "x"}, ":v": value},
    }
    assert invalid(dynamodb.put_item, TableName=plain, Item=item) == ONE + newer
    assert invalid(dynamodb.put_item, TableName=plain, Item=KEY, **condition) == ONE + newer
    assert invalid(dynamodb.put_item, TableName=plain, Item=KEY, Expected={"v": {"Value": value}}) == ONE + newer
    assert invalid(dynamodb.delete_item, TableName=plain, Key=KEY, **condition) == ONE + newer
    assert invalid(dynamodb.get_item, TableName=plain, Key={"p": value}) == newer
    assert invalid(dynamodb.query, TableName=plain, **filtered) == newer
    if older is not None:
        within = f"ExpressionAttributeValues contains invalid value: {older} for key :v"
        writes = {plain: [{"PutRequest": {"Item": item}}]}
        assert invalid(dynamodb.batch_write_item, RequestItems=writes) == older
        put = {"Put": {"TableName": plain, "Item": item}}
        assert invalid(dynamodb.transact_write_items, TransactItems=[put]) == older
        assert invalid(dynamodb.scan, TableName=plain, FilterExpression="v = :v", **_values(value)) == within


def _values(value: Any) -> dict[str, Any]:
    return {"ExpressionAttributeValues": {":v": value}}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (_values({"S": "x"}), "ExpressionAttributeValues can only be specified when using expressions"),
        ({"ReturnValues": "ALL_NEW"}, "ReturnValues can only be ALL_OLD or NONE"),
        (
            {"ReturnValues": "ALL"},
            "Value 'ALL' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: "
            "[ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]",
        ),
    ],
)
def test_parameters_are_refused_alike_by_puts_and_deletes(
    dynamodb: Any, plain: str, request_: dict[str, Any], message: str
) -> None:
    assert invalid(dynamodb.put_item, TableName=plain, Item=KEY, **request_) == ONE + message
    assert invalid(dynamodb.delete_item, TableName=plain, Key=KEY, **request_) == ONE + message


@pytest.mark.parametrize("content", [0, 1.5, True])
def test_a_map_is_a_map(content: Any) -> None:
    """Not sent: boto3 can't."""
    with pytest.raises(ServiceError) as caught:
        item_size({"m": {"M": {"n": {"M": content}}}})
    assert caught.value.code == "SerializationException"


def test_a_long_set_is_soon_refused(dynamodb: Any, plain: str) -> None:
    """Pair by pair its members would take minutes."""
    members = [str(number) for number in range(150_000)]
    message = invalid(dynamodb.put_item, TableName=plain, Item={**KEY, "v": {"SS": [*members, "149999"]}})
    assert message.endswith('"99999", "149999"] contains duplicates.')


def test_attributes_have_names(dynamodb: Any, plain: str) -> None:
    named = {**KEY, "": {"S": "x"}}
    assert invalid(dynamodb.put_item, TableName=plain, Item=named) == f"{ONE}Empty attribute name"
    put = {"Put": {"TableName": plain, "Item": named}}
    assert invalid(dynamodb.transact_write_items, TransactItems=[put]) == "Empty attribute name"


def test_sizes_are_refused_by_reads_without_the_value(dynamodb: Any, plain: str) -> None:
    where = f"{ONE}Value at 'RequestItems.{plain}.member.Keys' failed to satisfy constraint: Member must have length "
    keys = [{"p": {"S": str(number)}} for number in range(101)]
    for given, bound in ((keys, "less than or equal to 100"), ([], "greater than or equal to 1")):
        assert invalid(dynamodb.batch_get_item, RequestItems={plain: {"Keys": given}}) == where + bound
    values = {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "x"}}}
    assert invalid(dynamodb.query, TableName=plain, Limit=0, **values) == (
        f"{ONE}Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1"
    )


SUITS_NOT = "The provided key element does not match the schema"


@pytest.mark.parametrize("key", [{"N": "5"}, {"L": [{"S": "x"}]}, None], ids=["number", "list", "missing"])
def test_keys_that_do_not_suit_the_table_are_refused_by_batches_and_cancel_transactions(
    dynamodb: Any, plain: str, key: Any
) -> None:
    item = {"q": {"S": "x"}} if key is None else {"p": key}
    for write in ({"PutRequest": {"Item": item}}, {"DeleteRequest": {"Key": item}}):
        assert invalid(dynamodb.batch_write_item, RequestItems={plain: [write]}) == SUITS_NOT
    where = {"TableName": plain}
    kind = next(iter(key or {}), "")
    found = f"Type mismatch for key p expected: S actual: {kind}" if kind else "Missing the key p in the item"
    asked = [
        ({"Put": {**where, "Item": item}}, BAD + found),
        ({"Delete": {**where, "Key": item}}, SUITS_NOT),
        ({"Update": {**where, "Key": item, "UpdateExpression": "REMOVE a"}}, SUITS_NOT),
        ({"ConditionCheck": {**where, "Key": item, "ConditionExpression": "attribute_exists(a)"}}, SUITS_NOT),
    ]
    for one, reason in asked:
        with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as caught:
            dynamodb.transact_write_items(TransactItems=[{"Put": {**where, "Item": KEY}}, one])
        assert caught.value.response["CancellationReasons"] == [
            {"Code": "None"},
            {"Code": "ValidationError", "Message": reason},
        ]
    assert dynamodb.scan(TableName=plain)["Count"] == 0
