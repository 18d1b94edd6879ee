"""Long polls: a receiver that waits gets the message as soon as it is there."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import Any
from urllib.parse import urlsplit

import pytest

from .conftest import bodies, counts, receive, refusal, send

PATIENCE = 10  # seconds of the machine


class Receivers:
    """Long polls under way, each in a thread; `waiting` returns when all of them stand in line."""

    def __init__(self, lake: Any, url: str) -> None:
        self._client = lake.client("sqs")
        self._url = url
        self._pool = ThreadPoolExecutor(8)

    def start(self, wait: int = 20, **more: Any) -> Future[list[Any]]:
        polling = self._pool.submit(receive, self._client, self._url, WaitTimeSeconds=wait, **more)
        deadline = time.monotonic() + 0.3
        while not polling.done() and time.monotonic() < deadline:
            threading.Event().wait(0.01)  # the request is on its way
        return polling


@pytest.fixture
def receivers(lake: Any, url: str) -> Receivers:
    return Receivers(lake, url)


def test_a_waiting_receiver_gets_the_message_at_once(sqs: Any, url: str, receivers: Receivers) -> None:
    polling = receivers.start()
    started = time.monotonic()
    send(sqs, url, "a")
    assert bodies(polling.result(PATIENCE)) == ["a"]
    assert time.monotonic() - started < 2
    assert counts(sqs, url) == (0, 1, 0)


def test_receivers_are_served_in_the_order_in_which_they_came(sqs: Any, url: str, receivers: Receivers) -> None:
    polling = [receivers.start() for _ in range(3)]
    for number, poll in enumerate(polling):
        send(sqs, url, str(number))
        assert bodies(poll.result(PATIENCE)) == [str(number)]


def test_one_batch_serves_many_receivers(sqs: Any, url: str, receivers: Receivers) -> None:
    polling = [receivers.start() for _ in range(3)]
    entries = [{"Id": str(n), "MessageBody": str(n)} for n in range(10)]
    sqs.send_message_batch(QueueUrl=url, Entries=entries)
    served = as_completed(polling, PATIENCE)
    assert len(next(served).result()) == 10
    send(sqs, url, "x")
    assert bodies(next(served).result()) == ["x"]
    send(sqs, url, "y")
    assert bodies(next(served).result()) == ["y"]


def test_what_comes_back_is_given_to_who_waits(lake: Any, sqs: Any, url: str, receivers: Receivers) -> None:
    send(sqs, url, "hidden", "delayed")
    receive(sqs, url, 1, VisibilityTimeout=15)
    receive(sqs, url, 1, VisibilityTimeout=3600)
    polling = receivers.start()
    lake.clock.advance(seconds=16)
    assert bodies(polling.result(PATIENCE)) == ["hidden"]


def test_what_is_hidden_while_others_wait_comes_back_to_them(
    lake: Any, sqs: Any, url: str, receivers: Receivers
) -> None:
    first, second = receivers.start(VisibilityTimeout=15), receivers.start()
    send(sqs, url, "a")
    assert bodies(first.result(PATIENCE)) == ["a"]
    lake.clock.advance(seconds=16)
    assert bodies(second.result(PATIENCE)) == ["a"]


def test_a_delayed_message_arrives_when_its_time_has_come(lake: Any, sqs: Any, url: str, receivers: Receivers) -> None:
    polling = receivers.start()
    send(sqs, url, "a", DelaySeconds=5)
    lake.clock.advance(seconds=6)
    assert bodies(polling.result(PATIENCE)) == ["a"]


def test_a_wait_ends_by_the_lakes_clock(lake: Any, receivers: Receivers) -> None:
    polling = receivers.start()
    lake.clock.advance(seconds=21)
    assert polling.result(PATIENCE) == []


def test_a_wait_ends_although_the_lakes_clock_stands(lake: Any, receivers: Receivers) -> None:
    lake.clock.freeze()
    assert receivers.start(wait=1).result(PATIENCE) == []


def test_the_queue_can_say_how_long_receivers_wait(lake: Any, sqs: Any, url: str) -> None:
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"ReceiveMessageWaitTimeSeconds": "1"})
    started = time.monotonic()
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    assert time.monotonic() - started > 0.9
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0)
    code, text = refusal(sqs.receive_message, QueueUrl=url, WaitTimeSeconds=21)
    assert (code, text.endswith("Must be >= 0 and <= 20, if provided.")) == ("InvalidParameterValue", True)


def test_a_receiver_of_a_deleted_queue_is_told(lake: Any, sqs: Any, url: str, receivers: Receivers) -> None:
    polling = receivers.start()
    sqs.delete_queue(QueueUrl=url)
    error = polling.exception(PATIENCE)
    assert error is not None
    assert "NonExistentQueue" in str(error)


def test_a_receiver_that_has_gone_gets_nothing(lake: Any, sqs: Any, url: str) -> None:
    """A message for a dead consumer would be hidden from the living ones."""
    address = urlsplit(lake.endpoint_url)
    body = f"Action=ReceiveMessage&Version=2012-11-05&WaitTimeSeconds=20&QueueUrl={url}"
    head = (
        f"POST / HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port)) as gone:  # type: ignore[arg-type]
        gone.sendall((head + body).encode())
        threading.Event().wait(0.2)
    threading.Event().wait(0.2)
    send(sqs, url, "a")
    assert bodies(receive(sqs, url)) == ["a"]


def test_a_group_that_is_free_again_wakes_who_waits(lake: Any, sqs: Any, fifo: str) -> None:
    send(sqs, fifo, "1", "2", MessageGroupId="g")
    (message,) = receive(sqs, fifo, 1)
    polling = Receivers(lake, fifo).start()
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=message["ReceiptHandle"])
    assert bodies(polling.result(PATIENCE)) == ["2"]
