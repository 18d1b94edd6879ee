"""What nodes publish to CloudWatch.

Source: DynamoDB developer guide, "DAX metrics and dimensions". Of processors and networks nothing is
said: there are none.
"""

from __future__ import annotations

from pocketlake.kernel.metrics import Family

HITS = ("ItemCacheHits", "ItemCacheMisses", "QueryCacheHits", "QueryCacheMisses", "ScanCacheHits", "ScanCacheMisses")
REQUESTS = {
    "get_item": "GetItemRequestCount",
    "put_item": "PutItemRequestCount",
    "update_item": "UpdateItemRequestCount",
    "delete_item": "DeleteItemRequestCount",
    "batch_get_item": "BatchGetItemRequestCount",
    "batch_write_item": "BatchWriteItemRequestCount",
    "query": "QueryRequestCount",
    "scan": "ScanRequestCount",
    "transact_get_items": "TransactGetItemsCount",
    "transact_write_items": "TransactWriteItemsCount",
}
TOTAL, FAILED, ERRORS, FAULTS, THROTTLED = (
    "TotalRequestCount",
    "FailedRequestCount",
    "ErrorRequestCount",
    "FaultRequestCount",
    "ThrottledRequestCount",
)
SIZES = {"EstimatedDbSize": "Bytes", "EvictedSize": "Bytes", "ClientConnections": "Count"}
COUNTS = (*HITS, *REQUESTS.values(), TOTAL, FAILED, ERRORS, FAULTS, THROTTLED)
FAMILY = Family("AWS/DAX", {**dict.fromkeys(COUNTS, "Count"), **SIZES})
THROTTLES = frozenset({"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"})


def outcomes(error: str) -> list[str]:
    """What a request that ended so counts as, apart from its own count. `error`: "" or its code."""
    if not error:
        return [TOTAL]
    kind = FAULTS if error.startswith("Internal") else THROTTLED if error in THROTTLES else ERRORS
    return [TOTAL, FAILED, kind]
