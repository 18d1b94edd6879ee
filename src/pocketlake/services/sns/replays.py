"""Archive and replay: a FIFO topic keeps its messages, and a subscription gets them once more.

Source: SNS developer guide, "Message archiving and replay for FIFO topics".
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import addresses, channels, live, quotas, store, topic_attributes
from .notifications import Message
from .service import invalid, sns

BATCH = 200  # messages of one transaction
EXPIRED = 1000  # that go at once
PAUSE = 0.05
MILLISECOND = 0.001


def archive(call: Call, topic: Resource, message: Message) -> None:
    """Keep the message if the topic keeps an archive; what is too old goes now and then."""
    days = topic_attributes.archive_days(topic)
    if not days:
        return
    assert message.sequence is not None
    store.archive(call.db, live.log(topic), message.sequence, message.sent, message.dump())
    if call.alarms.due(expire, topic.name) is None:
        call.alarms.set(expire, topic.name, call.now + quotas.DAY)


@sns.alarm
def expire(call: Call, key: str) -> None:
    """Once a day while the topic keeps an archive."""
    topic = call.resources("topic").find(key)
    days = 0 if topic is None else topic_attributes.archive_days(topic)
    if topic is None:
        return
    if store.expire_archive(call.db, live.log(topic), call.now - days * quotas.DAY, EXPIRED):
        call.alarms.set(expire, key, call.now + PAUSE)
    elif days:
        call.alarms.set(expire, key, call.now + quotas.DAY)


def check(topic: Resource, text: str, prefix: str) -> None:
    """`{"PointType": "Timestamp", "StartingPoint": ..., "EndingPoint": ...}`. InvalidParameter."""
    if not topic["IsFifo"] or not topic_attributes.archive_days(topic):
        raise invalid(f"{prefix}ReplayPolicy: the topic has no archive policy")
    try:
        policy = orjson.loads(text)
        begin, end = _moment(policy["StartingPoint"]), policy.get("EndingPoint")
        fits = policy.get("PointType") == "Timestamp" and (end is None or _moment(end) >= begin)
    except (ValueError, KeyError, TypeError, AttributeError):
        fits = False
    if not fits:
        raise invalid(f"{prefix}ReplayPolicy: needs PointType Timestamp, a StartingPoint, and no earlier EndingPoint")


def _moment(text: str) -> float:
    """The millisecond's beginning, in seconds since 1970, as messages tell theirs; a time without a zone is UTC."""
    moment = datetime.fromisoformat(text)
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return math.floor(seconds * 1000 + 0.001) / 1000  # a float may lie a hair below its millisecond


def is_live(subscription: Resource) -> bool:
    """Whether new messages go to the subscription now: during a replay they wait in the archive."""
    replay = subscription.get("Replay")
    return replay is None or replay["Status"] == "Completed"


def begin(call: Call, topic: Resource, subscription: Resource, before: str | None) -> Resource:
    """Start, start over, or stop, according to the subscription's ReplayPolicy; `before` is what it was."""
    policy = subscription["Attributes"].get("ReplayPolicy")
    if policy == before:
        return subscription
    if policy is None:
        call.alarms.clear(replay, subscription.arn)
        return _keep(call, subscription, None)
    call.alarms.set(replay, subscription.arn, call.now)
    begun = store.last_sequence(call.db, live.log(topic))
    return _keep(call, subscription, {"Status": "Pending", "After": "", "Begun": begun})


def _keep(call: Call, subscription: Resource, state: dict[str, Any] | None) -> Resource:
    subscription = call.resources("subscription").update(subscription, Replay=state)
    live.put(call, subscription)
    return subscription


@sns.alarm
def replay(call: Call, key: str) -> None:
    """The next messages of the archive: of the time that was asked for, then those published since the replay began."""
    call, subscription = addresses.subscription(call, key)
    topic = None if subscription is None else call.resources("topic").find(subscription.parent)
    if subscription is None or topic is None:
        return
    policy: dict[str, Any] = orjson.loads(subscription["Attributes"]["ReplayPolicy"])
    after, begun = subscription["Replay"]["After"], subscription["Replay"]["Begun"]
    ends = policy.get("EndingPoint") is not None and after < begun
    end = _moment(policy["EndingPoint"]) + MILLISECOND if ends else None
    start = max(_moment(policy["StartingPoint"]), call.now - topic_attributes.archive_days(topic) * quotas.DAY)
    rows = store.archived(call.db, live.log(topic), after, start, end, BATCH)
    for sequence, _, kept in rows:
        message = Message.load(kept)
        message.replayed = True
        channels.deliver(call, topic, subscription, message)
        after = sequence
    more = len(rows) == BATCH
    if not more and end is not None:
        after, more = max(after, begun), True
    _keep(call, subscription, {"Status": "In progress" if more else "Completed", "After": after, "Begun": begun})
    if more:
        call.alarms.set(replay, key, call.now)
