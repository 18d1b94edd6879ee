"""Tags of scalable targets."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import quotas
from .service import autoscaling, errors


def check(new: dict[str, str], present: dict[str, str]) -> None:
    if any(key.startswith("aws:") for key in new):
        raise errors.ValidationException("Tag keys must not begin with aws:")
    if len({**present, **new}) > quotas.TAGS.value:
        raise errors.TooManyTagsException(f"A scalable target may have up to {int(quotas.TAGS.value)} tags.")


def _find(call: Call, arn: str) -> Resource:
    found = call.resources("target").by_arn(arn)
    if found is None:
        raise errors.ResourceNotFoundException(f"The specified resource doesn't exist: {arn}", ResourceName=arn)
    return found


@autoscaling.operation
def tag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    target = _find(call, request["ResourceARN"])
    check(request["Tags"], target.tags)
    call.resources("target").tag(target, request["Tags"])
    return {}


@autoscaling.operation
def untag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    call.resources("target").untag(_find(call, request["ResourceARN"]), request["TagKeys"])
    return {}


@autoscaling.operation
def list_tags_for_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    return {"Tags": _find(call, request["ResourceARN"]).tags}
