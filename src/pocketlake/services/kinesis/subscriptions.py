"""Subscriptions: a shard's records pushed to a registered consumer, as an event stream of five minutes.

The put of a record wakes the shard's subscriptions after its commit; each then reads on from its place, as fast as its
reader takes the events, so nothing is held for slow ones. A subscription lives in this process only: a consumer that
lost it subscribes again from its last ContinuationSequenceNumber.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.clock import Timer
from pocketlake.kernel.errors import NotImplemented501, ServiceError
from pocketlake.kernel.lake import STOPPING
from pocketlake.kernel.quotas import TokenBucket
from pocketlake.kernel.resources import Resource

from . import consumers, iterators, metrics, quotas, records, retention, sequences, shards, topics
from .service import errors, kinesis
from .shards import Layout, Tail

EVENT_BYTES = int(quotas.EVENT_BYTES.value)
LEAST_ROOM = (
    EVENT_BYTES // 4
)  # what a drained bucket refills to before the next event: few large rather than many small
HEARTBEAT = quotas.HEARTBEAT.value
LIMIT = "LimitExceededException"


class Lane:
    """One consumer's way out of one shard: its rates, and who has it now."""

    __slots__ = ("bytes", "calls", "holder", "taken_at")

    def __init__(self, now: float) -> None:
        self.bytes = TokenBucket(quotas.PUSH_BYTES.value, now=now)
        self.calls = TokenBucket(quotas.SUBSCRIBE_CALLS.value, now=now)
        self.holder: Subscription | None = None
        self.taken_at = float("-inf")

    def is_held(self, now: float) -> bool:
        """Whether the last subscription is too young to be taken over, even if its reader has left."""
        return 0 <= now - self.taken_at < quotas.SUBSCRIPTION_HOLD.value


@kinesis.operation
def subscribe_to_shard(call: Call, request: dict[str, Any]) -> dict[str, Any] | Awaitable[dict[str, Any]]:
    """Records of one shard as they come, for five minutes.  [KDS-013, KDS-016, KDS-017, KDS-556]"""
    if request.get("DryRun"):
        raise NotImplemented501("DryRun")
    stream, consumer = consumers.by_arn(call, request["ConsumerARN"])
    consumers.check_active(call, stream, consumer)
    tail = shards.tail_of(call, stream, request["ShardId"])
    lane = _lane(call, consumer, tail)
    meter = metrics.of_consumer(call, stream, consumer)
    if call.limits_on:
        try:
            _check_rates(call, lane, stream, consumer, tail)
        except ServiceError as error:
            if error.code == LIMIT:
                meter.add("SubscribeToShard.RateExceeded", 1, call.now)
            meter.add("SubscribeToShard.Success", 0, call.now)
            raise
    start = _position(request["StartingPosition"])
    iterators.check_arguments(start)

    def answer(counter: int) -> dict[str, Any]:
        subscription = Subscription(call, stream, consumer, tail, lane, counter)
        if lane.holder is not None:
            lane.holder.give_up()
        lane.holder, lane.taken_at = subscription, call.now
        meter.add("SubscribeToShard.Success", 1, call.now)
        return {"EventStream": subscription.events()}

    if call.lake.streams is not None and (topic := topics.of(call, stream)) is not None:
        moment = iterators.asked_there(call, start)
        if moment is not None:
            return topics.find_place(call, topic, tail, moment, answer)
    return answer(iterators.starting_counter(call, start, stream, tail, "SubscribeToShard"))


def _lane(call: Call, consumer: Resource, tail: Tail) -> Lane:
    key = consumers.lane_key(consumer, tail.shard.id)
    lane: Lane | None = call.memory.get(key)
    if lane is None:
        lane = call.memory[key] = Lane(call.now)
    return lane


def _check_rates(call: Call, lane: Lane, stream: Resource, consumer: Resource, tail: Tail) -> None:
    if lane.is_held(call.now):
        raise _in_use(call, stream, consumer, tail)
    if not lane.calls.take(1, call.now):
        raise errors.LimitExceededException(
            f"Rate exceeded for consumer {consumer.name} and shard {tail.id} in stream {stream.name} "
            f"under account {call.account}."
        )


def _in_use(call: Call, stream: Resource, consumer: Resource, tail: Tail) -> ServiceError:
    """Wording: Databricks' knowledge base on EFO mode and ResourceInUseException."""
    error: ServiceError = errors.ResourceInUseException(
        f"Another active subscription exists for this consumer: {call.account}:{stream.name}:{tail.id}:{consumer.name}"
    )
    return error


def _position(given: dict[str, Any]) -> dict[str, Any]:
    """A StartingPosition as GetShardIterator would have it."""
    names = {"Type": "ShardIteratorType", "SequenceNumber": "StartingSequenceNumber", "Timestamp": "Timestamp"}
    return {names[member]: value for member, value in given.items()}


class Subscription:
    def __init__(self, call: Call, stream: Resource, consumer: Resource, tail: Tail, lane: Lane, counter: int) -> None:
        self._call = call
        self._stream = stream
        self._consumer = consumer
        self._tail = tail  # as it was at the beginning; the shard may have been closed since
        self._lane = lane
        self._counter = counter  # the next record to push
        self._until = call.now + quotas.SUBSCRIPTION_LIFE.value
        self._beat_due = call.now  # the first event tells where the consumer stands
        self._is_cut = False  # the last event took all that the rate allowed
        self._is_taken = self._is_over = False
        self._meter = metrics.of_consumer(call, stream, consumer)
        self._waiter: asyncio.Future[None] | None = None
        self._timer: Timer | None = None

    def give_up(self) -> None:
        """Another one takes over."""
        self._is_taken = True
        self._wake()

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Until the five minutes or the shard are over; a ServiceError ends it as an event of that name."""
        alarms = self._call.lake.alarms
        topics = {
            f"kinesis.records:{self._stream.arn}": self._on_change,
            f"kinesis.consumer:{self._consumer.arn}": self._wake,
            STOPPING: self._on_stop,
        }
        for topic, listener in topics.items():
            alarms.listen(topic, listener)
        try:
            while (event := await self._next()) is not None:
                yield {"SubscribeToShardEvent": event}
                if "ChildShards" in event:
                    return
        finally:
            for topic, listener in topics.items():
                alarms.stop_listening(topic, listener)
            if self._timer is not None:
                self._timer.cancel()
            if self._lane.holder is self:
                self._lane.holder = None

    # One event after the other

    async def _next(self) -> dict[str, Any] | None:
        """The next event, as soon as there is one; None at the end."""
        while not self._is_over:
            call = self._call
            if self._is_taken:
                raise _in_use(call, self._stream, self._consumer, self._tail)
            if call.now >= self._until:
                return None
            layout = self._find()
            tail = layout.tails[self._tail.shard.number]
            at_end = tail.is_at_end(self._counter)
            room = self._room()
            if (tail.next > self._counter and room) or at_end or call.now >= self._beat_due:
                event = await self._event(layout, tail, room)
                counter, self._counter, size = self._counter, event.pop("counter"), event.pop("size")
                if await self._is_committed():
                    self._beat_due = call.now + HEARTBEAT
                    metrics.pushed(self._meter, size, event, call.now)
                    return event
                self._counter = counter  # what was read has been taken back
                continue
            wait = self._lane.bytes.wait(LEAST_ROOM, call.now) if tail.next > self._counter else HEARTBEAT
            await self._wait(min(self._until, self._beat_due, call.now + wait))
        return None

    def _find(self) -> Layout:
        """The stream's shards as they are now. ResourceNotFoundException when stream, shard or consumer are gone."""
        stream, _ = consumers.by_arn(self._call, self._consumer.arn)
        layout = shards.layout(self._call, stream)
        tail = layout.tails.get(self._tail.shard.number)
        if tail is None or tail.shard.id != self._tail.shard.id:
            raise shards.missing(self._call, stream.name, self._tail.shard.number)
        self._stream = stream
        return layout

    def _room(self) -> int:
        """Bytes that the rate allows now, 0 when the reader has to wait."""
        if not self._call.limits_on:
            return EVENT_BYTES
        level = self._lane.bytes.refill(self._call.now)
        if level <= 0 or (self._is_cut and level + 1e-3 < LEAST_ROOM):
            return 0
        return min(int(level), EVENT_BYTES)

    async def _event(self, layout: Layout, tail: Tail, room: int) -> dict[str, Any]:
        """What is there, up to `room` bytes (a larger record alone overdraws the rate), and where that leads."""
        call, following = self._call, self._counter
        found: list[dict[str, Any]] = []
        size = 0
        if room and tail.next > following:
            horizon = retention.horizon(self._stream, call.now)
            found, following, size = await self._read(tail, following, horizon, room)
            self._lane.bytes.level -= size
            self._is_cut = following < tail.next and room < EVENT_BYTES
        behind = 0
        if following < tail.next and found:
            behind = max(0, int(call.now * 1000) - round(found[-1]["ApproximateArrivalTimestamp"] * 1000))
        event = {"counter": following, "size": size, "Records": found, "MillisBehindLatest": behind}
        if tail.is_at_end(following):
            event["ChildShards"] = [records.child(shard) for shard in layout.children(tail.shard.number)]
        else:
            shard, seconds = tail.shard, max(tail.shard.epoch, tail.arrival // 1000)
            place = sequences.number(shard.epoch, shard.number, max(following - 1, 0), seconds, is_between=True)
            event["ContinuationSequenceNumber"] = str(place)
        return event

    async def _read(self, tail: Tail, counter: int, horizon: int, room: int) -> topics.Page:
        """Where the records lie in the store, this does not wait."""
        call = self._call
        topic = topics.of(call, self._stream)
        if topic is None:
            return records.read(call, tail, counter, horizon, records.PAGE_RECORDS, room)
        try:
            return await topics.read(call, topic, tail, topics.Wanted(counter, horizon, records.PAGE_RECORDS, room))
        except ServiceError as error:
            raise errors.InternalFailureException(error.message) from None

    async def _is_committed(self) -> bool:
        """Whether what this turn wrote, and we may have read, is on disk."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def release(committed: bool) -> None:
            if not done.done():
                done.set_result(committed)

        self._call.db.after_commit(release, True, False)
        return await done

    # Waiting

    async def _wait(self, moment: float) -> None:
        """Until something happens, until `moment` of the lake's clock, or until the heartbeat is due.

        Readers give up sockets that are silent by the machine's time, so that counts as well: the clock may stand.
        """
        clock, loop = self._call.lake.clock, asyncio.get_running_loop()
        self._waiter = loop.create_future()
        if self._timer is None or self._timer.cancelled or self._timer.due > moment or self._timer.due <= clock.now():
            if self._timer is not None:
                self._timer.cancel()
            self._timer = clock.at(moment, self._wake)
        silence = loop.call_later(HEARTBEAT, self._on_silence)
        try:
            await self._waiter
        finally:
            silence.cancel()
            self._waiter = None

    def _wake(self, _: object = None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _on_change(self, _: object) -> None:
        """Records have come into the stream, or its shards have changed: is it any of ours?"""
        layout: Layout | None = self._call.memory.get(self._stream.arn)
        tail = layout.tails.get(self._tail.shard.number) if layout is not None else None
        if tail is None or tail.next > self._counter or tail.shard.closed is not None:
            self._wake()

    def _on_silence(self) -> None:
        self._beat_due = self._call.now
        self._wake()

    def _on_stop(self, _: object) -> None:
        """The lake closes: end as after five minutes, so that the consumer subscribes again."""
        self._is_over = True
        self._wake()
