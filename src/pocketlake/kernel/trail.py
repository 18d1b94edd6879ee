"""Every call is an event: the base of audit, metrics and cost. Memory is bounded; services drain it to keep more."""

from __future__ import annotations

from collections import Counter, deque
from typing import NamedTuple


class Event(NamedTuple):
    """`time` on the lake's clock; `error` is the code, empty when the call succeeded; `seconds` of work, real time."""

    time: float
    account: str
    region: str
    service: str
    operation: str
    principal: str
    request_id: str
    error: str
    seconds: float


class Trail:
    def __init__(self, limit: int = 10_000) -> None:
        self.events: deque[Event] = deque(maxlen=limit)
        self.calls: Counter[tuple[str, str]] = Counter()  # (service, operation) -> calls since start

    def record(self, event: Event) -> None:
        self.events.append(event)
        self.calls[event.service, event.operation] += 1

    def clear(self) -> None:
        self.events.clear()
        self.calls.clear()
