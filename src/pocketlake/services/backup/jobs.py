"""What backup, restore and copy jobs have in common: their documents, lists, and how long they are remembered."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501, ServiceError
from pocketlake.kernel.resources import Resource, Resources

from . import quotas
from .lifecycles import DAY
from .service import backup, missing, page, refuse

BACKUP, RESTORE, COPY = "backup-job", "restore-job", "copy-job"
CREATED, PENDING, RUNNING, COMPLETED, FAILED = "CREATED", "PENDING", "RUNNING", "COMPLETED", "FAILED"
ABORTING, ABORTED, EXPIRED = "ABORTING", "ABORTED", "EXPIRED"
OVER = {COMPLETED, FAILED, ABORTED, EXPIRED}


def kept(call: Call, kind: str) -> Resources:
    return call.resources(kind)


def create(call: Call, kind: str, body: dict[str, Any]) -> Resource:
    """A job with an ID of its own; forgotten some time later."""
    job = kept(call, kind).create(str(uuid.uuid4()).upper(), body)
    call.alarms.set(forget_job, f"{kind}/{job.name}", call.now + quotas.JOB_MEMORY.value * DAY)
    return job


@backup.alarm
def forget_job(call: Call, key: str) -> None:
    kind, name = key.split("/")
    job = kept(call, kind).find(name)
    if job is not None and job["State"] in OVER:
        kept(call, kind).delete(job)
    elif job is not None:
        call.alarms.set(forget_job, key, call.now + DAY)


def find(call: Call, kind: str, name: str) -> Resource:
    found = kept(call, kind).find(name)
    if found is None:
        raise missing(f"Cannot find {kind.replace('-', ' ')} with ID {name}")
    return found


def of_token(call: Call, kind: str, token: str | None) -> Resource | None:
    """The job that a request with this IdempotencyToken began."""
    if token is None:
        return None
    return next((job for job in kept(call, kind).list() if job.get("Token") == token), None)


def end(call: Call, kind: str, job: Resource, state: str, message: str = "", **more: Any) -> Resource:
    told = {"StatusMessage": message} if message else {}
    return kept(call, kind).update(job, State=state, CompletionDate=call.now, **told, **more)


def listed(
    call: Call,
    kind: str,
    request: dict[str, Any],
    filters: dict[str, str],
    describe: Callable[[Call, Resource], dict[str, Any]],
) -> tuple[list[dict[str, Any]], str | None]:
    """The newest first. `filters`: members of the request, and of the job's document, that must be equal."""
    if "ByMessageCategory" in request:
        raise NotImplemented501("backup ByMessageCategory")
    low, high = request.get("ByCreatedAfter", 0.0), request.get("ByCreatedBefore", float("inf"))
    ended_low, ended_high = request.get("ByCompleteAfter", 0.0), request.get("ByCompleteBefore", float("inf"))
    is_ended = "ByCompleteAfter" in request or "ByCompleteBefore" in request
    found = []
    for job in kept(call, kind).list():
        if any(member in request and job.get(of) != request[member] for member, of in filters.items()):
            continue
        if not low <= job.created <= high:
            continue
        if is_ended and not ended_low <= job.get("CompletionDate", -1.0) <= ended_high:
            continue
        found.append(job)
    found.sort(key=lambda job: (job.created, job.name), reverse=True)
    if request.get("ByAccountId", call.account) not in (call.account, "*"):
        found = []
    shown, following = page(call, request, found, int(quotas.PAGE.value))
    return [describe(call, job) for job in shown], following


def under_role(call: Call, role_arn: str) -> Call:
    """What a job asks of other services, under the role that it was given."""
    return call.as_(role_arn=role_arn)


def check_role(role_arn: str) -> None:
    parts = role_arn.split(":")
    if len(parts) != 6 or parts[2] != "iam" or not parts[5].startswith("role/"):
        raise refuse(f"Invalid IAM role ARN: {role_arn}")


def worded(error: ServiceError) -> str:
    return f"{error.code}: {error.message}"
