"""Warm throughput: what a table or global index can bear at once, whatever its capacity is set to.

It is the most that was ever asked for, provisioned or borne: it only rises. On-demand has 12,000 reads and 4,000
writes from the start, and a table keeps them when it is provisioned again.

Sources: developer guide, Understanding DynamoDB warm throughput; wording recorded from AWS.
"""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.resources import Resource

from .. import quotas, schemas
from ..schemas import ON_DEMAND
from ..service import errors, refuse

READS, WRITES = "ReadUnitsPerSecond", "WriteUnitsPerSecond"
MEMBERS = {"Read": READS, "Write": WRITES}
PROVISIONED = {READS: "ReadCapacityUnits", WRITES: "WriteCapacityUnits"}
MOST = {READS: "TableMaxReadCapacityUnits", WRITES: "TableMaxWriteCapacityUnits"}
INITIAL = {READS: int(quotas.ON_DEMAND_READS.value), WRITES: int(quotas.ON_DEMAND_WRITES.value)}
GUIDE = (
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
    "on-demand-capacity-mode.html#on-demand-capacity-mode-initial"
)


def bad(message: str) -> ServiceError:
    return refuse(f"One or more parameter values were invalid: {message}")


def part(table: Resource, index: str | None) -> dict[str, Any]:
    """The document of the table, or of one of its global indexes; {} when that is gone."""
    if index is None:
        return table.body
    return next((one for one in table.get("GlobalSecondaryIndexes", []) if one["IndexName"] == index), {})


def units(table: Resource, index: str | None) -> tuple[int, int]:
    """Reads and writes a second."""
    found = of(part(table, index), table["BillingMode"])
    return found[READS], found[WRITES]


def of(described: dict[str, Any], mode: str) -> dict[str, int]:
    reached, asked = described.get("Reached", {}), described.get("WarmThroughput", {})
    given = described.get("ProvisionedThroughput", {})
    return {
        member: max(
            reached.get(member, 0),
            asked.get(member, 0),
            given.get(PROVISIONED[member], 0),
            INITIAL[member] if mode == ON_DEMAND else 0,
        )
        for member in (READS, WRITES)
    }


def describe(described: dict[str, Any], mode: str) -> dict[str, Any]:
    return {**of(described, mode), "Status": "ACTIVE"}


def reach(call: Call, table: Resource, index: str | None, now: dict[str, int]) -> None:
    """A table or index has borne more than ever."""
    if index is None:
        schemas.save(call, table, Reached=_higher(table.body, table["BillingMode"], now))
        return
    indexes = [
        {**one, "Reached": _higher(one, table["BillingMode"], now)} if one["IndexName"] == index else one
        for one in table["GlobalSecondaryIndexes"]
    ]
    schemas.save(call, table, GlobalSecondaryIndexes=indexes)


def _higher(described: dict[str, Any], mode: str, now: dict[str, int]) -> dict[str, int]:
    before = of(described, mode)
    return {member: max(before[member], now.get(member, 0)) for member in (READS, WRITES)}


def check_first(described: dict[str, Any], mode: str, what: str, region: str) -> None:
    """WarmThroughput of a table or index that is being made: no less than what it has anyway."""
    asked = described.get("WarmThroughput", {})
    given = described.get("ProvisionedThroughput", {})
    for member in (READS, WRITES):
        if member not in asked:
            continue
        if mode == ON_DEMAND and asked[member] < INITIAL[member]:
            raise bad(
                f"Requested {member} for WarmThroughput for {what} is lower than initial throughput for OnDemand. "
                f"See: {GUIDE}"
            )
        if mode != ON_DEMAND and asked[member] < given.get(PROVISIONED[member], 0):
            raise bad(
                f"Requested {member} for WarmThroughput for {what} is lower than {PROVISIONED[member]} of "
                "ProvisionedThroughput"
            )
    _check_most(asked, what, region)


def check_rise(described: dict[str, Any], mode: str, asked: dict[str, int], what: str, region: str) -> None:
    """WarmThroughput of an UpdateTable: it only rises."""
    current = of(described, mode)
    for member in (READS, WRITES):
        if asked.get(member, current[member]) < current[member]:
            raise bad(
                f"Requested {member} for WarmThroughput for {what} is lower than current WarmThroughput, "
                "decreasing WarmThroughput is not supported"
            )
    _check_most(asked, what, region)


def _check_most(asked: dict[str, int], what: str, region: str) -> None:
    for member in (READS, WRITES):
        if asked.get(member, 0) > quotas.TABLE_UNITS.value:
            raise errors.LimitExceededException(
                f"Subscriber limit exceeded: Requested {member} for WarmThroughput for {what} exceeds {MOST[member]} "
                f"of the account in region {region}"
            )
