"""Where clusters and nodes are reached, and how clusters are shown."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from .running import DISCOVERY, PORT, SECURE_PORT, bound_host

ANYWHERE = {"0.0.0.0", "::", ""}


def host(call: Call) -> str:
    """Where the lake listens; where it listens everywhere, the host by which the caller came."""
    bound = bound_host(call.lake)
    return (urlsplit(call.endpoint).hostname or bound) if bound in ANYWHERE else bound


def described(call: Call, cluster: Resource) -> dict[str, Any]:
    """Nodes are shown once all of them are there, as AWS does; those on their way have no address yet."""
    secure = cluster["ClusterEndpointEncryptionType"] == "TLS"
    steady = cluster["Status"] not in ("creating", "deleting")
    shown: dict[str, Any] = {
        "ClusterName": cluster.name,
        "Description": cluster["Description"],
        "ClusterArn": cluster.arn,
        "TotalNodes": cluster["TotalNodes"],
        "ActiveNodes": sum(node["NodeStatus"] == "available" for node in cluster["Nodes"]) if steady else 0,
        "NodeType": cluster["NodeType"],
        "Status": cluster["Status"],
        "ClusterDiscoveryEndpoint": {"Port": SECURE_PORT if secure else PORT},
        "PreferredMaintenanceWindow": cluster["PreferredMaintenanceWindow"],
        "SubnetGroup": cluster["SubnetGroup"],
        "SecurityGroups": [{"SecurityGroupIdentifier": g, "Status": "active"} for g in cluster["SecurityGroupIds"]],
        "IamRoleArn": cluster["IamRoleArn"],
        "ParameterGroup": {
            "ParameterGroupName": cluster["ParameterGroupName"],
            "ParameterApplyStatus": "in-sync",
            "NodeIdsToReboot": [],
        },
        "SSEDescription": {"Status": "ENABLED" if cluster["SSE"] else "DISABLED"},
        "ClusterEndpointEncryptionType": cluster["ClusterEndpointEncryptionType"],
        "NetworkType": "ipv4",
    }
    if cluster["NotificationTopicArn"]:
        status = cluster["NotificationTopicStatus"]
        shown["NotificationConfiguration"] = {"TopicArn": cluster["NotificationTopicArn"], "TopicStatus": status}
    if steady:
        shown["ClusterDiscoveryEndpoint"] = _endpoint(call, cluster, DISCOVERY, secure)
        shown["Nodes"] = [_node(call, cluster, node) for node in cluster["Nodes"]]
        if leaving := [node["NodeId"] for node in cluster["Nodes"] if node["NodeStatus"] == "deleting"]:
            shown["NodeIdsToRemove"] = leaving
    return shown


def _node(call: Call, cluster: Resource, node: dict[str, Any]) -> dict[str, Any]:
    if node["NodeStatus"] in ("creating", "deleting"):
        return {name: node[name] for name in ("NodeId", "NodeStatus")}
    endpoint = _endpoint(call, cluster, node["NodeId"], secure=False)
    endpoint.pop("URL", None)
    return {**node, "Endpoint": endpoint}


def _endpoint(call: Call, cluster: Resource, node: str, secure: bool) -> dict[str, Any]:
    port, address = cluster["Ports"].get(node), host(call)
    if port is None:
        return {"Port": SECURE_PORT if secure else PORT}
    shown = f"[{address}]" if ":" in address else address
    return {"Address": address, "Port": port, "URL": f"{'daxs' if secure else 'dax'}://{shown}:{port}"}
