"""The limits of Kinesis Data Streams, each with its source."""

from __future__ import annotations

from pocketlake.kernel.quotas import Quota

GUIDE = "Kinesis Data Streams developer guide, Quotas and limits"
GUIDE_MODES = "Kinesis Data Streams developer guide, Choose the right mode"
REFERENCE = "Kinesis Data Streams API reference, "
MIB = 1024 * 1024

WRITE_BYTES = Quota("write per shard", MIB, "bytes/s", GUIDE)
WRITE_RECORDS = Quota("records written per shard", 1000, "records/s", GUIDE)
READ_CALLS = Quota("GetRecords per shard", 5, "calls/s", GUIDE)
READ_BYTES = Quota("read per shard", 2 * MIB, "bytes/s", GUIDE)
READ_PAGE_BYTES = Quota("one GetRecords", 10 * MIB, "bytes", REFERENCE + "GetRecords")
READ_PAGE_RECORDS = Quota("records of one GetRecords", 10_000, "records", REFERENCE + "GetRecords")
ITERATOR_CALLS = Quota("GetShardIterator per shard", 5, "calls/s", REFERENCE + "GetShardIterator")
ITERATOR_LIFE = Quota("life of a shard iterator", 300, "seconds", REFERENCE + "GetShardIterator")
TOKEN_LIFE = Quota("life of a ListShards token", 300, "seconds", REFERENCE + "ListShards")
REQUEST_BYTES = Quota("one PutRecords", 10 * MIB, "bytes", REFERENCE + "PutRecords (10 MiB since late 2025)")
RECORD_KIB = Quota("one record unless the stream allows more", 1024, "KiB", REFERENCE + "CreateStream")
RETENTION_LEAST = Quota("shortest retention", 24, "hours", GUIDE)
RETENTION_MOST = Quota("longest retention", 8760, "hours", GUIDE)
ON_DEMAND_SHARDS = Quota("shards of a new on-demand stream", 4, "shards", GUIDE + " (4 MB/s of writes)")
ON_DEMAND_STREAMS = Quota("on-demand streams per account", 50, "streams", GUIDE, adjustable=True)
MODE_SWITCHES = Quota("switches of capacity mode per stream", 2, "per 24 hours", REFERENCE + "UpdateStreamMode")
TAGS = Quota("tags per stream", 50, "tags", REFERENCE + "AddTagsToStream")
POLICY_BYTES = Quota("resource policy", 20 * 1024, "bytes", GUIDE)
LIST_STREAMS = Quota("streams of one ListStreams", 100, "streams", REFERENCE + "ListStreams")
DESCRIBE_SHARDS = Quota("shards of one DescribeStream", 100, "shards", REFERENCE + "DescribeStream")
LIST_SHARDS = Quota("shards of one ListShards", 1000, "shards", REFERENCE + "ListShards")

CONSUMERS = Quota("consumers registered on one stream", 20, "consumers", GUIDE)
CONSUMERS_ADVANTAGE = Quota("the same of On-demand Advantage", 50, "consumers", REFERENCE + "RegisterStreamConsumer")
CONSUMERS_CREATING = Quota("consumers of a stream in CREATING", 5, "consumers", REFERENCE + "RegisterStreamConsumer")
CONSUMER_CREATION = Quota("CREATING of a consumer", 1, "seconds", "ours; AWS documents none, some seconds are usual")
REGISTER_CALLS = Quota("RegisterStreamConsumer per account", 5, "calls/s", REFERENCE + "RegisterStreamConsumer")
DEREGISTER_CALLS = Quota("DeregisterStreamConsumer per stream", 5, "calls/s", REFERENCE + "DeregisterStreamConsumer")
DESCRIBE_CONSUMER_CALLS = Quota(
    "DescribeStreamConsumer per stream", 20, "calls/s", REFERENCE + "DescribeStreamConsumer"
)
LIST_CONSUMERS_CALLS = Quota("ListStreamConsumers per stream", 5, "calls/s", REFERENCE + "ListStreamConsumers")
LIST_CONSUMERS = Quota("consumers of one ListStreamConsumers", 100, "consumers", REFERENCE + "ListStreamConsumers")
SUBSCRIBE_CALLS = Quota("SubscribeToShard per consumer and shard", 1, "calls/s", REFERENCE + "SubscribeToShard")
SUBSCRIPTION_LIFE = Quota("life of a subscription", 300, "seconds", REFERENCE + "SubscribeToShard")
SUBSCRIPTION_HOLD = Quota("a subscription can't be taken over", 5, "seconds", REFERENCE + "SubscribeToShard")
PUSH_BYTES = Quota("pushed per consumer and shard", 2 * MIB, "bytes/s", GUIDE)
EVENT_BYTES = Quota("one SubscribeToShardEvent", MIB, "bytes", "ours; AWS documents none")
HEARTBEAT = Quota("an empty event on an idle subscription every", 5, "seconds", "ours; AWS documents none")

SPLIT_CALLS = Quota("SplitShard per account", 5, "calls/s", REFERENCE + "SplitShard")
MERGE_CALLS = Quota("MergeShards per account", 5, "calls/s", REFERENCE + "MergeShards")
SHARD_COUNT_CALLS = Quota("UpdateShardCount per account", 10, "calls/s", REFERENCE + "UpdateShardCount")
SHARD_COUNT_UPDATES = Quota("UpdateShardCount per stream", 10, "per 24 hours", REFERENCE + "UpdateShardCount")
STREAM_SHARDS = Quota(
    "shards that UpdateShardCount gives a stream", 10_000, "shards", REFERENCE + "UpdateShardCount", adjustable=True
)
RESHARDING = Quota("UPDATING of a stream", 1, "seconds", "ours; on AWS half a minute and more")
WARM_CALLS = Quota("UpdateStreamWarmThroughput", 5, "calls/s", REFERENCE + "UpdateStreamWarmThroughput")
WARM_MIB = Quota("warm throughput", 10 * 1024, "MiB/s", REFERENCE + "UpdateStreamWarmThroughput", adjustable=True)
SETTINGS_CALLS = Quota("Update- and DescribeAccountSettings, each", 5, "calls/s", REFERENCE + "UpdateAccountSettings")
LIMITS_CALLS = Quota("DescribeLimits per account", 1, "calls/s", REFERENCE + "DescribeLimits")
COMMITMENT = Quota("shortest billing commitment", 24 * 3600, "seconds", REFERENCE + "UpdateAccountSettings")

OBSERVED = Quota("throughput is observed over", 60, "seconds", "AWS Big Data Blog, on-demand mode scales to 1 GB/s")
PEAK_DAYS = Quota("a peak of on-demand streams counts for", 30, "days", GUIDE_MODES)

LARGE_REGIONS = frozenset({"us-east-1", "us-west-2", "eu-west-1"})
SHARDS_LARGE = Quota("provisioned shards per account in the large regions", 20_000, "shards", GUIDE, adjustable=True)
# AWS says "1,000 or 6,000" of the other regions: what fits into the smaller one fits everywhere.
SHARDS_OTHER = Quota("provisioned shards per account elsewhere", 1_000, "shards", GUIDE, adjustable=True)
ON_DEMAND_LARGE = Quota("an on-demand stream in the large regions", 10 * 1024, "MiB/s", GUIDE)
ON_DEMAND_OTHER = Quota("an on-demand stream elsewhere", 200, "MiB/s", GUIDE, adjustable=True)


def shard_limit(region: str) -> int:
    return int((SHARDS_LARGE if region in LARGE_REGIONS else SHARDS_OTHER).value)


def on_demand_limit(region: str) -> int:
    """Shards, each of 1 MiB/s."""
    return int((ON_DEMAND_LARGE if region in LARGE_REGIONS else ON_DEMAND_OTHER).value)
