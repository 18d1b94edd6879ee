"""ListObjectVersions: all versions and delete markers, by key, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.services.s3 import buckets, keys, store, versions
from pocketlake.services.s3.listing import Page, Row, common_prefixes, encoding_of, limit_of, walk
from pocketlake.services.s3.owners import owner
from pocketlake.services.s3.service import errors, s3
from pocketlake.services.s3.store import Bucket, Version


@s3.operation
def list_object_versions(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """A page of versions.  [S3-035]"""
    bucket = buckets.find(call, request)
    prefix, delimiter = request.get("Prefix") or "", request.get("Delimiter") or ""
    limit, encoding = limit_of(request), encoding_of(request)
    key_marker, version_marker = request.get("KeyMarker") or "", request.get("VersionIdMarker") or ""
    if version_marker and not key_marker:
        raise errors.InvalidArgument(
            "A version-id marker cannot be specified without a key marker.",
            ArgumentName="version-id-marker",
            ArgumentValue=version_marker,
        )
    if version_marker:
        versions.check_id(version_marker, "version-id-marker")
    stop = keys.after_prefix(prefix)
    page = walk(
        lambda start: store.versions(call.db, bucket.id, start, stop, limit + 1),
        prefix,
        delimiter,
        key_marker,
        limit,
        _rest_of_key(call, bucket, key_marker, version_marker, limit) if version_marker else (),
    )
    following = page.rows[-1][1] if page.rows and page.rows[-1][0] == page.last else None
    return {
        "Name": bucket.name,
        "Prefix": keys.encoded(prefix, encoding),
        "Delimiter": keys.encoded(delimiter, encoding) or None,
        "KeyMarker": keys.encoded(key_marker, encoding),
        "VersionIdMarker": version_marker,
        "NextKeyMarker": keys.encoded(page.last, encoding),
        "NextVersionIdMarker": following,
        "MaxKeys": limit,
        "EncodingType": encoding,
        "IsTruncated": page.last is not None,
        "CommonPrefixes": common_prefixes(page, encoding),
        **_entries(page, encoding, owner(bucket.account)),
    }


def _rest_of_key(call: Call, bucket: Bucket, key: str, version_id: str, limit: int) -> Iterator[Row]:
    """The versions of the key that are older than the marker's."""
    current = store.current(call.db, bucket.id, key)
    before = store.sequence(call.db, bucket.id, key, version_id)
    if before is None and current is not None and current.version == version_id:
        before = 2**62
    return store.versions(call.db, bucket.id, key, "", limit + 1, before or 0)


def _entries(page: Page, encoding: str | None, owner: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, list[dict[str, Any]]] = {"Versions": [], "DeleteMarkers": []}
    for *fields, sequence in (row[:13] for row in page.rows):
        version = Version(*fields)
        entry: dict[str, Any] = {
            "Key": keys.encoded(version.key, encoding),
            "VersionId": version.version,
            "IsLatest": sequence is None,
            "LastModified": version.modified,
            "Owner": owner,
        }
        if not version.is_marker:
            algorithm, _, kind = version.checksum.partition(" ")
            entry |= {
                "ETag": f'"{version.etag}"',
                "Size": version.size,
                "StorageClass": version.storage_class,
                "ChecksumAlgorithm": [algorithm],
                "ChecksumType": kind,
            }
        found["DeleteMarkers" if version.is_marker else "Versions"].append(entry)
    return {name: entries or None for name, entries in found.items()}
