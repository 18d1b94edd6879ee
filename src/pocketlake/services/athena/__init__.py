"""Athena: SQL over the catalog's tables in S3."""

from . import (  # noqa: F401 - importing registers the operations
    catalogs,
    metadata,
    named_queries,
    pages_of_results,
    prepared_statements,
    queries,
    runs,
    tags,
    workgroups,
)
from .service import athena as service

__all__ = ["service"]
