"""Records on Kafka: a topic for each stream, a partition for each shard, a message for each record.

The loop is never blocked: messages are handed to the client library's queue and reported by a thread, pages are read by
consumers in threads, and everything else is a future of the admin client. A record is acknowledged when all in-sync
replicas have it (acks=all), and written once however often it had to be sent (idempotent producer).
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from . import KnownTopic, StreamsUnavailable, TopicExists
from .kafka_readers import Page, Readers
from .kafka_writer import Writer

if TYPE_CHECKING:
    from pocketlake.kernel.lake import Lake

log = logging.getLogger("pocketlake.streams")

ANSWER_SECONDS = 15.0
FOLLOW_SECONDS = 0.25  # how soon records of other producers are noticed; of the machine's time, as Kafka's is
HOUR_MS = 3_600_000
DAY = 86_400
LAG_SECONDS = 3600.0  # of the lake's clock behind the machine's, which Kafka's retention need not know
LEADER_ROUNDS, LEADER_SECONDS = 20, 0.1
GONE_ROUNDS = 50
ANY_TIME = str(2**63 - 1)
LARGEST_MESSAGE = 11 * 1024 * 1024  # a record of 10 MiB, and its envelope
TOPIC_CONFIG = {
    "cleanup.policy": "delete",
    "max.message.bytes": str(LARGEST_MESSAGE),
    "message.timestamp.type": "CreateTime",
    # The lake's clock may be anywhere.
    "message.timestamp.before.max.ms": ANY_TIME,
    "message.timestamp.after.max.ms": ANY_TIME,
}
COMMON: dict[str, Any] = {"client.id": "pocketlake", "log_level": 2, "socket.connection.setup.timeout.ms": 5000}
REPLICATION = "replication"  # the one setting of the URL that is ours: replicas of new topics


class Partition:
    """`end` is the offset that follows the last record we know of, `pending` counts writes under way."""

    __slots__ = ("arrival", "bytes", "end", "number", "pending", "records", "topic")

    def __init__(self, topic: str, number: int, end: int = 0) -> None:
        self.topic = topic
        self.number = number
        self.end = end
        self.arrival = 0  # milliseconds, of the last record written here
        self.pending = 0
        self.bytes = self.records = 0

    def take_load(self) -> tuple[int, int]:
        """Bytes and records written here since this was asked last."""
        load, self.bytes, self.records = (self.bytes, self.records), 0, 0
        return load


class Topic:
    """`existing` partitions are there; `notice` is what the lake's watchers wait for."""

    __slots__ = ("existing", "hours", "lock", "name", "notice", "partitions", "slack")

    def __init__(self, name: str, notice: str, existing: int, hours: int) -> None:
        self.name = name
        self.hours = hours  # of retention
        self.notice = notice
        self.existing = existing
        self.partitions = {number: Partition(name, number) for number in range(existing)}
        self.lock = asyncio.Lock()
        self.slack = 0.0  # seconds that records are kept longer, for the lake's clock lies so far behind

    def partition(self, number: int) -> Partition:
        """Known before it is made: writing and reading makes what is missing."""
        if number not in self.partitions:
            self.partitions[number] = Partition(self.name, number)
        return self.partitions[number]


class KafkaLog:
    def __init__(self, lake: Lake, loop: asyncio.AbstractEventLoop, prefix: str, settings: dict[str, str]) -> None:
        self.prefix = prefix
        self._lake = lake
        self._loop = loop
        self._replication = int(settings.pop(REPLICATION, -1))
        self._servers = settings["bootstrap.servers"]
        self._settings = {**COMMON, **settings}
        self._locks: dict[str, asyncio.Lock] = {}
        self.topics: dict[str, Topic] = {}
        self._following: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False
        try:
            self._admin = AdminClient(self._settings)
            self._writer = Writer(self._settings, loop, LARGEST_MESSAGE)
            self._readers = Readers(self._settings, loop)
        except KafkaException as error:
            raise StreamsUnavailable(f"the client of Kafka refuses its settings: {error.args[0]}") from None

    # Life

    async def start(self, known: list[KnownTopic]) -> None:
        """Reach the brokers, and learn where the topics end."""
        listed = await self._listed()
        for name, arn, hours in known:
            found = listed.get(name)
            if found is None:
                log.error("the topic %s of %s is gone: its records are lost", name, arn)
            self._register(name, arn, len(found.partitions) if found is not None else 0, hours)
        await self._learn_ends(self.topics.values())
        self._follow()

    def close(self) -> None:
        self._is_closed = True
        if self._following is not None:
            self._following.cancel()
        if self._task is not None:
            self._task.cancel()
        self._readers.close()
        self._writer.close()

    async def clear(self) -> None:
        """Delete every topic of the lake."""
        for name in list(self.topics):
            await self.delete(name)

    # Topics

    def lock(self, name: str) -> asyncio.Lock:
        """Held while a topic of this name is made or deleted."""
        return self._locks.setdefault(name, asyncio.Lock())

    def _register(self, name: str, arn: str, existing: int, hours: int) -> Topic:
        topic = self.topics[name] = Topic(name, f"kinesis.records:{arn}", existing, hours)
        return topic

    async def create(self, name: str, arn: str, partitions: int, hours: int) -> None:
        """A topic without records; one that a crash left before its stream was known is taken over. TopicExists."""
        config = {**TOPIC_CONFIG, "retention.ms": str(hours * HOUR_MS)}
        new = NewTopic(name, num_partitions=partitions, replication_factor=self._replication, config=config)
        try:
            await self._ask(self._admin.create_topics([new])[name])
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise StreamsUnavailable(f"Kafka did not make the topic {name}: {error.args[0].str()}") from None
            await self._take_over(name, arn, partitions, hours)
            return
        await self._learn(name, partitions)
        self._register(name, arn, partitions, hours)

    async def _learn(self, name: str, partitions: int) -> None:
        try:
            await self._writer.learn(name, partitions)
        except KafkaException as error:
            raise StreamsUnavailable(f"Kafka does not tell of the topic {name}: {error.args[0].str()}") from None
        await self._listed()  # the admin client keeps what it knew of an earlier topic of that name

    async def _listed(self) -> dict[str, Any]:
        """All topics there are, by name."""
        try:
            metadata = await self._loop.run_in_executor(None, lambda: self._admin.list_topics(timeout=ANSWER_SECONDS))
        except KafkaException as error:
            raise StreamsUnavailable(f"no Kafka broker answers at {self._servers}: {error.args[0].str()}") from None
        return metadata.topics

    async def _take_over(self, name: str, arn: str, partitions: int, hours: int) -> None:
        found = (await self._listed()).get(name)
        if found is None:
            raise StreamsUnavailable(f"the topic {name} comes or goes")
        topic = self._register(name, arn, len(found.partitions), hours)
        await self._learn_ends([topic])
        if any(partition.end for partition in topic.partitions.values()):
            del self.topics[name]
            raise TopicExists(name)
        await self.require(topic, partitions)
        await self._alter(name, {**TOPIC_CONFIG, "retention.ms": str(hours * HOUR_MS)})
        await self._learn(name, partitions)

    async def delete(self, name: str) -> None:
        """Gone with its records; nothing happens when it is gone already."""
        self.topics.pop(name, None)
        self._readers.leave(name)
        try:
            await self._ask(self._admin.delete_topics([name], operation_timeout=ANSWER_SECONDS)[name])
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise StreamsUnavailable(f"Kafka did not delete the topic {name}: {error.args[0].str()}") from None
        for _ in range(GONE_ROUNDS):  # brokers hear of it after the controller: nothing may be written there meanwhile
            if name not in await self._listed():
                return
            await self._pause(LEADER_SECONDS)

    async def retain(self, name: str, hours: int, slack: float = 0.0) -> None:
        """Keep records for so many hours of the machine's clock, and `slack` seconds more."""
        topic = self.topics[name]
        topic.hours, topic.slack = hours, max(topic.slack, slack)
        await self._alter(name, {"retention.ms": str(hours * HOUR_MS + int(topic.slack * 1000))})

    async def _alter(self, name: str, config: dict[str, str]) -> None:
        entries = [
            ConfigEntry(member, value, incremental_operation=AlterConfigOpType.SET) for member, value in config.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
        try:
            await self._ask(self._admin.incremental_alter_configs([resource])[resource])
        except KafkaException as error:
            raise StreamsUnavailable(f"Kafka did not change the topic {name}: {error.args[0].str()}") from None

    async def require(self, topic: Topic, partitions: int) -> None:
        """Add the partitions that are missing."""
        async with topic.lock:
            if topic.existing >= partitions:
                return
            try:
                await self._ask(self._admin.create_partitions([NewPartitions(topic.name, partitions)])[topic.name])
            except KafkaException as error:
                if error.args[0].code() != KafkaError.INVALID_PARTITIONS:  # there are as many, or more
                    raise StreamsUnavailable(f"Kafka did not extend {topic.name}: {error.args[0].str()}") from None
            await self._learn(topic.name, partitions)
            topic.existing = partitions

    # Records

    def append(self, topic: Topic, number: int, arrival: int, pieces: list[bytes]) -> asyncio.Future[list[int | None]]:
        """Write records (key, data, key, data...); their offsets once they are safe, None for those that are not.

        They are on their way, and counted, when this returns. Shield the future: what was begun can't be taken back.
        """
        partition = topic.partition(number)
        partition.pending += 1
        partition.bytes += sum(map(len, pieces))
        partition.records += len(pieces) // 2
        written: asyncio.Future[list[int | None]]
        if number < topic.existing and self._lake.clock.lag() <= topic.slack + LAG_SECONDS:
            written = self._writer.write(topic.name, number, arrival, pieces)
        else:
            written = self._loop.create_task(self._prepare_and_write(topic, number, arrival, pieces))
        written.add_done_callback(lambda done: self._settle(topic, partition, done))
        return written

    def _settle(self, topic: Topic, partition: Partition, done: asyncio.Future[list[int | None]]) -> None:
        """What was sent is decided, whether or not somebody still waits for it: whoever waits for records wakes."""
        partition.pending -= 1
        if done.cancelled() or done.exception() is not None or self._is_closed:
            return
        partition.end = max([partition.end, *(offset + 1 for offset in done.result() if offset is not None)])
        self._lake.store.enter()
        self._lake.alarms.notify(topic.notice)

    async def _prepare_and_write(
        self, topic: Topic, number: int, arrival: int, pieces: list[bytes]
    ) -> list[int | None]:
        try:
            await self.require(topic, number + 1)
            lag = self._lake.clock.lag()
            if lag > topic.slack + LAG_SECONDS:
                await self.retain(topic.name, topic.hours, slack=math.ceil(lag / DAY) * DAY)
        except StreamsUnavailable as error:
            log.warning("%s", error)
            return [None] * (len(pieces) // 2)
        return await self._writer.write(topic.name, number, arrival, pieces)

    async def read(self, topic: Topic, number: int, offset: int, after: int, limit: int, size: int) -> Page:
        """Records from `offset` on that are later than `after` (milliseconds): so many, so many bytes, at least one.

        An empty page means that there is none now.
        """
        if number >= topic.existing:
            await self.require(topic, number + 1)
        partition = topic.partition(number)
        while True:
            if offset >= partition.end:
                await self._learn_ends([topic], number)
                if offset >= partition.end:
                    return Page([], offset, 0)
            page = await self._readers.page(topic.name, number, offset, partition.end, after, limit, size)
            partition.end = max(partition.end, page.following)
            if page.records:
                return page
            offset = page.following
            if page.is_old:
                offset = max(offset, await self.offset_at(topic, number, after + 1))

    async def end(self, topic: Topic, number: int) -> int:
        """The offset that the next record will have, as of now."""
        if number >= topic.existing:
            await self.require(topic, number + 1)
        await self._learn_ends([topic], number)
        return topic.partition(number).end

    async def offset_at(self, topic: Topic, number: int, moment: int) -> int:
        """Of the first record at `moment` (milliseconds) or later; the end when there is none."""
        if number >= topic.existing:
            await self.require(topic, number + 1)
        place = TopicPartition(topic.name, number)
        found = (await self._offsets({place: OffsetSpec.for_timestamp(max(moment, 0))})).get((topic.name, number), -1)
        return found if found >= 0 else await self.end(topic, number)

    # Ends

    async def _learn_ends(self, topics: Iterable[Topic], only: int | None = None) -> list[Topic]:
        """Ask where partitions end; the topics that have grown."""
        asked = {}
        for topic in topics:
            for number in range(topic.existing) if only is None else (only,):
                asked[TopicPartition(topic.name, number)] = OffsetSpec.latest()
        grown = {}
        for (name, number), end in (await self._offsets(asked)).items():
            known = self.topics.get(name)
            if known is not None and end > known.partition(number).end:
                known.partition(number).end = end
                grown[name] = known
        return list(grown.values())

    async def _offsets(self, asked: dict[TopicPartition, Any]) -> dict[tuple[str, int], int]:
        """By topic and partition. Leaders may be changing, or be new: that is waited for, a little."""
        found: dict[tuple[str, int], int] = {}
        for round_ in range(LEADER_ROUNDS):
            left = {place: spec for place, spec in asked.items() if (place.topic, place.partition) not in found}
            if not left:
                break
            if round_:
                await self._pause(LEADER_SECONDS)
                await self._listed()  # so that the client learns of new leaders
            await self._ask_offsets(left, found, is_last=round_ == LEADER_ROUNDS - 1)
        return found

    async def _ask_offsets(
        self, asked: dict[TopicPartition, Any], found: dict[tuple[str, int], int], is_last: bool
    ) -> None:
        answers = self._admin.list_offsets(asked, isolation_level=IsolationLevel.READ_COMMITTED)
        for place, answer in answers.items():
            try:
                found[place.topic, place.partition] = (await self._ask(answer)).offset
            except KafkaException as error:
                if not is_last:
                    continue
                raise StreamsUnavailable(
                    f"Kafka does not tell offsets of {place.topic}: {error.args[0].str()}"
                ) from None

    async def _pause(self, seconds: float) -> None:
        done = self._loop.create_future()
        handle = self._loop.call_later(seconds, done.set_result, None)
        try:
            await done
        finally:
            handle.cancel()

    def _follow(self) -> None:
        """Look for what other producers wrote to streams that someone waits for, again and again."""
        self._task = self._loop.create_task(self._notice_growth())
        self._task.add_done_callback(self._follow_on)

    def _follow_on(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and not self._is_closed:
            if (error := task.exception()) is not None:
                log.error("looking for records of other producers failed", exc_info=error)
            self._following = self._loop.call_later(FOLLOW_SECONDS, self._follow)

    async def _notice_growth(self) -> None:
        alarms = self._lake.alarms
        awaited = [topic for topic in self.topics.values() if alarms.is_awaited(topic.notice)]
        try:
            for topic in await self._learn_ends(awaited):
                self._lake.store.enter()
                alarms.notify(topic.notice)
        except StreamsUnavailable as error:
            log.info("%s", error)

    async def _ask(self, answer: Any) -> Any:
        try:
            return await asyncio.wait_for(asyncio.wrap_future(answer, loop=self._loop), ANSWER_SECONDS)
        except TimeoutError:
            raise StreamsUnavailable(f"no Kafka broker answers at {self._servers}") from None
