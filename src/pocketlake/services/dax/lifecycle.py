"""From one state of a cluster to the next, on the lake's clock; and listening again when the lake has started."""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.call import Call
from pocketlake.kernel.lake import STARTED
from pocketlake.kernel.resources import Resource

from . import events
from .running import listeners
from .service import dax


def say(call: Call, cluster: Resource, message: str) -> None:
    active = cluster["NotificationTopicStatus"] == "active"
    events.record(call, cluster.name, "CLUSTER", message, cluster["NotificationTopicArn"] if active else "")


@dax.alarm
async def settle(call: Call, name: str) -> None:
    """Bring the sockets, and then the document, to where the cluster is going. Asked twice, it does nothing more."""
    cluster = call.resources("cluster").find(name)
    if cluster is None:
        listeners(call.lake).end(call, name)
        return
    if cluster["Status"] == "deleting":
        _delete(call, cluster)
        return
    # What leaves is closed first, so that nobody is answered by a node that is gone.
    staying = [node for node in cluster["Nodes"] if node["NodeStatus"] != "deleting"]
    ports = await listeners(call.lake).open(call, _with_nodes(cluster, staying))
    current = call.resources("cluster").find(name)
    if current is not None and current.body == cluster.body:
        _arrive(call, cluster, staying, ports)
    elif current is not None:
        call.alarms.set(settle, name, call.now)  # changed meanwhile


def _with_nodes(cluster: Resource, nodes: list[dict[str, Any]]) -> Resource:
    return Resource(
        cluster.parent, cluster.name, cluster.arn, {**cluster.body, "Nodes": nodes}, cluster.tags, cluster.created
    )


def _arrive(call: Call, cluster: Resource, staying: list[dict[str, Any]], ports: dict[str, int]) -> None:
    there = {"", *(node["NodeId"] for node in staying)}
    nodes = [{**node, "NodeStatus": "available"} if node["NodeStatus"] == "creating" else node for node in staying]
    with call.transaction():
        said = [f"Removed node {node['NodeId']}." for node in cluster["Nodes"] if node not in staying]
        said += [f"Added node {node['NodeId']}." for node in staying if node["NodeStatus"] == "creating"]
        if cluster["Status"] == "creating":
            said.append("Cluster created.")
        kept = {node: port for node, port in ports.items() if node in there}
        changes = {"Status": "available", "Nodes": nodes, "Ports": kept}
        if any(cluster[member] != value for member, value in changes.items()):
            cluster = call.resources("cluster").update(cluster, **changes)
        for message in said:
            say(call, cluster, message)


def _delete(call: Call, cluster: Resource) -> None:
    with call.transaction():
        call.resources("cluster").delete(cluster)
        call.watches.remove(STARTED, settle, cluster.name)
        say(call, cluster, "Cluster deleted.")
    listeners(call.lake).end(call, cluster.name)


@dax.alarm
def end_reboot(call: Call, key: str) -> None:
    name, _, rebooted = key.partition("/")
    cluster = call.resources("cluster").find(name)
    if cluster is None:
        return
    nodes = [
        {**node, "NodeStatus": "available"}
        if node["NodeId"] == rebooted and node["NodeStatus"] == "rebooting"
        else node
        for node in cluster["Nodes"]
    ]
    call.resources("cluster").update(cluster, Nodes=nodes)
    call.alarms.set(settle, name, call.now)


@dax.view
async def caches(call: Call, query: dict[str, str]) -> dict[str, Any]:
    """Hits, misses and sizes of a cluster's caches since it began to listen: ?cluster=name."""
    running = listeners(call.lake).find(call, query.get("cluster", "").lower())
    if running is None:
        return {}
    found = running.caches
    return {
        "items": found.items.described(),
        "queries": found.queries.described(),
        "connections": len(running.connections),
    }
