"""Kinesis Data Streams: ordered records in shards, kept for a day to a year."""

from . import (
    account,
    consumers,
    encryption,
    iterators,
    listing,
    modes,
    monitoring,
    on_demand,
    policies,
    records,
    resharding,
    retention,
    shards,
    streams,
    subscriptions,
    tags,
    warm_throughput,
)
from .service import kinesis as service

__all__ = [
    "account",
    "consumers",
    "encryption",
    "iterators",
    "listing",
    "modes",
    "monitoring",
    "on_demand",
    "policies",
    "records",
    "resharding",
    "retention",
    "service",
    "shards",
    "streams",
    "subscriptions",
    "tags",
    "warm_throughput",
]
