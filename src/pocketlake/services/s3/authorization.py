"""What each operation on buckets and objects must be permitted; many share an action, or need one more for a version.

Sources: Service Authorization Reference, "Amazon S3"; user guide, "Required permissions for Amazon S3 API operations".
"""

from __future__ import annotations

from collections.abc import Iterator

from pocketlake.kernel.authorization import Authorization, Need, On, Request
from pocketlake.kernel.call import Call

from .copies import parse_source

BUCKET = "arn:aws:s3:::{Bucket}"
OBJECT = "arn:aws:s3:::{Bucket}/{Key}"


def _versioned(action: str) -> tuple[On, On]:
    """`GetObject...`, or `GetObjectVersion...` where the request names a version."""
    return (
        On(OBJECT, action, unless="VersionId"),
        On(OBJECT, action.replace("Object", "ObjectVersion", 1), given="VersionId"),
    )


# Whoever writes an object needs more for what else the request sets on it.
WRITE = (
    On(OBJECT, "PutObject"),
    On(OBJECT, "PutObjectAcl", given="ACL"),
    On(OBJECT, "PutObjectTagging", given="Tagging"),
    On(OBJECT, "PutObjectRetention", given="ObjectLockMode"),
    On(OBJECT, "PutObjectLegalHold", given="ObjectLockLegalHoldStatus"),
)
BYPASS = On(OBJECT, "BypassGovernanceRetention", given="BypassGovernanceRetention")


def _source(call: Call, request: Request) -> Need:
    """What is to be copied from."""
    source = parse_source(request["CopySource"])
    action = "s3:GetObjectVersion" if source.get("VersionId") else "s3:GetObject"
    return Need(action, f"arn:aws:s3:::{source['Bucket']}/{source['Key']}")


def copy(call: Call, request: Request) -> Iterator[Need]:
    yield _source(call, request)
    yield from WRITING.needs(call, request)


def delete(call: Call, request: Request) -> Iterator[Need]:
    """Of each key, or of its version."""
    for one in request["Delete"]["Objects"]:
        action = "s3:DeleteObjectVersion" if one.get("VersionId") else "s3:DeleteObject"
        resource = f"arn:aws:s3:::{request['Bucket']}/{one['Key']}"
        yield Need(action, resource)
        if request.get("BypassGovernanceRetention"):
            yield Need("s3:BypassGovernanceRetention", resource)


WRITING = Authorization("s3", {"copy_object": WRITE, "upload_part_copy": On(OBJECT, "PutObject")})

authorization = Authorization(
    "s3",
    {
        "abort_multipart_upload": OBJECT,
        "complete_multipart_upload": On(OBJECT, "PutObject"),
        "copy_object": copy,
        "create_bucket": (
            On(BUCKET),
            On(BUCKET, "PutBucketAcl", given="ACL"),
            On(BUCKET, "PutBucketObjectLockConfiguration", given="ObjectLockEnabledForBucket"),
            On(BUCKET, "PutBucketVersioning", given="ObjectLockEnabledForBucket"),
            On(BUCKET, "PutBucketOwnershipControls", given="ObjectOwnership"),
        ),
        "create_multipart_upload": WRITE,
        "delete_bucket": BUCKET,
        "delete_bucket_encryption": On(BUCKET, "PutEncryptionConfiguration"),
        "delete_bucket_ownership_controls": On(BUCKET, "PutBucketOwnershipControls"),
        "delete_bucket_policy": BUCKET,
        "delete_bucket_tagging": On(BUCKET, "PutBucketTagging"),
        "delete_object": (*_versioned("DeleteObject"), BYPASS),
        "delete_object_tagging": _versioned("DeleteObjectTagging"),
        "delete_objects": delete,
        "delete_public_access_block": On(BUCKET, "PutBucketPublicAccessBlock"),
        "get_bucket_acl": BUCKET,
        "get_bucket_encryption": On(BUCKET, "GetEncryptionConfiguration"),
        "get_bucket_location": BUCKET,
        "get_bucket_ownership_controls": BUCKET,
        "get_bucket_policy": BUCKET,
        "get_bucket_policy_status": BUCKET,
        "get_bucket_tagging": BUCKET,
        "get_bucket_versioning": BUCKET,
        "get_object": _versioned("GetObject"),
        "get_object_acl": _versioned("GetObjectAcl"),
        "get_object_attributes": (*_versioned("GetObject"), *_versioned("GetObjectAttributes")),
        "get_object_legal_hold": OBJECT,
        "get_object_lock_configuration": On(BUCKET, "GetBucketObjectLockConfiguration"),
        "get_object_retention": OBJECT,
        "get_object_tagging": _versioned("GetObjectTagging"),
        "get_public_access_block": On(BUCKET, "GetBucketPublicAccessBlock"),
        "head_bucket": On(BUCKET, "ListBucket"),
        "head_object": _versioned("GetObject"),
        "list_buckets": On("*", "ListAllMyBuckets"),
        "list_multipart_uploads": On(BUCKET, "ListBucketMultipartUploads"),
        "list_object_versions": On(BUCKET, "ListBucketVersions"),
        "list_objects": On(BUCKET, "ListBucket"),
        "list_objects_v2": On(BUCKET, "ListBucket"),
        "list_parts": On(OBJECT, "ListMultipartUploadParts"),
        "put_bucket_acl": BUCKET,
        "put_bucket_encryption": On(BUCKET, "PutEncryptionConfiguration"),
        "put_bucket_ownership_controls": BUCKET,
        "put_bucket_policy": BUCKET,
        "put_bucket_tagging": BUCKET,
        "put_bucket_versioning": BUCKET,
        "put_object": WRITE,
        "put_object_acl": _versioned("PutObjectAcl"),
        "put_object_legal_hold": OBJECT,
        "put_object_lock_configuration": On(BUCKET, "PutBucketObjectLockConfiguration"),
        "put_object_retention": (On(OBJECT), BYPASS),
        "put_object_tagging": _versioned("PutObjectTagging"),
        "put_public_access_block": On(BUCKET, "PutBucketPublicAccessBlock"),
        "restore_object": OBJECT,
        "upload_part": On(OBJECT, "PutObject"),
        "upload_part_copy": copy,
    },
)
