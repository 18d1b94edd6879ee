"""Kinesis Data Streams: ordered records in shards, kept for a day to a year."""

from . import (
    account,
    consumers,
    encryption,
    iterators,
    modes,
    monitoring,
    policies,
    records,
    retention,
    shards,
    streams,
    tags,
)
from .service import kinesis as service

__all__ = [
    "account",
    "consumers",
    "encryption",
    "iterators",
    "modes",
    "monitoring",
    "policies",
    "records",
    "retention",
    "service",
    "shards",
    "streams",
    "tags",
]
