"""Messages: published, alone and in batches.

All rules are looked at before anything is written; then each message goes to every subscription in the same tick.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.resources import Resource

from . import (
    addresses,
    channels,
    data_protection,
    live,
    message_attributes,
    metrics,
    notifications,
    outbox,
    phones,
    quotas,
    rates,
    replays,
    store,
)
from .notifications import Message
from .service import errors, invalid, sns

IDENTIFIER = re.compile(r"[!-~]{1,128}")  # letters, digits and punctuation
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
ENTRY = re.compile(r"[A-Za-z0-9_-]{1,80}")


@sns.operation
def publish(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """To a topic, to a device, or to a phone.  [MISC-022]"""
    if request.get("PhoneNumber"):
        return _publish_to_phone(call, request)
    target = request.get("TopicArn") or request.get("TargetArn")
    if not target:
        raise invalid("TopicArn or TargetArn Reason: no value for required parameter")
    if ":endpoint/" in target:
        return _publish_to_device(call, request, target)
    publisher = call.principal
    call, topic = addresses.topic(call, target, "TopicArn" if request.get("TopicArn") else "TargetArn")
    message, size = _read(call, topic, request)
    if size > _largest(topic):
        raise invalid("Message too long")
    rates.admit(call, topic, [message])
    message = data_protection.inbound(call, topic, message, publisher)
    return _publish(call, topic, message, size)


@sns.operation
def publish_batch(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Up to ten; what is wrong with one is said of all before any is published."""
    publisher = call.principal
    call, topic = addresses.topic(call, request["TopicArn"])
    entries = request["PublishBatchRequestEntries"]
    _check_entries(entries)
    read = [_read(call, topic, entry) for entry in entries]
    if sum(size for _, size in read) > _largest(topic):
        raise errors.BatchRequestTooLongException("The length of all the messages put together is more than the limit.")
    rates.admit(call, topic, [message for message, _ in read])
    successful: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for entry, (message, size) in zip(entries, read, strict=True):
        try:
            allowed = data_protection.inbound(call, topic, message, publisher)
        except ServiceError as error:
            told = {"Code": "AuthorizationError", "Message": error.message, "SenderFault": True}
            failed.append({"Id": entry["Id"], **told})
        else:
            successful.append({"Id": entry["Id"], **_publish(call, topic, allowed, size)})
    return {"Successful": successful, "Failed": failed}


def _check_entries(entries: list[dict[str, Any]]) -> None:
    if not entries:
        raise errors.EmptyBatchRequestException("The batch request doesn't contain any entries.")
    if len(entries) > quotas.BATCH_ENTRIES.value:
        raise errors.TooManyEntriesInBatchRequestException("The batch request contains more entries than permissible.")
    if len({entry["Id"] for entry in entries}) < len(entries):
        raise errors.BatchEntryIdsNotDistinctException("Two or more batch entries in the request have the same Id.")
    if any(not ENTRY.fullmatch(entry["Id"]) for entry in entries):
        raise errors.InvalidBatchEntryIdException(
            "The Id of a batch entry in a batch request doesn't abide by the specification."
        )


def _largest(topic: Resource) -> int:
    return int(topic["Attributes"].get("MaximumMessageSize", quotas.MESSAGE_BYTES.value))


def _read(call: Call, topic: Resource | None, request: dict[str, Any]) -> tuple[Message, int]:
    """The message of a request and its bytes, all rules looked at. Without a topic: for a device or a phone."""
    text = request["Message"]
    if not text:
        raise invalid("Empty message")
    subject = request.get("Subject")
    if subject is not None:
        _check_subject(subject)
    message = Message(str(uuid.uuid4()), text, call.now, subject)
    if topic is not None:
        message.group, message.deduplication = _order(topic, request)
    if request.get("MessageStructure"):
        message.texts = _structured(request, needs_default=topic is not None)
        message.text = message.texts.get("default", "")
    message.values = request.get("MessageAttributes") or {}
    return message, len(text.encode()) + message_attributes.check(message.values)


def _check_subject(subject: str) -> None:
    if len(subject) > quotas.SUBJECT.value:
        raise errors.InvalidParameterException("Subject must be less than 100 characters")
    if not subject or CONTROL.search(subject):
        raise invalid("Subject")


def _order(topic: Resource, request: dict[str, Any]) -> tuple[str | None, str | None]:
    """Message group and deduplication ID. A FIFO topic needs both, a standard one takes a group, for fair queues."""
    group, deduplication = request.get("MessageGroupId"), request.get("MessageDeduplicationId")
    if topic["IsFifo"]:
        if not group:
            raise invalid("The MessageGroupId parameter is required for FIFO topics")
        if not deduplication and topic["Attributes"].get("ContentBasedDeduplication") != "true":
            raise invalid(
                "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
                "explicitly"
            )
        deduplication = deduplication or hashlib.sha256(request["Message"].encode()).hexdigest()
    elif deduplication is not None:
        raise invalid(
            "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid "
            "for this topic type"
        )
    for name, value in (("MessageGroupId", group), ("MessageDeduplicationId", deduplication)):
        if value is not None and not IDENTIFIER.fullmatch(value):
            raise invalid(
                f"{name} Reason: {name} can only include alphanumeric and punctuation characters. 1 to 128 in length"
            )
    return group, deduplication


def _structured(request: dict[str, Any], needs_default: bool) -> dict[str, str]:
    """Texts by protocol. Values that are no strings are passed over."""
    if request["MessageStructure"] != "json":
        raise invalid("MessageStructure")
    try:
        document = orjson.loads(request["Message"])
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise invalid("Message Structure - JSON message body failed to parse")
    texts = {protocol: text for protocol, text in document.items() if isinstance(text, str)}
    if needs_default and "default" not in texts:
        raise invalid("Message Structure - No default entry in JSON message body")
    return texts


def _publish(call: Call, topic: Resource, message: Message, size: int) -> dict[str, str]:
    """Number it, keep it, hand it to every subscription. A repeated message is only answered."""
    answer = {"MessageId": message.id}
    metrics.published(call, topic, size)
    if topic["IsFifo"]:
        by_group = topic["Attributes"].get("FifoThroughputScope") == "MessageGroup"
        scoped = f"{message.group}\0{message.deduplication}" if by_group else str(message.deduplication)
        log = live.log(topic)
        known = store.remembered(call.db, log, scoped, call.now)
        if known is not None:
            return {"MessageId": known[0], "SequenceNumber": known[1]}
        message.sequence = store.next_sequence(call.db, log)
        until = call.now + quotas.DEDUPLICATION.value
        store.remember(call.db, log, scoped, until, message.id, message.sequence, call.now)
        replays.archive(call, topic, message)
        answer["SequenceNumber"] = message.sequence
    for subscription in live.subscriptions(call, topic):
        if replays.is_live(subscription):
            channels.deliver(call, topic, subscription, message)
    return answer


def _publish_to_phone(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    number = request["PhoneNumber"]
    if not phones.PHONE.fullmatch(number):
        raise invalid(f"PhoneNumber Reason: {number} is not valid to publish to")
    message, _ = _read(call, None, request)
    text = message.text_for("sms")
    if len(text) > quotas.SMS_CHARACTERS.value:
        raise invalid("Message too long")
    about = {"MessageId": message.id, "MessageAttributes": notifications.attributes(message)}
    outbox.post(call, "sms", number, {**about, "Message": text})
    return {"MessageId": message.id}


def _publish_to_device(call: Call, request: dict[str, Any], target: str) -> dict[str, Any]:
    parts = target.split("/")
    endpoint = call.resources("endpoint").find(parts[-1], parent="/".join(parts[1:-1]))
    if endpoint is None:
        raise invalid("TargetArn Reason: No endpoint found for the target arn specified")
    if endpoint["Attributes"].get("Enabled") == "false":
        raise errors.EndpointDisabledException("Endpoint is disabled")
    application = call.resources("application").find("/".join(parts[1:-1]))
    if application is not None and application["Attributes"].get("Enabled") == "false":
        raise errors.PlatformApplicationDisabledException("Platform application is disabled")
    message, size = _read(call, None, request)
    if size > quotas.MESSAGE_BYTES.value:
        raise invalid("Message too long")
    about = {"MessageId": message.id, "MessageAttributes": notifications.attributes(message)}
    outbox.push(call, target, message, about)
    return {"MessageId": message.id}
