"""The limits of AWS Backup, each with its source."""

from __future__ import annotations

from pocketlake.kernel.quotas import Quota

GUIDE = "AWS Backup developer guide, Quotas"
REFERENCE = "AWS Backup API reference, "

VAULTS = Quota("vaults of an account in a region", 100, "vaults", GUIDE, adjustable=True)
PLANS = Quota("plans of an account in a region", 300, "plans", GUIDE, adjustable=True)
PLAN_VERSIONS = Quota("versions of a plan", 2000, "versions", GUIDE)
SELECTIONS = Quota("selections of a plan", 100, "selections", GUIDE)
RESOURCES = Quota("ARNs of a selection, without wildcards", 500, "ARNs", REFERENCE + "BackupSelection")
WILDCARDS = Quota("ARNs of a selection, with wildcards", 30, "ARNs", REFERENCE + "BackupSelection")
TAGS = Quota("tags of a resource", 50, "tags", GUIDE)
PAGE = Quota("results of one page", 1000, "results", REFERENCE + "ListBackupJobs")

START_LEAST = Quota("shortest start window", 60, "minutes", REFERENCE + "BackupRuleInput")
WINDOW_MOST = Quota("longest window", 52_560_000, "minutes", REFERENCE + "BackupRuleInput")
START_WINDOW = Quota("start window unless a rule names one", 480, "minutes", REFERENCE + "BackupRuleInput")
COMPLETION_WINDOW = Quota("completion window unless a rule names one", 10_080, "minutes", REFERENCE + "BackupRuleInput")
RETENTION_MOST = Quota("longest retention", 36_500, "days", REFERENCE + "Lifecycle")
COLD_LEAST = Quota("a recovery point stays in cold storage", 90, "days", REFERENCE + "Lifecycle")
COOLING_OFF = Quota("a vault lock can be taken back for", 3, "days", REFERENCE + "PutBackupVaultLockConfiguration")
JOB_MEMORY = Quota("jobs are listed for", 30, "days", REFERENCE + "ListBackupJobs")
SCHEDULE_LEAST = Quota("between two runs of a rule", 60, "minutes", "developer guide, Backup plan options")

RESTORE_PATHS = Quota("paths of a restore from a bucket", 5, "paths", "developer guide, Restore S3 data")
S3_OBJECTS = Quota("objects listed, kept, brought back or removed in one turn", 100, "objects", "ours")
RETRY = Quota("what could not be removed is tried again after", 60, "seconds", "ours")
