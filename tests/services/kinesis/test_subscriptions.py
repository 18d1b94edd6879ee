"""Subscriptions, read by botocore's own event-stream parser; one by raw bytes, for the form of CBOR."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import cbor2
import pytest
from botocore.config import Config
from botocore.exceptions import EventStreamError, SSLError

import pocketlake
from pocketlake.embedded import EmbeddedLake, _Serving
from pocketlake.gateway.protocol import cbor, eventstream
from pocketlake.kernel.config import Config as LakeConfig

from .conftest import SHARD, data, iterator, refusal

MIB = 1024 * 1024
Consumer = Callable[..., str]


@pytest.fixture
def kinesis(lake: Any) -> Any:
    """As in conftest; a silent event stream fails the test instead of holding it."""
    retries = {"total_max_attempts": 1}
    return lake.client("kinesis", config=Config(parameter_validation=False, retries=retries, read_timeout=20))


@pytest.fixture
def consumer(kinesis: Any, stream: str, lake: Any) -> Consumer:
    """Registers a consumer, waits until it is ACTIVE, and gives its ARN."""

    def make(name: str = "billing") -> str:
        return registered(kinesis, lake, stream, name)

    return make


def registered(kinesis: Any, lake: Any, stream: str, name: str) -> str:
    summary = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    made = kinesis.register_stream_consumer(StreamARN=summary["StreamARN"], ConsumerName=name)["Consumer"]
    lake.clock.advance(seconds=1)
    return str(made["ConsumerARN"])


def subscribe(kinesis: Any, arn: str, kind: str = "LATEST", shard: str = SHARD, **more: Any) -> Iterator[Any]:
    """The subscription's events; the first one, which always comes, has been waited for."""
    position = {"Type": kind, **more}
    answer = kinesis.subscribe_to_shard(ConsumerARN=arn, ShardId=shard, StartingPosition=position)
    return (event["SubscribeToShardEvent"] for event in answer["EventStream"])


def put(kinesis: Any, stream: str, *payloads: bytes) -> list[str]:
    records = [{"Data": payload, "PartitionKey": "k"} for payload in payloads]
    return [r["SequenceNumber"] for r in kinesis.put_records(StreamName=stream, Records=records)["Records"]]


def take(events: Iterator[Any], count: int) -> list[Any]:
    """So many records, from as many events as they come in."""
    records: list[Any] = []
    while len(records) < count:
        records += next(events)["Records"]
    return records


@pytest.mark.claim("KDS-013", "KDS-556")
def test_records_are_pushed_without_asking_again(kinesis: Any, stream: str, consumer: Consumer) -> None:
    events = subscribe(kinesis, consumer())
    first = next(events)
    assert (first["Records"], first["MillisBehindLatest"]) == ([], 0)
    for payload in (b"one", b"two"):
        (sequence,) = put(kinesis, stream, payload)
        event = next(events)
        (record,) = event["Records"]
        assert (record["Data"], record["PartitionKey"], record["SequenceNumber"]) == (payload, "k", sequence)
        assert int(event["ContinuationSequenceNumber"]) > int(sequence)


@pytest.mark.claim("KDS-556")
def test_a_subscription_ends_after_five_minutes_of_the_lakes_clock(
    kinesis: Any, stream: str, consumer: Consumer, lake: Any
) -> None:
    lake.clock.freeze()
    events = subscribe(kinesis, consumer())
    next(events)
    lake.clock.advance(seconds=299)
    put(kinesis, stream, b"late")
    assert data(take(events, 1)) == [b"late"]
    lake.clock.advance(seconds=1)
    assert [record for event in events for record in event["Records"]] == []


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("TRIM_HORIZON", [b"0", b"1", b"2", b"3", b"new"]),
        ("AT_SEQUENCE_NUMBER", [b"1", b"2", b"3", b"new"]),
        ("AFTER_SEQUENCE_NUMBER", [b"2", b"3", b"new"]),
        ("AT_TIMESTAMP", [b"2", b"3", b"new"]),
        ("LATEST", [b"new"]),
    ],
)
def test_every_starting_position(
    kinesis: Any, stream: str, consumer: Consumer, lake: Any, kind: str, expected: list[bytes]
) -> None:
    arn = consumer()
    lake.clock.freeze("2030-05-01T12:00:00Z")
    _, second = put(kinesis, stream, b"0", b"1")
    moment = lake.clock.advance(hours=3)
    put(kinesis, stream, b"2", b"3")
    lake.clock.advance(hours=1)
    more = {"SequenceNumber": second} if "SEQUENCE" in kind else {"Timestamp": moment} if "TIME" in kind else {}
    events = subscribe(kinesis, arn, kind, **more)
    got = data(next(events)["Records"])
    put(kinesis, stream, b"new")
    assert got + data(take(events, 1)) == expected


@pytest.mark.parametrize("kind", ["AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"])
def test_a_subscription_goes_on_from_where_the_last_one_was(
    kinesis: Any, stream: str, consumer: Consumer, lake: Any, kind: str
) -> None:
    """Also where nothing had been pushed: the number says how far the shard was."""
    arn = consumer()
    position = next(subscribe(kinesis, arn))["ContinuationSequenceNumber"]
    for payload in (b"one", b"two"):
        put(kinesis, stream, payload)
        lake.clock.advance(seconds=5)
        event = next(subscribe(kinesis, arn, kind, SequenceNumber=position))
        assert data(event["Records"]) == [payload]
        position = event["ContinuationSequenceNumber"]


def test_a_backlog_says_how_far_behind_the_reader_is(kinesis: Any, stream: str, consumer: Consumer, lake: Any) -> None:
    arn = consumer()
    lake.clock.freeze()
    for _ in range(3):
        put(kinesis, stream, b"x" * (MIB - 1))
        lake.clock.advance(seconds=10)
    events = subscribe(kinesis, arn, "TRIM_HORIZON")
    assert [next(events)["MillisBehindLatest"] for _ in range(2)] == [30_000, 20_000]
    lake.clock.advance(seconds=1)
    assert next(events)["MillisBehindLatest"] == 0


def test_an_idle_subscription_says_so_every_five_seconds(
    kinesis: Any, stream: str, consumer: Consumer, lake: Any
) -> None:
    lake.clock.freeze()
    events = subscribe(kinesis, consumer())
    place = next(events)["ContinuationSequenceNumber"]
    for _ in range(3):
        lake.clock.advance(seconds=5)
        assert next(events) == {"Records": [], "ContinuationSequenceNumber": place, "MillisBehindLatest": 0}


def test_one_subscription_a_consumer_and_shard(kinesis: Any, stream: str, consumer: Consumer, lake: Any) -> None:
    arn = consumer()
    lake.clock.freeze()
    first = subscribe(kinesis, arn)
    next(first)
    lake.clock.advance(seconds=4.9)
    position = {"Type": "LATEST"}
    request = {"ConsumerARN": arn, "ShardId": SHARD, "StartingPosition": position}
    in_use = (
        "ResourceInUseException",
        f"Another active subscription exists for this consumer: 000000000000:{stream}:{SHARD}:billing",
    )
    assert refusal(kinesis.subscribe_to_shard, **request) == in_use
    lake.clock.advance(seconds=0.1)
    second = subscribe(kinesis, arn)
    next(second)
    with pytest.raises(EventStreamError) as caught:
        list(first)
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == in_use
    put(kinesis, stream, b"x")
    assert data(take(second, 1)) == [b"x"]


def test_a_reader_that_left_holds_its_place_for_five_seconds(
    kinesis: Any, stream: str, consumer: Consumer, lake: Any
) -> None:
    arn = consumer()
    lake.clock.freeze()
    answer = kinesis.subscribe_to_shard(ConsumerARN=arn, ShardId=SHARD, StartingPosition={"Type": "LATEST"})
    answer["EventStream"].close()
    lake.clock.advance(seconds=4)
    request = {"ConsumerARN": arn, "ShardId": SHARD, "StartingPosition": {"Type": "LATEST"}}
    assert refusal(kinesis.subscribe_to_shard, **request)[0] == "ResourceInUseException"
    lake.clock.advance(seconds=1)
    next(subscribe(kinesis, arn))


def test_a_second_call_within_a_second_is_too_much(kinesis: Any, stream: str, consumer: Consumer, lake: Any) -> None:
    arn = consumer()
    lake.clock.freeze()
    request = {"ConsumerARN": arn, "ShardId": SHARD, "StartingPosition": {"Type": "AT_SEQUENCE_NUMBER"}}
    assert refusal(kinesis.subscribe_to_shard, **request)[0] == "InvalidArgumentException"
    assert refusal(kinesis.subscribe_to_shard, **request)[0] == "LimitExceededException"
    lake.clock.advance(seconds=1)
    next(subscribe(kinesis, arn))


def test_what_is_refused(kinesis: Any, stream: str, consumer: Consumer, lake: Any) -> None:
    arn = consumer()

    def refused(arn: str = arn, shard: str = SHARD, **position: Any) -> tuple[str, str]:
        lake.clock.advance(seconds=1)
        position = position or {"Type": "LATEST"}
        return refusal(kinesis.subscribe_to_shard, ConsumerARN=arn, ShardId=shard, StartingPosition=position)

    assert refused(arn.rpartition(":")[0] + ":1")[0] == "ResourceNotFoundException"
    assert refused(shard="shardId-000000000009")[0] == "ResourceNotFoundException"
    assert refused(Type="SOMEWHERE")[0] == "ValidationException"
    assert refused(Type="AT_TIMESTAMP")[0] == "InvalidArgumentException"
    assert refused(Type="AT_TIMESTAMP", Timestamp=datetime(2099, 1, 1, tzinfo=UTC))[0] == "InvalidArgumentException"
    code, message = refused(Type="AFTER_SEQUENCE_NUMBER", SequenceNumber="123")
    assert (code, "SubscribeToShard" in message) == ("InvalidArgumentException", True)
    assert refused("arn:aws:kinesis:us-east-1:000000000000:stream/x")[0] == "ValidationException"


def test_a_consumer_in_creation_cannot_subscribe(kinesis: Any, stream: str, lake: Any) -> None:
    lake.clock.freeze()
    summary = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    made = kinesis.register_stream_consumer(StreamARN=summary["StreamARN"], ConsumerName="c")["Consumer"]
    request = {"ConsumerARN": made["ConsumerARN"], "ShardId": SHARD, "StartingPosition": {"Type": "LATEST"}}
    code, message = refusal(kinesis.subscribe_to_shard, **request)
    assert (code, "is not in ACTIVE status" in message) == ("ResourceInUseException", True)


@pytest.mark.claim("KDS-016", "KDS-017", "KDS-517", "KDS-524")
def test_each_consumer_has_two_mebibytes_a_second_of_its_own(
    kinesis: Any, stream: str, consumer: Consumer, lake: Any
) -> None:
    arns = [consumer(name) for name in ("billing", "alerts")]
    lake.clock.freeze()
    record = b"x" * (64 * 1024 - 1)
    for _ in range(5):
        put(kinesis, stream, *[record] * 16)
        lake.clock.advance(seconds=1)
    for events in [subscribe(kinesis, arn, "TRIM_HORIZON") for arn in arns]:
        assert len(take(events, 32)) == 32  # a rested lane gives one second's worth at once
        for _ in range(4):
            lake.clock.advance(seconds=0.125)
            assert len(next(events)["Records"]) == 4  # an eighth of a second: 256 KiB


@pytest.mark.claim("KDS-025", "KDS-602")
def test_twenty_consumers_all_get_every_record(kinesis: Any, stream: str, lake: Any) -> None:
    readers = [subscribe(kinesis, registered(kinesis, lake, stream, f"c{n}")) for n in range(20)]
    for events in readers:
        next(events)
    for number in range(3):
        put(kinesis, stream, b"%d" % number)
    for events in readers:
        assert data(take(events, 3)) == [b"0", b"1", b"2"]


@pytest.mark.parametrize("end", ["consumer", "stream"])
def test_a_subscription_ends_with_its_consumer_and_its_stream(
    kinesis: Any, stream: str, consumer: Consumer, end: str
) -> None:
    arn = consumer()
    events = subscribe(kinesis, arn)
    next(events)
    if end == "consumer":
        kinesis.deregister_stream_consumer(ConsumerARN=arn)
    else:
        kinesis.delete_stream(StreamName=stream, EnforceConsumerDeletion=True)
    with pytest.raises(EventStreamError) as caught:
        list(events)
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


@pytest.mark.claim("KDS-574")
def test_the_end_of_a_closed_shard_names_its_children(kinesis: Any, stream: str, consumer: Consumer, lake: Any) -> None:
    events = subscribe(kinesis, consumer())
    next(events)
    put(kinesis, stream, b"last")
    kinesis.split_shard(StreamName=stream, ShardToSplit=SHARD, NewStartingHashKey=str(1 << 127))
    lake.clock.advance(seconds=60)
    got = list(events)
    assert data([record for event in got for record in event["Records"]]) == [b"last"]
    assert "ContinuationSequenceNumber" not in got[-1]
    assert [child["ShardId"] for child in got[-1]["ChildShards"]] == ["shardId-000000000001", "shardId-000000000002"]
    assert got[-1]["ChildShards"][0]["ParentShards"] == [SHARD]
    assert not any("ChildShards" in event for event in got[:-1])


def test_a_lake_that_closes_ends_its_subscriptions() -> None:
    with pocketlake.run() as lake:
        kinesis = lake.client("kinesis", config=Config(read_timeout=20))
        kinesis.create_stream(StreamName="flights", ShardCount=1)
        events = subscribe(kinesis, registered(kinesis, lake, "flights", "c"))
        next(events)
    assert list(events) == []


def test_a_consumer_goes_on_after_a_restart(tmp_path: Any) -> None:
    with pocketlake.run(tmp_path) as lake:
        kinesis = lake.client("kinesis")
        kinesis.create_stream(StreamName="flights", ShardCount=1)
        arn = registered(kinesis, lake, "flights", "c")
        put(kinesis, "flights", b"before")
        place = next(subscribe(kinesis, arn, "TRIM_HORIZON"))["ContinuationSequenceNumber"]
        put(kinesis, "flights", b"between")
    with pocketlake.run(tmp_path) as lake:
        kinesis = lake.client("kinesis")
        put(kinesis, "flights", b"after")
        events = subscribe(kinesis, arn, "AFTER_SEQUENCE_NUMBER", SequenceNumber=place)
        assert data(take(events, 2)) == [b"between", b"after"]


def test_a_slow_reader_gets_everything_in_order_and_holds_up_nobody() -> None:
    with pocketlake.run(limits="off") as lake:
        kinesis = lake.client("kinesis", config=Config(read_timeout=20))
        kinesis.create_stream(StreamName="flights", ShardCount=1)
        slow, quick = (subscribe(kinesis, registered(kinesis, lake, "flights", name)) for name in ("slow", "quick"))
        next(slow)
        for number in range(20):
            put(kinesis, "flights", *(b"%04d" % (number * 16 + n) + b"x" * 65536 for n in range(16)))
            take(quick, 16)
        numbers = [int(payload[:4]) for payload in data(take(slow, 320))]
        assert numbers == list(range(320))


def test_cbor_clients_get_cbor_events(kinesis: Any, stream: str, consumer: Consumer, lake: Any) -> None:
    body = cbor2.dumps({"ConsumerARN": consumer(), "ShardId": SHARD, "StartingPosition": {"Type": "TRIM_HORIZON"}})
    (sequence,) = put(kinesis, stream, b"\x00\xff")
    place = urlsplit(lake.endpoint_url)
    head = (
        f"POST / HTTP/1.1\r\nHost: {place.netloc}\r\nX-Amz-Target: Kinesis_20131202.SubscribeToShard\r\n"
        f"Content-Type: application/x-amz-cbor-1.1\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((place.hostname, place.port), timeout=10) as peer:
        peer.sendall(head.encode() + body)
        file = peer.makefile("rb")
        while file.readline() not in (b"\r\n", b""):
            pass
        messages = [eventstream.decode(file.read(int(file.readline(), 16) + 2)[:-2])[0] for _ in range(2)]
    assert [message.headers[":event-type"] for message in messages] == ["initial-response", "SubscribeToShardEvent"]
    assert messages[1].headers[":content-type"] == "application/x-amz-cbor-1.1"
    (record,) = cbor.read(messages[1].payload)["Records"]  # cbor2 alone takes the milliseconds for seconds
    assert (record["Data"], record["SequenceNumber"]) == (b"\x00\xff", sequence)


@pytest.mark.claim("KDS-554")
def test_a_pusher_does_not_wait_where_a_poller_does(kinesis: Any, stream: str, consumer: Consumer, lake: Any) -> None:
    """A shard lets pollers in five times a second, so the next one waits 200 ms; a subscription has no such turn."""
    events = subscribe(kinesis, consumer())
    next(events)
    lake.clock.freeze()
    place = iterator(kinesis, stream, "LATEST")
    for _ in range(5):
        place = kinesis.get_records(ShardIterator=place)["NextShardIterator"]
    put(kinesis, stream, b"x")
    assert data(take(events, 1)) == [b"x"]
    assert refusal(kinesis.get_records, ShardIterator=place)[0] == "ProvisionedThroughputExceededException"
    lake.clock.advance(seconds=0.19)
    assert refusal(kinesis.get_records, ShardIterator=place)[0] == "ProvisionedThroughputExceededException"
    lake.clock.advance(seconds=0.02)
    assert data(kinesis.get_records(ShardIterator=place)["Records"]) == [b"x"]


@pytest.mark.claim("KDS-590")
def test_records_travel_under_tls(tmp_path: Any) -> None:
    serving = _Serving(LakeConfig(directory=tmp_path, port=0, tls=True))
    serving.start()
    try:
        url = serving.url().replace("127.0.0.1", "localhost")
        lake = EmbeddedLake(url, tmp_path)
        kinesis = lake.client("kinesis", verify=str(tmp_path / "tls" / "ca.pem"), config=Config(read_timeout=20))
        kinesis.create_stream(StreamName="flights", ShardCount=1)
        arn = kinesis.describe_stream_summary(StreamName="flights")["StreamDescriptionSummary"]["StreamARN"]
        made = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="c")["Consumer"]
        while (
            kinesis.describe_stream_consumer(ConsumerARN=made["ConsumerARN"])["ConsumerDescription"]["ConsumerStatus"]
            != "ACTIVE"
        ):
            pass
        events = subscribe(kinesis, made["ConsumerARN"])
        next(events)
        put(kinesis, "flights", b"secret")
        assert data(take(events, 1)) == [b"secret"]
        with pytest.raises(SSLError):
            lake.client("kinesis").list_streams()
    finally:
        serving.stop()
