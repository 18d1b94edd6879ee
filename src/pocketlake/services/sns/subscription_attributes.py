"""The attributes of a subscription: which there are, what they may be, how they are shown.

Source: SNS API reference, Subscribe, SetSubscriptionAttributes and GetSubscriptionAttributes.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from pocketlake.kernel import arn as arns
from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import delivery_policies, filter_policies, live, quotas, replays
from .service import errors, invalid

NAMES = (
    "DeliveryPolicy", "FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy", "ReplayPolicy",
    "SubscriptionRoleArn",
)  # fmt: skip
SCOPES = ("MessageAttributes", "MessageBody")
RAW = ("sqs", "http", "https", "firehose")
ROLE = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/.+")


def merged(
    call: Call, topic: Resource, given: dict[str, str], own: dict[str, str], protocol: str, endpoint: str, prefix: str
) -> dict[str, str]:
    """The subscription's attributes with those given; an empty one goes. InvalidParameter.

    `prefix` is "Attributes Reason: " within Subscribe.
    """
    for name, value in given.items():
        if name not in NAMES:
            raise invalid(f"{prefix}AttributeName" if not prefix else f"{prefix}Unknown attribute: {name}")
        _check(call, topic, name, value, protocol, endpoint, prefix)
    attributes = {name: _normal(name, value) for name, value in {**own, **given}.items() if value}
    policy = attributes.get("FilterPolicy")
    if policy is not None and ("FilterPolicy" in given or "FilterPolicyScope" in given):
        scope = attributes.setdefault("FilterPolicyScope", "MessageAttributes")
        filter_policies.check(policy, scope, prefix)
        if orjson.loads(policy) == {}:
            del attributes["FilterPolicy"]
        elif "FilterPolicy" not in own:
            _check_number(call, topic)
    if protocol == "firehose" and not ROLE.fullmatch(attributes.get("SubscriptionRoleArn", "")):
        raise invalid(f"{prefix}SubscriptionRoleArn: must be the ARN of an IAM role")
    return attributes


def _normal(name: str, value: str) -> str:
    return value.lower() if name == "RawMessageDelivery" else value


def _check(call: Call, topic: Resource, name: str, value: str, protocol: str, endpoint: str, prefix: str) -> None:
    match name:
        case "FilterPolicyScope":
            if value not in SCOPES:
                raise invalid(
                    f"{prefix}FilterPolicyScope: Invalid value [{value}]. Please use either MessageBody or "
                    "MessageAttributes"
                )
        case "RawMessageDelivery":
            if value.lower() not in ("true", "false"):
                raise invalid(f"{prefix}RawMessageDelivery: Invalid value [{value}]. Must be true or false.")
            if value.lower() == "true" and protocol not in RAW:
                raise invalid(f"{prefix}Delivery protocol [{protocol}] does not support raw message delivery.")
        case "RedrivePolicy" if value:
            _check_redrive(call, topic, value, endpoint, prefix)
        case "DeliveryPolicy" if value:
            delivery_policies.check_subscription(value, prefix)
        case "ReplayPolicy" if value:
            replays.check(topic, value, prefix)


def _check_redrive(call: Call, topic: Resource, value: str, endpoint: str, prefix: str) -> None:
    try:
        document = orjson.loads(value)
        target = arns.parse(str(document["deadLetterTargetArn"]))
    except orjson.JSONDecodeError:
        raise invalid(f"{prefix}RedrivePolicy: failed to parse JSON.") from None
    except (ValueError, KeyError, TypeError):
        raise invalid(f"{prefix}RedrivePolicy: deadLetterTargetArn is an invalid arn") from None
    is_fifo = target.resource.endswith(".fifo")
    if topic["IsFifo"] and endpoint.endswith(".fifo") and not (is_fifo and target.service == "sqs"):
        raise invalid(f"{prefix}RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.")
    if target.service != "sqs" or (target.region, target.account) != (call.region, call.account):
        raise invalid(f"{prefix}RedrivePolicy: deadLetterTargetArn is an invalid arn")


def _check_number(call: Call, topic: Resource) -> None:
    if not call.limits_on:
        return
    number = sum(1 for one in live.subscriptions(call, topic) if "FilterPolicy" in one["Attributes"])
    if number >= quotas.TOPIC_FILTERS.value:
        raise errors.FilterPolicyLimitExceededException("Filter policy limit exceeded for the topic")


def shown(topic: Resource, subscription: Resource) -> dict[str, str]:
    """As GetSubscriptionAttributes answers."""
    own: dict[str, str] = subscription["Attributes"]
    attributes: dict[str, Any] = {
        "SubscriptionArn": subscription.arn,
        "TopicArn": topic.arn,
        "Owner": subscription["Owner"],
        "Protocol": subscription["Protocol"],
        "Endpoint": subscription["Endpoint"],
        "SubscriptionPrincipal": subscription["Principal"],
        "PendingConfirmation": _text(subscription["Pending"]),
        "ConfirmationWasAuthenticated": _text(subscription["Authenticated"]),
        "RawMessageDelivery": "false",
        **own,
    }
    if "FilterPolicy" not in own:
        attributes.pop("FilterPolicyScope", None)
    if subscription["Protocol"] in ("http", "https"):
        policy = delivery_policies.effective(topic["Attributes"].get("DeliveryPolicy"), own.get("DeliveryPolicy"))
        attributes["EffectiveDeliveryPolicy"] = orjson.dumps(policy).decode()
    if "ReplayPolicy" in own:
        attributes["ReplayStatus"] = subscription["Replay"]["Status"]
    return attributes


def _text(value: bool) -> str:
    return "true" if value else "false"
