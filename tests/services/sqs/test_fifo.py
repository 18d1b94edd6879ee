"""FIFO queues: order within groups, repeated sends, receipt handles that end, attempts."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import attribute, bodies, counts, delete, receive, refusal, send


@pytest.mark.claim("SQS-015", "SQS-509")
def test_a_group_comes_out_in_the_order_it_went_in(sqs: Any, fifo: str) -> None:
    sent = list(map(str, range(100)))
    numbers = [
        int(sqs.send_message(QueueUrl=fifo, MessageBody=body, MessageGroupId="g")["SequenceNumber"]) for body in sent
    ]
    assert numbers == sorted(set(numbers))
    found: list[str] = []
    while messages := receive(sqs, fifo, MessageSystemAttributeNames=["SequenceNumber"]):
        assert [int(m["Attributes"]["SequenceNumber"]) for m in messages] == numbers[len(found) : len(found) + 10]
        found += bodies(messages)
        delete(sqs, fifo, *messages)
    assert found == sent


@pytest.mark.claim("SQS-015", "SQS-509")
def test_a_group_waits_while_one_of_its_messages_is_in_flight(lake: Any, sqs: Any, fifo: str) -> None:
    send(sqs, fifo, "a1", "a2", "a3", MessageGroupId="a")
    send(sqs, fifo, "b1", MessageGroupId="b")
    (first, second) = receive(sqs, fifo, 2)
    assert bodies([first, second]) == ["a1", "a2"]
    assert bodies(receive(sqs, fifo)) == ["b1"]
    assert receive(sqs, fifo) == []
    delete(sqs, fifo, first)
    assert receive(sqs, fifo) == []
    delete(sqs, fifo, second)
    assert bodies(receive(sqs, fifo)) == ["a3"]
    lake.clock.advance(seconds=31)
    assert bodies(receive(sqs, fifo)) == ["a3", "b1"]


def test_what_comes_back_comes_before_the_rest_of_its_group(lake: Any, sqs: Any, fifo: str) -> None:
    send(sqs, fifo, "1", "2", "3", MessageGroupId="g")
    receive(sqs, fifo, 2, VisibilityTimeout=5)
    lake.clock.advance(seconds=6)
    assert bodies(receive(sqs, fifo)) == ["1", "2", "3"]


def test_one_receive_takes_from_several_groups_the_oldest_first(sqs: Any, fifo: str) -> None:
    for number in range(3):
        for group in "ab":
            send(sqs, fifo, f"{group}{number}", MessageGroupId=group)
    assert bodies(receive(sqs, fifo)) == ["a0", "a1", "a2", "b0", "b1", "b2"]


@pytest.mark.claim("SQS-013", "SQS-508")
@pytest.mark.parametrize("more", [{"MessageDeduplicationId": "id"}, {}], ids=["id", "content"])
def test_a_repeated_send_is_dropped_for_five_minutes(lake: Any, sqs: Any, fifo: str, more: dict[str, str]) -> None:
    first = sqs.send_message(QueueUrl=fifo, MessageBody="a", MessageGroupId="g", **more)
    delete(sqs, fifo, *receive(sqs, fifo))
    lake.clock.advance(seconds=290)
    again = sqs.send_message(QueueUrl=fifo, MessageBody="a", MessageGroupId="other", **more)
    for member in ("MessageId", "SequenceNumber"):
        assert again[member] == first[member]
    assert counts(sqs, fifo) == (0, 0, 0)
    lake.clock.advance(seconds=11)
    later = sqs.send_message(QueueUrl=fifo, MessageBody="a", MessageGroupId="g", **more)
    assert later["MessageId"] != first["MessageId"]
    assert counts(sqs, fifo) == (1, 0, 0)


def test_deduplication_can_have_the_scope_of_a_group(sqs: Any, fifo: str) -> None:
    settings = {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    sqs.set_queue_attributes(QueueUrl=fifo, Attributes=settings)
    for group in ("a", "b", "a"):
        send(sqs, fifo, "same", MessageGroupId=group)
    assert counts(sqs, fifo) == (2, 0, 0)


def test_high_throughput_needs_the_scope_of_a_group(sqs: Any, fifo: str) -> None:
    code, _ = refusal(sqs.set_queue_attributes, QueueUrl=fifo, Attributes={"FifoThroughputLimit": "perMessageGroupId"})
    assert code == "InvalidAttributeValue"
    assert attribute(sqs, fifo, "FifoThroughputLimit") == "perQueue"


def test_a_group_and_a_deduplication_id_are_asked_for(sqs: Any, fifo: str) -> None:
    assert refusal(sqs.send_message, QueueUrl=fifo, MessageBody="a") == (
        "MissingParameter",
        "The request must contain the parameter MessageGroupId.",
    )
    sqs.set_queue_attributes(QueueUrl=fifo, Attributes={"ContentBasedDeduplication": "false"})
    assert refusal(sqs.send_message, QueueUrl=fifo, MessageBody="a", MessageGroupId="g") == (
        "InvalidParameterValue",
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
    )
    for group in ("", "x" * 129, "a b", "ü"):
        request = {"QueueUrl": fifo, "MessageBody": "a", "MessageGroupId": group, "MessageDeduplicationId": "d"}
        assert refusal(sqs.send_message, **request)[0] == "InvalidParameterValue"


def test_messages_of_a_fifo_queue_have_no_timers_of_their_own(lake: Any, sqs: Any, fifo: str) -> None:
    request = {"QueueUrl": fifo, "MessageBody": "a", "MessageGroupId": "g"}
    assert refusal(sqs.send_message, **request, DelaySeconds=2) == (
        "InvalidParameterValue",
        "Value 2 for parameter DelaySeconds is invalid. Reason: "
        "The request include parameter that is not valid for this queue type.",
    )
    sqs.set_queue_attributes(QueueUrl=fifo, Attributes={"DelaySeconds": "60"})
    send(sqs, fifo, "a", "b", MessageGroupId="g")
    assert (counts(sqs, fifo), receive(sqs, fifo)) == ((0, 0, 2), [])
    sqs.set_queue_attributes(QueueUrl=fifo, Attributes={"DelaySeconds": "30"})  # counts for those that wait, too
    lake.clock.advance(seconds=31)
    assert bodies(receive(sqs, fifo)) == ["a", "b"]


def test_a_receipt_handle_ends_with_its_timeout(lake: Any, sqs: Any, fifo: str) -> None:
    send(sqs, fifo, "a", MessageGroupId="g")
    (message,) = receive(sqs, fifo, VisibilityTimeout=2)
    lake.clock.advance(seconds=3)
    code, text = refusal(sqs.delete_message, QueueUrl=fifo, ReceiptHandle=message["ReceiptHandle"])
    assert (code, text.endswith("Reason: The receipt handle has expired.")) == ("InvalidParameterValue", True)
    (again,) = receive(sqs, fifo)
    assert refusal(sqs.delete_message, QueueUrl=fifo, ReceiptHandle=message["ReceiptHandle"])[0] == code
    delete(sqs, fifo, again)
    assert counts(sqs, fifo) == (0, 0, 0)


def test_an_attempt_that_is_repeated_gets_the_same_messages(lake: Any, sqs: Any, fifo: str) -> None:
    send(sqs, fifo, "a", "b", MessageGroupId="g")
    first = receive(sqs, fifo, ReceiveRequestAttemptId="try")
    lake.clock.advance(seconds=20)
    again = receive(sqs, fifo, ReceiveRequestAttemptId="try")
    assert again == first
    lake.clock.advance(seconds=20)  # the repetition has hidden them anew
    assert receive(sqs, fifo) == []
    delete(sqs, fifo, *again)
    assert receive(sqs, fifo, ReceiveRequestAttemptId="try") == []


def test_messages_of_a_group_expire_and_the_next_one_leads(lake: Any, sqs: Any, fifo: str) -> None:
    sqs.set_queue_attributes(QueueUrl=fifo, Attributes={"MessageRetentionPeriod": "60"})
    send(sqs, fifo, "old", MessageGroupId="g")
    lake.clock.advance(seconds=40)
    send(sqs, fifo, "young", MessageGroupId="g")
    lake.clock.advance(seconds=30)
    assert bodies(receive(sqs, fifo)) == ["young"]
