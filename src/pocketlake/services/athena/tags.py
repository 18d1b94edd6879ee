"""Tags on workgroups and data catalogs."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource, Resources

from . import workgroups
from .service import athena, errors

PAGE = 75


def _find(call: Call, arn: str) -> tuple[Resources, Resource]:
    for kind, marker in (("workgroup", ":workgroup/"), ("catalog", ":datacatalog/")):
        if marker in arn:
            if arn.endswith(f"/{workgroups.PRIMARY}"):
                workgroups.find(call, workgroups.PRIMARY)
            resource = call.resources(kind).by_arn(arn)
            if resource is None:
                raise errors.ResourceNotFoundException("Resource does not exist", ResourceName=arn)
            return call.resources(kind), resource
    raise errors.InvalidRequestException(f"Invalid resource ARN: {arn}")


@athena.operation
def tag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """[ATH-012]"""
    resources, resource = _find(call, request["ResourceARN"])
    resources.tag(resource, {tag["Key"]: tag["Value"] for tag in request["Tags"]})
    return {}


@athena.operation
def untag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    resources, resource = _find(call, request["ResourceARN"])
    resources.untag(resource, request["TagKeys"])
    return {}


@athena.operation
def list_tags_for_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    _, resource = _find(call, request["ResourceARN"])
    return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(resource.tags.items())]}
