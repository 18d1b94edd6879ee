"""A flow at work: its files' records, gathered into batches, sent, and then written down as sent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from pocketlake.cli.agent import conversion, files, sending
from pocketlake.cli.agent.checkpoints import Checkpoint, Checkpoints
from pocketlake.cli.agent.configuration import FlowSettings
from pocketlake.cli.agent.metrics import Metrics


class Flow(threading.Thread):
    """Runs until it is stopped; with `once`, until all that is there by now was sent."""

    def __init__(
        self,
        flow: FlowSettings,
        client: Any,
        checkpoints: Checkpoints,
        stopping: threading.Event,
        tell: Callable[[str], None],
        once: bool = False,
        metrics: Metrics | None = None,
    ) -> None:
        super().__init__(name=flow.name, daemon=True)
        self._flow = flow
        self._checkpoints = checkpoints
        self._stopping = stopping
        self._once = once
        self._sender = sending.Sender(flow, client, stopping, tell, metrics)
        self._batch: list[sending.Record] = []
        self._bytes = 0
        self._since = 0.0
        self._reached: dict[str, Checkpoint] = {}  # by inode: what the batch will have sent
        self._noted: set[str] = set()
        self.sent = 0
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # handed to the thread that waits for us
            self.error = error
            self._stopping.set()

    def _work(self) -> None:
        name, stopping = self._flow.name, self._stopping
        is_new = self._checkpoints.is_new(name)
        tailed = files.Files(self._flow, self._checkpoints.of(name), is_new)
        try:
            tails = tailed.look()
            self._checkpoints.keep(name, [tail.checkpoint() for tail in tails if is_new])
            self._checkpoints.sweep(name, tailed.known)
            while True:
                for tail in tails:
                    if tail.inode not in self._noted:
                        self._noted.add(tail.inode)
                        self._reached[tail.inode] = tail.checkpoint()
                    self._read(tail)
                if self._is_due() or self._once or stopping.is_set():
                    self._send()
                if self._once or stopping.wait(self._flow.poll_seconds):
                    break
                tails = tailed.look()
            self._send()
        finally:
            tailed.close()

    def _read(self, tail: files.Tail) -> None:
        flow = self._flow
        for data in files.records(tail, flow, self._once):
            converted = None if data is None else conversion.convert(data, flow.converters)
            if converted:
                self._add(sending.record(flow, converted))
            self._reached[tail.inode] = tail.checkpoint()
            if self._stopping.is_set():
                return

    def _add(self, record: sending.Record) -> None:
        """A batch that has no room for the record is sent first: all that it reached was reached before this one."""
        flow = self._flow
        if len(self._batch) >= flow.buffer_records or (self._batch and self._bytes + record.size > flow.buffer_bytes):
            self._send()
        if not self._batch:
            self._since = time.monotonic()
        self._batch.append(record)
        self._bytes += record.size

    def _is_due(self) -> bool:
        if not self._batch:
            return bool(self._reached)
        is_full = len(self._batch) >= self._flow.buffer_records or self._bytes >= self._flow.buffer_bytes
        return is_full or time.monotonic() - self._since >= self._flow.buffer_seconds

    def _send(self) -> None:
        if self._sender.send(self._batch):
            self._checkpoints.keep(self._flow.name, list(self._reached.values()))
            self.sent += len(self._batch)
            self._batch, self._bytes, self._reached = [], 0, {}
