"""Streams of tables: opened and closed with a table's specification, listed, described, gone a day after their end.

A stream is a follower of its table's journal (history.py) and a document that outlives the table. The operations on
streams belong to DynamoDB's second endpoint (service.py).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.quotas import Quota, TokenBucket
from pocketlake.kernel.resources import Resource

from .. import history, policies, quotas, schemas
from ..capacity import partitions, warm_throughput
from ..schemas import ON_DEMAND
from ..service import Invalid, dynamodb, errors, refuse, stream_operation
from ..table_rules import BAD
from .shards import Shard, Shards, rounded, text

KIND = "stream"
ARN = re.compile(r"arn:aws[\w-]*:dynamodb:([\w-]+):(\d{12}):table/([a-zA-Z0-9_.-]+)/stream/([\d:.T-]+)")
RETENTION = quotas.STREAM_RETENTION.value
KEPT = RETENTION + quotas.STREAM_ITERATOR_LIFE.value  # an iterator can tell what was trimmed from what never was
PAGE = int(quotas.STREAMS_PAGE.value)


# With a table


def check_new(request: dict[str, Any]) -> None:
    """The StreamSpecification of CreateTable. Wording: recorded from AWS (ack-api-quirks, DynamoDB)."""
    asked = request.get("StreamSpecification")
    if asked is None:
        return
    if asked["StreamEnabled"] and "StreamViewType" not in asked:
        raise Invalid(f"{BAD}Table is being created with a stream enabled, UpdateViewType is required")
    if not asked["StreamEnabled"] and "StreamViewType" in asked:
        raise Invalid(f"{BAD}Table is being created with a stream disabled, UpdateViewType should not be specified")


def begin(call: Call, table: Resource, asked: dict[str, Any]) -> Resource:
    """The new table's stream, if it is to have one."""
    return _open(call, table, asked["StreamViewType"]) if asked.get("StreamEnabled") else table


def change(call: Call, table: Resource, asked: dict[str, Any]) -> Resource:
    """UpdateTable: a stream is opened or closed, never changed. Wording: recorded from AWS (ack-api-quirks)."""
    is_open = "StreamView" in table.body
    if asked["StreamEnabled"]:
        if "StreamViewType" not in asked:
            raise refuse(f"{BAD}If stream is being enabled then UpdateViewType is required")
        if is_open:
            raise refuse(f"Table already has an enabled stream: TableName: {table.name}")
        return _open(call, table, asked["StreamViewType"])
    if "StreamViewType" in asked:
        raise refuse(f"{BAD}If stream is being disabled, then UpdateViewType must not be specified")
    if not is_open:
        raise refuse(f"Table has no stream to disable: TableName: {table.name}")
    close(call, table)
    return schemas.save(call, table, StreamView=None)


def _open(call: Call, table: Resource, view: str) -> Resource:
    label = _label(call, table)
    since = history.follow(call, table, f"stream/{label}", keep=KEPT)
    body = {
        "TableName": table.name,
        "Owner": table["Number"],
        "KeySchema": table["KeySchema"],
        "View": view,
        "Since": since,
        "Partitions": [[0, _partitions(table)]],
    }
    call.resources(KIND).create(f"{table.name}/{label}", body, arn=f"{table.arn}/stream/{label}")
    current = call.resources("table").find(table.name)
    assert current is not None
    return schemas.save(call, current, StreamView=view, StreamLabel=label)


def _label(call: Call, table: Resource) -> str:
    """`2015-05-11T21:21:33.291`; no two streams of one table have the same."""
    moment = int(call.now * 1000)
    while True:
        label = datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
        if call.resources(KIND).find(f"{table.name}/{label}") is None:
            return label
        moment += 1


def close(call: Call, table: Resource) -> None:
    """No change after this one is in the stream; what is in it can be read for a day. The table may go."""
    if "StreamView" not in table.body:
        return
    stream = call.resources(KIND).find(f"{table.name}/{table['StreamLabel']}")
    assert stream is not None
    call.resources(KIND).update(stream, Until=history.next_sequence(call, table["Number"]))
    history.release(call, table["Number"], f"stream/{table['StreamLabel']}", until=call.now + KEPT)
    call.alarms.set(forget_stream, stream.name, call.now + RETENTION)


@dynamodb.alarm
def forget_stream(call: Call, name: str) -> None:
    stream = call.resources(KIND).find(name)
    if stream is not None:
        call.resources(KIND).delete(stream)
        policies.drop(call, stream.arn)


def grow(call: Call, table: Resource) -> None:
    """The table bears more: with more partitions the next shards are more; never fewer, as on AWS."""
    if "StreamView" not in table.body:
        return
    stream = call.resources(KIND).find(f"{table.name}/{table['StreamLabel']}")
    assert stream is not None
    count = _partitions(table)
    if count > stream["Partitions"][-1][1]:
        following = shards(call, stream).last + 1
        kept = [one for one in stream["Partitions"] if one[0] < following]
        call.resources(KIND).update(stream, Partitions=[*kept, [following, count]])


def _partitions(table: Resource) -> int:
    """As many as the table's warm throughput needs; one while an on-demand table has not asked for or borne more."""
    reads, writes = warm_throughput.units(table, None)
    if table["BillingMode"] == ON_DEMAND and (reads, writes) == tuple(warm_throughput.INITIAL.values()):
        return 1
    return min(rounded(partitions.needed(reads, writes, 0)), int(quotas.STREAM_SHARDS.value))


def described(table: Resource) -> dict[str, Any]:
    """What a table's description says of its streams: the latest one's name outlives it."""
    shown: dict[str, Any] = {}
    if "StreamView" in table.body:
        shown["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": table["StreamView"]}
    if "StreamLabel" in table.body:
        shown["LatestStreamLabel"] = table["StreamLabel"]
        shown["LatestStreamArn"] = f"{table.arn}/stream/{table['StreamLabel']}"
    return shown


# By themselves


def find(call: Call, arn: str) -> Resource:
    """ValidationException for what is no stream's ARN, ResourceNotFoundException for one that names none."""
    stream = call.resources(KIND).find(name_in(call, arn))
    if stream is None:
        raise missing(arn)
    return stream


def name_in(call: Call, arn: str) -> str:
    found = ARN.fullmatch(arn)
    if found is None:
        raise refuse("Invalid StreamArn")
    region, account, table, label = found.groups()
    return f"{table}/{label}" if (region, account) == (call.region, call.account) else ""


def missing(arn: str) -> ServiceError:
    error: ServiceError = errors.ResourceNotFoundException(f"Requested resource not found: Stream: {arn} not found")
    return error


def shards(call: Call, stream: Resource) -> Shards:
    mark = 0 if "Until" in stream.body else history.next_sequence(call, stream["Owner"])
    return Shards(stream.body, stream.arn, mark)


def horizon(call: Call) -> int:
    """Changes with sequence numbers up to this one are trimmed."""
    return history.sequence_at(call.now - RETENTION)


@stream_operation
def list_streams(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """By table and time, up to 100 at a time: of one table, or of all that are there or were until a day ago."""
    _admit(call, quotas.LIST_STREAMS)
    limit = _page(request)
    prefix = f"{request['TableName']}/" if "TableName" in request else ""
    after = name_in(call, request["ExclusiveStartStreamArn"]) if "ExclusiveStartStreamArn" in request else ""
    found = call.resources(KIND).list(prefix=prefix, after=after, limit=limit + 1)
    shown = [
        {"StreamArn": one.arn, "TableName": one["TableName"], "StreamLabel": one.name.rpartition("/")[2]}
        for one in found[:limit]
    ]
    return {"Streams": shown, "LastEvaluatedStreamArn": shown[-1]["StreamArn"] if len(found) > limit else None}


@stream_operation
def describe_stream(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The stream, and up to 100 of its shards by ID: all of them, or the children of one."""
    limit = _page(request)
    stream = find(call, request["StreamArn"])
    _admit(call, quotas.DESCRIBE_STREAM)
    visible = shards(call, stream).visible(horizon(call))
    after = request.get("ExclusiveStartShardId", "")
    found = [shard for shard in visible if shard.id > after and _is_asked(shard, request.get("ShardFilter", {}))]
    shown = [_describe_shard(shard) for shard in found[:limit]]
    description = {
        "StreamArn": stream.arn,
        "StreamLabel": stream.name.rpartition("/")[2],
        "StreamStatus": "DISABLED" if "Until" in stream.body else "ENABLED",
        "StreamViewType": stream["View"],
        "CreationRequestDateTime": stream.created,
        "TableName": stream["TableName"],
        "KeySchema": stream["KeySchema"],
        "Shards": shown,
        "LastEvaluatedShardId": shown[-1]["ShardId"] if len(found) > limit else None,
    }
    return {"StreamDescription": description}


def _is_asked(shard: Shard, filter: dict[str, str]) -> bool:
    return filter.get("Type") != "CHILD_SHARDS" or shard.parent == filter.get("ShardId")


def _describe_shard(shard: Shard) -> dict[str, Any]:
    sequences = {"StartingSequenceNumber": text(shard.start)}
    if shard.end is not None:
        sequences["EndingSequenceNumber"] = text(shard.end - 1)
    return {"ShardId": shard.id, "SequenceNumberRange": sequences, "ParentShardId": shard.parent}


def _page(request: dict[str, Any]) -> int:
    limit: int = request.get("Limit", PAGE)
    if limit > PAGE:
        raise refuse(
            f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: "
            f"Member must have value less than or equal to {PAGE}"
        )
    return limit


def _admit(call: Call, rate: Quota) -> None:
    """So many a second for an account in a region."""
    if not call.limits_on:
        return
    key = ("rate", rate.name, call.account, call.region)
    bucket: TokenBucket | None = call.memory.get(key)
    if bucket is None:
        bucket = call.memory[key] = TokenBucket(rate.value, now=call.now)
    if not bucket.take(1, call.now):
        raise errors.ThrottlingException("Rate of requests exceeds the allowed throughput.")
