"""Registered consumers: each reads every shard at a rate of its own (enhanced fan-out).

AWS takes some seconds to make a consumer, and programs wait for it, so here it is CREATING for a second of the lake's
clock. A deregistered consumer is gone when the call returns, and its subscriptions end.
"""

from __future__ import annotations

import re
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.pages import InvalidToken
from pocketlake.kernel.resources import Resource, Resources

from . import account, addresses, capacity, quotas, rates
from .service import errors, kinesis
from .tags import check_tags

ARN = re.compile(r"(?P<stream>arn:[^:]+:kinesis:[^:]*:\d{12}:stream/[\w.-]+)/consumer/(?P<name>[\w.-]+):\d+")


def of(call: Call) -> Resources:
    """Consumers are resources beneath their stream: `parent` is its ARN."""
    return call.resources("consumer")


@kinesis.operation
def register_stream_consumer(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """At most 20 on one stream (50 with On-demand Advantage), five of them being created.  [KDS-002, KDS-018]"""
    stream = addresses.find(call, request)
    rates.admit(call, quotas.REGISTER_CALLS, f"{call.account}:{call.region}", f"stream {stream.name}")
    name, tags = request["ConsumerName"], request.get("Tags", {})
    if of(call).find(name, stream.arn) is not None:
        raise errors.ResourceInUseException(
            f"Consumer {name} under stream {stream.name} already exists for account {call.account}."
        )
    check_tags(tags, {})
    if call.limits_on:
        _check_count(call, stream)
    arn = f"{stream.arn}/consumer/{name}:{int(call.now)}"
    consumer = of(call).create(name, {}, parent=stream.arn, arn=arn, tags=tags)
    return {"Consumer": _describe(call, consumer)}


def _check_count(call: Call, stream: Resource) -> None:
    registered = of(call).list(parent=stream.arn)
    is_advantage = stream["StreamMode"] == capacity.ON_DEMAND and account.is_committed(call)
    most = int((quotas.CONSUMERS_ADVANTAGE if is_advantage else quotas.CONSUMERS).value)
    at_once = int(quotas.CONSUMERS_CREATING.value)
    if len(registered) >= most:
        raise errors.LimitExceededException(
            f"Cannot have more than {most} consumers registered with stream {stream.name} under account {call.account}."
        )
    if sum(not is_active(call, consumer) for consumer in registered) >= at_once:
        raise errors.LimitExceededException(
            f"Cannot have more than {at_once} consumers in CREATING status under stream {stream.name} "
            f"and account {call.account}."
        )


@kinesis.operation
def deregister_stream_consumer(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    stream, consumer = find(call, request)
    rates.admit(call, quotas.DEREGISTER_CALLS, stream.arn, f"stream {stream.name}")
    of(call).delete(consumer)
    forget_lanes(call, consumer)
    call.notify(f"kinesis.consumer:{consumer.arn}")  # its subscriptions notice that it is gone
    return {}


@kinesis.operation
def describe_stream_consumer(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    stream, consumer = find(call, request)
    rates.admit(call, quotas.DESCRIBE_CONSUMER_CALLS, stream.arn, f"stream {stream.name}")
    return {"ConsumerDescription": {**_describe(call, consumer), "StreamARN": stream.arn}}


@kinesis.operation
def list_stream_consumers(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """By name, at most 100 at a time."""
    stream = addresses.find(call, request)
    rates.admit(call, quotas.LIST_CONSUMERS_CALLS, stream.arn, f"stream {stream.name}")
    after = _resume(call, request, stream) if "NextToken" in request else ""
    created = request.get("StreamCreationTimestamp")
    if created is not None and int(created) != int(stream.created):
        raise addresses.not_found(stream.name, call.account)
    limit = int(min(request.get("MaxResults", quotas.LIST_CONSUMERS.value), quotas.LIST_CONSUMERS.value))
    found = of(call).list(parent=stream.arn, after=after, limit=limit + 1)
    shown = found[:limit]
    answer: dict[str, Any] = {"Consumers": [_describe(call, consumer) for consumer in shown]}
    if len(found) > limit:
        page = {"stream": stream.arn, "after": shown[-1].name, "issued": call.now}
        answer["NextToken"] = call.pages.seal({"list_stream_consumers": page})
    return answer


def _resume(call: Call, request: dict[str, Any], stream: Resource) -> str:
    if "StreamCreationTimestamp" in request:
        raise errors.InvalidArgumentException("NextToken and StreamCreationTimestamp cannot be provided together.")
    try:
        page: dict[str, Any] = call.pages.open(request["NextToken"])["list_stream_consumers"]
    except (InvalidToken, KeyError, TypeError):
        raise errors.InvalidArgumentException("NextToken is invalid.") from None
    if page["stream"] != stream.arn:
        raise errors.InvalidArgumentException("NextToken is invalid.")
    if call.now - page["issued"] > quotas.TOKEN_LIFE.value:
        raise errors.ExpiredNextTokenException("NextToken has expired; tokens live for 300 seconds.")
    return str(page["after"])


def find(call: Call, request: dict[str, Any]) -> tuple[Resource, Resource]:
    """The stream and the consumer of ConsumerARN, of StreamARN and ConsumerName, or of all three, if they agree."""
    arn, stream_arn, name = (request.get(member) for member in ("ConsumerARN", "StreamARN", "ConsumerName"))
    if arn is None and (stream_arn is None or name is None):
        raise errors.InvalidArgumentException(
            "Either ConsumerARN, or both StreamARN and ConsumerName must be provided."
        )
    if arn is not None:
        stream, consumer = by_arn(call, arn)
        if stream_arn not in (None, stream.arn) or name not in (None, consumer.name):
            raise errors.InvalidArgumentException(
                f"ConsumerARN {arn} does not go with the StreamARN or ConsumerName of the request."
            )
        return stream, consumer
    stream = addresses.find(call, {"StreamARN": stream_arn})
    found = of(call).find(str(name), stream.arn)
    if found is None:
        raise not_found(str(name), call.account)
    return stream, found


def by_arn(call: Call, arn: str) -> tuple[Resource, Resource]:
    """The stream and the consumer of a ConsumerARN. One registered anew has another ARN: its time is in it."""
    match = ARN.fullmatch(arn)
    if match is None:
        raise not_found(arn, call.account)
    consumer = of(call).find(match["name"], match["stream"])
    if consumer is None or consumer.arn != arn:
        raise not_found(arn, call.account)
    return addresses.find(call, {"StreamARN": match["stream"]}), consumer


def not_found(consumer: str, account: str) -> ServiceError:
    error: ServiceError = errors.ResourceNotFoundException(f"Consumer {consumer}, account {account} not found.")
    return error


def is_active(call: Call, consumer: Resource) -> bool:
    return call.now >= consumer.created + quotas.CONSUMER_CREATION.value


def check_active(call: Call, stream: Resource, consumer: Resource) -> None:
    """Wording: awslabs/kinesis-hot-shard-advisor, issue 37."""
    if not is_active(call, consumer):
        raise errors.ResourceInUseException(
            f"Consumer {consumer.name} with creation timestamp {int(consumer.created)} under stream: {stream.name} , "
            f"account {call.account} is not in ACTIVE status."
        )


def count(call: Call, stream: Resource) -> int:
    return of(call).count(stream.arn)


def leave(call: Call, stream: Resource, enforce: bool) -> None:
    """The stream is to be deleted: with its consumers if that is what the caller wants, else not at all."""
    registered = of(call).list(parent=stream.arn)
    if registered and not enforce:
        raise errors.ResourceInUseException(
            f"Stream {stream.name} under account {call.account} has registered consumers. "
            "Set EnforceConsumerDeletion to delete it with them."
        )
    for consumer in registered:
        of(call).delete(consumer)
        forget_lanes(call, consumer)


def lane_key(consumer: Resource, shard: int) -> tuple[str, str, int]:
    """Where its subscriptions to a shard keep their rates in memory."""
    return "lane", consumer.arn, shard


def forget_lanes(call: Call, consumer: Resource) -> None:
    for key in [key for key in call.memory if key[:2] == ("lane", consumer.arn)]:
        del call.memory[key]


def _describe(call: Call, consumer: Resource) -> dict[str, Any]:
    return {
        "ConsumerName": consumer.name,
        "ConsumerARN": consumer.arn,
        "ConsumerStatus": "ACTIVE" if is_active(call, consumer) else "CREATING",
        "ConsumerCreationTimestamp": consumer.created,
    }
