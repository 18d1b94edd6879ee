"""The limits of DynamoDB, each with its source."""

from __future__ import annotations

from pocketlake.kernel.quotas import Quota

GUIDE = "DynamoDB developer guide, Quotas and limits"
BURST_GUIDE = "DynamoDB developer guide, Burst and adaptive capacity"
REFERENCE = "DynamoDB API reference, "
KIB = 1024
MIB = 1024 * 1024

ITEM_BYTES = Quota("one item, names and values", 400 * KIB, "bytes", GUIDE)
HASH_BYTES = Quota("partition key value", 2048, "bytes", GUIDE)
RANGE_BYTES = Quota("sort key value", 1024, "bytes", GUIDE)
NESTING = Quota("levels of lists and maps", 32, "levels", GUIDE)
EXPRESSION_BYTES = Quota("one expression", 4 * KIB, "bytes", GUIDE)
OPERATORS = Quota("operators and functions in an expression", 300, "operators", GUIDE)
IN_OPERANDS = Quota("operands of IN", 100, "operands", GUIDE)
LOCAL_INDEXES = Quota("local secondary indexes of a table", 5, "indexes", GUIDE)
GLOBAL_INDEXES = Quota("global secondary indexes of a table", 20, "indexes", GUIDE, adjustable=True)
INDEX_KEY_ATTRIBUTES = Quota("partition or sort key attributes of a global index", 4, "attributes", GUIDE)
TABLES = Quota("tables of an account in a region", 2500, "tables", GUIDE, adjustable=True)
TAGS = Quota("tags of a table", 50, "tags", GUIDE)
TABLE_UNITS = Quota("provisioned units of a table", 40_000, "units/s", GUIDE, adjustable=True)
ACCOUNT_UNITS = Quota("provisioned units of an account in a region", 80_000, "units/s", GUIDE, adjustable=True)
UNITS_BOUND = Quota("units that a request can name", 10**12, "units/s", "dynalite, recorded: out of bounds above")

PAGE_BYTES = Quota("one page of Query or Scan", MIB, "bytes", REFERENCE + "Query")
BATCH_GET_KEYS = Quota("keys of one BatchGetItem", 100, "keys", REFERENCE + "BatchGetItem")
BATCH_GET_BYTES = Quota("one BatchGetItem", 16 * MIB, "bytes", REFERENCE + "BatchGetItem")
BATCH_WRITES = Quota("requests of one BatchWriteItem", 25, "requests", REFERENCE + "BatchWriteItem")
BATCH_WRITE_BYTES = Quota("one BatchWriteItem", 16 * MIB, "bytes", REFERENCE + "BatchWriteItem")
TRANSACTION_BYTES = Quota("one transaction", 4 * MIB, "bytes", REFERENCE + "TransactWriteItems")
TOKEN_LIFE = Quota("life of a ClientRequestToken", 600, "seconds", REFERENCE + "TransactWriteItems")

READ_UNIT_BYTES = Quota("one read unit", 4 * KIB, "bytes", GUIDE)
WRITE_UNIT_BYTES = Quota("one write unit", KIB, "bytes", GUIDE)
BURST = Quota("unused capacity is kept for", 300, "seconds", BURST_GUIDE)
PARTITION_READS = Quota("reads of one partition", 3000, "units/s", BURST_GUIDE)
PARTITION_WRITES = Quota("writes of one partition", 1000, "units/s", BURST_GUIDE)
PARTITION_BYTES = Quota("one partition", 10 * 1024 * MIB, "bytes", "developer guide, Partitions and data distribution")
SPLIT_MINUTES = Quota("a partition is busy before it is divided", 3, "minutes", "ours; AWS: some minutes")
COLLECTION_BYTES = Quota("item collection of a table with local indexes", 10 * 1024 * MIB, "bytes", GUIDE)
ON_DEMAND_READS = Quota("reads of a new on-demand table", 12_000, "units/s", "developer guide, On-demand capacity mode")
ON_DEMAND_WRITES = Quota("writes of a new on-demand table", 4000, "units/s", "developer guide, On-demand capacity mode")
PEAK_DELAY = Quota("a peak counts after", 1800, "seconds", "developer guide, On-demand capacity mode")
DECREASES = Quota("decreases of provisioned units without a wait", 4, "per UTC day", GUIDE)
DECREASE_WAIT = Quota("between further decreases", 3600, "seconds", GUIDE)
MODE_SWITCHES = Quota("switches to on-demand", 4, "per 24 hours", REFERENCE + "UpdateTable")

CREATION = Quota("CREATING of a table", 0, "seconds", "ours: nothing has to be provisioned; on AWS some seconds")
BACKFILL_ITEMS = Quota("items put into a new index in one turn", 2000, "items", "ours")
SWEEP_ITEMS = Quota("items of a deleted table removed in one turn", 5000, "items", "ours")
TTL_DELAY = Quota("an expired item is removed within", 60, "seconds", "ours; AWS within some days")
POLICY_BYTES = Quota("resource policy", 20 * KIB, "bytes", REFERENCE + "PutResourcePolicy")

SYSTEM_BACKUP_DAYS = Quota("a deleted table's SYSTEM backup is kept", 35, "days", REFERENCE + "BackupDetails")
BACKUPS_PAGE = Quota("backups of one ListBackups", 100, "backups", REFERENCE + "ListBackups")
RECOVERY_DAYS = Quota("point-in-time recovery reaches back", 35, "days", REFERENCE + "UpdateContinuousBackups")
RECOVERY_DELAY = Quota(
    "the latest moment that can be restored lies back", 300, "seconds", REFERENCE + "DescribeContinuousBackups"
)
RESTORES = Quota("restores at the same time", 50, "restores", REFERENCE + "RestoreTableFromBackup")
RESTORE_WAIT = Quota("an expired backup that is being restored from is looked at again", 60, "seconds", "ours")
COPY_ITEMS = Quota("items copied by a backup or restore in one turn", 200, "items", "ours")

EXPORTS = Quota("exports at the same time", 300, "exports", GUIDE)
EXPORT_DAYS = Quota("an export is described for", 90, "days", REFERENCE + "ListExports")
EXPORT_SHORTEST = Quota("an incremental export, at least", 900, "seconds", "developer guide, Requesting a table export")
EXPORT_LONGEST = Quota(
    "an incremental export, at most", 86_400, "seconds", "developer guide, Requesting a table export"
)
EXPORT_FILE_BYTES = Quota(
    "items of one data file of an export", 16 * MIB, "bytes", "ours; AWS: one or more a partition"
)
EXPORT_PAGE_ITEMS = Quota("items that an export reads at once", 2000, "items", "ours")
IMPORTS = Quota("imports at the same time", 50, "imports", GUIDE, adjustable=True)
IMPORT_BATCH_ITEMS = Quota("items that an import writes in one turn", 200, "items", "ours")
JOB_TOKEN_LIFE = Quota(
    "life of a ClientToken", 8 * 3600, "seconds", REFERENCE + "ExportTableToPointInTime, ImportTable"
)
JOBS_PAGE = Quota("exports or imports of one page", 25, "jobs", REFERENCE + "ListExports, ListImports")
REPLICATION_LAG = Quota("a write reaches the other replicas after", 0.5, "seconds", "ours; AWS: within a second")
REPLICATION_MEMORY = Quota("how long a replica knows when its items were written", 86_400, "seconds", "ours")
REPLICATION_ITEMS = Quota("changes that a replica sends in one turn", 100, "changes", "ours")
SOURCE_WAIT = Quota("a replica that new ones were filled from stays", 86_400, "seconds", REFERENCE + "DeleteTable")

STREAMS_GUIDE = "DynamoDB developer guide, Change data capture for DynamoDB Streams"
STREAMS = "DynamoDB Streams API reference, "
STREAM_RETENTION = Quota("a record of a stream is kept", 86_400, "seconds", STREAMS_GUIDE)
STREAM_ITERATOR_LIFE = Quota("life of a shard iterator", 900, "seconds", STREAMS + "GetShardIterator")
STREAM_PAGE_RECORDS = Quota("records of one GetRecords", 1000, "records", STREAMS + "GetRecords")
STREAM_PAGE_BYTES = Quota("one GetRecords", MIB, "bytes", STREAMS + "GetRecords")
STREAMS_PAGE = Quota("one page of ListStreams or DescribeStream", 100, "streams or shards", STREAMS + "ListStreams")
LIST_STREAMS = Quota("ListStreams", 5, "calls/s", STREAMS + "ListStreams")
DESCRIBE_STREAM = Quota("DescribeStream", 10, "calls/s", STREAMS + "DescribeStream")
SHARD_LIFE = Quota("a shard is open for", 14_400, "seconds", "developer guide: shards are replaced about every 4 hours")
STREAM_SHARDS = Quota("open shards of a stream", 1024, "shards", "ours: names of shards have room for 4,096")
STREAM_SCANNED = Quota("changes looked at by one GetRecords", 10_000, "changes", "ours")
DESTINATION_RETENTION = Quota("changes wait for a Kinesis destination at most", 86_400, "seconds", "ours")
DESTINATION_RECORDS = Quota("changes delivered to Kinesis in one turn", 500, "changes", "ours: a PutRecords")
DESTINATION_BYTES = Quota("changes delivered to Kinesis in one turn", 8 * MIB, "bytes", "ours")
DESTINATION_BATCH_BYTES = Quota("records of one request to Kinesis", MIB, "bytes", "ours: what a shard takes a second")
DESTINATION_RETRY = Quota("a stream that throttles is asked again after", 1, "seconds", "ours: its bucket is full")
DESTINATION_GONE_RETRY = Quota("a stream that is gone is asked again after", 60, "seconds", "ours")
