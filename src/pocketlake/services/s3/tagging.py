"""Tags of buckets and of object versions."""

from __future__ import annotations

from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.services.s3 import buckets, store, versions
from pocketlake.services.s3.answers import NO_CONTENT
from pocketlake.services.s3.service import errors, s3
from pocketlake.services.s3.tags import checked_bucket_tags, checked_object_tags, tag_set


@s3.operation
def put_object_tagging(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Replace a version's tags.  [S3-540]"""
    tags = checked_object_tags(request["Tagging"].get("TagSet") or [])
    return _write(call, request, tags)


@s3.operation
def delete_object_tagging(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return _write(call, request, {})


def _write(call: Call, request: dict[str, Any], tags: dict[str, str]) -> dict[str, Any]:
    bucket = buckets.find(call, request)
    version = versions.readable(call, bucket, request)
    store.rewrite(call.db, bucket.id, version._replace(tags=orjson.dumps(tags) if tags else None))
    call.notify(f"s3.object:{bucket.name}")
    return {"VersionId": versions.shown_id(bucket, version)}


@s3.operation
def get_object_tagging(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    bucket = buckets.find(call, request)
    version = versions.readable(call, bucket, request)
    return {"VersionId": versions.shown_id(bucket, version), "TagSet": tag_set(version.tag_set)}


@s3.operation
def put_bucket_tagging(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Replace the bucket's tags."""
    bucket = buckets.find(call, request)
    buckets.configure(call, bucket, Tags=checked_bucket_tags(request["Tagging"].get("TagSet") or []) or None)
    return NO_CONTENT


@s3.operation
def get_bucket_tagging(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    bucket = buckets.find(call, request)
    tags = bucket.settings.get("Tags")
    if not tags:
        raise errors.NoSuchTagSet("The TagSet does not exist", BucketName=bucket.name)
    return {"TagSet": tag_set(tags)}


@s3.operation
def delete_bucket_tagging(call: Call, request: dict[str, Any]) -> None:
    buckets.configure(call, buckets.find(call, request), Tags=None)
