"""DynamoDB: items under keys, in tables with indexes, read and written by expressions."""

from . import (
    backfill,
    batches,
    history,
    items,
    policies,
    query,
    scan,
    table_updates,
    tables,
    tags,
    time_to_live,
    transactions,
)
from .backups import backups, continuous_backups, restores
from .capacity import contributor_insights, spreading
from .partiql import statements
from .replicas import auto_scaling, global_tables, replicas
from .service import dynamodb as service
from .streams import iterators, kinesis_delivery, kinesis_destinations, records, streams
from .transfers import exports, imports

__all__ = [
    "auto_scaling",
    "backfill",
    "backups",
    "batches",
    "continuous_backups",
    "contributor_insights",
    "exports",
    "global_tables",
    "history",
    "imports",
    "items",
    "iterators",
    "kinesis_delivery",
    "kinesis_destinations",
    "policies",
    "query",
    "records",
    "replicas",
    "restores",
    "scan",
    "service",
    "spreading",
    "statements",
    "streams",
    "table_updates",
    "tables",
    "tags",
    "time_to_live",
    "transactions",
]
