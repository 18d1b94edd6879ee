"""Continuous backups: point-in-time recovery on and off, and how far back it reaches.

The table's journal (history.py) holds what every change replaced for as long as the recovery period, so the table can
be read as it was at any moment of it.
"""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from .. import history, quotas, schemas, tables
from ..service import errors, operation
from .backups import DAY, keep_deleted_table, source_table

FOLLOWER = "recovery"
DELAY = quotas.RECOVERY_DELAY.value
DAYS = int(quotas.RECOVERY_DAYS.value)


@operation
def update_continuous_backups(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """[DDB-559, DDB-560]"""
    table = source_table(call, request["TableName"])
    if tables.status(call, table) == "CREATING":  # a restore that is under way: its items don't pass the journal
        raise errors.ContinuousBackupsUnavailableException(
            f"Backups are being enabled for the table: {table.name}. Please retry later"
        )
    asked = request["PointInTimeRecoverySpecification"]
    if asked["PointInTimeRecoveryEnabled"]:
        _enable(call, table, asked.get("RecoveryPeriodInDays"))
    elif "Recovery" in table.body:
        history.release(call, table["Number"], FOLLOWER)
        schemas.save(call, table, Recovery=None)
    return _described(call, source_table(call, request["TableName"]))


def _enable(call: Call, table: Resource, days: int | None) -> None:
    """From now on; a longer period reaches no further back than the shorter one before it did."""
    known = table.get("Recovery")
    days = days or (known["Days"] if known else DAYS)
    since = call.now if known is None else earliest(call, known)
    history.follow(call, table, FOLLOWER, keep=days * DAY)
    found = source_table(call, table.name)
    schemas.save(call, found, Recovery={"Since": since, "Days": days})


def keep_deleted(call: Call, table: Resource) -> bool:
    """Of a table that is being deleted a SYSTEM backup is kept, if it had recovery; whether that is so."""
    if "Recovery" not in table.body:
        return False
    history.release(call, table["Number"], FOLLOWER)
    keep_deleted_table(call, table)
    return True


def earliest(call: Call, recovery: dict[str, Any]) -> float:
    """[DDB-561]"""
    return float(max(recovery["Since"], call.now - recovery["Days"] * DAY))


def latest(call: Call, recovery: dict[str, Any]) -> float:
    """Five minutes ago; at first, when recovery was enabled."""
    return max(earliest(call, recovery), call.now - DELAY)


@operation
def describe_continuous_backups(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _described(call, source_table(call, request["TableName"]))


def _described(call: Call, table: Resource) -> dict[str, Any]:
    shown: dict[str, Any] = {"PointInTimeRecoveryStatus": "DISABLED"}
    recovery = table.get("Recovery")
    if recovery is not None:
        shown = {
            "PointInTimeRecoveryStatus": "ENABLED",
            "RecoveryPeriodInDays": recovery["Days"],
            "EarliestRestorableDateTime": float(int(earliest(call, recovery))),
            "LatestRestorableDateTime": latest(call, recovery),
        }
    return {
        "ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": shown,
        }
    }
