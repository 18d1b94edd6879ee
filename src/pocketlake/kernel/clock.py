"""The one clock. Retention, buffers, schedules, leases and expiry follow it, and it can be moved.

Virtual time is `base + (real - real_base) * rate`: rate 1 runs with the machine, 0 is frozen, 60 makes a minute of a
second. Moving it forward fires what becomes due on the way, in order of time, and waits for the work that this starts.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

log = logging.getLogger("pocketlake.clock")

TURN_SECONDS = 0.01  # after so long in one turn, timers let others have the loop


@dataclass(order=True, slots=True)
class Timer:
    due: float
    order: int
    fire: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    def __init__(self) -> None:
        self.base = self.real_base = time.time()
        self.rate = 1.0
        self.changed: Callable[[], None] = lambda: None  # the lake saves the state here
        self._timers: list[Timer] = []
        self._order = itertools.count()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._handle: asyncio.Handle | None = None
        self._work: set[asyncio.Task[Any]] = set()
        self._moving = asyncio.Lock()
        self._date = (0, b"")

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._drive()

    # Reading

    def now(self) -> float:
        """Seconds since 1970 on the lake's clock."""
        if self.rate == 0.0:
            return self.base
        return self.base + (time.time() - self.real_base) * self.rate

    def lag(self) -> float:
        """Seconds by which the clock lies behind the machine's; negative when it is ahead."""
        return time.time() - self.now()

    def http_date(self) -> bytes:
        """The Date header: the lake's clock to the second."""
        second = int(self.now())
        if self._date[0] != second:
            self._date = (second, formatdate(second, usegmt=True).encode())
        return self._date[1]

    def state(self) -> dict[str, float]:
        return {"base": self.base, "real_base": self.real_base, "rate": self.rate}

    def restore(self, state: dict[str, float]) -> None:
        self.base, self.real_base, self.rate = state["base"], state["real_base"], state["rate"]

    # Timers

    def at(self, due: float, fire: Callable[[], None]) -> Timer:
        """Call `fire` on the loop when the clock reaches `due`; in the next turn if it has."""
        timer = Timer(due, next(self._order), fire)
        heapq.heappush(self._timers, timer)
        if self._timers[0] is timer:
            self._drive()
        return timer

    async def sleep(self, seconds: float) -> None:
        """Until the lake's clock has moved on by `seconds`."""
        done = asyncio.Event()
        timer = self.at(self.now() + seconds, done.set)
        try:
            await done.wait()
        finally:
            timer.cancel()

    def work(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run work that a timer began; whoever moves the clock waits for it."""
        assert self._loop is not None
        task = self._loop.create_task(coroutine)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task

    def clear(self) -> None:
        """Forget every timer and end the work under way: the lake is being emptied."""
        self._timers.clear()
        for task in self._work:
            task.cancel()

    def reset(self) -> None:
        """With the machine again, as when new."""
        self.base = self.real_base = time.time()
        self.rate = 1.0

    # Moving

    async def advance(self, seconds: float) -> None:
        """Move on by `seconds`; returns once everything that became due has been done."""
        if seconds < 0:
            raise ValueError("the clock advances forward; use set to go back")
        async with self._moving:
            await self._run_to(self.now() + seconds)
        self._drive()

    async def set(self, moment: float) -> None:
        """Move to `moment`. Forward, what lies between becomes due; backward, nothing fires."""
        async with self._moving:
            if moment >= self.now():
                await self._run_to(moment)
            else:
                self._shift(moment)
        self._drive()

    async def freeze(self) -> None:
        await self.run(0.0)

    async def run(self, rate: float = 1.0) -> None:
        """Let the clock run at `rate` times the machine's."""
        if not 0.0 <= rate <= 1_000_000.0:
            raise ValueError("the rate lies between 0 and 1,000,000")
        self._shift(self.now())
        self.rate = float(rate)
        self.changed()
        self._drive()

    async def idle(self) -> None:
        """Until nothing is due and no work that a timer began is under way."""
        async with self._moving:
            await self._run_to(self.now())
        self._drive()

    async def _run_to(self, target: float) -> None:
        frozen_rate, self.rate, self.base = self.rate, 0.0, self.now()
        try:
            await self._settle()
            while (due := self._next_due()) <= target:
                self.base = max(self.base, due)
                self._fire_due()
                await self._settle()
            self.base = max(self.base, target)
        finally:
            self.rate = frozen_rate
            self._shift(self.base)
        await self._settle()

    async def _settle(self) -> None:
        await asyncio.sleep(0)  # the end of the tick
        while self._work:
            await asyncio.wait(self._work)
            await asyncio.sleep(0)

    def _shift(self, moment: float) -> None:
        self.base, self.real_base = moment, time.time()
        self.changed()
        self._drive()

    # Driving

    def _next_due(self) -> float:
        while self._timers and self._timers[0].cancelled:
            heapq.heappop(self._timers)
        return self._timers[0].due if self._timers else float("inf")

    def _drive(self) -> None:
        """Arrange to be called when the first timer is due in real time."""
        if self._loop is None or not self._timers or self._moving.locked():
            return
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        wait = self._next_due() - self.now()
        if wait == float("inf"):
            return
        if wait <= 0:
            self._handle = self._loop.call_soon(self._on_due)
        elif self.rate > 0:
            self._handle = self._loop.call_later(min(wait / self.rate, 3600.0), self._on_due)

    def _on_due(self) -> None:
        self._handle = None
        if not self._moving.locked():
            self._fire_due()
            self._drive()

    def _fire_due(self) -> None:
        """Fire what is due by now, for some milliseconds: of thousands the rest waits for the next turn of the loop."""
        now, new, began = self.now(), next(self._order), time.perf_counter()
        while self._next_due() <= now and self._timers[0].order < new:
            timer = heapq.heappop(self._timers)
            try:
                timer.fire()
            except Exception:
                log.exception("a timer failed")
            if time.perf_counter() - began > TURN_SECONDS:
                return
