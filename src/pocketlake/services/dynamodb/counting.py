"""How many items a table or index has, and how many bytes.

Small ones are counted when they are described. Large ones are counted in a thread and remembered for six hours, as AWS
does ("updated approximately every six hours"); until the first count is done the part that was seen stands for it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw

from pocketlake.kernel.call import Call

from . import store

SMALL = 20_000  # items
OLD = 6 * 3600.0  # seconds


def counts(call: Call, owner: int, is_index: bool) -> tuple[int, int]:
    """Items and bytes."""
    measure = store.measure_entries if is_index else store.measure
    items, size = measure(call.db, owner, SMALL)
    if items < SMALL:
        return items, size
    known = call.memory.get(("count", owner))
    if known is None or known[2] + OLD <= call.now:
        call.memory["count", owner] = known = (*(known[:2] if known else (items, size)), call.now)
        if not Path(call.db.path).exists():
            return measure(call.db, owner, -1)
        _count_beside(call, owner, is_index)
    return known[0], known[1]


def _count_beside(call: Call, owner: int, is_index: bool) -> None:
    memory, now = call.memory, call.now
    table = "dynamodb_entries" if is_index else "dynamodb_items"

    def count() -> tuple[int, int]:
        beside = apsw.Connection(call.db.path, flags=apsw.SQLITE_OPEN_READONLY)
        try:
            sql = f"SELECT count(*), total(size) FROM {table} WHERE owner = ?"
            ((items, size),) = beside.execute(sql, (owner,))
            return int(items), int(size)
        finally:
            beside.close()

    def remember(done: asyncio.Future[tuple[int, int]]) -> None:
        if not done.cancelled() and done.exception() is None:
            memory["count", owner] = (*done.result(), now)

    future = asyncio.get_running_loop().run_in_executor(call.lake.executor, count)
    future.add_done_callback(remember)
