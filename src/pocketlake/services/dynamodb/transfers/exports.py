"""Exports to S3: a table as it was at a moment, or what changed in it between two.

Both read the table's journal, so the table needs point-in-time recovery. An export runs in the background, one data
file at a time: the file comes into the bucket and into the export's document in one transaction, so after a restart it
goes on with the next one.
"""

from __future__ import annotations

import secrets
import uuid
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501, ServiceError
from pocketlake.kernel.resources import Resource, Resources

from .. import history, quotas, schemas
from ..backups import backups, continuous_backups
from ..service import Invalid, dynamodb, errors, operation
from ..table_rules import BAD
from . import export_files, listing

IN_PROGRESS, COMPLETED, FAILED = "IN_PROGRESS", "COMPLETED", "FAILED"
FULL, INCREMENTAL = "FULL_EXPORT", "INCREMENTAL_EXPORT"
DYNAMODB_JSON = "DYNAMODB_JSON"
TOKEN_LIFE = quotas.JOB_TOKEN_LIFE.value
ECHOED = ("S3Bucket", "S3BucketOwner", "S3Prefix", "S3SseAlgorithm")
SPECIFICATION = "IncrementalExportSpecification"
DESCRIBED = (
    "ExportArn",
    "ExportStatus",
    "StartTime",
    "EndTime",
    "ExportManifest",
    "TableArn",
    "TableId",
    "ExportTime",
    "ClientToken",
    *ECHOED,
    "FailureCode",
    "FailureMessage",
    "ExportFormat",
    "BilledSizeBytes",
    "ItemCount",
    "ExportType",
    SPECIFICATION,
)


def kept(call: Call) -> Resources:
    """Parent: the table's name. Name: what ends the ARN, which rises with time."""
    return call.resources("export")


@operation
def export_table_to_point_in_time(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """IN_PROGRESS in this answer; the moment is this one unless the request names another.  [DDB-620]"""
    table = backups.source_table(call, request["TableArn"])
    earlier = _earlier(call, table, request)
    if earlier is not None:
        return {"ExportDescription": describe(earlier)}
    _check_built(request)
    recovery = table.get("Recovery")
    if recovery is None:
        raise errors.PointInTimeRecoveryUnavailableException(
            f"Point in time recovery is not enabled for table '{table.name}'"
        )
    _check_room(call)
    kind = request.get("ExportType", FULL)
    moments = (_window if kind == INCREMENTAL else _moment)(call, table, recovery, request)
    identity = f"{int(call.now * 1000):014d}-{secrets.token_hex(4)}"
    folder = export_files.folder(request.get("S3Prefix", ""), identity)
    body = {
        "ExportArn": f"{table.arn}/export/{identity}",
        "ExportStatus": IN_PROGRESS,
        "StartTime": call.now,
        "ExportManifest": f"{folder}manifest-summary.json",
        "TableArn": table.arn,
        "TableId": table["TableId"],
        "ClientToken": request.get("ClientToken") or str(uuid.uuid4()),
        "ExportFormat": request.get("ExportFormat", DYNAMODB_JSON),
        "ExportType": kind,
        "Request": _asked(request),
        "Folder": folder,
        "Keys": [element["AttributeName"] for element in table["KeySchema"]],
        **{member: request[member] for member in ECHOED if request.get(member)},
        **moments,
    }
    body.setdefault("S3SseAlgorithm", "AES256")
    history.follow(call, table, f"export:{identity}")
    history.advance(call, table["Number"], f"export:{identity}", export_files.begins_after(body["Source"]))
    export = kept(call).create(identity, body, parent=table.name, arn=body["ExportArn"])
    call.alarms.set(run_export, _key(export), call.now)
    call.alarms.set(forget_export, _key(export), call.now + quotas.EXPORT_DAYS.value * backups.DAY)
    return {"ExportDescription": describe(export)}


def _earlier(call: Call, table: Resource, request: dict[str, Any]) -> Resource | None:
    """What the same token began; ExportConflictException when it was asked for something else."""
    token = request.get("ClientToken")
    for export in kept(call).list(parent=table.name) if token else ():
        if export["ClientToken"] == token and export.created > call.now - TOKEN_LIFE:
            if export["Request"] != _asked(request):
                raise errors.ExportConflictException(
                    f"There was a conflict when writing to the specified S3 bucket: the ClientToken {token} was used "
                    "with different parameters"
                )
            return export
    return None


def _asked(request: dict[str, Any]) -> dict[str, Any]:
    return {member: value for member, value in request.items() if member != "ClientToken"}


def _check_built(request: dict[str, Any]) -> None:
    if "FilterSpecification" in request:
        raise NotImplemented501("dynamodb ExportTableToPointInTime FilterSpecification")
    if request.get("S3SseAlgorithm") == "KMS" or "S3SseKmsKeyId" in request:
        raise NotImplemented501("dynamodb ExportTableToPointInTime S3SseAlgorithm KMS (KMS keys)")
    specified, kind = SPECIFICATION in request, request.get("ExportType", FULL)
    if specified != (kind == INCREMENTAL):
        raise Invalid(f"{BAD}{SPECIFICATION} must be specified when ExportType is {INCREMENTAL}, and only then")
    if specified and "ExportTime" in request:
        raise Invalid(f"{BAD}ExportTime can't be specified when ExportType is {INCREMENTAL}")


def _check_room(call: Call) -> None:
    running = sum(export["ExportStatus"] == IN_PROGRESS for export in kept(call).list_all())
    if call.limits_on and running >= quotas.EXPORTS.value:
        raise errors.LimitExceededException(
            f"Subscriber limit exceeded: There is a limit of {int(quotas.EXPORTS.value)} concurrent exports"
        )


def _moment(call: Call, table: Resource, recovery: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Of a full export: its time, and the last change that is part of it."""
    since = history.next_sequence(call, table["Number"])
    if "ExportTime" not in request:
        return {"ExportTime": call.now, "Source": {"Owner": table["Number"], "At": since}}
    asked = float(request["ExportTime"])
    earliest = continuous_backups.earliest(call, recovery)
    _check_moment(asked, int(earliest), call.now)
    at = min(history.sequence_at(max(asked, earliest)), since)
    return {"ExportTime": asked, "Source": {"Owner": table["Number"], "At": _reached(call, table, at)}}


def _window(call: Call, table: Resource, recovery: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Of an incremental export: from its first moment up to, not including, its last."""
    asked = request[SPECIFICATION]
    earliest = continuous_backups.earliest(call, recovery)
    start, end = float(asked.get("ExportFromTime", earliest)), float(asked.get("ExportToTime", call.now))
    _check_moment(start, int(earliest), call.now)
    _check_moment(end, int(earliest), call.now)
    shortest, longest = quotas.EXPORT_SHORTEST.value, quotas.EXPORT_LONGEST.value
    if not shortest <= end - start <= longest:
        raise Invalid(
            f"{BAD}The export period must be at least {int(shortest // 60)} minutes and at most "
            f"{int(longest // 3600)} hours long"
        )
    view = asked.get("ExportViewType", "NEW_AND_OLD_IMAGES")
    after, up_to = history.sequence_at(max(start, earliest) - 0.001), history.sequence_at(end - 0.001)
    return {
        SPECIFICATION: {"ExportFromTime": start, "ExportToTime": end, "ExportViewType": view},
        "Source": {"Owner": table["Number"], "After": _reached(call, table, after), "UpTo": up_to},
    }


def _check_moment(asked: float, earliest: int, latest: float) -> None:
    if not earliest <= asked <= latest:
        raise errors.InvalidExportTimeException(
            "The specified ExportTime is outside of the point in time recovery window."
        )


def _reached(call: Call, table: Resource, at: int) -> int:
    """Not before the journal's beginning."""
    since, *_ = history.followers(call, table["Number"])[continuous_backups.FOLLOWER]
    return max(at, since)


def describe(export: Resource) -> dict[str, Any]:
    return {member: export[member] for member in DESCRIBED if member in export.body}


# In the background


def _key(export: Resource) -> str:
    return f"{export.parent}/{export.name}"


def _follower(export: Resource) -> str:
    return f"export:{export.name}"


@dynamodb.alarm
async def run_export(call: Call, key: str) -> None:
    """Write what is still missing: the files, then the manifests."""
    table, _, name = key.partition("/")
    export = kept(call).find(name, parent=table)
    if export is None or export["ExportStatus"] != IN_PROGRESS:
        return
    try:
        await export_files.start(call, export)
        while "Files" not in export.body or "Position" in export.body:
            piece = await call.db.beside(export_files.read, export.body)
            entry = await export_files.put(call, export, piece)
            with call.transaction():
                export = _grown(call, export, piece, entry)
        export = await export_files.finish(call, export)
    except ServiceError as error:
        if error.code == "InternalFailure":
            raise
        with call.transaction():
            code = f"S3{error.code}"
            _end(call, export, FAILED, FailureCode=code, FailureMessage=f"{error.message} (Error Code: {error.code})")
        return
    with call.transaction():
        _end(call, export, COMPLETED)


def _grown(call: Call, export: Resource, piece: export_files.Piece, entry: dict[str, Any]) -> Resource:
    return kept(call).update(
        export,
        Files=[*export.get("Files", []), entry],
        Count=export.get("Count", 0) + len(piece.records),
        Bytes=export.get("Bytes", 0) + piece.size,
        Position=piece.following,
    )


def _end(call: Call, export: Resource, status: str, **members: Any) -> None:
    counted = {"ItemCount": export["Count"], "BilledSizeBytes": export["Bytes"]} if status == COMPLETED else {}
    kept(call).update(export, ExportStatus=status, EndTime=call.now, Source=None, Files=None, **counted, **members)
    history.release(call, export["Source"]["Owner"], _follower(export))


@dynamodb.alarm
def forget_export(call: Call, key: str) -> None:
    """After 90 days; what was exported stays."""
    table, _, name = key.partition("/")
    export = kept(call).find(name, parent=table)
    if export is not None:
        kept(call).delete(export)


# Reading


@operation
def describe_export(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    arn = request["ExportArn"]
    found = kept(call).by_arn(arn)
    if found is None:
        raise errors.ExportNotFoundException(f"Export not found: {arn}")
    return {"ExportDescription": describe(found)}


@operation
def list_exports(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Newest first; their tables may be gone."""
    if "TableArn" in request:
        found = kept(call).list(parent=schemas.name_of(call, request["TableArn"]))
    else:
        found = kept(call).list_all()
    most = request.get("MaxResults", int(quotas.JOBS_PAGE.value))
    shown, following = listing.page(call, found, most, request.get("NextToken"))
    return {"ExportSummaries": [_summary(export) for export in shown], "NextToken": following}


def _summary(export: Resource) -> dict[str, Any]:
    return {member: export[member] for member in ("ExportArn", "ExportStatus", "ExportType")}
