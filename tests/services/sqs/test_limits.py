"""Rates of FIFO queues, messages in flight, fair queues; and that `--limits off` lifts what is a rate or a count."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pocketlake.embedded import run

from .conftest import bodies, counts, delete, receive, refusal, send

THROTTLED = "RequestThrottled"


def entries(first: int, count: int = 10, **more: Any) -> list[dict[str, Any]]:
    return [{"Id": str(n), "MessageBody": f"{first}-{n}", **more} for n in range(count)]


@pytest.mark.claim("SQS-009", "SQS-507")
def test_a_fifo_queue_takes_300_calls_of_each_action_a_second(lake: Any, sqs: Any, fifo: str) -> None:
    lake.clock.freeze()
    send(sqs, fifo, *map(str, range(300)), MessageGroupId="g")
    assert refusal(sqs.send_message, QueueUrl=fifo, MessageBody="x", MessageGroupId="g")[0] == THROTTLED
    assert len(receive(sqs, fifo)) == 10  # receives are counted apart
    lake.clock.advance(seconds=1)
    send(sqs, fifo, "x", MessageGroupId="g")


@pytest.mark.claim("SQS-010", "SQS-506", "SQS-011")
def test_a_fifo_queue_takes_3000_messages_a_second_in_batches(lake: Any, sqs: Any, fifo: str) -> None:
    lake.clock.freeze()
    for number in range(300):
        answer = sqs.send_message_batch(QueueUrl=fifo, Entries=entries(number, MessageGroupId="g"))
        assert len(answer["Successful"]) == 10
    more = entries(300, MessageGroupId="g")
    assert refusal(sqs.send_message_batch, QueueUrl=fifo, Entries=more)[0] == THROTTLED
    assert counts(sqs, fifo) == (3000, 0, 0)


def test_high_throughput_raises_the_rate(lake: Any, sqs: Any, fifo: str) -> None:
    settings = {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    sqs.set_queue_attributes(QueueUrl=fifo, Attributes=settings)
    lake.clock.freeze()
    send(sqs, fifo, *map(str, range(400)), MessageGroupId="g")
    assert counts(sqs, fifo) == (400, 0, 0)


@pytest.mark.claim("SQS-008", "SQS-503")
def test_a_standard_queue_has_no_rate(lake: Any, sqs: Any, url: str) -> None:
    lake.clock.freeze()
    for number in range(2000):
        sqs.send_message_batch(QueueUrl=url, Entries=entries(number))
    assert counts(sqs, url) == (20_000, 0, 0)


@pytest.fixture
def few_in_flight(monkeypatch: pytest.MonkeyPatch) -> int:
    """The limit, as a number that a test can reach: a limit is data."""
    from pocketlake.kernel.quotas import Quota
    from pocketlake.services.sqs import quotas

    few = Quota("messages in flight", 25, "messages", "this test")
    monkeypatch.setattr(quotas, "IN_FLIGHT", few)
    monkeypatch.setattr(quotas, "FIFO_IN_FLIGHT", few)
    return 25


@pytest.mark.claim("SQS-008")
def test_no_more_messages_are_in_flight_than_allowed(sqs: Any, url: str, few_in_flight: int) -> None:
    for number in range(4):
        sqs.send_message_batch(QueueUrl=url, Entries=entries(number))
    taken = [message for _ in range(3) for message in receive(sqs, url)]
    assert len(taken) == few_in_flight
    assert refusal(sqs.receive_message, QueueUrl=url)[0] == "OverLimit"
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)  # a long poll hears nothing of it
    delete(sqs, url, taken[0])
    assert len(receive(sqs, url)) == 1


def test_a_fifo_queue_keeps_silent_about_too_many_in_flight(sqs: Any, fifo: str, few_in_flight: int) -> None:
    for number in range(3):
        sqs.send_message_batch(QueueUrl=fifo, Entries=entries(number, MessageGroupId=f"g{number}"))
    assert [len(receive(sqs, fifo)) for _ in range(4)] == [10, 10, 5, 0]


def test_limits_off_lifts_rates(tmp_path: pathlib.Path) -> None:
    with run(tmp_path, limits="off") as lake:
        sqs = lake.client("sqs")
        attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
        url = sqs.create_queue(QueueName="q.fifo", Attributes=attributes)["QueueUrl"]
        lake.clock.freeze()
        send(sqs, url, *map(str, range(320)), MessageGroupId="g")
        sqs.delete_queue(QueueUrl=url)
        try:
            sqs.create_queue(QueueName="q.fifo", Attributes=attributes)
        except ClientError as error:
            pytest.fail(f"the name is not free: {error}")


def test_a_noisy_tenants_messages_wait_for_those_of_quiet_ones(sqs: Any, url: str) -> None:
    for number in range(8):
        sqs.send_message_batch(QueueUrl=url, Entries=entries(number, MessageGroupId="noisy"))
    for _ in range(3):
        receive(sqs, url)
    send(sqs, url, "q1", "q2", MessageGroupId="quiet")
    found = receive(sqs, url)
    assert sorted(bodies(found))[-2:] == ["q1", "q2"]
    assert len(found) == 10  # the rest is the noisy tenant's: nobody's capacity lies idle


def test_without_groups_the_oldest_message_comes_first(sqs: Any, url: str) -> None:
    for number in range(4):
        sqs.send_message_batch(QueueUrl=url, Entries=entries(number))
    for number in range(4):
        assert bodies(receive(sqs, url)) == [f"{number}-{n}" for n in range(10)]
