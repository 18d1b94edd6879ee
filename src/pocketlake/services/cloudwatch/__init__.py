"""CloudWatch: metrics of services and of whoever puts some, kept and read by period, unit and statistic."""

from . import keeping, listing, metric_data, queries, statistics
from .service import cloudwatch as service

__all__ = ["keeping", "listing", "metric_data", "queries", "service", "statistics"]
