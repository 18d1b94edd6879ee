"""How a table's items lie over its partition keys, and what they have borne: what a plan for it starts from."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pocketlake.kernel.call import Call

from .. import counting, readable_keys, schemas, store
from ..service import dynamodb
from ..store import Place
from . import contributors, throttling

SAMPLES, A_SAMPLE = 50, 200
HASHES = 1 << 32
MOST_SHOWN = 5
DAY = 86_400
METRICS = {"reads": "ConsumedReadCapacityUnits", "writes": "ConsumedWriteCapacityUnits"}


@dynamodb.view
async def spread(call: Call, query: dict[str, str]) -> dict[str, Any]:
    """A sample of `table`: mean size, the largest shares of keys; and the units of the last 24 hours.  [DDB-510]"""
    found = schemas.locate(call, query.get("table", ""))
    table = schemas.find(call, found.name)
    rows = _sample(call, table.number)
    items, size = counting.counts(call, table.number, is_index=False)
    held = Counter(hash for hash, _, _ in rows)
    insight = throttling.insight_of(call, table, None)
    requests: Counter[bytes] = Counter()
    for (hash, _), count in (insight.accessed_keys if insight else {}).items():
        requests[hash] += count
    return {
        "table": table.name,
        "mode": found["BillingMode"],
        "items": items,
        "bytes": size,
        "global_indexes": sum(index.is_global for index in table.indexes),
        "sampled": len(rows),
        "mean_bytes": sum(row[2] for row in rows) / len(rows) if rows else 0,
        "keys": len(held),
        "by_items": _shares(table, held),
        "by_requests": _shares(table, requests),
        **{name: await _units(call, table.name, metric) for name, metric in METRICS.items()},
    }


def _sample(call: Call, owner: int) -> list[tuple[bytes, bytes, int]]:
    """Keys and sizes of some items, from places that lie evenly over the hashes: the primary key."""
    rows: dict[tuple[bytes, bytes], int] = {}
    for number in range(SAMPLES):
        start = Place((HASHES * number // SAMPLES).to_bytes(4, "big"), b"")
        for hash, sort, size in store.sized_page(call.db, owner, start, A_SAMPLE):
            rows[hash, sort] = size
    return [(*place, size) for place, size in rows.items()]


def _shares(table: schemas.Table, counts: Counter[bytes]) -> list[dict[str, Any]]:
    total = counts.total()
    top = contributors.top({(hash, b""): count for hash, count in counts.items()}, MOST_SHOWN, by_sort=False)
    return [{"key": readable_keys.attributes(table.key, hash, b""), "share": count / total} for (hash, _), count in top]


async def _units(call: Call, name: str, metric: str) -> dict[str, float]:
    """Units a second: in the mean of the minutes that have a measure, and in the busiest of them."""
    end = int(call.now // 60) * 60 + 60
    found = call.aws.cloudwatch.get_metric_statistics(
        Namespace="AWS/DynamoDB",
        MetricName=metric,
        Dimensions=[{"Name": "TableName", "Value": name}],
        StartTime=end - DAY,
        EndTime=end,
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    sums = [float(point["Sum"]) for point in found]
    return {"mean": sum(sums) / len(sums) / 60 if sums else 0.0, "peak": max(sums, default=0.0) / 60}
