"""The limits of Glue, each with its source."""

from __future__ import annotations

from pocketlake.kernel.call import Call
from pocketlake.kernel.quotas import Quota

from .service import errors

QUOTAS = "AWS General Reference, AWS Glue endpoints and quotas"
GUIDE = "AWS Glue developer guide, "

DATABASES = Quota("databases per account", 10_000, "databases", QUOTAS, adjustable=True)
FUNCTIONS = Quota("functions per database", 100, "functions", QUOTAS, adjustable=True)
CONNECTIONS = Quota("connections per account", 1_000, "connections", QUOTAS, adjustable=True)
CRAWLERS = Quota("crawlers per account", 1_000, "crawlers", QUOTAS, adjustable=True)
PARTITION_INDEXES = Quota("partition indexes per table", 3, "indexes", GUIDE + "Working with partition indexes")
TAGS = Quota("tags per resource", 50, "tags", GUIDE + "AWS tags in AWS Glue")
SAMPLE_FILES = Quota("files sampled per leaf folder", 249, "files", "Glue API reference, S3Target.SampleSize")


def check_count(call: Call, quota: Quota, kind: str, parent: str = "") -> None:
    """There is room for one more resource of this kind."""
    if call.limits_on and call.resources(kind).count(parent) >= quota.value:
        raise errors.ResourceNumberLimitExceededException(f"The limit of {quota.value:.0f} {quota.name} is reached.")
