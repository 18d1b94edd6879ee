"""The one place where items change: rows, entries of indexes, and the expiry of items with a time to live.

Every put, update and delete of an item, by whomever, passes `write`, which writes it into the table's journal where
somebody follows the table (history.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from pocketlake.kernel.call import Call

from . import keys, store
from .attribute_values import item_size
from .capacity import collections
from .capacity.capacity import write_units
from .schemas import ALL, Index, Table
from .store import Place


class Image:
    """An item as it is, or was. Its JSON is parsed when its attributes are asked for: often its size will do."""

    __slots__ = ("_item", "body", "size")

    def __init__(self, item: dict[str, Any] | None, size: int, body: bytes) -> None:
        self._item = item
        self.size = size
        self.body = body

    @property
    def item(self) -> dict[str, Any]:
        if self._item is None:
            self._item = orjson.loads(self.body)
        return self._item


def image(row: tuple[int, bytes] | None) -> Image | None:
    return None if row is None else Image(None, *row)


def read(call: Call, table: Table, hash: bytes, sort: bytes) -> Image | None:
    return image(store.get(call.db, table.number, hash, sort))


@dataclass(slots=True, frozen=True)
class Entry:
    """An entry of an index as it is to be deleted, or put."""

    index: Index
    old: Place | None
    new: Place | None
    new_size: int
    old_size: int = 0


def plan(table: Table, hash: bytes, sort: bytes, old: Image | None, new: Image | None) -> tuple[list[Entry], Any]:
    """What a change does to the table's indexes, and the write units that each of them needs.

    An entry that moves costs two writes; one whose projected attributes stay as they are costs none.
    """
    entries: list[Entry] = []
    units: dict[Index, float] = {}
    for index in table.indexes:
        if not index.is_filled:
            continue
        before = keys.in_index(index, old.item, hash, sort) if old else None
        after = keys.in_index(index, new.item, hash, sort) if new else None
        if before is None and after is None:
            continue
        old_size, new_size = _size(index, old) if before else 0, _size(index, new) if after else 0
        if before == after:
            assert old is not None
            assert new is not None
            if _projected(index, old.item) == _projected(index, new.item):
                continue
            units[index] = write_units(old_size, new_size)
        else:
            units[index] = sum(write_units(0, size) for place, size in ((before, old_size), (after, new_size)) if place)
        entries.append(Entry(index, before if before != after else None, after, new_size, old_size))
    return entries, units


def _projected(index: Index, item: dict[str, Any]) -> dict[str, Any]:
    if index.projection == ALL:
        return item
    return {name: value for name, value in item.items() if name in index.projected}


def _size(index: Index, of: Image | None) -> int:
    assert of is not None
    return of.size if index.projection == ALL else item_size(_projected(index, of.item))


def write(
    call: Call,
    table: Table,
    hash: bytes,
    sort: bytes,
    entries: list[Entry],
    old: Image | None,
    new: Image | None,
    origin: str = "",
) -> None:
    """Put `new` in the place of `old`, or delete it. `old` may be unknown only where `needs_old` says so.

    `origin` says who changes the item where no caller does.
    """
    db = call.db
    if table.has_local:
        collections.grow(call, table, hash, _growth(entries, old, new))
    if new is None:
        store.delete(db, table.number, hash, sort)
    else:
        store.put(db, table.number, hash, sort, new.size, new.body)
    for entry in entries:
        if entry.old is not None:
            store.delete_entry(db, entry.index.number, entry.old)
        if entry.new is not None:
            store.put_entry(db, entry.index.number, entry.new, entry.new_size)
    if call.lake.faults.behaviours:
        from . import lag

        table = lag.followed(call, table)
    if table.is_followed:
        from . import history

        history.record(call, table, hash, sort, old, new, origin)
    if table.ttl is not None and new is not None:
        expect_expiry(call, table, hash, sort, new)


def _growth(entries: list[Entry], old: Image | None, new: Image | None) -> int:
    """Bytes that a change adds to its item collection: the item's, and those of its entries in local indexes."""
    grown = (new.size if new else 0) - (old.size if old else 0)
    return grown + sum(entry.new_size - entry.old_size for entry in entries if not entry.index.is_global)


def expect_expiry(call: Call, table: Table, hash: bytes, sort: bytes, new: Image) -> None:
    from . import time_to_live

    time_to_live.expect(call, table, hash, sort, new.item)


def needs_old(call: Call, table: Table) -> bool:
    """Whether a blind write would not do: someone follows changes, or pays for what was there before."""
    return bool(table.indexes) or table.is_followed or call.limits_on or bool(call.lake.faults.behaviours)
