"""Firehose's limits.

Source: Amazon Data Firehose developer guide, "Amazon Data Firehose quota" and "Configure buffering hints".
"""

from __future__ import annotations

from pocketlake.kernel.quotas import Quota

GUIDE = "Amazon Data Firehose developer guide, quotas"
MIB = 1024 * 1024

STREAMS = Quota("delivery streams per region", 5000, "streams", GUIDE, adjustable=True)
RECORD_BYTES = Quota("record before base64", 1000 * 1024, "bytes", GUIDE)
BATCH_BYTES = Quota("PutRecordBatch call", 4 * MIB, "bytes", GUIDE)
ACTIVE_PARTITIONS = Quota("active partitions of a stream", 500, "partitions", GUIDE, adjustable=True)
RETENTION_SECONDS = Quota("keeping of what can't be delivered", 24 * 3600, "s", GUIDE)
TAGS_OF_A_STREAM = Quota("tags of a stream", 50, "tags", "API reference, TagDeliveryStream")
PREFIX_CHARACTERS = Quota("evaluated prefix", 512, "characters", "developer guide, custom prefixes")
PROCESSORS = Quota("processors of a destination", 5, "processors", "API reference, ProcessingConfiguration")
HTTP_RECORDS = Quota("records of a request to an HTTP endpoint", 10_000, "records", "HTTP endpoint specifications")
# Not documented; see buffers.size_of_delivery.
GROWN_BUFFER_BYTES = Quota("buffer grown to catch up", 128 * MIB, "bytes", "the largest buffer of an S3 destination")
# Not documented; a partition gets this much beyond its buffer's size rather than being sorted into record by record.
SORTED_BYTES = Quota("records sorted into partitions at once", MIB, "bytes", "see buffers.py")

# Direct puts: all of PutRecord and PutRecordBatch to one stream, a second.
LARGE_REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
RECORDS_PER_SECOND = Quota("direct put records", 500_000, "records/s", GUIDE, adjustable=True)
REQUESTS_PER_SECOND = Quota("direct put requests", 2_000, "requests/s", GUIDE, adjustable=True)
BYTES_PER_SECOND = Quota("direct put data", 5 * MIB, "bytes/s", GUIDE, adjustable=True)
SMALL_RECORDS_PER_SECOND = Quota("direct put records, other regions", 100_000, "records/s", GUIDE, adjustable=True)
SMALL_REQUESTS_PER_SECOND = Quota("direct put requests, other regions", 1_000, "requests/s", GUIDE, adjustable=True)
SMALL_BYTES_PER_SECOND = Quota("direct put data, other regions", MIB, "bytes/s", GUIDE, adjustable=True)

DEFAULT_SIZE_MB = 5
DEFAULT_INTERVAL_SECONDS = 300
SPLUNK_INTERVAL_SECONDS = 60
SPLUNK_ACKNOWLEDGEMENT_SECONDS = 180
LARGE_DEFAULT_SIZE_MB = 128
LARGE_MINIMUM_SIZE_MB = 64  # with format conversion, or dynamic partitioning


def direct_put_rates(region: str) -> tuple[Quota, Quota, Quota]:
    """(requests, records, bytes) a second that one stream takes in this region."""
    if region in LARGE_REGIONS:
        return REQUESTS_PER_SECOND, RECORDS_PER_SECOND, BYTES_PER_SECOND
    return SMALL_REQUESTS_PER_SECOND, SMALL_RECORDS_PER_SECOND, SMALL_BYTES_PER_SECOND
