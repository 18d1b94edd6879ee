"""What subscribers get: notifications, and requests for a confirmation.

Source: SNS developer guide, "HTTP/HTTPS notification JSON format", "Message formats for email and SQS".
"""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import signing


@dataclass(slots=True)
class Message:
    """A published message. `texts` are the bodies by protocol of MessageStructure json, else empty.

    `values` are the message attributes as published; Binary values are bytes.
    """

    id: str
    text: str
    sent: float
    subject: str | None = None
    texts: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    group: str | None = None
    deduplication: str | None = None
    sequence: str | None = None
    replayed: bool = False
    signatures: dict[str, dict[str, str]] = field(default_factory=dict)

    def text_for(self, protocol: str) -> str:
        return self.texts.get(protocol, self.text)

    def dump(self) -> bytes:
        """As the archive keeps it."""
        kept = {**asdict(self), "signatures": {}}
        kept["values"] = {name: {**value, "BinaryValue": _base64(value)} for name, value in self.values.items()}
        return orjson.dumps(kept)

    @classmethod
    def load(cls, kept: bytes) -> Message:
        message = cls(**orjson.loads(kept))
        for value in message.values.values():
            binary = value.pop("BinaryValue", None)
            if binary is not None:
                value["BinaryValue"] = base64.b64decode(binary)
        return message


def _base64(value: dict[str, Any]) -> str | None:
    binary = value.get("BinaryValue")
    return None if binary is None else base64.b64encode(binary).decode()


def timestamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def attributes(message: Message) -> dict[str, dict[str, str]]:
    """The message attributes as notifications show them."""
    return {
        name: {"Type": value["DataType"], "Value": _base64(value) or value.get("StringValue", "")}
        for name, value in message.values.items()
    }


def notification(call: Call, topic: Resource, subscription: Resource, message: Message, signed: bool = True) -> str:
    """The JSON of a notification. One signature serves all subscribers of a topic that get the same text."""
    text = message.text_for(subscription["Protocol"])
    body: dict[str, Any] = {"Type": "Notification", "MessageId": message.id}
    if message.sequence is not None:
        body["SequenceNumber"] = message.sequence
    body["TopicArn"] = topic.arn
    if message.subject is not None:
        body["Subject"] = message.subject
    body |= {"Message": text, "Timestamp": timestamp(message.sent)}
    if signed:
        if text not in message.signatures:
            message.signatures[text] = signing.sign(call, body, version(topic))
        body |= message.signatures[text]
    body["UnsubscribeURL"] = unsubscribe_url(call, subscription.arn)
    if message.replayed:
        body["Replayed"] = "true"
    if message.values:
        body["MessageAttributes"] = attributes(message)
    return orjson.dumps(body).decode()


def confirmation(call: Call, topic: Resource, message_id: str, token: str, kind: str, subscription_arn: str) -> str:
    """The JSON of a SubscriptionConfirmation or an UnsubscribeConfirmation."""
    if kind == "SubscriptionConfirmation":
        text = (
            f"You have chosen to subscribe to the topic {topic.arn}.\n"
            "To confirm the subscription, visit the SubscribeURL included in this message."
        )
    else:
        text = (
            f"You have chosen to deactivate subscription {subscription_arn}.\n"
            "To cancel this operation and restore the subscription, visit the SubscribeURL included in this message."
        )
    body = {
        "Type": kind,
        "MessageId": message_id,
        "Token": token,
        "TopicArn": topic.arn,
        "Message": text,
        "SubscribeURL": subscribe_url(call, topic.arn, token),
        "Timestamp": timestamp(call.now),
    }
    return orjson.dumps({**body, **signing.sign(call, body, version(topic))}).decode()


def version(topic: Resource) -> str:
    return str(topic["Attributes"].get("SignatureVersion", "1"))


def subscribe_url(call: Call, topic_arn: str, token: str) -> str:
    return f"{call.endpoint}/?Action=ConfirmSubscription&TopicArn={quote(topic_arn, safe=':')}&Token={token}"


def unsubscribe_url(call: Call, subscription_arn: str) -> str:
    return f"{call.endpoint}/?Action=Unsubscribe&SubscriptionArn={quote(subscription_arn, safe=':')}"
