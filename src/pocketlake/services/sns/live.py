"""The subscriptions of a topic as a publish needs them: in memory, and read from the store when they are not there."""

from __future__ import annotations

from bisect import bisect_left

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource


class Subscribers:
    """In the order of their IDs, and by protocol and endpoint."""

    __slots__ = ("_by_endpoint", "ordered")

    def __init__(self, found: list[Resource]) -> None:
        self.ordered = found
        self._by_endpoint = {(one["Protocol"], one["Endpoint"]): one for one in found}

    def at(self, protocol: str, endpoint: str) -> Resource | None:
        return self._by_endpoint.get((protocol, endpoint))

    def put(self, subscription: Resource) -> None:
        self.ordered[self._place(subscription)] = [subscription]
        self._by_endpoint[subscription["Protocol"], subscription["Endpoint"]] = subscription

    def drop(self, subscription: Resource) -> None:
        del self.ordered[self._place(subscription)]
        self._by_endpoint.pop((subscription["Protocol"], subscription["Endpoint"]), None)

    def _place(self, subscription: Resource) -> slice:
        """Where it stands or, empty, where it belongs."""
        at = bisect_left(self.ordered, subscription.name, key=lambda one: one.name)
        is_there = at < len(self.ordered) and self.ordered[at].name == subscription.name
        return slice(at, at + is_there)


def of(call: Call, topic: Resource) -> Subscribers:
    """`call` is in the topic's scope."""
    found: Subscribers | None = call.memory.get(topic.arn)
    if found is None:
        found = call.memory[topic.arn] = Subscribers(call.resources("subscription").list(parent=topic.name))
        call.undo(lambda: forget(call, topic.arn))  # what was read may be taken back with this turn
    return found


def subscriptions(call: Call, topic: Resource) -> list[Resource]:
    """All of them, by ID; not to be changed."""
    return of(call, topic).ordered


def put(call: Call, subscription: Resource) -> None:
    """After each write of a subscription. If that is taken back, they are read anew."""
    found: Subscribers | None = call.memory.get(subscription["TopicArn"])
    if found is not None:
        found.put(subscription)
        call.undo(lambda: forget(call, subscription["TopicArn"]))


def drop(call: Call, subscription: Resource) -> None:
    """After a subscription was deleted."""
    found: Subscribers | None = call.memory.get(subscription["TopicArn"])
    if found is not None:
        found.drop(subscription)
        call.undo(lambda: forget(call, subscription["TopicArn"]))


def forget(call: Call, topic_arn: str) -> None:
    """After the topic was deleted: what comes in its place is read anew."""
    call.memory.pop(topic_arn, None)


def log(topic: Resource) -> str:
    """Under which name the store has what a FIFO topic keeps: another one for each topic that had this ARN."""
    return str(topic.get("Log", topic.arn))
