"""Bringing a queue up to now: hidden messages come back, old ones go."""

from __future__ import annotations

from pocketlake.kernel.call import Call

from . import fifo, fifo_store, store
from .addresses import named
from .live import NEVER, Queue, milliseconds, scoped
from .service import sqs

BATCH = 20_000  # messages that one turn removes
SWEEP_PERIOD = 3600.0  # seconds: how long what nobody asks for may lie on disk after its end


def settle(call: Call, queue: Queue, now: int) -> None:
    """What has become visible is ready, what is too old is gone.  [SQS-018, SQS-510]"""
    if queue.soonest <= now:
        _return(call, queue, now)
    if queue.oldest <= now - queue.retention:
        while _expire(call, queue, now):
            pass


def _return(call: Call, queue: Queue, now: int) -> None:
    call.undo(queue.forget)
    for receives, grp in store.returning(call.db, queue.id, now):
        queue.leaves(1, receives, grp)
        queue.ready += 1
    store.make_ready(call.db, queue.id, now)
    soonest = store.next_visible(call.db, queue.id)
    queue.soonest = NEVER if soonest is None else soonest


def _expire(call: Call, queue: Queue, now: int) -> bool:
    """Remove some of the messages whose retention has ended; whether more may be there."""
    call.undo(queue.forget)
    rows = store.expired(call.db, queue.id, now - queue.retention, BATCH)
    store.delete_many(call.db, [position for position, *_ in rows])
    store.forget_large(call.db, [large for *_, large in rows if large is not None])
    groups = set()
    for _, visible, receives, grp, _ in rows:
        queue.leaves(visible, receives, grp)
        groups.add(grp)
    if queue.is_fifo:
        for grp in groups:
            fifo.renew_group(call, queue, grp or "", now)
    oldest = store.oldest(call.db, queue.id)
    queue.oldest = NEVER if oldest is None else oldest
    return len(rows) == BATCH


def watch(call: Call, queue: Queue) -> None:
    """Have the queue looked at when its oldest message's retention ends."""
    if queue.is_watched:
        return
    queue.is_watched = True
    alarms = scoped(call, queue).alarms
    if alarms.due(expire, queue.name) is None:
        alarms.set(expire, queue.name, (queue.oldest + queue.retention) / 1000 + 1)


@sqs.alarm
def expire(call: Call, name: str) -> None:
    """Messages whose retention has ended leave the disk, though nobody asks for them."""
    queue = named(call, name)
    if queue is None:
        return
    now = milliseconds(call)
    settle(call, queue, now)
    fifo_store.forget_ended(call.db, queue.id, now)
    queue.is_watched = queue.oldest != NEVER
    call.undo(queue.forget)
    if queue.is_watched:
        due = max((queue.oldest + queue.retention) / 1000 + 1, call.now + SWEEP_PERIOD)
        call.alarms.set(expire, name, due)


@sqs.alarm
def sweep(call: Call, key: str) -> None:
    """Messages of deleted and purged queues leave the disk, some at a time."""
    while (id := store.abandoned(call.db)) is not None:
        if store.sweep(call.db, id, BATCH):
            call.alarms.set(sweep, key, call.now + 0.05)
            return
