"""Long polls: receivers stand in line, and the first one is called when a message may be there.

Sending notifies the queue's topic; after that turn's commit the first in line tries. Whoever leaves messages behind
calls the next, so that a message wakes one receiver and not all of them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType

from pocketlake.kernel.call import Call
from pocketlake.kernel.clock import Timer
from pocketlake.kernel.lake import STOPPING

from .live import NEVER, Queue


class Line:
    """The receivers that wait at one queue, first come first served."""

    def __init__(self, call: Call, queue: Queue) -> None:
        self._alarms = call.lake.alarms
        self._topic = queue.topic
        self.waiting: deque[Place] = deque()

    def place(self, call: Call, seconds: int) -> Place:
        return Place(self, call, seconds)

    def join(self, place: Place) -> None:
        if not self.waiting:
            self._alarms.listen(self._topic, self.call_next)
            self._alarms.listen(STOPPING, self.call_all)
        self.waiting.append(place)

    def leave(self, place: Place) -> None:
        self.waiting.remove(place)
        if self.waiting:
            self.call_next()  # the first in line watches for hidden messages that come back
        else:
            self._alarms.stop_listening(self._topic, self.call_next)
            self._alarms.stop_listening(STOPPING, self.call_all)

    def call_next(self, _: object = None) -> None:
        for place in self.waiting:
            if place.call_up():
                return

    def call_all(self, _: object = None) -> None:
        for place in self.waiting:
            place.is_over = True
            place.call_up()


class Place:
    """One receiver's place in the line, until its time is over: by the lake's clock, or by the machine's.

    The machine's counts as well, since clients give up silent sockets by it and the lake's clock may stand.
    """

    def __init__(self, line: Line, call: Call, seconds: int) -> None:
        self._line = line
        self._clock = call.lake.clock
        self._seconds = seconds
        self._called: asyncio.Future[None] | None = None
        self._timers: list[Timer] = []
        self.is_over = False

    async def __aenter__(self) -> Place:
        self._timers = [self._clock.at(self._clock.now() + self._seconds, self._end)]
        self._silence = asyncio.get_running_loop().call_later(self._seconds, self._end)
        self._line.join(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.leave(self)
        self._silence.cancel()
        for timer in self._timers:
            timer.cancel()

    async def turn(self, soonest: int) -> bool:
        """Wait to be called, or until a hidden message comes back at `soonest` (ms); False when the time is over."""
        if self.is_over:
            return False
        self._called = asyncio.get_running_loop().create_future()
        back = self._clock.at(soonest / 1000, self._look) if soonest < NEVER else None
        try:
            await self._called
        finally:
            self._called = None
            if back is not None:
                back.cancel()
        return not self.is_over

    def call_up(self) -> bool:
        """Whether this one waited and has been called now."""
        if self._called is None or self._called.done():
            return False
        self._called.set_result(None)
        return True

    def _look(self) -> None:
        self.call_up()

    def pass_on(self) -> None:
        self._line.call_next()

    def _end(self) -> None:
        self.is_over = True
        self.call_up()


def line(call: Call, queue: Queue) -> Line:
    lines = call.memory.setdefault("lines", {})
    found: Line | None = lines.get(queue.arn)
    if found is None:
        found = lines[queue.arn] = Line(call, queue)
    return found
