"""Reading from Kafka: some consumers, each of which stays where it read last, for most readers go on from there."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from . import StreamsUnavailable

READERS = 8
ANSWER_SECONDS = 15.0
POLL_SECONDS = 0.25
SETTINGS: dict[str, Any] = {
    "group.id": "pocketlake",  # the library wants one; partitions are assigned, so nobody joins it
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "earliest",  # what retention has removed is passed over
    "enable.partition.eof": True,
    "isolation.level": "read_committed",
    "queued.max.messages.kbytes": 8 * 1024,
    "queued.min.messages": 10_000,
    "fetch.queue.backoff.ms": 5,
}

Record = tuple[int, int, bytes, bytes]  # offset, timestamp (milliseconds), key, data


@dataclass(slots=True)
class Page:
    """`following` is the offset to go on from, `size` counts keys and data; `is_old`: some were too old."""

    records: list[Record]
    following: int
    size: int
    is_old: bool = False


class Readers:
    def __init__(self, settings: dict[str, Any], loop: asyncio.AbstractEventLoop) -> None:
        self._settings = {**settings, **SETTINGS}
        self._loop = loop
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="pocketlake-kafka")
        self._idle: list[Reader] = []  # the one used last at the end
        self._guard = threading.Lock()

    async def page(self, topic: str, partition: int, offset: int, end: int, after: int, limit: int, size: int) -> Page:
        """Records of [offset, end) later than `after`: at most `limit`, and `size` bytes unless the first is larger."""
        place = (topic, partition, offset)
        return await self._loop.run_in_executor(self._threads, self._page, place, end, after, limit, size)

    def _page(self, place: tuple[str, int, int], end: int, after: int, limit: int, size: int) -> Page:
        reader = self._take(place)
        try:
            page = reader.page(place, end, after, limit, size)
        except BaseException:
            reader.close()
            raise
        with self._guard:
            self._idle.append(reader)
        return page

    def _take(self, place: tuple[str, int, int]) -> Reader:
        """The reader that is there already; else a new one, or the one that was idle for longest."""
        with self._guard:
            for reader in self._idle:
                if reader.place == place:
                    self._idle.remove(reader)
                    return reader
            if len(self._idle) >= READERS:
                return self._idle.pop(0)
        return Reader(self._settings)

    def leave(self, topic: str) -> None:
        """The topic is gone; one of the same name may come."""
        with self._guard:
            leaving = [reader for reader in self._idle if reader.place[0] == topic]
            self._idle = [reader for reader in self._idle if reader.place[0] != topic]
        for reader in leaving:
            self._threads.submit(reader.close)

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        for reader in self._idle:
            reader.close()


class Reader:
    """One consumer: `place` is the topic, partition and offset that it will read next."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._consumer = Consumer(settings)
        self._ahead: deque[Message] = deque()  # came with the last page, and did not go into it
        self.place = ("", -1, -1)

    def page(self, place: tuple[str, int, int], end: int, after: int, limit: int, size: int) -> Page:
        topic, partition, offset = place
        if self.place != place:
            self._ahead.clear()
            self._consumer.assign([TopicPartition(topic, partition, offset)])
        page = Page([], offset, 0)
        deadline = time.monotonic() + ANSWER_SECONDS
        while page.following < end and len(page.records) < limit and (page.records or not page.is_old):
            if not self._ahead and not self._fetch(limit - len(page.records)):
                if time.monotonic() > deadline:
                    raise StreamsUnavailable(f"Kafka sends no records of {topic}, partition {partition}")
                continue
            message = self._ahead.popleft()
            at = message.offset()
            assert at is not None
            if (error := message.error()) is not None:
                if error.code() != KafkaError._PARTITION_EOF:
                    raise StreamsUnavailable(f"Kafka sends no records of {topic}: {error.str()}")
                page.following = max(page.following, at)
                continue
            if at < offset:
                continue  # the log is shorter than it was
            if not _add(page, message, after, size):
                self._ahead.appendleft(message)
                break
        self.place = (topic, partition, page.following)
        return page

    def _fetch(self, most: int) -> bool:
        """Wait for something, then take what is there with it."""
        first = self._consumer.poll(POLL_SECONDS)
        if first is None:
            return False
        self._ahead.append(first)
        if most > 1:
            self._ahead.extend(self._consumer.consume(most - 1, 0))
        return True

    def close(self) -> None:
        self._consumer.close()


def _add(page: Page, message: Message, after: int, size: int) -> bool:
    """Whether the message goes into the page, or is passed over because it is too old."""
    offset, (_, moment) = message.offset(), message.timestamp()
    assert offset is not None
    moment = max(moment, 0)
    if moment <= after:
        page.is_old = True
    else:
        key, data = _bytes(message.key()), _bytes(message.value())
        length = len(key) + len(data)
        if page.records and page.size + length > size:
            return False
        page.records.append((offset, moment, key, data))
        page.size += length
    page.following = offset + 1
    return True


def _bytes(part: Any) -> bytes:
    """Other producers may leave key or value out."""
    return b"" if part is None else bytes(part)
