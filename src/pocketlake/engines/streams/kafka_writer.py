"""Writing to Kafka: messages into the library's queue, and a thread that hears what became of them."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaException, Producer

log = logging.getLogger("pocketlake.streams")

POLL_SECONDS = 0.1
CLOSE_SECONDS = 5.0
LEARN_ROUNDS, LEARN_SECONDS = 100, 0.05
SETTINGS: dict[str, Any] = {
    "acks": "all",
    "enable.idempotence": True,
    "linger.ms": 1,
    "delivery.timeout.ms": 15_000,  # sooner than AWS's clients give up waiting for the answer
    "queue.buffering.max.kbytes": 256 * 1024,
    "queue.buffering.max.messages": 500_000,
}


class Writer:
    def __init__(self, settings: dict[str, Any], loop: asyncio.AbstractEventLoop, largest_message: int) -> None:
        self._settings = {**settings, **SETTINGS, "message.max.bytes": largest_message}
        self._loop = loop
        self._is_closed = False
        self._pause = threading.Event()
        self._producer = Producer(self._settings)
        self._retired: list[Producer] = []
        self._thread = threading.Thread(target=self._listen, name="pocketlake-kafka", daemon=True)
        self._thread.start()

    def write(self, topic: str, partition: int, arrival: int, pieces: list[bytes]) -> asyncio.Future[list[int | None]]:
        """Send records (key, data, key, data...) in their order; offsets, None where one was not acknowledged."""
        producer = self._producer
        batch = Batch(self, producer, len(pieces) // 2)
        produce = producer.produce
        for at in range(0, len(pieces), 2):
            report = batch.reporter(at // 2)
            try:
                produce(topic, pieces[at + 1], pieces[at], partition, report, timestamp=arrival)
            except (BufferError, KafkaException) as error:
                report(error.args[0], None)
        return batch.done

    async def learn(self, topic: str, partitions: int) -> None:
        """Until the producer knows the leaders of so many partitions: it refuses others, and hears of them late."""
        await self._loop.run_in_executor(None, self._learn, topic, partitions)

    def _learn(self, topic: str, partitions: int) -> None:
        for _ in range(LEARN_ROUNDS):
            found = self._producer.list_topics(topic, timeout=CLOSE_SECONDS).topics.get(topic)
            led = [one for one in found.partitions.values() if one.leader >= 0] if found is not None else []
            if len(led) >= partitions:
                return
            self._pause.wait(LEARN_SECONDS)

    def settle(self, batch: Batch) -> None:
        """All of the batch is decided: in the thread that heard it."""
        if batch.reason is not None:
            log.warning("Kafka did not take records: %s", batch.reason)
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(batch.finish)
        if batch.is_fatal and batch.producer is self._producer:
            # This producer can't know any more what it has written: what is sent from now on goes through a new one.
            self._retired.append(self._producer)
            self._producer = Producer(self._settings)

    def _listen(self) -> None:
        while not self._is_closed:
            self._producer.poll(POLL_SECONDS)
            while self._retired:
                old = self._retired.pop()
                old.purge()
                old.flush(CLOSE_SECONDS)

    def close(self) -> None:
        self._is_closed = True
        self._thread.join()
        self._producer.flush(CLOSE_SECONDS)


class Batch:
    """What one call writes to one partition: decided when its last message is."""

    __slots__ = ("_left", "_offsets", "_writer", "done", "is_fatal", "producer", "reason")

    def __init__(self, writer: Writer, producer: Producer, count: int) -> None:
        self._writer = writer
        self.producer = producer
        self._left = count
        self._offsets: list[int | None] = [None] * count
        self.done: asyncio.Future[list[int | None]] = writer._loop.create_future()
        self.reason: Any = None
        self.is_fatal = False

    def reporter(self, at: int) -> Callable[[Any, Any], None]:
        def report(error: Any, message: Any) -> None:
            if error is None:
                self._offsets[at] = message.offset()
            else:
                self.reason = error
                self.is_fatal = self.is_fatal or (hasattr(error, "fatal") and error.fatal())
            self._left -= 1
            if not self._left:
                self._writer.settle(self)

        return report

    def finish(self) -> None:
        if not self.done.done():
            self.done.set_result(self._offsets)
