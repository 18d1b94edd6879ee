"""The subscriptions of a topic as a publish needs them: in memory, rebuilt from the store when they have changed."""

from __future__ import annotations

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource


def subscriptions(call: Call, topic: Resource) -> list[Resource]:
    """All of them, by ID; `call` is in the topic's scope."""
    found: list[Resource] | None = call.memory.get(topic.arn)
    if found is None:
        found = call.memory[topic.arn] = call.resources("subscription").list(parent=topic.name)
        call.undo(lambda: forget(call, topic.arn))  # what was read may be taken back with this turn
    return found


def log(topic: Resource) -> str:
    """Under which name the store has what a FIFO topic keeps: another one for each topic that had this ARN."""
    return str(topic.get("Log", topic.arn))


def forget(call: Call, topic_arn: str) -> None:
    """After every change, and again if the change is taken back."""
    call.memory.pop(topic_arn, None)


def changed(call: Call, topic_arn: str) -> None:
    forget(call, topic_arn)
    call.undo(lambda: forget(call, topic_arn))
