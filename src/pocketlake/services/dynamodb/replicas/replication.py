"""Writes on their way from one replica of a global table to the others, and which of two stays.

Each replica sends the changes that were made at it, in order, from its journal to every other, half a second behind:
the follower `replica:<region>` stands at the last change that this region has. A change is applied and the follower
moved on in one transaction, so none is lost or applied twice. What a replica received it does not send on.

The last writer wins: of two writes to an item the later one, by the number in the journal of the region that wrote it,
which begins with the millisecond; of two in one millisecond the one of the greater number or region. Each replica
decides so, whatever the order in which writes arrive, so all end with the same items. A journal's numbers pass those
that arrived, so a write that follows from another is always later.

Source: developer guide, "How DynamoDB global tables work".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from .. import changes, history, quotas, schemas
from ..changes import Image
from ..journal import Change
from ..schemas import Table
from ..service import dynamodb
from . import write_times
from .write_times import ORIGIN

ACTIVE = "ACTIVE"
TIMES = "replication"  # the follower that keeps the journal for deciding
LAG = quotas.REPLICATION_LAG.value
MEMORY = quotas.REPLICATION_MEMORY.value
AT_ONCE = int(quotas.REPLICATION_ITEMS.value)
DAY = 86_400.0


def follower(region: str) -> str:
    return f"replica:{region}"


def follow(call: Call, table: Resource, region: str) -> int:
    """Keep the table's changes for the replica in `region`, and the times of its writes."""
    history.follow(call, table, TIMES, keep=MEMORY)
    current = call.resources("table").find(table.name)
    assert current is not None
    return history.follow(call, current, follower(region))


def begin(call: Call, table: Resource, region: str) -> None:
    """Send to the replica in `region` whatever it lacks, now and from now on."""
    call.watches.add(history.topic(table["Number"]), send_changes, f"{table.name}/{region}", LAG)
    call.alarms.set(send_changes, f"{table.name}/{region}", call.now)
    if call.alarms.due(forget_times, table.name) is None:
        call.alarms.set(forget_times, table.name, call.now + DAY)


def end(call: Call, table: Resource, region: str) -> None:
    """The replica in `region` is gone, or this one."""
    call.watches.remove(history.topic(table["Number"]), send_changes, f"{table.name}/{region}")
    call.alarms.clear(send_changes, f"{table.name}/{region}")
    history.release(call, table["Number"], follower(region))


def end_all(call: Call, table: Resource) -> None:
    """The table has no other replicas any more."""
    call.alarms.clear(forget_times, table.name)
    history.release(call, table["Number"], TIMES)
    write_times.forget(call.db, table["Number"], call.now + DAY, -1)


@dynamodb.alarm
def send_changes(call: Call, key: str) -> None:
    """`key`: table/region. Some in each turn."""
    name, _, region = key.partition("/")
    table = call.resources("table").find(name)
    if table is None or table.get("Replicas", {}).get(region, {}).get("Status") != ACTIVE:
        return
    if send(call, table, region):
        call.alarms.set(send_changes, key, call.now)


def send(call: Call, table: Resource, region: str) -> bool:
    """Bring some changes to the replica in `region`; whether more may wait."""
    owner = table["Number"]
    since, *_ = history.followers(call, owner)[follower(region)]
    found = history.page(call.db, owner, since, history.END, AT_ONCE)
    if not found:
        return False
    there = call.as_(region=region)
    replica = schemas.find(there, table.name)
    for some in _of_different_items(change for change in found if write_times.is_local(change.origin)):
        _apply(there, replica, some, call.region)
    history.advance(call, owner, follower(region), found[-1].sequence)
    return len(found) == AT_ONCE


def send_all(call: Call, table: Resource, region: str) -> None:
    """Whatever waits, before the group changes."""
    while send(call, table, region):
        pass


def _of_different_items(found: Iterable[Change]) -> Iterator[list[Change]]:
    """In order, in pieces that touch no item twice: what is read for one is not changed by another."""
    some: dict[tuple[bytes, bytes], Change] = {}
    for change in found:
        if (change.hash, change.sort) in some:
            yield list(some.values())
            some = {}
        some[change.hash, change.sort] = change
    if some:
        yield list(some.values())


def _apply(call: Call, table: Table, some: list[Change], region: str) -> None:
    """Changes that were made in `region`, but for items that have been written later.

    All are read before any is written: a read between writes would send each of them to the store alone.
    """
    news = [
        (change, changes.read(call, table, change.hash, change.sort))
        for change in some
        if (change.sequence, region) > write_times.last(call.db, table.number, call.region, change.hash, change.sort)
    ]
    for change, old in news:
        history.pass_by(call, table.number, change.sequence)
        new = Image(None, change.new_size, change.new) if change.new is not None else None
        put(call, table, change.hash, change.sort, old, new, f"{ORIGIN}{region}")
        write_times.put(call.db, table.number, change.hash, change.sort, (change.sequence, region))


def put(call: Call, table: Table, hash: bytes, sort: bytes, old: Image | None, new: Image | None, origin: str) -> None:
    """As the write was allowed where it was made, it is here, and costs nothing."""
    if old is None and new is None:
        return
    entries, _ = changes.plan(table, hash, sort, old, new)
    changes.write(call, table, hash, sort, entries, old, new, origin)


@dynamodb.alarm
def forget_times(call: Call, name: str) -> None:
    """Of writes so long ago that no older one can still arrive."""
    table = call.resources("table").find(name)
    if table is None or not table.get("Replicas"):
        return
    more = write_times.forget(call.db, table["Number"], call.now - MEMORY, AT_ONCE)
    call.alarms.set(forget_times, name, call.now if more else call.now + DAY)
