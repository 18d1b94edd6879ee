"""Lifecycles: when a recovery point moves to cold storage, and when it goes. Pure functions."""

from __future__ import annotations

from typing import Any

from . import quotas
from .service import refuse

DAY = 86_400.0
COLD, DELETE = "MoveToColdStorageAfterDays", "DeleteAfterDays"
MOST, COLD_LEAST = int(quotas.RETENTION_MOST.value), int(quotas.COLD_LEAST.value)
Lifecycle = dict[str, Any]


def check(lifecycle: Lifecycle | None) -> None:
    """InvalidParameterValueException.  Source: API reference, Lifecycle"""
    given = lifecycle or {}
    for member in (COLD, DELETE):
        days = given.get(member)
        if days is not None and days != -1 and not 1 <= days <= MOST:
            raise refuse(f"Invalid lifecycle. {member} must be between 1 and {MOST} days.")
    cold, delete = kept(given).get(COLD), kept(given).get(DELETE)
    if cold is not None and delete is not None and delete < cold + COLD_LEAST:
        raise refuse(
            f"Invalid lifecycle. {DELETE} must be at least {COLD_LEAST} days greater than {COLD}: backups that are "
            f"transitioned to cold storage must be stored in cold storage for a minimum of {COLD_LEAST} days."
        )


def kept(lifecycle: Lifecycle | None) -> Lifecycle:
    """Without what stands for "never" (-1)."""
    return {member: value for member, value in (lifecycle or {}).items() if value != -1}


def calculated(lifecycle: Lifecycle | None, created: float) -> dict[str, float]:
    """MoveToColdStorageAt and DeleteAt, where the lifecycle has them."""
    found = {}
    for member, at in ((COLD, "MoveToColdStorageAt"), (DELETE, "DeleteAt")):
        if (days := kept(lifecycle).get(member)) is not None:
            found[at] = created + days * DAY
    return found


def conflict(lifecycle: Lifecycle | None, vault: dict[str, Any]) -> str:
    """Why a vault with this lock does not take a recovery point with this lifecycle; "" where it does."""
    days = kept(lifecycle).get(DELETE)
    least, most = vault.get("MinRetentionDays"), vault.get("MaxRetentionDays")
    if least is not None and days is not None and days < least:
        return f"The retention of {days} days is shorter than the vault's minimum retention of {least} days."
    if most is not None and (days is None or days > most):
        return f"The retention is longer than the vault's maximum retention of {most} days."
    return ""
