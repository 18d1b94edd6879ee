"""Deliveries that outlast their tick: to servers outside, and to services that asked for patience.

Each is a row written with the publish, so kill -9 loses none; it goes when the answer has come, so one may come twice.
Source: SNS developer guide, "Message delivery retries", "HTTP/HTTPS headers".
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

from pocketlake.kernel import https
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.resources import Resource

from . import delivery_policies, handover, metrics, quotas, store
from .service import sns

AGENT = "Amazon Simple Notification Service Agent"
AT_ONCE = 64  # requests under way together; each holds a thread
JITTER = 0.05
TOO_MANY = 429
MANAGED = {"minDelayTarget": 1, "maxDelayTarget": 20, "numRetries": 15, "numNoDelayRetries": 3,
           "numMinDelayRetries": 2, "numMaxDelayRetries": 0, "backoffFunction": "exponential"}  # fmt: skip
MANAGED_PAUSES = delivery_policies.pauses(MANAGED)
LONGEST_PAUSE = 20.0
MANAGED_TRIES = 100_015
DRAINED = 100  # messages of one transaction


# HTTP


def request(
    call: Call, topic: Resource, subscription: Resource, kind: str, message_id: str, body: str, raw: bool = False
) -> None:
    """Post `body` to the subscription's endpoint, from now on, until it is taken or its policy is exhausted."""
    own = subscription["Attributes"]
    policy = delivery_policies.effective(topic["Attributes"].get("DeliveryPolicy"), own.get("DeliveryPolicy"))
    headers = {
        "x-amz-sns-message-type": kind,
        "x-amz-sns-message-id": message_id,
        "x-amz-sns-topic-arn": topic.arn,
        "Content-Type": policy["requestPolicy"]["headerContentType"],
        "User-Agent": AGENT,
    }
    if kind != "SubscriptionConfirmation":
        headers["x-amz-sns-subscription-arn"] = subscription.arn
    if raw:
        headers["x-amz-sns-rawdelivery"] = "true"
    redrive = {"RedrivePolicy": own["RedrivePolicy"]} if "RedrivePolicy" in own and kind == "Notification" else {}
    content = {
        "Url": subscription["Endpoint"],
        "Headers": headers,
        "Body": body,
        "Retries": policy["healthyRetryPolicy"],
        "Attributes": redrive,
    }
    number = store.add_delivery(call.db, subscription.arn, content)
    rate = (policy["throttlePolicy"] or {}).get("maxReceivesPerSecond") if kind == "Notification" else None
    call.alarms.set(deliver, str(number), _slot(call, subscription.arn, rate))


def _slot(call: Call, subscription_arn: str, rate: int | None) -> float:
    """When a subscription with a rate of its own may be called next. After a restart it begins anew."""
    if not rate:
        return call.now
    key = ("slot", subscription_arn)
    at = max(call.now, call.memory.get(key, 0.0))
    call.memory[key] = at + 1 / rate
    return at


@sns.alarm
async def deliver(call: Call, key: str) -> None:
    """One attempt."""
    delivery = store.delivery(call.db, int(key))
    if delivery is None:
        return
    content = delivery.content
    slots: asyncio.Semaphore = call.memory.setdefault("slots", asyncio.Semaphore(AT_ONCE))
    async with slots:
        reason = await _post(content)
    with call.transaction():
        if reason is not None and _again(call, delivery, reason):
            return
        store.remove_delivery(call.db, delivery.id)
        if content["Headers"]["x-amz-sns-message-type"] != "Notification":
            return
        if reason is None:
            metrics.delivered(call, delivery.subscription)
        else:
            handover.bury(call, delivery.subscription, content["Attributes"], {"MessageBody": content["Body"]}, reason)


async def _post(content: dict[str, Any]) -> ServiceError | None:
    """None: it was taken. `status` is 0 when no answer came."""
    try:
        answer = await https.post(
            content["Url"], content["Headers"], content["Body"].encode(), quotas.ANSWER_SECONDS.value
        )
    except https.Failure as failure:
        return ServiceError("ConnectionError", f"{failure.kind}: {failure}", 0)
    if 200 <= answer.status < 300:
        return None
    return ServiceError(str(answer.status), f"HTTP status {answer.status}: {answer.text[:200]}", answer.status)


def _again(call: Call, delivery: store.Delivery, reason: ServiceError) -> bool:
    """Set the next attempt. A server's fault is tried again, a client's (4xx but 429) is final."""
    if 200 <= reason.status < 500 and reason.status != TOO_MANY:
        return False
    pauses = delivery_policies.pauses(delivery.content["Retries"])
    if delivery.failures >= len(pauses):
        return False
    store.count_failure(call.db, delivery.id)
    spread = random.Random(f"{delivery.id} {delivery.failures}").uniform(1, 1 + JITTER)
    call.alarms.set(deliver, str(delivery.id), call.now + pauses[delivery.failures] * spread)
    return True


# SQS and Firehose, when they said: later


def queue(call: Call, subscription_arn: str, content: dict[str, Any]) -> None:
    """Behind those of this subscription that wait already."""
    store.add_delivery(call.db, subscription_arn, {**content, "Request": handover.packed(content["Request"])})
    if call.alarms.due(drain, subscription_arn) is None:
        call.alarms.set(drain, subscription_arn, call.now)


@sns.alarm
def drain(call: Call, key: str) -> None:
    """In order, until all are handed over or the service says again: later."""
    waiting = store.backlog(call.db, key, DRAINED)
    for delivery in waiting:
        content, request = delivery.content, handover.unpacked(delivery.content["Request"])
        try:
            handover.TO[content["Protocol"]](call, content["Target"], request)
            metrics.delivered(call, key)
        except ServiceError as reason:
            if reason.code in handover.LATER and delivery.failures < MANAGED_TRIES:
                store.count_failure(call.db, delivery.id)
                failures = delivery.failures
                pause = MANAGED_PAUSES[failures] if failures < len(MANAGED_PAUSES) else LONGEST_PAUSE
                call.alarms.set(drain, key, call.now + max(1.0, pause))
                return
            handover.bury(call, key, content["Attributes"], request, reason)
        store.remove_delivery(call.db, delivery.id)
    if len(waiting) == DRAINED:
        call.alarms.set(drain, key, call.now)
