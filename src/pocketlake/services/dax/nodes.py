"""Nodes of a cluster: more of them, fewer of them, one restarted."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import addresses, clusters, lifecycle, quotas
from .service import dax, errors, invalid


def _change(call: Call, cluster: Resource, nodes: list[dict[str, Any]], total: int) -> dict[str, Any]:
    cluster = call.resources("cluster").update(cluster, Nodes=nodes, TotalNodes=total, Status="modifying")
    call.alarms.set(lifecycle.settle, cluster.name, call.now + quotas.CHANGE.value)
    return {"Cluster": addresses.described(call, cluster)}


@dax.operation
def increase_replication_factor(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    cluster, wanted = clusters.available(call, request["ClusterName"]), request["NewReplicationFactor"]
    nodes: list[dict[str, Any]] = cluster["Nodes"]
    clusters.check_nodes(call, wanted, clusters.total_nodes(call, but=cluster.name))
    if wanted <= len(nodes):
        raise invalid(f"The new replication factor must be greater than the current one, which is {len(nodes)}.")
    used = {node["NodeId"] for node in nodes}
    free = [letter for letter in clusters.LETTERS if f"{cluster.name}-{letter}" not in used]
    count = wanted - len(nodes)
    spread = clusters.zones(call, request.get("AvailabilityZones"), count, len(nodes))
    added = [
        clusters.new_node(call, cluster.name, letter, zone) for letter, zone in zip(free[:count], spread, strict=True)
    ]
    return _change(call, cluster, [*nodes, *added], wanted)


@dax.operation
def decrease_replication_factor(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    cluster, wanted = clusters.available(call, request["ClusterName"]), request["NewReplicationFactor"]
    nodes: list[dict[str, Any]] = cluster["Nodes"]
    if wanted < 1:
        raise invalid("The last node of a cluster cannot be removed. Use DeleteCluster instead.")
    if wanted >= len(nodes):
        raise invalid(f"The new replication factor must be less than the current one, which is {len(nodes)}.")
    leaving = _leaving(request, nodes, len(nodes) - wanted)
    marked = [{**node, "NodeStatus": "deleting"} if node["NodeId"] in leaving else node for node in nodes]
    return _change(call, cluster, marked, wanted)


def _leaving(request: dict[str, Any], nodes: list[dict[str, Any]], count: int) -> set[str]:
    """Those that are named, those in the zones that are named, or the last."""
    named, zones = request.get("NodeIdsToRemove"), request.get("AvailabilityZones")
    if not named:
        there = [node["NodeId"] for node in nodes if not zones or node["AvailabilityZone"] in zones]
        named = there[-count:]
    known = {node["NodeId"] for node in nodes}
    for node in named:
        if node not in known:
            raise errors.NodeNotFoundFault(f"Node {node} not found.")
    if len(set(named)) != count:
        raise errors.InvalidParameterCombinationException(
            "The number of nodes to remove must be the difference between the current and the new replication factor."
        )
    return set(named)


@dax.operation
def reboot_node(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """The node does not listen for a while. What is cached stays, as on AWS.  [DAX-503]"""
    cluster = clusters.available(call, request["ClusterName"])
    nodes: list[dict[str, Any]] = cluster["Nodes"]
    if all(node["NodeId"] != request["NodeId"] for node in nodes):
        raise errors.NodeNotFoundFault(f"Node {request['NodeId']} not found.")
    marked = [{**node, "NodeStatus": "rebooting"} if node["NodeId"] == request["NodeId"] else node for node in nodes]
    cluster = call.resources("cluster").update(cluster, Nodes=marked)
    call.alarms.set(lifecycle.settle, cluster.name, call.now)
    call.alarms.set(lifecycle.end_reboot, f"{cluster.name}/{request['NodeId']}", call.now + quotas.REBOOT.value)
    lifecycle.say(call, cluster, f"Rebooted node {request['NodeId']}.")
    return {"Cluster": addresses.described(call, cluster)}
