"""What happened to a table's items, for whoever follows it: streams, point-in-time recovery, backups, replicas.

A table that somebody follows has each change of an item in its journal, in order, with the item before and after. A
follower says how long it needs the changes; what nobody needs any more is trimmed. Since a change holds what was there
before it, a table can be read as it was at any moment that its journal reaches back to, while it goes on changing.

A sequence number is the millisecond on the lake's clock and a counter beneath it: numbers of one table only rise, and
name a moment as well as an order.
"""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import journal, quotas, schemas, store
from .changes import Image
from .journal import Change, Follower
from .schemas import Table
from .service import dynamodb
from .store import Place

COUNTER_BITS = 20  # changes of one table in one millisecond; under a frozen clock a million more go into the next one
AT_ONCE = int(quotas.SWEEP_ITEMS.value)
TRIM_EVERY = 3600.0  # seconds at least between two trims of a table's journal

Row = tuple[bytes, bytes, int, bytes]  # partition key, sort key, size, JSON


# Followers


def follow(call: Call, table: Resource, name: str, keep: float | None = None) -> int:
    """Keep the table's changes for `name` from now on: each for `keep` seconds, or all until `advance` or `release`.

    A follower that is there already keeps its beginning. Returns where it begins: a sequence number below those of all
    changes to come.
    """
    owner = table["Number"]
    known = journal.followers(call.db, owner).get(name)
    since = known[0] if known else next_sequence(call, owner)
    journal.put_follower(call.db, owner, name, (since, keep, None))
    if not table.get("IsFollowed"):
        schemas.save(call, table, IsFollowed=True)
    _expect_trim(call, owner)
    return since


def followers(call: Call, owner: int) -> dict[str, Follower]:
    """By name: since (sequence number), keep (seconds; None: all), until (when it stops of itself)."""
    return journal.followers(call.db, owner)


def advance(call: Call, owner: int, name: str, since: int) -> None:
    """`name` has done with all changes up to and with `since`."""
    _, keep, until = journal.followers(call.db, owner)[name]
    journal.put_follower(call.db, owner, name, (since, keep, until))


def release(call: Call, owner: int, name: str, until: float | None = None) -> None:
    """`name` needs nothing more, at once or from `until` on. The table may be gone by then."""
    known = journal.followers(call.db, owner).get(name)
    if known is None:
        return
    if until is None:
        journal.drop_follower(call.db, owner, name)
    else:
        journal.put_follower(call.db, owner, name, (known[0], known[1], until))
    call.alarms.set(trim, str(owner), call.now)


# Writing


def record(
    call: Call, table: Table, hash: bytes, sort: bytes, old: Image | None, new: Image | None, origin: str
) -> None:
    """Write a change down. What leaves the item as it was is none.  Source: developer guide, DynamoDB Streams"""
    if old is None and new is None:
        return
    if old is not None and new is not None and (old.body == new.body or old.item == new.item):
        return
    before = (old.size, old.body) if old is not None else (0, None)
    now = (new.size, new.body) if new is not None else (0, None)
    sequence = next_sequence(call, table.number)
    journal.put(call.db, table.number, Change(sequence, origin, hash, sort, *before, *now))
    _expect_trim(call, table.number)
    call.notify(topic(table.number))


def topic(owner: int) -> str:
    """What `call.watches` and listeners wait for: changes of a table."""
    return f"dynamodb-changes/{owner}"


def next_sequence(call: Call, owner: int) -> int:
    """Above all that were given for this table."""
    last: int | None = call.memory.get(("sequence", owner))
    if last is None:
        since = (follower[0] for follower in journal.followers(call.db, owner).values())
        last = max(journal.last(call.db, owner), *since, 0)
    call.memory["sequence", owner] = sequence = max(last + 1, int(call.now * 1000) << COUNTER_BITS)
    return sequence


def pass_by(call: Call, owner: int, sequence: int) -> None:
    """Whatever is written from now on comes after `sequence`, which another table's journal gave."""
    if next_sequence(call, owner) < sequence:
        call.memory["sequence", owner] = sequence


def sequence_at(moment: float) -> int:
    """Not below the sequence numbers of changes up to and at `moment` (seconds), below those of all later ones."""
    return ((int(moment * 1000) + 1) << COUNTER_BITS) - 1


def moment(sequence: int) -> float:
    """Seconds since 1970, to the millisecond."""
    return (sequence >> COUNTER_BITS) / 1000


# Reading


def page(db: Any, owner: int, after: int, up_to: int, most: int) -> list[Change]:
    """Changes with after < sequence <= up_to, in order."""
    return journal.page(db, owner, after, up_to, most)


def page_as_of(db: Any, owner: int, at: int, after: Place | None, most: int) -> tuple[list[Row], Place | None]:
    """Up to `most` items as they were once change `at` was done, by key, and where the next page starts (None: end).

    The journal must reach back to `at`. `db` is the store, or a reader's connection in a thread.
    """
    items = store.keyed_page(db, owner, after, most)
    up_to = items[-1][:2] if len(items) == most else None  # beyond it the next page looks
    undone = journal.first_of_each_key(db, owner, at, after, most, up_to)
    end = min((rows[-1][:2] for rows in (items, undone) if len(rows) == most), default=None)
    found: dict[tuple[bytes, bytes], Row] = {row[:2]: row for row in items}
    for hash, sort, size, body in undone:
        if body is None:
            found.pop((hash, sort), None)
        else:
            found[hash, sort] = (hash, sort, size, body)
    keys = sorted(key for key in found if end is None or key <= end)
    return [found[key] for key in keys], Place(*end) if end else None


# Trimming


def _expect_trim(call: Call, owner: int) -> None:
    """A table whose journal holds anything has one alarm set."""
    mark = ("trim", owner)
    if mark in call.memory:
        return
    call.memory[mark] = True
    call.undo(lambda: call.memory.pop(mark, None))
    if call.alarms.due(trim, str(owner)) is None:
        call.alarms.set(trim, str(owner), call.now + TRIM_EVERY)


@dynamodb.alarm
def trim(call: Call, key: str) -> None:
    """Remove what no follower needs, some in each turn; a table without followers keeps no journal."""
    owner = int(key)
    call.memory.pop(("trim", owner), None)
    for name, (_, _, until) in journal.followers(call.db, owner).items():
        if until is not None and until <= call.now:
            journal.drop_follower(call.db, owner, name)
    left = list(journal.followers(call.db, owner).values())
    if not left:
        _unfollow(call, owner)
    horizon = min((_needed(call, follower) for follower in left), default=END)
    following = call.now if journal.trim(call.db, owner, horizon, AT_ONCE) else _next_trim(call, owner, left)
    if following is not None:
        call.memory["trim", owner] = True
        call.alarms.set(trim, key, following)


END = 2**63 - 1


def _needed(call: Call, follower: Follower) -> int:
    """The first sequence number that a follower may still ask for."""
    since, keep, _ = follower
    return since if keep is None else max(since, sequence_at(call.now - keep) + 1)


def _next_trim(call: Call, owner: int, left: list[Follower]) -> float | None:
    """When the oldest change will have been kept long enough, or a follower ends; None: not before the next change."""
    first = journal.first(call.db, owner)
    dates = [until for _, _, until in left if until is not None]
    keeps = [keep for _, keep, _ in left if keep is not None]
    if first is not None and left and len(keeps) == len(left):
        dates.append(max(moment(first) + max(keeps), call.now + TRIM_EVERY))
    return min(dates, default=None)


def _unfollow(call: Call, owner: int) -> None:
    """The table's writes need no longer say what they change; of a deleted table, the rows may go."""
    arn = store.name_of(call.db, owner)
    table = call.resources("table").by_arn(arn) if arn else None
    if table is not None and table.get("IsFollowed"):
        schemas.save(call, table, IsFollowed=None)
    if not arn:
        from . import tables

        call.alarms.set(tables.sweep, "", call.now)
