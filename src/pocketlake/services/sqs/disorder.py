"""What AWS allows a standard queue and shows seldom, on demand: messages delivered twice, or in another order.

POST /_pocketlake/faults with {"service": "sqs", "behaviour": "duplicates", "share": 0.5} or
{"service": "sqs", "behaviour": "shuffle", "window": 100, "seed": 7}; for one queue with "resource": its name. FIFO
queues do neither.
Source: developer guide, "Amazon SQS at-least-once delivery".
"""

from __future__ import annotations

import zlib

from pocketlake.kernel.call import Call

from . import fairness, store
from .live import Queue
from .store import Row


def choose(call: Call, queue: Queue, limit: int) -> list[Row]:
    """The next messages to hand out: the oldest or, with shuffle, some of the oldest `window`.  [SQS-014, SQS-505]"""
    shuffle = call.lake.faults.behaviour("sqs", "shuffle", queue.name)
    if shuffle is None:
        return fairness.choose(call, queue, limit)
    rows = store.ready(call.db, queue.id, max(limit, int(shuffle.settings["window"])))
    return shuffle.chance.sample(rows, min(limit, len(rows)))


def is_doubled(call: Call, queue: Queue, message: bytes) -> bool:
    """Whether this message is delivered twice: its first receive leaves a copy, which can be had at once.  [SQS-012]"""
    duplicates = call.lake.faults.behaviour("sqs", "duplicates", queue.name)
    return duplicates is not None and zlib.crc32(message) < duplicates.settings["share"] * 2**32


def outlasts(call: Call, queue: Queue, position: int) -> bool:
    """Whether a deletion misses the copy of a message that was received once only.  [SQS-504]"""
    rows = store.at(call.db, [position])
    return bool(rows) and rows[0].receives == 1 and is_doubled(call, queue, rows[0].message)
