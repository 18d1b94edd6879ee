"""CopyObject: a new version that refers to the same bytes. Nothing is copied but the reference."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import unquote

import orjson

from pocketlake.kernel import checksums as kernel_checksums
from pocketlake.kernel.blobs import FileSlice
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
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
from pocketlake.services.s3.store import Bucket, Segment, Version

KEPT = tuple(member for member in attributes.SYSTEM if member != "WebsiteRedirectLocation")


@s3.operation
async def copy_object(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Give a version's bytes another name, with the same or other metadata and tags."""
    bucket = buckets.find(call, request)
    key = keys.check(request["Key"])
    source_bucket, source = source_of(call, request)
    check_source(request, source)
    _check_itself(request, bucket, key, source_bucket, source)
    _check_size_and_class(call, source)
    digests: dict[str, bytes] = {}
    wanted = _digests_wanted(request, source)
    if wanted:
        try:
            digests = await call.offload(_hash, content.locate(call, source), wanted)
        except FileNotFoundError:  # its parts were joined meanwhile, or it has gone
            _, source = source_of(call, request)
            digests = await call.offload(_hash, content.locate(call, source), wanted)
    with call.transaction():
        source_bucket, now = source_of(call, request)
        if (now.version, now.etag, now.modified) != (source.version, source.etag, source.modified):
            raise errors.OperationAborted(
                "The source was overwritten or deleted while it was copied. Please try again."
            )
        source = now
        bucket = buckets.find(call, request)
        conditions.check_write(request, key, store.current(call.db, bucket.id, key))
        version = _write(call, bucket, key, request, source, digests)
    members = version.members
    return {
        "CopyObjectResult": {
            "ETag": f'"{version.etag}"',
            "LastModified": version.modified,
            **members["Checksums"],
        },
        "CopySourceVersionId": versions.shown_id(source_bucket, source),
        "VersionId": versions.shown_id(bucket, version),
        "ServerSideEncryption": members["ServerSideEncryption"],
    }


def parse_source(source: str | dict[str, str]) -> dict[str, Any]:
    """Bucket, Key and VersionId of an x-amz-copy-source header, or of boto3's dict from inside."""
    if isinstance(source, dict):
        return dict(source)
    if source.startswith("arn:"):
        raise NotImplemented501("A copy source named by the ARN of an access point")
    path, _, query = source.partition("?versionId=")
    bucket, slash, key = unquote(path).removeprefix("/").partition("/")
    if not slash or not bucket or not key:
        raise errors.InvalidArgument(
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            ArgumentName="x-amz-copy-source",
            ArgumentValue=source,
        )
    return {"Bucket": bucket, "Key": key, "VersionId": unquote(query) or None}


def source_of(call: Call, request: dict[str, Any]) -> tuple[Bucket, Version]:
    """The bucket and version that a copy reads, in whatever region they lie."""
    source = parse_source(request["CopySource"])
    bucket = buckets.owned(call, source["Bucket"], request.get("ExpectedSourceBucketOwner"))
    return bucket, versions.readable(call, bucket, source)


def check_source(request: dict[str, Any], source: Version) -> None:
    """All conditions on a copy's source fail alike."""
    failed = conditions.failed(request, source.etag, source.modified, "CopySource")
    if failed is not None:
        raise conditions.precondition_failed(failed)


def _check_itself(request: dict[str, Any], bucket: Bucket, key: str, source_bucket: Bucket, source: Version) -> None:
    """A copy onto itself has to change something, or to bring an earlier version back."""
    if (bucket.id, key) != (source_bucket.id, source.key):
        return
    earlier = parse_source(request["CopySource"]).get("VersionId")
    changes = ("StorageClass", "ServerSideEncryption", "WebsiteRedirectLocation", "ChecksumAlgorithm")
    if "Encryption" in bucket.settings:  # then the copy is encrypted anew, which counts as a change
        return
    if earlier or request.get("MetadataDirective") == "REPLACE" or any(request.get(member) for member in changes):
        return
    raise errors.InvalidRequest(
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's "
        "metadata, storage class, website redirect location or encryption attributes."
    )


def _check_size_and_class(call: Call, source: Version) -> None:
    if source.storage_class in attributes.ARCHIVED and not restores.is_restored(call, source):
        raise errors.ObjectNotInActiveTierError(
            "The source object of the COPY action is not in the active tier and is only stored in Amazon S3 Glacier."
        )
    if source.size > quotas.COPY_SIZE.value:
        raise errors.InvalidRequest(
            "The specified copy source is larger than the maximum allowable size for a copy source: "
            f"{int(quotas.COPY_SIZE.value)}"
        )


def _digests_wanted(request: dict[str, Any], source: Version) -> list[str]:
    """What must be computed anew: a copy has the ETag and the full-object checksum of an object put whole."""
    held, _, kind = source.checksum.partition(" ")
    algorithm = checksums.known(request.get("ChecksumAlgorithm") or held)
    wanted = ["md5"] if source.is_multipart else []
    if algorithm != held or kind == checksums.COMPOSITE:
        wanted.append(checksums.ALGORITHMS[algorithm])
    return wanted


def _hash(slices: list[bytes | FileSlice], names: list[str]) -> dict[str, bytes]:
    """For a thread."""
    hashers = {name: kernel_checksums.new(name) for name in names}
    for piece in content.pieces(slices):
        for hasher in hashers.values():
            hasher.update(piece)
    return {name: hasher.digest() for name, hasher in hashers.items()}


def _write(
    call: Call, bucket: Bucket, key: str, request: dict[str, Any], source: Version, digests: dict[str, bytes]
) -> Version:
    members = _members(bucket, request, source) | locks.of_request(call, bucket, request)
    algorithm = checksums.known(request.get("ChecksumAlgorithm") or source.checksum.partition(" ")[0])
    name = f"Checksum{algorithm}"
    computed = digests.get(checksums.ALGORITHMS[algorithm])
    value = checksums.encode(computed) if computed else source.members["Checksums"][name]
    members["Checksums"] = {name: value, "ChecksumType": checksums.FULL_OBJECT}
    tags = source.tags
    if request.get("TaggingDirective") == "REPLACE":
        tags = attributes.tags_of_request(request)
    etag = digests["md5"].hex() if "md5" in digests else source.etag
    blob, assembly = _share(call, source)
    version = Version(
        key, versions.new_id(bucket), 0, versions.second(call), source.size, etag, blob, assembly,
        attributes.storage_class(request), f"{algorithm} {checksums.FULL_OBJECT}", orjson.dumps(members), tags,
    )  # fmt: skip
    versions.add(call, bucket, version)
    call.notify(f"s3.object:{bucket.name}")
    return version


def _members(bucket: Bucket, request: dict[str, Any], source: Version) -> dict[str, Any]:
    """System and user metadata: the source's, or the request's where MetadataDirective is REPLACE."""
    fresh = attributes.of_request(bucket, request)
    if request.get("MetadataDirective") == "REPLACE":
        return fresh
    held = source.members
    kept = {member: held[member] for member in (*KEPT, "Metadata") if member in held}
    own = {name: fresh[name] for name in ("WebsiteRedirectLocation", "ServerSideEncryption") if name in fresh}
    return kept | own


def _share(call: Call, source: Version) -> tuple[str | None, str | None]:
    """References to the source's bytes, for another version."""
    if source.blob is not None:
        call.blobs.keep(call.blobs.find(source.blob))
        return source.blob, None
    assert source.assembly is not None
    segments: list[Segment] = store.segments(call.db, source.assembly)
    for segment in segments:
        assert segment.blob is not None
        call.blobs.keep(call.blobs.find(segment.blob))
    assembly = secrets.token_hex(16)
    store.add_segments(call.db, assembly, segments)
    return None, assembly
