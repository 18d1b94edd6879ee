"""Events: what became of clusters and groups, for fourteen days; clusters with a topic say it there too."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError

from . import identifiers, quotas
from .service import dax, errors, invalid

MINUTE = 60


def record(call: Call, source: str, kind: str, message: str, topic: str = "") -> None:
    """`kind`: CLUSTER, PARAMETER_GROUP or SUBNET_GROUP. `topic`: ARN of an SNS topic, empty for none."""
    call.db.enter()
    scope = (call.account, call.region)
    oldest = call.now - quotas.EVENTS.value
    # The primary key serves these.
    call.db.execute("DELETE FROM dax_events WHERE account = ? AND region = ? AND date < ?", (*scope, oldest))
    call.db.execute(
        "INSERT INTO dax_events SELECT ?, ?, coalesce(max(number), 0) + 1, ?, ?, ?, ?"
        " FROM dax_events WHERE account = ? AND region = ?",
        (*scope, call.now, source, kind, message, *scope),
    )
    if topic:
        try:
            call.aws.sns.publish(TopicArn=topic, Subject="DAX Notification Message", Message=f"{source}: {message}")
        except ServiceError:
            return  # a topic that is gone, or forbids it, does not hold up the cluster


@dax.operation
def describe_events(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    start, end = _interval(call, request)
    if "SourceName" in request and "SourceType" not in request:
        raise errors.InvalidParameterCombinationException("SourceType is required when SourceName is specified.")
    rows = call.db.rows(
        "SELECT date, source, kind, message FROM dax_events"
        " WHERE account = ? AND region = ? AND date >= ? AND date <= ? ORDER BY number DESC",
        (call.account, call.region, start, end),
    )
    wanted = (request.get("SourceName", "").lower(), request.get("SourceType", ""))
    found = [
        {"SourceName": source, "SourceType": kind, "Message": message, "Date": date}
        for date, source, kind, message in rows
        if wanted[0] in ("", source) and wanted[1] in ("", kind)
    ]
    shown, token = identifiers.page(call, request, "events", found)
    return identifiers.paged("Events", shown, token)


def _interval(call: Call, request: dict[str, Any]) -> tuple[float, float]:
    """By default the last 24 hours; of a start or an end alone, Duration says how far the other is."""
    duration = request.get("Duration")
    if duration is not None and duration < 0:
        raise invalid("Duration must not be negative.")
    length = quotas.RECENT.value if duration is None else duration * MINUTE
    start, end = _seconds(request.get("StartTime")), _seconds(request.get("EndTime"))
    if start is not None and end is not None:
        if duration is not None:
            raise errors.InvalidParameterCombinationException("Duration goes with StartTime or EndTime, not with both.")
        if start > end:
            raise invalid("StartTime must be before EndTime.")
        return start, end
    if start is not None:
        return start, start + length if duration is not None else call.now
    end = call.now if end is None else end
    return end - length, end


def _seconds(moment: Any) -> float | None:
    if moment is None or isinstance(moment, (int, float)):
        return moment
    return float(moment.timestamp())
