"""New global indexes are filled from the items that are there, some in each turn; writes keep them up meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pocketlake.kernel.call import Call

from . import changes, copying, quotas, schemas, store
from .changes import Image
from .schemas import Index, Table
from .service import dynamodb

AT_ONCE = int(quotas.BACKFILL_ITEMS.value)
SEPARATOR = "/"


@dynamodb.alarm
def fill_index(call: Call, key: str) -> None:
    """`key`: table/index/start."""
    name, index_name, start = key.split(SEPARATOR)
    found = call.resources("table").find(name)
    if found is None:
        return
    table = schemas.compiled(found)
    index = table.index(index_name)
    if index is None:
        return
    alone = replace(table, indexes=(index,))
    rows, following = copying.page(call, {"Owner": table.number}, start, AT_ONCE)
    for hash, sort, size, body in rows:
        fill(call, alone, hash, sort, Image(None, size, body))
    if following:
        call.alarms.set(fill_index, SEPARATOR.join((name, index_name, following)), call.now)
    else:
        set_index(call, found, index_name, IndexStatus=None, Backfilling=None)


def fill(call: Call, table: Table, hash: bytes, sort: bytes, item: Image) -> None:
    """Put the entries of an item in the table's indexes, which have none of it; values of other types stay out."""
    fitting = tuple(index for index in table.indexes if _fits(index, item))
    if len(fitting) != len(table.indexes):
        table = replace(table, indexes=fitting)
    for entry in changes.plan(table, hash, sort, None, item)[0]:
        assert entry.new is not None
        store.put_entry(call.db, entry.index.number, entry.new, entry.new_size)


def _fits(index: Index, item: Image) -> bool:
    return all(kind in item.item.get(name, {kind: 0}) for name, kind in index.key.attributes)


def set_index(call: Call, table: Any, name: str, **changes_: Any) -> None:
    """Write members of one global index of the table's document; None takes a member out."""
    indexes = []
    for one in table["GlobalSecondaryIndexes"]:
        if one["IndexName"] == name:
            one = {member: value for member, value in {**one, **changes_}.items() if value is not None}
        indexes.append(one)
    schemas.save(call, table, GlobalSecondaryIndexes=indexes)
