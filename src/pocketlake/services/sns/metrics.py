"""What topics publish to CloudWatch.

Source: developer guide, "Monitoring Amazon SNS topics using CloudWatch". What goes into the outbox counts as delivered.
"""

from __future__ import annotations

from pocketlake.kernel.call import Call
from pocketlake.kernel.metrics import Family, Figures, Meter
from pocketlake.kernel.resources import Resource
from pocketlake.kernel.spread import Spread

from . import filter_matching
from .notifications import Message

DELIVERED, FAILED = "NumberOfNotificationsDelivered", "NumberOfNotificationsFailed"
FILTERED = "NumberOfNotificationsFilteredOut"
REDRIVEN, NOT_REDRIVEN = "NumberOfNotificationsRedrivenToDlq", "NumberOfNotificationsFailedToRedriveToDlq"
COUNTS = (
    "NumberOfMessagesPublished",
    DELIVERED,
    FAILED,
    FILTERED,
    f"{FILTERED}-InvalidAttributes",
    f"{FILTERED}-InvalidMessageBody",
    f"{FILTERED}-MessageAttributes",
    f"{FILTERED}-MessageBody",
    f"{FILTERED}-NoMessageAttributes",
    REDRIVEN,
    NOT_REDRIVEN,
)


def _derive(figures: Figures) -> Figures:
    """Each message that has a size was published."""
    sizes = figures.get("PublishSize")
    return {**figures, "NumberOfMessagesPublished": Spread.of(1, sizes.count)} if sizes else figures


FAMILY = Family("AWS/SNS", {"PublishSize": "Bytes", **dict.fromkeys(COUNTS, "Count")}, _derive)


def _meter(call: Call, arn: str) -> Meter:
    """Of a topic, by its ARN or that of one of its subscriptions; it may be another account's."""
    region, account, name = arn.split(":")[3:6]
    key = ("metrics", account, region, name)
    found: Meter | None = call.memory.get(key)
    if found is None:
        found = call.memory[key] = Meter(call.lake.metrics, FAMILY, account, region, {"TopicName": name})
    return found


def published(call: Call, topic: Resource, size: int) -> None:
    _meter(call, topic.arn).add("PublishSize", size, call.now)


def delivered(call: Call, arn: str) -> None:
    _meter(call, arn).add(DELIVERED, 1, call.now)


def failed(call: Call, arn: str) -> None:
    _meter(call, arn).add(FAILED, 1, call.now)


def redriven(call: Call, arn: str, taken: bool) -> None:
    """A message went to a subscription's dead-letter queue, or that did not take it."""
    _meter(call, arn).add(REDRIVEN if taken else NOT_REDRIVEN, 1, call.now)


def filtered_out(call: Call, subscription: Resource, message: Message) -> None:
    """With the reason: what the policy looked at, and whether it could be read at all."""
    meter = _meter(call, subscription.arn)
    if subscription["Attributes"].get("FilterPolicyScope") == "MessageBody":
        text = message.text_for(subscription["Protocol"])
        reason = "MessageBody" if filter_matching.is_object(text) else "InvalidMessageBody"
    else:
        reason = "MessageAttributes" if message.values else "NoMessageAttributes"
    for name in (FILTERED, f"{FILTERED}-{reason}"):
        meter.add(name, 1, call.now)
