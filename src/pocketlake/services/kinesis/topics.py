"""Streams whose records lie on an engine beyond this machine: a topic each, shard n on partition n.

Streams, shards, consumers and limits stay in the lake's store, and every rule about them is the one of other streams;
only where records are written and read is it decided here. A record's counter is its offset and one. What a reshard
adds is a partition; a closed shard's partition gets no more records from us.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pocketlake.engines.streams import StreamsUnavailable, TopicExists
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.resources import Resource

from . import sequences
from .service import errors, kinesis

if TYPE_CHECKING:
    from pocketlake.engines.streams.kafka import Topic

    from .shards import Tail

log = logging.getLogger("pocketlake.kinesis")

Result = TypeVar("Result")
Page = tuple[list[dict[str, Any]], int, int]  # records, the counter that follows them, bytes


class Wanted(NamedTuple):
    counter: int
    horizon: int  # milliseconds: records that arrived then or before are hidden
    limit: int  # records
    page_bytes: int


FAILED = {"ErrorCode": "InternalFailure", "ErrorMessage": "Internal service failure."}
DROP_RETRY_SECONDS = 60.0
FETCHED = 256  # pages that services asked for and have not taken yet
LEAVING = "leaving-topic"  # kind of the documents that name topics yet to be deleted


def of(call: Call, stream: Resource) -> Topic | None:
    """The stream's topic; None when its records lie in the lake's own store."""
    engine, name = call.lake.streams, stream.get("Topic")
    return None if engine is None or name is None else engine.topics[name]


def name_of(call: Call, stream: str) -> str:
    """`pocketlake.000000000000.us-east-1.flights`: all letters that a stream's name may have, a topic's may."""
    return f"{call.lake.streams.prefix}.{call.account}.{call.region}.{stream}"


async def answered(waiting: Awaitable[Result]) -> Result:
    try:
        return await waiting
    except StreamsUnavailable as error:
        raise ServiceError("ServiceUnavailable", str(error), status=503) from None


# Made and deleted


async def create(call: Call, name: str, count: int, hours: int, open_stream: Callable[[str], dict[str, Any]]) -> Any:
    """Make the topic, then the stream with `open_stream(topic)`. A crash between leaves an empty topic to take over."""
    engine, topic = call.lake.streams, name_of(call, name)
    async with engine.lock(topic):
        if call.resources(LEAVING).find(name) is not None:
            await _delete(call, name)
        try:
            await answered(engine.create(topic, call.arn(f"stream/{name}"), count, hours))
        except TopicExists:
            raise errors.ResourceInUseException(
                f"The topic {topic} of stream {name} under account {call.account} already exists, with records in it."
            ) from None
        with call.transaction():
            return open_stream(topic)


def leave(call: Call, stream: Resource) -> None:
    """The stream is deleted: its topic goes when that is committed, however long Kafka takes."""
    call.resources(LEAVING).create(stream.name, {})
    call.alarms.set(drop_topic, stream.name, call.now)


@kinesis.alarm
async def drop_topic(call: Call, key: str) -> None:
    """Delete the topic of the deleted stream `key`; again later while there is no broker."""
    async with call.lake.streams.lock(name_of(call, key)):
        if call.resources(LEAVING).find(key) is None:
            return  # a new stream of that name had to wait for it
        try:
            await _delete(call, key)
        except ServiceError as error:
            log.warning("%s", error)
            with call.transaction():
                call.alarms.set(drop_topic, key, call.now + DROP_RETRY_SECONDS)


async def _delete(call: Call, name: str) -> None:
    await answered(call.lake.streams.delete(name_of(call, name)))
    with call.transaction():
        leaving = call.resources(LEAVING).find(name)
        if leaving is not None:
            call.resources(LEAVING).delete(leaving)


async def retain(call: Call, stream: Resource, **members: Any) -> dict[str, Any]:
    """Change the topic's retention, then the stream's document."""
    await answered(call.lake.streams.retain(stream["Topic"], members["RetentionPeriodHours"]))
    with call.transaction():
        current = call.resources("stream").find(stream.name)
        if current is not None and current.arn == stream.arn:
            call.resources("stream").update(current, **members)
    return {}


def extend(call: Call, stream: Resource, partitions: int) -> None:
    """Shards were opened: have their partitions made soon. Whoever needs one before, or when this failed, makes it."""
    topic, engine = of(call, stream), call.lake.streams

    async def run() -> None:
        try:
            await engine.require(topic, partitions)
        except StreamsUnavailable as error:
            log.warning("%s", error)

    call.lake.clock.work(run())


# Written


def put(call: Call, topic: Topic, tail: Tail, pieces: list[bytes]) -> Coroutine[Any, Any, list[str]]:
    """Send records (key, data, key, data...); their sequence numbers once they are safe, "" for one that is not.

    The engine wakes whoever waits for the stream's records.
    """
    arrival = tail.arrival = max(int(call.now * 1000), tail.arrival)
    shard = tail.shard
    written = call.lake.streams.append(topic, shard.number, arrival, pieces)

    async def wait() -> list[str]:
        offsets = await asyncio.shield(written)
        first = sequences.number(shard.epoch, shard.number, 1, arrival // 1000)
        return ["" if at is None else str(first + at * sequences.COUNTER_STEP) for at in offsets]

    return wait()


async def put_record(call: Call, topic: Topic, tail: Tail, pieces: list[bytes]) -> dict[str, Any]:
    (sequence,) = await put(call, topic, tail, pieces)
    if not sequence:
        raise ServiceError(FAILED["ErrorCode"], FAILED["ErrorMessage"], status=500)
    return {"ShardId": tail.id, "SequenceNumber": sequence}


async def put_records(
    call: Call,
    topic: Topic,
    filling: dict[Tail, list[int]],
    pieces: Callable[[list[int]], list[bytes]],
    results: list[dict[str, Any]],
) -> dict[str, Any]:
    """All shards at once; `filling` says which records go into each, `results` has those that were refused."""
    sent = [(tail, at, put(call, topic, tail, pieces(at))) for tail, at in filling.items()]
    for tail, indexes, waiting in sent:
        for index, sequence in zip(indexes, await waiting, strict=True):
            results[index] = {"SequenceNumber": sequence, "ShardId": tail.id} if sequence else FAILED
    return {"FailedRecordCount": sum("ErrorCode" in result for result in results), "Records": results}


# Read


async def read(call: Call, topic: Topic, tail: Tail, wanted: Wanted) -> Page:
    """What records.read gives, of a topic. Records of other producers have their timestamps as arrival."""
    shard, (counter, *rest) = tail.shard, wanted
    found = await answered(call.lake.streams.read(topic, shard.number, max(counter - 1, 0), *rest))
    records = [
        {
            "SequenceNumber": str(sequences.number(shard.epoch, shard.number, at + 1, moment // 1000)),
            "ApproximateArrivalTimestamp": moment / 1000,
            "Data": data,
            "PartitionKey": key.decode(errors="replace"),
        }
        for at, moment, key, data in found.records
    ]
    return records, found.following + 1, found.size


async def find_place(
    call: Call, topic: Topic, tail: Tail, moment: float, answer: Callable[[int], dict[str, Any]]
) -> dict[str, Any]:
    """`answer(counter)` of the first record at `moment` (milliseconds) or later; of the next to come at infinity."""
    engine, number = call.lake.streams, tail.shard.number
    asked = engine.end(topic, number) if moment == math.inf else engine.offset_at(topic, number, int(moment))
    return answer(int(await answered(asked)) + 1)


def get_shard_iterator(
    call: Call, topic: Topic, tail: Tail, moment: float, behind: str, answer: Callable[[int], dict[str, Any]]
) -> dict[str, Any] | Awaitable[dict[str, Any]]:
    """As `find_place`; to a service as get_records."""
    waiting = partial(find_place, call, topic, tail, moment, answer)
    return ahead(call, (tail.shard.id, moment), waiting, behind) if call.request is None else waiting()


def get_records(
    call: Call, topic: Topic, tail: Tail, wanted: Wanted, behind: str, answer: Callable[[Page], dict[str, Any]]
) -> dict[str, Any] | Awaitable[dict[str, Any]]:
    """`answer(page)`: to a user when Kafka has sent it, to a service at once or with a refusal (see `ahead`)."""
    if call.request is None:
        return answer(_read_ahead(call, topic, tail, wanted, behind))

    async def wait() -> dict[str, Any]:
        return answer(await read(call, topic, tail, wanted))

    return wait()


def _read_ahead(call: Call, topic: Topic, tail: Tail, wanted: Wanted, behind: str) -> Page:
    """A page for a service that can't wait; the one after it is fetched at once."""
    page = ahead(call, (tail.shard.id, wanted.counter, wanted.limit), lambda: read(call, topic, tail, wanted), behind)
    records, following, _ = page
    if following < tail.next:
        further = wanted._replace(counter=following)
        _begin_ahead(call, (tail.shard.id, following, wanted.limit), lambda: read(call, topic, tail, further))
        if not records:  # more has come since this page was found to be empty
            raise errors.ProvisionedThroughputExceededException(behind)
    return page


def ahead(call: Call, key: Any, fetch: Callable[[], Coroutine[Any, Any, Result]], behind: str) -> Result:
    """For a service that asks within a transaction and can't wait: what was fetched since it asked the first time.

    The first time it is throttled (`behind` is the message), as AWS may at any time, and comes again a little later.
    Whoever moves the clock waits until it is fetched.
    """
    fetched = _fetched(call)
    if fetched.get(key) is None:
        _begin_ahead(call, key, fetch)
        raise errors.ProvisionedThroughputExceededException(behind)
    found: Result = fetched.pop(key)
    return found


def _begin_ahead(call: Call, key: Any, fetch: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    fetched = _fetched(call)
    if key in fetched:
        return  # under way
    while len(fetched) >= FETCHED:
        del fetched[next(iter(fetched))]
    fetched[key] = None

    async def run() -> None:
        try:
            found = await fetch()
        except ServiceError as error:
            log.warning("%s", error)
            fetched.pop(key, None)
        else:
            fetched[key] = found

    call.lake.clock.work(run())


def _fetched(call: Call) -> dict[Any, Any]:
    """What waits to be asked for again; None is still under way."""
    fetched: dict[Any, Any] = call.memory.setdefault("fetched", {})
    return fetched
