"""What workgroups publish to CloudWatch, where their configuration says so.

Source: user guide, "Monitor Athena query metrics with CloudWatch". Each query counts for its workgroup, and for the
workgroup's queries of its type and end.
"""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.metrics import Family, Meter

MEASURED = {
    "EngineExecutionTime": "EngineExecutionTimeInMillis",
    "ProcessedBytes": "DataScannedInBytes",
    "QueryPlanningTime": "QueryPlanningTimeInMillis",
    "QueryQueueTime": "QueryQueueTimeInMillis",
    "ServicePreProcessingTime": "ServicePreProcessingTimeInMillis",
    "ServiceProcessingTime": "ServiceProcessingTimeInMillis",
    "TotalExecutionTime": "TotalExecutionTimeInMillis",
}
FAMILY = Family("AWS/Athena", {name: "Bytes" if name == "ProcessedBytes" else "Milliseconds" for name in MEASURED})


def ended(call: Call, query: dict[str, Any]) -> None:
    """A query has come to its end."""
    name = query["WorkGroup"]
    group = call.resources("workgroup").find(name)
    if group is None or not group["Configuration"].get("PublishCloudWatchMetricsEnabled"):
        return
    state = "CANCELED" if query["Status"]["State"] == "CANCELLED" else query["Status"]["State"]
    narrow = {"QueryState": state, "QueryType": query["StatementType"], "WorkGroup": name}
    for dimensions in ({"WorkGroup": name}, narrow):
        meter = _meter(call, dimensions)
        for metric, member in MEASURED.items():
            if member in query["Statistics"]:
                meter.add(metric, query["Statistics"][member], call.now)


def _meter(call: Call, dimensions: dict[str, str]) -> Meter:
    key = ("metrics", call.account, call.region, *dimensions.values())
    found: Meter | None = call.memory.get(key)
    if found is None:
        found = call.memory[key] = call.lake.metrics.meter(call, FAMILY, dimensions)
    return found
