"""Message move tasks: dead letters go back to where they came from, or elsewhere, at a pace.

A task is a resource; its alarm moves what the pace allows, some messages a turn, and sets itself again. Moved messages
are new ones: new ID, new time of sending, no receives. Source: developer guide, "Dead-letter queue redrive".
"""

from __future__ import annotations

import base64
import uuid
from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import addresses, dead_letters, fifo, fifo_store, quotas, settling, store
from .live import Queue, milliseconds
from .messages import new_id
from .service import errors, missing, sqs
from .store import Row

KIND = "move-task"
FASTEST = int(quotas.MOVE_RATE.value)
STEP_SECONDS = 1.0
NO_SOURCE = "The resource that you specified for the SourceArn parameter doesn't exist."
NO_TARGET = "The resource that you specified for the DestinationArn parameter doesn't exist."


@sqs.operation
def start_message_move_task(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """From a dead-letter queue to its source queues, or to one other queue of the same type."""
    source = _queue(call, request["SourceArn"], NO_SOURCE)
    target_arn = request.get("DestinationArn", "")
    if target_arn:
        target = _queue(call, target_arn, NO_TARGET)
        if target.is_fifo != source.is_fifo:
            raise errors.InvalidParameterValueException("Source and destination queues must be of the same type.")
        if target.arn == source.arn:
            raise errors.InvalidParameterValueException(
                "Source queue arn and destination queue arn cannot be the same."
            )
    if not dead_letters.sources_of(call, source):
        raise errors.InvalidParameterValueException("Source queue must be configured as a Dead Letter Queue.")
    rate = request.get("MaxNumberOfMessagesPerSecond")
    if rate is not None and not 1 <= rate <= FASTEST:
        raise errors.InvalidParameterValueException(
            f"Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: must be between 1 and {FASTEST}."
        )
    tasks = call.resources(KIND)
    if any(task["Status"] in ("RUNNING", "CANCELLING") for task in tasks.list(parent=source.arn)):
        raise errors.InvalidParameterValueException(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
        )
    settling.settle(call, source, milliseconds(call))
    name = f"{milliseconds(call):015d}-{uuid.uuid4()}"
    body = {"Status": "RUNNING", "Moved": 0, "ToMove": source.ready, "Rate": rate, "Target": target_arn or None}
    tasks.create(name, {**body, "Until": source.next}, parent=source.arn)
    call.alarms.set(move, f"{source.arn}/{name}", call.now)
    return {"TaskHandle": _handle(source.arn, name)}


def _queue(call: Call, arn: str, otherwise: str) -> Queue:
    queue = addresses.by_arn(call, arn)
    if queue is None:
        raise errors.ResourceNotFoundException(otherwise)
    return queue


def _handle(source_arn: str, name: str) -> str:
    return base64.b64encode(orjson.dumps({"taskId": name, "sourceArn": source_arn})).decode()


@sqs.operation
def cancel_message_move_task(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """What has been moved stays moved."""
    if not request["TaskHandle"]:
        raise missing("TaskHandle")
    try:
        place = orjson.loads(base64.b64decode(request["TaskHandle"], validate=True))
        name, source_arn = str(place["taskId"]), str(place["sourceArn"])
    except (ValueError, KeyError, TypeError):
        raise errors.InvalidParameterValueException("Value for parameter TaskHandle is invalid.") from None
    _queue(call, source_arn, NO_SOURCE)
    tasks = call.resources(KIND)
    task = tasks.find(name, source_arn)
    if task is None:
        raise errors.ResourceNotFoundException("Task does not exist.")
    if task["Status"] != "RUNNING":
        raise errors.UnsupportedOperation("Only active tasks can be cancelled.")
    tasks.update(task, Status="CANCELLED")
    call.alarms.clear(move, f"{source_arn}/{name}")
    return {"ApproximateNumberOfMessagesMoved": task["Moved"]}


@sqs.operation
def list_message_move_tasks(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The latest ones of a queue, one unless more are asked for, ten at most."""
    source = _queue(call, request["SourceArn"], NO_SOURCE)
    most = int(quotas.MOVE_TASKS.value)
    limit = request.get("MaxResults", 1)
    if not 1 <= limit <= most:
        raise errors.InvalidParameterValueException(
            f"Value for parameter MaxResults is invalid. Reason: must be between 1 and {most}."
        )
    found = call.resources(KIND).list(parent=source.arn)[::-1][:limit]
    return {"Results": [_describe(source.arn, task) for task in found]}


def _describe(source_arn: str, task: Resource) -> dict[str, Any]:
    return {
        "TaskHandle": _handle(source_arn, task.name) if task["Status"] == "RUNNING" else None,
        "Status": task["Status"],
        "SourceArn": source_arn,
        "DestinationArn": task.get("Target"),
        "MaxNumberOfMessagesPerSecond": task.get("Rate"),
        "ApproximateNumberOfMessagesMoved": task["Moved"],
        "ApproximateNumberOfMessagesToMove": task["ToMove"],
        "FailureReason": task.get("Failure"),
        "StartedTimestamp": int(task.created * 1000),
    }


@sqs.alarm
def move(call: Call, key: str) -> None:
    """One step of a task: a second's worth of messages."""
    source_arn, _, name = key.rpartition("/")
    tasks = call.resources(KIND)
    task, source = tasks.find(name, source_arn), addresses.by_arn(call, source_arn)
    if task is None or task["Status"] != "RUNNING":
        return
    if source is None:
        tasks.update(task, Status="FAILED", Failure="AWS.SimpleQueueService.NonExistentQueue")
        return
    now = milliseconds(call)
    settling.settle(call, source, now)
    moved, failure = 0, ""
    limit = task.get("Rate") or FASTEST
    end = (source.id << store.COUNTER_BITS) + task["Until"]
    rows = [row for row in store.ready(call.db, source.id, limit) if row.position < end]
    for row in rows:
        target = addresses.by_arn(call, task.get("Target") or row.source or "")
        if target is None:
            # Messages that were sent here and not moved here have no source to go back to.
            failure = (
                "AWS.SimpleQueueService.NonExistentQueue"
                if task.get("Target") or row.source
                else "CouldNotDetermineMessageSource"
            )
            break
        _move(call, source, target, row, now)
        moved += 1
    changes: dict[str, Any] = {"Moved": task["Moved"] + moved}
    if failure:
        changes |= {"Status": "FAILED", "Failure": failure}
    elif len(rows) < limit:
        changes["Status"] = "COMPLETED"
    else:
        call.alarms.set(move, key, call.now + STEP_SECONDS)
    tasks.update(task, **changes)


def _move(call: Call, source: Queue, target: Queue, row: Row, now: int) -> None:
    call.undo(source.forget)
    call.undo(target.forget)
    position = target.place(call)
    visible = now + target.delay if target.delay else 0
    store.redrive(call.db, row, position, now, new_id(), visible)
    source.leaves(0, row.receives, row.grp)
    target.enters(visible, now)
    if source.is_fifo:
        fifo.renew_group(call, source, row.grp or "", now)
        fifo_store.open_group(call.db, target.id, row.grp or "", visible, position)
    settling.watch(call, target)
    call.notify(target.topic)
