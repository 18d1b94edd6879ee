"""Dead-letter queues and the tasks that move dead letters back."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from .conftest import arn, attribute, bodies, counts, receive, refusal, send


def redrive(target: str, count: int | str = 2) -> dict[str, str]:
    return {"RedrivePolicy": json.dumps({"deadLetterTargetArn": target, "maxReceiveCount": count})}


@pytest.fixture
def dead(sqs: Any) -> str:
    return sqs.create_queue(QueueName="dead")["QueueUrl"]


@pytest.fixture
def source(sqs: Any, url: str, dead: str) -> str:
    """A queue whose messages are dead after two receives."""
    sqs.set_queue_attributes(QueueUrl=url, Attributes={**redrive(arn(sqs, dead)), "VisibilityTimeout": "0"})
    return url


def kill(sqs: Any, source: str, *letters: str, **more: Any) -> list[str]:
    identities = send(sqs, source, *letters, **more)
    for _ in range(3):
        receive(sqs, source)
    return identities


@pytest.mark.claim("SQS-001", "SQS-003", "SQS-004", "SQS-022")
def test_a_message_dies_when_it_has_been_received_too_often(sqs: Any, source: str, dead: str) -> None:
    (identity,) = send(sqs, source, "poison")
    for count in ("1", "2"):
        (message,) = receive(sqs, source, AttributeNames=["ApproximateReceiveCount"])
        assert message["Attributes"]["ApproximateReceiveCount"] == count
    assert receive(sqs, source) == []
    assert counts(sqs, source) == (0, 0, 0)
    (letter,) = receive(sqs, dead, AttributeNames=["All"])
    assert (letter["MessageId"], letter["Body"]) == (identity, "poison")
    assert letter["Attributes"]["DeadLetterQueueSourceArn"] == arn(sqs, source)
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [source]


@pytest.mark.claim("SQS-003")
def test_a_dead_letter_keeps_the_age_it_had(lake: Any, sqs: Any, source: str, dead: str) -> None:
    send(sqs, source, "poison")
    lake.clock.advance(days=3)
    for _ in range(3):
        receive(sqs, source)
    assert counts(sqs, dead) == (1, 0, 0)
    lake.clock.advance(days=1, seconds=1)
    assert counts(sqs, dead) == (0, 0, 0)


def test_the_living_are_received_where_the_dead_leave(sqs: Any, source: str, dead: str) -> None:
    send(sqs, source, "poison")
    receive(sqs, source)
    receive(sqs, source)
    send(sqs, source, "alive")
    assert bodies(receive(sqs, source)) == ["alive"]
    assert bodies(receive(sqs, dead)) == ["poison"]


@pytest.mark.claim("SQS-023")
def test_a_dead_letter_queue_is_of_its_sources_kind(sqs: Any, url: str, fifo: str) -> None:
    for queue, target in ((url, fifo), (fifo, url)):
        found = refusal(sqs.set_queue_attributes, QueueUrl=queue, Attributes=redrive(arn(sqs, target)))
        assert found[0] == "InvalidParameterValue"
    other = sqs.create_queue(QueueName="dead.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=fifo, Attributes=redrive(arn(sqs, other)))


@pytest.mark.claim("SQS-003")
def test_the_count_of_receives_has_a_range(sqs: Any, url: str, dead: str) -> None:
    target = arn(sqs, dead)
    for count in (0, 1001, "many", True, "\u00b2", "9" * 5000):
        found = refusal(sqs.set_queue_attributes, QueueUrl=url, Attributes=redrive(target, count))  # type: ignore[arg-type]
        assert found[0] == "InvalidParameterValue"
    for count in (1, 1000, "7"):
        sqs.set_queue_attributes(QueueUrl=url, Attributes=redrive(target, count))
        assert json.loads(attribute(sqs, url, "RedrivePolicy"))["maxReceiveCount"] == int(count)
    text = '{"deadLetterTargetArn": "dummy", "maxReceiveCount": 42}'
    assert refusal(sqs.set_queue_attributes, QueueUrl=url, Attributes={"RedrivePolicy": text}) == (
        "InvalidParameterValue",
        f"Value {text} for parameter RedrivePolicy is invalid. Reason: Invalid value for deadLetterTargetArn.",
    )


def test_a_dead_letter_queue_says_who_may_use_it(sqs: Any, url: str, dead: str) -> None:
    def allow(**policy: Any) -> None:
        sqs.set_queue_attributes(QueueUrl=dead, Attributes={"RedriveAllowPolicy": json.dumps(policy)})

    target = arn(sqs, dead)
    allow(redrivePermission="denyAll")
    assert refusal(sqs.set_queue_attributes, QueueUrl=url, Attributes=redrive(target))[0] == "InvalidParameterValue"
    allow(redrivePermission="byQueue", sourceQueueArns=["arn:aws:sqs:us-east-1:000000000000:another"])
    assert refusal(sqs.set_queue_attributes, QueueUrl=url, Attributes=redrive(target))[0] == "InvalidParameterValue"
    allow(redrivePermission="byQueue", sourceQueueArns=[arn(sqs, url)])
    sqs.set_queue_attributes(QueueUrl=url, Attributes=redrive(target))


def test_a_poisoned_group_goes_on_without_its_poison(sqs: Any, fifo: str) -> None:
    dead = sqs.create_queue(QueueName="dead.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=fifo, Attributes={**redrive(arn(sqs, dead), 1), "VisibilityTimeout": "0"})
    send(sqs, fifo, "poison", MessageGroupId="g")
    assert bodies(receive(sqs, fifo)) == ["poison"]
    send(sqs, fifo, "next", MessageGroupId="g")
    assert bodies(receive(sqs, fifo)) == ["next"]
    assert bodies(receive(sqs, dead)) == ["poison"]


def test_groups_behind_a_group_of_dead_letters_have_their_turn(sqs: Any, fifo: str) -> None:
    dead = sqs.create_queue(QueueName="dead.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=fifo, Attributes={**redrive(arn(sqs, dead), 1), "VisibilityTimeout": "0"})
    send(sqs, fifo, "poison", MessageGroupId="a", MessageDeduplicationId="1")
    assert bodies(receive(sqs, fifo)) == ["poison"]
    send(sqs, fifo, "good", MessageGroupId="b", MessageDeduplicationId="2")
    assert bodies(receive(sqs, fifo, 1)) == ["good"]
    assert counts(sqs, dead)[0] == 1


def test_a_task_moves_dead_letters_back_as_new_messages(lake: Any, sqs: Any, source: str, dead: str) -> None:
    before = kill(sqs, source, "a", "b")
    assert counts(sqs, dead) == (2, 0, 0)
    sqs.start_message_move_task(SourceArn=arn(sqs, dead))
    lake.clock.advance(seconds=2)
    assert (counts(sqs, dead), counts(sqs, source)) == ((0, 0, 0), (2, 0, 0))
    moved = receive(sqs, source, AttributeNames=["ApproximateReceiveCount"])
    assert bodies(moved) == ["a", "b"]
    assert not {message["MessageId"] for message in moved} & set(before)
    assert [message["Attributes"]["ApproximateReceiveCount"] for message in moved] == ["1", "1"]
    (task,) = sqs.list_message_move_tasks(SourceArn=arn(sqs, dead))["Results"]
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 2)
    assert "TaskHandle" not in task


def test_a_task_keeps_its_pace_until_it_is_cancelled(lake: Any, sqs: Any, source: str, dead: str) -> None:
    kill(sqs, source, *"abcdefgh")
    elsewhere = sqs.create_queue(QueueName="elsewhere")["QueueUrl"]
    task = {"SourceArn": arn(sqs, dead), "DestinationArn": arn(sqs, elsewhere), "MaxNumberOfMessagesPerSecond": 1}
    lake.clock.freeze()
    handle = sqs.start_message_move_task(**task)["TaskHandle"]
    assert refusal(sqs.start_message_move_task, **task)[1].startswith("There is already a task running.")
    lake.clock.advance(seconds=2.5)
    (listed,) = sqs.list_message_move_tasks(SourceArn=arn(sqs, dead))["Results"]
    assert (listed["Status"], listed["TaskHandle"]) == ("RUNNING", handle)
    assert sqs.cancel_message_move_task(TaskHandle=handle)["ApproximateNumberOfMessagesMoved"] == 3
    lake.clock.advance(seconds=60)
    assert (counts(sqs, elsewhere), counts(sqs, dead)) == ((3, 0, 0), (5, 0, 0))
    assert sqs.list_message_move_tasks(SourceArn=arn(sqs, dead))["Results"][0]["Status"] == "CANCELLED"


def test_a_task_fails_with_its_destination(lake: Any, sqs: Any, source: str, dead: str) -> None:
    kill(sqs, source, *"abcd")
    elsewhere = sqs.create_queue(QueueName="elsewhere")["QueueUrl"]
    lake.clock.freeze()
    sqs.start_message_move_task(
        SourceArn=arn(sqs, dead), DestinationArn=arn(sqs, elsewhere), MaxNumberOfMessagesPerSecond=1
    )
    lake.clock.advance(seconds=1.5)
    sqs.delete_queue(QueueUrl=elsewhere)
    lake.clock.advance(seconds=10)
    (task,) = sqs.list_message_move_tasks(SourceArn=arn(sqs, dead))["Results"]
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "AWS.SimpleQueueService.NonExistentQueue")
    assert counts(sqs, dead)[0] == 4 - task["ApproximateNumberOfMessagesMoved"]


def test_tasks_are_refused_in_awss_words(sqs: Any, url: str, source: str, dead: str) -> None:
    assert refusal(sqs.start_message_move_task, SourceArn=arn(sqs, source)) == (
        "InvalidParameterValue",
        "Source queue must be configured as a Dead Letter Queue.",
    )
    missing = arn(sqs, dead) + "-not"
    assert refusal(sqs.start_message_move_task, SourceArn=arn(sqs, dead), DestinationArn=missing) == (
        "ResourceNotFoundException",
        "The resource that you specified for the DestinationArn parameter doesn't exist.",
    )
    handle = base64.b64encode(json.dumps({"taskId": "x", "sourceArn": arn(sqs, dead)}).encode()).decode()
    assert refusal(sqs.cancel_message_move_task, TaskHandle=handle)[1] == "Task does not exist."
    assert refusal(sqs.cancel_message_move_task, TaskHandle="x")[1] == "Value for parameter TaskHandle is invalid."
