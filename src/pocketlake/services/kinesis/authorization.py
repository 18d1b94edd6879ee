"""What each operation on streams must be permitted.

Source: Service Authorization Reference, "Amazon Kinesis Data Streams"; tags given at once: API Reference, CreateStream
and RegisterStreamConsumer. The reference gives some operations on one stream no resource of their own: they are `*`.
"""

from __future__ import annotations

from pocketlake.kernel.authorization import ANY, Authorization, On, Request, filled, template
from pocketlake.kernel.call import Call
from pocketlake.kernel.pages import InvalidToken

from . import consumers
from .iterators import open_iterator

NAMED = template("kinesis", "stream/{StreamName}")
STREAM = "{StreamARN}|" + NAMED
CONSUMER = "{StreamARN}/consumer/{ConsumerName}:*"
RESOURCE = "{ResourceARN}"


def stream_read(call: Call, request: Request) -> list[str]:
    """The iterator knows its stream."""
    place = open_iterator(call, request["ShardIterator"])
    return [filled(NAMED, call, {"StreamName": place.stream})]


def stream_listed(call: Call, request: Request) -> list[str]:
    """So does a page's token; one that is none is the operation's to refuse."""
    if not request.get("NextToken"):
        return [filled(STREAM, call, request)]
    try:
        return [filled(NAMED, call, {"StreamName": call.pages.open(request["NextToken"])["list_shards"]["stream"]})]
    except (InvalidToken, KeyError, TypeError):
        return [filled(NAMED, call, {})]


def consumer(call: Call, request: Request) -> list[str]:
    """By its ARN, or by its name on a stream; the ARN of one that is not there is not known whole."""
    if not request.get("ConsumerARN"):
        found = consumers.of(call).find(request.get("ConsumerName", ""), request.get("StreamARN", ""))
        return [found.arn if found else filled(CONSUMER, call, request)]
    return [request["ConsumerARN"]]


def key(call: Call, request: Request) -> list[str]:
    """By whatever name: ID, alias or ARN."""
    name = request.get("KeyId", "")
    if name.startswith("arn:"):
        return [name]
    return [filled(template("kms", name if name.startswith("alias/") else f"key/{name}"), call, {})]


authorization = Authorization(
    "kinesis",
    {
        "add_tags_to_stream": STREAM,
        "create_stream": (On(NAMED), On(NAMED, "AddTagsToStream", given="Tags")),
        "decrease_stream_retention_period": STREAM,
        "delete_resource_policy": RESOURCE,
        "delete_stream": STREAM,
        "deregister_stream_consumer": On(consumer),
        "describe_account_settings": ANY,
        "describe_limits": ANY,
        "describe_stream": STREAM,
        "describe_stream_consumer": On(consumer),
        "describe_stream_summary": STREAM,
        "disable_enhanced_monitoring": ANY,
        "enable_enhanced_monitoring": ANY,
        "get_records": On(stream_read),
        "get_resource_policy": RESOURCE,
        "get_shard_iterator": STREAM,
        "increase_stream_retention_period": STREAM,
        "list_shards": On(stream_listed),
        "list_stream_consumers": "{StreamARN}",
        "list_streams": ANY,
        "list_tags_for_resource": RESOURCE,
        "list_tags_for_stream": STREAM,
        "merge_shards": STREAM,
        "put_record": STREAM,
        "put_records": STREAM,
        "put_resource_policy": RESOURCE,
        "register_stream_consumer": (On("{StreamARN}"), On(CONSUMER, "TagResource", given="Tags")),
        "remove_tags_from_stream": STREAM,
        "split_shard": STREAM,
        "start_stream_encryption": (On(STREAM), On(key)),
        "stop_stream_encryption": (On(STREAM), On(key)),
        "subscribe_to_shard": "{ConsumerARN}",
        "tag_resource": RESOURCE,
        "untag_resource": RESOURCE,
        "update_account_settings": ANY,
        "update_max_record_size": "{StreamARN}",
        "update_shard_count": ANY,
        "update_stream_mode": ANY,
        "update_stream_warm_throughput": STREAM,
    },
)
