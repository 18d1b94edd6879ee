"""Buckets: their names, which all accounts and regions share, and their life."""

from __future__ import annotations

import re
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.kernel.pages import InvalidToken
from pocketlake.services.s3 import attributes, keys, policies, quotas, store, upload_store
from pocketlake.services.s3.owners import owner
from pocketlake.services.s3.service import errors, s3
from pocketlake.services.s3.store import Bucket
from pocketlake.services.s3.tags import checked_bucket_tags

HOME_REGION = "us-east-1"  # the one region whose name is no location constraint

NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
REGIONAL_NAME = re.compile(r".+-\d{12}-[a-z]{2}(-[a-z]+)+-\d-an")  # of an account's regional namespace
ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
RESERVED_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
RESERVED_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")

CACHED_BUCKETS = 10_000


def is_valid_name(name: str) -> bool:
    """Source: S3 User Guide, "General purpose bucket naming rules"."""
    return (
        NAME.fullmatch(name) is not None
        and ".." not in name
        and ADDRESS.fullmatch(name) is None
        and not name.startswith(RESERVED_STARTS)
        and not name.endswith(RESERVED_ENDS)
    )


def find(call: Call, request: dict[str, Any]) -> Bucket:
    """The request's bucket, if this caller may know it from here.

    A request from outside that was sent to another region is told where to go.  [S3-517]
    """
    bucket = owned(call, request["Bucket"], request.get("ExpectedBucketOwner"))
    if bucket.region != call.region and is_signed(call):
        raise errors.PermanentRedirect(
            "The bucket you are attempting to access must be addressed using the specified endpoint. "
            "Please send all future requests to this endpoint.",
            Endpoint=f"s3.{bucket.region}.amazonaws.com",
            Bucket=bucket.name,
            ResponseMetadata={"HTTPHeaders": {"x-amz-bucket-region": bucket.region}},
        )
    return bucket


def owned(call: Call, name: str, expected_owner: str | None = None) -> Bucket:
    """The bucket of this name, whatever its region, if it belongs to the caller's account."""
    bucket = lookup(call, name)
    if bucket is None:
        raise errors.NoSuchBucket("The specified bucket does not exist", BucketName=name)
    if bucket.account != (expected_owner or bucket.account):
        raise errors.AccessDenied("Access Denied")
    if bucket.account != call.account:
        if policies.admits(bucket.settings.get("Policy"), call.account):
            raise NotImplemented501("Access to another account's bucket through its policy")
        raise errors.AccessDenied("Access Denied")
    return bucket


def is_signed(call: Call) -> bool:
    """Whether a client chose the call's region: services and unsigned requests did not."""
    request = call.request
    return request is not None and ("authorization" in request.headers or "X-Amz-Credential=" in request.target)


def lookup(call: Call, name: str) -> Bucket | None:
    cached: Bucket | None = call.memory.get(name)
    if cached is None and (cached := store.bucket(call.db, name)) is not None:
        if len(call.memory) >= CACHED_BUCKETS:
            call.memory.clear()
        call.memory[name] = cached
    return cached


def configure(call: Call, bucket: Bucket, **changes: Any) -> Bucket:
    """The bucket with these settings; None takes one away."""
    settings = {name: value for name, value in {**bucket.settings, **changes}.items() if value is not None}
    store.save_settings(call.db, bucket.id, settings)
    return _remember(call, bucket._replace(settings=settings))


def _remember(call: Call, bucket: Bucket) -> Bucket:
    memory = call.memory
    memory[bucket.name] = bucket
    call.undo(lambda: memory.pop(bucket.name, None))
    return bucket


@s3.operation
def create_bucket(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Take a name of the global namespace, in the region asked for.  [S3-516]"""
    name = request["Bucket"]
    if not is_valid_name(name):
        raise errors.InvalidBucketName("The specified bucket is not valid.", BucketName=name)
    region = _region(call, request.get("CreateBucketConfiguration"))
    _check_namespace(call, name, region, request.get("BucketNamespace"))
    answer = {"Location": f"/{name}", "BucketArn": f"arn:aws:s3:::{name}"}
    existing = lookup(call, name)
    if existing is not None:
        _refuse_taken(call, existing, region)
        return answer
    settings = _first_settings(request)
    if call.limits_on and store.count_buckets(call.db, call.account) >= quotas.BUCKETS.value:
        raise errors.TooManyBuckets("You have attempted to create more buckets than allowed")
    _remember(call, store.add_bucket(call.db, name, call.account, region, call.now, settings))
    return answer


def _region(call: Call, configuration: dict[str, Any] | None) -> str:
    """Where the bucket will lie. us-east-1's endpoint makes buckets anywhere, any other only at home."""
    configuration = configuration or {}
    if configuration.get("Location") or configuration.get("Bucket"):
        raise NotImplemented501("Directory buckets")
    constraint = configuration.get("LocationConstraint")
    if not constraint and call.region == HOME_REGION:
        return HOME_REGION
    region = "eu-west-1" if constraint == "EU" else constraint
    if call.region != HOME_REGION and region != call.region:
        raise errors.IllegalLocationConstraintException(
            f"The {constraint or 'unspecified'} location constraint is incompatible for the region specific endpoint "
            "this request was sent to."
        )
    if constraint == HOME_REGION or not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", region or ""):
        raise errors.InvalidLocationConstraint(
            "The specified location-constraint is not valid", LocationConstraint=constraint
        )
    return str(region)


def _check_namespace(call: Call, name: str, region: str, namespace: str | None) -> None:
    """A name of the account's own regional namespace says whose it is. Such names can't be taken by others."""
    suffix = f"-{call.account}-{region}-an"
    if namespace == "account-regional" and not name.endswith(suffix):
        raise errors.InvalidNamespaceHeader(
            f"The bucket name must end with {suffix} for the account regional namespace.", BucketName=name
        )
    if namespace != "account-regional" and name.endswith("-an") and REGIONAL_NAME.fullmatch(name):
        raise errors.InvalidBucketName("The specified bucket is not valid.", BucketName=name)


def _refuse_taken(call: Call, existing: Bucket, region: str) -> None:
    """Raise what a taken name deserves; say nothing where us-east-1 lets its owner create a bucket once more."""
    if existing.account != call.account:
        raise errors.BucketAlreadyExists(
            "The requested bucket name is not available. The bucket namespace is shared by all users of the system. "
            "Please select a different name and try again.",
            BucketName=existing.name,
        )
    if not existing.region == region == call.region == HOME_REGION:
        raise errors.BucketAlreadyOwnedByYou(
            "Your previous request to create the named bucket succeeded and you already own it.",
            BucketName=existing.name,
        )


def _first_settings(request: dict[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if request.get("ObjectLockEnabledForBucket"):
        settings |= {"Versioning": "Enabled", "ObjectLock": {"ObjectLockEnabled": "Enabled"}}
    ownership = request.get("ObjectOwnership")
    if ownership:
        settings["ObjectOwnership"] = ownership
    acl = request.get("ACL")
    grants = not attributes.GRANTS.isdisjoint(request)
    if acl and grants:
        raise errors.InvalidRequest("Specifying both Canned ACLs and Header Grants is not allowed")
    if grants or (acl and acl != "private"):
        if ownership in (None, attributes.ENFORCED):
            raise errors.InvalidBucketAclWithObjectOwnership(
                "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
            )
        if grants:
            raise NotImplemented501("S3 grants of access control lists")
        raise errors.InvalidBucketAclWithBlockPublicAccessError(
            "Bucket cannot have public ACLs set with BlockPublicAccess enabled"
        )
    tags = (request.get("CreateBucketConfiguration") or {}).get("Tags")
    if tags:
        settings["Tags"] = checked_bucket_tags(tags)
    return settings


@s3.operation
def head_bucket(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    bucket = find(call, request)
    return {
        "BucketRegion": bucket.region,
        "BucketArn": f"arn:aws:s3:::{bucket.name}",
        "AccessPointAlias": False,
        "ResponseMetadata": {"HTTPHeaders": {"Content-Type": "application/xml"}},
    }


@s3.operation
def get_bucket_location(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The location constraint the bucket was made with: none for us-east-1.  [S3-517]"""
    region = find(call, request).region
    return {"LocationConstraint": None if region == HOME_REGION else region}


@s3.operation
def list_buckets(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The account's buckets in every region, by name."""
    limit = request.get("MaxBuckets") or int(quotas.LISTED_BUCKETS.value)
    if not 1 <= limit <= quotas.LISTED_BUCKETS.value:
        raise errors.InvalidArgument(
            "Argument max-buckets must be an integer between 1 and 10000", ArgumentName="max-buckets"
        )
    prefix = request.get("Prefix") or ""
    start = prefix
    if token := request.get("ContinuationToken"):
        try:
            start = max(start, call.pages.open(token)["list_buckets"])
        except (InvalidToken, KeyError, TypeError):
            raise errors.InvalidArgument("The continuation token provided is incorrect") from None
    region = request.get("BucketRegion") or None
    rows = store.buckets_of(call.db, call.account, start, keys.after_prefix(prefix), region, limit + 1)
    more = len(rows) > limit
    return {
        "Buckets": [
            {"Name": name, "CreationDate": created, "BucketRegion": home} for name, home, created in rows[:limit]
        ],
        "Owner": owner(call.account),
        "Prefix": request.get("Prefix"),
        "ContinuationToken": call.pages.seal({"list_buckets": rows[limit][0]}) if more else None,
    }


@s3.operation
def delete_bucket(call: Call, request: dict[str, Any]) -> None:
    """Give the name back. Versions and delete markers count as content; unfinished uploads do not.  [S3-520]"""
    bucket = find(call, request)
    if not store.is_empty(call.db, bucket.id):
        raise errors.BucketNotEmpty(
            "The bucket you tried to delete is not empty"
            + (". You must delete all versions in the bucket." if bucket.versioning else ""),
            BucketName=bucket.name,
        )
    for blob in upload_store.remove_uploads(call.db, bucket.id):
        call.blobs.drop(blob)
    store.remove_bucket(call.db, bucket.id)
    call.memory.pop(bucket.name, None)
