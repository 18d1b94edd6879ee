"""Records of the Kinesis Producer Library: taken apart before they are delivered."""

import hashlib
import json

import pytest

from pocketlake.services.firehose import aggregates

from .samples import create, failures, objects, table


def field(number, payload):
    """A length-delimited field of a protocol buffer."""
    length, head = len(payload), bytes([number << 3 | 2])
    while length >= 0x80:
        head, length = head + bytes([length & 0x7F | 0x80]), length >> 7
    return head + bytes([length]) + payload


def aggregate(*records, keys=("a", "b")):
    """Records (index of the key, data) as the library packs them."""
    message = b"".join(field(1, key.encode()) for key in keys)
    message += b"".join(field(3, bytes([8, index]) + field(3, data)) for index, data in records)
    return aggregates.MAGIC + message + hashlib.md5(message).digest()


def test_an_aggregate_holds_keys_and_data():
    long = b"x" * 70_000
    assert aggregates.unpack(aggregate((0, b"one"), (1, long), (0, b""))) == [("a", b"one"), ("b", long), ("a", b"")]


@pytest.mark.parametrize(
    "data",
    [
        b"plain",
        aggregates.MAGIC,
        aggregate((0, b"x"))[:-1],
        aggregate((0, b"x"))[:-1] + b"?",
        aggregate((7, b"no such key")),
        aggregates.MAGIC + field(3, b"x")[:-1] + hashlib.md5(field(3, b"x")[:-1]).digest(),
    ],
)
def test_what_is_no_whole_aggregate_is_one_record(data):
    assert aggregates.unpack(data) is None


def test_records_of_an_aggregate_are_delivered_each_for_itself(bucket):
    kinesis = bucket.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    bucket.clock.advance(60)
    arn = kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamARN"]
    options = table(bucket)
    create(bucket, source=arn, **options)
    create(bucket, "raw", source=arn, Prefix="raw/")
    packed = aggregate((0, b'{"id": 1}'), (1, b"nonsense"), (0, b'{"id": 2}'))
    number = kinesis.put_record(StreamName="s", Data=packed, PartitionKey="k")["SequenceNumber"]
    kinesis.put_record(StreamName="s", Data=b'{"id": 3}', PartitionKey="k")
    bucket.clock.advance(120)
    (failed,) = failures(bucket, "bad/format-conversion-failed/")
    assert (failed["sequenceNumber"], failed["subSequenceNumber"]) == (number, 1)
    (body,) = objects(bucket, "raw/").values()
    assert body == b'{"id": 1}nonsense{"id": 2}{"id": 3}'
    assert json.loads(body[:9]) == {"id": 1}
