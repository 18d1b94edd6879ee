"""Event streams are what botocore reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from botocore.model import ServiceModel as BotocoreModel
from botocore.parsers import create_parser
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketlake.gateway.model import load
from pocketlake.gateway.protocol import eventstream
from pocketlake.kernel.errors import ServiceError


async def events(*given: Any) -> AsyncIterator[dict[str, Any]]:
    for one in given:
        if isinstance(one, Exception):
            raise one
        yield one


def sent(service: str, operation: str, output: dict[str, Any]) -> bytes:
    response = load(service).operation(operation).respond(output, "r")
    assert dict(response.headers)["Content-Type"] == "application/vnd.amazon.eventstream"

    async def collect() -> bytes:
        return b"".join([piece async for piece in response.body])  # type: ignore[union-attr]

    return asyncio.run(collect())


def received(service: str, operation: str, data: bytes) -> list[tuple[str, dict[str, Any]]]:
    model = load(service)
    shape = BotocoreModel(model._raw, service).operation_model(operation).output_shape
    parser = create_parser(model.protocol)._event_stream_parser
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    stream = shape.members[shape.event_stream_name]
    found = []
    for event in buffer:
        answer = event.to_response_dict()
        kind = answer["headers"].get(":event-type") or answer["headers"].get(":exception-type")
        found.append((kind, parser.parse(answer, shape if kind == "initial-response" else stream)))
    return found


def test_subscription_begins_with_the_initial_response() -> None:
    record = {"SequenceNumber": "1", "Data": b"\x00d", "PartitionKey": "k", "ApproximateArrivalTimestamp": 1.8e9}
    event = {"Records": [record], "ContinuationSequenceNumber": "1", "MillisBehindLatest": 0}
    data = sent("kinesis", "SubscribeToShard", {"EventStream": events({"SubscribeToShardEvent": event})})
    (first, _), (kind, parsed) = received("kinesis", "SubscribeToShard", data)
    assert (first, kind) == ("initial-response", "SubscribeToShardEvent")
    assert parsed["SubscribeToShardEvent"]["Records"][0]["Data"] == b"\x00d"


def test_selection_sends_bytes_and_documents() -> None:
    stats = {"Details": {"BytesScanned": 10, "BytesProcessed": 10, "BytesReturned": 3}}
    data = sent(
        "s3",
        "SelectObjectContent",
        {"Payload": events({"Records": {"Payload": b"a,b"}}, {"Stats": stats}, {"End": {}})},
    )
    found = received("s3", "SelectObjectContent", data)
    assert [kind for kind, _ in found] == ["Records", "Stats", "End"]
    assert found[0][1]["Records"]["Payload"] == b"a,b"
    assert found[1][1]["Stats"]["Details"]["BytesScanned"] == 10


def test_modelled_error_within_a_stream_is_an_exception() -> None:
    data = sent("kinesis", "SubscribeToShard", {"EventStream": events(ServiceError("ResourceNotFoundException", "x"))})
    _, rest = eventstream.decode(data)
    message, end = eventstream.decode(rest)
    assert message.headers[":message-type"] == "exception"
    assert message.headers[":exception-type"] == "ResourceNotFoundException"
    assert end == b""


HEADERS = st.dictionaries(
    st.text("abc-:", min_size=1, max_size=20),
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=30) | st.binary(max_size=30),
    max_size=5,
)


@settings(max_examples=80, deadline=None, derandomize=True, database=None)
@given(HEADERS, st.binary(max_size=200))
def test_message_survives_the_way_there_and_back(headers: dict[str, Any], payload: bytes) -> None:
    message, rest = eventstream.decode(eventstream.encode(headers, payload) + b"next")
    assert (message.headers, message.payload, rest) == (headers, payload, b"next")


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.binary(max_size=60), st.integers(0, 40), st.integers(0, 255))
def test_broken_message_is_a_value_error(noise: bytes, at: int, byte: int) -> None:
    data = bytearray(eventstream.encode({"name": "value"}, b"payload"))
    at %= len(data)
    if data[at] != byte:
        data[at] = byte
        with pytest.raises(ValueError):
            eventstream.decode(bytes(data))
    with pytest.raises(ValueError):
        eventstream.decode(noise)
