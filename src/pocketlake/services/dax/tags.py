"""Tags of clusters."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError
from pocketlake.kernel.resources import Resource

from . import identifiers, quotas
from .service import dax, errors, invalid

MOST_KEY, MOST_VALUE = 128, 256


def read(given: list[dict[str, str]], present: dict[str, str]) -> dict[str, str]:
    """New tags, checked together with those that are there."""
    tags = {tag.get("Key", ""): tag.get("Value", "") for tag in given}
    for key, value in tags.items():
        if not 1 <= len(key) <= MOST_KEY or len(value) > MOST_VALUE:
            raise invalid("A tag's key has 1 to 128 characters, its value 256 at most.")
        if key.lower().startswith("aws:"):
            raise invalid("Tag keys must not begin with aws:")
    if len({**present, **tags}) > quotas.TAGS.value:
        raise errors.TagQuotaPerResourceExceeded("You have exceeded the maximum number of tags for this DAX cluster.")
    return tags


def shown(cluster: Resource) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in cluster.tags.items()]


def _cluster(call: Call, given: str) -> Resource:
    found = call.resources("cluster").find(identifiers.of_arn(call, given))
    if found is None:
        error: ServiceError = errors.ClusterNotFoundFault("Cluster not found.")
        raise error
    return found


@dax.operation
def tag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    cluster = _cluster(call, request["ResourceName"])
    cluster = call.resources("cluster").tag(cluster, read(request["Tags"], cluster.tags))
    return {"Tags": shown(cluster)}


@dax.operation
def untag_resource(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    cluster = _cluster(call, request["ResourceName"])
    unknown = [key for key in request["TagKeys"] if key not in cluster.tags]
    if unknown:
        raise errors.TagNotFoundFault(f"The tag {unknown[0]} does not exist.")
    return {"Tags": shown(call.resources("cluster").untag(cluster, request["TagKeys"]))}


@dax.operation
def list_tags(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    found = shown(_cluster(call, request["ResourceName"]))
    page, token = identifiers.page(call, {"NextToken": request.get("NextToken")}, "tags", found)
    return identifiers.paged("Tags", page, token)
