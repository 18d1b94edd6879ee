"""What can be configured of a bucket: policy, public access, ownership, encryption, access control lists."""

from __future__ import annotations

from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.services.s3 import attributes, buckets, policies, versions
from pocketlake.services.s3.answers import NO_CONTENT
from pocketlake.services.s3.owners import canonical_id, owner, private_grants
from pocketlake.services.s3.service import errors, s3
from pocketlake.services.s3.store import Bucket

PUBLIC_ACCESS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
OWNERSHIPS = ("BucketOwnerPreferred", "ObjectWriter", "BucketOwnerEnforced")

# Policy


@s3.operation
def put_bucket_policy(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    bucket = buckets.find(call, request)
    text = request["Policy"]
    document = policies.check(text, bucket.name)
    if _public_access(bucket).get("BlockPublicPolicy") and policies.is_public(document):
        raise errors.AccessDenied(
            f"User: {call.principal.arn} is not authorized to perform: s3:PutBucketPolicy on resource: "
            f'"arn:aws:s3:::{bucket.name}" because public policies are prevented by the BlockPublicPolicy setting in '
            "S3 Block Public Access."
        )
    buckets.configure(call, bucket, Policy=text)
    return NO_CONTENT


@s3.operation
def get_bucket_policy(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return {"Policy": _policy(buckets.find(call, request))}


@s3.operation
def get_bucket_policy_status(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    document = orjson.loads(_policy(buckets.find(call, request)))
    return {"PolicyStatus": {"IsPublic": policies.is_public(document)}}


@s3.operation
def delete_bucket_policy(call: Call, request: dict[str, Any]) -> None:
    buckets.configure(call, buckets.find(call, request), Policy=None)


def _policy(bucket: Bucket) -> str:
    if "Policy" not in bucket.settings:
        raise errors.NoSuchBucketPolicy("The bucket policy does not exist", BucketName=bucket.name)
    return str(bucket.settings["Policy"])


# Public access: all four blocks are on for buckets made since April 2023


def _public_access(bucket: Bucket) -> dict[str, bool]:
    return bucket.settings.get("PublicAccess", dict.fromkeys(PUBLIC_ACCESS, True))


@s3.operation
def put_public_access_block(call: Call, request: dict[str, Any]) -> None:
    bucket = buckets.find(call, request)
    configuration = request["PublicAccessBlockConfiguration"] or {}
    if not configuration:
        raise errors.InvalidRequest("Must specify at least one configuration.")
    buckets.configure(call, bucket, PublicAccess={name: bool(configuration.get(name)) for name in PUBLIC_ACCESS})


@s3.operation
def get_public_access_block(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    bucket = buckets.find(call, request)
    configuration = _public_access(bucket)
    if not configuration:
        raise errors.NoSuchPublicAccessBlockConfiguration(
            "The public access block configuration was not found", BucketName=bucket.name
        )
    return {"PublicAccessBlockConfiguration": configuration}


@s3.operation
def delete_public_access_block(call: Call, request: dict[str, Any]) -> None:
    buckets.configure(call, buckets.find(call, request), PublicAccess={})


# Ownership: access control lists are off unless the bucket says otherwise


@s3.operation
def put_bucket_ownership_controls(call: Call, request: dict[str, Any]) -> None:
    bucket = buckets.find(call, request)
    rules = request["OwnershipControls"].get("Rules") or []
    if len(rules) != 1 or rules[0].get("ObjectOwnership") not in OWNERSHIPS:
        raise errors.MalformedXML(
            "The XML you provided was not well-formed or did not validate against our published schema"
        )
    buckets.configure(call, bucket, ObjectOwnership=rules[0]["ObjectOwnership"])


@s3.operation
def get_bucket_ownership_controls(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    bucket = buckets.find(call, request)
    ownership = _ownership(bucket)
    if not ownership:
        raise errors.OwnershipControlsNotFoundError(
            "The bucket ownership controls were not found", BucketName=bucket.name
        )
    return {"OwnershipControls": {"Rules": [{"ObjectOwnership": ownership}]}}


@s3.operation
def delete_bucket_ownership_controls(call: Call, request: dict[str, Any]) -> None:
    buckets.configure(call, buckets.find(call, request), ObjectOwnership="")


def _ownership(bucket: Bucket) -> str:
    return str(bucket.settings.get("ObjectOwnership", attributes.ENFORCED))


# Encryption


@s3.operation
def put_bucket_encryption(call: Call, request: dict[str, Any]) -> None:
    bucket = buckets.find(call, request)
    rules = request["ServerSideEncryptionConfiguration"].get("Rules") or []
    if len(rules) != 1:
        raise errors.MalformedXML(
            "The XML you provided was not well-formed or did not validate against our published schema"
        )
    default = rules[0].get("ApplyServerSideEncryptionByDefault") or {"SSEAlgorithm": "AES256"}
    attributes.encryption(default["SSEAlgorithm"])
    if default.get("KMSMasterKeyID"):
        raise errors.InvalidArgument(
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
            ArgumentName="ApplyServerSideEncryptionByDefault",
        )
    if rules[0].get("BlockedEncryptionTypes"):
        raise NotImplemented501("BlockedEncryptionTypes of a bucket's encryption")
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
        "BucketKeyEnabled": bool(rules[0].get("BucketKeyEnabled")),
    }
    buckets.configure(call, bucket, Encryption=rule)


@s3.operation
def get_bucket_encryption(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Every bucket has a default: SSE-S3.  [S3-002, S3-004]"""
    default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}
    rule = buckets.find(call, request).settings.get("Encryption", default)
    return {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}


@s3.operation
def delete_bucket_encryption(call: Call, request: dict[str, Any]) -> None:
    buckets.configure(call, buckets.find(call, request), Encryption=None)


# Access control lists: only the owner's own exists, so setting it changes nothing and another is refused


@s3.operation
def get_bucket_acl(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    account = buckets.find(call, request).account
    return {"Owner": owner(account), "Grants": private_grants(account)}


@s3.operation
def get_object_acl(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """[S3-524]"""
    bucket = buckets.find(call, request)
    versions.readable(call, bucket, request)
    return {"Owner": owner(bucket.account), "Grants": private_grants(bucket.account)}


@s3.operation
def put_bucket_acl(call: Call, request: dict[str, Any]) -> None:
    bucket = buckets.find(call, request)
    acl = request.get("ACL")
    if acl in ("public-read", "public-read-write", "authenticated-read") and _ownership(bucket) != attributes.ENFORCED:
        _refuse_public(call, bucket, "s3:PutBucketAcl", f"arn:aws:s3:::{bucket.name}")
    _check_acl(bucket, request)


@s3.operation
def put_object_acl(call: Call, request: dict[str, Any]) -> None:
    bucket = buckets.find(call, request)
    version = versions.readable(call, bucket, request)
    acl = request.get("ACL")
    if acl in ("public-read", "public-read-write", "authenticated-read") and _ownership(bucket) != attributes.ENFORCED:
        _refuse_public(call, bucket, "s3:PutObjectAcl", f"arn:aws:s3:::{bucket.name}/{version.key}")
    _check_acl(bucket, request)


def _check_acl(bucket: Bucket, request: dict[str, Any]) -> None:
    policy = request.get("AccessControlPolicy")
    if policy:
        grants = policy.get("Grants") or []
        mine = canonical_id(bucket.account)
        if any(
            grant.get("Permission") != "FULL_CONTROL" or (grant.get("Grantee") or {}).get("ID") != mine
            for grant in grants
        ):
            if _ownership(bucket) == attributes.ENFORCED:
                raise errors.AccessControlListNotSupported("The bucket does not allow ACLs")
            raise NotImplemented501("Access control lists that grant something to others")
    attributes.check_acl(bucket, request)


def _refuse_public(call: Call, bucket: Bucket, action: str, resource: str) -> None:
    if _public_access(bucket).get("BlockPublicAcls"):
        raise errors.AccessDenied(
            f'User: {call.principal.arn} is not authorized to perform: {action} on resource: "{resource}" because '
            "public ACLs are prevented by the BlockPublicAcls setting in S3 Block Public Access."
        )
