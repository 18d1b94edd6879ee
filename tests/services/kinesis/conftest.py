"""What the tests of Kinesis share: a client, a stream, and reading a shard to its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

SHARD = "shardId-000000000000"


@pytest.fixture
def kinesis(lake: Any) -> Any:
    """As boto3 makes it, but it neither checks nor repeats: what the server says is what the test sees."""
    return lake.client("kinesis", config=Config(parameter_validation=False, retries={"total_max_attempts": 1}))


@pytest.fixture
def stream(kinesis: Any) -> str:
    """A stream of one shard."""
    kinesis.create_stream(StreamName="flights", ShardCount=1)
    return "flights"


def iterator(kinesis: Any, stream: str, kind: str = "TRIM_HORIZON", shard: str = SHARD, **more: Any) -> str:
    answer = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType=kind, **more)
    return answer["ShardIterator"]


def read(kinesis: Any, stream: str, kind: str = "TRIM_HORIZON", shard: str = SHARD, **more: Any) -> list[Any]:
    """One page of records."""
    return kinesis.get_records(ShardIterator=iterator(kinesis, stream, kind, shard, **more))["Records"]


def data(records: list[Any]) -> list[bytes]:
    return [record["Data"] for record in records]


def refusal(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    """Code and message with which the call is refused."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]
