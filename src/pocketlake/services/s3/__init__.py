"""Amazon S3: buckets and objects."""

from pocketlake.services.s3 import (
    buckets,
    completion,
    configuration,
    copies,
    delete,
    listing,
    object_lock,
    objects,
    parts,
    restores,
    tagging,
    uploads,
    version_listing,
    versions,
)
from pocketlake.services.s3.service import s3 as service

__all__ = [
    "buckets",
    "completion",
    "configuration",
    "copies",
    "delete",
    "listing",
    "object_lock",
    "objects",
    "parts",
    "restores",
    "service",
    "tagging",
    "uploads",
    "version_listing",
    "versions",
]
