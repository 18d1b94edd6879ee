"""DynamoDB: items under keys, in tables with indexes, read and written by expressions."""

from . import (
    backfill,
    batches,
    history,
    items,
    policies,
    query,
    scan,
    statements,
    table_updates,
    tables,
    tags,
    time_to_live,
    transactions,
)
from .service import dynamodb as service

__all__ = [
    "backfill",
    "batches",
    "history",
    "items",
    "policies",
    "query",
    "scan",
    "service",
    "statements",
    "table_updates",
    "tables",
    "tags",
    "time_to_live",
    "transactions",
]
