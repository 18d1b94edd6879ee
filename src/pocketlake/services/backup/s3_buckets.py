"""S3 buckets: the current version of every object, with its metadata and tags.

A backup takes over what the one before it has of the same version, so it reads only what is new; the bytes themselves
are shared with the bucket's where they lie in a file of their own.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import orjson

from pocketlake.kernel.blobs import Blob, FileSlice
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501, ServiceError
from pocketlake.kernel.resources import Resource, Resources

from . import jobs, quotas, store
from .service import backup, refuse
from .store import Stored

PREFIX = "s3/"
AT_ONCE = int(quotas.S3_OBJECTS.value)
MOST_ITEMS = int(quotas.RESTORE_PATHS.value)
KEPT = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
    "Metadata",
    "StorageClass",
    "WebsiteRedirectLocation",
)
DESTINATION, NEW, ITEMS = "DestinationBucketName", "NewBucket", "ItemsToRestore"
KNOWN = {DESTINATION, NEW, ITEMS, "Encrypted", "EncryptionType", "CreationToken", "aws:backup:request-id"}
ENCRYPTIONS = {"ORIGINAL", "SSE-S3"}  # which are one: every object is encrypted so
HOME_REGION = "us-east-1"
UNREADABLE = {"InvalidObjectState", "NoSuchKey"}  # archived, or gone since it was listed


def kept(call: Call) -> Resources:
    """Backups of buckets that are being made, or are: by content."""
    return call.resources("bucket-backup")


class Buckets:
    """The content of a recovery point is s3/region/number; its objects are rows of `backup_objects`."""

    name = "S3"
    turns_cold = False

    def find(self, call: Call) -> list[tuple[str, dict[str, str]]]:
        found: list[tuple[str, dict[str, str]]] = []
        start: dict[str, str] = {}
        while True:
            page = call.aws.s3.list_buckets(BucketRegion=call.region, **start)
            names = [bucket["Name"] for bucket in page["Buckets"]]
            found += [(f"arn:aws:s3:::{name}", _tags(call, name)) for name in names]
            if not page.get("ContinuationToken"):
                return found
            start = {"ContinuationToken": page["ContinuationToken"]}

    def describe(self, call: Call, arn: str) -> tuple[str, dict[str, str], dict[str, str]]:
        name = _bucket(arn)
        if call.aws.s3.get_bucket_versioning(Bucket=name).get("Status") != "Enabled":
            raise refuse(f"Versioning must be enabled on bucket {name} for AWS Backup to back it up.")
        return name, _tags(call, name), {DESTINATION: name, NEW: "false", "EncryptionType": "original"}

    def new_arn(self, call: Call, name: str) -> str:
        stamp = datetime.fromtimestamp(call.now, UTC).strftime("%Y%m%d%H%M%S")
        return call.arn(f"recovery-point:{name}-{stamp}-{secrets.token_hex(4)}")

    def begin(self, call: Call, job: Resource, asking: Call) -> str:
        content = f"{PREFIX}{call.region}/{secrets.token_hex(16)}"
        kept(call).create(content, {"Arn": job["ResourceArn"], "Previous": _previous(call, job["ResourceArn"])})
        call.alarms.set(copy_bucket, f"{job.name}/{content}/", call.now)
        return content

    def size(self, call: Call, content: str) -> int | None:
        found = kept(_home(call, content)).find(content)
        return store.size(call.db, content) if found is not None and "IsDone" in found.body else None

    def drop(self, call: Call, content: str) -> bool:
        rows = store.objects(call.db, content, "", AT_ONCE)
        for stored in rows:
            call.blobs.drop(stored.blob)
            store.drop_object(call.db, content, stored.key)
        home = kept(_home(call, content))
        if (found := home.find(content)) is not None and not rows:
            home.delete(found)
        return not rows

    def check_restore(self, call: Call, metadata: dict[str, str]) -> None:
        """Source: developer guide, Restore S3 data using AWS Backup"""
        if not metadata.get(DESTINATION):
            raise refuse(f"Invalid restore metadata. {DESTINATION} is required.")
        if "RestoreTime" in metadata:
            raise refuse("Invalid restore metadata. RestoreTime is for continuous backups.")
        encryption = metadata.get("EncryptionType", "original").upper()
        if encryption == "SSE-KMS":
            raise NotImplemented501("backup restore of a bucket with a KMS key")
        if encryption not in ENCRYPTIONS:
            raise refuse("Invalid restore metadata. EncryptionType must be original, SSE-S3 or SSE-KMS.")
        for member in (NEW, "Encrypted"):
            if metadata.get(member, "false").lower() not in ("true", "false"):
                raise refuse(f"Invalid restore metadata. {member} must be true or false.")
        if unknown := set(metadata) - KNOWN:
            raise refuse(f"Invalid restore metadata. Unknown keys: {', '.join(sorted(unknown))}")
        _items(metadata)

    def restore(self, call: Call, job: Resource, content: str, asking: Call) -> str:
        name = job["Metadata"][DESTINATION]
        if job["Metadata"].get(NEW, "false").lower() == "true":
            place = {} if call.region == HOME_REGION else {"LocationConstraint": call.region}
            made = {"CreateBucketConfiguration": place} if place else {}
            asking.aws.s3.create_bucket(Bucket=name, **made)
            asking.aws.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        else:
            asking.aws.s3.head_bucket(Bucket=name)
        call.alarms.set(restore_bucket, f"{job.name}/{content}/", call.now)
        return f"arn:aws:s3:::{name}"

    def is_restored(self, call: Call, job: Resource) -> bool:
        return "IsDone" in job.body

    def tag(self, asking: Call, arn: str, tags: dict[str, str]) -> None:
        listed = [{"Key": name, "Value": value} for name, value in tags.items()]
        asking.aws.s3.put_bucket_tagging(Bucket=_bucket(arn), Tagging={"TagSet": listed})


def _bucket(arn: str) -> str:
    return arn.rpartition(":")[2]


def _home(call: Call, content: str) -> Call:
    return call.as_(region=content.split("/")[1])


def _tags(call: Call, bucket: str) -> dict[str, str]:
    try:
        found = call.aws.s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    except ServiceError as error:
        if error.code != "NoSuchTagSet":
            raise
        return {}
    return {tag["Key"]: tag["Value"] for tag in found}


def _previous(call: Call, arn: str) -> str:
    """The content of the bucket's last whole backup; "" when there is none."""
    done = [one for one in kept(call).list() if one["Arn"] == arn and "IsDone" in one.body]
    return max(done, key=lambda one: one.created).name if done else ""


def _items(metadata: dict[str, str]) -> list[str]:
    """Prefixes that are to be restored; all when there are none."""
    if not metadata.get(ITEMS):
        return []
    try:
        found = orjson.loads(metadata[ITEMS])
    except ValueError:
        found = None
    if not isinstance(found, list) or len(found) > MOST_ITEMS or not all(isinstance(item, str) for item in found):
        raise refuse(f"Invalid restore metadata. {ITEMS} must be a JSON list of up to {MOST_ITEMS} paths.")
    return found


# Backing up


@backup.alarm
async def copy_bucket(call: Call, key: str) -> None:
    """`key`: job/content/key after which it goes on. What is stored already is passed over, should it run again."""
    job, content, after = _parts(call, key, jobs.BACKUP)
    if job is None or job["State"] != jobs.RUNNING:
        _finish(call, content, job)
        return
    asking = jobs.under_role(call, job["IamRoleArn"])
    bucket = _bucket(job["ResourceArn"])
    try:
        page = asking.aws.s3.list_objects_v2(Bucket=bucket, StartAfter=after, MaxKeys=AT_ONCE)
        for entry in page.get("Contents") or []:
            await _keep(call, asking, bucket, entry["Key"], content)
    except ServiceError as error:
        jobs.kept(call, jobs.BACKUP).update(jobs.find(call, jobs.BACKUP, job.name), Failure=jobs.worded(error))
        _finish(call, content, job)
        return
    if page.get("IsTruncated"):
        call.alarms.set(copy_bucket, f"{job.name}/{content}/{page['Contents'][-1]['Key']}", call.now)
    else:
        _finish(call, content, job)


def _parts(call: Call, key: str, kind: str) -> tuple[Resource | None, str, str]:
    name, prefix, region, number, after = key.split("/", 4)
    return jobs.kept(call, kind).find(name), f"{prefix}/{region}/{number}", after


def _finish(call: Call, content: str, job: Resource | None) -> None:
    found = kept(call).find(content)
    if found is not None:
        kept(call).update(found, IsDone=True)
    if job is not None:
        call.alarms.set("finish_backup_job", job.name, call.now)


async def _keep(call: Call, asking: Call, bucket: str, key: str, content: str) -> None:
    try:
        found = asking.aws.s3.get_object(Bucket=bucket, Key=key)
        tags = asking.aws.s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    except ServiceError as error:
        if error.code in UNREADABLE:
            return
        raise
    present = kept(call).find(content)
    assert present is not None
    known = store.find_object(call.db, content, key)
    if known is not None and known.version == found["VersionId"]:
        return
    document = {member: found[member] for member in KEPT if found.get(member) is not None}
    if tags:
        document["Tagging"] = urlencode({tag["Key"]: tag["Value"] for tag in tags})
    before = store.find_object(call.db, present["Previous"], key) if present["Previous"] else None
    if before is not None and before.version == found["VersionId"]:
        blob = call.blobs.find(before.blob)
    else:
        blob = await _taken(call, found["Body"])
    with call.transaction():
        if known is not None:
            call.blobs.drop(known.blob)
        call.blobs.keep(blob)
        row = Stored(key, found["VersionId"], blob.size, blob.id, orjson.dumps(document))
        store.put_object(call.db, content, row)


async def _taken(call: Call, body: bytes | FileSlice | AsyncIterator[bytes]) -> Blob:
    """The bytes as a blob of ours: another name of the same file where they are one."""
    if isinstance(body, FileSlice):
        if body.offset == 0 and os.path.getsize(body.path) == body.length:
            path = call.blobs.temporary()
            os.link(body.path, path)
            return call.blobs.adopt(path)
        return await call.blobs.receive(_pieces(body), ())
    return await call.blobs.receive(body, ())


async def _pieces(piece: FileSlice) -> AsyncIterator[bytes]:
    with open(piece.path, "rb") as file:
        file.seek(piece.offset)
        left = piece.length
        while left:
            data = await asyncio.to_thread(file.read, min(left, 1024 * 1024))
            left -= len(data)
            yield data


# Restoring


@backup.alarm
async def restore_bucket(call: Call, key: str) -> None:
    """`key`: job/content/key after which it goes on."""
    job, content, after = _parts(call, key, jobs.RESTORE)
    if job is None or job["State"] != jobs.RUNNING:
        return
    asking = jobs.under_role(call, job["IamRoleArn"])
    items = tuple(_items(job["Metadata"]))
    rows = store.objects(call.db, content, after, AT_ONCE)
    try:
        for stored in rows:
            if not items or stored.key.startswith(items):
                await _bring_back(call, asking, job["Metadata"][DESTINATION], stored)
    except ServiceError as error:
        jobs.kept(call, jobs.RESTORE).update(jobs.find(call, jobs.RESTORE, job.name), Failure=jobs.worded(error))
        rows = []
    if len(rows) == AT_ONCE:
        call.alarms.set(restore_bucket, f"{job.name}/{content}/{rows[-1].key}", call.now)
        return
    job = jobs.find(call, jobs.RESTORE, job.name)
    jobs.kept(call, jobs.RESTORE).update(job, IsDone=True)
    call.alarms.set("finish_restore_job", job.name, call.now)


async def _bring_back(call: Call, asking: Call, bucket: str, stored: Stored) -> None:
    blob = call.blobs.find(stored.blob)
    body: bytes | Path = blob.data or b""
    if blob.path is not None:
        body = call.blobs.temporary()
        os.link(blob.path, body)
    await asking.aws.s3.put_object(Bucket=bucket, Key=stored.key, Body=body, **orjson.loads(stored.document))
