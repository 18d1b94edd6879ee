"""A Kinesis source that is resharded, and that others read as well."""

from __future__ import annotations

import pytest

from .samples import create, objects

SHARD = "shardId-000000000000"


@pytest.fixture
def source(bucket):
    """A stream of one shard that a Firehose stream reads."""
    kinesis = bucket.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    arn = kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamARN"]
    create(bucket, source=arn)
    return kinesis


def put(kinesis, *data):
    kinesis.put_records(StreamName="s", Records=[{"Data": one, "PartitionKey": "k"} for one in data])


def split(kinesis):
    kinesis.split_shard(StreamName="s", ShardToSplit=SHARD, NewStartingHashKey=str(2**127))


def iterator(kinesis, shard=SHARD):
    request = {"StreamName": "s", "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    return kinesis.get_shard_iterator(**request)["ShardIterator"]


@pytest.mark.claim("KDS-574")
def test_a_closed_parent_is_read_to_its_end_before_its_children(bucket, source):
    split(source)
    bucket.clock.advance(0.5)
    put(source, b"parent\n")  # to be pulled at 1.5
    bucket.clock.advance(0.6)  # closed at 1
    put(source, b"child\n")
    bucket.clock.advance(0.3)
    place = iterator(source)
    for _ in range(5):  # nobody else can read the parent at 1.5
        source.get_records(ShardIterator=place)
    bucket.clock.advance(0.1)
    bucket.clock.advance(60)
    bucket.clock.advance(60)
    assert b"".join(objects(bucket).values()) == b"parent\nchild\n"


def test_every_record_is_delivered_once_over_a_reshard(bucket, source):
    for number in range(30):
        put(source, b"%d\n" % number)
        bucket.clock.advance(0.3)
        if number == 10:
            split(source)
        if number == 20:
            request = {"ShardToMerge": "shardId-000000000001", "AdjacentShardToMerge": "shardId-000000000002"}
            source.merge_shards(StreamName="s", **request)
    bucket.clock.advance(days=2)  # parents expire
    put(source, b"30\n")
    bucket.clock.advance(120)
    assert b"".join(objects(bucket).values()).split() == [b"%d" % number for number in range(31)]


def test_others_have_four_reads_a_second_left_and_all_iterators(bucket, source):
    place = iterator(source)
    put(source, b"first\n")
    bucket.clock.advance(2)  # the first pull asks for an iterator
    for second in range(8):
        put(source, b"%d\n" % second)
        bucket.clock.advance(1)
        for _ in range(4):
            place = source.get_records(ShardIterator=place)["NextShardIterator"]
        for _ in range(5):
            iterator(source)
    with pytest.raises(source.exceptions.ProvisionedThroughputExceededException):
        for _ in range(2):
            source.get_records(ShardIterator=place)
