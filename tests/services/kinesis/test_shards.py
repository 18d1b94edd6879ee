"""ListShards: pages, tokens, filters."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import refusal


@pytest.fixture
def ten(kinesis: Any) -> str:
    kinesis.create_stream(StreamName="ten", ShardCount=10)
    return "ten"


def numbers(answer: dict[str, Any]) -> list[int]:
    return [int(shard["ShardId"][-12:]) for shard in answer["Shards"]]


def test_shards_are_listed_in_pages(kinesis: Any, ten: str) -> None:
    first = kinesis.list_shards(StreamName=ten, MaxResults=4)
    second = kinesis.list_shards(NextToken=first["NextToken"], MaxResults=4)
    third = kinesis.list_shards(NextToken=second["NextToken"])
    assert numbers(first) + numbers(second) + numbers(third) == list(range(10))
    assert "NextToken" not in third


def test_a_token_names_the_stream_alone(kinesis: Any, ten: str) -> None:
    token = kinesis.list_shards(StreamName=ten, MaxResults=4)["NextToken"]
    assert refusal(kinesis.list_shards, StreamName=ten, NextToken=token) == (
        "InvalidArgumentException",
        "NextToken and StreamName cannot be provided together.",
    )
    assert refusal(kinesis.list_shards, NextToken=token + "x")[0] == "InvalidArgumentException"


def test_a_token_lives_for_five_minutes(lake: Any, kinesis: Any, ten: str) -> None:
    token = kinesis.list_shards(StreamName=ten, MaxResults=4)["NextToken"]
    lake.clock.advance(seconds=301)
    assert refusal(kinesis.list_shards, NextToken=token)[0] == "ExpiredNextTokenException"


def test_filters_choose_shards(lake: Any, kinesis: Any, ten: str) -> None:
    def kept(**shard_filter: Any) -> list[int]:
        return numbers(kinesis.list_shards(StreamName=ten, ShardFilter=shard_filter))

    everything = list(range(10))
    assert kept(Type="AT_LATEST") == everything
    assert kept(Type="AT_TRIM_HORIZON") == everything
    assert kept(Type="FROM_TRIM_HORIZON") == everything
    assert kept(Type="AFTER_SHARD_ID", ShardId="shardId-000000000007") == [8, 9]
    lake.clock.advance(hours=1)
    assert kept(Type="AT_TIMESTAMP", Timestamp=lake.clock.now()) == everything
    assert numbers(kinesis.list_shards(StreamName=ten, ExclusiveStartShardId="shardId-000000000004")) == [5, 6, 7, 8, 9]


@pytest.mark.parametrize(
    "shard_filter",
    [{"Type": "AFTER_SHARD_ID"}, {"Type": "AT_TIMESTAMP"}, {"Type": "AT_LATEST", "ShardId": "shardId-000000000000"}],
)
def test_a_filter_needs_what_its_type_says(kinesis: Any, ten: str, shard_filter: dict[str, Any]) -> None:
    assert refusal(kinesis.list_shards, StreamName=ten, ShardFilter=shard_filter)[0] == "InvalidArgumentException"
