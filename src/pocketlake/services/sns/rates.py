"""How many messages a second may be published: by a whole account, to a FIFO topic, in one of its groups.

Source: AWS General Reference, Amazon SNS endpoints and quotas.
"""

from __future__ import annotations

from collections.abc import Sequence

from pocketlake.kernel.call import Call
from pocketlake.kernel.quotas import TokenBucket
from pocketlake.kernel.resources import Resource

from . import quotas
from .notifications import Message
from .service import errors

MOST_BUCKETS = 10_000  # remembered at a time; what is forgotten begins full


def admit(call: Call, topic: Resource, messages: Sequence[Message]) -> None:
    """Throttled, with nothing taken, when one of the rates is exceeded. `call` is in the topic's scope."""
    if not call.limits_on:
        return
    asked: list[tuple[TokenBucket, int]] = [
        (_bucket(call, ("account", call.account, call.region), quotas.publish_rate(call.region)), len(messages))
    ]
    if topic["IsFifo"]:
        if topic["Attributes"].get("FifoThroughputScope", "Topic") == "Topic":
            asked.append((_bucket(call, ("topic", topic.arn), quotas.FIFO_TOPIC_RATE.value), len(messages)))
        groups = [message.group for message in messages]
        for group in set(groups):
            key = ("group", topic.arn, group or "")
            asked.append((_bucket(call, key, quotas.FIFO_GROUP_RATE.value), groups.count(group)))
    now = call.now
    if any(bucket.refill(now) + 1e-9 < count for bucket, count in asked):
        raise errors.ThrottledException("Rate exceeded")
    for bucket, count in asked:
        bucket.take(count, now)


def _bucket(call: Call, key: tuple[str, ...], rate: float) -> TokenBucket:
    buckets: dict[tuple[str, ...], TokenBucket] = call.memory.setdefault("rates", {})
    found = buckets.get(key)
    if found is None:
        if len(buckets) >= MOST_BUCKETS:
            buckets.clear()
        found = buckets[key] = TokenBucket(rate, now=call.now)
    return found
