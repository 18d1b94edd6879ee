"""How often streams may be listed and described."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import make, refusal
from .stream_reader import specification


@pytest.mark.claim("DDB-611")
def test_descriptions_and_lists_have_rates(lake: Any, dynamodb: Any, streams: Any) -> None:
    make(dynamodb, "things", "p:S", StreamSpecification=specification())
    arn = dynamodb.describe_table(TableName="things")["Table"]["LatestStreamArn"]
    lake.clock.freeze()
    for _ in range(10):
        streams.describe_stream(StreamArn=arn)
    assert refusal(streams.describe_stream, StreamArn=arn)[0] == "ThrottlingException"
    for _ in range(5):
        streams.list_streams()
    assert refusal(streams.list_streams)[0] == "ThrottlingException"
    lake.clock.advance(1)
    streams.describe_stream(StreamArn=arn)
    streams.list_streams()
