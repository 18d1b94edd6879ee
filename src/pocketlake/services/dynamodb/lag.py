"""Eventual consistency, on demand: reads that see tables as they were some seconds ago.  [DDB-525]

POST /_pocketlake/faults with {"service": "dynamodb", "behaviour": "lag", "seconds": 1}; for one table with "resource":
its name, and for a part of the reads with "share". Reads that ask for consistency never lag; those of global indexes
cannot ask. Otherwise every read of the lake's sees the last write.

What was there before comes from the table's journal (history.py), which is kept from the first read or write on.
Source: developer guide, DynamoDB read consistency.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from pocketlake.kernel.call import Call

from . import history, journal, keys, schemas, store
from .attribute_values import item_size
from .schemas import ALL, Index, Table
from .store import Bounds, Place

FOLLOWER = "lag"
KEPT = 3600.0  # seconds at least that the journal is kept after the last read or write that asked for it
MOST = 100_000  # changed items that are told from the others

Row = tuple[int, bytes]


def followed(call: Call, table: Table) -> Table:
    """The table with its changes kept, where it is to lag; as it is otherwise."""
    behaviour = call.lake.faults.behaviour("dynamodb", FOLLOWER, table.name)
    if behaviour is None or table.is_followed:
        return table
    resource = call.resources("table").find(table.name)
    assert resource is not None
    history.follow(call, resource, FOLLOWER, keep=behaviour.settings["seconds"])
    history.release(call, table.number, FOLLOWER, until=call.now + KEPT + behaviour.settings["seconds"])
    return schemas.find(call, table.name)


def since(call: Call, table: Table, consistent: bool) -> int | None:
    """The change up to which a read sees the table; None: it sees all of them."""
    behaviour = call.lake.faults.behaviour("dynamodb", FOLLOWER, table.name)
    if behaviour is None or consistent:
        return None
    followed(call, table)
    if behaviour.chance.random() >= behaviour.settings["share"]:
        return None
    return history.sequence_at(call.now - behaviour.settings["seconds"])


def get(call: Call, table: Table, hash: bytes, sort: bytes, consistent: bool) -> Row | None:
    """Size and JSON of an item, perhaps as it was."""
    at = since(call, table, consistent)
    if at is not None:
        changed = journal.first_of_key(call.db, table.number, at, hash, sort)
        if changed is not None:
            size, body = changed
            return None if body is None else (size, body)
    return store.get(call.db, table.number, hash, sort)


class Rows:
    """What a cursor would say, and how it is closed."""

    def __init__(self, rows: Iterator[Row], cursor: Any) -> None:
        self._rows = rows
        self._cursor = cursor

    def __iter__(self) -> Iterator[Row]:
        return self._rows

    def close(self) -> None:
        self._cursor.close()


def of_partition(
    call: Call,
    table: Table,
    index: Index | None,
    consistent: bool,
    cursor: Any,
    hash: bytes,
    bounds: Bounds,
    after: Place | None,
    reverse: bool,
) -> Any:
    """The rows of a Query, perhaps as they were."""

    def is_inside(place: Place) -> bool:
        is_within = place.sort >= bounds.low and (bounds.high is None or place.sort < bounds.high)
        return place.hash == hash and is_within and _follows(place, after, reverse)

    return _as_it_was(call, table, index, consistent, cursor, is_inside, reverse)


def of_range(
    call: Call,
    table: Table,
    index: Index | None,
    consistent: bool,
    cursor: Any,
    low: bytes,
    high: bytes,
    after: Place | None,
) -> Any:
    """The rows of a Scan, perhaps as they were."""

    def is_inside(place: Place) -> bool:
        return low <= place.hash < high and _follows(place, after, reverse=False)

    return _as_it_was(call, table, index, consistent, cursor, is_inside, reverse=False)


def _follows(place: Place, after: Place | None, reverse: bool) -> bool:
    if after is None:
        return True
    return _order(place) < _order(after) if reverse else _order(place) > _order(after)


def _order(place: Place) -> tuple[bytes, bytes, bytes, bytes]:
    return place.hash, place.sort, place.item_hash, place.item_sort


def _as_it_was(
    call: Call,
    table: Table,
    index: Index | None,
    consistent: bool,
    cursor: Any,
    is_inside: Callable[[Place], bool],
    reverse: bool,
) -> Any:
    at = since(call, table, consistent)
    if at is None:
        return cursor
    changed = journal.first_of_each_key(call.db, table.number, at, None, MOST)
    new = {(hash, sort) for hash, sort, _, _ in changed}
    before = []
    for hash, sort, size, body in changed:
        item = orjson.loads(body) if body is not None else None
        place = _place(table, index, item, hash, sort) if item is not None else None
        if place is not None and body is not None and is_inside(place):
            before.append((_order(place), (size if index is None else _projected_size(index, item), body)))
    unchanged = (row for row in _placed(table, index, cursor) if (row[1], row[2]) not in new)
    merged = heapq.merge(
        ((order, row) for order, _, _, row in unchanged),
        sorted(before, key=lambda one: one[0], reverse=reverse),
        key=lambda one: one[0],
        reverse=reverse,
    )
    return Rows((row for _, row in merged), cursor)


def _placed(table: Table, index: Index | None, cursor: Any) -> Iterator[tuple[Any, bytes, bytes, Row]]:
    """Rows with their order and the key of their item."""
    for size, body in cursor:
        item = orjson.loads(body)
        hash, sort = keys.of_key(table, {name: item[name] for name in table.names})
        place = _place(table, index, item, hash, sort)
        assert place is not None
        yield _order(place), hash, sort, (size, body)


def _place(table: Table, index: Index | None, item: dict[str, Any], hash: bytes, sort: bytes) -> Place | None:
    return Place(hash, sort) if index is None else keys.in_index(index, item, hash, sort)


def _projected_size(index: Index, item: Any) -> int:
    if index.projection == ALL:
        return item_size(item)
    return item_size({name: value for name, value in item.items() if name in index.projected})
