"""Tags of vaults, plans, recovery points and report plans."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource, Resources

from . import quotas
from .service import backup, missing, page
from .vaults import check_tags

KINDS = ("vault", "plan", "recovery-point", "report-plan")


def _find(call: Call, arn: str) -> tuple[Resources, Resource]:
    for kind in KINDS:
        resources = call.resources(kind)
        if (found := resources.by_arn(arn)) is not None:
            return resources, found
    raise missing(f"Resource {arn} not found.")


@backup.operation
def tag_resource(call: Call, request: dict[str, Any]) -> None:
    resources, found = _find(call, request["ResourceArn"])
    check_tags({**found.tags, **request["Tags"]})
    resources.tag(found, request["Tags"])


@backup.operation
def untag_resource(call: Call, request: dict[str, Any]) -> None:
    resources, found = _find(call, request["ResourceArn"])
    resources.untag(found, request["TagKeyList"])


@backup.operation
def list_tags(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    _, found = _find(call, request["ResourceArn"])
    listed, following = page(call, request, sorted(found.tags.items()), int(quotas.PAGE.value))
    return {"Tags": dict(listed), "NextToken": following}
