"""SQLite, and the transaction of the tick.

One connection belongs to the event loop. The first call of a turn opens a transaction, every call of that turn writes
into it, and the turn's end commits it; answers wait for that commit. So a group of calls costs one commit, and what was
acknowledged is on disk.

Two things wait until they are needed, for small calls are many: a block's savepoint until the block's first write,
and rows that are appended under fresh keys until the next statement or the turn's end, which writes them together.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar

import apsw

log = logging.getLogger("pocketlake.store")

# What a crash may cost. process: nothing on kill -9 (the operating system has the pages), on power loss the last
# commits. power: nothing on power loss either (one fsync a commit). memory: everything.
SYNCHRONOUS = {"process": "NORMAL", "power": "FULL", "memory": "OFF"}

CHECKPOINT_PAGES = 4000  # write-ahead log pages (8 KiB each) before a checkpoint starts in a thread
CHECKPOINT_REST_PAGES = 500  # what the loop itself copies at the end, some milliseconds
CHECKPOINT_LIMIT_PAGES = 40_000  # past this the loop copies the rest, whatever it is: the thread can't keep up

Result = TypeVar("Result")
Parameters = Sequence[Any] | dict[str, Any]


class CommitFailed(Exception):
    """The turn whose writes were to be read has come to nothing."""


class Store:
    """The lake's database. Everything here runs on the loop's thread."""

    def __init__(self, directory: Path, durability: str = "process") -> None:
        self.path = ":memory:" if durability == "memory" else str(directory / "lake.sqlite")
        self.db = apsw.Connection(self.path, statementcachesize=500)
        self.caches: defaultdict[str, dict[Any, Any]] = defaultdict(dict)  # by room; the store can always rebuild them
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open = False
        self._waiting: list[tuple[Callable[[Any], None], Any, Any]] = []
        self._undo: list[Callable[[], object]] = []
        self._blocks: list[Block] = []
        self._appended: list[tuple[str, Sequence[Any]]] = []
        self._due = False  # rows or savepoints wait for the next statement
        self._lost: BaseException | None = None  # why this turn cannot be committed
        self._checkpointing = False
        self._log_pages = 0
        self._prepare(durability)

    def _prepare(self, durability: str) -> None:
        for pragma in (
            "page_size = 8192",
            "journal_mode = WAL",
            f"synchronous = {SYNCHRONOUS[durability]}",
            "wal_autocheckpoint = 0",
            "temp_store = MEMORY",
            "cache_size = -32768",
            "mmap_size = 268435456",
        ):
            self.execute(f"PRAGMA {pragma}")
        self.execute(
            "CREATE TABLE IF NOT EXISTS migrations"
            " (room TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (room, number))"
        )
        if self.path != ":memory:":
            self.db.set_wal_hook(self._on_wal)

    def migrate(self, room: str, scripts: Sequence[str]) -> None:
        """Run the scripts of `room` (a service, or "kernel") that this database has not seen, in order."""
        ((done,),) = self.rows("SELECT count(*) FROM migrations WHERE room = ?", (room,))
        for number, script in enumerate(scripts):
            if number >= done:
                with self.transaction():
                    self.execute(script).fetchall()
                    self.execute("INSERT INTO migrations VALUES (?, ?)", (room, number))

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        self.end_tick()
        self._loop = loop

    def execute(self, sql: str, parameters: Parameters = ()) -> apsw.Cursor:
        if self._due and (self._appended or not sql.startswith("SELECT")):  # reading needs no savepoint
            self._settle()
        return self.db.execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Parameters]) -> apsw.Cursor:
        if self._due:
            self._settle()
        return self.db.executemany(sql, parameters)

    def append(self, sql: str, row: Sequence[Any]) -> None:
        """A write nothing can refuse (its key is new, or it replaces what is there): it waits for others like it."""
        if not self._open:
            self.enter()
        self._appended.append((sql, row))
        self._due = True

    def one(self, sql: str, parameters: Parameters = ()) -> tuple[Any, ...] | None:
        """The first row, or None."""
        return next(self.execute(sql, parameters), None)

    def rows(self, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        return self.execute(sql, parameters).fetchall()

    # The tick

    def enter(self) -> None:
        """Open this turn's transaction unless it is open already."""
        if not self._open:
            self.execute("BEGIN")
            self._open = True
            if self._loop is not None:
                self._loop.call_soon(self.end_tick)

    def end_tick(self) -> None:
        """Commit the turn and let its answers go."""
        if not self._open:
            return
        self._open = False
        waiting, self._waiting = self._waiting, []
        undo, self._undo = self._undo, []
        try:
            if self._due:
                self._settle()
            if self._lost is not None:
                raise self._lost
            self.db.execute("COMMIT")
        except apsw.Error:
            self._lost = None
            self._appended.clear()
            self._due = False
            log.exception("the turn's commit failed; its calls are refused")
            if self.db.in_transaction:
                self.execute("ROLLBACK")
            for step in reversed(undo):
                step()
            for release, _, refusal in waiting:
                release(refusal)
            return
        for release, answer, _ in waiting:
            release(answer)

    def after_commit(self, release: Callable[[Any], None], answer: Any = None, refusal: Any = None) -> None:
        """Call `release(answer)` once this turn is committed, `release(refusal)` if the commit failed."""
        self.enter()
        self._waiting.append((release, answer, refusal))

    def undo(self, step: Callable[[], object]) -> None:
        """Run `step` if the writes made so far in this savepoint, or this turn's commit, come to nothing."""
        self._undo.append(step)

    def transaction(self) -> Block:
        """`with store.transaction():` all of the block or nothing, within the tick. Blocks nest; never await inside."""
        return Block(self)

    def _settle(self) -> None:
        """What waited is due: each block's savepoint, after the rows that were appended before it."""
        self._due = False
        done = 0
        for depth, block in enumerate(self._blocks):
            if not block.opened:
                self._write(self._appended[done : block.appended])
                done = block.appended
                self.db.execute(f"SAVEPOINT s{depth}")
                block.opened = True
        self._write(self._appended[done:])
        self._appended.clear()

    def _write(self, rows: list[tuple[str, Sequence[Any]]]) -> None:
        try:
            for sql, group in groupby(rows, itemgetter(0)):
                self.db.executemany(sql, map(itemgetter(1), group))
        except apsw.Error as error:
            self._lost = error  # their calls believe them written: the turn must not be acknowledged
            self._appended.clear()
            raise

    async def beside(self, read: Callable[..., Result], *arguments: Any) -> Result:
        """`read(connection, *arguments)` in a thread, once this turn is committed: for what would hold up the loop."""
        if self._loop is None or self.path == ":memory:":
            return read(self, *arguments)
        committed: asyncio.Future[bool] = self._loop.create_future()

        def release(is_committed: bool) -> None:
            if not committed.done():
                committed.set_result(is_committed)

        self.after_commit(release, True, False)
        if not await committed:
            raise CommitFailed
        return await self._loop.run_in_executor(None, self._read, read, arguments)

    def _read(self, read: Callable[..., Result], arguments: tuple[Any, ...]) -> Result:
        reader = self.reader()
        try:
            return read(reader, *arguments)
        finally:
            reader.close()

    def reader(self) -> apsw.Connection:
        """A connection that only reads what is committed, for a thread. The caller closes it."""
        return apsw.Connection(self.path, flags=apsw.SQLITE_OPEN_READONLY)

    def checkpoint(self) -> None:
        if self.path != ":memory:":
            self.db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)

    def close(self) -> None:
        self.end_tick()
        self.db.close()

    # Checkpoints, off the loop

    def _on_wal(self, _: apsw.Connection, __: str, pages: int) -> int:
        self._log_pages = pages
        if pages >= CHECKPOINT_PAGES and self._loop is not None and not self._checkpointing:
            self._checkpoint_beside(self._loop)
        return apsw.SQLITE_OK

    def _checkpoint_beside(self, loop: asyncio.AbstractEventLoop) -> None:
        self._checkpointing = True
        loop.run_in_executor(None, _checkpoint, self.path).add_done_callback(self._checkpointed)

    def _checkpointed(self, future: asyncio.Future[int]) -> None:
        """Copy in the thread what came while it copied, until little is left.

        That the loop copies itself, after which the log starts again from its beginning.
        """
        if self._loop is None or future.cancelled():
            return
        if future.exception() is not None:
            self._checkpointing = False
            log.error("a checkpoint failed, the next commit tries again", exc_info=future.exception())
        elif self._log_pages - future.result() > CHECKPOINT_REST_PAGES and self._log_pages < CHECKPOINT_LIMIT_PAGES:
            self._checkpoint_beside(self._loop)
        else:
            self._loop.call_soon(self._finish_checkpoint)

    def _finish_checkpoint(self) -> None:
        self.end_tick()
        self._checkpointing = False
        self.checkpoint()


class Block:
    """All of its writes or none: a savepoint, made when the first write comes."""

    __slots__ = ("appended", "opened", "store", "undo_mark")

    def __init__(self, store: Store) -> None:
        self.store = store
        self.opened = False

    def __enter__(self) -> None:
        store = self.store
        store.enter()
        self.undo_mark = len(store._undo)
        self.appended = len(store._appended)
        store._blocks.append(self)
        store._due = True

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        store = self.store
        blocks = store._blocks
        blocks.pop()
        try:
            if kind is not None:
                self._take_back()
            elif self.opened:
                store.db.execute(f"RELEASE s{len(blocks)}")
        finally:
            store._due = bool(store._appended) or (bool(blocks) and not blocks[-1].opened)

    def _take_back(self) -> None:
        store = self.store
        if self.opened:
            name = f"s{len(store._blocks)}"
            store._appended.clear()  # the rest of them: those before the savepoint were written at its opening
            store.db.execute(f"ROLLBACK TO {name}")
            store.db.execute(f"RELEASE {name}")
        else:
            del store._appended[self.appended :]
        for step in reversed(store._undo[self.undo_mark :]):
            step()
        del store._undo[self.undo_mark :]


def _checkpoint(path: str) -> int:
    """A passive checkpoint on a connection of its own: how many of the log's pages it has copied by now.

    SQLite releases the interpreter while it copies.
    """
    beside = apsw.Connection(path)
    try:
        beside.execute("SELECT 1 FROM migrations LIMIT 1").fetchall()  # until it has read, it knows of no log
        return beside.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)[1]
    finally:
        beside.close()
