"""What can be set on a queue, in which ranges, and what can be asked of it."""

from __future__ import annotations

from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501

from . import addresses, dead_letters, fifo, live, policies, quotas, settling, store
from .dead_letters import NUMBER
from .live import Queue, milliseconds
from .service import errors, sqs

# Name: least, most, default. Source: API reference, SetQueueAttributes.  [SQS-019, SQS-020, SQS-510, SQS-511, SQS-513]
RANGES = {
    "VisibilityTimeout": (0, int(quotas.VISIBILITY.value), 30),
    "MaximumMessageSize": (1024, int(quotas.MESSAGE_BYTES.value), int(quotas.MESSAGE_BYTES.value)),
    "MessageRetentionPeriod": (60, 14 * quotas.DAY, 4 * quotas.DAY),
    "DelaySeconds": (0, int(quotas.DELAY.value), 0),
    "ReceiveMessageWaitTimeSeconds": (0, int(quotas.WAIT.value), 0),
    "KmsDataKeyReusePeriodSeconds": (60, 86_400, 300),
}
DEFAULTED = tuple(name for name in RANGES if name != "KmsDataKeyReusePeriodSeconds")
CHOICES = {
    "FifoQueue": ("true", "false"),
    "ContentBasedDeduplication": ("true", "false"),
    "SqsManagedSseEnabled": ("true", "false"),
    "DeduplicationScope": ("queue", "messageGroup"),
    "FifoThroughputLimit": ("perQueue", "perMessageGroupId"),
}
FIFO_ONLY = {"ContentBasedDeduplication": "false", "DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue"}
DOCUMENTS = ("Policy", "RedrivePolicy", "RedriveAllowPolicy")
SETTABLE = frozenset({*RANGES, *CHOICES, *DOCUMENTS, "KmsMasterKeyId"})
READABLE = (
    "QueueArn", "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed", "CreatedTimestamp", "LastModifiedTimestamp",
)  # fmt: skip


def initial(call: Call, arn: str, given: dict[str, str]) -> dict[str, Any]:
    """A new queue's document."""
    is_fifo = arn.endswith(".fifo")
    checked = check(call, arn, given, is_fifo)
    body: dict[str, Any] = {name: str(RANGES[name][2]) for name in DEFAULTED}
    body["SqsManagedSseEnabled"] = "true"
    if is_fifo:
        body |= {"FifoQueue": "true", **FIFO_ONLY}
    body |= {name: value for name, value in checked.items() if value}
    _check_throughput(body)
    redrive = dead_letters.parse(call, arn, checked["RedrivePolicy"]) if checked.get("RedrivePolicy") else None
    return {"Attributes": body, "Redrive": redrive}


def check(call: Call, arn: str, given: dict[str, str], is_fifo: bool) -> dict[str, str]:
    """The attributes as they are kept. InvalidAttributeName, InvalidAttributeValue, InvalidParameterValue."""
    checked = {}
    for name, value in given.items():
        if name not in SETTABLE or (name in FIFO_ONLY and not is_fifo):
            raise unknown(name)
        if name in RANGES:
            value = _number(name, value)
        elif name in CHOICES:
            value = _choice(name, value)
        elif name == "RedrivePolicy" and value:
            policy = dead_letters.parse(call, arn, value)
            if policy != orjson.loads(value):
                value = orjson.dumps(policy).decode()  # a count that was given as text is kept as a number
        elif name == "RedriveAllowPolicy" and value:
            dead_letters.check_allowance(value)
        elif name == "Policy" and value:
            policies.check(value)
        elif name == "KmsMasterKeyId" and value:
            raise NotImplemented501("Encryption of queues with a KMS key (KmsMasterKeyId)")
        checked[name] = value
    if checked.get("FifoQueue") == "false":
        raise unknown("FifoQueue")
    return checked


def _number(name: str, value: str) -> str:
    least, most, _ = RANGES[name]
    if not (NUMBER.fullmatch(value) and least <= int(value) <= most):
        raise errors.InvalidAttributeValue(f"Invalid value for the parameter {name}.")
    return str(int(value))


def _choice(name: str, value: str) -> str:
    folded = value.lower() if name in ("FifoQueue", "ContentBasedDeduplication", "SqsManagedSseEnabled") else value
    if folded not in CHOICES[name]:
        raise errors.InvalidAttributeValue(f"Invalid value for the parameter {name}.")
    return folded


def _check_throughput(body: dict[str, str]) -> None:
    """Source: API reference, SetQueueAttributes, "High throughput for FIFO queues"."""
    if body.get("FifoThroughputLimit") == "perMessageGroupId" and body.get("DeduplicationScope") != "messageGroup":
        raise errors.InvalidAttributeValue("The FifoThroughputLimit value can't be perMessageGroupId for the queue.")


def unknown(name: str) -> Exception:
    error: Exception = errors.InvalidAttributeName(f"Unknown Attribute {name}.")
    return error


def check_same(call: Call, queue: Queue, given: dict[str, str]) -> None:
    """CreateQueue of a queue that is there: each attribute that is given must have the value that it has."""
    checked = check(call, queue.arn, given, queue.is_fifo)
    present = queue.resource["Attributes"]
    for name, value in checked.items():
        if present.get(name, "") != value:
            raise errors.QueueNameExists(
                f"A queue already exists with the same name and a different value for attribute {name}"
            )


@sqs.operation
def set_queue_attributes(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Change some; the others stay. An empty document takes its attribute away."""
    queue = addresses.find(call, request)
    given = request["Attributes"]
    if not given:
        raise errors.InvalidParameterValueException("The request must contain the parameter Attribute.Name.")
    if "FifoQueue" in given and given["FifoQueue"].lower() != str(queue.is_fifo).lower():
        raise unknown("FifoQueue")
    checked = check(call, queue.arn, given, queue.is_fifo)
    settling.settle(call, queue, milliseconds(call))
    body = {**queue.resource["Attributes"], **checked}
    body = {name: value for name, value in body.items() if value}
    _check_throughput(body)
    redrive = dead_letters.parse(call, queue.arn, body["RedrivePolicy"]) if "RedrivePolicy" in body else None
    resource = (
        live.scoped(call, queue)
        .resources("queue")
        .update(queue.resource, Attributes=body, Redrive=redrive, Modified=int(call.now))
    )
    call.undo(queue.forget)
    delay = queue.delay
    queue.adopt(resource)
    if queue.is_fifo and queue.delay != delay:
        _delay_anew(call, queue)
    if "MessageRetentionPeriod" in checked:
        live.scoped(call, queue).alarms.clear(settling.expire, queue.name)
        queue.is_watched = False
        settling.settle(call, queue, milliseconds(call))
        if queue.oldest != live.NEVER:
            settling.watch(call, queue)
    return {}


def _delay_anew(call: Call, queue: Queue) -> None:
    """A FIFO queue's new delay counts for the messages that wait already. Source: SetQueueAttributes, DelaySeconds."""
    now = milliseconds(call)
    times = [(sent + queue.delay, position) for position, sent in store.delayed(call.db, queue.id)]
    store.hide_many(call.db, [(max(visible, 1), position) for visible, position in times])
    fifo.renew_all(call, queue, now)
    queue.soonest = 0  # look again
    settling.settle(call, queue, now)


@sqs.operation
def get_queue_attributes(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Those asked for; the counts are exact.  [SQS-016, SQS-032]"""
    queue = addresses.find(call, request)
    names = request.get("AttributeNames", [])
    for name in names:
        if name != "All" and name not in SETTABLE and name not in READABLE:
            raise unknown(name)
    if not names:
        return {}
    settling.settle(call, queue, milliseconds(call))
    values = {
        "QueueArn": queue.arn,
        **live.summary(queue),
        "CreatedTimestamp": str(int(queue.resource.created)),
        "LastModifiedTimestamp": str(queue.resource["Modified"]),
        **queue.resource["Attributes"],
    }
    found = values if "All" in names else {name: values[name] for name in names if name in values}
    return {"Attributes": found or None}
