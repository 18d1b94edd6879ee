"""Parts of multipart uploads: sent, copied from objects, listed."""

from __future__ import annotations

from typing import Any

import orjson

from pocketlake.kernel.blobs import Blob
from pocketlake.kernel.call import Call
from pocketlake.services.s3 import (
    buckets,
    checksums,
    content,
    objects,
    quotas,
    ranges,
    restores,
    upload_store,
    versions,
)
from pocketlake.services.s3.copies import check_source, source_of
from pocketlake.services.s3.owners import owner
from pocketlake.services.s3.service import errors, s3
from pocketlake.services.s3.store import Bucket
from pocketlake.services.s3.upload_store import Part, Upload
from pocketlake.services.s3.uploads import find_upload, no_such_upload


@s3.operation
async def upload_part(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Store one part; a part of the same number is replaced."""
    bucket = buckets.find(call, request)
    upload = find_upload(call, bucket, request)
    _check_number(request["PartNumber"])
    draft = upload.members
    promised = checksums.announced(call, request)
    wanted = draft["Algorithm"]
    if promised.by_sender:
        _check_type(wanted, promised.algorithm)
    elif wanted and draft["Type"] == checksums.COMPOSITE and call.request is not None:
        _check_type(wanted, None)
    elif wanted:
        promised = checksums.Announced(wanted, None, False, False)
    further = () if wanted else (checksums.ALGORITHMS[checksums.DEFAULT],)
    blob, checksum = await objects.receive(call, request, promised, further)
    part = _keep(call, bucket, upload, request["PartNumber"], blob, checksum)
    return {
        "ETag": f'"{part.etag}"',
        **checksum,
        "ServerSideEncryption": draft["Members"]["ServerSideEncryption"],
    }


def _check_number(number: int) -> None:
    if not 1 <= number <= quotas.PARTS.value:
        raise errors.InvalidArgument(
            "Part number must be an integer between 1 and 10000, inclusive",
            ArgumentName="partNumber",
            ArgumentValue=number,
        )


def _check_type(wanted: str | None, sent: str | None) -> None:
    """Parts have the algorithm that the upload was begun with; an upload without one takes any."""
    if wanted and wanted != sent:
        raise errors.InvalidRequest(
            f"Checksum Type mismatch occurred, expected checksum Type: {wanted.lower()}, actual checksum Type: "
            f"{(sent or 'null').lower()}"
        )


def _keep(call: Call, bucket: Bucket, upload: Upload, number: int, blob: Blob, checksum: dict[str, str]) -> Part:
    """Write the part, unless the upload has come to its end meanwhile."""
    default = checksums.ALGORITHMS[checksums.DEFAULT]
    if default in blob.digests:
        checksum = {**checksum, f"Checksum{checksums.DEFAULT}": checksums.encode(blob.digests[default])}
    part = Part(
        number, versions.second(call), blob.size, blob.digests["md5"].hex(), blob.id, orjson.dumps(checksum)
    )  # fmt: skip
    with content.kept(call, blob):
        if upload_store.upload(call.db, bucket.id, upload.key, upload.upload) is None:
            raise no_such_upload(upload.upload)
        replaced = upload_store.put_part(call.db, upload.upload, part)
        if replaced is not None:
            call.blobs.drop(replaced)
    return part


@s3.operation
async def upload_part_copy(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """A part out of an object, or of a range of it."""
    bucket = buckets.find(call, request)
    upload = find_upload(call, bucket, request)
    _check_number(request["PartNumber"])
    source_bucket, source = source_of(call, request)
    check_source(request, source)
    restores.check_readable(call, source)
    start, length = _span(request.get("CopySourceRange"), source.size)
    if length > quotas.PUT_SIZE.value:
        raise errors.InvalidRequest(
            "The specified copy source is larger than the maximum allowable size for a copy source: "
            f"{int(quotas.PUT_SIZE.value)}"
        )
    wanted = upload.members["Algorithm"] or checksums.DEFAULT
    body = content.stream(call, source_bucket, source, start, length)
    blob = await call.blobs.receive(body, {"md5", checksums.ALGORITHMS[wanted]})
    checksum = {f"Checksum{wanted}": checksums.encode(blob.digests[checksums.ALGORITHMS[wanted]])}
    part = _keep(call, bucket, upload, request["PartNumber"], blob, checksum)
    return {
        "CopySourceVersionId": versions.shown_id(source_bucket, source),
        "CopyPartResult": {
            "ETag": f'"{part.etag}"',
            "LastModified": part.modified,
            **(checksum if upload.members["Algorithm"] else {}),
        },
        "ServerSideEncryption": upload.members["Members"]["ServerSideEncryption"],
    }


def _span(header: str | None, size: int) -> tuple[int, int]:
    if not header:
        return 0, size
    try:
        return ranges.copied_span(header, size)
    except ranges.Unsatisfiable:
        raise errors.InvalidArgument(
            f"Range specified is not valid for source object of size: {size}",
            ArgumentName="x-amz-copy-source-range",
            ArgumentValue=header,
        ) from None
    except ValueError:
        raise errors.InvalidArgument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
            "zero-based offsets of the first and last bytes to copy",
            ArgumentName="x-amz-copy-source-range",
            ArgumentValue=header,
        ) from None


@s3.operation
def list_parts(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """A page of an upload's parts, by number."""
    bucket = buckets.find(call, request)
    upload = find_upload(call, bucket, request)
    draft = upload.members
    asked = request.get("MaxParts")
    if asked is not None and not 0 <= asked <= 2_147_483_647:
        raise errors.InvalidArgument(
            "Argument max-parts must be an integer between 0 and 2147483647", ArgumentName="max-parts"
        )
    if not 0 <= int(request.get("PartNumberMarker") or 0) <= 2_147_483_647:
        raise errors.InvalidArgument(
            "Argument part-number-marker must be an integer between 0 and 2147483647",
            ArgumentName="part-number-marker",
        )
    limit = int(quotas.LISTED.value) if asked is None else min(int(asked), int(quotas.LISTED.value))
    marker = int(request.get("PartNumberMarker") or 0)
    found = upload_store.parts(call.db, upload.upload, marker, limit + 1)
    shown = found[:limit]
    named = f"Checksum{draft['Algorithm']}"
    return {
        "Bucket": bucket.name,
        "Key": upload.key,
        "UploadId": upload.upload,
        "PartNumberMarker": marker,
        "NextPartNumberMarker": shown[-1].number if shown else 0,
        "MaxParts": limit,
        "IsTruncated": len(found) > limit > 0,
        "Parts": [_shown(part, named) for part in shown] or None,
        "Owner": owner(bucket.account),
        "Initiator": {"ID": draft["Initiator"] or owner(bucket.account)["ID"]},
        "StorageClass": draft["StorageClass"],
        "ChecksumAlgorithm": draft["Algorithm"],
        "ChecksumType": draft["Type"],
    }


def _shown(part: Part, checksum: str) -> dict[str, Any]:
    return {
        "PartNumber": part.number,
        "LastModified": part.modified,
        "ETag": f'"{part.etag}"',
        "Size": part.size,
        checksum: part.members.get(checksum),
    }
