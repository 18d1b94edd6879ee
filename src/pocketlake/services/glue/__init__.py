"""AWS Glue: the data catalog and its crawlers."""

from . import (
    classifiers,
    connections,
    crawlers,
    crawls,
    databases,
    functions,
    partition_indexes,
    partitions,
    search,
    statistics,
    table_versions,
    tables,
    tags,
)
from .service import glue as service

__all__ = [
    "classifiers",
    "connections",
    "crawlers",
    "crawls",
    "databases",
    "functions",
    "partition_indexes",
    "partitions",
    "search",
    "service",
    "statistics",
    "table_versions",
    "tables",
    "tags",
]
