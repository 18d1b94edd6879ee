"""Topic policies: checked and stored. The one authorisation step will enforce them.

AddPermission and RemovePermission are short forms: each adds or removes one statement of the Policy attribute.
"""

from __future__ import annotations

from typing import Any

import orjson

from pocketlake.kernel.arn import PARTITION
from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import addresses
from .service import errors, invalid, sns

ACTIONS = (
    "GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic", "Subscribe",
    "ListSubscriptionsByTopic", "Publish",
)  # fmt: skip
GRANTABLE = frozenset((*ACTIONS, "Receive"))


def default(call: Call, topic: Resource) -> str:
    """The owner may do all: the policy of a topic that was given none."""
    return orjson.dumps(
        {
            "Version": "2008-10-17",
            "Id": "__default_policy_ID",
            "Statement": [
                {
                    "Sid": "__default_statement_ID",
                    "Effect": "Allow",
                    "Principal": {"AWS": "*"},
                    "Action": [f"SNS:{action}" for action in ACTIONS],
                    "Resource": topic.arn,
                    "Condition": {"StringEquals": {"AWS:SourceOwner": call.account}},
                }
            ],
        }
    ).decode()


def check(text: str, prefix: str) -> None:
    """A policy document. InvalidParameter."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise invalid(f"{prefix}Policy Error: null") from None
    statements = document.get("Statement") if isinstance(document, dict) else None
    statements = statements if isinstance(statements, list) else [statements]
    if not all(isinstance(each, dict) and each.get("Effect") in ("Allow", "Deny") for each in statements):
        raise invalid(f"{prefix}Policy statement must contain an Effect, a Principal, an Action and a Resource")


@sns.operation
def add_permission(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """One more statement, under its label."""
    call, topic = addresses.topic(call, request["TopicArn"])
    label, actions, accounts = request["Label"], request["ActionName"], request["AWSAccountId"]
    document = _document(call, topic)
    if any(statement.get("Sid") == label for statement in document["Statement"]):
        raise errors.InvalidParameterException("Statement already exists")
    if not actions or any(action not in GRANTABLE for action in actions):
        raise errors.InvalidParameterException("Policy statement action out of service scope!")
    principals = [f"arn:{PARTITION}:iam::{account}:root" for account in accounts]
    granted = [f"SNS:{action}" for action in actions]
    document["Statement"].append(
        {
            "Sid": label,
            "Effect": "Allow",
            "Principal": {"AWS": principals if len(principals) != 1 else principals[0]},
            "Action": granted if len(granted) > 1 else granted[0],
            "Resource": topic.arn,
        }
    )
    _keep(call, topic, document)
    return {}


@sns.operation
def remove_permission(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """A label that is not there is no error."""
    call, topic = addresses.topic(call, request["TopicArn"])
    document = _document(call, topic)
    document["Statement"] = [each for each in document["Statement"] if each.get("Sid") != request["Label"]]
    _keep(call, topic, document)
    return {}


def _document(call: Call, topic: Resource) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(topic["Attributes"].get("Policy") or default(call, topic))
    statements = document["Statement"]
    return {**document, "Statement": list(statements) if isinstance(statements, list) else [statements]}


def _keep(call: Call, topic: Resource, document: dict[str, Any]) -> None:
    attributes = {**topic["Attributes"], "Policy": orjson.dumps(document).decode()}
    call.resources("topic").update(topic, Attributes=attributes)
