"""kill -9 while queues are written and read: what was acknowledged is there, once; what was deleted stays deleted.

Received but undeleted messages come back after their timeout; FIFO groups keep their order, and a repeated send of an
acknowledged message is recognised.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pocketlake.embedded import EmbeddedLake

from .mortal import ROUNDS, Mortal
from .writers import IMPATIENT, Writers

FIFO = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
GROUPS = 8


@dataclass(slots=True)
class Account:
    """What the lake acknowledged over all rounds. `attempted` holds what was asked and not answered as well."""

    sent: dict[str, str] = field(default_factory=dict)  # body -> MessageId
    attempted: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)  # bodies
    attempted_deletions: set[str] = field(default_factory=set)
    groups: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # bodies as they were sent


class Load(Writers):
    """Senders and consumers of a standard and a FIFO queue."""

    def __init__(self, lake: EmbeddedLake, account: Account, round_number: int) -> None:
        self._account = account
        self._round = round_number
        self._sqs = lake.client("sqs", config=IMPATIENT)
        self._standard, self._fifo = urls(lake)
        self._numbers = iter(range(10**9))
        self._counting = threading.Lock()
        steps = [self._send, self._send_batch, self._send_batch, self._consume]
        steps += [self._sender_of_group(f"{group}") for group in range(GROUPS)]
        super().__init__(*steps)

    def _bodies(self, count: int, kind: str = "message") -> list[str]:
        with self._counting:
            bodies = [f"{kind}-{self._round}-{next(self._numbers)}" for _ in range(count)]
        self._account.attempted.update(bodies)
        return bodies

    def _send(self) -> None:
        (body,) = self._bodies(1)
        self._account.sent[body] = self._sqs.send_message(QueueUrl=self._standard, MessageBody=body)["MessageId"]

    def _send_batch(self) -> None:
        bodies = self._bodies(10)
        entries = [{"Id": str(index), "MessageBody": body} for index, body in enumerate(bodies)]
        answer = self._sqs.send_message_batch(QueueUrl=self._standard, Entries=entries)
        self._account.sent.update({bodies[int(e["Id"])]: e["MessageId"] for e in answer["Successful"]})

    def _consume(self) -> None:
        found = self._sqs.receive_message(QueueUrl=self._standard, MaxNumberOfMessages=10).get("Messages", [])
        for message in found[: len(found) // 2]:  # the others stay in flight
            self._account.attempted_deletions.add(message["Body"])
            self._sqs.delete_message(QueueUrl=self._standard, ReceiptHandle=message["ReceiptHandle"])
            self._account.deleted.add(message["Body"])

    def _sender_of_group(self, group: str) -> Any:
        def step() -> None:
            (body,) = self._bodies(1, f"group{group}")
            answer = self._sqs.send_message(QueueUrl=self._fifo, MessageBody=body, MessageGroupId=group)
            self._account.sent[body] = answer["MessageId"]
            self._account.groups[group].append(body)

        return step


def urls(lake: EmbeddedLake) -> tuple[str, str]:
    sqs = lake.client("sqs")
    standard = sqs.create_queue(QueueName="faults")["QueueUrl"]
    fifo = sqs.create_queue(QueueName="faults.fifo", Attributes=FIFO)["QueueUrl"]
    return standard, fifo


@pytest.mark.claim("SQS-502", "SQS-031", "SQS-013")
@pytest.mark.timeout(120 + 40 * ROUNDS)
def test_messages_survive_kill_9_and_deleted_ones_stay_deleted(tmp_path: Path) -> None:
    account = Account()
    with Mortal(tmp_path / "lake", "--limits", "off") as mortal:
        urls(mortal.lake)
        for number in range(ROUNDS):
            lake = mortal.die(Load(mortal.lake, account, number))
            check_repeated_sends(lake, account)
        lake.clock.advance(minutes=1)  # what was in flight comes back
        check_standard(lake, account)
        check_fifo(lake, account)
        assert len(account.sent) > 100 * ROUNDS, "there was hardly any load"
        assert account.deleted, "nothing was deleted"


def check_repeated_sends(lake: EmbeddedLake, account: Account) -> None:
    """A sender that was cut off sends again: what had been acknowledged is not taken twice."""
    sqs = lake.client("sqs")
    _, fifo = urls(lake)
    for group, bodies in account.groups.items():
        answer = sqs.send_message(QueueUrl=fifo, MessageBody=bodies[-1], MessageGroupId=group)
        assert answer["MessageId"] == account.sent[bodies[-1]]


def drain(lake: EmbeddedLake, url: str) -> list[dict[str, Any]]:
    sqs = lake.client("sqs")
    found = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += messages
        handles = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
        assert len(sqs.delete_message_batch(QueueUrl=url, Entries=handles)["Successful"]) == len(messages)
    return found


def check_standard(lake: EmbeddedLake, account: Account) -> None:
    url, _ = urls(lake)
    found = {message["Body"]: message["MessageId"] for message in drain(lake, url)}
    promised = {body for body in account.sent if body.startswith("message")} - account.attempted_deletions
    lost = promised - found.keys()
    assert not lost, f"{len(lost)} acknowledged messages are lost, such as {min(lost)}"
    assert all(account.sent[body] == found[body] for body in promised)
    risen = account.deleted & found.keys()
    assert not risen, f"{len(risen)} deleted messages came back, such as {min(risen)}"
    assert found.keys() <= account.attempted


def check_fifo(lake: EmbeddedLake, account: Account) -> None:
    _, url = urls(lake)
    found = [message["Body"] for message in drain(lake, url)]
    assert [body for body, count in Counter(found).items() if count > 1] == [], "messages are there twice"
    for group, sent in account.groups.items():
        kept = [body for body in found if body.startswith(f"group{group}-")]
        assert [body for body in kept if body in account.sent] == sent, f"group {group} is out of order, or not whole"
    assert set(found) <= account.attempted
