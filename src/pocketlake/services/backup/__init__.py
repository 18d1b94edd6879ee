"""AWS Backup: plans that back resources up into vaults, and the way back."""

from . import (
    backup_jobs,
    copy_jobs,
    plans,
    recovery_points,
    report_plans,
    restore_jobs,
    selections,
    settings,
    tags,
    vaults,
)
from .service import backup as service

__all__ = [
    "backup_jobs",
    "copy_jobs",
    "plans",
    "recovery_points",
    "report_plans",
    "restore_jobs",
    "selections",
    "service",
    "settings",
    "tags",
    "vaults",
]
