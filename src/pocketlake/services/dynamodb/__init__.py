"""DynamoDB: items under keys, in tables with indexes, read and written by expressions."""

from . import (
    backfill,
    backups,
    batches,
    continuous_backups,
    exports,
    history,
    items,
    policies,
    query,
    restores,
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
    "backups",
    "batches",
    "continuous_backups",
    "exports",
    "history",
    "items",
    "policies",
    "query",
    "restores",
    "scan",
    "service",
    "statements",
    "table_updates",
    "tables",
    "tags",
    "time_to_live",
    "transactions",
]
