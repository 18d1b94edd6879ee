"""SQS: standard and FIFO queues that keep messages until their consumers delete them."""

from . import (
    attributes,
    dead_letters,
    deletion,
    messages,
    move_tasks,
    policies,
    queues,
    receiving,
    settling,
    tags,
    visibility,
)
from .service import sqs as service

__all__ = [
    "attributes",
    "dead_letters",
    "deletion",
    "messages",
    "move_tasks",
    "policies",
    "queues",
    "receiving",
    "service",
    "settling",
    "tags",
    "visibility",
]
