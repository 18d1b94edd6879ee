"""SNS: topics, standard and FIFO, that hand each message to all who subscribed."""

from . import (
    data_protection,
    deliveries,
    messages,
    outbox,
    phones,
    platforms,
    policies,
    replays,
    signing,
    subscriptions,
    tags,
    topics,
)
from .service import sns as service

__all__ = [
    "data_protection",
    "deliveries",
    "messages",
    "outbox",
    "phones",
    "platforms",
    "policies",
    "replays",
    "service",
    "signing",
    "subscriptions",
    "tags",
    "topics",
]
