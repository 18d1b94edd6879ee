"""S3 as the kernel sees it: name, tables, and the HTTP statuses of errors that the model leaves out."""

from __future__ import annotations

from pocketlake.kernel.service import Service
from pocketlake.services.s3 import store

# Source: Amazon S3 API Reference, "Error responses". Codes that are not here have status 400.
STATUSES = {
    "AccessDenied": 403,
    "BucketAlreadyExists": 409,
    "BucketAlreadyOwnedByYou": 409,
    "BucketNotEmpty": 409,
    "ConditionalRequestConflict": 409,
    "InvalidBucketState": 409,
    "InvalidObjectState": 403,
    "InvalidPartNumber": 416,
    "InvalidRange": 416,
    "MethodNotAllowed": 405,
    "NoSuchBucket": 404,
    "NoSuchBucketPolicy": 404,
    "NoSuchCORSConfiguration": 404,
    "NoSuchKey": 404,
    "NoSuchObjectLockConfiguration": 404,
    "NoSuchPublicAccessBlockConfiguration": 404,
    "NoSuchTagSet": 404,
    "NoSuchUpload": 404,
    "NoSuchVersion": 404,
    "NotImplemented": 501,
    "ObjectAlreadyInActiveTierError": 403,
    "ObjectLockConfigurationNotFoundError": 404,
    "ObjectNotInActiveTierError": 403,
    "OperationAborted": 409,
    "OwnershipControlsNotFoundError": 404,
    "PermanentRedirect": 301,
    "PreconditionFailed": 412,
    "RestoreAlreadyInProgress": 409,
    "ServerSideEncryptionConfigurationNotFoundError": 404,
    "SlowDown": 503,
}


class S3Statuses(dict[str, int]):
    """400 for whatever code has no status of its own."""

    def get(self, code: str, default: int | None = None) -> int:  # type: ignore[override]
        return super().get(code, 400)


s3 = Service("s3", migrations=store.MIGRATIONS, validation_error="InvalidArgument", statuses=S3Statuses(STATUSES))
errors = s3.errors
