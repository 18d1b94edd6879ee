"""Objects: put, get, head."""

from __future__ import annotations

from email.utils import formatdate
from pathlib import Path
from typing import Any

import orjson

from pocketlake.kernel.blobs import Blob, TooLarge
from pocketlake.kernel.call import Call
from pocketlake.services.s3 import (
    attributes,
    buckets,
    checksums,
    conditions,
    content,
    keys,
    locks,
    quotas,
    restores,
    store,
    versions,
)
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
    members = attributes.of_request(bucket, request) | locks.of_request(call, bucket, request)
    storage_class = attributes.storage_class(request)
    tags = attributes.tags_of_request(request)
    conditions.check_write(request, key, _existing(call, bucket, request))
    blob, checksum = await receive(call, request, checksums.announced(call, request))
    checksum["ChecksumType"] = checksums.FULL_OBJECT
    described = f"{checksums.algorithm_of(checksum)} {checksums.FULL_OBJECT}"
    head = orjson.dumps({**members, "Checksums": checksum})
    etag = blob.digests["md5"].hex()
    with content.kept(call, blob):
        bucket = _still_there(call, bucket)
        conditions.check_write(request, key, _existing(call, bucket, request))
        version = Version(
            key, versions.new_id(bucket), 0, versions.second(call), blob.size, etag, blob.id, None,
            storage_class, described, head, tags,
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


def _still_there(call: Call, bucket: Bucket) -> Bucket:
    """The bucket as it is now that the body has arrived: its settings may have changed, it may be gone."""
    now = buckets.lookup(call, bucket.name)
    if now is None or now.id != bucket.id:
        raise errors.NoSuchBucket("The specified bucket does not exist", BucketName=bucket.name)
    return now


async def receive(
    call: Call, request: dict[str, Any], promised: checksums.Announced, further: tuple[str, ...] = ()
) -> tuple[Blob, dict[str, str]]:
    """The request's body as a blob, with its checksum members; what the sender said of it has been verified.

    `further` are algorithms (the kernel's names) whose digests the caller wants besides.
    """
    md5 = checksums.content_md5(request)
    body = request.get("Body")
    limit = int(quotas.PUT_SIZE.value)
    _check_length(request, limit)
    algorithms = {"md5", checksums.ALGORITHMS[promised.algorithm], *further}
    try:
        blob = await call.blobs.receive(b"" if body is None else body, algorithms, limit)
    except TooLarge:
        raise _too_large(limit + 1, limit) from None
    try:
        return blob, checksums.verify(call, promised, md5, blob.digests)
    except Exception:
        content.forget(blob)
        raise


def _check_length(request: dict[str, Any], limit: int) -> None:
    """Refuse before the first byte what is too long even if it comes in signed chunks."""
    length = request.get("ContentLength")
    if length is not None and not isinstance(request.get("Body"), Path) and length > limit * 1.01:
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
    restores.check_readable(call, version)
    answer = _describe(call, bucket, version, request)
    if answer.get("ResponseMetadata", {}).get("HTTPStatusCode") != 304:
        start = answer.pop("Start")
        answer["Body"] = content.read(call, bucket, version, start, answer["ContentLength"])
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
    answer.pop("UploadId", None)
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
        if answer.pop(restores.MEMBER, None) is not None:
            answer["Restore"] = restores.header(call, version)
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
    if isinstance(expires := answer.get("Expires"), float | int):
        answer["Expires"] = formatdate(expires, usegmt=True)  # a string in the model of answers
    return answer


@s3.operation
def get_object_attributes(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Those of an object's attributes that were asked for, its parts by page."""
    bucket = buckets.find(call, request)
    version = versions.readable(call, bucket, request)
    asked = set(request["ObjectAttributes"])
    stored = version.members.get("Checksums") or {}
    return {
        "LastModified": version.modified,
        "VersionId": versions.shown_id(bucket, version),
        "ETag": version.etag if "ETag" in asked else None,
        "Checksum": checksums.without_count(stored) or None if "Checksum" in asked else None,
        "ObjectParts": _parts(call, version, request) if "ObjectParts" in asked and version.is_multipart else None,
        "StorageClass": version.storage_class if "StorageClass" in asked else None,
        "ObjectSize": version.size if "ObjectSize" in asked else None,
    }


def _parts(call: Call, version: Version, request: dict[str, Any]) -> dict[str, Any]:
    """S3 lists the parts only of objects that were uploaded with a checksum for each."""
    assert version.assembly is not None
    segments = store.segments(call.db, version.assembly)
    answer: dict[str, Any] = {"TotalPartsCount": len(segments)}
    if not any(segment.members for segment in segments):
        return answer
    limit = min(request.get("MaxParts") or 1000, 1000)
    marker = int(request.get("PartNumberMarker") or 0)
    left = [segment for segment in segments if segment.number > marker]
    shown = left[:limit]
    return answer | {
        "PartNumberMarker": marker,
        "NextPartNumberMarker": shown[-1].number if shown else 0,
        "MaxParts": limit,
        "IsTruncated": len(left) > len(shown),
        "Parts": [{"PartNumber": part.number, "Size": part.size, **part.members} for part in shown],
    }
