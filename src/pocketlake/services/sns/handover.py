"""Handing a message to another service of the lake, in the same tick: SQS, Firehose, and dead-letter queues."""

from __future__ import annotations

import base64
import logging
import re
import uuid
from collections.abc import Callable
from typing import Any

import orjson

from pocketlake.kernel import arn as arns
from pocketlake.kernel.access import Principal
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError

from . import metrics

UNSENDABLE = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what SQS takes in no text
log = logging.getLogger("pocketlake.sns")

# What AWS's own services say when they will take the message later; anything else is a client's fault and final.
LATER = {"RequestThrottled", "OverLimit", "ServiceUnavailableException", "LimitExceededException", "InternalFailure"}


def send(call: Call, queue: str, request: dict[str, Any]) -> None:
    """Into the queue of this ARN, of whatever region, as SNS."""
    found = arns.parse(queue)
    url = f"{call.endpoint}/{found.account}/{found.resource}"
    _as_sns(call, found.account, found.region).aws.sqs.send_message(QueueUrl=url, **request)


def _as_sns(call: Call, account: str, region: str) -> Call:
    scope = call.as_(account=account, region=region)
    scope.principal = Principal.service("sns.amazonaws.com", call.account)
    return scope


def put(call: Call, stream: str, request: dict[str, Any]) -> None:
    """Into the Firehose stream of this ARN, a line for each message."""
    found = arns.parse(stream)
    name = found.resource.rpartition("/")[2]
    data = (request["MessageBody"] + "\n").encode()
    _as_sns(call, found.account, found.region).aws.firehose.put_record(DeliveryStreamName=name, Record={"Data": data})


TO: dict[str, Callable[[Call, str, dict[str, Any]], None]] = {"sqs": send, "firehose": put}


def bury(
    call: Call, subscription_arn: str, attributes: dict[str, str], request: dict[str, Any], reason: ServiceError
) -> None:
    """Into the subscription's dead-letter queue, with the reason; without one the message is dropped, as on AWS."""
    metrics.failed(call, subscription_arn)
    policy = attributes.get("RedrivePolicy")
    if policy is None:
        return
    why = UNSENDABLE.sub("?", reason.message) or reason.code
    told = {"RequestID": call.request_id, "ErrorCode": reason.code, "ErrorMessage": why}
    values = {name: {"DataType": "String", "StringValue": value} for name, value in told.items()}
    target = orjson.loads(policy)["deadLetterTargetArn"]
    letter = {"MessageBody": request["MessageBody"], "MessageAttributes": values}
    if target.endswith(".fifo"):
        letter["MessageGroupId"] = request.get("MessageGroupId") or subscription_arn.rpartition(":")[2]
        letter["MessageDeduplicationId"] = request.get("MessageDeduplicationId") or str(uuid.uuid4())
    try:
        send(call, target, letter)
        metrics.redriven(call, subscription_arn, taken=True)
    except ServiceError as error:
        metrics.redriven(call, subscription_arn, taken=False)
        log.warning("sns: the dead-letter queue %s took no message: %s", target, error)


# What waits in the store is JSON


def packed(request: dict[str, Any]) -> dict[str, Any]:
    values = {name: {**value, **_text(value)} for name, value in request.get("MessageAttributes", {}).items()}
    return {**request, "MessageAttributes": values} if values else request


def unpacked(kept: dict[str, Any]) -> dict[str, Any]:
    for value in kept.get("MessageAttributes", {}).values():
        if "BinaryValue" in value:
            value["BinaryValue"] = base64.b64decode(value["BinaryValue"])
    return kept


def _text(value: dict[str, Any]) -> dict[str, str]:
    return {"BinaryValue": base64.b64encode(value["BinaryValue"]).decode()} if "BinaryValue" in value else {}
