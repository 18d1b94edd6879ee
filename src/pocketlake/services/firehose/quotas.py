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
RECORDS_PER_SECOND = Quota("direct put records", 500_000, "records/s", GUIDE, adjustable=True)
REQUESTS_PER_SECOND = Quota("direct put requests", 2_000, "requests/s", GUIDE, adjustable=True)
BYTES_PER_SECOND = Quota("direct put data", 5 * MIB, "bytes/s", GUIDE, adjustable=True)

DEFAULT_SIZE_MB = 5
DEFAULT_INTERVAL_SECONDS = 300
CONVERSION_DEFAULT_SIZE_MB = 128
CONVERSION_MINIMUM_SIZE_MB = 64
