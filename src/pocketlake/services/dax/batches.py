"""Batches through the cache: of what is read, only what is not cached is asked of the table."""

from __future__ import annotations

from typing import Any

from . import items
from .requests import Item, Place, Request, check_count
from .service import refuse
from .wire import answers, item_keys, values
from .wire.expressions import Path
from .wire.options import Options
from .wire.scanning import Malformed

MOST_KEYS, MOST_WRITES = 100, 25  # of DynamoDB
TWICE = "Provided list of item keys contains duplicates"


class Part:
    """What is asked of one table."""

    __slots__ = ("consistent", "count", "found", "missing", "paths", "table")

    def __init__(self, table: str, consistent: bool, paths: list[Path], count: int) -> None:
        self.table = table
        self.count = count
        self.consistent = consistent
        self.paths = paths
        self.found: list[tuple[bytes, bytes]] = []  # key and item, as on the wire
        self.missing: dict[Place, bytes] = {}


def batch_get_item(request: Request, asked: Any, given: Any) -> bytes:
    chosen = Options(given)
    parts = [_part(request, table, one) for table, one in _by_table(asked)]
    if len({part.table for part in parts}) < len(parts):
        raise Malformed("a table stands twice in a batch, as text and as bytes")
    check_count("requestItems", sum(part.count for part in parts), MOST_KEYS)
    answer: dict[str, Any] = {}
    wanted = {part.table: _wanted(request, part) for part in parts if part.missing}
    if wanted:
        answer = request.dynamodb.batch_get_item(**chosen.common({"RequestItems": wanted}))
        unprocessed = answer.get("UnprocessedKeys", {})
        for part in parts:
            if part.missing:
                left = unprocessed.get(part.table, {}).get("Keys", [])
                _take(request, part, answer["Responses"].get(part.table, []), left)
    consumed = [answers.capacity(one) for one in answer.get("ConsumedCapacity", [])]
    # An array of two, and a third behind it: so it is on AWS, and clients expect it.
    return (
        values.head(4, 2)
        + values.mapping((values.text(part.table), _responses(request, part)) for part in parts)
        + values.mapping(_unprocessed(request, answer))
        + values.array(consumed)
    )


def _by_table(asked: Any) -> list[tuple[str, Any]]:
    if type(asked) is not dict:
        raise Malformed("a batch is a map")
    check_count("requestItems", len(asked), MOST_KEYS)
    return list(asked.items())


def _part(request: Request, table_name: Any, one: Any) -> Part:
    """One table's keys, parted into those that the cache has and the others. Negative entries are neither."""
    if type(one) is not list or len(one) != 3 or type(one[2]) is not list:
        raise Malformed("a table's part is consistency, projection and keys")
    consistent, projection, keys = one
    part = Part(request.table(table_name), bool(consistent), items.projected(projection), len(keys))
    check_count(f"requestItems.{part.table}.member.keys", len(keys), MOST_KEYS)
    seen: set[Place] = set()
    for key in keys:
        place = request.place(part.table, key)
        if place in seen:
            raise refuse(TWICE)
        seen.add(place)
        entry = None if part.consistent else request.cached(place)
        if entry is None:
            part.missing[place] = key
        elif entry.value is not None:
            part.found.append((key, entry.value))
    return part


def _wanted(request: Request, part: Part) -> dict[str, Any]:
    keys = [request.key(part.table, key) for key in part.missing.values()]
    return {"Keys": keys, "ConsistentRead": True} if part.consistent else {"Keys": keys}


def _take(request: Request, part: Part, found: list[Item], left: list[Item]) -> None:
    """Items that the table had; those that it did not have are remembered too, unless it did not look."""
    schema = request.schema(part.table)
    absent = dict(part.missing)
    for key in left:
        absent.pop(request.place_of(part.table, key), None)
    for item in found:
        place, encoded = request.place_of(part.table, item), request.encode(part.table, item)
        absent.pop(place, None)
        part.found.append((item_keys.encode(schema, item), encoded))
        if not part.consistent:
            request.remember(place, encoded)
    if not part.consistent:
        for place in absent:
            request.remember(place, None)


def _responses(request: Request, part: Part) -> bytes:
    if part.paths:
        return values.array([items.shown_item(request, part.table, key, item, part.paths) for key, item in part.found])
    return values.array([values.binary(one) for pair in part.found for one in pair])


def _unprocessed(request: Request, answer: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    found = []
    for table, one in answer.get("UnprocessedKeys", {}).items():
        schema = request.schema(table)
        keys = [values.binary(item_keys.encode(schema, key)) for key in one["Keys"]]
        found.append((values.text(table), values.array(keys)))
    return found


def batch_write_item(request: Request, asked: Any, given: Any) -> bytes:
    """Keys and items in turn; null in the place of an item deletes."""
    chosen = Options(given)
    wanted: dict[str, list[Any]] = {}
    contents: dict[Place, Item | None] = {}
    for table_name, pairs in _by_table(asked):
        if type(pairs) is not list or len(pairs) % 2:
            raise Malformed("writes are pairs")
        table = request.table(table_name)
        ones = wanted.setdefault(table, [])
        for key, content in zip(pairs[::2], pairs[1::2], strict=True):
            place = request.place(table, key)
            if place in contents:
                raise refuse(TWICE)
            item = None if content is None else request.key(table, key) | request.decode(content)
            contents[place] = item
            put = {"PutRequest": {"Item": item}}
            ones.append({"DeleteRequest": {"Key": request.key(table, key)}} if item is None else put)
    check_count("requestItems", len(contents), MOST_WRITES)
    answer = request.dynamodb.batch_write_item(**chosen.common({"RequestItems": wanted}))
    unprocessed = answer.get("UnprocessedItems", {})
    for table, ones in unprocessed.items():
        for one in ones:
            contents.pop(request.place_of(table, _subject(one)), None)
    for place, item in contents.items():
        if item is None:
            request.forget(place)
        else:
            request.remember(place, request.encode(place[0], item))
    return (
        values.mapping((values.text(table), _left(request, table, ones)) for table, ones in unprocessed.items())
        + values.array([answers.capacity(one) for one in answer.get("ConsumedCapacity", [])])
        + answers.collections(answer.get("ItemCollectionMetrics", {}))
    )


def _subject(one: dict[str, Any]) -> Item:
    item: Item = one["PutRequest"]["Item"] if "PutRequest" in one else one["DeleteRequest"]["Key"]
    return item


def _left(request: Request, table: str, ones: list[dict[str, Any]]) -> bytes:
    flat: list[bytes] = []
    for one in ones:
        flat.append(values.binary(item_keys.encode(request.schema(table), _subject(one))))
        put = one.get("PutRequest")
        flat.append(values.binary(request.encode(table, put["Item"])) if put else values.NULL)
    return values.array(flat)
