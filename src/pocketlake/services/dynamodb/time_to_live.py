"""Time to live: items leave when the lake's clock has passed the second that one of their attributes names."""

from __future__ import annotations

from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import changes, copying, metrics, quotas, schemas, store, tables
from .changes import Image
from .replicas import rules
from .schemas import Table
from .service import dynamodb, operation, refuse

OLDEST = 5 * 365 * 86400  # seconds: what expired longer ago is taken for a mistake, as on AWS
AT_ONCE = int(quotas.BACKFILL_ITEMS.value)
DELAY = quotas.TTL_DELAY.value
EXPIRED = "ttl"  # who changed an item, in the table's journal


@operation
def update_time_to_live(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    from .replicas import replicas

    table = schemas.locate(call, request["TableName"])
    if tables.status(call, table) == "CREATING":
        tables.check_active(call, table)
    asked = request["TimeToLiveSpecification"]
    name, enabled = asked["AttributeName"], asked["Enabled"]
    current = table.get("TimeToLive")
    if enabled and current is not None:
        raise refuse("TimeToLive is already enabled")
    if not enabled and current is None:
        raise refuse("TimeToLive is already disabled")
    if not enabled and current != name:
        raise refuse(f"TimeToLive is active on a different AttributeName: current AttributeName is {current}")
    rules.check_settled(table)
    for there, replica in ((call, table), *replicas.others(call, table)):
        _change(there, replica, name if enabled else None)
    return {"TimeToLiveSpecification": asked}


def _change(call: Call, table: Resource, name: str | None) -> None:
    schemas.save(call, table, TimeToLive=name)
    if name is not None:
        call.alarms.set(enlist, table.name, call.now)
    else:
        call.alarms.clear(expire, table.name)
        call.alarms.set(delist, table.name, call.now)


@operation
def describe_time_to_live(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    table = tables.existing(call, request["TableName"])
    if "TimeToLive" not in table.body:
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": table["TimeToLive"]}}


def expiry(table: Table, item: dict[str, Any]) -> int | None:
    """The second after which the item is to go: a number in the table's attribute."""
    value = item.get(table.ttl or "", {}).get("N")
    return None if value is None else int(float(value))


def expect(call: Call, table: Table, hash: bytes, sort: bytes, item: dict[str, Any]) -> None:
    """Note when an item that is written will expire."""
    from .replicas import replicas

    at = expiry(table, item)
    if at is None or not 0 < at < 2**53 or at < call.now - OLDEST:
        return
    store.expect(call.db, table.number, at, hash, sort)
    due = call.alarms.due(expire, table.name)
    delay = DELAY + replicas.expires_later(call, table.resource)
    if due is None or due > at + delay:
        call.alarms.set(expire, table.name, max(at, call.now) + delay)


@dynamodb.alarm
def enlist(call: Call, key: str) -> None:
    """Items that were there before time to live was enabled, some at a time."""
    name, _, start = key.partition("/")
    found = call.resources("table").find(name)
    if found is None or "TimeToLive" not in found.body:
        return
    table = schemas.compiled(found)
    rows, following = copying.page(call, {"Owner": table.number}, start, AT_ONCE)
    for hash, sort, _, body in rows:
        expect(call, table, hash, sort, orjson.loads(body))
    if following:
        call.alarms.set(enlist, f"{name}/{following}", call.now)


@dynamodb.alarm
def delist(call: Call, name: str) -> None:
    """Forget when items would have expired, some at a time. What is left of it does another attribute no harm."""
    found = call.resources("table").find(name)
    if found is None or "TimeToLive" in found.body:
        return
    if store.drop_expiries(call.db, found["Number"], AT_ONCE):
        call.alarms.set(delist, name, call.now)


@dynamodb.alarm
def expire(call: Call, name: str) -> None:
    """Delete what has expired, unless its attribute says otherwise by now."""
    from .replicas import replicas

    found = call.resources("table").find(name)
    if found is None or "TimeToLive" not in found.body:
        return
    table = schemas.compiled(found)
    later = replicas.expires_later(call, found)
    rows = store.expired(call.db, table.number, call.now - later, AT_ONCE)
    gone = 0
    for at, hash, sort in rows:
        old: Image | None = changes.read(call, table, hash, sort)
        if old is not None and expiry(table, old.item) == at:
            entries, _ = changes.plan(table, hash, sort, old, None)
            changes.write(call, table, hash, sort, entries, old, None, origin=EXPIRED)
            gone += 1
    metrics.expired(call, table, gone)
    store.forget_expiries(call.db, table.number, rows)
    following = store.first_expiry(call.db, table.number)
    if following is not None:
        call.alarms.set(expire, name, max(following + DELAY + later, call.now))
