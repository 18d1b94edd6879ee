"""Resharding: shards are split and merged; what they held stays in them until it expires.

A change is written into the stream, which is then UPDATING, and carried out when the lake's clock has moved on by
`quotas.RESHARDING`, in one transaction: parents are closed and their children opened, so that no record falls between
them. Producers and consumers go on all the while.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import addresses, capacity, quotas, rates, retention, sequences, shards, states, store, topics
from .lineage import Merge, Piece, Split, Step, resized
from .service import errors, kinesis
from .shards import Tail

DAY = 86_400.0


@kinesis.operation
def split_shard(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """One shard becomes two.  [KDS-028, KDS-029, KDS-575, KDS-583]"""
    stream = _provisioned(call, request, quotas.SPLIT_CALLS)
    parent = _eligible(call, stream, request["ShardToSplit"])
    capacity.check_shards(call, 1)
    at = int(request["NewStartingHashKey"])
    shard = parent.shard
    if not shard.first_hash + 1 < at < shard.last_hash:
        raise errors.InvalidArgumentException(
            f"NewStartingHashKey {at} used in SplitShard() on shard {parent.id} in stream {stream.name} "
            f"under account {call.account} is not both greater than one plus the shard's StartingHashKey "
            f"{shard.first_hash} and less than the shard's EndingHashKey {shard.last_hash}."
        )
    begin(call, stream, {"Split": [shard.number, str(at)]})
    return {}


@kinesis.operation
def merge_shards(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Two neighbours, the lower first, become one.  [KDS-028, KDS-030, KDS-577]"""
    stream = _provisioned(call, request, quotas.MERGE_CALLS)
    lower, upper = (_eligible(call, stream, request[member]) for member in ("ShardToMerge", "AdjacentShardToMerge"))
    if lower.shard.last_hash + 1 != upper.shard.first_hash:
        raise errors.InvalidArgumentException(
            f"Shards {lower.id} and {upper.id} in stream {stream.name} under account {call.account} "
            "are not an adjacent pair of shards eligible for merging"
        )
    begin(call, stream, {"Merge": [lower.shard.number, upper.shard.number]})
    return {}


@kinesis.operation
def update_shard_count(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """At most double, at least half, ten times in 24 hours.  [KDS-027, KDS-522, KDS-585]"""
    stream = _provisioned(call, request, quotas.SHARD_COUNT_CALLS)
    current, target = len(shards.layout(call, stream).open), request["TargetShardCount"]
    if target != current:
        updates = [moment for moment in stream.get("ShardCountUpdates", []) if moment > call.now - DAY]
        if call.limits_on:
            _check_scaling(call, stream, current, target, len(updates))
        if target > current:
            capacity.check_shards(call, max(target - current, current))  # all are split before some are merged
        begin(call, stream, {"Count": target}, ShardCountUpdates=[*updates, call.now])
    return {
        "StreamName": stream.name,
        "CurrentShardCount": current,
        "TargetShardCount": target,
        "StreamARN": stream.arn,
    }


def _check_scaling(call: Call, stream: Resource, current: int, target: int, updates: int) -> None:
    counts = f"Current open shard count: {current} Target shard count: {target}"
    if target > 2 * current:
        raise errors.LimitExceededException(
            f"UpdateShardCount cannot scale up over double your current open shard count. {counts}"
        )
    if 2 * target < current:
        raise errors.LimitExceededException(
            f"UpdateShardCount cannot scale down below half your current open shard count. {counts}"
        )
    most = int(quotas.STREAM_SHARDS.value)
    if target > most:
        raise errors.LimitExceededException(
            f"Target shard count or number of open shards cannot be greater than {most}. {counts}"
        )
    if updates >= quotas.SHARD_COUNT_UPDATES.value:
        raise errors.LimitExceededException(
            f"Stream {stream.name} under account {call.account} was scaled with UpdateShardCount {updates} times "
            "in the last 24 hours; the limit is reached."
        )


def _provisioned(call: Call, request: dict[str, Any], rate: quotas.Quota) -> Resource:
    """The stream of the request if it may be resharded now."""
    stream = addresses.find(call, request)
    rates.admit(call, rate, f"{call.account}:{call.region}", f"stream {stream.name}")
    capacity.check_provisioned(call, stream)
    states.check_active(call, stream)
    return stream


def _eligible(call: Call, stream: Resource, shard_name: str) -> Tail:
    """An open shard. Wording: recorded by kinesalite, and its issue 109."""
    number = sequences.shard_number(shard_name)
    tail = None if number is None else shards.layout(call, stream).tails.get(number)
    if tail is None:
        named = shard_name if number is None else sequences.shard_id(number)
        raise errors.ResourceNotFoundException(
            f"Could not find shard {named} in stream {stream.name} under account {call.account}."
        )
    if tail.shard.closed is not None:
        raise errors.InvalidArgumentException(
            f"Shard {tail.id} in stream {stream.name} under account {call.account} has already been merged or split, "
            "and thus is not eligible for merging or splitting."
        )
    return tail


def begin(call: Call, stream: Resource, change: dict[str, Any], **members: Any) -> None:
    """The stream is UPDATING from now on. Without limits nobody has to wait: it is done when the call returns."""
    call.resources("stream").update(stream, Change=change, **members)
    if call.limits_on:
        call.alarms.set(finish, stream.name, call.now + quotas.RESHARDING.value)
    else:
        finish(call, stream.name)


@kinesis.alarm
def finish(call: Call, key: str) -> None:
    """Carry out the change that stream `key` waits for; it is ACTIVE again."""
    stream = call.resources("stream").find(key)
    if stream is None or "Change" not in stream.body:
        return  # deleted meanwhile, or made anew
    ((kind, value),) = stream["Change"].items()
    steps: list[Step]
    if kind == "Split":
        steps = [Split(value[0], int(value[1]))]
    elif kind == "Merge":
        steps = [Merge(*value)]
    else:
        steps = resized(pieces(call, stream), following(call, stream), value, at_once=kind == "Warm")
    carry_out(call, call.resources("stream").update(stream, Change=None), steps)


def pieces(call: Call, stream: Resource) -> list[Piece]:
    """The open shards, without load."""
    opened = (tail.shard for tail in shards.layout(call, stream).open)
    return [Piece(shard.number, shard.first_hash, shard.last_hash) for shard in opened]


def following(call: Call, stream: Resource) -> int:
    """The next shard's number. The newest shard is always open, hence never removed."""
    return max(shards.layout(call, stream).tails) + 1


def carry_out(call: Call, stream: Resource, steps: list[Step]) -> None:
    """Close parents and open children, in this transaction; whoever reads the stream is woken.

    A child's epoch is later than that of its parents, and its records arrive no earlier than theirs: so sequence
    numbers and times rise for each partition key, whatever the clock did.
    """
    tails = shards.layout(call, stream).tails
    known = {number: tail.shard for number, tail in tails.items()}
    ends = {number: tail.arrival for number, tail in tails.items()}
    first = number = following(call, stream)
    for step in steps:
        parents = [known[step.parent]] + ([known[step.adjacent]] if isinstance(step, Merge) else [])
        arrival = max(ends[parent.number] for parent in parents)
        closed = max(call.now, arrival / 1000)
        child = store.Shard(
            id=0,
            number=number,
            epoch=max(int(call.now), *(parent.epoch + 1 for parent in parents)),
            first_hash=parents[0].first_hash,
            last_hash=parents[-1].last_hash,
            parent=parents[0].number,
            adjacent_parent=parents[1].number if len(parents) > 1 else None,
            opened=closed,
            closed=None,
            next=1,
            arrival=arrival,
        )
        children = [child]
        if isinstance(step, Split):
            children = [
                replace(child, last_hash=step.at - 1),
                replace(child, number=number + 1, first_hash=step.at),
            ]
        number += len(children)
        for one in children:
            known[one.number], ends[one.number] = one, arrival
        for parent in parents:
            known[parent.number] = replace(parent, closed=closed)
    if steps:
        _write(call, stream, known, first)
        if "Topic" in stream.body:
            topics.extend(call, stream, number)
        retention.watch(call, stream, int(call.now * 1000))
        call.notify(f"kinesis.records:{stream.arn}")


def _write(call: Call, stream: Resource, known: dict[int, store.Shard], first: int) -> None:
    """Keep what has become of the shards; those from number `first` on are new. All at once: there may be thousands."""
    tails = shards.layout(call, stream).tails
    closed = [shard for number, shard in known.items() if number < first and shard is not tails[number].shard]
    store.close_shards(call.db, stream.arn, {shard.number: shard.closed or 0.0 for shard in closed})
    opened = store.open_children(call.db, stream.arn, [known[number] for number in range(first, max(known) + 1)])
    shards.change(call, stream, [*closed, *opened])
