"""What is known of a queue while the lake runs: its settings as numbers, its counts, its next place.

Each figure can be found again from the store, and is, after a restart or when a turn's writes come to nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.quotas import TokenBucket
from pocketlake.kernel.resources import Resource

from . import metrics, quotas, store
from .service import errors

RESERVATION = 4096  # counters that are given out between two writes of how far they have come
NEVER = 1 << 62
Key = tuple[str, str, str]


class Queue:
    """Times are milliseconds."""

    __slots__ = (
        "account",
        "arn",
        "buckets",
        "by_content",
        "dead_letter_arn",
        "deduplication",
        "delay",
        "delayed",
        "id",
        "in_flight",
        "is_fifo",
        "is_high_throughput",
        "is_watched",
        "key",
        "largest",
        "max_receives",
        "memory",
        "meter",
        "name",
        "next",
        "oldest",
        "per_group",
        "ready",
        "region",
        "reserved",
        "resource",
        "retention",
        "secret",
        "soonest",
        "tenants",
        "topic",
        "visibility",
        "wait",
    )

    def __init__(self, call: Call, key: Key, resource: Resource) -> None:
        self.memory = call.memory
        self.key = key
        self.meter = metrics.meter(call, key)
        self.account, self.region, self.name = key
        self.arn = resource.arn
        self.topic = f"sqs.messages:{resource.arn}"
        self.is_fifo = resource.name.endswith(".fifo")
        self.adopt(resource)
        self.id: int = resource["Id"]
        self.next = self.reserved = store.reserved(call.db, self.id)
        self.ready, self.in_flight, self.delayed, soonest, oldest = store.counts(call.db, self.id)
        self.soonest = NEVER if soonest is None else soonest  # no hidden message comes back before
        self.oldest = NEVER if oldest is None else oldest  # no message was sent before
        self.is_watched = False  # an alarm is set for the end of the oldest message's retention
        self.tenants: dict[str, int] = {}  # messages in flight of a standard queue, by message group
        if not self.is_fifo and self.in_flight:
            self.tenants = store.in_flight_by_group(call.db, self.id)
        self.deduplication: OrderedDict[str, tuple[int, bytes, int]] | None = None  # see fifo.py
        self.buckets: dict[str, TokenBucket] = {}

    def adopt(self, resource: Resource) -> None:
        """The settings, as numbers."""
        attributes = resource["Attributes"]
        self.resource = resource
        self.secret = bytes.fromhex(resource["Secret"])
        self.delay = int(attributes["DelaySeconds"]) * 1000
        self.visibility = int(attributes["VisibilityTimeout"]) * 1000
        self.wait = int(attributes["ReceiveMessageWaitTimeSeconds"])
        self.retention = int(attributes["MessageRetentionPeriod"]) * 1000
        self.largest = int(attributes["MaximumMessageSize"])
        redrive = resource.get("Redrive") or {}
        self.dead_letter_arn: str = redrive.get("deadLetterTargetArn", "")
        self.max_receives: int = redrive.get("maxReceiveCount", 0)
        self.by_content = attributes.get("ContentBasedDeduplication") == "true"
        self.per_group = attributes.get("DeduplicationScope") == "messageGroup"
        self.is_high_throughput = attributes.get("FifoThroughputLimit") == "perMessageGroupId"
        self.buckets = {}

    def forget(self) -> None:
        """The store alone knows."""
        self.memory.pop(self.key, None)

    def place(self, call: Call) -> int:
        """The next free place."""
        counter = self.next
        if counter >= self.reserved:
            self.reserved = counter + RESERVATION
            store.reserve(call.db, self.id, self.reserved)
        self.next = counter + 1
        return (self.id << store.COUNTER_BITS) + counter

    def admit(self, call: Call) -> None:
        """Refuse calls past their action's rate, which FIFO queues have.  [SQS-009, SQS-010, SQS-506, SQS-507]"""
        if not (self.is_fifo and call.limits_on):
            return
        bucket = self.buckets.get(call.operation)
        now = call.now
        if bucket is None:
            rate = quotas.fifo_calls(self.region, self.is_high_throughput)
            bucket = self.buckets[call.operation] = TokenBucket(rate, now=now)
        if not bucket.take(1, now):
            raise errors.RequestThrottled(
                "The request was denied due to request throttling. Exceeds the permitted request rate for the queue."
            )

    def enters(self, visible: int, sent: int) -> None:
        """Count a message that comes in."""
        if visible:
            self.delayed += 1
            self.soonest = min(self.soonest, visible)
        else:
            self.ready += 1
        self.oldest = min(self.oldest, sent)

    def leaves(self, visible: int, receives: int, grp: str | None) -> None:
        """Count a message that goes."""
        if not visible:
            self.ready -= 1
        elif receives:
            self.in_flight -= 1
            self.tenant_ends(grp)
        else:
            self.delayed -= 1

    def tenant_begins(self, grp: str | None) -> None:
        if grp is not None and not self.is_fifo:
            self.tenants[grp] = self.tenants.get(grp, 0) + 1

    def tenant_ends(self, grp: str | None) -> None:
        if grp is not None and not self.is_fifo:
            left = self.tenants.get(grp, 0) - 1
            if left > 0:
                self.tenants[grp] = left
            else:
                self.tenants.pop(grp, None)


def scoped(call: Call, queue: Queue) -> Call:
    """The call in the account of the queue: another one may have permission."""
    return call if call.account == queue.account else call.as_(account=queue.account)


def milliseconds(call: Call) -> int:
    return round(call.now * 1000)  # so that what is due at a millisecond is due when a timer says so


def summary(queue: Queue) -> dict[str, Any]:
    """The three counts as GetQueueAttributes names them.  [SQS-016, SQS-032]"""
    return {
        "ApproximateNumberOfMessages": str(queue.ready),
        "ApproximateNumberOfMessagesNotVisible": str(queue.in_flight),
        "ApproximateNumberOfMessagesDelayed": str(queue.delayed),
    }
