"""The attributes of a topic: which there are, what they may be, how they are shown.

Source: SNS API reference, CreateTopic, SetTopicAttributes and GetTopicAttributes.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.kernel.resources import Resource

from . import data_protection, delivery_policies, live, policies, quotas, store
from .service import errors, invalid

# Delivery status logging writes to CloudWatch Logs, which is not there yet: the attributes are kept.
PROTOCOLS = ("HTTP", "Firehose", "Lambda", "Application", "SQS")
FEEDBACK = {
    f"{protocol}{name}"
    for protocol in PROTOCOLS
    for name in ("SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate", "FailureFeedbackRoleArn")
}
PLAIN = {
    "DeliveryPolicy", "DisplayName", "KmsMasterKeyId", "MaximumMessageSize", "Policy", "SignatureVersion",
    "TracingConfig", "DataProtectionPolicy",
}  # fmt: skip
FIFO_ONLY = {"ArchivePolicy", "ContentBasedDeduplication", "FifoThroughputScope"}
SETTABLE = PLAIN | FIFO_ONLY | FEEDBACK
NUMBER = re.compile(r"[0-9]{1,9}")
ROLE = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/.+")


def check(name: str, value: str, is_fifo: bool, prefix: str = "") -> None:
    """One attribute's value. `prefix` is "Attributes Reason: " within CreateTopic."""
    if name not in SETTABLE:
        raise invalid(f"{prefix}Unknown attribute {name}" if prefix else "AttributeName")
    if name in FIFO_ONLY and not is_fifo:
        raise invalid(f"{prefix}Unknown attribute {name}" if prefix else "AttributeName")
    if name in FEEDBACK:
        _check_feedback(name, value, prefix)
    elif name in CHECKS and value:
        CHECKS[name](value, prefix)


def _check_feedback(name: str, value: str, prefix: str) -> None:
    if name.endswith("SampleRate"):
        if not NUMBER.fullmatch(value) or int(value) > 100:
            raise invalid(f"{prefix}{name}: Sample rate must be an integer between 0 and 100")
    elif value and not ROLE.fullmatch(value):
        raise invalid(f"{prefix}{name}: Invalid role ARN")


def _check_display_name(value: str, prefix: str) -> None:
    if len(value) > quotas.DISPLAY_NAME.value:
        raise invalid(f"{prefix}DisplayName: must be {int(quotas.DISPLAY_NAME.value)} characters or less")


def _check_size(value: str, prefix: str) -> None:
    low, high = int(quotas.SMALL_MESSAGE_BYTES.value), int(quotas.LARGE_MESSAGE_BYTES.value)
    if not NUMBER.fullmatch(value) or not low <= int(value) <= high:
        raise invalid(f"{prefix}MaximumMessageSize: must be an integer between {low} and {high}")


def _check_signature_version(value: str, prefix: str) -> None:
    if value not in ("1", "2"):
        raise invalid(f"{prefix}SignatureVersion: Invalid value [{value}]. Must be 1 or 2.")


def _check_tracing(value: str, prefix: str) -> None:
    if value not in ("PassThrough", "Active"):
        raise invalid(f"{prefix}TracingConfig: Invalid value [{value}]. Must be PassThrough or Active.")


def _check_boolean(value: str, prefix: str) -> None:
    if value.lower() not in ("true", "false"):
        raise invalid(f"{prefix}ContentBasedDeduplication: Invalid value [{value}]. Must be true or false.")


def _check_scope(value: str, prefix: str) -> None:
    if value not in ("Topic", "MessageGroup"):
        raise invalid(f"{prefix}FifoThroughputScope: Invalid value [{value}]. Must be Topic or MessageGroup.")


def _check_archive(value: str, prefix: str) -> None:
    """`{"MessageRetentionPeriod": "30"}` in days; `{}` ends archiving."""
    try:
        document = orjson.loads(value)
        days = int(document.get("MessageRetentionPeriod", 1))
        fits = 1 <= days <= quotas.ARCHIVE_DAYS.value and set(document) <= {"MessageRetentionPeriod"}
    except (ValueError, TypeError, AttributeError):
        fits = False
    if not fits:
        raise invalid(f"{prefix}ArchivePolicy: MessageRetentionPeriod must be an integer between 1 and 365")


def _check_key(value: str, prefix: str) -> None:
    raise NotImplemented501("SNS KmsMasterKeyId (KMS itself)")


CHECKS = {
    "ArchivePolicy": _check_archive,
    "ContentBasedDeduplication": _check_boolean,
    "DataProtectionPolicy": lambda value, prefix: data_protection.statements(value),
    "DeliveryPolicy": delivery_policies.check_topic,
    "DisplayName": _check_display_name,
    "FifoThroughputScope": _check_scope,
    "KmsMasterKeyId": _check_key,
    "MaximumMessageSize": _check_size,
    "Policy": lambda value, prefix: policies.check(value, prefix),
    "SignatureVersion": _check_signature_version,
    "TracingConfig": _check_tracing,
}


def normal(name: str, value: str) -> str:
    return value.lower() if name == "ContentBasedDeduplication" else value


def archive_days(topic: Resource) -> int:
    """0: the topic keeps no archive."""
    text = topic["Attributes"].get("ArchivePolicy")
    return int(orjson.loads(text).get("MessageRetentionPeriod", 0)) if text else 0


def shown(call: Call, topic: Resource) -> dict[str, str]:
    """As GetTopicAttributes answers."""
    own: dict[str, str] = topic["Attributes"]
    pending = sum(1 for one in live.subscriptions(call, topic) if one["Pending"])
    attributes = {
        "TopicArn": topic.arn,
        "Owner": call.account,
        "Policy": own.get("Policy") or policies.default(call, topic),
        "DisplayName": own.get("DisplayName", ""),
        "SubscriptionsConfirmed": str(len(live.subscriptions(call, topic)) - pending),
        "SubscriptionsPending": str(pending),
        "SubscriptionsDeleted": str(topic["Deleted"]),
        "EffectiveDeliveryPolicy": orjson.dumps(delivery_policies.effective_topic(own.get("DeliveryPolicy"))).decode(),
    }
    attributes |= {name: value for name, value in own.items() if name not in ("Policy", "DataProtectionPolicy")}
    if topic["IsFifo"]:
        attributes |= {"FifoTopic": "true"}
        attributes.setdefault("ContentBasedDeduplication", "false")
        attributes.setdefault("FifoThroughputScope", "Topic")
        oldest = store.oldest_archived(call.db, live.log(topic)) if archive_days(topic) else None
        if oldest is not None:
            begin = max(oldest, call.now - archive_days(topic) * quotas.DAY)
            moment = datetime.fromtimestamp(begin, UTC)
            attributes["BeginningArchiveTime"] = moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return attributes


def same(topic: Resource, given: dict[str, str], tags: dict[str, str]) -> None:
    """CreateTopic of a topic that is there: only with what it has. InvalidParameter."""
    own: dict[str, Any] = {**topic["Attributes"], "FifoTopic": "true" if topic["IsFifo"] else "false"}
    if any(normal(name, value) != own.get(name, DEFAULTS.get(name)) for name, value in given.items()):
        raise errors.InvalidParameterException(
            "Invalid parameter: Attributes Reason: Topic already exists with different attributes"
        )
    if any(topic.tags.get(key) != value for key, value in tags.items()):
        raise errors.InvalidParameterException(
            "Invalid parameter: Tags Reason: Topic already exists with different tags"
        )


DEFAULTS = {
    "ContentBasedDeduplication": "false",
    "FifoThroughputScope": "Topic",
    "SignatureVersion": "1",
    "DisplayName": "",
}
