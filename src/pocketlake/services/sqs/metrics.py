"""What queues publish to CloudWatch.

Source: developer guide, "Available CloudWatch metrics for Amazon SQS". How many messages there are, and how old the
oldest is, is read from the queue when the minute is written, and for quiet minutes when somebody asks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pocketlake.kernel.call import Call
from pocketlake.kernel.metrics import Family, Figures, Meter
from pocketlake.kernel.spread import Spread

from . import store

if TYPE_CHECKING:
    from .live import Key, Queue

COUNTS = (
    "NumberOfMessagesSent",
    "NumberOfMessagesReceived",
    "NumberOfMessagesDeleted",
    "NumberOfEmptyReceives",
    "NumberOfDeduplicatedSentMessages",
    "ApproximateNumberOfGroupsWithInflightMessages",
    "ApproximateNumberOfMessagesVisible",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)

POISON = 3  # receives after which a message of a standard queue has no part in the age of the oldest


def _derive(figures: Figures) -> Figures:
    """Each message that has a size was sent."""
    sizes = figures.get("SentMessageSize")
    return {**figures, "NumberOfMessagesSent": Spread.of(1, sizes.count)} if sizes else figures


UNITS = {"SentMessageSize": "Bytes", "ApproximateAgeOfOldestMessage": "Seconds", **dict.fromkeys(COUNTS, "Count")}
FAMILY = Family("AWS/SQS", UNITS, _derive)


def meter(call: Call, key: Key) -> Meter:
    """The queue's meter, which outlives what is known of the queue; `call` is in its account."""
    name = ("metrics", *key)
    found: Meter | None = call.memory.get(name)
    if found is None:
        found = call.memory[name] = call.lake.metrics.meter(call, FAMILY, {"QueueName": key[2]})
        found.gauges = _gauges(call, key)
        found.naps = True
    return found


def _gauges(call: Call, key: Key) -> Callable[[float], dict[str, float]]:
    memory, db = call.memory, call.db

    def read(at: float) -> dict[str, float]:
        """Nothing when the queue is gone."""
        queue: Queue | None = memory.get(key)
        if queue is None:
            return {}
        now = round(at * 1000)
        back = store.due(db, queue.id, now) if queue.soonest <= now else (0, 0)
        oldest = None
        if queue.ready or queue.in_flight or queue.delayed:
            oldest = store.oldest(db, queue.id) if queue.is_fifo else store.oldest_unfailed(db, queue.id, POISON)
        found: dict[str, float] = {
            "ApproximateNumberOfMessagesVisible": queue.ready + sum(back),
            "ApproximateNumberOfMessagesNotVisible": queue.in_flight - back[0],
            "ApproximateNumberOfMessagesDelayed": queue.delayed - back[1],
            "ApproximateAgeOfOldestMessage": 0 if oldest is None else max(0, now - oldest) // 1000,
        }
        if queue.is_fifo:
            groups = store.groups_in_flight(db, queue.id, now) if queue.in_flight else 0
            found["ApproximateNumberOfGroupsWithInflightMessages"] = groups
        return found

    return read
