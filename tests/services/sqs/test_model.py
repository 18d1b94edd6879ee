"""Queues against a model of them: random sends, receives, deletions, timeouts, moved clocks and restarts.

The model keeps every message; what is ready follows from the clock. It knows no store, no index and no cache.
POCKETLAKE_SLOW=1 takes 100,000 steps of each kind of queue instead of some hundreds.
"""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pocketlake.embedded import run

from .conftest import arn, counts, receive, refusal

DEEP = bool(os.environ.get("POCKETLAKE_SLOW"))
STEPS = 100_000 if DEEP else 200  # at least
RETENTION = 600.0
WINDOW = 300.0
MOST_RECEIVES = 3
RESTARTS = 2


@dataclass(eq=False)
class Message:
    identity: str
    body: str
    group: str
    sent: float
    visible: float
    receives: int = 0

    def is_ready(self, now: float) -> bool:
        return self.visible <= now

    def is_in_flight(self, now: float) -> bool:
        return self.receives > 0 and not self.is_ready(now)


class QueueMachine(RuleBasedStateMachine):
    """A queue whose messages die after three receives, and its dead-letter queue."""

    is_fifo = False
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.resources = ExitStack()
        self.folder = Path(self.resources.enter_context(tempfile.TemporaryDirectory()))
        self.serving = ExitStack()
        self.restarts = 0

    def teardown(self) -> None:
        self.serving.close()
        self.resources.close()

    def start(self) -> None:
        self.lake = self.serving.enter_context(run(self.folder, limits="off"))
        self.sqs = self.lake.client("sqs", config=Config(parameter_validation=False))

    @initialize()
    def create(self) -> None:
        self.start()
        self.lake.clock.freeze()
        suffix, kind = (".fifo", {"FifoQueue": "true"}) if self.is_fifo else ("", {})
        self.dead = self.sqs.create_queue(QueueName=f"dead{suffix}", Attributes=kind)["QueueUrl"]
        policy = f'{{"deadLetterTargetArn": "{arn(self.sqs, self.dead)}", "maxReceiveCount": {MOST_RECEIVES}}}'
        attributes = {**kind, "MessageRetentionPeriod": str(int(RETENTION)), "RedrivePolicy": policy}
        self.url = self.sqs.create_queue(QueueName=f"queue{suffix}", Attributes=attributes)["QueueUrl"]
        self.messages: list[Message] = []
        self.buried: list[Message] = []
        self.handles: list[tuple[Message, str, int]] = []  # with the number of the receive
        self.remembered: dict[str, tuple[float, str]] = {}
        self.purged = 0.0

    def now(self) -> float:
        return self.lake.clock.now().timestamp()

    def age(self) -> None:
        """Messages whose retention is over are gone."""
        horizon = self.now() - RETENTION
        self.messages = [message for message in self.messages if message.sent > horizon + 1e-3]

    @rule(number=st.integers(0, 9), group=st.sampled_from("abc"), delay=st.sampled_from([0, 0, 0, 4]))
    def send(self, number: int, group: str, delay: int) -> None:
        now, body = self.now(), f"{group}{number}"
        more: dict[str, Any] = {"DelaySeconds": delay} if delay and not self.is_fifo else {}
        if self.is_fifo:
            more = {"MessageGroupId": group, "MessageDeduplicationId": body}
            delay = 0
        answer = self.sqs.send_message(QueueUrl=self.url, MessageBody=body, **more)
        until, identity = self.remembered.get(body, (0.0, ""))
        if self.is_fifo and until > now + 1e-3:
            assert answer["MessageId"] == identity, "a repeated send was taken for a new one"
            return
        self.remembered[body] = (now + WINDOW, answer["MessageId"])
        self.messages.append(Message(answer["MessageId"], body, group, now, now + delay if delay else 0.0))

    @rule(limit=st.integers(1, 10), timeout=st.sampled_from([0, 5, 30]))
    def receive(self, limit: int, timeout: int) -> None:
        self.age()
        expected = self.take_groups(limit) if self.is_fifo else self.take(limit)
        found = receive(
            self.sqs, self.url, limit, VisibilityTimeout=timeout, AttributeNames=["ApproximateReceiveCount"]
        )
        for message in expected:
            message.receives += 1
            message.visible = self.now() + timeout if timeout else 0.0
        assert [message["Body"] for message in found] == [message.body for message in expected]
        assert [message["MessageId"] for message in found] == [message.identity for message in expected]
        for answer, message in zip(found, expected, strict=True):
            assert answer["Attributes"]["ApproximateReceiveCount"] == str(message.receives)
            self.handles.append((message, answer["ReceiptHandle"], message.receives))

    def take(self, limit: int) -> list[Message]:
        """The first ready ones; those that were received too often are buried on the way."""
        while True:
            ready = [message for message in self.messages if message.is_ready(self.now())][:limit]
            dead = [message for message in ready if message.receives >= MOST_RECEIVES]
            if not dead:
                return ready
            self.bury(dead)

    def take_groups(self, limit: int) -> list[Message]:
        """In order within groups, groups by their first message; none of a group that has one in flight."""
        now, taken = self.now(), []
        groups = list(dict.fromkeys(message.group for message in self.messages))
        for group in groups:
            members = [message for message in self.messages if message.group == group]
            if any(message.is_in_flight(now) for message in members):
                continue
            while members and members[0].receives >= MOST_RECEIVES and len(taken) < limit:
                self.bury([members.pop(0)])
            for message in members:
                if message.receives >= MOST_RECEIVES or len(taken) == limit:
                    break
                taken.append(message)
        return taken

    def bury(self, dead: list[Message]) -> None:
        self.buried += dead
        self.messages = [message for message in self.messages if message not in dead]

    @precondition(lambda self: self.handles)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        self.age()
        message, handle, receive_number = data.draw(st.sampled_from(self.handles))
        here = message in self.messages
        if self.is_fifo and here and (message.receives != receive_number or message.is_ready(self.now())):
            assert refusal(self.sqs.delete_message, QueueUrl=self.url, ReceiptHandle=handle)[0] == (
                "InvalidParameterValue"
            )
            return
        self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=handle)
        if here:
            self.messages.remove(message)

    @precondition(lambda self: self.handles)
    @rule(data=st.data(), timeout=st.sampled_from([0, 10, 60]))
    def change_visibility(self, data: st.DataObject, timeout: int) -> None:
        self.age()
        message, handle, receive_number = data.draw(st.sampled_from(self.handles))
        request = {"QueueUrl": self.url, "ReceiptHandle": handle, "VisibilityTimeout": timeout}
        old = self.is_fifo and message.receives != receive_number
        if message not in self.messages or old or message.is_ready(self.now()):
            assert refusal(self.sqs.change_message_visibility, **request)[0] in (
                "InvalidParameterValue",
                "AWS.SimpleQueueService.MessageNotInflight",
            )
            return
        self.sqs.change_message_visibility(**request)
        message.visible = self.now() + timeout if timeout else 0.0

    @rule(seconds=st.sampled_from([0.5, 3, 6, 31, 200, 301]))
    def advance(self, seconds: float) -> None:
        self.lake.clock.advance(seconds=seconds)

    @precondition(lambda self: self.now() > self.purged + 60)
    @rule()
    def purge(self) -> None:
        self.sqs.purge_queue(QueueUrl=self.url)
        self.purged = self.now()
        self.messages.clear()
        self.remembered.clear()

    @precondition(lambda self: self.restarts < RESTARTS and self.messages)
    @rule()
    def restart(self) -> None:
        self.restarts += 1
        self.serving.close()
        self.start()
        self.url, self.dead = (
            self.sqs.get_queue_url(QueueName=url.rpartition("/")[2])["QueueUrl"] for url in (self.url, self.dead)
        )

    @invariant()
    def the_counts_are_true(self) -> None:
        if not hasattr(self, "messages"):
            return
        type(self).steps += 1
        self.age()
        now = self.now()
        ready = sum(message.is_ready(now) for message in self.messages)
        in_flight = sum(message.is_in_flight(now) for message in self.messages)
        assert counts(self.sqs, self.url) == (ready, in_flight, len(self.messages) - ready - in_flight)
        assert counts(self.sqs, self.dead)[0] == len(self.buried)


class FifoMachine(QueueMachine):
    is_fifo = True
    steps = 0  # its own: it would begin with those of the standard queue


CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


@pytest.mark.claim("SQS-002", "SQS-003", "SQS-004", "SQS-012", "SQS-013", "SQS-015", "SQS-018", "SQS-502")
@pytest.mark.timeout(7200 if DEEP else 300)
@pytest.mark.parametrize("machine", [QueueMachine, FifoMachine], ids=["standard", "fifo"])
def test_a_queue_behaves_as_its_model(machine: type[QueueMachine]) -> None:
    started = time.monotonic()
    options = settings(
        max_examples=100 if DEEP else 10, stateful_step_count=50, deadline=None, suppress_health_check=CHECKS
    )
    while machine.steps < STEPS:
        run_state_machine_as_test(machine, settings=options)
    print(f"{machine.steps} steps in {time.monotonic() - started:.0f} s")
