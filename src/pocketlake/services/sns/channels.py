"""The ways out: one function for each protocol takes one message to one subscription, in the tick of its publish.

SQS and Firehose get it in the same transaction: exactly once. Servers outside get a delivery that is a row of the same
transaction: at least once. Email, SMS and push notifications are put into the outbox, where a test can read them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.resources import Resource

from . import data_protection, deliveries, filter_matching, handover, metrics, notifications, outbox, store
from .notifications import Message


def deliver(call: Call, topic: Resource, subscription: Resource, message: Message) -> None:
    """Unless the subscription is pending, or its filter policy or the topic's data protection refuses the message."""
    if subscription["Pending"]:
        return
    if not _passes(subscription, message):
        metrics.filtered_out(call, subscription, message)
        return
    allowed = data_protection.outbound(topic, subscription, message)
    if allowed is None:
        metrics.failed(call, subscription.arn)
        return
    CHANNELS[subscription["Protocol"]](call, topic, subscription, allowed)
    if subscription["Protocol"] in OUTBOX:
        metrics.delivered(call, subscription.arn)


def _passes(subscription: Resource, message: Message) -> bool:
    policy = subscription["Attributes"].get("FilterPolicy")
    if policy is None:
        return True
    if subscription["Attributes"].get("FilterPolicyScope") == "MessageBody":
        return filter_matching.passes_body(policy, message.text_for(subscription["Protocol"]))
    return filter_matching.passes_attributes(policy, message.values)


def is_raw(subscription: Resource) -> bool:
    return subscription["Attributes"].get("RawMessageDelivery") == "true"


# SQS


def _to_sqs(call: Call, topic: Resource, subscription: Resource, message: Message) -> None:
    _hand_over(call, subscription, "sqs", subscription["Endpoint"], _queued(call, topic, subscription, message))


def _queued(call: Call, topic: Resource, subscription: Resource, message: Message) -> dict[str, Any]:
    """The SendMessage request, without the queue."""
    if is_raw(subscription):
        request: dict[str, Any] = {"MessageBody": message.text_for("sqs")}
        if message.values:
            request["MessageAttributes"] = message.values
    else:
        request = {"MessageBody": notifications.notification(call, topic, subscription, message)}
    return {**request, **_order(message, subscription["Endpoint"], topic["IsFifo"])}


def _order(message: Message, queue: str, is_fifo: bool) -> dict[str, str]:
    """A FIFO queue keeps the topic's order; a standard one of a standard topic is told the group, for fair queues."""
    if queue.endswith(".fifo"):
        return {"MessageGroupId": message.group or "", "MessageDeduplicationId": message.deduplication or ""}
    return {"MessageGroupId": message.group} if message.group is not None and not is_fifo else {}


# Firehose


def _to_firehose(call: Call, topic: Resource, subscription: Resource, message: Message) -> None:
    if is_raw(subscription):
        text = message.text_for("firehose")
    else:
        text = notifications.notification(call, topic, subscription, message, signed=False)
    _hand_over(call, subscription, "firehose", subscription["Endpoint"], {"MessageBody": text})


def _hand_over(call: Call, subscription: Resource, protocol: str, target: str, request: dict[str, Any]) -> None:
    """Now; behind those that wait already; or later, when the service says so."""
    content = {"Protocol": protocol, "Target": target, "Attributes": _kept(subscription), "Request": request}
    if subscription["TopicArn"].endswith(".fifo") and store.has_backlog(call.db, subscription.arn):
        deliveries.queue(call, subscription.arn, content)
        return
    try:
        handover.TO[protocol](call, target, request)
        metrics.delivered(call, subscription.arn)
    except ServiceError as reason:
        if reason.code in handover.LATER:
            deliveries.queue(call, subscription.arn, content)
        else:
            handover.bury(call, subscription.arn, subscription["Attributes"], request, reason)


def _kept(subscription: Resource) -> dict[str, str]:
    policy = subscription["Attributes"].get("RedrivePolicy")
    return {} if policy is None else {"RedrivePolicy": policy}


# HTTP


def _to_http(call: Call, topic: Resource, subscription: Resource, message: Message) -> None:
    """[MISC-022]"""
    raw = is_raw(subscription)
    text = message.text_for(subscription["Protocol"])
    body = text if raw else notifications.notification(call, topic, subscription, message)
    deliveries.request(call, topic, subscription, "Notification", message.id, body, raw)


# People and devices


def _to_email(call: Call, topic: Resource, subscription: Resource, message: Message) -> None:
    text = message.text_for("email")
    subject = message.subject or "AWS Notification Message"
    outbox.post(
        call, "email", subscription["Endpoint"], {**_about(topic, message), "Subject": subject, "Message": text}
    )


def _to_email_json(call: Call, topic: Resource, subscription: Resource, message: Message) -> None:
    body = notifications.notification(call, topic, subscription, message)
    subject = message.subject or "AWS Notification Message"
    outbox.post(
        call, "email-json", subscription["Endpoint"], {**_about(topic, message), "Subject": subject, "Message": body}
    )


def _to_sms(call: Call, topic: Resource, subscription: Resource, message: Message) -> None:
    name = topic["Attributes"].get("DisplayName")
    text = message.text_for("sms")
    text = f"{name}> {text}" if name else text
    outbox.post(call, "sms", subscription["Endpoint"], {**_about(topic, message), "Message": text})


def _to_application(call: Call, topic: Resource, subscription: Resource, message: Message) -> None:
    outbox.push(call, subscription["Endpoint"], message, _about(topic, message))


def _about(topic: Resource, message: Message) -> dict[str, Any]:
    return {"TopicArn": topic.arn, "MessageId": message.id, "MessageAttributes": notifications.attributes(message)}


CHANNELS: dict[str, Callable[[Call, Resource, Resource, Message], None]] = {
    "application": _to_application,
    "email": _to_email,
    "email-json": _to_email_json,
    "firehose": _to_firehose,
    "http": _to_http,
    "https": _to_http,
    "sms": _to_sms,
    "sqs": _to_sqs,
}
OUTBOX = frozenset({"application", "email", "email-json", "sms"})
