"""The lake: one of each of the kernel's parts, and the services that stand on them."""

from __future__ import annotations

import asyncio
import fcntl
import importlib
import importlib.util
import itertools
import logging
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from pocketlake.kernel import access, alarms, blobs, resources
from pocketlake.kernel.call import Call
from pocketlake.kernel.clock import Clock
from pocketlake.kernel.config import Config
from pocketlake.kernel.faults import Faults
from pocketlake.kernel.metrics import Metrics
from pocketlake.kernel.pages import Pages
from pocketlake.kernel.resources import Key, Resource
from pocketlake.kernel.service import Service
from pocketlake.kernel.store import Store
from pocketlake.kernel.trail import Trail

if TYPE_CHECKING:
    import ssl

log = logging.getLogger("pocketlake")

MIGRATIONS = [
    "CREATE TABLE settings (name TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    *resources.MIGRATIONS,
    *blobs.MIGRATIONS,
    *alarms.MIGRATIONS,
    *access.MIGRATIONS,
]

STARTED = "lake.started"  # notified once the front listens: a watch on it wakes who listens too
STOPPING = "lake.stopping"  # notified before the front closes: who answers without end shall end
EMPTIED = "lake.emptied"  # notified after a reset: who holds sockets for what was there shall close them
KEPT_BY_RESET = {"migrations", "settings"}
THREADS = 8


class DirectoryInUse(Exception):
    """Another Pocketlake serves this directory."""


class Lake:
    def __init__(self, config: Config) -> None:
        self.config = config
        self.directory = _directory(config)
        self._lock = _lock(self.directory)
        self.store = Store(self.directory, config.durability)
        self.store.migrate("kernel", MIGRATIONS)
        self.executor = ThreadPoolExecutor(THREADS, thread_name_prefix="pocketlake")
        self.blobs = blobs.Blobs(self.store, self.directory / "blobs", self.executor, config.durability == "power")
        self.pages = Pages(self._secret())
        self.clock = Clock()
        self.trail = Trail()
        self.metrics = Metrics(self)
        self.faults = Faults()
        self.alarms = alarms.Alarms(self)
        self.endpoint = f"http://{config.host}:{config.port}"
        self.resource_cache: dict[Key, Resource] = {}
        self._services: dict[str, Service] = {}
        self._memory: dict[str, dict[Any, Any]] = {}
        self.tls_context: Callable[[], ssl.SSLContext]  # the front's, for services that listen themselves
        self.engines: dict[str, Any] = {}  # what has processes of its own; it outlives a reset
        self.streams: Any = None  # the engine that keeps the records of streams; None: they lie in the store
        self._closers: list[Callable[[], Any]] = []
        self._requests = itertools.count(1)
        self._request_stem = secrets.token_hex(6)
        self.authorise = access.authorise

    # Life

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take up the directory's state on this loop: clock, alarms; sweep what a crash left."""
        self._restore_clock()
        self.store.attach(loop)
        self.clock.attach(loop)
        self.alarms.load()
        if self.config.durability != "memory":
            loop.run_in_executor(self.executor, self.blobs.sweep)

    async def close(self) -> None:
        for closer in reversed(self._closers):
            result = closer()
            if asyncio.iscoroutine(result):
                await result
        self.metrics.close()
        self.clock.clear()
        await asyncio.sleep(0)
        self.executor.shutdown(wait=True, cancel_futures=True)
        self.store.close()
        self._lock.close()
        if self.config.durability == "memory":
            shutil.rmtree(self.directory, ignore_errors=True)

    def on_close(self, closer: Callable[[], Any]) -> None:
        """Have `closer` (plain or async) called when the lake closes: for engines with processes of their own."""
        self._closers.append(closer)

    async def reset(self) -> None:
        """Empty the lake: every row, every blob, every timer; the clock runs with the machine again."""
        self.clock.clear()
        await asyncio.sleep(0)
        self.store.end_tick()
        with self.store.transaction():
            for (table,) in self.store.rows("SELECT name FROM sqlite_master WHERE type = 'table'"):
                if table not in KEPT_BY_RESET:
                    self.store.execute(f'DELETE FROM "{table}"')
            self.store.execute("DELETE FROM settings WHERE name = 'clock'")
        self.store.end_tick()
        self.alarms.clear()
        self.forget()
        self.trail.clear()
        self.metrics.clear()
        self.faults.clear()
        self.clock.reset()
        self.blobs.clear()
        if self.streams is not None:
            await self.streams.clear()
        self.alarms.notify(EMPTIED)

    def forget(self) -> None:
        """Drop every cache: the store alone knows."""
        self.resource_cache.clear()
        for memory in (*self.store.caches.values(), *self._memory.values()):
            memory.clear()

    # Services

    def service(self, name: str) -> Service:
        """A service, loaded at its first call. KeyError when there is no such service."""
        service = self._services.get(name)
        if service is None:
            service = self._load(name)
        return service

    def _load(self, name: str) -> Service:
        if not is_built(name):
            raise KeyError(name)
        service: Service = importlib.import_module(f"pocketlake.services.{name.replace('-', '_')}").service
        self.store.migrate(service.name, service.migrations)
        self._services[name] = service
        # If the call that loaded it is taken back, so are the tables just made.
        self.store.undo(lambda: self._services.pop(name, None))
        return service

    def memory(self, service: str) -> dict[Any, Any]:
        return self._memory.setdefault(service, {})

    def call(self, service: str, account: str, region: str, operation: str) -> Call:
        """A call that the lake itself begins: an alarm's."""
        principal = access.Principal.service(f"{service}.amazonaws.com", account)
        return Call(self, self.service(service), account, region, operation, principal, self.request_id())

    def request_id(self) -> str:
        """Unique, and cheap: a UUID's form with a counter at its end."""
        stem = self._request_stem
        return f"{stem[:8]}-{stem[8:12]}-4000-8000-{next(self._requests):012x}"

    # Settings

    def _secret(self) -> bytes:
        row = self.store.one("SELECT value FROM settings WHERE name = 'secret'")
        if row is None:
            secret = secrets.token_bytes(32)
            self.store.execute("INSERT INTO settings VALUES ('secret', ?)", (secret,))
            return secret
        return bytes(row[0])

    def _restore_clock(self) -> None:
        row = self.store.one("SELECT value FROM settings WHERE name = 'clock'")
        if row is not None:
            self.clock.restore(orjson.loads(row[0]))
        self.clock.changed = self._save_clock

    def _save_clock(self) -> None:
        self.store.enter()
        self.store.execute("INSERT OR REPLACE INTO settings VALUES ('clock', ?)", (orjson.dumps(self.clock.state()),))


def is_built(name: str) -> bool:
    """Whether there is a service of this (boto3) name."""
    return name.replace("_", "").replace("-", "").isalnum() and (
        importlib.util.find_spec(f"pocketlake.services.{name.replace('-', '_')}") is not None
    )


def _directory(config: Config) -> Path:
    if config.durability == "memory":
        return Path(tempfile.mkdtemp(prefix="pocketlake-"))
    directory = config.directory.expanduser().absolute()
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    return directory


def _lock(directory: Path) -> Any:
    """Hold the directory for this process: two of them on one store would tear it."""
    file = open(directory / "lock", "a+")  # noqa: SIM115 - held until the lake closes
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise DirectoryInUse(f"{directory} is in use by another Pocketlake") from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
