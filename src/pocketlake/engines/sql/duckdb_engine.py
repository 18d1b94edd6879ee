"""The embedded engine: a small pool of worker processes, each with one query at a time."""

from __future__ import annotations

import asyncio
import pickle
import struct
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from .errors import Cancelled, SqlError
from .jobs import Job, Outcome

WORKERS = 2


class Engine(Protocol):
    """What runs a lowered job. Another engine takes its place behind the same three calls."""

    async def run(self, identity: str, job: Job, started: Callable[[], None]) -> Outcome: ...

    def cancel(self, identity: str) -> bool: ...

    def close(self) -> Awaitable[None] | None: ...


@dataclass(slots=True)
class Worker:
    process: asyncio.subprocess.Process
    job: str = ""
    cancelled: bool = False
    writer: asyncio.StreamWriter | None = field(default=None)


class DuckDBEngine:
    """Workers start when the first query comes and stay; one that dies or is cancelled is replaced."""

    def __init__(self, workers: int = WORKERS) -> None:
        self._idle: list[Worker] = []
        self._busy: dict[str, Worker] = {}
        self._slots = asyncio.Semaphore(workers)
        self._warming: set[asyncio.Task[None]] = set()
        self._size = workers

    async def run(self, identity: str, job: Job, started: Callable[[], None]) -> Outcome:
        """Run the job; `started` is called when its turn has come, and may raise. Raises Cancelled after `cancel`."""
        async with self._slots:
            started()
            # The one that has rested longest has its next instance ready.
            worker = self._idle.pop(0) if self._idle else await self._spawn()
            if worker.process.returncode is not None:
                worker = await self._spawn()
            worker.job = identity
            self._busy[identity] = worker
            answered = False
            try:
                outcome = await self._ask(worker, job)
                answered = True
                return outcome
            finally:
                self._busy.pop(identity, None)
                if answered:
                    self._idle.append(worker)
                elif worker.process.returncode is None:
                    # Its answer may still come, and would be taken for the next job's: it is no worker any more.
                    worker.process.kill()
                self._warm()

    def cancel(self, identity: str) -> bool:
        """Stop a query; whether it was running here."""
        worker = self._busy.get(identity)
        if worker is None:
            return False
        worker.cancelled = True
        worker.process.kill()
        return True

    async def close(self) -> None:
        for worker in [*self._idle, *self._busy.values()]:
            if worker.process.returncode is None:
                worker.process.kill()
                await worker.process.wait()
        self._idle.clear()

    async def _spawn(self) -> Worker:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "pocketlake.engines.sql.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        return Worker(process)

    def _warm(self) -> None:
        """After the first query: have every worker of the pool up before it is needed."""
        if len(self._idle) + len(self._busy) + len(self._warming) >= self._size:
            return

        async def add() -> None:
            self._idle.insert(0, await self._spawn())

        self._warming.add(task := asyncio.get_running_loop().create_task(add()))
        task.add_done_callback(self._warming.discard)

    async def _ask(self, worker: Worker, job: Job) -> Outcome:
        stdin, stdout = worker.process.stdin, worker.process.stdout
        assert stdin is not None
        assert stdout is not None
        data = pickle.dumps(job, protocol=5)
        try:
            stdin.write(struct.pack(">I", len(data)) + data)
            await stdin.drain()
            size = struct.unpack(">I", await stdout.readexactly(4))[0]
            outcome: Outcome = pickle.loads(await stdout.readexactly(size))
        except (asyncio.IncompleteReadError, ConnectionError):
            if worker.cancelled:
                raise Cancelled from None
            raise SqlError("GENERIC_INTERNAL_ERROR", "The query's worker process ended.", user=False) from None
        return outcome
