"""Data protection policies: messages with sensitive data are denied, masked or reported, on their way in or out.

What needs machine learning, identifiers of one's own, and reports to CloudWatch Logs or S3 answer 501.
Source: SNS developer guide, "Understanding data protection policies", "Data protection policy operations".
"""

from __future__ import annotations

import logging
import re
import zlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from pocketlake.kernel.access import Principal
from pocketlake.kernel.arn import PARTITION
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501, ServiceError
from pocketlake.kernel.resources import Resource

from . import addresses, data_identifiers, quotas
from .notifications import Message
from .service import errors, invalid, sns

log = logging.getLogger("pocketlake.sns")

VERSION = "2021-06-01"
DIRECTIONS = ("Inbound", "Outbound")
OPERATIONS = ("Audit", "Deidentify", "Deny")
DESTINATIONS = ("CloudWatchLogs", "Firehose", "S3")
MASK = "*"
RATE = re.compile("[0-9]{1,2}")
PROHIBITS = "The topic's data protection policy prohibits this message from being"


@dataclass(slots=True, frozen=True)
class Statement:
    """`action` is Audit, Deidentify or Deny, `settings` its content."""

    direction: str
    principals: frozenset[str]
    identifiers: tuple[str, ...]
    action: str
    settings: dict[str, Any]

    def concerns(self, direction: str, principal: str) -> bool:
        return self.direction == direction and bool(self.principals & {"*", principal})


# The document


@lru_cache(maxsize=1000)
def statements(text: str) -> tuple[Statement, ...]:
    """InvalidParameter, NotImplemented."""
    document = _parsed(text)
    if not isinstance(document, dict) or not {"Name", "Version", "Statement"} <= set(document):
        raise _wrong("Name, Version and Statement are required")
    if document["Version"] != VERSION or not isinstance(document["Statement"], list):
        raise _wrong(f"Version must be {VERSION}, and Statement a list")
    if document.get("Configuration"):
        raise NotImplemented501("SNS CustomDataIdentifier (data protection policies)")
    found = tuple(_statement(each) for each in document["Statement"])
    if sum(statement.action == "Audit" for statement in found) > 1:
        raise _wrong("A policy has one Audit statement at most")
    return found


def _parsed(text: str) -> Any:
    if len(text) > quotas.DATA_PROTECTION.value:
        raise _wrong(f"longer than {int(quotas.DATA_PROTECTION.value)} characters")
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise _wrong("failed to parse JSON") from None


def _wrong(reason: str) -> Exception:
    return invalid(f"DataProtectionPolicy Reason: {reason}")


def _statement(given: Any) -> Statement:
    if not isinstance(given, dict) or given.get("DataDirection") not in DIRECTIONS:
        raise _wrong("DataDirection must be Inbound or Outbound")
    principals, identifiers = (given.get(name) for name in ("Principal", "DataIdentifier"))
    for name, value in (("Principal", principals), ("DataIdentifier", identifiers)):
        if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
            raise _wrong(f"{name} must be a list of strings")
    assert isinstance(principals, list) and isinstance(identifiers, list)
    operation = given.get("Operation")
    if not isinstance(operation, dict) or len(operation) != 1 or not set(operation) <= set(OPERATIONS):
        raise _wrong("Operation must be one of Audit, Deidentify and Deny")
    ((action, settings),) = operation.items()
    if not isinstance(settings, dict):
        raise _wrong(f"{action} must be a JSON object")
    if action == "Audit":
        _check_audit(given["DataDirection"], settings)
    elif action == "Deidentify":
        _check_mask(settings)
    elif settings:
        raise _wrong("Deny must be empty")
    names = tuple(map(_identifier, identifiers))
    return Statement(given["DataDirection"], frozenset(principals), names, action, settings)


def _identifier(arn: str) -> str:
    name = arn.removeprefix(data_identifiers.PREFIX)
    if name == arn or not name:
        raise _wrong(f"{arn} is not a data identifier")
    if name not in data_identifiers.PATTERNS:
        raise NotImplemented501(f"The SNS data identifier {name}")
    return name


def _check_audit(direction: str, settings: dict[str, Any]) -> None:
    if direction != "Inbound":
        raise _wrong("Audit is for inbound messages")
    rate = str(settings.get("SampleRate", ""))
    if not RATE.fullmatch(rate):
        raise _wrong("SampleRate must be an integer between 0 and 99")
    for name in ("FindingsDestination", "NoFindingsDestination"):
        destinations = settings.get(name) or {}
        if not isinstance(destinations, dict) or not set(destinations) <= set(DESTINATIONS):
            raise _wrong(f"{name} must be of {', '.join(DESTINATIONS)}")
        for kind in destinations:
            if kind != "Firehose":
                raise NotImplemented501(f"SNS data protection findings to {kind} (Firehose takes them)")
            if not isinstance(destinations[kind], dict) or not destinations[kind].get("DeliveryStream"):
                raise _wrong("Firehose needs a DeliveryStream")


def _check_mask(settings: dict[str, Any]) -> None:
    if set(settings) not in ({"MaskConfig"}, {"RedactConfig"}) or not all(
        isinstance(v, dict) for v in settings.values()
    ):
        raise _wrong("Deidentify needs a MaskConfig or a RedactConfig")
    character = settings.get("MaskConfig", {}).get("MaskWithCharacter", MASK)
    if not isinstance(character, str) or len(character) != 1 or not "!" <= character <= "~":
        raise _wrong("MaskWithCharacter must be a printable ASCII character")


# What it does


def inbound(call: Call, topic: Resource, message: Message, publisher: Principal) -> Message:
    """The message as the topic takes it. AuthorizationError where it is denied; findings are reported."""
    text = topic["Attributes"].get("DataProtectionPolicy")
    if text is None:
        return message
    caller = who(publisher)
    concerned = [one for one in statements(text) if one.concerns("Inbound", caller)]
    for statement in concerned:
        if statement.action == "Deny" and _is_in(statement, message):
            raise errors.AuthorizationErrorException(f"{PROHIBITS} published to {topic.arn}")
    for statement in concerned:
        if statement.action == "Audit":
            _report(call, topic, message, caller, statement)
    return _masked(concerned, message)


def outbound(topic: Resource, subscription: Resource, message: Message) -> Message | None:
    """The message as the subscription gets it; None: it does not. Devices get all, as on AWS."""
    text = topic["Attributes"].get("DataProtectionPolicy")
    if text is None or subscription["Protocol"] == "application":
        return message
    concerned = [one for one in statements(text) if one.concerns("Outbound", subscription["Principal"])]
    if any(one.action == "Deny" and _is_in(one, message) for one in concerned):
        return None
    return _masked(concerned, message)


def who(principal: Principal) -> str:
    """The principal's ARN as policies name it: a role's, not that of its session."""
    parts = principal.arn.split(":")
    if parts[2] == "sts" and parts[5].startswith("assumed-role/"):
        return f"arn:{PARTITION}:iam::{parts[4]}:role/{parts[5].split('/')[1]}"
    return principal.arn


def _is_in(statement: Statement, message: Message) -> bool:
    texts = (message.text, *message.texts.values())
    return any(data_identifiers.found(name, text) for name in statement.identifiers for text in texts)


def _masked(concerned: list[Statement], message: Message) -> Message:
    masking = [statement for statement in concerned if statement.action == "Deidentify"]
    if not any(_is_in(statement, message) for statement in masking):
        return message
    text, texts = message.text, dict(message.texts)
    for statement in masking:
        text = _without(statement, text)
        texts = {protocol: _without(statement, each) for protocol, each in texts.items()}
    return replace(message, text=text, texts=texts, signatures={})


def _without(statement: Statement, text: str) -> str:
    config = statement.settings.get("MaskConfig")
    character = "" if config is None else config.get("MaskWithCharacter", MASK)
    for name in statement.identifiers:
        pieces, at = [], 0
        for begin, end in data_identifiers.found(name, text):
            pieces += [text[at:begin], character * (end - begin)]
            at = end
        text = "".join((*pieces, text[at:]))
    return text


def _report(call: Call, topic: Resource, message: Message, caller: str, statement: Statement) -> None:
    """Of a sampled message: what was found, or that nothing was, to Firehose. Places count from 1."""
    if zlib.crc32(message.id.encode()) % 100 >= int(statement.settings["SampleRate"]):
        return
    places = {name: data_identifiers.found(name, message.text) for name in statement.identifiers}
    seen = {name: spans for name, spans in places.items() if spans}
    destinations = statement.settings.get("FindingsDestination" if seen else "NoFindingsDestination") or {}
    if "Firehose" not in destinations:
        return
    report = {
        "messageId": message.id,
        "auditTimestamp": datetime.fromtimestamp(call.now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "callerPrincipal": caller,
        "resourceArn": topic.arn,
        "dataIdentifiers": [
            {
                "name": name,
                "count": len(spans),
                "detections": [{"start": begin + 1, "end": end} for begin, end in spans],
            }
            for name, spans in seen.items()
        ],
    }
    scope = call.as_(account=call.account, region=call.region)
    scope.principal = Principal.service("delivery.logs.amazonaws.com", call.account)
    record = {"Data": orjson.dumps(report) + b"\n"}
    try:
        scope.aws.firehose.put_record(DeliveryStreamName=destinations["Firehose"]["DeliveryStream"], Record=record)
    except ServiceError as error:
        log.warning("sns: findings of %s could not be reported: %s", topic.arn, error)


# Operations


@sns.operation
def put_data_protection_policy(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """An empty one takes it away."""
    call, topic = addresses.topic(call, request["ResourceArn"], "ResourceArn")
    text = request["DataProtectionPolicy"]
    attributes = {name: value for name, value in topic["Attributes"].items() if name != "DataProtectionPolicy"}
    if text:
        statements(text)
        attributes["DataProtectionPolicy"] = text
    call.resources("topic").update(topic, Attributes=attributes)
    return {}


@sns.operation
def get_data_protection_policy(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    _, topic = addresses.topic(call, request["ResourceArn"], "ResourceArn")
    return {"DataProtectionPolicy": topic["Attributes"].get("DataProtectionPolicy", "")}
