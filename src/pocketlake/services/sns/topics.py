"""Topics: made, found, listed, changed, deleted."""

from __future__ import annotations

import re
import uuid
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import addresses, live, quotas, store, tags, topic_attributes
from .service import errors, invalid, sns

NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
FORGOTTEN = 1000  # rows of one turn
PAUSE = 0.05
LARGE = ("sqs", "firehose", "lambda")  # protocols that carry messages above 256 KiB


@sns.operation
def create_topic(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """A topic, or the ARN of the one that is there with the same attributes and tags."""
    name, given = request["Name"], dict(request.get("Attributes") or {})
    is_fifo = given.get("FifoTopic", "").lower() == "true"
    _check_name(name, is_fifo)
    existing = call.resources("topic").find(name)
    new_tags = tags.read(request.get("Tags") or [], {})
    if existing is not None:
        topic_attributes.same(existing, given, new_tags)
        return {"TopicArn": existing.arn}
    given.pop("FifoTopic", None)
    if request.get("DataProtectionPolicy"):
        given["DataProtectionPolicy"] = request["DataProtectionPolicy"]
    for attribute, value in given.items():
        topic_attributes.check(attribute, value, is_fifo, "Attributes Reason: ")
    _check_number(call, is_fifo)
    arn = call.arn(name)
    attributes = {key: topic_attributes.normal(key, value) for key, value in given.items()}
    body = {"Attributes": attributes, "IsFifo": is_fifo, "Deleted": 0}
    if is_fifo:
        body["Log"] = f"{arn}:{uuid.uuid4()}"
    call.resources("topic").create(name, body, arn=arn, tags=new_tags)
    return {"TopicArn": arn}


def _check_name(name: str, is_fifo: bool) -> None:
    stem = name.removesuffix(".fifo") if is_fifo else name
    if not NAME.fullmatch(stem) or len(name) > quotas.NAME_LENGTH.value or is_fifo == (stem == name):
        raise invalid("Topic Name")


def _check_number(call: Call, is_fifo: bool) -> None:
    """Only where the topics of both kinds reach the limit of one are they looked at one by one."""
    kind, most = call.resources("topic"), quotas.FIFO_TOPICS if is_fifo else quotas.TOPICS
    if not call.limits_on or kind.count() < most.value:
        return
    if sum(1 for topic in kind.list() if topic["IsFifo"] == is_fifo) >= most.value:
        raise errors.TopicLimitExceededException("Topic limit exceeded")


@sns.operation
def delete_topic(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The topic and its subscriptions; one that is not there is no error."""
    call, topic = addresses.find_topic(call, request["TopicArn"])
    if topic is None:
        return {}
    for subscription in live.subscriptions(call, topic):
        call.resources("subscription").delete(subscription)
    live.forget(call, topic.arn)
    call.resources("topic").delete(topic)
    if topic["IsFifo"]:
        call.alarms.set(forget, live.log(topic), call.now)
    return {}


@sns.alarm
def forget(call: Call, key: str) -> None:
    """What a deleted topic kept leaves the store, some of it at a time."""
    if store.forget_topic(call.db, key, FORGOTTEN):
        call.alarms.set(forget, key, call.now + PAUSE)


@sns.operation
def list_topics(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """A hundred a page, by name."""
    found, token = addresses.listed(call, "topic", request)
    return {"Topics": [{"TopicArn": topic.arn} for topic in found], "NextToken": token}


@sns.operation
def get_topic_attributes(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    call, topic = addresses.topic(call, request["TopicArn"])
    return {"Attributes": topic_attributes.shown(call, topic)}


@sns.operation
def set_topic_attributes(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """An attribute without a value goes back to its default."""
    call, topic = addresses.topic(call, request["TopicArn"])
    name, value = request["AttributeName"], request.get("AttributeValue") or ""
    topic_attributes.check(name, value, topic["IsFifo"])
    if name == "MaximumMessageSize" and value:
        _check_large(call, topic, int(value))
    attributes = {key: kept for key, kept in topic["Attributes"].items() if key != name}
    if value:
        attributes[name] = topic_attributes.normal(name, value)
    call.resources("topic").update(topic, Attributes=attributes)
    return {}


def _check_large(call: Call, topic: Resource, size: int) -> None:
    """Only some subscriptions carry messages above 256 KiB. Source: SNS API reference, SetTopicAttributes."""
    subscriptions = live.subscriptions(call, topic)
    if size <= quotas.MESSAGE_BYTES.value:
        return
    if len(subscriptions) > quotas.LARGE_SUBSCRIPTIONS.value or any(
        one["Protocol"] not in LARGE for one in subscriptions
    ):
        raise invalid(
            "MaximumMessageSize Reason: a topic with messages above 262144 bytes has 100 or fewer subscriptions, each"
            " of Amazon SQS, Amazon Data Firehose, or Lambda"
        )
