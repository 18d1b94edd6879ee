"""Data Firehose: records gathered into objects, converted on the way, each in exactly one of them.

A record's way: `records` or `kinesis_source` -> `buffers` -> `deliveries`, which makes a `Batch` of what is due and has
it backed up (`backups`), processed, delivered by the stream's destination, and what fails written to S3 (`failures`).
A destination is one module in `destinations/`, with the members of `destinations.Destination`.
"""

from . import deliveries, delivery_streams, encryption, kinesis_source, records, tags
from .service import firehose as service

__all__ = ["deliveries", "delivery_streams", "encryption", "kinesis_source", "records", "service", "tags"]
