"""What tables, indexes and single keys let through.  [DDB-502, DDB-504, DDB-506, DDB-514, DDB-556]

A bucket holds 300 seconds of its rate and is full at first. A request passes while anything is in it, and may overdraw
it: an item of 400 KB passes a small table once, and then it is silent until the debt is paid. One partition key bears
3,000 read and 1,000 write units a second whatever its table has.
"""

from __future__ import annotations

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.quotas import TokenBucket

from . import quotas
from .schemas import Index, Table
from .service import errors

BURST = quotas.BURST.value
KEY_RATES = {"Read": quotas.KEY_READS.value, "Write": quotas.KEY_WRITES.value}
ON_DEMAND_RATES = {"Read": quotas.ON_DEMAND_READS.value, "Write": quotas.ON_DEMAND_WRITES.value}
MOST_KEYS = 20_000  # buckets of keys; full ones are forgotten first

OF_TABLE = (
    "The level of configured provisioned throughput for the table was exceeded. "
    "Consider increasing your provisioning level with the UpdateTable API."
)
OF_INDEX = (
    "The level of configured provisioned throughput for one or more global secondary indexes of the table was "
    "exceeded. Consider increasing your provisioning level for the under-provisioned global secondary indexes with the "
    "UpdateTable API"
)
OF_DEMAND = (
    "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or "
    "index so please try again shortly. If exceptions persist, check if you have a hot key: "
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html"
)


def admit_write(call: Call, table: Table, hash: bytes, units: float, indexes: dict[Index, float]) -> None:
    """Take what a write costs from every bucket, or nothing and raise."""
    if not call.limits_on:
        return
    taken = [(_admit(call, table, None, "Write"), units), (_admit_key(call, table, hash, "Write"), units)]
    for index, used in indexes.items():
        if index.is_global:
            taken.append((_admit(call, table, index, "Write"), used))
    for bucket, amount in taken:
        bucket.level -= amount


def admit_read(call: Call, table: Table, index: Index | None, hash: bytes | None = None) -> list[TokenBucket]:
    """Let a read in; `charge` takes what it came to."""
    if not call.limits_on:
        return []
    buckets = [_admit(call, table, index if index and index.is_global else None, "Read")]
    if hash is not None:
        buckets.append(_admit_key(call, table, hash, "Read", index))
    return buckets


def charge(buckets: list[TokenBucket], units: float) -> None:
    for bucket in buckets:
        bucket.level -= units


def _admit(call: Call, table: Table, index: Index | None, kind: str) -> TokenBucket:
    """The bucket of a table or global index, if anything is in it."""
    owner = index or table
    key = ("bucket", owner.number, kind)
    bucket: TokenBucket | None = call.memory.get(key)
    rate = _rate(table, index, kind)
    if bucket is None or bucket.rate != rate:
        bucket = call.memory[key] = TokenBucket(rate, rate * BURST, call.now)
    if bucket.refill(call.now) <= 0:
        raise _refusal(table, index, kind)
    return bucket


def _rate(table: Table, index: Index | None, kind: str) -> float:
    if table.on_demand:
        asked = table.resource.get("OnDemandThroughput", {}).get(f"Max{kind}RequestUnits", -1)
        return float(asked) if asked > 0 else ON_DEMAND_RATES[kind]
    owner = index or table
    return float(owner.reads if kind == "Read" else owner.writes)


def _admit_key(call: Call, table: Table, hash: bytes, kind: str, index: Index | None = None) -> TokenBucket:
    buckets: dict[tuple[int, str, bytes], TokenBucket] = call.memory.setdefault(("buckets",), {})
    key = ((index or table).number, kind, hash)
    bucket = buckets.get(key)
    now = call.now
    if bucket is None:
        if len(buckets) >= MOST_KEYS:
            for full in [one for one, held in buckets.items() if held.refill(now) >= held.burst]:
                del buckets[full]
        bucket = buckets[key] = TokenBucket(KEY_RATES[kind], now=now)
    if bucket.refill(now) <= 0:
        raise _refusal(table, index, kind, "KeyRangeThroughputExceeded")
    return bucket


def _refusal(table: Table, index: Index | None, kind: str, limit: str = "") -> ServiceError:
    """Source of the reasons: API reference, ThrottlingReason."""
    if not limit:
        limit = "ProvisionedThroughputExceeded"
        if table.on_demand:
            capped = "OnDemandThroughput" in table.resource.body
            limit = "MaxOnDemandThroughputExceeded" if capped else "KeyRangeThroughputExceeded"
    reason = {
        "reason": f"{'Index' if index else 'Table'}{kind}{limit}",
        "resource": index.arn if index else table.arn,
    }
    if table.on_demand:
        error: ServiceError = errors.ThrottlingException(OF_DEMAND, throttlingReasons=[reason])
    else:
        message = OF_INDEX if index and index.is_global else OF_TABLE
        error = errors.ProvisionedThroughputExceededException(message, ThrottlingReasons=[reason])
    return error
