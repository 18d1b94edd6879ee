"""Registered consumers: made, named, listed, limited, gone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import refusal

NOBODY = "arn:aws:kinesis:us-east-1:000000000000:stream/flights/consumer/nobody:1"


@pytest.fixture
def arn(kinesis: Any, stream: str) -> str:
    """Of a stream of one shard."""
    return str(kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamARN"])


def register(kinesis: Any, arn: str, name: str, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName=name, **more)["Consumer"]
    return answer


def status(kinesis: Any, consumer: dict[str, Any]) -> str:
    described = kinesis.describe_stream_consumer(ConsumerARN=consumer["ConsumerARN"])["ConsumerDescription"]
    return str(described["ConsumerStatus"])


def test_a_consumer_is_created_then_active_on_the_lakes_clock(kinesis: Any, arn: str, lake: Any) -> None:
    lake.clock.freeze("2030-05-01T12:00:00Z")
    consumer = register(kinesis, arn, "billing")
    assert consumer["ConsumerARN"] == f"{arn}/consumer/billing:{int(lake.clock.now().timestamp())}"
    assert consumer["ConsumerCreationTimestamp"] == lake.clock.now()
    assert (consumer["ConsumerStatus"], status(kinesis, consumer)) == ("CREATING", "CREATING")
    lake.clock.advance(seconds=1)
    assert status(kinesis, consumer) == "ACTIVE"


def test_a_consumer_is_found_by_arn_or_by_name_if_they_agree(kinesis: Any, arn: str) -> None:
    consumer = register(kinesis, arn, "billing")["ConsumerARN"]
    describe = kinesis.describe_stream_consumer
    for request in (
        {"ConsumerARN": consumer},
        {"StreamARN": arn, "ConsumerName": "billing"},
        {"ConsumerARN": consumer, "StreamARN": arn, "ConsumerName": "billing"},
    ):
        found = describe(**request)["ConsumerDescription"]
        assert (found["ConsumerName"], found["StreamARN"]) == ("billing", arn)
    assert refusal(describe, ConsumerARN=consumer, ConsumerName="other")[0] == "InvalidArgumentException"
    assert refusal(describe, ConsumerName="billing")[0] == "InvalidArgumentException"
    assert refusal(describe, StreamARN=arn, ConsumerName="nobody")[0] == "ResourceNotFoundException"
    assert refusal(describe, ConsumerARN=NOBODY) == (
        "ResourceNotFoundException",
        f"Consumer {NOBODY}, account 000000000000 not found.",
    )


def test_a_consumer_made_anew_has_another_arn(kinesis: Any, arn: str, lake: Any) -> None:
    first = register(kinesis, arn, "billing")
    assert refusal(kinesis.register_stream_consumer, StreamARN=arn, ConsumerName="billing")[0] == (
        "ResourceInUseException"
    )
    kinesis.deregister_stream_consumer(StreamARN=arn, ConsumerName="billing")
    lake.clock.advance(seconds=5)
    second = register(kinesis, arn, "billing")
    assert second["ConsumerARN"] != first["ConsumerARN"]
    code, _ = refusal(kinesis.describe_stream_consumer, ConsumerARN=first["ConsumerARN"])
    assert code == "ResourceNotFoundException"


@pytest.mark.claim("KDS-018")
def test_at_most_twenty_consumers_on_a_stream_and_five_in_creation(kinesis: Any, arn: str, lake: Any) -> None:
    lake.clock.freeze()
    for number in range(20):
        if number % 5 == 0:
            lake.clock.advance(seconds=2)
        register(kinesis, arn, f"c{number}")
    lake.clock.advance(seconds=2)
    code, message = refusal(kinesis.register_stream_consumer, StreamARN=arn, ConsumerName="one-more")
    assert (code, "20" in message) == ("LimitExceededException", True)
    kinesis.deregister_stream_consumer(StreamARN=arn, ConsumerName="c0")
    register(kinesis, arn, "one-more")


@pytest.mark.claim("KDS-018")
def test_on_demand_advantage_allows_fifty_consumers(kinesis: Any, lake: Any) -> None:
    lake.clock.freeze()
    kinesis.update_account_settings(MinimumThroughputBillingCommitment={"Status": "ENABLED"})
    kinesis.create_stream(StreamName="flights", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    lake.clock.advance(seconds=2)
    arn = kinesis.describe_stream_summary(StreamName="flights")["StreamDescriptionSummary"]["StreamARN"]
    for number in range(50):
        if number % 5 == 0:
            lake.clock.advance(seconds=2)
        register(kinesis, arn, f"c{number}")
    lake.clock.advance(seconds=2)
    code, message = refusal(kinesis.register_stream_consumer, StreamARN=arn, ConsumerName="one-more")
    assert (code, "50" in message) == ("LimitExceededException", True)


def test_a_sixth_consumer_waits_until_one_of_five_is_made(kinesis: Any, arn: str, lake: Any) -> None:
    lake.clock.freeze()
    for number in range(5):
        register(kinesis, arn, f"c{number}")
    lake.clock.advance(seconds=0.5)  # two calls of the five a second are there again
    code, message = refusal(kinesis.register_stream_consumer, StreamARN=arn, ConsumerName="c5")
    assert (code, "CREATING" in message) == ("LimitExceededException", True)
    lake.clock.advance(seconds=0.5)
    register(kinesis, arn, "c5")


@pytest.mark.parametrize(
    ("operation", "rate"),
    [("list_stream_consumers", 5), ("describe_stream_consumer", 20), ("register_stream_consumer", 5)],
)
def test_rates_of_the_control_plane(kinesis: Any, arn: str, lake: Any, operation: str, rate: int) -> None:
    register(kinesis, arn, "billing")
    lake.clock.freeze()
    lake.clock.advance(seconds=5)
    ask = getattr(kinesis, operation)
    request: dict[str, Any] = {"StreamARN": arn}
    for number in range(rate + 1):
        if operation != "list_stream_consumers":
            request["ConsumerName"] = f"c{number}" if operation.startswith("register") else "billing"
        if number < rate:
            ask(**request)
    code, message = refusal(ask, **request)
    assert (code, message) == ("LimitExceededException", "Rate exceeded for stream flights under account 000000000000.")


def test_consumers_are_listed_by_name_in_pages(kinesis: Any, arn: str, lake: Any) -> None:
    lake.clock.freeze()
    for name in ("c", "a", "b"):
        register(kinesis, arn, name)
    first = kinesis.list_stream_consumers(StreamARN=arn, MaxResults=2)
    second = kinesis.list_stream_consumers(StreamARN=arn, NextToken=first["NextToken"])
    names = [consumer["ConsumerName"] for page in (first, second) for consumer in page["Consumers"]]
    assert names == ["a", "b", "c"]
    assert "NextToken" not in second
    ask = kinesis.list_stream_consumers
    assert refusal(ask, StreamARN=arn, NextToken="x")[0] == "InvalidArgumentException"
    lake.clock.advance(seconds=301)
    assert refusal(ask, StreamARN=arn, NextToken=first["NextToken"])[0] == "ExpiredNextTokenException"
    assert refusal(ask, StreamARN=arn, StreamCreationTimestamp=1)[0] == "ResourceNotFoundException"


def test_consumers_have_tags_and_policies_of_their_own(kinesis: Any, arn: str) -> None:
    consumer = register(kinesis, arn, "billing", Tags={"team": "money"})["ConsumerARN"]
    kinesis.tag_resource(ResourceARN=consumer, Tags={"stage": "test"})
    kinesis.untag_resource(ResourceARN=consumer, TagKeys=["team"])
    assert kinesis.list_tags_for_resource(ResourceARN=consumer)["Tags"] == [{"Key": "stage", "Value": "test"}]
    assert kinesis.list_tags_for_resource(ResourceARN=arn)["Tags"] == []
    statement = {"Effect": "Allow", "Principal": "*", "Action": "kinesis:SubscribeToShard", "Resource": consumer}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    kinesis.put_resource_policy(ResourceARN=consumer, Policy=policy)
    assert kinesis.get_resource_policy(ResourceARN=consumer)["Policy"] == policy
    assert kinesis.get_resource_policy(ResourceARN=arn)["Policy"] == "{}"
    kinesis.delete_resource_policy(ResourceARN=consumer)
    assert refusal(kinesis.delete_resource_policy, ResourceARN=consumer)[0] == "ResourceNotFoundException"


def test_a_stream_with_consumers_is_deleted_only_with_them(kinesis: Any, arn: str, stream: str) -> None:
    register(kinesis, arn, "billing")
    summary = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    assert summary["ConsumerCount"] == 1
    assert refusal(kinesis.delete_stream, StreamName=stream)[0] == "ResourceInUseException"
    kinesis.delete_stream(StreamName=stream, EnforceConsumerDeletion=True)
    kinesis.create_stream(StreamName=stream, ShardCount=1)
    assert kinesis.list_stream_consumers(StreamARN=arn)["Consumers"] == []
