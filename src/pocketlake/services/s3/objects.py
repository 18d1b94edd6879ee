"""Objects: put, get, head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from pocketlake.kernel.blobs import Blob, TooLarge
from pocketlake.kernel.call import Call
from pocketlake.services.s3 import attributes, buckets, checksums, conditions, content, keys, quotas, store, versions
from pocketlake.services.s3.service import errors, s3
from pocketlake.services.s3.store import Bucket, Version

OVERRIDES = {
    "ResponseCacheControl": "CacheControl",
    "ResponseContentDisposition": "ContentDisposition",
    "ResponseContentEncoding": "ContentEncoding",
    "ResponseContentLanguage": "ContentLanguage",
    "ResponseContentType": "ContentType",
    "ResponseExpires": "Expires",
}


@s3.operation
async def put_object(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Store a body under a key. Whoever reads next, reads this.  [S3-509, S3-521, S3-522]

    The body is received and hashed first; everything that is written is written in one transaction after it.
    """
    bucket = buckets.find(call, request)
    key = keys.check(request["Key"])
    members = attributes.of_request(bucket, request)
    storage_class = attributes.storage_class(request)
    tags = attributes.tags_of_request(request)
    conditions.check_write(request, key, _existing(call, bucket, request))
    blob, checksum = await receive(call, request)
    with call.transaction():
        bucket = _still_there(call, bucket, blob)
        conditions.check_write(request, key, _existing(call, bucket, request))
        etag = blob.digests["md5"].hex()
        algorithm = checksums.algorithm_of(checksum)
        checksum["ChecksumType"] = checksums.FULL_OBJECT
        head = orjson.dumps({**members, "Checksums": checksum})
        version_id = versions.new_id(bucket)
        call.blobs.keep(blob)
        version = Version(
            key, version_id, 0, versions.second(call), blob.size, etag, blob.id, None,
            storage_class, f"{algorithm} {checksums.FULL_OBJECT}", head, tags,
        )  # fmt: skip
        versions.add(call, bucket, version)
        call.notify(f"s3.object:{bucket.name}")
    return {
        "ETag": f'"{etag}"',
        **checksum,
        "ServerSideEncryption": members["ServerSideEncryption"],
        "VersionId": versions.shown_id(bucket, version),
    }


def _existing(call: Call, bucket: Bucket, request: dict[str, Any]) -> Version | None:
    """The current version, where the request's conditions ask about it."""
    if request.get("IfMatch") is None and request.get("IfNoneMatch") is None:
        return None
    return store.current(call.db, bucket.id, request["Key"])


def _still_there(call: Call, bucket: Bucket, blob: Blob) -> Bucket:
    """The bucket as it is now that the body has arrived: its settings may have changed, it may be gone."""
    now = buckets.lookup(call, bucket.name)
    if now is None or now.id != bucket.id:
        content.forget(blob)
        raise errors.NoSuchBucket("The specified bucket does not exist", BucketName=bucket.name)
    return now


async def receive(call: Call, request: dict[str, Any]) -> tuple[Blob, dict[str, str]]:
    """The request's body as a blob, with its checksum members; what the sender said of it has been verified."""
    promised = checksums.announced(call, request)
    md5 = checksums.content_md5(request)
    body = request.get("Body")
    limit = int(quotas.PUT_SIZE.value)
    _check_length(request, limit)
    try:
        blob = await call.blobs.receive(
            b"" if body is None else body, ("md5", checksums.ALGORITHMS[promised.algorithm]), limit
        )
    except TooLarge:
        raise _too_large(limit + 1, limit) from None
    try:
        return blob, checksums.verify(call, promised, md5, blob.digests)
    except Exception:
        content.forget(blob)
        raise


def _check_length(request: dict[str, Any], limit: int) -> None:
    """Refuse before the first byte what is too long anyway."""
    length = request.get("ContentLength")
    if length is not None and not isinstance(request.get("Body"), Path) and length > limit + 65_536:
        raise _too_large(length, limit)


def _too_large(size: int, limit: int) -> Exception:
    error: Exception = errors.EntityTooLarge(
        "Your proposed upload exceeds the maximum allowed size", ProposedSize=size, MaxSizeAllowed=limit
    )
    return error


@s3.operation
def get_object(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """An object, a range of it, or one part."""
    bucket = buckets.find(call, request)
    version = versions.readable(call, bucket, request)
    attributes.check_readable(version.storage_class)
    answer = _describe(call, bucket, version, request)
    if answer.get("ResponseMetadata", {}).get("HTTPStatusCode") != 304:
        start = answer.pop("Start")
        answer["Body"] = content.read(call, version, start, answer["ContentLength"])
    return answer


@s3.operation
def head_object(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """What GetObject says, without the bytes."""
    bucket = buckets.find(call, request)
    version = versions.readable(call, bucket, request)
    answer = _describe(call, bucket, version, request)
    answer.pop("Start", None)
    return answer


def _describe(call: Call, bucket: Bucket, version: Version, request: dict[str, Any]) -> dict[str, Any]:
    """The members both reads answer with; `Start` is the first byte of what is read."""
    failed = conditions.failed(request, version.etag, version.modified)
    if failed is not None:
        if not conditions.is_not_modified(failed):
            raise conditions.precondition_failed(failed)
        return {
            "ETag": f'"{version.etag}"',
            "LastModified": version.modified,
            "VersionId": versions.shown_id(bucket, version),
            "ResponseMetadata": {"HTTPStatusCode": 304},
        }
    extent = content.extent(call, version, request)
    answer = version.members
    stored = answer.pop("Checksums", {})
    answer.pop("ACL", None)
    if metadata := answer.get("Metadata"):
        answer["Metadata"] = attributes.shown_metadata(metadata)
    answer |= {
        "AcceptRanges": "bytes",
        "ETag": f'"{version.etag}"',
        "LastModified": version.modified,
        "ContentLength": extent.length,
        "Start": extent.start,
        "VersionId": versions.shown_id(bucket, version),
        "PartsCount": extent.parts,
    }
    if version.storage_class != "STANDARD":
        answer["StorageClass"] = version.storage_class
    if version.tags:
        answer["TagCount"] = len(version.tag_set)
    if extent.is_partial:
        answer["ContentRange"] = f"bytes {extent.start}-{extent.start + extent.length - 1}/{version.size}"
        answer["ResponseMetadata"] = {"HTTPStatusCode": 206}
    if request.get("ChecksumMode") == "ENABLED":
        answer |= content.shown_checksums(extent, stored)
    for override, member in OVERRIDES.items():
        if (value := request.get(override)) is not None:
            answer[member] = value
    return answer
