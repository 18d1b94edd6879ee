"""Durable timers, and who wants to be woken by what.

An alarm is a row: when the lake's clock reaches its time, the service's handler runs as a call of its own; after a
restart it still does. A `def` handler's writes and the alarm's removal are one transaction, so it happens exactly once;
an `async def` handler may run again after a crash, and must find its work done.
A watch binds a topic ("kinesis.records:<arn>") to an alarm: notifying the topic sets the alarm.
A listener is called after the commit of a turn that notified its topic, and is forgotten with this process.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

from pocketlake.kernel.clock import Timer

if TYPE_CHECKING:
    from pocketlake.kernel.lake import Lake

log = logging.getLogger("pocketlake.alarms")

MIGRATIONS = [
    """
    CREATE TABLE alarms (
        service TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, handler TEXT NOT NULL, key TEXT NOT NULL,
        due REAL NOT NULL,
        PRIMARY KEY (service, account, region, handler, key)
    ) WITHOUT ROWID;
    CREATE TABLE watches (
        topic TEXT NOT NULL,
        service TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, handler TEXT NOT NULL, key TEXT NOT NULL,
        delay REAL NOT NULL,
        PRIMARY KEY (topic, service, account, region, handler, key)
    ) WITHOUT ROWID;
    """
]

RETRY_SECONDS = (1.0, 5.0, 30.0, 60.0, 300.0)  # after a handler failed by a fault of ours


class Ident(NamedTuple):
    service: str
    account: str
    region: str
    handler: str
    key: str


IDENT = "service = ? AND account = ? AND region = ? AND handler = ? AND key = ?"


class Alarms:
    """All of the lake's alarms and watches."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._store = lake.store
        self._armed: dict[Ident, Timer] = {}
        self._running: set[Ident] = set()
        self._failures: dict[Ident, int] = {}
        self._watched: dict[str, list[tuple[Ident, float]]] = {}
        self._listeners: dict[str, set[Callable[[object], None]]] = {}

    def load(self) -> None:
        """Take up what is in the store: at start."""
        for *ident, due in self._store.execute("SELECT service, account, region, handler, key, due FROM alarms"):
            self._arm(Ident(*ident), due)
        for topic, *ident, delay in self._store.execute("SELECT * FROM watches"):
            self._watched.setdefault(topic, []).append((Ident(*ident), delay))

    def clear(self) -> None:
        self._armed.clear()
        self._failures.clear()
        self._watched.clear()

    # Alarms

    def set(self, ident: Ident, due: float) -> None:
        self._store.execute("INSERT OR REPLACE INTO alarms VALUES (?, ?, ?, ?, ?, ?)", (*ident, due))
        self._rearm_if_undone(ident)
        self._arm(ident, due)

    def unset(self, ident: Ident) -> None:
        self._store.execute(f"DELETE FROM alarms WHERE {IDENT}", ident)
        self._rearm_if_undone(ident)
        self._disarm(ident)

    def due(self, ident: Ident) -> float | None:
        timer = self._armed.get(ident)
        return None if timer is None else timer.due

    def _arm(self, ident: Ident, due: float) -> None:
        self._disarm(ident)
        self._armed[ident] = self._lake.clock.at(due, lambda: self._fire(ident))

    def _disarm(self, ident: Ident) -> None:
        timer = self._armed.pop(ident, None)
        if timer is not None:
            timer.cancel()

    def _rearm_if_undone(self, ident: Ident) -> None:
        """When the write comes to nothing, the timer must say again what the store says."""
        before = self.due(ident)

        def restore() -> None:
            self._disarm(ident)
            if before is not None:
                self._arm(ident, before)

        self._store.undo(restore)

    # Firing

    def _fire(self, ident: Ident) -> None:
        timer = self._armed.pop(ident, None)
        if ident in self._running:
            # The handler is at work and was asked for once more: it runs again when it has finished.
            if timer is not None:
                self._armed[ident] = timer
            return
        handler = self._lake.service(ident.service).alarms[ident.handler]
        if inspect.iscoroutinefunction(handler):
            self._running.add(ident)
            self._lake.clock.work(self._run(ident, handler))
        else:
            self._call(ident, handler)

    def _call(self, ident: Ident, handler: Callable[..., None]) -> None:
        call = self._lake.call(ident.service, ident.account, ident.region, operation=ident.handler)
        try:
            with self._store.transaction():
                self._store.execute(f"DELETE FROM alarms WHERE {IDENT}", ident)
                handler(call, ident.key)
            self._failures.pop(ident, None)
        except Exception:
            self._failed(ident)

    async def _run(self, ident: Ident, handler: Callable[..., Awaitable[None]]) -> None:
        call = self._lake.call(ident.service, ident.account, ident.region, operation=ident.handler)
        try:
            await handler(call, ident.key)
            if ident not in self._armed:  # a handler that set its alarm anew keeps the row
                self._store.enter()
                self._store.execute(f"DELETE FROM alarms WHERE {IDENT}", ident)
            self._failures.pop(ident, None)
        except Exception:
            self._failed(ident)
        finally:
            self._running.discard(ident)
            again = self._armed.get(ident)
            if again is not None and again.due <= self._lake.clock.now():
                self._arm(ident, again.due)

    def _failed(self, ident: Ident) -> None:
        failures = self._failures.get(ident, 0)
        self._failures[ident] = failures + 1
        delay = RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)]
        log.exception("%s %s %r failed; again in %g s", ident.service, ident.handler, ident.key, delay)
        with self._store.transaction():
            self.set(ident, self._lake.clock.now() + delay)

    # Watches

    def watch(self, topic: str, ident: Ident, delay: float) -> None:
        self.unwatch(topic, ident)
        self._store.execute("INSERT INTO watches VALUES (?, ?, ?, ?, ?, ?, ?)", (topic, *ident, delay))
        self._watched.setdefault(topic, []).append((ident, delay))
        self._store.undo(lambda: self._forget(topic, ident))

    def unwatch(self, topic: str, ident: Ident) -> None:
        self._store.execute(f"DELETE FROM watches WHERE topic = ? AND {IDENT}", (topic, *ident))
        before = list(self._watched.get(topic, ()))
        self._forget(topic, ident)
        if before:
            self._store.undo(lambda: self._watched.__setitem__(topic, before))

    def _forget(self, topic: str, ident: Ident) -> None:
        left = [watcher for watcher in self._watched.get(topic, ()) if watcher[0] != ident]
        if left:
            self._watched[topic] = left
        else:
            self._watched.pop(topic, None)

    def notify(self, topic: str) -> None:
        """Something happened at `topic`: wake its watchers, each after its delay, unless they wake sooner anyway."""
        if topic in self._listeners:
            for listener in self._listeners[topic]:
                self._store.after_commit(listener)
        watchers = self._watched.get(topic)
        if watchers is None:
            return
        now = self._lake.clock.now()
        for ident, delay in watchers:
            due = self.due(ident)
            if due is None or due > now + delay:
                self.set(ident, now + delay)

    def is_awaited(self, topic: str) -> bool:
        """Whether notifying `topic` would wake anybody."""
        return topic in self._listeners or topic in self._watched

    # Listeners

    def listen(self, topic: str, listener: Callable[[object], None]) -> None:
        """Call `listener` after the commit of each turn that notified `topic`, until it is told to stop.

        For what lives in this process only (a streaming answer), unlike a watch, which is a row.
        """
        self._listeners.setdefault(topic, set()).add(listener)

    def stop_listening(self, topic: str, listener: Callable[[object], None]) -> None:
        left = self._listeners.get(topic, set())
        left.discard(listener)
        if not left:
            self._listeners.pop(topic, None)
