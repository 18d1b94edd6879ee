"""Streams: made, described, listed, deleted; their settings, tags, policies."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from .conftest import SHARD, data, iterator, read, refusal

ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/flights"


@pytest.mark.claim("KDS-003", "KDS-507")
def test_a_stream_is_made_of_shards_that_tile_the_hash_space(kinesis: Any) -> None:
    kinesis.create_stream(StreamName="flights", ShardCount=3)
    shards = kinesis.list_shards(StreamName="flights")["Shards"]
    bounds = [(int(s["HashKeyRange"]["StartingHashKey"]), int(s["HashKeyRange"]["EndingHashKey"])) for s in shards]
    assert [shard["ShardId"] for shard in shards] == [f"shardId-{number:012d}" for number in range(3)]
    assert bounds[0][0] == 0
    assert bounds[2][1] == 2**128 - 1
    assert all(after[0] == before[1] + 1 for before, after in pairwise(bounds))


@pytest.mark.claim("KDS-007")
def test_a_stream_has_one_shard_or_more(kinesis: Any) -> None:
    code, _ = refusal(kinesis.create_stream, StreamName="flights", ShardCount=0)
    assert code == "ValidationException"
    kinesis.create_stream(StreamName="flights", ShardCount=1)
    assert len(kinesis.list_shards(StreamName="flights")["Shards"]) == 1


def test_a_provisioned_stream_needs_a_shard_count(kinesis: Any) -> None:
    code, message = refusal(kinesis.create_stream, StreamName="flights")
    assert code == "ValidationException"
    assert "shardCount" in message


def test_a_new_stream_is_described(kinesis: Any, stream: str, lake: Any) -> None:
    description = kinesis.describe_stream(StreamName=stream)["StreamDescription"]
    assert abs((description.pop("StreamCreationTimestamp") - lake.clock.now()).total_seconds()) < 5
    (shard,) = description.pop("Shards")
    assert shard["ShardId"] == SHARD
    assert list(shard["SequenceNumberRange"]) == ["StartingSequenceNumber"]
    assert description == {
        "StreamName": "flights",
        "StreamARN": ARN,
        "StreamStatus": "ACTIVE",
        "StreamModeDetails": {"StreamMode": "PROVISIONED"},
        "HasMoreShards": False,
        "RetentionPeriodHours": 24,
        "EnhancedMonitoring": [{"ShardLevelMetrics": []}],
        "EncryptionType": "NONE",
    }


def test_the_summary_counts_open_shards(kinesis: Any) -> None:
    kinesis.create_stream(StreamName="flights", ShardCount=5)
    summary = kinesis.describe_stream_summary(StreamARN=ARN)["StreamDescriptionSummary"]
    assert summary["OpenShardCount"] == 5
    assert summary["ConsumerCount"] == 0
    assert summary["MaxRecordSizeInKiB"] == 1024


def test_the_waiters_are_content(lake: Any, kinesis: Any, stream: str) -> None:
    kinesis.get_waiter("stream_exists").wait(StreamName=stream)
    kinesis.delete_stream(StreamName=stream)
    kinesis.get_waiter("stream_not_exists").wait(StreamName=stream)


def test_shards_are_described_in_pages(kinesis: Any) -> None:
    kinesis.create_stream(StreamName="flights", ShardCount=5)
    first = kinesis.describe_stream(StreamName="flights", Limit=2)["StreamDescription"]
    assert first["HasMoreShards"]
    rest = kinesis.describe_stream(StreamName="flights", ExclusiveStartShardId=first["Shards"][-1]["ShardId"])
    assert [shard["ShardId"][-1] for shard in rest["StreamDescription"]["Shards"]] == ["2", "3", "4"]
    assert not rest["StreamDescription"]["HasMoreShards"]


def test_a_name_is_taken_once(kinesis: Any, stream: str) -> None:
    assert refusal(kinesis.create_stream, StreamName=stream, ShardCount=1) == (
        "ResourceInUseException",
        "Stream flights under account 000000000000 already exists.",
    )


def test_a_stream_that_is_not_there(kinesis: Any) -> None:
    expected = ("ResourceNotFoundException", "Stream flights under account 000000000000 not found.")
    for call in (kinesis.describe_stream, kinesis.describe_stream_summary, kinesis.delete_stream, kinesis.list_shards):
        assert refusal(call, StreamName="flights") == expected
    assert refusal(kinesis.put_record, StreamName="flights", Data=b"x", PartitionKey="k") == expected
    assert refusal(kinesis.describe_stream, StreamARN=ARN) == expected


def test_a_request_must_say_which_stream(kinesis: Any) -> None:
    assert refusal(kinesis.describe_stream)[0] == "InvalidArgumentException"


def test_a_deleted_stream_takes_its_records_along(kinesis: Any, stream: str, lake: Any) -> None:
    kinesis.put_record(StreamName=stream, Data=b"old", PartitionKey="k")
    old = iterator(kinesis, stream)
    kinesis.delete_stream(StreamName=stream)
    kinesis.create_stream(StreamName=stream, ShardCount=1)
    kinesis.put_record(StreamName=stream, Data=b"new", PartitionKey="k")
    assert data(read(kinesis, stream)) == [b"new"]
    assert refusal(kinesis.get_records, ShardIterator=old)[0] == "ResourceNotFoundException"
    lake.clock.advance(days=1)
    assert refusal(kinesis.get_records, ShardIterator=old)[0] == "ExpiredIteratorException"


def test_streams_are_listed_in_pages(kinesis: Any) -> None:
    for number in range(5):
        kinesis.create_stream(StreamName=f"s{number}", ShardCount=1)
    first = kinesis.list_streams(Limit=2)
    assert (first["StreamNames"], first["HasMoreStreams"]) == (["s0", "s1"], True)
    second = kinesis.list_streams(Limit=2, NextToken=first["NextToken"])
    assert second["StreamNames"] == ["s2", "s3"]
    last = kinesis.list_streams(ExclusiveStartStreamName="s3")
    assert (last["StreamNames"], last["HasMoreStreams"]) == (["s4"], False)
    assert last["StreamSummaries"][0]["StreamStatus"] == "ACTIVE"


def test_accounts_and_regions_are_apart(lake: Any, kinesis: Any, stream: str) -> None:
    assert lake.client("kinesis", region="eu-west-1").list_streams()["StreamNames"] == []
    assert lake.client("kinesis", account="111122223333").list_streams()["StreamNames"] == []
    assert kinesis.list_streams()["StreamNames"] == [stream]


def test_the_account_has_a_shard_limit(lake: Any, kinesis: Any, stream: str) -> None:
    elsewhere = lake.client("kinesis", region_name="eu-central-1")
    elsewhere.create_stream(StreamName="large", ShardCount=999)
    code, message = refusal(elsewhere.create_stream, StreamName="more", ShardCount=2)
    assert code == "LimitExceededException"
    assert "Current shard count for the account: 999. Limit: 1000." in message
    elsewhere.create_stream(StreamName="demand", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    limits = elsewhere.describe_limits()
    assert (limits["ShardLimit"], limits["OpenShardCount"]) == (1000, 999)
    assert (limits["OnDemandStreamCount"], limits["OnDemandStreamCountLimit"]) == (1, 50)
    limits = kinesis.describe_limits()
    assert (limits["ShardLimit"], limits["OpenShardCount"], limits["OnDemandStreamCount"]) == (20_000, 1, 0)


def test_an_on_demand_stream_has_four_shards(kinesis: Any) -> None:
    kinesis.create_stream(StreamName="demand", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    summary = kinesis.describe_stream_summary(StreamName="demand")["StreamDescriptionSummary"]
    assert (summary["StreamModeDetails"], summary["OpenShardCount"]) == ({"StreamMode": "ON_DEMAND"}, 4)


@pytest.mark.claim("KDS-019")
def test_the_mode_is_switched_twice_in_a_day(lake: Any, kinesis: Any, stream: str) -> None:
    def switch(mode: str) -> None:
        kinesis.update_stream_mode(StreamARN=ARN, StreamModeDetails={"StreamMode": mode})

    switch("ON_DEMAND")
    switch("PROVISIONED")
    code, _ = refusal(kinesis.update_stream_mode, StreamARN=ARN, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    assert code == "LimitExceededException"
    lake.clock.advance(hours=24, seconds=1)
    switch("ON_DEMAND")
    summary = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    assert (summary["StreamModeDetails"]["StreamMode"], summary["OpenShardCount"]) == ("ON_DEMAND", 1)


def test_tags_by_name_and_by_arn(kinesis: Any, stream: str) -> None:
    kinesis.add_tags_to_stream(StreamName=stream, Tags={"b": "2", "a": "1"})
    kinesis.tag_resource(ResourceARN=ARN, Tags={"c": "3"})
    page = kinesis.list_tags_for_stream(StreamName=stream, Limit=2)
    assert page["Tags"] == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    assert page["HasMoreTags"]
    rest = kinesis.list_tags_for_stream(StreamARN=ARN, ExclusiveStartTagKey="b")
    assert (rest["Tags"], rest["HasMoreTags"]) == ([{"Key": "c", "Value": "3"}], False)
    kinesis.remove_tags_from_stream(StreamName=stream, TagKeys=["a"])
    kinesis.untag_resource(ResourceARN=ARN, TagKeys=["b", "none"])
    assert kinesis.list_tags_for_resource(ResourceARN=ARN)["Tags"] == [{"Key": "c", "Value": "3"}]


def test_a_stream_has_at_most_fifty_tags(kinesis: Any, stream: str) -> None:
    kinesis.add_tags_to_stream(StreamName=stream, Tags={f"k{number}": "v" for number in range(50)})
    assert refusal(kinesis.tag_resource, ResourceARN=ARN, Tags={"more": "v"})[0] == "InvalidArgumentException"
    assert refusal(kinesis.add_tags_to_stream, StreamName=stream, Tags={"k0": "no;"})[0] == "InvalidArgumentException"


def test_a_policy_is_kept_as_it_was_put(kinesis: Any, stream: str) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "111122223333"},
        "Action": "kinesis:PutRecord",
        "Resource": ARN,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    assert kinesis.get_resource_policy(ResourceARN=ARN)["Policy"] == "{}"
    kinesis.put_resource_policy(ResourceARN=ARN, Policy=policy)
    assert kinesis.get_resource_policy(ResourceARN=ARN)["Policy"] == policy
    kinesis.delete_resource_policy(ResourceARN=ARN)
    assert refusal(kinesis.delete_resource_policy, ResourceARN=ARN) == (
        "ResourceNotFoundException",
        f"No resource policy found for resource ARN {ARN}.",
    )


@pytest.mark.parametrize(
    "policy",
    [
        "no json",
        "[]",
        '{"Statement": []}',
        '{"Statement": [{"Effect": "Maybe", "Principal": "*", "Action": "kinesis:*", "Resource": "*"}]}',
        '{"Statement": [{"Effect": "Allow", "Action": "kinesis:*", "Resource": "*"}]}',
        '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}]}',
        '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kinesis:*", "Resource": "arn:other"}]}',
    ],
)
def test_a_policy_without_sense_is_refused(kinesis: Any, stream: str, policy: str) -> None:
    assert refusal(kinesis.put_resource_policy, ResourceARN=ARN, Policy=policy)[0] == "InvalidArgumentException"


def test_shard_metrics_are_chosen_in_steps(kinesis: Any, stream: str) -> None:
    kinesis.enable_enhanced_monitoring(StreamName=stream, ShardLevelMetrics=["IncomingBytes"])
    answer = kinesis.enable_enhanced_monitoring(StreamName=stream, ShardLevelMetrics=["OutgoingBytes"])
    assert answer["CurrentShardLevelMetrics"] == ["IncomingBytes"]
    assert answer["DesiredShardLevelMetrics"] == ["IncomingBytes", "OutgoingBytes"]
    kinesis.enable_enhanced_monitoring(StreamName=stream, ShardLevelMetrics=["ALL"])
    answer = kinesis.disable_enhanced_monitoring(StreamName=stream, ShardLevelMetrics=["IncomingRecords"])
    assert len(answer["DesiredShardLevelMetrics"]) == 6


def test_what_is_not_built_says_so(kinesis: Any, stream: str) -> None:
    request = {"StreamName": stream, "EncryptionType": "KMS", "KeyId": "k"}
    code, message = refusal(kinesis.start_stream_encryption, **request)
    assert (code, "KMS key" in message) == ("NotImplemented", True)
    assert kinesis.describe_stream(StreamName=stream)["StreamDescription"]["EncryptionType"] == "NONE"
