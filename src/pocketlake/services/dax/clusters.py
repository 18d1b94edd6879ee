"""Clusters: created, described, changed, deleted. What takes time on AWS takes a second here, on the lake's clock."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.kernel.lake import STARTED
from pocketlake.kernel.resources import AlreadyExists, Resource

from . import addresses, identifiers, lifecycle, parameter_groups, quotas, subnet_groups, tags
from .service import dax, errors, invalid

LETTERS = "abcdefghij"
ZONES = "abc"
WINDOW = "thu:23:30-fri:00:30"  # on AWS an hour of some day
SECURITY_GROUP = "sg-00000000"


def find(call: Call, given: str) -> Resource:
    """ClusterNotFoundFault."""
    found = call.resources("cluster").find(given.lower())
    if found is None:
        raise errors.ClusterNotFoundFault("Cluster not found.")
    return found


def available(call: Call, given: str) -> Resource:
    """One that can be changed; InvalidClusterStateFault for others."""
    cluster = find(call, given)
    if cluster["Status"] != "available":
        raise errors.InvalidClusterStateFault(f"Cluster {cluster.name} is not in available state.")
    return cluster


def check_nodes(call: Call, wanted: int, others: int) -> None:
    """[DAX-507]"""
    if wanted < 1:
        raise invalid("The replication factor must be at least 1.")
    if wanted > quotas.NODES_OF_CLUSTER.value:
        raise errors.NodeQuotaForClusterExceededFault(
            "You have attempted to exceed the maximum number of nodes for a DAX cluster."
        )
    if call.limits_on and others + wanted > quotas.NODES.value:
        raise errors.NodeQuotaForCustomerExceededFault(
            "You have attempted to exceed the maximum number of nodes for your AWS account."
        )


def total_nodes(call: Call, but: str = "") -> int:
    return sum(cluster["TotalNodes"] for cluster in call.resources("cluster").list() if cluster.name != but)


def new_node(call: Call, cluster: str, letter: str, zone: str) -> dict[str, Any]:
    return {
        "NodeId": f"{cluster}-{letter}",
        "NodeCreateTime": call.now,
        "AvailabilityZone": zone,
        "NodeStatus": "creating",
        "ParameterGroupStatus": "in-sync",
    }


def zones(call: Call, given: list[str] | None, count: int, first: int = 0) -> list[str]:
    """Of `count` nodes: those that are asked for, or spread over all."""
    if not given:
        return [f"{call.region}{ZONES[at % len(ZONES)]}" for at in range(first, first + count)]
    for zone in given:
        if not zone.startswith(call.region) or len(zone) != len(call.region) + 1:
            raise invalid(f"Invalid availability zone: {zone}")
    return [given[at % len(given)] for at in range(count)]


def _body(call: Call, request: dict[str, Any], name: str) -> dict[str, Any]:
    count, given = request["ReplicationFactor"], request.get("AvailabilityZones")
    if given and len(given) != count:
        raise errors.InvalidParameterCombinationException(
            "The number of availability zones must equal the replication factor."
        )
    if request.get("NetworkType", "ipv4") != "ipv4":
        raise NotImplemented501(f"dax CreateCluster with NetworkType {request['NetworkType']}")
    parameters = parameter_groups.find(call, request.get("ParameterGroupName", parameter_groups.DEFAULT)).name
    subnets = subnet_groups.find(call, request.get("SubnetGroupName", subnet_groups.DEFAULT)).name
    spread = zones(call, given, count)
    return {
        "Description": request.get("Description", ""),
        "Status": "creating",
        "TotalNodes": count,
        "NodeType": identifiers.node_type(request["NodeType"]),
        "Nodes": [new_node(call, name, LETTERS[at], zone) for at, zone in enumerate(spread)],
        "PreferredMaintenanceWindow": identifiers.window(request.get("PreferredMaintenanceWindow", WINDOW)),
        "NotificationTopicArn": request.get("NotificationTopicArn", ""),
        "NotificationTopicStatus": "active",
        "SubnetGroup": subnets,
        "SecurityGroupIds": request.get("SecurityGroupIds") or [SECURITY_GROUP],
        "IamRoleArn": identifiers.role_arn(request["IamRoleArn"]),
        "ParameterGroupName": parameters,
        "SSE": bool(request.get("SSESpecification", {}).get("Enabled")),
        "ClusterEndpointEncryptionType": request.get("ClusterEndpointEncryptionType", "NONE"),
        "Ports": {},
    }


@dax.operation
def create_cluster(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    identifiers.role_arn(request["IamRoleArn"])
    name = identifiers.cluster_name(request["ClusterName"])
    check_nodes(call, request["ReplicationFactor"], total_nodes(call))
    if call.limits_on and call.resources("cluster").count() >= quotas.CLUSTERS.value:
        raise errors.ClusterQuotaForCustomerExceededFault(
            "You have attempted to exceed the maximum number of DAX clusters for your AWS account."
        )
    body, given = _body(call, request, name), tags.read(request.get("Tags", []), {})
    try:
        cluster = call.resources("cluster").create(name, body, arn=call.arn(f"cache/{name}"), tags=given)
    except AlreadyExists:
        raise errors.ClusterAlreadyExistsFault(f"Cluster {name} already exists.") from None
    call.alarms.set(lifecycle.settle, name, call.now + quotas.CREATION.value)
    call.watches.add(STARTED, lifecycle.settle, name)
    return {"Cluster": addresses.described(call, cluster)}


@dax.operation
def describe_clusters(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    names = [identifiers.cluster_name(name) for name in request.get("ClusterNames") or ()]
    found = []
    for name in names:
        cluster = call.resources("cluster").find(name)
        if cluster is None:
            raise errors.ClusterNotFoundFault(f"Cluster {name} not found.")
        found.append(cluster)
    page, token = identifiers.page(call, request, "clusters", found if names else call.resources("cluster").list())
    return identifiers.paged("Clusters", [addresses.described(call, cluster) for cluster in page], token)


@dax.operation
def update_cluster(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """What of it there is counts at once: nothing needs a reboot."""
    cluster = available(call, request["ClusterName"])
    changes: dict[str, Any] = {}
    for member in ("Description", "NotificationTopicArn", "SecurityGroupIds"):
        if member in request:
            changes[member] = request[member]
    if "PreferredMaintenanceWindow" in request:
        changes["PreferredMaintenanceWindow"] = identifiers.window(request["PreferredMaintenanceWindow"])
    if "NotificationTopicStatus" in request:
        if request["NotificationTopicStatus"] not in ("active", "inactive"):
            raise invalid("NotificationTopicStatus must be active or inactive.")
        changes["NotificationTopicStatus"] = request["NotificationTopicStatus"]
    if "ParameterGroupName" in request:
        changes["ParameterGroupName"] = parameter_groups.find(call, request["ParameterGroupName"]).name
    cluster = call.resources("cluster").update(cluster, **changes)
    lifecycle.say(call, cluster, "Cluster updated.")
    return {"Cluster": addresses.described(call, cluster)}


@dax.operation
def delete_cluster(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    cluster = available(call, request["ClusterName"])
    cluster = call.resources("cluster").update(cluster, Status="deleting")
    call.alarms.set(lifecycle.settle, cluster.name, call.now + quotas.CHANGE.value)
    return {"Cluster": addresses.described(call, cluster)}
