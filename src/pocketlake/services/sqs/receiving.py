"""ReceiveMessage: what is ready now, or after a wait."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import orjson

from pocketlake.kernel.call import Call

from . import (
    addresses,
    dead_letters,
    disorder,
    fairness,
    fifo,
    fifo_store,
    message_attributes,
    polling,
    quotas,
    receipts,
    settling,
    store,
)
from .attributes import unknown
from .live import Queue, milliseconds
from .messages import id_text
from .service import errors, invalid, sqs
from .store import Row

MOST = int(quotas.RECEIVE.value)
LONGEST_WAIT = int(quotas.WAIT.value)
LONGEST_VISIBILITY = int(quotas.VISIBILITY.value)
ATTEMPT_MILLISECONDS = int(quotas.ATTEMPT.value) * 1000
SYSTEM = frozenset(
    {
        "All", "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp",
        "SequenceNumber", "MessageDeduplicationId", "MessageGroupId", "AWSTraceHeader", "DeadLetterQueueSourceArn",
    }
)  # fmt: skip


@sqs.operation
async def receive_message(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Up to ten messages, hidden from now on; waits up to 20 seconds for the first one.  [SQS-016, SQS-029, SQS-031]"""
    queue = addresses.find(call, request)
    queue.admit(call)
    limit = request.get("MaxNumberOfMessages", 1)
    if not 1 <= limit <= MOST:
        raise invalid(limit, "MaxNumberOfMessages", f"Must be between 1 and {MOST}, if provided.")
    wait = request.get("WaitTimeSeconds", queue.wait)
    if not 0 <= wait <= LONGEST_WAIT:
        raise invalid(wait, "WaitTimeSeconds", f"Must be >= 0 and <= {LONGEST_WAIT}, if provided.")
    visibility = request.get("VisibilityTimeout")
    if visibility is not None and not 0 <= visibility <= LONGEST_VISIBILITY:
        raise invalid(visibility, "VisibilityTimeout", f"Must be between 0 and {LONGEST_VISIBILITY}, if provided.")
    names = {*request.get("AttributeNames", ()), *request.get("MessageSystemAttributeNames", ())}
    for name in names - SYSTEM:
        raise unknown(name)
    rows = _attempt(call, queue, request, limit, wait)
    if not rows and wait:
        rows, queue = await _wait(call, queue, request, limit, wait)
    if not rows:
        queue.meter.add("NumberOfEmptyReceives", 1, call.now)
        return {}
    queue.meter.add("NumberOfMessagesReceived", len(rows), call.now)
    wanted = request.get("MessageAttributeNames", [])
    return {"Messages": [_message(call, queue, row, names, wanted) for row in rows]}


async def _wait(call: Call, queue: Queue, request: dict[str, Any], limit: int, wait: int) -> tuple[list[Row], Queue]:
    """Try again whenever there may be something, until the time is over. QueueDoesNotExist when the queue goes."""
    line = polling.line(call, queue)
    async with line.place(call, wait) as place:
        while await place.turn(queue.soonest):
            if call.request is not None and call.request.is_abandoned:
                place.pass_on()
                break
            queue = addresses.find(call, request)
            rows = _attempt(call, queue, request, limit, wait)
            if rows:
                if queue.ready:
                    place.pass_on()
                return rows, queue
    return [], queue


def _attempt(call: Call, queue: Queue, request: dict[str, Any], limit: int, wait: int) -> list[Row]:
    """Take what is ready, all of it or, on an error, nothing."""
    with call.transaction():
        now = milliseconds(call)
        settling.settle(call, queue, now)
        if queue.is_fifo and "ReceiveRequestAttemptId" in request:
            again = _again(call, queue, request, now)
            if again:
                return again
        if not queue.ready:
            return []
        most = quotas.FIFO_IN_FLIGHT.value if queue.is_fifo else quotas.IN_FLIGHT.value
        if call.limits_on and queue.in_flight + limit > most:
            limit = int(most) - queue.in_flight
            if limit <= 0:
                return _full(queue, wait)
        visibility = request["VisibilityTimeout"] * 1000 if "VisibilityTimeout" in request else queue.visibility
        visible = now + visibility if visibility else 0
        call.undo(queue.forget)
        take = _take_groups if queue.is_fifo else _take
        rows = take(call, queue, limit, visible, now)
        if rows and queue.is_fifo and "ReceiveRequestAttemptId" in request:
            taken = orjson.dumps([(row.position, row.receives + 1) for row in rows])
            until = now + ATTEMPT_MILLISECONDS
            fifo_store.remember_attempt(call.db, queue.id, request["ReceiveRequestAttemptId"], until, taken)
        return rows


def _full(queue: Queue, wait: int) -> list[Row]:
    """Too many messages are in flight. Only a short poll of a standard queue hears of it.  [SQS-008]"""
    if queue.is_fifo or wait:
        return []
    raise errors.OverLimit("The maximum number of in flight messages is reached.")


def _take(call: Call, queue: Queue, limit: int, visible: int, now: int) -> list[Row]:
    """The first ready messages of a standard queue, those of noisy tenants last; dead letters go their way."""
    is_disorderly = bool(call.lake.faults.behaviours)
    rows = disorder.choose(call, queue, limit) if is_disorderly else fairness.choose(call, queue, limit)
    if queue.max_receives and any(row.receives >= queue.max_receives for row in rows):
        target = dead_letters.target_of(call, queue)
        if target is not None:
            for row in rows:
                if row.receives >= queue.max_receives:
                    dead_letters.bury(call, queue, target, row, now)
            return _take(call, queue, limit, visible, now) if queue.ready else []
    if is_disorderly:
        twice = [row for row in rows if not row.receives and disorder.is_doubled(call, queue, row.message)]
        _hide(call, queue, twice, 0, now)
        _hide(call, queue, [row for row in rows if row not in twice], visible, now)
        return [row if row.first else row._replace(first=now) for row in rows]
    return _hide(call, queue, rows, visible, now)


def _take_groups(call: Call, queue: Queue, limit: int, visible: int, now: int) -> list[Row]:
    """Messages of one group after the other, in order; what is in flight holds its group back.  [SQS-015, SQS-509]"""
    taken: list[Row] = []
    target = dead_letters.target_of(call, queue) if queue.max_receives else None
    for name in _groups(call, queue, limit):
        rows = _first_of_group(call, queue, name, limit - len(taken), target, now)
        if rows:
            taken += _hide(call, queue, rows, visible, now)
            if visible:
                fifo_store.set_group(call.db, queue.id, name, visible, rows[0].position)
        if len(taken) == limit:
            break
    return taken


def _groups(call: Call, queue: Queue, most: int) -> Iterator[str]:
    """Ready groups in turn, so many read at once; those behind groups of nothing but dead letters follow."""
    seen: set[str] = set()  # a group comes again when dead letters were at its head
    groups = [("", 0)]
    while groups:
        groups = fifo_store.ready_groups(call.db, queue.id, groups[-1][1], most)
        for name, _ in groups:
            if name not in seen:
                seen.add(name)
                yield name


def _first_of_group(call: Call, queue: Queue, name: str, limit: int, target: Queue | None, now: int) -> list[Row]:
    """Its first messages, after dead letters have gone their way."""
    rows = fifo_store.ready_of_group(call.db, queue.id, name, limit)
    if target is None:
        return rows
    while rows and rows[0].receives >= queue.max_receives:
        dead_letters.bury(call, queue, target, rows[0], now)
        rows = fifo_store.ready_of_group(call.db, queue.id, name, limit)
    return _before_dead(rows, queue.max_receives)


def _before_dead(rows: list[Row], max_receives: int) -> list[Row]:
    """A dead letter in the midst of a group waits until those before it are gone."""
    for index, row in enumerate(rows):
        if row.receives >= max_receives:
            return rows[:index]
    return rows


def _hide(call: Call, queue: Queue, rows: list[Row], visible: int, now: int) -> list[Row]:
    store.take(call.db, rows, visible, now)
    if visible:
        queue.ready -= len(rows)
        queue.in_flight += len(rows)
        if visible < queue.soonest:
            queue.soonest = visible
            call.notify(queue.topic)  # who waits must look again then
        for row in rows:
            queue.tenant_begins(row.grp)
    return [row if row.first else row._replace(first=now) for row in rows]


def _again(call: Call, queue: Queue, request: dict[str, Any], now: int) -> list[Row]:
    """The messages of an earlier attempt of the same ID, while all of them are still in flight from it."""
    kept = fifo_store.attempt(call.db, queue.id, request["ReceiveRequestAttemptId"], now)
    if kept is None:
        return []
    receives = dict(orjson.loads(kept))
    rows = [row for row in store.at(call.db, list(receives)) if row.receives == receives[row.position]]
    if len(rows) != len(receives) or any((store.find(call.db, row.position) or (0,))[0] <= now for row in rows):
        return []
    visibility = request["VisibilityTimeout"] * 1000 if "VisibilityTimeout" in request else queue.visibility
    call.undo(queue.forget)
    for row in rows:
        store.hide(call.db, row.position, max(now + visibility, now + 1))
    for grp in {row.grp for row in rows}:
        fifo.renew_group(call, queue, grp or "", now)
    queue.soonest = min(queue.soonest, now + visibility)
    return [row._replace(receives=row.receives - 1) for row in rows]


def _message(call: Call, queue: Queue, row: Row, names: set[str], wanted: list[str]) -> dict[str, Any]:
    """As ReceiveMessage shows it; `row` is from before the receive."""
    body = row.body if row.body is not None else store.large_body(call.db, row.large or 0)
    message: dict[str, Any] = {
        "MessageId": id_text(row.message),
        "ReceiptHandle": receipts.make(queue, row.position, row.receives + 1),
        "MD5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
        "Body": body,
    }
    attributes, system = message_attributes.load(row.attributes) if row.attributes is not None else ({}, {})
    if names:
        shown = _system_attributes(queue, row, system)
        message["Attributes"] = shown if "All" in names else {n: v for n, v in shown.items() if n in names}
        if not message["Attributes"]:
            del message["Attributes"]
    if attributes and wanted and (chosen := message_attributes.wanted(attributes, wanted)):
        message["MD5OfMessageAttributes"] = message_attributes.digest(chosen)
        message["MessageAttributes"] = chosen
    return message


def _system_attributes(queue: Queue, row: Row, system: dict[str, Any]) -> dict[str, str]:
    """[SQS-004]"""
    found = {
        "SenderId": row.sender,
        "ApproximateFirstReceiveTimestamp": str(row.first),
        "ApproximateReceiveCount": str(row.receives + 1),
        "SentTimestamp": str(row.sent),
    }
    if queue.is_fifo:
        found["SequenceNumber"] = fifo.sequence_number(row.position)
        found["MessageDeduplicationId"] = row.dedup or ""
    if row.grp is not None:
        found["MessageGroupId"] = row.grp
    if row.source is not None:
        found["DeadLetterQueueSourceArn"] = row.source
    return found | {name: value["StringValue"] for name, value in system.items()}
