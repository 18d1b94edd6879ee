"""Shards: what is known of each while the lake runs."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.quotas import TokenBucket
from pocketlake.kernel.resources import Resource

from . import metrics, quotas, ranges, sequences, store, topics
from .service import errors
from .store import Shard
from .throttling import ReadLimit, WriteLimit

if TYPE_CHECKING:
    from pocketlake.engines.streams.kafka import Topic


class Tail:
    """A shard's end, and what it still lets through: kept in memory, found again from the store."""

    __slots__ = ("arrival", "id", "iterator_calls", "next", "reads", "shard", "writes")

    def __init__(self, shard: Shard, now: float, largest_record: int) -> None:
        self.shard = shard
        self.id = sequences.shard_id(shard.number)
        self.next = shard.next  # the next record's counter
        self.arrival = shard.arrival  # of the last record, milliseconds
        self.writes = WriteLimit(now, largest_record)
        self.reads = ReadLimit(now)
        self.iterator_calls = TokenBucket(quotas.ITERATOR_CALLS.value, now=now)

    def take_over(self, other: Tail) -> None:
        """The same shard, known from before its stream was resharded."""
        self.next, self.arrival = other.next, other.arrival
        self.writes, self.reads, self.iterator_calls = other.writes, other.reads, other.iterator_calls

    @property
    def pending(self) -> int:
        """Writes under way: here none, they are done when the call returns."""
        return 0

    def is_at_end(self, counter: int) -> bool:
        """Whether the shard is closed, and `counter` behind the last record that it will ever hold."""
        return self.shard.closed is not None and counter >= self.next and not self.pending


class TopicTail(Tail):
    """The end of a shard whose records lie on a partition: what the engine knows of that is what counts."""

    __slots__ = ("partition",)

    def __init__(self, shard: Shard, now: float, largest_record: int, topic: Topic) -> None:
        self.partition = topic.partition(shard.number)
        super().__init__(shard, now, largest_record)

    @property
    def next(self) -> int:
        return self.partition.end + 1

    @next.setter
    def next(self, _: int) -> None:
        """The partition knows."""

    @property
    def arrival(self) -> int:
        return self.partition.arrival

    @arrival.setter
    def arrival(self, arrival: int) -> None:
        self.partition.arrival = max(self.partition.arrival, arrival)

    @property
    def pending(self) -> int:
        return self.partition.pending


class Layout:
    """A stream's shards: `tails` by number, and the open ones in the order of their hash ranges; what they measure."""

    __slots__ = ("_open", "_starts", "measures", "tails")

    def __init__(self, tails: list[Tail], measures: metrics.Measures) -> None:
        self.measures = measures
        self.tails = {tail.shard.number: tail for tail in tails}
        self._open = sorted(
            (tail for tail in self.tails.values() if tail.shard.closed is None), key=lambda tail: tail.shard.first_hash
        )
        self._starts = [ranges.place(tail.shard.first_hash) for tail in self._open]

    @property
    def open(self) -> list[Tail]:
        return self._open

    def holding(self, places: list[bytes]) -> list[Tail]:
        """The open shard whose range holds each place; ranges of open shards tile the space, so there is one."""
        tails, starts = self._open, self._starts
        return [tails[bisect_right(starts, place) - 1] for place in places]

    def children(self, number: int) -> list[Shard]:
        return [t.shard for t in self.tails.values() if number in (t.shard.parent, t.shard.adjacent_parent)]


def layout(call: Call, stream: Resource) -> Layout:
    known: Layout | None = call.memory.get(stream.arn)
    if known is None:
        make = _maker(call, stream)
        tails = [make(shard) for shard in store.shards(call.db, stream.arn)]
        known = Layout(tails, metrics.Measures(call, stream))
        call.memory[stream.arn] = known
        # What was read may be taken back with this turn; then it must be read again.
        call.undo(lambda: forget(call, stream.arn))
    return known


def _maker(call: Call, stream: Resource) -> Callable[[Shard], Tail]:
    largest = stream["MaxRecordSizeInKiB"] * 1024
    topic = topics.of(call, stream)
    make = Tail if topic is None else partial(TopicTail, topic=topic)
    return lambda shard: make(shard, call.now, largest)


def change(call: Call, stream: Resource, changed: list[Shard]) -> None:
    """Shards were closed and opened, and written: the others, perhaps thousands, need not be read again for that."""
    known, make = layout(call, stream), _maker(call, stream)
    tails = dict(known.tails)
    for shard in changed:
        tail = make(shard)
        if shard.number in tails:
            tail.take_over(tails[shard.number])
        tails[shard.number] = tail
    call.memory[stream.arn] = Layout(list(tails.values()), known.measures)
    call.undo(lambda: forget(call, stream.arn))


def renew(call: Call, stream: Resource) -> Layout:
    """Shards were removed: read them again. Those known keep what they still let through."""
    known: Layout | None = call.memory.pop(stream.arn, None)
    fresh = layout(call, stream)
    if known is not None:
        for number, tail in known.tails.items():
            if number in fresh.tails:
                fresh.tails[number].take_over(tail)
    return fresh


def horizon(stream: Resource, now: float) -> int:
    """Milliseconds: records that arrived then or before are no longer there.

    `TrimmedBefore` keeps hidden what was hidden when the retention was raised.  [KDS-045, KDS-518, KDS-603]
    """
    return max(int((now - stream["RetentionPeriodHours"] * 3600) * 1000), stream.get("TrimmedBefore", 0))


def is_expired(shard: Shard, before: int) -> bool:
    """Closed, and its last record can be no younger than the horizon `before`.  [KDS-576, KDS-579]"""
    return shard.closed is not None and int(shard.closed * 1000) <= before


def existing(call: Call, stream: Resource) -> list[Tail]:
    """The stream's shards by number: open ones, and closed ones until their records have expired."""
    before = horizon(stream, call.now)
    return [tail for tail in layout(call, stream).tails.values() if not is_expired(tail.shard, before)]


def forget(call: Call, arn: str) -> None:
    """The shards or limits of the stream changed."""
    call.memory.pop(arn, None)


def tail_of(call: Call, stream: Resource, shard_name: str) -> Tail:
    """The shard that a request names.

    AWS takes `123` for `shardId-000000000123` and answers with the long form. Source: recorded by kinesalite.
    """
    number = sequences.shard_number(shard_name)
    if number is None:
        raise errors.ResourceNotFoundException(
            f"Could not find shard {shard_name} in stream {stream.name} under account {call.account}."
        )
    tail = layout(call, stream).tails.get(number)
    if tail is None or is_expired(tail.shard, horizon(stream, call.now)):
        raise missing(call, stream.name, number)
    return tail


def missing(call: Call, stream: str, number: int) -> Any:
    return errors.ResourceNotFoundException(
        f"Shard {sequences.shard_id(number)} in stream {stream} under account {call.account} does not exist"
    )


def rate_exceeded(call: Call, stream: str, tail: Tail) -> str:
    return f"Rate exceeded for shard {tail.id} in stream {stream} under account {call.account}."


def describe(tail: Tail) -> dict[str, Any]:
    shard = tail.shard
    numbers = {"StartingSequenceNumber": str(sequences.number(shard.epoch, shard.number, 0, shard.epoch))}
    if shard.closed is not None:
        ending = sequences.number(shard.epoch, shard.number, tail.next, int(shard.closed))
        numbers["EndingSequenceNumber"] = str(ending)
    return {
        "ShardId": tail.id,
        "ParentShardId": None if shard.parent is None else sequences.shard_id(shard.parent),
        "AdjacentParentShardId": None if shard.adjacent_parent is None else sequences.shard_id(shard.adjacent_parent),
        "HashKeyRange": {"StartingHashKey": str(shard.first_hash), "EndingHashKey": str(shard.last_hash)},
        "SequenceNumberRange": numbers,
    }
