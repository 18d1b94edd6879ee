"""Queues: names, attributes and their ranges, lists, deletion, tags, permissions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import attribute, counts, receive, refusal, send

GONE = ("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")


@pytest.mark.claim("SQS-007")
@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("plain", {"FifoQueue": "true"}),
        ("plain.fifo", {}),
        ("with space", {}),
        ("x" * 81, {}),
        ("", {}),
    ],
)
def test_a_name_must_fit_its_kind(sqs: Any, name: str, attributes: dict[str, str]) -> None:
    code, _ = refusal(sqs.create_queue, QueueName=name, Attributes=attributes)
    assert code == "InvalidParameterValue"


@pytest.mark.claim("SQS-007")
def test_the_kind_is_told_and_cannot_be_changed(sqs: Any, url: str, fifo: str) -> None:
    assert attribute(sqs, fifo, "FifoQueue") == "true"
    assert "FifoQueue" not in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    code, _ = refusal(sqs.set_queue_attributes, QueueUrl=url, Attributes={"FifoQueue": "true"})
    assert code == "InvalidAttributeName"


@pytest.mark.claim("SQS-019", "SQS-510", "SQS-513")
def test_defaults_are_those_of_aws(sqs: Any, url: str) -> None:
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    expected = {
        "VisibilityTimeout": "30",
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "DelaySeconds": "0",
        "ReceiveMessageWaitTimeSeconds": "0",
        "SqsManagedSseEnabled": "true",
    }
    assert expected.items() <= found.items()


@pytest.mark.claim("SQS-020", "SQS-511", "SQS-513", "SQS-518")
@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("VisibilityTimeout", 0, 43_200),
        ("MessageRetentionPeriod", 60, 1_209_600),
        ("MaximumMessageSize", 1_024, 1_048_576),
        ("DelaySeconds", 0, 900),
        ("ReceiveMessageWaitTimeSeconds", 0, 20),
    ],
)
def test_attributes_have_ranges(sqs: Any, url: str, name: str, least: int, most: int) -> None:
    for value in (least, most):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={name: str(value)})
        assert attribute(sqs, url, name) == str(value)
    for value in (least - 1, most + 1, "x", "\u00b2", "9" * 5000):
        found = refusal(sqs.set_queue_attributes, QueueUrl=url, Attributes={name: str(value)})
        assert found == ("InvalidAttributeValue", f"Invalid value for the parameter {name}.")
    assert attribute(sqs, url, name) == str(most)


def test_an_attribute_that_does_not_exist_is_refused_by_name(sqs: Any, url: str) -> None:
    expected = ("InvalidAttributeName", "Unknown Attribute Colour.")
    assert refusal(sqs.set_queue_attributes, QueueUrl=url, Attributes={"Colour": "red"}) == expected
    assert refusal(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["Colour"]) == expected
    assert refusal(sqs.receive_message, QueueUrl=url, AttributeNames=["Colour"]) == expected


@pytest.mark.claim("SQS-028")
def test_one_url_names_a_queue_in_every_call(sqs: Any, url: str) -> None:
    assert sqs.get_queue_url(QueueName="orders")["QueueUrl"] == url
    assert sqs.list_queues()["QueueUrls"] == [url]
    assert sqs.create_queue(QueueName="orders")["QueueUrl"] == url


def test_creating_again_with_other_attributes_is_refused(sqs: Any, url: str) -> None:
    code, message = refusal(sqs.create_queue, QueueName="orders", Attributes={"DelaySeconds": "3"})
    assert code == "QueueAlreadyExists"
    assert message == "A queue already exists with the same name and a different value for attribute DelaySeconds"


@pytest.mark.claim("SQS-027")
def test_an_unknown_queue_is_said_to_be_unknown(sqs: Any, url: str) -> None:
    assert refusal(sqs.purge_queue, QueueUrl=f"{url}-not") == GONE
    assert refusal(sqs.send_message, QueueUrl=f"{url}-not", MessageBody="x") == GONE
    assert refusal(sqs.get_queue_url, QueueName="orders-not") == GONE


def test_lists_come_in_pages_only_when_asked_to(sqs: Any) -> None:
    urls = [sqs.create_queue(QueueName=f"q{number}")["QueueUrl"] for number in range(5)]
    assert sqs.list_queues()["QueueUrls"] == urls
    first = sqs.list_queues(MaxResults=2)
    rest = sqs.list_queues(MaxResults=9, NextToken=first["NextToken"])
    assert first["QueueUrls"] + rest["QueueUrls"] == urls
    assert "NextToken" not in rest
    assert sqs.list_queues(QueueNamePrefix="q3")["QueueUrls"] == [urls[3]]


def test_a_deleted_queue_is_gone_and_its_name_taken_for_a_minute(lake: Any, sqs: Any, url: str) -> None:
    send(sqs, url, "a")
    sqs.delete_queue(QueueUrl=url)
    assert refusal(sqs.receive_message, QueueUrl=url) == GONE
    assert refusal(sqs.create_queue, QueueName="orders")[0] == "AWS.SimpleQueueService.QueueDeletedRecently"
    lake.clock.advance(seconds=61)
    assert sqs.create_queue(QueueName="orders")["QueueUrl"] == url
    assert counts(sqs, url) == (0, 0, 0)
    assert receive(sqs, url) == []


def test_queues_of_other_accounts_and_regions_are_others(lake: Any, sqs: Any, url: str) -> None:
    other = lake.client("sqs", account="111122223333")
    assert "QueueUrls" not in other.list_queues()
    elsewhere = lake.client("sqs", region="eu-west-1")
    assert refusal(elsewhere.send_message, QueueUrl=url, MessageBody="x") == GONE
    found = other.get_queue_url(QueueName="orders", QueueOwnerAWSAccountId="000000000000")
    assert found["QueueUrl"] == url
    send(other, url, "from the other account")
    assert counts(sqs, url) == (1, 0, 0)


def test_tags_are_kept_and_limited(sqs: Any, url: str) -> None:
    sqs.tag_queue(QueueUrl=url, Tags={"team": "red", "stage": ""})
    sqs.tag_queue(QueueUrl=url, Tags={"team": "blue"})
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "blue", "stage": ""}
    sqs.untag_queue(QueueUrl=url, TagKeys=["stage"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "blue"}
    too_many = {f"k{number}": "v" for number in range(50)}
    assert refusal(sqs.tag_queue, QueueUrl=url, Tags=too_many)[0] == "InvalidParameterValue"


def test_permissions_write_the_policy(sqs: Any, url: str) -> None:
    sqs.add_permission(QueueUrl=url, Label="l", AWSAccountIds=["111122223333"], Actions=["SendMessage"])
    policy = json.loads(attribute(sqs, url, "Policy"))
    assert policy["Statement"][0]["Principal"] == {"AWS": "arn:aws:iam::111122223333:root"}
    assert policy["Statement"][0]["Action"] == "SQS:SendMessage"
    sqs.remove_permission(QueueUrl=url, Label="l")
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
    assert refusal(sqs.remove_permission, QueueUrl=url, Label="l")[0] == "InvalidParameterValue"


def test_a_policy_that_is_none_is_refused(sqs: Any, url: str) -> None:
    for text in ("no json", "{}", '{"Statement": [{"Effect": "Perhaps"}]}'):
        code, _ = refusal(sqs.set_queue_attributes, QueueUrl=url, Attributes={"Policy": text})
        assert code == "InvalidAttributeValue"


def test_a_kms_key_is_said_to_be_missing(sqs: Any) -> None:
    code, message = refusal(sqs.create_queue, QueueName="secret", Attributes={"KmsMasterKeyId": "alias/mine"})
    assert code == "NotImplemented"
    assert "KmsMasterKeyId" in message
