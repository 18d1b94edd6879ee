"""What the tests of SQS share: a client, queues, and the short forms of what is asked most."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError


@pytest.fixture
def sqs(lake: Any) -> Any:
    """As boto3 makes it, but it neither checks nor repeats: what the server says is what the test sees."""
    return lake.client("sqs", config=Config(parameter_validation=False, retries={"total_max_attempts": 1}))


@pytest.fixture
def url(sqs: Any) -> str:
    """A standard queue."""
    return sqs.create_queue(QueueName="orders")["QueueUrl"]


@pytest.fixture
def fifo(sqs: Any) -> str:
    """A FIFO queue that tells messages apart by their bodies."""
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    return sqs.create_queue(QueueName="orders.fifo", Attributes=attributes)["QueueUrl"]


def send(sqs: Any, url: str, *bodies: str, **more: Any) -> list[str]:
    """IDs of the messages, sent one by one."""
    return [sqs.send_message(QueueUrl=url, MessageBody=body, **more)["MessageId"] for body in bodies]


def receive(sqs: Any, url: str, limit: int = 10, **more: Any) -> list[dict[str, Any]]:
    return sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=limit, **more).get("Messages", [])


def bodies(messages: list[dict[str, Any]]) -> list[str]:
    return [message["Body"] for message in messages]


def delete(sqs: Any, url: str, *messages: dict[str, Any]) -> None:
    for message in messages:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def counts(sqs: Any, url: str) -> tuple[int, int, int]:
    """Ready, in flight, delayed."""
    names = ["", "NotVisible", "Delayed"]
    asked = [f"ApproximateNumberOfMessages{name}" for name in names]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=asked)["Attributes"]
    ready, in_flight, delayed = (int(found[name]) for name in asked)
    return ready, in_flight, delayed


def attribute(sqs: Any, url: str, name: str) -> str:
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name]


def arn(sqs: Any, url: str) -> str:
    return attribute(sqs, url, "QueueArn")


def refusal(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    """Code and message with which the call is refused."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]
