"""CompleteMultipartUpload: parts become an object.

A small object's parts are joined into one blob, in a thread, so that whoever reads it has one file. A large one keeps
its parts' blobs for the moment, so that completing it copies nothing; they are joined after the answer.
"""

from __future__ import annotations

import hashlib
import secrets
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import orjson

from pocketlake.kernel.blobs import Blob
from pocketlake.kernel.call import Call
from pocketlake.services.s3 import buckets, checksums, conditions, content, quotas, store, upload_store, versions
from pocketlake.services.s3.service import errors, s3
from pocketlake.services.s3.store import Bucket, Segment, Version
from pocketlake.services.s3.upload_store import Part, Upload
from pocketlake.services.s3.uploads import find_upload, no_such_upload

JOINED_BYTES = 64 * 1024 * 1024


@s3.operation
async def complete_multipart_upload(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make the object of the parts named. Asked again after it succeeded, it tells the same again."""
    bucket = buckets.find(call, request)
    if (answer := _completed_before(call, bucket, request)) is not None:
        return answer
    upload = find_upload(call, bucket, request)
    draft = upload.members
    parts = chosen(upload_store.parts(call.db, upload.upload), request, draft)
    size = sum(part.size for part in parts)
    _check_size(request, size)
    checksum = object_checksum(parts, draft, request)
    conditions.check_write(request, upload.key, store.current(call.db, bucket.id, upload.key))
    joined = await _join(call, upload, parts) if size < JOINED_BYTES and len(parts) > 1 else None
    with content.kept(call, joined) if joined is not None else call.transaction():
        _check_unchanged(call, bucket, upload, parts)
        conditions.check_write(request, upload.key, store.current(call.db, bucket.id, upload.key))
        version = _write(call, bucket, upload, parts, joined, checksum)
    return _answer(call, bucket, version)


def chosen(stored: list[Part], request: dict[str, Any], draft: dict[str, Any]) -> list[Part]:
    """The parts that the request names, each as it was uploaded, in order, big enough."""
    named = (request.get("MultipartUpload") or {}).get("Parts") or []
    if not named:
        raise errors.MalformedXML(
            "The XML you provided was not well-formed or did not validate against our published schema"
        )
    numbers = [each.get("PartNumber") or 0 for each in named]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise errors.InvalidPartOrder(
            "The list of parts was not in ascending order. The parts list must be specified in order by part number.",
            UploadId=request["UploadId"],
        )
    by_number = {part.number: part for part in stored}
    parts = [_match(by_number.get(each.get("PartNumber") or 0), each, request, draft) for each in named]
    for part in parts[:-1]:
        if part.size < quotas.PART_SIZE.value:
            raise errors.EntityTooSmall(
                "Your proposed upload is smaller than the minimum allowed size",
                ProposedSize=part.size,
                MinSizeAllowed=int(quotas.PART_SIZE.value),
                PartNumber=part.number,
                ETag=part.etag,
            )
    return parts


def _match(part: Part | None, named: dict[str, Any], request: dict[str, Any], draft: dict[str, Any]) -> Part:
    etag = (named.get("ETag") or "").strip('"')
    member = f"Checksum{draft['Algorithm']}"
    stated = {name: named[name] for name in checksums.MEMBERS if named.get(name)}
    if part is not None and part.etag == etag:
        held = part.members
        if draft["Type"] == checksums.COMPOSITE and member not in stated:
            raise errors.InvalidRequest(
                f"The upload was created using a {draft['Algorithm'].lower()} checksum. The complete request must "
                f"include the checksum for each part. It was missing for part {part.number} in the request."
            )
        if all(held.get(name) == value for name, value in stated.items()):
            return part
    raise errors.InvalidPart(
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified "
        "entity tag may not match the part's entity tag.",
        UploadId=request["UploadId"],
        PartNumber=named.get("PartNumber"),
        ETag=etag,
    )


def _check_size(request: dict[str, Any], size: int) -> None:
    stated = request.get("MpuObjectSize")
    if stated is not None and int(stated) != size:
        raise errors.InvalidRequest(
            f"The provided 'x-amz-mp-object-size' header value {stated} does not match what was computed: {size}"
        )
    if size > quotas.OBJECT_SIZE.value:
        raise errors.EntityTooLarge("Your proposed upload exceeds the maximum allowed size", ProposedSize=size)


def object_checksum(parts: list[Part], draft: dict[str, Any], request: dict[str, Any]) -> dict[str, str]:
    """The object's checksum members, of the type the upload was begun with; verified if the request states one."""
    algorithm = draft["Algorithm"] or checksums.DEFAULT
    kind = draft["Type"] or checksums.FULL_OBJECT
    member = f"Checksum{algorithm}"
    if request.get("ChecksumType") not in (None, kind):
        raise errors.InvalidRequest(
            f"The upload was created using the {kind} checksum mode. The complete request must use the same checksum "
            "mode."
        )
    values = [part.members[member] for part in parts]
    if kind == checksums.COMPOSITE:
        value = checksums.composite(algorithm, values)
    else:
        value = checksums.full_object(algorithm, list(zip(values, (part.size for part in parts), strict=True)))
    stated = request.get(member)
    if stated is not None and stated.partition("-")[0] != value.partition("-")[0]:
        raise checksums.mismatch(algorithm)
    return {member: value, "ChecksumType": kind}


def multipart_etag(parts: list[Part]) -> str:
    """The MD5 of the parts' MD5s, and their number."""
    whole = b"".join(bytes.fromhex(part.etag) for part in parts)
    return f"{hashlib.md5(whole, usedforsecurity=False).hexdigest()}-{len(parts)}"


async def _join(call: Call, upload: Upload, parts: list[Part]) -> Blob:
    path = call.blobs.temporary()
    try:
        slices = [call.blobs.find(part.blob).slice() for part in parts]
        await call.offload(content.join, path, slices)
        return await call.blobs.receive(path, ())
    except (FileNotFoundError, KeyError):  # aborted or completed meanwhile
        path.unlink(missing_ok=True)
        raise no_such_upload(upload.upload) from None


def _check_unchanged(call: Call, bucket: Bucket, upload: Upload, parts: list[Part]) -> None:
    """While the parts were joined, the upload may have ended or a part may have been replaced."""
    now = buckets.lookup(call, bucket.name)
    if now is None or now.id != bucket.id or upload_store.upload(call.db, bucket.id, upload.key, upload.upload) is None:
        raise no_such_upload(upload.upload)
    held = {part.blob for part in upload_store.parts(call.db, upload.upload)}
    if any(part.blob not in held for part in parts):
        raise errors.InvalidPart(
            "One or more of the specified parts could not be found.  The part may not have been uploaded, or the "
            "specified entity tag may not match the part's entity tag.",
            UploadId=upload.upload,
        )


def _write(
    call: Call, bucket: Bucket, upload: Upload, parts: list[Part], joined: Blob | None, checksum: dict[str, str]
) -> Version:
    """Turn the upload into the key's current version; the parts' references become the object's."""
    bucket = buckets.lookup(call, bucket.name) or bucket
    draft = upload.members
    segments = _segments(parts, draft["Algorithm"], is_one_blob=joined is not None or len(parts) == 1)
    blob = joined.id if joined is not None else parts[0].blob if len(parts) == 1 else None
    used = set() if joined is not None else {part.blob for part in parts}
    for part_blob in upload_store.remove_upload(call.db, bucket.id, upload.key, upload.upload):
        if part_blob not in used:
            call.blobs.drop(part_blob)
    assembly = secrets.token_hex(16)
    store.add_segments(call.db, assembly, segments)
    algorithm = checksums.algorithm_of(checksum)
    head = {**draft["Members"], "Checksums": checksum, "UploadId": upload.upload}
    version = Version(
        upload.key, versions.new_id(bucket), 0, versions.second(call), sum(part.size for part in parts),
        multipart_etag(parts), blob, assembly, draft["StorageClass"], f"{algorithm} {checksum['ChecksumType']}",
        orjson.dumps(head), draft["Tags"].encode() if draft["Tags"] else None,
    )  # fmt: skip
    versions.add(call, bucket, version)
    if blob is None:
        call.alarms.set(join_parts, orjson.dumps([bucket.id, version.key, version.version]).decode(), call.now)
    call.notify(f"s3.object:{bucket.name}")
    return version


@s3.alarm
async def join_parts(call: Call, key: str) -> None:
    """Make one file of a large object's parts, after its completion was answered: engines and sendfile want one.

    Run again after a crash it begins anew; where the object has gone meanwhile there is nothing to do.
    """
    bucket, name, version_id = orjson.loads(key)
    version = store.find_version(call.db, bucket, name, version_id)
    if version is None or version.assembly is None or version.blob is not None:
        return
    path = call.blobs.temporary()
    try:
        await call.offload(content.join, path, content.locate(call, version))
    except FileNotFoundError:
        path.unlink(missing_ok=True)
        return
    joined = await call.blobs.receive(path, ())
    now = store.find_version(call.db, bucket, name, version_id)
    if now is None or now.assembly != version.assembly:
        content.forget(joined)
        return
    with content.kept(call, joined):
        for freed in store.set_blob(call.db, bucket, version, joined.id):
            call.blobs.drop(freed)


def _segments(parts: list[Part], algorithm: str | None, is_one_blob: bool) -> list[Segment]:
    """A part's checksum stays known where the upload was begun with an algorithm."""
    segments, start = [], 0
    member = f"Checksum{algorithm}"
    for part in parts:
        kept = {member: part.members[member]} if algorithm else {}
        blob = None if is_one_blob else part.blob
        segments.append(Segment(part.number, start, part.size, blob, orjson.dumps(kept)))
        start += part.size
    return segments


def _completed_before(call: Call, bucket: Bucket, request: dict[str, Any]) -> dict[str, Any] | None:
    """The answer to an upload whose object is the key's current one: its sender may not have heard the first."""
    if upload_store.upload(call.db, bucket.id, request["Key"], request["UploadId"]) is not None:
        return None
    current = store.current(call.db, bucket.id, request["Key"])
    if current is None or not current.is_multipart or current.members.get("UploadId") != request["UploadId"]:
        return None
    return _answer(call, bucket, current)


def _answer(call: Call, bucket: Bucket, version: Version) -> dict[str, Any]:
    members = version.members
    return {
        "Location": f"{call.endpoint}/{bucket.name}/{quote(version.key)}",
        "Bucket": bucket.name,
        "Key": version.key,
        "ETag": f'"{version.etag}"',
        **members["Checksums"],
        "ServerSideEncryption": members["ServerSideEncryption"],
        "VersionId": versions.shown_id(bucket, version),
    }
