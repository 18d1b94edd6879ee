"""Records of streams: a table's changes as its stream shows them, read shard by shard."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import md5
from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from .. import history, items, journal, metrics, quotas
from ..attribute_values import item_size
from ..journal import Change
from ..service import errors, stream_operation
from ..time_to_live import EXPIRED
from . import streams
from .iterators import Place, open_iterator, seal, trimmed
from .shards import Shard, text

KEYS_ONLY, NEW, OLD, BOTH = "KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"
PAGE_RECORDS = int(quotas.STREAM_PAGE_RECORDS.value)
PAGE_BYTES = int(quotas.STREAM_PAGE_BYTES.value)
MOST_SCANNED = int(quotas.STREAM_SCANNED.value)


@stream_operation
def get_records(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Up to 1,000 records or 1 MB from an iterator's place on; no further iterator at the end of a closed shard."""
    limit = request.get("Limit", PAGE_RECORDS)
    if limit > PAGE_RECORDS:
        raise errors.LimitExceededException(f"Limit must not be more than {PAGE_RECORDS}")
    place = open_iterator(call, request["ShardIterator"])
    stream = call.resources(streams.KIND).find(place.stream)
    if stream is None:
        table, _, label = place.stream.partition("/")
        raise streams.missing(call.arn(f"table/{table}/stream/{label}"))
    shard = streams.shards(call, stream).shard(place.generation, place.part)
    _check_untrimmed(call, stream, shard, place.after)
    end = shard.end - 1 if shard.end is not None else journal.last(call.db, stream["Owner"])
    records, after = _read(call, stream, shard, max(place.after, streams.horizon(call)), end, limit)
    metrics.streamed(call, stream.name, len(records), sum(record["dynamodb"]["SizeBytes"] for record in records))
    answer: dict[str, Any] = {"Records": records}
    if shard.end is None or after < end:
        answer["NextShardIterator"] = seal(call, Place(stream.name, shard.generation, shard.part, after))
    return answer


def _check_untrimmed(call: Call, stream: Resource, shard: Shard, after: int) -> None:
    """The journal keeps changes for an iterator's life longer than the stream shows them."""
    horizon = streams.horizon(call)
    if shard.end is not None:
        horizon = min(horizon, shard.end - 1)
    if after < horizon:
        cursor = journal.cursor(call.db, stream["Owner"], after, horizon, shard.hashes)
        found = next(cursor, None)
        cursor.close()
        if found is not None:
            raise trimmed()


def _read(
    call: Call, stream: Resource, shard: Shard, after: int, end: int, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """Records behind `after` up to and with `end`, and how far was read."""
    owner = stream["Owner"]
    if shard.hashes is not None:  # changes of other shards lie between
        end = min(end, journal.sequence_behind(call.db, owner, after, MOST_SCANNED) or end)
    records: list[dict[str, Any]] = []
    size = 0
    cursor = journal.cursor(call.db, owner, after, end, shard.hashes)
    for row in cursor:
        change = Change(*row)
        size += len(change.old or b"") + len(change.new or b"")
        if len(records) == limit or (records and size > PAGE_BYTES):
            cursor.close()
            return records, after
        records.append(_record(call, stream, change))
        after = change.sequence
    return records, max(after, end)


def _record(call: Call, stream: Resource, change: Change) -> dict[str, Any]:
    view = stream["View"]
    found = {
        "ApproximateCreationDateTime": int(history.moment(change.sequence)),
        **described(
            stream["KeySchema"], change, lambda body: items.shown(call, body), view in (NEW, BOTH), view in (OLD, BOTH)
        ),
        "SequenceNumber": text(change.sequence),
        "StreamViewType": view,
    }
    record = {
        "eventID": event_id(stream.arn, change),
        "eventName": event_name(change),
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": call.region,
        "dynamodb": found,
    }
    if change.origin == EXPIRED:
        record["userIdentity"] = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    return record


def described(
    schema: list[dict[str, str]], change: Change, shown: Callable[[bytes], Any], has_new: bool, has_old: bool
) -> dict[str, Any]:
    """Keys, images, and their size: the keys' and that of each image."""
    item = orjson.loads(change.new or change.old or b"")
    keys = {one["AttributeName"]: item[one["AttributeName"]] for one in schema}
    found: dict[str, Any] = {"Keys": keys}
    size = item_size(keys)
    if has_new and change.new is not None:
        found["NewImage"] = shown(change.new)
        size += change.new_size
    if has_old and change.old is not None:
        found["OldImage"] = shown(change.old)
        size += change.old_size
    found["SizeBytes"] = size
    return found


def event_name(change: Change) -> str:
    if change.old is None:
        return "INSERT"
    return "REMOVE" if change.new is None else "MODIFY"


def event_id(arn: str, change: Change) -> str:
    """The same each time the record is read."""
    return md5(f"{arn}/{change.sequence}".encode(), usedforsecurity=False).hexdigest()
