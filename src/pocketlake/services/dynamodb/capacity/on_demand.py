"""On-demand tables and indexes: they bear twice what they have borne before.  [DDB-511, DDB-512]

A new one begins at 4,000 writes and 12,000 reads a second, as if half of that had been its peak. A minute that was
busier than any before it counts as the peak half an hour later: within 30 minutes what a table bears at most doubles,
and what exceeds it is throttled. A peak is never forgotten; warm throughput tells of it.

Source: developer guide, DynamoDB on-demand capacity mode, "Initial throughput and scaling properties".
"""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from .. import quotas
from ..schemas import ON_DEMAND, Index, Table
from ..service import dynamodb, errors
from ..streams import streams
from . import warm_throughput

DAY = 86_400.0
MEMBERS = {"Read": "MaxReadRequestUnits", "Write": "MaxWriteRequestUnits"}


def capacity(table: Resource, index: str | None, kind: str) -> float:
    """Units a second that a table or global index bears on demand."""
    reads, writes = warm_throughput.units(table, index)
    return reads if kind == "Read" else writes


def maximum(table: Resource, index: str | None, kind: str) -> float | None:
    """What the owner allows at most; None: no maximum (-1 says so too)."""
    described = warm_throughput.part(table, index)
    asked = described.get("OnDemandThroughput", {}).get(MEMBERS[kind], -1)
    return float(asked) if asked > 0 else None


def observe(call: Call, table: Table, of: Table | Index, kind: str, rate: float) -> None:
    """A busy minute has passed at so many units a second: in half an hour that is a peak."""
    index = of.name if isinstance(of, Index) else None
    if 2 * rate <= capacity(table.resource, index, kind):
        return
    seen: list[tuple[float, float]] = call.memory.setdefault(("peaks", of.number, kind), [])
    if not seen or rate > seen[-1][1]:
        due = call.now + quotas.PEAK_DELAY.value
        seen.append((due, rate))
        key = f"{table.name}/{index or ''}/{kind}"
        if call.alarms.due(settle, key) is None:
            call.alarms.set(settle, key, due)


@dynamodb.alarm
def settle(call: Call, key: str) -> None:
    """What was seen half an hour ago is the peak. `key`: table/index/kind."""
    name, index, kind = key.split("/")
    table = call.resources("table").find(name)
    described = warm_throughput.part(table, index or None) if table else {}
    if table is None or not described:
        return
    seen: list[tuple[float, float]] = call.memory.get(("peaks", described["Number"], kind), [])
    due = [rate for at, rate in seen if at <= call.now]
    seen[:] = [one for one in seen if one[0] > call.now]
    if due:
        warm_throughput.reach(call, table, index or None, {warm_throughput.MEMBERS[kind]: int(2 * max(due))})
        streams.grow(call, call.resources("table").find(name) or table)
    if seen:
        call.alarms.set(settle, key, seen[0][0])


def check_maximum(asked: dict[str, int], mode: str, what: str, region: str, creates: bool) -> None:
    """OnDemandThroughput of a request. Wording: recorded from AWS. -1 takes a maximum back, where there can be one."""
    for member, most in (
        ("MaxReadRequestUnits", "TableMaxReadCapacityUnits"),
        ("MaxWriteRequestUnits", "TableMaxWriteCapacityUnits"),
    ):
        units = asked.get(member)
        if units is None:
            continue
        if mode != ON_DEMAND:
            at = "when table BillingMode is PROVISIONED." if creates else "when the table BillingMode is PROVISIONED"
            raise warm_throughput.bad(f"{member} for OnDemandThroughput cannot be specified {at}")
        if units < 1 and (creates or units != -1):
            raise warm_throughput.bad(f"Requested {member} for OnDemandThroughput for {what} is outside of valid range")
        if units > quotas.TABLE_UNITS.value:
            raise errors.LimitExceededException(
                f"Subscriber limit exceeded: Requested {member} for OnDemandThroughput for {what} exceeds {most} of "
                f"the account in region {region}"
            )


def merged(current: dict[str, int], asked: dict[str, int]) -> dict[str, int] | None:
    """Maximums member by member; -1 takes one out, and with the last the whole."""
    kept = {member: units for member, units in {**current, **asked}.items() if units != -1}
    return kept or None


def count_switch(call: Call, table: Resource) -> dict[str, Any]:
    """Four switches to on-demand in 24 hours; back at any time.  [DDB-512]"""
    recent = [at for at in table.get("Switches", []) if at > call.now - DAY]
    if call.limits_on and len(recent) >= quotas.MODE_SWITCHES.value:
        raise errors.LimitExceededException(
            "Subscriber limit exceeded: Update to PayPerRequest mode are limited to "
            f"{int(quotas.MODE_SWITCHES.value)} time(s) in the last 1 day(s)."
        )
    return {"Switches": [*recent, call.now]}
