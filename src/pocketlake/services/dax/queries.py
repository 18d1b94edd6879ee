"""Queries and scans: their results are remembered as a whole, under what was asked, and writes do not touch them."""

from __future__ import annotations

from typing import Any

from . import items
from .requests import Item, Request
from .wire import answers, item_keys, options, values
from .wire.expressions import Path, Texts
from .wire.options import Options
from .wire.scanning import Malformed


def query(request: Request, table_name: Any, key_condition: Any, given: Any) -> bytes:
    texts = Texts()
    asked: dict[str, Any] = {"TableName": request.table(table_name)}
    if key_condition is not None:
        asked["KeyConditionExpression"] = texts.condition(key_condition)
    return _remembered(request, "query", asked, Options(given), texts)


def scan(request: Request, table_name: Any, given: Any) -> bytes:
    return _remembered(request, "scan", {"TableName": request.table(table_name)}, Options(given), Texts())


def _remembered(request: Request, operation: str, asked: dict[str, Any], given: Options, texts: Texts) -> bytes:
    """From the query cache where the very same was asked before; strongly consistent ones pass by.  [DAX-509]

    A time to live of 0 keeps no results. Source: DynamoDB developer guide, DAX: How it works, query cache.
    """
    seconds = request.query_seconds
    if given.is_set(options.CONSISTENT_READ) or not seconds:
        return _answered(request, operation, asked, given, texts)[1]
    queries = request.running.caches.queries
    entry = queries.find(request.raw, request.now, seconds)
    kind = "QueryCache" if operation == "query" else "ScanCache"
    request.meter.add(f"{kind}Misses" if entry is None else f"{kind}Hits", 1, request.now)
    if entry is not None and entry.value is not None:
        return entry.value
    kept, shown = _answered(request, operation, asked, given, texts)
    request.later.append(lambda: queries.put(request.raw, kept, request.now))
    return shown


def _answered(
    request: Request, operation: str, asked: dict[str, Any], given: Options, texts: Texts
) -> tuple[bytes, bytes]:
    """The answer as it is kept, and as it is shown this time: with the capacity that it consumed."""
    table = asked["TableName"]
    given.reading(asked)
    paths = items.projected(given.get(options.PROJECTION))
    if paths:
        asked["ProjectionExpression"] = texts.heads(paths)
    if given.get(options.FILTER) is not None:
        asked["FilterExpression"] = texts.condition(given.get(options.FILTER))
    if given.get(options.START_KEY) is not None:
        asked["ExclusiveStartKey"] = _start(request, asked, given.get(options.START_KEY))
    texts.put_into(asked)
    answer = getattr(request.dynamodb, operation)(**asked)
    members: answers.Members = []
    if "Items" in answer:
        shown = [_item(request, table, item, paths) for item in answer["Items"]]
        members.append((answers.ITEMS, values.array(shown)))
    members.append((answers.COUNT, values.dump(answer["Count"])))
    members.append((answers.SCANNED, values.dump(answer["ScannedCount"])))
    if answer.get("LastEvaluatedKey"):
        members.append((answers.LAST_KEY, _last(request, asked, answer["LastEvaluatedKey"])))
    return answers.fields(members), answers.fields(members + answers.extras(answer))


def _item(request: Request, table: str, item: Item, paths: list[Path]) -> bytes:
    if paths:
        return answers.projection(paths, item)
    key = item_keys.encode(request.schema(table), item)
    return values.head(4, 2) + values.binary(key) + values.binary(request.encode(table, item))


def _start(request: Request, asked: dict[str, Any], data: Any) -> Item:
    """Of an index all attributes of the key by name, of a table its key."""
    if "IndexName" not in asked:
        return request.key(asked["TableName"], data)
    found = values.load(data) if type(data) is bytes else None
    if type(found) is not dict or not all(type(name) is str for name in found):
        raise Malformed("an index's key is a map")
    return {name: values.attribute_value(value) for name, value in found.items()}


def _last(request: Request, asked: dict[str, Any], key: Item) -> bytes:
    if "IndexName" not in asked:
        return values.binary(item_keys.encode(request.schema(asked["TableName"]), key))
    pairs = (values.text(name) + values.dump(values.plain(value)) for name, value in key.items())
    return values.binary(b"\xbf" + b"".join(pairs) + b"\xff")  # without a length: clients insist on it
