"""Queue policies: checked and stored. The one authorisation step will enforce them.

AddPermission and RemovePermission are short forms: each adds or removes one statement of the Policy attribute.
"""

from __future__ import annotations

from typing import Any

import orjson

from pocketlake.kernel.arn import PARTITION
from pocketlake.kernel.call import Call

from . import addresses, live, quotas
from .live import Queue
from .service import errors, invalid, missing, sqs

ACTIONS = frozenset(
    {
        "*", "ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl",
        "ListDeadLetterSourceQueues", "PurgeQueue", "ReceiveMessage", "SendMessage",
    }
)  # fmt: skip


def check(text: str) -> dict[str, Any]:
    """A policy document. InvalidAttributeValue."""
    try:
        document = orjson.loads(text)
        statements = document["Statement"]
        statements = statements if isinstance(statements, list) else [statements]
        fits = bool(statements) and all(statement["Effect"] in ("Allow", "Deny") for statement in statements)
    except (ValueError, KeyError, TypeError):
        fits = False
    if not fits:
        raise errors.InvalidAttributeValue("Invalid value for the parameter Policy.")
    return dict(document)


@sqs.operation
def add_permission(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """One more statement, under its label."""
    queue = addresses.find(call, request)
    label, actions, accounts = request["Label"], request["Actions"], request["AWSAccountIds"]
    if not actions:
        raise missing("Actions")
    if not accounts:
        raise invalid("[]", "PrincipalId", "Unable to verify.")
    if len(actions) > quotas.PERMISSION_ACTIONS.value:
        raise errors.OverLimit(
            f"{len(actions)} Actions were found, maximum allowed is {int(quotas.PERMISSION_ACTIONS.value)}."
        )
    for action in actions:
        if action not in ACTIONS:
            raise invalid(f"SQS:{action}", "ActionName", "Only the queue owner is allowed to invoke this action.")
    document = _document(queue)
    if any(statement.get("Sid") == label for statement in document["Statement"]):
        raise invalid(label, "Label", "Already exists.")
    principals = [f"arn:{PARTITION}:iam::{account}:root" for account in accounts]
    granted = [f"SQS:{action}" for action in actions]
    document["Statement"].append(
        {
            "Sid": label,
            "Effect": "Allow",
            "Principal": {"AWS": principals if len(principals) > 1 else principals[0]},
            "Action": granted if len(granted) > 1 else granted[0],
            "Resource": queue.arn,
        }
    )
    _keep(call, queue, document)
    return {}


@sqs.operation
def remove_permission(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    queue = addresses.find(call, request)
    document = _document(queue)
    left = [statement for statement in document["Statement"] if statement.get("Sid") != request["Label"]]
    if len(left) == len(document["Statement"]):
        raise invalid(request["Label"], "Label", "can't find label on existing policy.")
    _keep(call, queue, {**document, "Statement": left})
    return {}


def _document(queue: Queue) -> dict[str, Any]:
    policy = queue.resource["Attributes"].get("Policy")
    if policy is None:
        return {"Version": "2008-10-17", "Id": f"{queue.arn}/SQSDefaultPolicy", "Statement": []}
    document = check(policy)
    statements = document["Statement"]
    return {**document, "Statement": list(statements) if isinstance(statements, list) else [statements]}


def _keep(call: Call, queue: Queue, document: dict[str, Any]) -> None:
    attributes = {name: value for name, value in queue.resource["Attributes"].items() if name != "Policy"}
    if document["Statement"]:
        attributes["Policy"] = orjson.dumps(document).decode()
    call.undo(queue.forget)
    kind = live.scoped(call, queue).resources("queue")
    queue.adopt(kind.update(queue.resource, Attributes=attributes, Modified=int(call.now)))
