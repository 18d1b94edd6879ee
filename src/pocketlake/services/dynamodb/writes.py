"""Writes of single items: prepared from a request, then done. The same for calls, batches and transactions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError

from . import changes, keys, legacy, metrics, quotas
from .attribute_values import item_size
from .capacity import capacity, throttling
from .changes import Image
from .expressions import updating
from .expressions.evaluation import holds
from .expressions.nodes import Action, Condition, Value
from .schemas import Index, Table
from .service import Invalid, errors, refuse

ITEM_BYTES = int(quotas.ITEM_BYTES.value)
TOO_LARGE = "Item size has exceeded the maximum allowed size"
FAILED = "The conditional request failed"


@dataclass(slots=True)
class Write:
    """`kind`: put, delete, update or check. `item`: what is put, or the key. `size`: of what is put."""

    kind: str
    table: Table
    hash: bytes
    sort: bytes
    item: dict[str, Any]
    size: int = 0
    actions: tuple[Action, ...] = ()
    is_legacy: bool = False
    condition: Condition | None = None
    shows_item: bool = False  # a failed condition's answer has the item


@dataclass(slots=True, frozen=True)
class Outcome:
    old: Image | None
    new: Image | None
    units: float
    indexes: dict[Index, float]


def put(table: Table, item: dict[str, Any], size: int, condition: Condition | None = None) -> Write:
    hash, sort = keys.of_item(table, item)
    if size > ITEM_BYTES:
        raise refuse(TOO_LARGE)
    return Write("put", table, hash, sort, item, size, condition=condition)


def on_key(kind: str, table: Table, key: dict[str, Any], condition: Condition | None = None) -> Write:
    """A delete, update or check of the item with this Key, whose values have been judged."""
    hash, sort = keys.of_key(table, key)
    return Write(kind, table, hash, sort, key, condition=condition)


def check_updates(table: Table, actions: tuple[Action, ...]) -> None:
    """Keys stay as they are, and what becomes an index's key has the index's type."""
    for action in actions:
        name = str(action.path.parts[0])
        if name in table.names:
            raise refuse(
                f"One or more parameter values were invalid: Cannot update attribute {name}. "
                "This attribute is part of the key"
            )
        if action.kind == "SET" and isinstance(action.value, Value) and len(action.path.parts) == 1:
            _check_index_value(table, name, action.value.value)


def _check_index_value(table: Table, name: str, value: dict[str, Any]) -> None:
    for index in table.indexes:
        kind = dict(index.key.attributes).get(name)
        if kind is not None and kind in value and not value[kind]:
            what = "string" if kind == "S" else "binary"
            raise refuse(
                "One or more parameter values are not valid. The update expression attempted to update a secondary "
                "index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an "
                f"empty {what} value."
            )
    keys.check_index_keys(table, {name: value})


def check(write: Write, old: Image | None) -> None:
    """ConditionalCheckFailedException, with the item where it is asked for."""
    if write.condition is not None and not holds(write.condition, old.item if old else {}):
        members = {"Item": orjson.loads(old.body)} if write.shows_item and old else {}
        error: ServiceError = errors.ConditionalCheckFailedException(FAILED, **members)
        raise error


def after(write: Write, old: Image | None) -> Image | None:
    """What the item will be. `old` stays as it is."""
    if write.kind == "put":
        return Image(write.item, write.size, orjson.dumps(write.item))
    if write.kind == "delete":
        return None
    if write.kind == "check":
        return old
    if old is None and write.actions and all(action.kind in ("REMOVE", "DELETE") for action in write.actions):
        return None
    item = dict(write.item) if old is None else orjson.loads(old.body)
    if write.is_legacy:
        legacy.check_types(write.actions, item)
    updating.apply(write.actions, item)
    try:
        size = item_size(item)
    except Invalid as mistake:
        raise refuse(str(mistake)) from None
    if write.table.indexes:
        keys.check_index_keys(write.table, item)
    if size > ITEM_BYTES:
        raise refuse("Item size to update has exceeded the maximum allowed size")
    return Image(item, size, orjson.dumps(item))


def perform(call: Call, write: Write, reads_old: bool = True) -> Outcome:
    """Check the condition, pay, and write. Without `reads_old` what was there stays unknown, where that will do."""
    table = write.table
    old = None
    if reads_old or write.condition is not None or write.kind == "update" or changes.needs_old(call, table):
        old = changes.read(call, table, write.hash, write.sort)
        if write.condition is not None:
            _check_paid(call, write, old)
    return apply(call, write, old, after(write, old))


def _check_paid(call: Call, write: Write, old: Image | None) -> None:
    """A write that is refused costs what it would have cost."""
    try:
        check(write, old)
    except ServiceError:
        units = capacity.write_units(old.size if old else 0, write.size)
        throttling.admit_write(call, write.table, write.hash, write.sort, units, {})
        metrics.wrote(call, write.table, units, {})
        raise


def apply(call: Call, write: Write, old: Image | None, new: Image | None, factor: int = 1) -> Outcome:
    """Pay and write. `factor`: transactions cost twice."""
    table = write.table
    units = capacity.write_units(old.size if old else 0, new.size if new else 0) * factor
    entries: list[changes.Entry] = []
    index_units: dict[Index, float] = {}
    if table.indexes:
        entries, index_units = changes.plan(table, write.hash, write.sort, old, new)
        if factor != 1:
            index_units = {index: used * factor for index, used in index_units.items()}
    throttling.admit_write(call, table, write.hash, write.sort, units, index_units, entries)
    metrics.wrote(call, table, units, index_units)
    if write.kind != "check" and not (old is None and new is None and write.kind == "update"):
        changes.write(call, table, write.hash, write.sort, entries, old, new)
    return Outcome(old, new, units, index_units)
