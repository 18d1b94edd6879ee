"""Imports from S3: a new table, filled from objects under a prefix.

The table is CREATING while it is filled. Objects are read one after the other, as streams; a batch of items and the
import's progress come in one transaction, so after a restart it goes on behind the last batch.
"""

from __future__ import annotations

import logging
import secrets
import tempfile
import uuid
from typing import Any, BinaryIO

from pocketlake.kernel.arn import PARTITION
from pocketlake.kernel.blobs import FileSlice
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.resources import Resource, Resources

from .. import changes, quotas, schemas, tables
from ..backups import backups
from ..backups.restores import NEVER
from ..changes import Image
from ..service import dynamodb, errors, operation
from . import listing
from .import_files import Batch, Reader

log = logging.getLogger("pocketlake.dynamodb.imports")

IN_PROGRESS, COMPLETED, FAILED = "IN_PROGRESS", "COMPLETED", "FAILED"
AT_ONCE = int(quotas.IMPORT_BATCH_ITEMS.value)
TOKEN_LIFE = quotas.JOB_TOKEN_LIFE.value
TOKEN_BYTES = 56
LOGGED = 100  # errors of one import that go to the log
INVALID_ITEMS = "Some of the items failed validation checks. Please check CloudWatch error logs for more details."
ASKED = ("S3BucketSource", "InputFormat", "InputFormatOptions", "InputCompressionType", "TableCreationParameters")
COUNTS = ("ErrorCount", "ProcessedItemCount", "ImportedItemCount", "ProcessedSizeBytes")
DESCRIBED = (
    "ImportArn",
    "ImportStatus",
    "TableArn",
    "TableId",
    "ClientToken",
    "CloudWatchLogGroupArn",
    *ASKED,
    *COUNTS,
    "StartTime",
    "EndTime",
    "FailureCode",
    "FailureMessage",
)
SUMMARY = (
    "ImportArn",
    "ImportStatus",
    "TableArn",
    "S3BucketSource",
    "CloudWatchLogGroupArn",
    "InputFormat",
    "StartTime",
    "EndTime",
)


def kept(call: Call) -> Resources:
    """Parent: the table's name. Name: what ends the ARN, which rises with time."""
    return call.resources("import")


@operation
def import_table(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """IN_PROGRESS in this answer; the table is there at once, and CREATING until its items are in it.  [DDB-630]"""
    earlier = _earlier(call, request)
    if earlier is not None:
        return {"ImportTableDescription": describe(earlier)}
    running = sum(one["ImportStatus"] == IN_PROGRESS for one in kept(call).list_all())
    if call.limits_on and running >= quotas.IMPORTS.value:
        raise errors.LimitExceededException(
            f"Subscriber limit exceeded: There is a limit of {int(quotas.IMPORTS.value)} concurrent imports"
        )
    name = request["TableCreationParameters"]["TableName"]
    tables.create_table(call, request["TableCreationParameters"])
    table = schemas.save(call, tables.existing(call, name), ReadyAt=NEVER)
    identity = f"{int(call.now * 1000):014d}-{secrets.token_hex(4)}"
    body = {
        "ImportArn": f"{table.arn}/import/{identity}",
        "ImportStatus": IN_PROGRESS,
        "TableArn": table.arn,
        "TableId": table["TableId"],
        "ClientToken": request.get("ClientToken") or str(uuid.uuid4()),
        "CloudWatchLogGroupArn": (
            f"arn:{PARTITION}:logs:{call.region}:{call.account}:log-group:/aws-dynamodb/imports:*"
        ),
        "InputCompressionType": "NONE",
        **{member: request[member] for member in ASKED if member in request},
        **dict.fromkeys(COUNTS, 0),
        "StartTime": call.now,
        "Done": {"Object": "", "Records": 0},
    }
    started = kept(call).create(identity, body, parent=name, arn=body["ImportArn"])
    call.alarms.set(run_import, f"{name}/{identity}", call.now)
    call.alarms.set(forget_import, f"{name}/{identity}", call.now + quotas.EXPORT_DAYS.value * backups.DAY)
    return {"ImportTableDescription": describe(started)}


def _earlier(call: Call, request: dict[str, Any]) -> Resource | None:
    """What the same token began; ImportConflictException when it was asked for something else."""
    token = request.get("ClientToken")
    for one in kept(call).list_all() if token else ():
        if one["ClientToken"] == token and one.created > call.now - TOKEN_LIFE:
            defaults = {"InputCompressionType": "NONE"}
            asked = {**defaults, **{member: request[member] for member in ASKED if member in request}}
            if asked != {member: one[member] for member in ASKED if member in one.body}:
                raise errors.ImportConflictException(
                    f"There was a conflict when importing from the specified S3 source: the ClientToken {token} was "
                    "used with different parameters"
                )
            return one
    return None


def describe(one: Resource) -> dict[str, Any]:
    return {member: one[member] for member in DESCRIBED if member in one.body}


# In the background


@dynamodb.alarm
async def run_import(call: Call, key: str) -> None:
    """Import what is still missing, object by object."""
    name, _, identity = key.partition("/")
    found = kept(call).find(identity, parent=name)
    if found is None or found["ImportStatus"] != IN_PROGRESS:
        return
    try:
        while (following := _next_object(call, found)) is not None:
            found = await _import_object(call, found, following)
    except ServiceError as error:
        if error.code == "InternalFailure":
            raise
        with call.transaction():
            _fail(call, found, error)
        return
    with call.transaction():
        _complete(call, found)


def _next_object(call: Call, one: Resource) -> str | None:
    """The object under way, or the one behind the last; S3's refusals are raised."""
    done, source = one["Done"], one["S3BucketSource"]
    if done["Records"]:
        return str(done["Object"])
    more = {"StartAfter": done["Object"]} if done["Object"] else {}
    answer = call.aws.s3.list_objects_v2(**_bucket(source), Prefix=source.get("S3KeyPrefix", ""), MaxKeys=1, **more)
    for found in answer.get("Contents") or []:
        return str(found["Key"])
    return None


def _bucket(source: dict[str, Any]) -> dict[str, Any]:
    owner = {"ExpectedBucketOwner": source["S3BucketOwner"]} if source.get("S3BucketOwner") else {}
    return {"Bucket": source["S3Bucket"], **owner}


async def _import_object(call: Call, one: Resource, key: str) -> Resource:
    table = schemas.compiled(tables.existing(call, one.parent))
    body = call.aws.s3.get_object(**_bucket(one["S3BucketSource"]), Key=key)["Body"]
    if not isinstance(body, bytes | FileSlice):
        body = await _spooled(call, body)
    reader = await call.offload(Reader, table, one.body, body)
    await call.offload(reader.skip, one["Done"]["Records"])
    while True:
        batch = await call.offload(reader.batch, AT_ONCE)
        with call.transaction():
            one = _import_batch(call, one, key, batch)
        if batch.is_last:
            return one


async def _spooled(call: Call, pieces: Any) -> BinaryIO:
    """An object that lies in several pieces, as one file."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it has been read
    async for piece in pieces:
        await call.offload(file.write, piece)
    file.seek(0)
    spooled: Any = file
    return spooled


def _import_batch(call: Call, one: Resource, key: str, batch: Batch) -> Resource:
    """Write the items, and how far the import has come."""
    table = schemas.compiled(tables.existing(call, one.parent))
    latest = {(hash, sort): Image(item, size, body) for (hash, sort, size, body), item in batch.rows}
    olds = {place: changes.read(call, table, *place) for place in latest} if table.indexes else {}
    for place, new in latest.items():
        old = olds.get(place)
        entries, _ = changes.plan(table, *place, old, new)
        changes.write(call, table, *place, entries, old, new)
    for mistake in batch.errors[: max(0, LOGGED - one["ErrorCount"])]:
        log.warning("%s: s3://%s/%s: %s", one["ImportArn"], one["S3BucketSource"]["S3Bucket"], key, mistake)
    records = 0 if batch.is_last else one["Done"]["Records"] + batch.records
    return kept(call).update(
        one,
        Done={"Object": key, "Records": records},
        ErrorCount=one["ErrorCount"] + len(batch.errors),
        ProcessedItemCount=one["ProcessedItemCount"] + batch.records,
        ImportedItemCount=one["ImportedItemCount"] + len(batch.rows),
        ProcessedSizeBytes=one["ProcessedSizeBytes"] + batch.size,
    )


def _complete(call: Call, one: Resource) -> None:
    """The table can be used. With items that could not be imported the import has failed, and the others are there."""
    schemas.save(call, tables.existing(call, one.parent), ReadyAt=call.now)
    ended: dict[str, Any] = {"ImportStatus": COMPLETED}
    if one["ErrorCount"]:
        ended = {"ImportStatus": FAILED, "FailureCode": "ItemValidationError", "FailureMessage": INVALID_ITEMS}
    kept(call).update(one, EndTime=call.now, **ended)


def _fail(call: Call, one: Resource, error: ServiceError) -> None:
    """The source cannot be read: there is no table then."""
    message = f"{error.message} (Error Code: {error.code})"
    kept(call).update(one, ImportStatus=FAILED, EndTime=call.now, FailureCode=f"S3{error.code}", FailureMessage=message)
    schemas.save(call, tables.existing(call, one.parent), ReadyAt=call.now, DeletionProtectionEnabled=False)
    tables.delete_table(call, {"TableName": one.parent})


@dynamodb.alarm
def forget_import(call: Call, key: str) -> None:
    """After 90 days."""
    name, _, identity = key.partition("/")
    found = kept(call).find(identity, parent=name)
    if found is not None:
        kept(call).delete(found)


# Reading


@operation
def describe_import(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    arn = request["ImportArn"]
    found = kept(call).by_arn(arn)
    if found is None:
        raise errors.ImportNotFoundException(f"Import not found: {arn}")
    return {"ImportTableDescription": describe(found)}


@operation
def list_imports(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Newest first; their tables may be gone."""
    found = kept(call).list_all()
    if "TableArn" in request:
        found = [one for one in found if one["TableArn"] == request["TableArn"]]
    token = _plain(request["NextToken"]) if "NextToken" in request else None
    shown, following = listing.page(call, found, request.get("PageSize", int(quotas.JOBS_PAGE.value)), token)
    answer: dict[str, Any] = {
        "ImportSummaryList": [{member: one[member] for member in SUMMARY if member in one.body} for one in shown]
    }
    if following is not None:
        answer["NextToken"] = _hexadecimal(following)
    return answer


def _hexadecimal(token: str) -> str:
    """As the model of ListImports wants it: groups of 16 digits, seven at least."""
    length = max(TOKEN_BYTES, -(-len(token) // 8) * 8)
    return token.ljust(length, "=").encode().hex()


def _plain(token: str) -> str:
    return bytes.fromhex(token).decode("ascii", "replace").rstrip("=")
