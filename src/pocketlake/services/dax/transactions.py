"""Transactions pass through: what is read is not kept, what was written is read again for the cache."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.errors import ServiceError

from . import items
from .requests import Request, check_count
from .service import refuse
from .wire import answers, values
from .wire.expressions import Texts
from .wire.options import Options
from .wire.scanning import Malformed

MOST = 100  # of DynamoDB
PUT, DELETE, UPDATE, CHECK = 2, 7, 9, 12
KINDS = {PUT: "Put", DELETE: "Delete", UPDATE: "Update", CHECK: "ConditionCheck"}
ALL_OLD = 2


def transact_get_items(request: Request, tables: Any, keys: Any, projections: Any, given: Any) -> bytes:
    """Source: DynamoDB developer guide, Using transactional APIs in DAX."""
    count = _length(tables)
    asked, shown = [], []
    for table_name, key, projection in zip(tables, _list(keys, count), _list(projections, count), strict=True):
        table = request.table(table_name)
        asked.append({"Get": {"TableName": table, "Key": request.key(table, key)}})
        shown.append((table, key, items.projected(projection)))
    answer = request.dynamodb.transact_get_items(**Options(given).common({"TransactItems": asked}))
    found = []
    for (table, key, paths), response in zip(shown, answer["Responses"], strict=True):
        if "Item" not in response:
            found.append(values.NULL)
        else:
            encoded = request.encode(table, response["Item"])
            found.append(items.shown_item(request, table, key, encoded, paths))
    return values.head(4, 2) + values.array(found) + _capacities(answer)


def transact_write_items(
    request: Request,
    operations: Any,
    tables: Any,
    keys: Any,
    contents: Any,
    _: Any,
    returns: Any,
    conditions: Any,
    updates: Any,
    given: Any,
) -> bytes:
    """`_` are return values, which AWS's clients send empty."""
    count = _length(operations)
    columns = [_list(column, count) for column in (tables, keys, contents, returns, conditions, updates)]
    asked, places = [], []
    for operation, *row in zip(operations, *columns, strict=True):
        asked.append(_write(request, operation, *row))
        places.append((request.table(row[0]), row[1]))
    chosen = Options(given)
    writing = chosen.common({"TransactItems": asked})
    chosen.token(writing)
    answer = request.dynamodb.transact_write_items(**writing)
    _refresh(request, [place for place, op in zip(places, operations, strict=True) if op != CHECK])
    metrics = answers.collections(answer.get("ItemCollectionMetrics", {}))
    return values.head(4, 3) + values.array([]) + _capacities(answer) + metrics


def _write(
    request: Request, operation: Any, table_name: Any, key: Any, content: Any, returns: Any, condition: Any, update: Any
) -> dict[str, Any]:
    if type(operation) is not int or operation not in KINDS:
        raise refuse("TransactItems can only contain one of Check, Put, Update or Delete")
    table = request.table(table_name)
    one: dict[str, Any] = {"TableName": table}
    if operation == PUT:
        one["Item"] = request.key(table, key) | request.decode(content)
    else:
        one["Key"] = request.key(table, key)
    texts = Texts()
    if update is not None:
        one["UpdateExpression"] = texts.update(update)
    elif operation == UPDATE:
        raise refuse("The UpdateExpression parameter is required for Update")
    if condition is not None:
        one["ConditionExpression"] = texts.condition(condition)
    elif operation == CHECK:
        raise refuse("The ConditionExpression parameter is required for ConditionCheck")
    texts.put_into(one)
    if returns == ALL_OLD:
        one["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return {KINDS[operation]: one}


def _refresh(request: Request, places: list[tuple[str, bytes]]) -> None:
    """Read the items again into the cache, at the table's cost; where the table has no capacity left, forget them.

    Source: DynamoDB developer guide, Using transactional APIs in DAX: "DAX calls TransactGetItems in the background
    for each item in the TransactWriteItems operation, which consumes additional read capacity units".
    """
    if not places:
        return
    asked = [{"Get": {"TableName": table, "Key": request.key(table, key)}} for table, key in places]
    try:
        responses = request.dynamodb.transact_get_items(TransactItems=asked)["Responses"]
    except ServiceError:
        for table, key in places:
            request.forget(request.place(table, key))
        return
    for (table, key), response in zip(places, responses, strict=True):
        encoded = request.encode(table, response["Item"]) if "Item" in response else None
        request.remember(request.place(table, key), encoded)


def _capacities(answer: dict[str, Any]) -> bytes:
    return values.array([answers.numbered_capacity(one) for one in answer.get("ConsumedCapacity", [])])


def _length(column: Any) -> int:
    if type(column) is not list:
        raise Malformed("a transaction is columns")
    check_count("transactItems", len(column), MOST)
    return len(column)


def _list(column: Any, count: int) -> list[Any]:
    """A column of the transaction; null stands for nothing in each row."""
    if column is None:
        return [None] * count
    if type(column) is not list or len(column) != count:
        raise Malformed("columns of a transaction are of one length")
    return column
