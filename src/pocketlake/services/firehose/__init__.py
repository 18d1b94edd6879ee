"""Data Firehose: records gathered into objects, converted on the way, each in exactly one of them."""

from . import deliveries, delivery_streams, kinesis_source, records, tags
from .service import firehose as service

__all__ = ["deliveries", "delivery_streams", "kinesis_source", "records", "service", "tags"]
