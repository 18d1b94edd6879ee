"""Records: put into shards, and read from them."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.kernel.resources import Resource

from . import addresses, batches, iterators, quotas, ranges, retention, sequences, shards, store, topics
from .service import errors, kinesis
from .shards import Layout, Tail

COUNTER_STEP = sequences.COUNTER_STEP
REQUEST_BYTES = int(quotas.REQUEST_BYTES.value)
PAGE_BYTES = int(quotas.READ_PAGE_BYTES.value)
PAGE_RECORDS = int(quotas.READ_PAGE_RECORDS.value)
THROTTLED = "ProvisionedThroughputExceededException"


def append(call: Call, tail: Tail, pieces: list[bytes], now: float) -> int:
    """Write records (key, data, key, data...) at the shard's end; the first one's sequence number.

    The numbers follow one another by COUNTER_STEP. Arrival never falls, even if the clock is set back.
    """
    first, arrived = tail.next, tail.arrival
    arrival = max(int(now * 1000), arrived)
    lengths = list(map(len, pieces))
    count = len(pieces) // 2
    store.append(call.db, tail.shard.start + first, count, arrival, sum(lengths), batches.pack(lengths, pieces))
    tail.next, tail.arrival = first + count, arrival
    call.undo(lambda: _restore(tail, first, arrived))
    return sequences.number(tail.shard.epoch, tail.shard.number, first, arrival // 1000)


def _restore(tail: Tail, following: int, arrival: int) -> None:
    tail.next, tail.arrival = following, arrival


@kinesis.operation
def put_record(call: Call, request: dict[str, Any]) -> dict[str, Any] | Awaitable[dict[str, Any]]:
    """One record, into the shard that its key decides.  [KDS-004, KDS-010, KDS-531]"""
    if request.get("DryRun"):
        raise NotImplemented501("DryRun")
    stream = addresses.find(call, request)
    if "PartitionKey" not in request:
        raise _without_key("partitionKey")
    key, data = request["PartitionKey"].encode(), request["Data"]
    if len(key) + len(data) > stream["MaxRecordSizeInKiB"] * 1024:
        raise _too_large("data", stream)
    if "SequenceNumberForOrdering" in request:
        _check_ordering(call, stream, request["SequenceNumberForOrdering"])
    layout = shards.layout(call, stream)
    call.subject = layout.measures
    tail = _route(layout, [request], [key])[0]
    now, size = call.now, len(key) + len(data)
    if call.limits_on and not tail.writes.take(size, now):
        layout.measures.put_refused(tail, now)
        raise errors.ProvisionedThroughputExceededException(shards.rate_exceeded(call, stream.name, tail))
    layout.measures.put(tail, size, now)
    if call.lake.streams is not None and (topic := topics.of(call, stream)) is not None:
        return topics.put_record(call, topic, tail, [key, data])
    sequence = append(call, tail, [key, data], now)
    _appended(call, stream, tail)
    return {"ShardId": tail.id, "SequenceNumber": str(sequence)}


@kinesis.operation
def put_records(call: Call, request: dict[str, Any]) -> dict[str, Any] | Awaitable[dict[str, Any]]:
    """Up to 500 records and 10 MiB; each succeeds or fails alone.  [KDS-004, KDS-023, KDS-532]"""
    if request.get("DryRun"):
        raise NotImplemented501("DryRun")
    stream = addresses.find(call, request)
    records = request["Records"]
    try:
        keys = [record["PartitionKey"].encode() for record in records]
    except KeyError:
        at = next(index for index, record in enumerate(records) if "PartitionKey" not in record)
        raise _without_key(f"records.{at + 1}.member.partitionKey") from None
    sizes = _check_sizes(stream, records, keys)
    now, limits_on = call.now, call.limits_on
    layout = shards.layout(call, stream)
    call.subject = layout.measures
    results: list[dict[str, Any]] = [{}] * len(records)
    filling: dict[Tail, list[int]] = {}
    for index, tail in enumerate(_route(layout, records, keys)):
        if limits_on and not tail.writes.take(sizes[index], now):
            layout.measures.put_refused(tail, now, batch=True)
            message = shards.rate_exceeded(call, stream.name, tail)
            results[index] = {"ErrorCode": THROTTLED, "ErrorMessage": message}
        elif tail in filling:
            filling[tail].append(index)
        else:
            filling[tail] = [index]
    layout.measures.put_batch(filling, sizes, now)
    if call.lake.streams is not None and (topic := topics.of(call, stream)) is not None:
        return topics.put_records(call, topic, filling, partial(_pieces, records, keys), results)
    for tail, indexes in filling.items():
        sequence = append(call, tail, [piece for at in indexes for piece in (keys[at], records[at]["Data"])], now)
        shard_id = tail.id
        for index in indexes:
            results[index] = {"SequenceNumber": str(sequence), "ShardId": shard_id}
            sequence += COUNTER_STEP
    if filling:
        _appended(call, stream, next(iter(filling)))
    return {"FailedRecordCount": len(records) - sum(map(len, filling.values())), "Records": results}


def _pieces(records: list[dict[str, Any]], keys: list[bytes], indexes: list[int]) -> list[bytes]:
    """Key, data, key, data... of some of the records."""
    return [piece for at in indexes for piece in (keys[at], records[at]["Data"])]


def _route(layout: Layout, records: list[dict[str, Any]], keys: list[bytes]) -> list[Tail]:
    """The open shard of each record: by ExplicitHashKey, otherwise by the MD5 of its key.  [KDS-010, KDS-512]"""
    explicit = [index for index, record in enumerate(records) if "ExplicitHashKey" in record]
    if len(layout.open) == 1 and not explicit:
        return layout.open * len(records)
    places = ranges.hash_keys(keys)
    for index in explicit:
        places[index] = _explicit(records[index]["ExplicitHashKey"])
    return layout.holding(places)


def _explicit(text: str) -> bytes:
    value = int(text) if len(text) <= ranges.DIGITS else ranges.SPACE  # the gateway matches no pattern on 64 KiB
    if value >= ranges.SPACE:
        raise errors.InvalidArgumentException(
            f"Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {text}"
        )
    return ranges.place(value)


def _check_sizes(stream: Resource, records: list[dict[str, Any]], keys: list[bytes]) -> list[int]:
    """Each record's size. One may be as large as the stream allows, all of them 10 MiB; keys count.  [KDS-511]"""
    sizes = [len(key) + len(record["Data"]) for key, record in zip(keys, records, strict=True)]
    if sum(sizes) > REQUEST_BYTES:
        raise errors.InvalidArgumentException(f"Records size exceeds {REQUEST_BYTES // quotas.MIB} MB limit")
    largest = stream["MaxRecordSizeInKiB"] * 1024
    if max(sizes) > largest:
        at = next(index for index, size in enumerate(sizes) if size > largest)
        raise _too_large(f"records.{at + 1}.member.data", stream)
    return sizes


def _too_large(member: str, stream: Resource) -> Any:
    return errors.ValidationException(
        f"1 validation error detected: Value at '{member}' failed to satisfy constraint: "
        f"Member must have length less than or equal to {stream['MaxRecordSizeInKiB'] * 1024}"
    )


def _without_key(member: str) -> Any:
    """The model leaves the key out for streams of the AUTO strategy; there are none yet, so it must be there."""
    return errors.ValidationException(
        f"1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
    )


def _check_ordering(call: Call, stream: Resource, text: str) -> None:
    """SequenceNumberForOrdering: one that the stream can have given out. All numbers rise in order here anyway."""
    try:
        sequence = sequences.parse(text)
        # Arrivals stay where they are when the clock is set back, hence the shard's own last one counts as well.
        tail = shards.layout(call, stream).tails.get(sequence.shard)
        latest = max(call.now, tail.arrival / 1000 if tail else 0)
        if sequence.seconds > latest:
            raise ValueError("from the future")
    except ValueError:
        raise errors.InvalidArgumentException(
            f"ExclusiveMinimumSequenceNumber {text} used in PutRecord on stream {stream.name} "
            f"under account {call.account} is invalid."
        ) from None


def _appended(call: Call, stream: Resource, tail: Tail) -> None:
    """Once a call: who waits for records wakes, and the records' end is foreseen."""
    retention.watch(call, stream, tail.arrival)
    call.notify(f"kinesis.records:{stream.arn}")


@kinesis.operation
def get_records(call: Call, request: dict[str, Any]) -> dict[str, Any] | Awaitable[dict[str, Any]]:
    """Up to 10,000 records and 10 MiB from an iterator's place on.  [KDS-005, KDS-515, KDS-546, KDS-548, KDS-549]"""
    if request.get("DryRun"):
        raise NotImplemented501("DryRun")
    place = iterators.open_iterator(call, request["ShardIterator"])
    stream = addresses.find(call, {"StreamName": place.stream, "StreamARN": request.get("StreamARN")})
    layout = shards.layout(call, stream)
    call.subject = layout.measures
    tail = layout.tails.get(place.number)
    if tail is None or tail.shard.id != place.shard_id:
        raise shards.missing(call, stream.name, place.number)
    now = call.now
    if call.limits_on and not tail.reads.admit(now):
        layout.measures.get_refused(tail, now)
        raise errors.ProvisionedThroughputExceededException(shards.rate_exceeded(call, stream.name, tail))
    limit = min(request.get("Limit", PAGE_RECORDS), PAGE_RECORDS)
    horizon, answer = retention.horizon(stream, now), partial(_page, call, layout, tail, place)
    if call.lake.streams is not None and (topic := topics.of(call, stream)) is not None:
        behind = shards.rate_exceeded(call, stream.name, tail)
        wanted = topics.Wanted(place.counter, horizon, limit, PAGE_BYTES)
        return topics.get_records(call, topic, tail, wanted, behind, answer)
    return answer(read(call, tail, place.counter, horizon, limit))


def _page(
    call: Call, layout: Layout, tail: Tail, place: iterators.Place, found: tuple[list[dict[str, Any]], int, int]
) -> dict[str, Any]:
    """The answer with these records, the counter that follows them and their bytes."""
    records, following, size = found
    now = call.now
    if call.limits_on:
        tail.reads.charge(size, now)
    layout.measures.got(tail, records, size, now)
    behind = 0
    if records and following < tail.next:
        behind = max(0, int(now * 1000) - round(records[-1]["ApproximateArrivalTimestamp"] * 1000))
    answer: dict[str, Any] = {"Records": records, "MillisBehindLatest": behind}
    if tail.is_at_end(following):
        answer["ChildShards"] = [child(shard) for shard in layout.children(place.number)]
    else:
        answer["NextShardIterator"] = iterators.seal(call, place._replace(counter=following))
    return answer


def child(shard: store.Shard) -> dict[str, Any]:
    parents = [number for number in (shard.parent, shard.adjacent_parent) if number is not None]
    return {
        "ShardId": sequences.shard_id(shard.number),
        "ParentShards": [sequences.shard_id(number) for number in parents],
        "HashKeyRange": {"StartingHashKey": str(shard.first_hash), "EndingHashKey": str(shard.last_hash)},
    }


def read(
    call: Call, tail: Tail, counter: int, horizon: int, limit: int, page_bytes: int = PAGE_BYTES
) -> tuple[list[dict[str, Any]], int, int]:
    """Records from `counter` on that arrived after `horizon`, the counter that follows them, and their bytes."""
    start, end = tail.shard.start, tail.shard.start + tail.next
    position = min(start + counter, end)
    before = store.last_before(call.db, start, position + 1)
    low = before[0] if before is not None and before[0] + before[1] > position else position
    first = store.first_from(call.db, low, end)
    if first is None:
        position = end  # nothing is left: a closed shard ends here
    elif first[2] <= horizon:
        low = position = store.first_arrived_after(call.db, low, end, horizon)
    records: list[dict[str, Any]] = []
    size = 0
    cursor = store.batches(call.db, low, end)
    for batch_position, count, arrival, batch_size, payload in cursor:
        skip = max(0, position - batch_position)
        position = batch_position + skip
        taken = whole = count - skip
        if skip or len(records) + count > limit or size + batch_size > page_bytes:
            lengths = batches.sizes(payload, count, skip)
            taken = _fitting(lengths, limit - len(records), page_bytes - size, bool(records))
            batch_size = sum(lengths[:taken])
        sequence = sequences.number(tail.shard.epoch, tail.shard.number, position - start, arrival // 1000)
        moment = arrival / 1000
        for key, data in batches.unpack(payload, count, skip, taken):
            records.append(
                {
                    "SequenceNumber": str(sequence),
                    "ApproximateArrivalTimestamp": moment,
                    "Data": data,
                    "PartitionKey": key.decode(),
                }
            )
            sequence += COUNTER_STEP
        position += taken
        size += batch_size
        if taken < whole:
            cursor.close()
            break
    return records, position - start, size


def _fitting(sizes: list[int], records: int, size: int, begun: bool) -> int:
    """How many of the next records go into a page with so much room; the page's first goes in whatever its size."""
    most = min(len(sizes), records)
    if sum(sizes[:most]) <= size:
        return most
    taken = 0
    while taken < most and (sizes[taken] <= size or not (begun or taken)):
        size -= sizes[taken]
        taken += 1
    return taken
