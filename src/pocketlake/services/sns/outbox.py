"""The outbox: emails, text messages and push notifications, which leave the lake no further than to be looked at.

GET /_pocketlake/views/sns/outbox?protocol=email&recipient=...&after=...&account=...&region=... shows them.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import notifications, quotas, store
from .notifications import Message
from .service import errors, sns

NUMBER = re.compile("[0-9]{1,18}")
CONFIRM = "AWS Notification - Subscription Confirmation"


def post(call: Call, protocol: str, recipient: str, content: dict[str, Any]) -> None:
    store.post(call.db, call.account, call.region, protocol, recipient, call.now, content)


def ask_confirmation(call: Call, topic: Resource, subscription: Resource, message_id: str, body: str) -> None:
    """The mail that asks whether the recipient wants the topic's messages, with the link that says yes."""
    url = notifications.subscribe_url(call, topic.arn, subscription["Token"])
    text = (
        f"You have chosen to subscribe to the topic:\n{topic.arn}\n\nTo confirm this subscription, click or visit the "
        f"link below (If this was in error no action is necessary):\nConfirm subscription\n{url}"
    )
    content = {
        "TopicArn": topic.arn,
        "MessageId": message_id,
        "Subject": CONFIRM,
        "Message": body if subscription["Protocol"] == "email-json" else text,
        "SubscribeURL": url,
        "Token": subscription["Token"],
    }
    post(call, subscription["Protocol"], subscription["Endpoint"], content)


def push(call: Call, endpoint_arn: str, message: Message, about: dict[str, Any]) -> None:
    """To a device: the text of its platform. A disabled or deleted endpoint gets nothing."""
    parts = endpoint_arn.split("/")
    endpoint = call.resources("endpoint").find(parts[-1], parent="/".join(parts[1:-1]))
    if endpoint is None or endpoint["Attributes"].get("Enabled") == "false":
        return
    content = {**about, "Token": endpoint["Attributes"]["Token"], "Message": message.text_for(parts[1])}
    post(call, "application", endpoint_arn, content)


@sns.view
async def outbox(call: Call, query: dict[str, str]) -> dict[str, Any]:
    """Oldest first, up to a thousand after the ID `after`; of one protocol or recipient if asked."""
    after = query.get("after", "0")
    if not NUMBER.fullmatch(after):
        raise errors.InvalidParameterException("after is the ID of a message")
    found = store.posted(
        call.db,
        call.account,
        call.region,
        int(after),
        query.get("protocol"),
        query.get("recipient"),
        int(quotas.OUTBOX_PAGE.value),
    )
    shown = [
        {"Id": number, "Protocol": protocol, "Recipient": recipient, "Sent": sent, **orjson.loads(content)}
        for number, protocol, recipient, sent, content in found
    ]
    return {"messages": shown}
