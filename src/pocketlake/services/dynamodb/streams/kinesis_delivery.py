"""Delivery of a table's changes to its Kinesis data stream: a follower of the journal (history.py) that puts records.

What is delivered and how far the follower has come is one transaction where the stream's records lie in the lake's own
store, and a request that the stream takes in part is taken back: each change arrives once, in its order. Where they lie
elsewhere such a request is repeated from what it refused on, so some arrive again, as on AWS.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator
from hashlib import md5
from typing import Any
from uuid import UUID

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.resources import Resource

from .. import history, journal, quotas, schemas
from ..journal import Change
from ..service import dynamodb
from ..time_to_live import EXPIRED
from .records import described, event_id, event_name

log = logging.getLogger("pocketlake.dynamodb")

ACTIVE, DISABLING, DISABLED = "ACTIVE", "DISABLING", "DISABLED"
AT_WORK = (ACTIVE, DISABLING)
AT_ONCE = int(quotas.DESTINATION_RECORDS.value)
REQUEST_BYTES = int(quotas.DESTINATION_BYTES.value)
BATCH_BYTES = int(quotas.DESTINATION_BATCH_BYTES.value)
RETRY = quotas.DESTINATION_RETRY.value
GONE_RETRY = quotas.DESTINATION_GONE_RETRY.value
PRECISION, MILLISECOND = "ApproximateCreationDateTimePrecision", "MILLISECOND"
Batch = list[tuple[int, dict[str, Any]]]  # sequence numbers of changes, and records
SERVICE = {"principalId": "dynamodb.amazonaws.com", "type": "Service"}


def follower(arn: str) -> str:
    """Its name in the table's journal."""
    return f"kinesis/{arn}"


def live(table: Resource) -> dict[str, Any] | None:
    """The destination at work."""
    return next((one for one in table.get("Destinations", []) if one["Status"] in AT_WORK), None)


def save(call: Call, table: Resource, destination: dict[str, Any]) -> Resource:
    """In the place of what was known of this stream, or before all others."""
    known = table.get("Destinations", [])
    arn = destination["StreamArn"]
    if any(one["StreamArn"] == arn for one in known):
        changed = [destination if one["StreamArn"] == arn else one for one in known]
    else:
        changed = [destination, *known]
    return schemas.save(call, table, Destinations=changed)


def begin(call: Call, table: Resource) -> None:
    call.watches.add(history.topic(table["Number"]), deliver_changes, table.name)


def end(call: Call, table: Resource) -> None:
    """Nothing more is delivered: the destination is disabled, or the table deleted."""
    destination = live(table)
    if destination is not None:
        history.release(call, table["Number"], follower(destination["StreamArn"]))
        call.watches.remove(history.topic(table["Number"]), deliver_changes, table.name)
        call.alarms.clear(deliver_changes, table.name)


@dynamodb.alarm
async def deliver_changes(call: Call, name: str) -> None:
    """Up to so many changes; what remains comes next, at once or when the stream lets it in.

    A stream that refused something gets one record a request until it takes all: what is refused costs nothing then.
    """
    table = call.resources("table").find(name)
    destination = live(table) if table is not None else None
    if table is None or destination is None:
        return
    changes = _waiting(call, table, destination)
    careful = ("careful", table["Number"])
    most = 1 if careful in call.memory else AT_ONCE
    refusal = ""
    for batch in batches(call.region, table, destination, changes, most):
        refusal = await _put(call, table, destination, batch)
        if refusal:
            call.memory[careful] = True
            break
    else:
        call.memory.pop(careful, None)
    is_gone = refusal == "ResourceNotFoundException"
    with call.transaction():
        if destination["Status"] == DISABLING and (is_gone or not changes):
            _finish(call, name, destination)
        elif refusal:
            call.alarms.set(deliver_changes, name, call.now + (GONE_RETRY if is_gone else RETRY))
        elif changes:
            call.alarms.set(deliver_changes, name, call.now)


def _waiting(call: Call, table: Resource, destination: dict[str, Any]) -> list[Change]:
    """The next changes to deliver, of some bytes together."""
    owner = table["Number"]
    since = history.followers(call, owner)[follower(destination["StreamArn"])][0]
    cursor = journal.cursor(call.db, owner, since, destination.get("Until", history.END))
    found: list[Change] = []
    size = 0
    for row in cursor:
        found.append(change := Change(*row))
        size += change.old_size + change.new_size
        if len(found) >= AT_ONCE or size >= REQUEST_BYTES:
            break
    cursor.close()
    return found


def batches(
    region: str, table: Resource, destination: dict[str, Any], changes: list[Change], most: int
) -> Iterator[Batch]:
    """Requests, in order: up to `most` records and what a shard takes in a second; what is larger goes alone."""
    batch: Batch = []
    size = 0
    for change in changes:
        data = orjson.dumps(record(region, table, destination, change))
        size += len(data)
        if batch and (len(batch) == most or size > BATCH_BYTES):
            yield batch
            batch, size = [], len(data)
        key = md5(change.hash, usedforsecurity=False).hexdigest().upper()
        batch.append((change.sequence, {"Data": data, "PartitionKey": key}))
    if batch:
        yield batch


def record(region: str, table: Resource, destination: dict[str, Any], change: Change) -> dict[str, Any]:
    """As Kinesis data streams for DynamoDB writes it. Source: developer guide; localstack issue 4351, from AWS."""
    precision = destination.get(PRECISION, MILLISECOND)
    moment = change.sequence >> history.COUNTER_BITS
    if precision != MILLISECOND:
        moment = moment * 1000 + min(change.sequence & ((1 << history.COUNTER_BITS) - 1), 999)
    return {
        "awsRegion": region,
        "eventID": str(UUID(event_id(destination["StreamArn"], change))),
        "eventName": event_name(change),
        "userIdentity": SERVICE if change.origin == EXPIRED else None,
        "recordFormat": "application/json",
        "tableName": table.name,
        "dynamodb": {
            "ApproximateCreationDateTime": moment,
            **described(table["KeySchema"], change, orjson.Fragment, has_new=True, has_old=True),
            PRECISION: precision,
        },
        "eventSource": "aws:dynamodb",
    }


async def _put(call: Call, table: Resource, destination: dict[str, Any], batch: Batch) -> str:
    """Put the records, and note how far the table's changes are delivered; why not further, "" when all are.

    A stream that takes some of a request gets none of it, where that can be taken back.
    """
    stream = destination["StreamArn"].rpartition("/")[2]
    try:
        with call.transaction():
            answer = call.aws.kinesis.put_records(StreamName=stream, Records=[record for _, record in batch])
            if not inspect.isawaitable(answer):
                if refusal := _refusal(answer["Records"]):
                    raise ServiceError(refusal)
                _advance(call, table, destination, batch[-1][0])
                return ""
        results = (await answer)["Records"]
    except ServiceError as error:
        if error.code != "ValidationException" or len(batch) > 1:
            return error.code
        log.warning("a change of %s is too large for the stream %s: %s", table.name, stream, error.message)
        results = [{}]
    taken = next((at for at, result in enumerate(results) if "ErrorCode" in result), len(batch))
    if taken:
        with call.transaction():
            _advance(call, table, destination, batch[taken - 1][0])
    return _refusal(results)


def _refusal(results: list[dict[str, Any]]) -> str:
    return next((result["ErrorCode"] for result in results if "ErrorCode" in result), "")


def _advance(call: Call, table: Resource, destination: dict[str, Any], sequence: int) -> None:
    name = follower(destination["StreamArn"])
    if name in history.followers(call, table["Number"]):  # else it ended while the stream was waited for
        history.advance(call, table["Number"], name, sequence)


def _finish(call: Call, name: str, destination: dict[str, Any]) -> None:
    """All that was there when it was disabled is delivered, or can't be."""
    table = call.resources("table").find(name)
    if table is not None and live(table) == destination:
        end(call, table)
        save(call, table, {"StreamArn": destination["StreamArn"], "Status": DISABLED})
