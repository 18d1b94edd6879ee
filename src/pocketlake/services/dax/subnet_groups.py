"""Subnet groups: where a cluster's nodes would stand. Here they all stand in this process, so they are but names."""

from __future__ import annotations

import re
from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import AlreadyExists, Resource

from . import events, identifiers, quotas
from .service import dax, errors

DEFAULT = "default"
KIND = "subnet-group"
SUBNET = re.compile(r"subnet-[0-9a-f]{8,17}")
ZONES = "abc"


def find(call: Call, given: str) -> Resource:
    """SubnetGroupNotFoundFault. The default group is there from the beginning, with a subnet in each zone."""
    name = given.lower()
    found = call.resources(KIND).find(name)
    if found is None and name == DEFAULT:
        body = {"Description": "Default subnet group", "SubnetIds": [f"subnet-{zone * 8}" for zone in ZONES]}
        return Resource("", DEFAULT, "", body, {}, 0)
    if found is None:
        raise errors.SubnetGroupNotFoundFault(f"Subnet group {given} not found.")
    return found


def _shown(call: Call, group: Resource) -> dict[str, Any]:
    subnets = [
        {
            "SubnetIdentifier": subnet,
            "SubnetAvailabilityZone": f"{call.region}{ZONES[at % len(ZONES)]}",
            "SupportedNetworkTypes": ["ipv4"],
        }
        for at, subnet in enumerate(group["SubnetIds"])
    ]
    return {
        "SubnetGroupName": group.name,
        "Description": group["Description"],
        "VpcId": "vpc-00000000",
        "Subnets": subnets,
        "SupportedNetworkTypes": ["ipv4"],
    }


def _subnets(given: list[str]) -> list[str]:
    if len(given) > quotas.SUBNETS.value:
        raise errors.SubnetQuotaExceededFault(
            "The request cannot be processed because it would exceed the allowed number of subnets in a subnet group."
        )
    for subnet in given:
        if not SUBNET.fullmatch(subnet):
            raise errors.InvalidSubnet(f"The subnet ID '{subnet}' is not valid.")
    if not given:
        raise errors.InvalidSubnet("An invalid subnet identifier was specified.")
    return list(dict.fromkeys(given))


@dax.operation
def create_subnet_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    name = identifiers.group_name(request["SubnetGroupName"], "Subnet group")
    if call.limits_on and call.resources(KIND).count() >= quotas.SUBNET_GROUPS.value:
        raise errors.SubnetGroupQuotaExceededFault("You have attempted to exceed the maximum number of subnet groups.")
    body = {"Description": request.get("Description", ""), "SubnetIds": _subnets(request["SubnetIds"])}
    try:
        if name == DEFAULT:
            raise AlreadyExists(name)
        group = call.resources(KIND).create(name, body)
    except AlreadyExists:
        raise errors.SubnetGroupAlreadyExistsFault(f"Subnet group {name} already exists.") from None
    events.record(call, name, "SUBNET_GROUP", f"Created subnet group {name}.")
    return {"SubnetGroup": _shown(call, group)}


@dax.operation
def update_subnet_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    group = find(call, request["SubnetGroupName"])
    body = dict(group.body)
    if "Description" in request:
        body["Description"] = request["Description"]
    if "SubnetIds" in request:
        body["SubnetIds"] = _subnets(request["SubnetIds"])
    group = call.resources(KIND).replace_body(group, body)
    events.record(call, group.name, "SUBNET_GROUP", f"Updated subnet group {group.name}.")
    return {"SubnetGroup": _shown(call, group)}


@dax.operation
def delete_subnet_group(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    group = find(call, request["SubnetGroupName"])
    if group.name == DEFAULT or any(one["SubnetGroup"] == group.name for one in call.resources("cluster").list()):
        raise errors.SubnetGroupInUseFault(f"Subnet group {group.name} is currently in use.")
    call.resources(KIND).delete(group)
    events.record(call, group.name, "SUBNET_GROUP", f"Deleted subnet group {group.name}.")
    return {"DeletionMessage": f"Subnet group {group.name} has been deleted."}


@dax.operation
def describe_subnet_groups(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    names = request.get("SubnetGroupNames")
    if names:
        found = [find(call, name) for name in names]
    else:
        found = [group for group in call.resources(KIND).list() if group.name != DEFAULT]
        found.insert(0, find(call, DEFAULT))
    shown, token = identifiers.page(call, request, KIND, found)
    return identifiers.paged("SubnetGroups", [_shown(call, group) for group in shown], token)
