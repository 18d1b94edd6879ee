"""What queues publish to CloudWatch."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.services.measured import measured, stand_at_noon

from .conftest import delete, receive, send

GAUGES = ("Visible", "NotVisible", "Delayed")


@pytest.fixture(autouse=True)
def _noon(lake: Any) -> None:
    stand_at_noon(lake)


def asked(lake: Any, name: str, statistic: str = "Sum", queue: str = "orders", minutes: int = 60) -> list[float]:
    return measured(lake, "AWS/SQS", name, statistic, minutes, QueueName=queue)


def gauges(lake: Any) -> list[list[float]]:
    return [asked(lake, f"ApproximateNumberOfMessages{which}", "Maximum") for which in GAUGES]


@pytest.mark.claim("SQS-016", "SQS-601")
def test_messages_sent_received_and_deleted(lake: Any, sqs: Any, url: str) -> None:
    send(sqs, url, "hello")
    entries = [{"Id": str(at), "MessageBody": "x" * at} for at in (1, 2, 3)]
    sqs.send_message_batch(QueueUrl=url, Entries=entries)
    messages = receive(sqs, url)
    assert len(messages) == 4
    assert receive(sqs, url) == []
    lake.clock.advance(minutes=1)
    delete(sqs, url, *messages[:2])
    delete(sqs, url, messages[0])
    assert asked(lake, "NumberOfMessagesSent") == [4]
    assert asked(lake, "SentMessageSize") == [5 + 1 + 2 + 3]
    assert asked(lake, "SentMessageSize", "Maximum") == [5]
    assert asked(lake, "NumberOfMessagesReceived") == [4]
    assert asked(lake, "NumberOfEmptyReceives") == [1]
    assert asked(lake, "NumberOfMessagesDeleted") == [3]


def test_what_a_call_that_fails_has_done_is_not_measured(lake: Any, sqs: Any, url: str) -> None:
    entries = [{"Id": "a", "MessageBody": "fine"}, {"Id": "b", "MessageBody": ""}]
    assert len(sqs.send_message_batch(QueueUrl=url, Entries=entries)["Failed"]) == 1
    assert asked(lake, "NumberOfMessagesSent") == [1]


@pytest.mark.claim("SQS-602")
def test_how_many_messages_there_are_is_read_minute_by_minute(lake: Any, sqs: Any, url: str) -> None:
    send(sqs, url, "a", "b")
    send(sqs, url, "later", DelaySeconds=90)
    lake.clock.advance(seconds=30)
    receive(sqs, url, 1, VisibilityTimeout=120)
    lake.clock.advance(minutes=3)
    send(sqs, url, "c")
    # Minutes end with: one taken and one delayed; the delayed one there; all back; one more.
    assert gauges(lake) == [[1, 2, 3, 4], [1, 1, 0, 0], [1, 0, 0, 0]]


@pytest.mark.claim("SQS-018", "SQS-602")
def test_quiet_minutes_are_read_when_somebody_asks(lake: Any, sqs: Any, url: str) -> None:
    """Nothing happens, but the messages grow older: nobody takes them."""
    send(sqs, url, "a")
    lake.clock.advance(minutes=5)
    ages = asked(lake, "ApproximateAgeOfOldestMessage", "Maximum")
    assert ages == [60, 120, 180, 240, 300, 300]
    assert asked(lake, "ApproximateNumberOfMessagesVisible", "Maximum") == [1] * 6
    lake.clock.advance(minutes=1)
    (message,) = receive(sqs, url)
    delete(sqs, url, message)
    lake.clock.advance(minutes=10)
    assert asked(lake, "ApproximateNumberOfMessagesVisible", "Maximum") == [1] * 6 + [0]
    assert asked(lake, "ApproximateAgeOfOldestMessage", "Maximum")[-1] == 0


@pytest.mark.claim("SQS-602")
def test_messages_that_nobody_can_work_off_have_no_part_in_the_age(lake: Any, sqs: Any, url: str) -> None:
    """Received three times: they are not what makes a queue late. Source: developer guide."""
    send(sqs, url, "poison")
    for _ in range(3):
        receive(sqs, url, VisibilityTimeout=0)
    lake.clock.advance(seconds=30)
    send(sqs, url, "fine")
    lake.clock.advance(seconds=30)
    assert asked(lake, "ApproximateAgeOfOldestMessage", "Maximum")[0] == 30


def test_groups_of_fifo_queues_that_are_being_worked_on(lake: Any, sqs: Any, fifo: str) -> None:
    for group in "abc":
        send(sqs, fifo, f"{group}1", f"{group}2", MessageGroupId=group)
    receive(sqs, fifo, 4)
    name = "ApproximateNumberOfGroupsWithInflightMessages"
    assert asked(lake, name, "Maximum", queue="orders.fifo") == [2]


def test_messages_that_fifo_queues_knew_already(lake: Any, sqs: Any, fifo: str) -> None:
    send(sqs, fifo, "a", "a", "b", MessageGroupId="g")
    assert asked(lake, "NumberOfMessagesSent", queue="orders.fifo") == [2]
    assert asked(lake, "NumberOfDeduplicatedSentMessages", queue="orders.fifo") == [1]


@pytest.mark.claim("SQS-601")
def test_dead_letters_that_are_moved_are_not_sent(lake: Any, sqs: Any, url: str) -> None:
    grave = sqs.create_queue(QueueName="grave")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=grave, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy})
    send(sqs, url, "poison")
    for _ in range(2):
        receive(sqs, url, VisibilityTimeout=0)
    assert len(receive(sqs, grave)) == 1
    assert asked(lake, "NumberOfMessagesSent", queue="grave") == []
    assert asked(lake, "NumberOfMessagesReceived", queue="grave") == [1]


def test_a_deleted_queue_says_nothing_more(lake: Any, sqs: Any, url: str) -> None:
    send(sqs, url, "a")
    lake.clock.advance(minutes=1)
    sqs.delete_queue(QueueUrl=url)
    lake.clock.advance(minutes=5)
    assert asked(lake, "ApproximateNumberOfMessagesVisible", "Maximum") == [1]
