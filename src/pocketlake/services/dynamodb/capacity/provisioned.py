"""Provisioned units: how many there may be, and how often they may be lowered.  [DDB-501]

A table, and each global index, may be lowered four times a day (UTC), and further once an hour after the last time.
Sources: developer guide, Quotas; wording and the hour recorded from AWS.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from .. import quotas
from ..service import errors

UNITS = ("ReadCapacityUnits", "WriteCapacityUnits")
DAY = 86_400.0
REFER = "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."


def describe(call: Call, described: dict[str, Any]) -> dict[str, Any]:
    """ProvisionedThroughput of a table or index: zeros on demand."""
    given = described.get("ProvisionedThroughput", {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0})
    return {**given, "NumberOfDecreasesToday": decreases_today(call, given)}


def decreases_today(call: Call, throughput: dict[str, Any]) -> int:
    today = int(throughput.get("LastDecreaseDateTime", 0) // DAY) == int(call.now // DAY)
    return int(throughput.get("NumberOfDecreasesToday", 0)) if today else 0


def changed(call: Call, current: dict[str, Any], asked: dict[str, int]) -> dict[str, Any]:
    """The new throughput, with the times of its last increase and decrease. LimitExceededException."""
    kept = {**current, **asked}
    if any(asked[unit] > current.get(unit, 0) for unit in UNITS):
        kept["LastIncreaseDateTime"] = call.now
    if any(asked[unit] < current.get(unit, 0) for unit in UNITS):
        count = decreases_today(call, current)
        if call.limits_on and count >= quotas.DECREASES.value:
            _check_wait(call.now, current["LastDecreaseDateTime"], count)
        kept["LastDecreaseDateTime"] = call.now
        kept["NumberOfDecreasesToday"] = count + 1
    return kept


def _check_wait(now: float, last: float, count: int) -> None:
    following = last + quotas.DECREASE_WAIT.value
    if now >= following:
        return
    midnight = (last // DAY + 1) * DAY
    raise errors.LimitExceededException(
        "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. After the "
        f"first {int(quotas.DECREASES.value)} decreases, each subsequent decrease in the same UTC day can be performed "
        f"at most once every {int(quotas.DECREASE_WAIT.value)} seconds. Number of decreases today: {count}. "
        f"Last decrease at {_said(last)}. Next decrease can be made at {_said(min(following, midnight))}"
    )


def _said(moment: float) -> str:
    """Friday, October 9, 2026 at 1:21:34 AM Coordinated Universal Time"""
    at = datetime.fromtimestamp(moment, UTC)
    return f"{at:%A, %B} {at.day}, {at.year} at {at.hour % 12 or 12}:{at:%M:%S %p} Coordinated Universal Time"


def check_most(call: Call, asked: dict[str, int], index: str | None = None) -> None:
    """What a table or index may have. LimitExceededException."""
    if not call.limits_on:
        return
    what, of = ("table", "") if index is None else ("index", f" for index {index}")
    most = int(quotas.TABLE_UNITS.value)
    for unit in UNITS:
        if asked[unit] > most:
            raise errors.LimitExceededException(
                f"The requested {unit}{of}, {asked[unit]}, is above the per {what} maximum for the account in "
                f"{call.region}. Per {what} maximum: {most}. {REFER}"
            )


def check_account(call: Call, additional: dict[str, int]) -> None:
    """What the tables and indexes of an account may have together in a region. LimitExceededException."""
    if not call.limits_on or all(additional[unit] <= 0 for unit in UNITS):
        return
    tables = call.resources("table").list()
    for unit in UNITS:
        used, most = sum(reserved(table)[unit] for table in tables), int(quotas.ACCOUNT_UNITS.value)
        if additional[unit] > 0 and used + additional[unit] > most:
            raise errors.LimitExceededException(
                f"This request would have caused the {unit} limit to be exceeded for the account in {call.region}. "
                f"Current {unit} reserved by the account: {used}. Limit: {most}. Requested: {additional[unit]}. {REFER}"
            )


def reserved(table: Resource) -> dict[str, int]:
    """Units of a table with its global indexes."""
    parts = (table.body, *table.get("GlobalSecondaryIndexes", []))
    return {unit: sum(part.get("ProvisionedThroughput", {}).get(unit, 0) for part in parts) for unit in UNITS}
