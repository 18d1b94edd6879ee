"""What requests may ask of throughput, for a table and for each of its global indexes: provisioned units, maxima on
demand, warm throughput, and the mode itself.  [DDB-501, DDB-512, DDB-555]

Wording: recorded by dynalite and from AWS.
"""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from .. import table_rules
from ..schemas import ON_DEMAND, PROVISIONED
from ..service import Invalid, refuse
from ..table_rules import BAD
from . import on_demand, provisioned, warm_throughput
from .provisioned import UNITS

NONE = dict.fromkeys(UNITS, 0)


def check_new(call: Call, request: dict[str, Any]) -> None:
    """A CreateTable request whose shape has been judged."""
    mode = request.get("BillingMode", PROVISIONED)
    _check_part(call, request, mode, None)
    for index in request.get("GlobalSecondaryIndexes", []):
        _check_part(call, index, mode, index["IndexName"])
    parts = (request, *request.get("GlobalSecondaryIndexes", []))
    provisioned.check_account(
        call, {unit: sum(part.get("ProvisionedThroughput", NONE)[unit] for part in parts) for unit in UNITS}
    )


def check_new_index(call: Call, index: dict[str, Any], mode: str) -> None:
    _check_part(call, index, mode, index["IndexName"])
    provisioned.check_account(call, index.get("ProvisionedThroughput", NONE))


def _check_part(call: Call, part: dict[str, Any], mode: str, index: str | None) -> None:
    on_demand.check_maximum(part.get("OnDemandThroughput", {}), mode, _named(index, " : "), call.region, creates=True)
    warm_throughput.check_first(part, mode, _named(index), call.region)
    if "ProvisionedThroughput" in part:
        provisioned.check_most(call, part["ProvisionedThroughput"], index)


def _named(index: str | None, between: str = " ") -> str:
    return "table" if index is None else f"index{between}{index}"


def change(call: Call, table: Resource, request: dict[str, Any]) -> dict[str, Any]:
    """What an UpdateTable changes of the table's own throughput and mode: members of its document."""
    mode, asked = request.get("BillingMode", table["BillingMode"]), request.get("ProvisionedThroughput")
    changed = _limits(call, table.body, request, mode, None)
    if mode != table["BillingMode"]:
        changed |= _switch(call, table, request, mode)
    if mode == ON_DEMAND:
        if asked is not None and any(asked.get(unit) for unit in UNITS):
            raise Invalid(
                f"{BAD}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
                "PAY_PER_REQUEST"
            )
        return changed
    if asked is None:
        if "BillingMode" in request:
            raise Invalid(f"{BAD}ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
        return changed
    current = table.get("ProvisionedThroughput", {})
    if all(current.get(unit) == asked[unit] for unit in UNITS):
        raise refuse(_unchanged("table", current, asked))
    return _provision(call, table.body, asked, None) | changed


def change_index(call: Call, table: Resource, index: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """What an Update of GlobalSecondaryIndexUpdates changes: members of the index's document."""
    mode, units = table["BillingMode"], asked.get("ProvisionedThroughput")
    changed = _limits(call, index, asked, mode, index["IndexName"])
    if units is None:
        return changed
    table_rules.check_bounds(units)
    if mode == ON_DEMAND:
        raise Invalid(
            f"{BAD}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: {index['IndexName']} "
            "when BillingMode is PAY_PER_REQUEST"
        )
    current = index.get("ProvisionedThroughput", {})
    if all(current.get(unit) == units[unit] for unit in UNITS):
        raise refuse(_unchanged(f"index {index['IndexName']}", current, units))
    return changed | _provision(call, index, units, index["IndexName"])


def _limits(call: Call, part: dict[str, Any], request: dict[str, Any], mode: str, index: str | None) -> dict[str, Any]:
    """Maxima on demand and warm throughput."""
    changed: dict[str, Any] = {}
    if "OnDemandThroughput" in request:
        asked = request["OnDemandThroughput"]
        on_demand.check_maximum(asked, mode, _named(index, " : "), call.region, creates=False)
        changed["OnDemandThroughput"] = on_demand.merged(part.get("OnDemandThroughput", {}), asked)
    if "WarmThroughput" in request:
        asked = request["WarmThroughput"]
        warm_throughput.check_rise(part, mode, asked, _named(index), call.region)
        changed["WarmThroughput"] = {**part.get("WarmThroughput", {}), **asked}
    return changed


def _provision(call: Call, part: dict[str, Any], asked: dict[str, int], index: str | None) -> dict[str, Any]:
    current = part.get("ProvisionedThroughput", {})
    provisioned.check_most(call, asked, index)
    provisioned.check_account(call, {unit: asked[unit] - current.get(unit, 0) for unit in UNITS})
    return {
        "ProvisionedThroughput": provisioned.changed(call, current, asked),
        "Reached": warm_throughput.of(part, PROVISIONED),
    }


def _switch(call: Call, table: Resource, request: dict[str, Any], mode: str) -> dict[str, Any]:
    """To the other mode. What a table has borne stays warm."""
    changed: dict[str, Any] = {"BillingMode": mode, "Reached": warm_throughput.of(table.body, table["BillingMode"])}
    indexes = table.get("GlobalSecondaryIndexes", [])
    if mode == ON_DEMAND:
        changed |= on_demand.count_switch(call, table)
        changed |= {"ProvisionedThroughput": None, "OnDemandSince": call.now}
    else:
        changed["OnDemandThroughput"] = None
        given = {
            one["Update"]["IndexName"]
            for one in request.get("GlobalSecondaryIndexUpdates", [])
            if "ProvisionedThroughput" in one.get("Update", {})
        }
        lacking = [index["IndexName"] for index in indexes if index["IndexName"] not in given]
        if lacking:
            raise Invalid(f"{BAD}ProvisionedThroughput must be specified for index: {','.join(lacking)}")
    if indexes:
        changed["GlobalSecondaryIndexes"] = [_switched(index, table["BillingMode"]) for index in indexes]
    return changed


def _switched(index: dict[str, Any], before: str) -> dict[str, Any]:
    kept = {name: value for name, value in index.items() if name not in ("ProvisionedThroughput", "OnDemandThroughput")}
    return {**kept, "Reached": warm_throughput.of(index, before)}


def _unchanged(what: str, current: dict[str, Any], asked: dict[str, int]) -> str:
    of = "the table" if what == "table" else what
    return (
        f"The provisioned throughput for {of} will not change. The requested value equals the current value. "
        f"Current ReadCapacityUnits provisioned for {of}: {current['ReadCapacityUnits']}. "
        f"Requested ReadCapacityUnits: {asked['ReadCapacityUnits']}. "
        f"Current WriteCapacityUnits provisioned for {of}: {current['WriteCapacityUnits']}. "
        f"Requested WriteCapacityUnits: {asked['WriteCapacityUnits']}. "
        "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
    )
