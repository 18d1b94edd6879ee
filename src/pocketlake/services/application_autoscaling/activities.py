"""Scaling activities: what was changed, why, and what came of it. Kept for six weeks."""

from __future__ import annotations

import uuid
from typing import Any

import orjson

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import listing, namespaces, quotas, store
from .service import autoscaling

KEPT = quotas.ACTIVITY_DAYS.value * 86_400
LAST = 1 << 62


def record(call: Call, target: Resource, description: str, cause: str, status: str, message: str) -> None:
    """`status`: Successful or Failed."""
    body = {
        "ActivityId": str(uuid.uuid4()),
        **namespaces.identity(target.body),
        "Description": description,
        "Cause": cause,
        "StartTime": call.now,
        "EndTime": call.now,
        "StatusCode": status,
        "StatusMessage": message,
    }
    scope = (call.account, call.region, target["ServiceNamespace"])
    store.put_activity(call.db, scope, target["ResourceId"], target["ScalableDimension"], call.now, orjson.dumps(body))
    store.forget_before(call.db, call.now - KEPT)


@autoscaling.operation
def describe_scaling_activities(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The newest first. What was not scaled is not recorded: nothing is added for IncludeNotScaledActivities."""
    resource, dimension = request.get("ResourceId"), request.get("ScalableDimension")
    listing.check_dimension(request)
    most, before = listing.limit(request), listing.after(call, request) or LAST
    scope = (call.account, call.region, request["ServiceNamespace"])
    rows = store.activities(call.db, scope, resource, dimension, before, call.now - KEPT, most + 1)
    answer: dict[str, Any] = {"ScalingActivities": [orjson.loads(body) for _, body in rows[:most]]}
    if len(rows) > most:
        answer["NextToken"] = call.pages.seal([call.operation, rows[most - 1][0]])
    return answer
