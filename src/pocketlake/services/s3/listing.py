"""Listings of a bucket's objects: both versions of ListObjects, and the walk that other listings share.

It goes along an index in the order of the keys' UTF-8 bytes. With a delimiter it jumps over each common prefix: what
lies below it is never read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.pages import InvalidToken
from pocketlake.services.s3 import attributes, buckets, keys, quotas, restores, store
from pocketlake.services.s3.owners import owner
from pocketlake.services.s3.service import errors, s3

Row = tuple[Any, ...]  # the key comes first
Open = Callable[[str], Iterator[Row]]  # the rows from this key on, in order


@dataclass(slots=True)
class Page:
    """`last` is the last key or common prefix of the page, None when nothing follows it."""

    rows: list[Row] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    last: str | None = None


def walk(rows_from: Open, prefix: str, delimiter: str, after: str, limit: int, carried: Iterable[Row] = ()) -> Page:
    """Up to `limit` rows and common prefixes of the keys that begin with `prefix` and come after `after`.

    `after` may be a common prefix of the page before: then all keys below it are passed over. `carried` are further
    rows of the key `after` itself, which the page before had no room for.
    """
    page = Page()
    if limit == 0:
        return page
    start = max(prefix, keys.after(after)) if after else prefix
    if delimiter and after.endswith(delimiter) and after.startswith(prefix) and len(after) > len(prefix):
        start = _start(keys.after_prefix(after), start)
    rows = chain(carried, rows_from(start)) if carried else rows_from(start)
    if not delimiter:
        page.rows = list(islice(rows, limit + 1))
        if len(page.rows) > limit:
            page.rows.pop()
            page.last = page.rows[-1][0]
        return page
    _walk_folders(page, rows, rows_from, prefix, delimiter, limit)
    return page


def _walk_folders(page: Page, rows: Iterator[Row], rows_from: Open, prefix: str, delimiter: str, limit: int) -> None:
    """Fill the page, seeking past each common prefix as it is found."""
    last, found = "", 0
    while (row := next(rows, None)) is not None:
        if found == limit:
            page.last = last
            return
        found += 1
        key = row[0]
        cut = key.find(delimiter, len(prefix))
        if cut < 0:
            page.rows.append(row)
            last = key
            continue
        last = key[: cut + len(delimiter)]
        page.prefixes.append(last)
        following = keys.after_prefix(last)
        if isinstance(following, bytes):
            return
        rows = rows_from(following)


def _start(beyond: str | bytes, start: str) -> str:
    return max(beyond, start) if isinstance(beyond, str) else keys.LAST_CHARACTER * 2000


def limit_of(request: dict[str, Any], member: str = "MaxKeys", argument: str = "max-keys") -> int:
    """How many entries a page may have: what is asked for, up to 1,000."""
    asked = request.get(member)
    if asked is None:
        return int(quotas.LISTED.value)
    if not 0 <= asked <= 2_147_483_647:
        raise errors.InvalidArgument(
            f"Argument {argument} must be an integer between 0 and 2147483647",
            ArgumentName=argument,
            ArgumentValue=asked,
        )
    return min(int(asked), int(quotas.LISTED.value))


def encoding_of(request: dict[str, Any]) -> str | None:
    encoding = request.get("EncodingType") or None
    if encoding not in (None, "url"):
        raise errors.InvalidArgument(
            "Invalid Encoding Method specified in Request", ArgumentName="encoding-type", ArgumentValue=encoding
        )
    return encoding


def _objects(call: Call, bucket: int, prefix: str, delimiter: str, after: str, limit: int) -> Page:
    stop = keys.after_prefix(prefix)
    return walk(lambda start: store.keys(call.db, bucket, start, stop, limit + 1), prefix, delimiter, after, limit)


def _contents(page: Page, encoding: str | None, owner: dict[str, Any] | None) -> list[dict[str, Any]]:
    contents = []
    for key, modified, size, etag, storage_class, checksum in page.rows:
        algorithm, _, kind = checksum.partition(" ")
        entry = {
            "Key": keys.encoded(key, encoding),
            "LastModified": modified,
            "ETag": f'"{etag}"',
            "ChecksumAlgorithm": [algorithm],
            "ChecksumType": kind,
            "Size": size,
            "StorageClass": storage_class,
        }
        if owner is not None:
            entry["Owner"] = owner
        contents.append(entry)
    return contents


def _tell_restores(
    call: Call, bucket: int, request: dict[str, Any], page: Page, contents: list[dict[str, Any]]
) -> None:
    """Where x-amz-optional-object-attributes asks for it, say which archived objects are restored."""
    if not request.get("OptionalObjectAttributes"):
        return
    archived = (row[0] for row in page.rows if row[4] in attributes.ARCHIVED)
    statuses = restores.statuses(call, bucket, archived)
    for row, entry in zip(page.rows, contents, strict=True):
        if row[0] in statuses:
            entry["RestoreStatus"] = statuses[row[0]]


def common_prefixes(page: Page, encoding: str | None) -> list[dict[str, Any]] | None:
    return [{"Prefix": keys.encoded(prefix, encoding)} for prefix in page.prefixes] or None


@s3.operation
def list_objects_v2(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """A page of the bucket's keys.  [S3-027, S3-524]"""
    bucket = buckets.find(call, request)
    prefix, delimiter = request.get("Prefix") or "", request.get("Delimiter") or ""
    limit, encoding = limit_of(request), encoding_of(request)
    token = request.get("ContinuationToken")
    after = _after(call, bucket.id, token) if token is not None else request.get("StartAfter") or ""
    page = _objects(call, bucket.id, prefix, delimiter, after, limit)
    more = page.last is not None
    contents = _contents(page, encoding, owner(bucket.account) if request.get("FetchOwner") else None)
    _tell_restores(call, bucket.id, request, page, contents)
    return {
        "Name": bucket.name,
        "Prefix": keys.encoded(prefix, encoding),
        "Delimiter": keys.encoded(delimiter, encoding) or None,
        "StartAfter": keys.encoded(request.get("StartAfter"), encoding) or None if token is None else None,
        "MaxKeys": limit,
        "KeyCount": len(page.rows) + len(page.prefixes),
        "EncodingType": encoding,
        "IsTruncated": more,
        "ContinuationToken": token,
        "NextContinuationToken": call.pages.seal({"keys_of": bucket.id, "after": page.last}) if more else None,
        "Contents": contents or None,
        "CommonPrefixes": common_prefixes(page, encoding),
    }


def _after(call: Call, bucket: int, token: str) -> str:
    try:
        sealed = call.pages.open(token)
        if sealed["keys_of"] == bucket:
            return str(sealed["after"])
    except (InvalidToken, KeyError, TypeError):
        pass
    raise errors.InvalidArgument(
        "The continuation token provided is incorrect", ArgumentName="continuation-token", ArgumentValue=token
    )


@s3.operation
def list_objects(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The first version of the listing: pages by marker, and always with owners."""
    bucket = buckets.find(call, request)
    prefix, delimiter = request.get("Prefix") or "", request.get("Delimiter") or ""
    limit, encoding = limit_of(request), encoding_of(request)
    page = _objects(call, bucket.id, prefix, delimiter, request.get("Marker") or "", limit)
    contents = _contents(page, encoding, owner(bucket.account))
    _tell_restores(call, bucket.id, request, page, contents)
    return {
        "Name": bucket.name,
        "Prefix": keys.encoded(prefix, encoding),
        "Delimiter": keys.encoded(delimiter, encoding) or None,
        "Marker": keys.encoded(request.get("Marker") or "", encoding),
        "NextMarker": keys.encoded(page.last, encoding) if delimiter else None,
        "MaxKeys": limit,
        "EncodingType": encoding,
        "IsTruncated": page.last is not None,
        "Contents": contents or None,
        "CommonPrefixes": common_prefixes(page, encoding),
    }
