"""Multipart uploads: begin, abort, and what is under way."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.services.s3 import attributes, buckets, checksums, keys, locks, upload_store
from pocketlake.services.s3.listing import Row, common_prefixes, encoding_of, limit_of, walk
from pocketlake.services.s3.owners import owner
from pocketlake.services.s3.service import errors, s3
from pocketlake.services.s3.store import Bucket
from pocketlake.services.s3.upload_store import Upload

# The checksum types an algorithm can have, its default first; the hashes have composites only.
TYPES = {
    "CRC32": (checksums.COMPOSITE, checksums.FULL_OBJECT),
    "CRC32C": (checksums.COMPOSITE, checksums.FULL_OBJECT),
    "CRC64NVME": (checksums.FULL_OBJECT,),
}


@s3.operation
def create_multipart_upload(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Begin an upload in parts; what the object will say of itself is fixed here."""
    bucket = buckets.find(call, request)
    key = keys.check(request["Key"])
    algorithm, kind = checksum_of(request)
    draft: dict[str, Any] = {
        "Members": attributes.of_request(bucket, request) | locks.of_request(call, bucket, request),
        "StorageClass": attributes.storage_class(request),
        "Tags": (tags := attributes.tags_of_request(request)) and tags.decode(),
        "Algorithm": algorithm,
        "Type": kind,
        "Initiator": call.principal.arn,
    }
    # The id begins with the time, so that a key's uploads are listed in the order of their beginning.
    identity = f"{int(call.now * 1_000_000):014x}" + secrets.token_urlsafe(60)
    upload_store.add_upload(call.db, bucket.id, Upload(key, identity, call.now, orjson.dumps(draft)))
    return {
        "Bucket": bucket.name,
        "Key": key,
        "UploadId": identity,
        "ServerSideEncryption": draft["Members"]["ServerSideEncryption"],
        "ChecksumAlgorithm": algorithm,
        "ChecksumType": kind,
    }


def checksum_of(request: dict[str, Any]) -> tuple[str | None, str | None]:
    """The upload's checksum algorithm and type.

    Source: S3 User Guide, "Checking object integrity", full object and composite checksum types.
    """
    algorithm, kind = request.get("ChecksumAlgorithm"), request.get("ChecksumType")
    if not algorithm:
        if kind:
            raise errors.InvalidRequest(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
            )
        return None, None
    algorithm = checksums.known(algorithm)
    possible = TYPES.get(algorithm, (checksums.COMPOSITE,))
    kind = kind or possible[0]
    if kind not in possible:
        raise errors.InvalidRequest(
            f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum algorithm."
        )
    return algorithm, kind


def find_upload(call: Call, bucket: Bucket, request: dict[str, Any]) -> Upload:
    upload = upload_store.upload(call.db, bucket.id, request["Key"], request["UploadId"])
    if upload is None:
        raise no_such_upload(request["UploadId"])
    return upload


def no_such_upload(identity: str) -> Exception:
    error: Exception = errors.NoSuchUpload(
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
        "completed.",
        UploadId=identity,
    )
    return error


@s3.operation
def abort_multipart_upload(call: Call, request: dict[str, Any]) -> None:
    bucket = buckets.find(call, request)
    upload = find_upload(call, bucket, request)
    for blob in upload_store.remove_upload(call.db, bucket.id, upload.key, upload.upload):
        call.blobs.drop(blob)


@s3.operation
def list_multipart_uploads(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """A page of the uploads under way, by key and then by their beginning."""
    bucket = buckets.find(call, request)
    prefix, delimiter = request.get("Prefix") or "", request.get("Delimiter") or ""
    limit, encoding = limit_of(request, "MaxUploads", "max-uploads"), encoding_of(request)
    key_marker, upload_marker = request.get("KeyMarker") or "", request.get("UploadIdMarker") or ""
    if not key_marker:
        upload_marker = ""  # S3 ignores it without its key
    stop = keys.after_prefix(prefix)

    def rows_from(start: str) -> Iterator[Row]:
        return upload_store.uploads_of(call.db, bucket.id, start, stop, ("", ""), limit + 1)

    carried: Iterator[Row] | tuple[()] = ()
    if upload_marker:
        only = keys.after(key_marker)
        carried = upload_store.uploads_of(call.db, bucket.id, key_marker, only, (key_marker, upload_marker), limit + 1)
    page = walk(rows_from, prefix, delimiter, key_marker, limit, carried)
    following = page.rows[-1][1] if page.rows and page.rows[-1][0] == page.last else None
    return {
        "Bucket": bucket.name,
        "KeyMarker": keys.encoded(key_marker, encoding),
        "UploadIdMarker": upload_marker,
        "NextKeyMarker": keys.encoded(page.last, encoding),
        "NextUploadIdMarker": following,
        "Prefix": keys.encoded(prefix, encoding),
        "Delimiter": keys.encoded(delimiter, encoding) or None,
        "MaxUploads": limit,
        "EncodingType": encoding,
        "IsTruncated": page.last is not None,
        "Uploads": [_entry(bucket, Upload(*row), encoding) for row in page.rows] or None,
        "CommonPrefixes": common_prefixes(page, encoding),
    }


def _entry(bucket: Bucket, upload: Upload, encoding: str | None) -> dict[str, Any]:
    draft = upload.members
    return {
        "Key": keys.encoded(upload.key, encoding),
        "UploadId": upload.upload,
        "Initiated": upload.created,
        "StorageClass": draft["StorageClass"],
        "Owner": owner(bucket.account),
        "Initiator": {"ID": draft["Initiator"] or owner(bucket.account)["ID"]},
        "ChecksumAlgorithm": draft["Algorithm"],
        "ChecksumType": draft["Type"],
    }
