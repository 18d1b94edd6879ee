"""Subscriptions: asked for, confirmed, listed, changed, ended.

Who is subscribed at a server or mailbox outside, or by somebody else's account, must confirm it with a token.
Source: SNS API reference, Subscribe and ConfirmSubscription.
"""

from __future__ import annotations

import re
import secrets
import uuid
from typing import Any

from pocketlake.kernel import arn as arns
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501, ServiceError
from pocketlake.kernel.resources import Resource

from . import addresses, deliveries, handover, live, notifications, outbox, quotas, replays, subscription_attributes
from .service import errors, invalid, missing, sns
from .topics import LARGE

PROTOCOLS = ("http", "https", "email", "email-json", "sms", "sqs", "application", "lambda", "firehose")
OUTSIDE = ("http", "https", "email", "email-json")  # who has no AWS account must say yes
FIFO_PROTOCOLS = ("sqs",)
PHONE = re.compile(r"\+[1-9]([-./]?\d){1,14}")
MAIL = re.compile(r"[^@\s]+@[^@\s]+")
PENDING = "pending confirmation"
LISTED_PENDING = "PendingConfirmation"


@sns.operation
def subscribe(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The subscription's ARN; "pending confirmation" until its owner has confirmed.  [MISC-022]"""
    caller = call
    call, topic = addresses.topic(call, request["TopicArn"])
    protocol, endpoint = request["Protocol"], request.get("Endpoint") or ""
    _check_endpoint(call, topic, protocol, endpoint)
    if protocol == "sms":
        endpoint = re.sub(r"[-./]", "", endpoint)
    given = request.get("Attributes") or {}
    existing = live.of(call, topic).at(protocol, endpoint)
    if existing is not None:
        _check_same(existing, given)
        subscription = existing
        if existing["Pending"]:
            _ask(call, topic, existing)
    else:
        prefix = "Attributes Reason: "
        attributes = subscription_attributes.merged(call, topic, given, {}, protocol, endpoint, prefix)
        _check_number(call, topic, protocol)
        subscription = _create(call, caller, topic, protocol, endpoint, attributes)
    if subscription["Pending"] and not request.get("ReturnSubscriptionArn"):
        return {"SubscriptionArn": PENDING}
    return {"SubscriptionArn": subscription.arn}


def _check_endpoint(call: Call, topic: Resource, protocol: str, endpoint: str) -> None:
    if protocol not in PROTOCOLS:
        raise invalid(f"Amazon SNS does not support this protocol string: {protocol}")
    if not endpoint:
        raise errors.NotFoundException("Endpoint not specified in subscription")
    if topic["IsFifo"] and protocol not in FIFO_PROTOCOLS:
        raise invalid(f"Invalid parameter: Protocol Reason: {protocol} can not be subscribed to FIFO SNS topics")
    match protocol:
        case "http" | "https":
            if not endpoint.startswith(f"{protocol}://"):
                raise invalid("Endpoint must match the specified protocol")
        case "sms":
            if not PHONE.fullmatch(endpoint):
                raise errors.InvalidParameterException(f"Invalid SMS endpoint: {endpoint}")
        case "email" | "email-json":
            if not MAIL.fullmatch(endpoint):
                raise invalid("Email address")
        case "sqs":
            _check_queue(topic, endpoint)
        case "firehose":
            if _service(endpoint) != "firehose":
                raise invalid("Firehose endpoint ARN")
        case "application":
            _check_device(call, endpoint)
        case "lambda":
            raise NotImplemented501("SNS subscriptions of Lambda functions (Lambda itself)")


def _service(endpoint: str) -> str:
    try:
        return arns.parse(endpoint).service
    except ValueError:
        return ""


def _check_queue(topic: Resource, endpoint: str) -> None:
    if _service(endpoint) != "sqs":
        raise invalid("SQS endpoint ARN")
    if endpoint.endswith(".fifo") and not topic["IsFifo"]:
        raise invalid(
            "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"
        )


def _check_device(call: Call, endpoint: str) -> None:
    parts = endpoint.split("/")
    if len(parts) != 4 or call.resources("endpoint").find(parts[3], parent="/".join(parts[1:3])) is None:
        raise invalid(f"Endpoint Reason: Endpoint does not exist for endpoint arn{endpoint}")


def _check_same(existing: Resource, given: dict[str, str]) -> None:
    own = {"RawMessageDelivery": "false", **existing["Attributes"]}
    if any(value and own.get(name) != value for name, value in given.items()):
        raise invalid("Attributes Reason: Subscription already exists with different attributes")


def _check_number(call: Call, topic: Resource, protocol: str) -> None:
    number = len(live.subscriptions(call, topic))
    if topic["IsFifo"] and call.limits_on and number >= quotas.FIFO_SUBSCRIPTIONS.value:
        raise errors.SubscriptionLimitExceededException("Subscription limit exceeded for FIFO topic")
    size = int(topic["Attributes"].get("MaximumMessageSize", quotas.MESSAGE_BYTES.value))
    if size > quotas.MESSAGE_BYTES.value:
        if protocol not in LARGE:
            raise invalid(f"Protocol Reason: {protocol} does not carry messages above 262144 bytes")
        if number >= quotas.LARGE_SUBSCRIPTIONS.value:
            raise errors.SubscriptionLimitExceededException("Subscription limit exceeded for topic with large messages")


def _create(
    call: Call, caller: Call, topic: Resource, protocol: str, endpoint: str, attributes: dict[str, str]
) -> Resource:
    identity = str(uuid.uuid4())
    pending = protocol in OUTSIDE or (protocol == "sqs" and arns.parse(endpoint).account != caller.account)
    body = {
        "TopicArn": topic.arn,
        "Protocol": protocol,
        "Endpoint": endpoint,
        "Owner": caller.account,
        "Principal": caller.principal.arn,
        "Pending": pending,
        "Authenticated": not pending,
        "AuthenticateOnUnsubscribe": False,
        "Token": _token(identity),
        "Attributes": attributes,
    }
    subscription = _keep(call, topic, identity, body)
    if pending:
        _ask(call, topic, subscription)
        call.alarms.set(give_up, subscription.arn, call.now + quotas.CONFIRMATION.value)
    return subscription


def _token(identity: str) -> str:
    """288 hexadecimal digits, the last ones the subscription's ID."""
    return secrets.token_hex(128) + identity.replace("-", "")


def _keep(call: Call, topic: Resource, identity: str, body: dict[str, Any]) -> Resource:
    subscription = call.resources("subscription").create(
        identity, body, parent=topic.name, arn=f"{topic.arn}:{identity}"
    )
    live.put(call, subscription)
    return replays.begin(call, topic, subscription, None)


def _ask(call: Call, topic: Resource, subscription: Resource, kind: str = "SubscriptionConfirmation") -> None:
    """Send the token to where the messages shall go."""
    message_id = str(uuid.uuid4())
    body = notifications.confirmation(call, topic, message_id, subscription["Token"], kind, subscription.arn)
    match subscription["Protocol"]:
        case "http" | "https":
            deliveries.request(call, topic, subscription, kind, message_id, body)
        case "email" | "email-json":
            outbox.ask_confirmation(call, topic, subscription, message_id, body)
        case "sqs":
            try:
                handover.send(call, subscription["Endpoint"], _question(subscription, message_id, body))
            except ServiceError as error:
                handover.log.warning("sns: %s could not be asked to confirm: %s", subscription["Endpoint"], error)


def _question(subscription: Resource, message_id: str, body: str) -> dict[str, str]:
    """SendMessage's request without the queue: a FIFO queue takes nothing without a group."""
    if not subscription["Endpoint"].endswith(".fifo"):
        return {"MessageBody": body}
    return {"MessageBody": body, "MessageGroupId": subscription.name, "MessageDeduplicationId": message_id}


@sns.alarm
def give_up(call: Call, key: str) -> None:
    """Two days without a confirmation."""
    call, subscription = addresses.subscription(call, key)
    if subscription is not None and subscription["Pending"]:
        _remove(call, subscription)


def _remove(call: Call, subscription: Resource) -> None:
    call.resources("subscription").delete(subscription)
    live.drop(call, subscription)
    topics = call.resources("topic")
    topic = topics.find(subscription.parent)
    if topic is not None:
        topics.update(topic, Deleted=topic["Deleted"] + 1)


@sns.operation
def confirm_subscription(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """By the token; again and again if you like."""
    is_signed = call.principal.kind != "anonymous"
    try:
        call, topic = addresses.find_topic(call, request["TopicArn"])
    except ServiceError:
        raise invalid("Topic") from None
    if topic is None:
        raise missing("Topic")
    authenticate = request.get("AuthenticateOnUnsubscribe", "").lower() == "true" and is_signed
    subscription = _of_token(call, topic, request["Token"])
    if subscription["Pending"]:
        subscription = call.resources("subscription").update(
            subscription, Pending=False, Authenticated=is_signed, AuthenticateOnUnsubscribe=authenticate
        )
        call.alarms.clear(give_up, subscription.arn)
        live.put(call, subscription)
    return {"SubscriptionArn": subscription.arn}


def _of_token(call: Call, topic: Resource, token: str) -> Resource:
    """The subscription that waits for this token, or one that was ended and comes back by it. InvalidParameter."""
    try:
        identity = str(uuid.UUID(token[-32:]))
    except ValueError:
        raise invalid("Token") from None
    subscription = call.resources("subscription").find(identity, parent=topic.name)
    if subscription is None:
        ended = call.resources("ended").find(identity, parent=topic.name)
        if ended is None or ended["Token"] != token or call.now >= ended["Until"]:
            raise invalid("Token")
        call.resources("ended").delete(ended)
        again = live.of(call, topic).at(ended["Body"]["Protocol"], ended["Body"]["Endpoint"])
        if again is not None:
            return again
        return _keep(call, topic, identity, {**ended["Body"], "Pending": True})
    if subscription["Token"] != token:
        raise invalid("Token")
    return subscription


@sns.operation
def unsubscribe(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """One that is not there is no error. A server outside is told, and can take it back for two days."""
    is_signed = call.principal.kind != "anonymous"
    call, subscription = addresses.subscription(call, request["SubscriptionArn"])
    if subscription is None:
        return {}
    if subscription["Pending"]:
        raise invalid("SubscriptionArn Reason: the subscription is pending confirmation")
    if subscription["AuthenticateOnUnsubscribe"] and not is_signed:
        raise errors.AuthorizationErrorException("Unsubscribing this subscription needs an AWS signature")
    _remove(call, subscription)
    topic = call.resources("topic").find(subscription.parent)
    if topic is not None and subscription["Protocol"] in ("http", "https"):
        _farewell(call, topic, subscription)
    return {}


def _farewell(call: Call, topic: Resource, subscription: Resource) -> None:
    until = call.now + quotas.CONFIRMATION.value
    body = {"Token": subscription["Token"], "Until": until, "Body": subscription.body}
    call.resources("ended").create(subscription.name, body, parent=topic.name)
    call.alarms.set(forget_ended, subscription.arn, until)
    _ask(call, topic, subscription, "UnsubscribeConfirmation")


@sns.alarm
def forget_ended(call: Call, key: str) -> None:
    topic, identity = key.split(":")[-2:]
    kind = call.resources("ended")
    ended = kind.find(identity, parent=topic)
    if ended is not None and ended["Until"] <= call.now:
        kind.delete(ended)


@sns.operation
def list_subscriptions(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The caller's, a hundred a page."""
    kind, most = call.resources("subscription"), int(quotas.PAGE.value)
    after = addresses.opened(call, request.get("NextToken"), lambda place: (str(place["topic"]), str(place["id"])))
    found: list[Resource] = []
    rows = kind.list_all(after or ("", ""), most + 1)
    while rows and len(found) <= most:
        found += [one for one in rows if one["Owner"] == call.account]
        rows = kind.list_all((rows[-1].parent, rows[-1].name), most + 1)
    shown = found[:most]
    token = call.pages.seal({"topic": shown[-1].parent, "id": shown[-1].name}) if len(found) > most else None
    return {"Subscriptions": _listed(shown), "NextToken": token}


@sns.operation
def list_subscriptions_by_topic(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    call, topic = addresses.topic(call, request["TopicArn"])
    shown, token = addresses.page(call, request.get("NextToken"), live.subscriptions(call, topic))
    return {"Subscriptions": _listed(shown), "NextToken": token}


def _listed(shown: list[Resource]) -> list[dict[str, str]]:
    return [
        {
            "SubscriptionArn": LISTED_PENDING if one["Pending"] else one.arn,
            "Owner": one["Owner"],
            "Protocol": one["Protocol"],
            "Endpoint": one["Endpoint"],
            "TopicArn": one["TopicArn"],
        }
        for one in shown
    ]


def _find(call: Call, request: dict[str, Any]) -> tuple[Call, Resource, Resource]:
    call, subscription = addresses.subscription(call, request["SubscriptionArn"])
    topic = None if subscription is None else call.resources("topic").find(subscription.parent)
    if subscription is None or topic is None:
        raise missing("Subscription")
    return call, topic, subscription


@sns.operation
def get_subscription_attributes(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    _, topic, subscription = _find(call, request)
    return {"Attributes": subscription_attributes.shown(topic, subscription)}


@sns.operation
def set_subscription_attributes(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """An attribute without a value goes."""
    call, topic, subscription = _find(call, request)
    given = {request["AttributeName"]: request.get("AttributeValue") or ""}
    own = subscription["Attributes"]
    attributes = subscription_attributes.merged(
        call, topic, given, own, subscription["Protocol"], subscription["Endpoint"], ""
    )
    changed = call.resources("subscription").update(subscription, Attributes=attributes)
    live.put(call, changed)
    replays.begin(call, topic, changed, own.get("ReplayPolicy"))
    return {}
