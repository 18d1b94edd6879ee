"""Streams whose records lie on Kafka: a real broker (one KRaft node of Maven Central's jars), and its own client.

The jars come by `make clients` (or here, when POCKETLAKE_CLIENTS=1). Without java or the jars all of this is skipped.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from pocketlake import spawned
from pocketlake.embedded import EmbeddedLake, run
from scripts import kafka
from scripts.kafka import Broker

STREAM = "flights"
ONCE = Config(retries={"total_max_attempts": 1})
SECONDS = 60
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def broker(packages_of: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    pytest.importorskip("confluent_kafka", reason="NOT TESTED: confluent-kafka is not installed")
    with kafka.running(packages_of("kafka"), tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture
def url(broker: Broker) -> str:
    """A prefix of its own keeps each test's topics apart."""
    return f"kafka://{broker.address}/{uuid.uuid4().hex[:8]}"


@pytest.fixture
def lake(url: str, tmp_path: Path) -> Iterator[EmbeddedLake]:
    with run(tmp_path / "lake", streams=url) as running:
        yield running


def client(lake: EmbeddedLake) -> Any:
    return lake.client("kinesis", config=ONCE)


def iterator(kinesis: Any, kind: str = "TRIM_HORIZON", shard: int = 0, **more: Any) -> str:
    place = {"StreamName": STREAM, "ShardId": f"shardId-{shard:012d}", "ShardIteratorType": kind}
    return kinesis.get_shard_iterator(**place, **more)["ShardIterator"]


def read(lake: EmbeddedLake, iterator: str) -> list[dict[str, Any]]:
    """All records from there to the shard's end."""
    kinesis, records = client(lake), []
    while iterator:
        page = kinesis.get_records(ShardIterator=iterator)
        records += page["Records"]
        if not page["Records"] and not page["MillisBehindLatest"]:
            break
        iterator = page.get("NextShardIterator", "")
        lake.clock.advance(seconds=1)  # shards allow five reads a second
    return records


def data(records: list[dict[str, Any]]) -> list[bytes]:
    return [record["Data"] for record in records]


def topic_of(url: str, stream: str = STREAM) -> str:
    return f"{url.rpartition('/')[2]}.000000000000.us-east-1.{stream}"


def consume(broker: Broker, url: str, count: int) -> list[Any]:
    """What a plain consumer of Kafka sees in the stream's topic: messages by partition and offset."""
    from confluent_kafka import Consumer, TopicPartition

    settings = {"bootstrap.servers": broker.address, "group.id": "plain", "auto.offset.reset": "earliest"}
    consumer, found = Consumer(settings), []
    topic = topic_of(url)
    partitions = consumer.list_topics(topic, timeout=SECONDS).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
    deadline = time.monotonic() + SECONDS
    while len(found) < count and time.monotonic() < deadline:
        message = consumer.poll(0.2)
        if message is not None and message.error() is None:
            found.append(message)
    consumer.close()
    return sorted(found, key=lambda message: (message.partition(), message.offset()))


def test_records_come_back_in_the_order_of_their_keys(lake: EmbeddedLake) -> None:
    kinesis = client(lake)
    kinesis.create_stream(StreamName=STREAM, ShardCount=3)
    put: dict[str, list[str]] = defaultdict(list)
    for round_ in range(10):
        records = [{"PartitionKey": str(n % 17), "Data": f"{round_}-{n}".encode()} for n in range(100)]
        answer = kinesis.put_records(StreamName=STREAM, Records=records)
        assert answer["FailedRecordCount"] == 0
        for record, result in zip(records, answer["Records"], strict=True):
            put[record["PartitionKey"]].append(f"{result['ShardId']} {result['SequenceNumber']} {record['Data']!r}")
        one = kinesis.put_record(StreamName=STREAM, PartitionKey="3", Data=b"alone")
        put["3"].append(f"{one['ShardId']} {one['SequenceNumber']} {b'alone'!r}")
    found: dict[str, list[str]] = defaultdict(list)
    for shard in range(3):
        numbers = []
        for record in read(lake, iterator(kinesis, shard=shard)):
            text = f"shardId-{shard:012d} {record['SequenceNumber']} {record['Data']!r}"
            found[record["PartitionKey"]].append(text)
            numbers.append(int(record["SequenceNumber"]))
        assert numbers == sorted(set(numbers))
    assert found == put


def test_every_type_of_iterator(lake: EmbeddedLake) -> None:
    kinesis = client(lake)
    kinesis.create_stream(StreamName=STREAM, ShardCount=1)
    numbers, moments = [], []
    for n in range(4):
        moments.append(lake.clock.advance(seconds=10))
        numbers.append(kinesis.put_record(StreamName=STREAM, PartitionKey="k", Data=b"%d" % n)["SequenceNumber"])
    assert data(read(lake, iterator(kinesis))) == [b"0", b"1", b"2", b"3"]
    at = iterator(kinesis, "AT_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[2])
    assert data(read(lake, at)) == [b"2", b"3"]
    after = iterator(kinesis, "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[2])
    assert data(read(lake, after)) == [b"3"]
    lake.clock.advance(seconds=5)
    assert data(read(lake, iterator(kinesis, "AT_TIMESTAMP", Timestamp=moments[1]))) == [b"1", b"2", b"3"]
    lake.clock.advance(seconds=5)
    latest = iterator(kinesis, "LATEST")
    kinesis.put_record(StreamName=STREAM, PartitionKey="k", Data=b"new")
    assert data(read(lake, latest)) == [b"new"]


def test_records_are_hidden_after_their_retention_on_the_lakes_clock(lake: EmbeddedLake) -> None:
    kinesis = client(lake)
    kinesis.create_stream(StreamName=STREAM, ShardCount=1)
    kinesis.put_record(StreamName=STREAM, PartitionKey="k", Data=b"old")
    lake.clock.advance(hours=23)
    kinesis.put_record(StreamName=STREAM, PartitionKey="k", Data=b"young")
    lake.clock.advance(hours=2)
    assert data(read(lake, iterator(kinesis))) == [b"young"]
    kinesis.increase_stream_retention_period(StreamName=STREAM, RetentionPeriodHours=48)
    assert data(read(lake, iterator(kinesis))) == [b"young"]


def test_the_topics_retention_is_that_of_the_stream(broker: Broker, url: str, lake: EmbeddedLake) -> None:
    kinesis = client(lake)
    kinesis.create_stream(StreamName=STREAM, ShardCount=1)
    assert retention_ms(broker, topic_of(url)) == 24 * 3_600_000
    kinesis.increase_stream_retention_period(StreamName=STREAM, RetentionPeriodHours=100)
    assert retention_ms(broker, topic_of(url)) == 100 * 3_600_000


def test_kafka_keeps_longer_what_a_lake_of_the_past_writes(broker: Broker, url: str, lake: EmbeddedLake) -> None:
    """Its retention follows the machine's clock, and would drop records of 2013 at once."""
    kinesis = client(lake)
    lake.clock.set("2013-05-06T00:00:00Z")
    kinesis.create_stream(StreamName=STREAM, ShardCount=1)
    kinesis.put_record(StreamName=STREAM, PartitionKey="k", Data=b"of the past")
    behind = time.time() - lake.clock.now().timestamp()
    assert retention_ms(broker, topic_of(url)) > behind * 1000 + 24 * 3_600_000
    assert data(read(lake, iterator(kinesis))) == [b"of the past"]


def retention_ms(broker: Broker, topic: str) -> int:
    from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

    resource = ConfigResource(ResourceType.TOPIC, topic)
    admin = AdminClient({"bootstrap.servers": broker.address})
    return int(admin.describe_configs([resource])[resource].result(SECONDS)["retention.ms"].value)


def test_sequence_numbers_go_on_after_a_restart(url: str, tmp_path: Path) -> None:
    with run(tmp_path, streams=url) as lake:
        client(lake).create_stream(StreamName=STREAM, ShardCount=1)
        put = {"StreamName": STREAM, "PartitionKey": "k"}
        before = [client(lake).put_record(**put, Data=b"%d" % n)["SequenceNumber"] for n in range(3)]
        place = iterator(client(lake), "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=before[0])
    with run(tmp_path, streams=url) as lake:
        assert data(read(lake, place)) == [b"1", b"2"]
        latest = iterator(client(lake), "LATEST")
        after = client(lake).put_record(**put, Data=b"3")["SequenceNumber"]
        assert int(after) > int(before[-1])
        assert data(read(lake, latest)) == [b"3"]
        found = read(lake, iterator(client(lake)))
        assert [record["SequenceNumber"] for record in found] == [*before, after]


def test_a_reshard_adds_partitions_and_loses_nothing(broker: Broker, url: str, lake: EmbeddedLake) -> None:
    kinesis = client(lake)
    kinesis.create_stream(StreamName=STREAM, ShardCount=1)
    put = []
    for step, change in enumerate((None, "split", "merge")):
        if change == "split":
            kinesis.split_shard(StreamName=STREAM, ShardToSplit="0", NewStartingHashKey=str(2**127))
        elif change == "merge":
            kinesis.merge_shards(StreamName=STREAM, ShardToMerge="1", AdjacentShardToMerge="2")
        lake.clock.advance(seconds=2)
        records = [{"PartitionKey": str(n), "Data": f"{step}-{n}".encode()} for n in range(50)]
        answer = kinesis.put_records(StreamName=STREAM, Records=records)
        assert answer["FailedRecordCount"] == 0
        put += [
            (r["PartitionKey"], a["SequenceNumber"], r["Data"]) for r, a in zip(records, answer["Records"], strict=True)
        ]
    found, following = [], [0]
    while following:  # parents before their children, as consumers do
        shard = following.pop(0)
        place, ended = iterator(kinesis, shard=shard), False
        while not ended:
            page = kinesis.get_records(ShardIterator=place)
            found += [(r["PartitionKey"], r["SequenceNumber"], r["Data"]) for r in page["Records"]]
            place, ended = page.get("NextShardIterator"), "ChildShards" in page
            lake.clock.advance(seconds=1)
            if shard == 3 and not page["Records"]:
                break
        if ended:
            children = [int(child["ShardId"][8:]) for child in page["ChildShards"]]
            following += [number for number in children if number not in following]
    by_key = {key: [entry for entry in put if entry[0] == key] for key, _, _ in put}
    assert {key: [entry for entry in found if entry[0] == key] for key in by_key} == by_key
    for entries in by_key.values():
        numbers = [int(number) for _, number, _ in entries]
        assert numbers == sorted(numbers)
    assert len({message.partition() for message in consume(broker, url, len(put))}) == 4


def test_a_plain_consumer_sees_the_same_records(broker: Broker, url: str, lake: EmbeddedLake) -> None:
    kinesis = client(lake)
    kinesis.create_stream(StreamName=STREAM, ShardCount=2)
    records = [{"PartitionKey": f"k{n}", "Data": os.urandom(n)} for n in range(200)]
    kinesis.put_records(StreamName=STREAM, Records=records)
    ours = [
        (shard, r["PartitionKey"].encode(), r["Data"], round(r["ApproximateArrivalTimestamp"].timestamp() * 1000))
        for shard in range(2)
        for r in read(lake, iterator(kinesis, shard=shard))
    ]
    theirs = [(m.partition(), m.key(), m.value() or b"", m.timestamp()[1]) for m in consume(broker, url, 200)]
    assert ours == theirs
    assert len(ours) == 200


def produce(broker: Broker, url: str, *values: bytes, **settings: Any) -> None:
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": broker.address})
    for value in values:
        producer.produce(topic_of(url), value, partition=0, **settings)
    assert producer.flush(SECONDS) == 0


def test_records_of_other_producers_are_read_too(broker: Broker, url: str, lake: EmbeddedLake) -> None:
    kinesis = client(lake)
    kinesis.create_stream(StreamName=STREAM, ShardCount=1)
    kinesis.put_record(StreamName=STREAM, PartitionKey="k", Data=b"ours")
    produce(broker, url, b"theirs", key=b"they")
    produce(broker, url, b"bare")
    found = read(lake, iterator(kinesis))
    assert [(r["PartitionKey"], r["Data"]) for r in found] == [("k", b"ours"), ("they", b"theirs"), ("", b"bare")]


def test_subscribers_hear_of_every_record(broker: Broker, url: str, lake: EmbeddedLake) -> None:
    kinesis = lake.client("kinesis", config=Config(read_timeout=20))
    kinesis.create_stream(StreamName=STREAM, ShardCount=1)
    arn = kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]["StreamARN"]
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="c")["Consumer"]["ConsumerARN"]
    lake.clock.advance(seconds=5)
    position = {"Type": "LATEST"}
    stream = kinesis.subscribe_to_shard(ConsumerARN=consumer, ShardId="0", StartingPosition=position)["EventStream"]
    kinesis.put_record(StreamName=STREAM, PartitionKey="k", Data=b"ours")
    found: list[bytes] = []
    for event in stream:
        found += data(event["SubscribeToShardEvent"]["Records"])
        if found == [b"ours"]:
            produce(broker, url, b"theirs")
        if b"theirs" in found:
            break
    assert found == [b"ours", b"theirs"]


def test_firehose_delivers_a_stream_on_kafka(broker: Broker, url: str, lake: EmbeddedLake) -> None:
    kinesis, s3 = client(lake), lake.client("s3")
    kinesis.create_stream(StreamName=STREAM, ShardCount=2)
    arn = kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]["StreamARN"]
    s3.create_bucket(Bucket="landing")
    role = "arn:aws:iam::000000000000:role/firehose"
    lake.client("firehose").create_delivery_stream(
        DeliveryStreamName="d",
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": arn, "RoleARN": role},
        ExtendedS3DestinationConfiguration={
            "RoleARN": role,
            "BucketARN": "arn:aws:s3:::landing",
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
        },
    )
    lake.clock.advance(seconds=30)
    lines = [f"{n}\n".encode() for n in range(900)]
    for at in range(0, 900, 300):
        records = [{"PartitionKey": line.decode(), "Data": line} for line in lines[at : at + 300]]
        assert kinesis.put_records(StreamName=STREAM, Records=records)["FailedRecordCount"] == 0
        lake.clock.advance(seconds=10)
    lake.clock.advance(minutes=5)
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket="landing").get("Contents", [])]
    delivered = b"".join(s3.get_object(Bucket="landing", Key=key)["Body"].read() for key in keys)
    assert sorted(delivered.splitlines(keepends=True)) == sorted(lines)


def test_a_deleted_stream_takes_its_topic_along(broker: Broker, url: str, lake: EmbeddedLake) -> None:
    kinesis = client(lake)
    for count in (2, 1, 3):  # the same name, again and again
        kinesis.create_stream(StreamName=STREAM, ShardCount=count)
        kinesis.put_record(StreamName=STREAM, PartitionKey="k", Data=b"%d" % count, ExplicitHashKey="0")
        assert data(read(lake, iterator(kinesis))) == [b"%d" % count]
        kinesis.delete_stream(StreamName=STREAM)
        lake.clock.advance(seconds=1)
        assert is_gone(broker, topic_of(url))
    kinesis.create_stream(StreamName=STREAM, ShardCount=1)
    lake.reset()
    assert is_gone(broker, topic_of(url))


def test_a_name_that_is_used_again_finds_its_leaders_on_several_brokers(
    packages_of: Callable[[str], Path], tmp_path: Path
) -> None:
    """The partitions of each topic of that name may be led by other brokers than those of the one before it."""
    pytest.importorskip("confluent_kafka", reason="NOT TESTED: confluent-kafka is not installed")
    with kafka.running(packages_of("kafka"), tmp_path / "kafka", brokers=3) as first:
        url = f"kafka://{first.address}/several"
        with run(tmp_path / "lake", streams=url) as lake:
            kinesis = client(lake)
            leaders = set()
            for turn in range(6):
                count = 2 + turn % 3
                kinesis.create_stream(StreamName=STREAM, ShardCount=count)
                lake.clock.advance(seconds=2)
                leaders.add(leaders_of(first, topic_of(url), count))
                put = [f"{turn}-{n}".encode() for n in range(60)]
                records = [{"PartitionKey": record.decode(), "Data": record} for record in put]
                answer = kinesis.put_records(StreamName=STREAM, Records=records)
                assert answer["FailedRecordCount"] == 0
                found = [one for shard in range(count) for one in data(read(lake, iterator(kinesis, shard=shard)))]
                assert sorted(found) == sorted(put)
                kinesis.delete_stream(StreamName=STREAM)
                lake.clock.advance(seconds=1)
                assert is_gone(first, topic_of(url))
            assert len({broker for several in leaders for broker in several}) == 3
            assert len(leaders) > 1, "the same brokers led each time: this tried nothing"


def leaders_of(broker: Broker, topic: str, count: int) -> tuple[int, ...]:
    """The brokers that lead the topic's partitions, in their order."""
    from confluent_kafka.admin import AdminClient

    admin, deadline = AdminClient({"bootstrap.servers": broker.address}), time.monotonic() + 10
    while True:
        known = admin.list_topics(timeout=SECONDS).topics.get(topic)
        if known is not None and len(known.partitions) == count:
            return tuple(partition.leader for _, partition in sorted(known.partitions.items()))
        assert time.monotonic() < deadline, f"{topic} has not come up"


def is_gone(broker: Broker, topic: str) -> bool:
    """The controller has deleted it when it says so; brokers list it for some moments more."""
    from confluent_kafka.admin import AdminClient

    admin, deadline = AdminClient({"bootstrap.servers": broker.address}), time.monotonic() + 10
    while topic in admin.list_topics(timeout=SECONDS).topics:
        if time.monotonic() > deadline:
            return False
    return True


def test_a_topic_with_records_is_not_taken_over(broker: Broker, url: str, lake: EmbeddedLake) -> None:
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": broker.address})
    admin.create_topics([NewTopic(topic_of(url), 1, 1)])[topic_of(url)].result()
    produce(broker, url, b"someone's")
    with pytest.raises(ClientError, match="ResourceInUseException"):
        client(lake).create_stream(StreamName=STREAM, ShardCount=1)
    assert client(lake).list_streams()["StreamNames"] == []


def test_an_empty_topic_that_a_crash_left_is_taken_over(broker: Broker, url: str, lake: EmbeddedLake) -> None:
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": broker.address})
    admin.create_topics([NewTopic(topic_of(url), 1, 1)])[topic_of(url)].result()
    kinesis = client(lake)
    kinesis.create_stream(StreamName=STREAM, ShardCount=3)
    assert retention_ms(broker, topic_of(url)) == 24 * 3_600_000
    kinesis.put_record(StreamName=STREAM, PartitionKey="k", Data=b"first", ExplicitHashKey=str(2**128 - 1))
    assert data(read(lake, iterator(kinesis, shard=2))) == [b"first"]


@pytest.mark.parametrize("rounds", [3])
def test_no_acknowledged_record_is_lost_by_kill_9(broker: Broker, url: str, tmp_path: Path, rounds: int) -> None:
    options = ("--streams", url, "--limits", "off")
    lake = spawned.start(tmp_path, *options)
    acknowledged: dict[str, tuple[str, bytes]] = {}
    try:
        client(lake).create_stream(StreamName=STREAM, ShardCount=2)
        for round_ in range(rounds):
            writers = [threading.Thread(target=write, args=(lake, f"{round_}-{n}", acknowledged)) for n in range(3)]
            for writer in writers:
                writer.start()
            time.sleep(1.0)  # the moment of death is what this test is about
            lake.kill()
            for writer in writers:
                writer.join()
            lake = spawned.start(tmp_path, *options)
        found = {}
        for shard in range(2):
            for record in read(lake, iterator(client(lake), shard=shard)):
                found[record["SequenceNumber"]] = (f"shardId-{shard:012d}", record["Data"])
    finally:
        lake.kill()
    assert len(acknowledged) > 100 * rounds, "there was hardly any load"
    lost = {number: place for number, place in acknowledged.items() if found.get(number) != place}
    assert not lost, f"{len(lost)} of {len(acknowledged)} acknowledged records are lost"


def write(lake: EmbeddedLake, name: str, acknowledged: dict[str, tuple[str, bytes]]) -> None:
    """Put until the lake dies."""
    kinesis = lake.client("kinesis", config=Config(retries={"total_max_attempts": 1}, connect_timeout=2))
    for number in range(1_000_000):
        records = [{"PartitionKey": f"{n}", "Data": f"{name}-{number}-{n}".encode()} for n in range(50)]
        try:
            answer = kinesis.put_records(StreamName=STREAM, Records=records)
        except (BotoCoreError, ClientError):
            return
        for record, result in zip(records, answer["Records"], strict=True):
            if "SequenceNumber" in result:
                acknowledged[result["SequenceNumber"]] = (result["ShardId"], record["Data"])


def test_a_broker_that_dies_refuses_records_and_keeps_the_others(broker: Broker, lake: EmbeddedLake) -> None:
    kinesis = lake.client("kinesis", config=Config(retries={"total_max_attempts": 1}, read_timeout=60))
    kinesis.create_stream(StreamName=STREAM, ShardCount=1)
    kinesis.put_record(StreamName=STREAM, PartitionKey="k", Data=b"before")
    void = {"PartitionKey": "k", "Data": b"into the void"}
    broker.kill()
    try:
        with ThreadPoolExecutor() as both:  # each is given up after 15 seconds
            many = both.submit(kinesis.put_records, StreamName=STREAM, Records=[void])
            one = both.submit(kinesis.put_record, StreamName=STREAM, **void)
        answer = many.result()
        refused = [(result["ErrorCode"], result["ErrorMessage"]) for result in answer["Records"]]
        with pytest.raises(ClientError) as caught:
            one.result()
    finally:
        broker.start()
    assert (answer["FailedRecordCount"], refused) == (1, [("InternalFailure", "Internal service failure.")])
    assert caught.value.response["Error"]["Code"] == "InternalFailure"
    after = {"PartitionKey": "k", "Data": b"after"}
    for _ in range(SECONDS):
        if kinesis.put_records(StreamName=STREAM, Records=[after])["FailedRecordCount"] == 0:
            break
    found = data(read(lake, iterator(kinesis)))
    assert (found[0], found[-1]) == (b"before", b"after")


def test_a_broker_that_does_not_answer_is_named_at_the_start(tmp_path: Path) -> None:
    pytest.importorskip("confluent_kafka", reason="NOT TESTED: confluent-kafka is not installed")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(spawned.DidNotStart, match=f"no Kafka broker answers at {address}"):
            spawned.start(tmp_path, "--streams", f"kafka://{address}")


def test_a_lake_whose_records_lie_on_kafka_does_not_start_without_it(url: str, tmp_path: Path) -> None:
    with run(tmp_path, streams=url) as lake:
        client(lake).create_stream(StreamName=STREAM, ShardCount=1)
    with pytest.raises(spawned.DidNotStart, match=r"lie on Kafka: start it with --streams kafka://HOST:PORT"):
        spawned.start(tmp_path)


def test_streams_made_before_stay_in_the_lake(url: str, tmp_path: Path) -> None:
    with run(tmp_path) as lake:
        client(lake).create_stream(StreamName=STREAM, ShardCount=1)
        client(lake).put_record(StreamName=STREAM, PartitionKey="k", Data=b"here")
    with run(tmp_path, streams=url) as lake:
        client(lake).put_record(StreamName=STREAM, PartitionKey="k", Data=b"here too")
        assert data(read(lake, iterator(client(lake)))) == [b"here", b"here too"]


def test_without_the_client_library_the_start_says_what_to_install(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['confluent_kafka'] = None; from pocketlake.cli.main import main; "
        f"sys.argv = ['pocketlake', 'up', '--port', '0', '--directory', {str(tmp_path)!r}, '--streams', 'kafka://h:1'];"
        "main()"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=SECONDS)
    assert ended.returncode != 0
    assert "pip install 'pocketlake[kafka]'" in ended.stderr


def test_a_tables_changes_go_to_a_stream_on_kafka(lake: EmbeddedLake) -> None:
    kinesis, dynamodb = client(lake), lake.client("dynamodb")
    kinesis.create_stream(StreamName=STREAM, ShardCount=1)
    dynamodb.create_table(
        TableName="things",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    arn = kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]["StreamARN"]
    dynamodb.enable_kinesis_streaming_destination(TableName="things", StreamArn=arn)
    for number in range(100):
        dynamodb.put_item(TableName="things", Item={"p": {"S": f"p{number % 7}"}, "n": {"N": str(number)}})
    dynamodb.disable_kinesis_streaming_destination(TableName="things", StreamArn=arn)
    lake.clock.advance(seconds=10)
    (shown,) = dynamodb.describe_kinesis_streaming_destination(TableName="things")["KinesisDataStreamDestinations"]
    assert shown["DestinationStatus"] == "DISABLED"
    seen: dict[str, list[int]] = defaultdict(list)
    for change in map(json.loads, data(read(lake, iterator(kinesis)))):
        image = change["dynamodb"]["NewImage"]
        seen[image["p"]["S"]].append(int(image["n"]["N"]))
    assert seen == {f"p{key}": list(range(key, 100, 7)) for key in range(7)}
