"""What tables and indexes publish to CloudWatch.

Source: developer guide, "DynamoDB metrics and dimensions". Consumed units and throttled reads and writes count calls
between services as well; latency and errors are those of requests from outside.
"""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.metrics import Family, Meter

from .schemas import Index, Table
from .service import dynamodb

COUNTS = (
    "ConsumedReadCapacityUnits",
    "ConsumedWriteCapacityUnits",
    "ProvisionedReadCapacityUnits",
    "ProvisionedWriteCapacityUnits",
    "ReadThrottleEvents",
    "WriteThrottleEvents",
    "ThrottledRequests",
    "ReturnedItemCount",
    "ConditionalCheckFailedRequests",
    "TimeToLiveDeletedItemCount",
    "ReturnedRecordsCount",
    "UserErrors",
    "SystemErrors",
)
UNITS = {"SuccessfulRequestLatency": "Milliseconds", "ReturnedBytes": "Bytes", **dict.fromkeys(COUNTS, "Count")}
FAMILY = Family("AWS/DynamoDB", UNITS)
THROTTLES = frozenset({"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"})
FAULTS = frozenset({"InternalFailure", "InternalServerError"})
UNBUILT = "NotImplemented"
CONDITION = "ConditionalCheckFailedException"


def meter(call: Call, table: Table, index: Index | None = None) -> Meter:
    """The meter of a table or global index, which says what is provisioned as long as something is measured."""
    of = table if index is None else index
    key = ("metrics", of.number)
    held: tuple[Table, Meter] | None = call.memory.get(key)
    if held is not None and held[0] is table:
        return held[1]
    found = held[1] if held is not None else _new(call, table, index)
    if table.on_demand:
        found.gauges = None
    else:
        units = {"ProvisionedReadCapacityUnits": of.reads, "ProvisionedWriteCapacityUnits": of.writes}
        found.gauges = lambda now: dict(units)
    call.memory[key] = (table, found)
    return found


def _new(call: Call, table: Table, index: Index | None) -> Meter:
    dimensions = {"TableName": table.name}
    if index is not None:
        dimensions["GlobalSecondaryIndexName"] = index.name
    return call.lake.metrics.meter(call, FAMILY, dimensions)


def wrote(call: Call, table: Table, units: float, indexes: dict[Index, float]) -> None:
    """Units that a write took: of the table with its local indexes, and of each global index."""
    now = call.now
    for index, used in indexes.items():
        if index.is_global:
            meter(call, table, index).add("ConsumedWriteCapacityUnits", used, now)
        else:
            units += used
    meter(call, table).add("ConsumedWriteCapacityUnits", units, now)


def read(call: Call, table: Table, index: Index | None, units: float) -> None:
    """Units that a read took. Local indexes are the table's affair."""
    of = index if index is not None and index.is_global else None
    meter(call, table, of).add("ConsumedReadCapacityUnits", units, call.now)


def returned(call: Call, table: Table, count: int) -> None:
    _of_operation(call, table).add("ReturnedItemCount", count, call.now)


def streamed(call: Call, name: str, count: int, size: int) -> None:
    """Records and bytes that one GetRecords gave of a stream, whose name is `table/label`."""
    key = ("metrics", name)
    found: Meter | None = call.memory.get(key)
    if found is None:
        table, _, label = name.partition("/")
        of = {"TableName": table, "StreamLabel": label, "Operation": "GetRecords"}
        found = call.memory[key] = call.lake.metrics.meter(call, FAMILY, of)
    found.add("ReturnedRecordsCount", count, call.now)
    found.add("ReturnedBytes", size, call.now)


def expired(call: Call, table: Table, count: int) -> None:
    if count:
        meter(call, table).add("TimeToLiveDeletedItemCount", count, call.now)


def _of_operation(call: Call, table: Table) -> Meter:
    """Of one operation on a table."""
    key = ("metrics", table.number, call.operation)
    found: Meter | None = call.memory.get(key)
    if found is None:
        name = "".join(word.capitalize() for word in call.operation.split("_"))
        found = call.lake.metrics.meter(call, FAMILY, {"TableName": table.name, "Operation": name})
        call.memory[key] = found
    return found


@dynamodb.end
def ended(call: Call, error: str, seconds: float, now: float) -> None:
    """Latency of what succeeded, and errors by kind. `call.subject` is the table that was found last."""
    table: Any = call.subject
    if not error:
        if table is not None:
            _of_operation(call, table).add("SuccessfulRequestLatency", int(seconds * 100_000) / 100, now)
    elif error == UNBUILT:
        return
    elif table is not None and error in THROTTLES:
        _of_operation(call, table).add("ThrottledRequests", 1, now)
    elif table is not None and error == CONDITION:
        meter(call, table).add("ConditionalCheckFailedRequests", 1, now)
    elif table is not None and error in FAULTS:
        _of_operation(call, table).add("SystemErrors", 1, now)
    elif error not in FAULTS:
        key = ("metrics", call.account, call.region)
        found: Meter | None = call.memory.get(key)
        if found is None:
            found = call.memory[key] = call.lake.metrics.meter(call, FAMILY)
        found.add("UserErrors", 1, now)
