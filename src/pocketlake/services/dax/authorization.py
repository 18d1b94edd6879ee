"""What each operation must be permitted, of the control plane and of the data plane.

Who asks a cluster needs `dax:GetItem` and so on for the cluster; what the cluster asks of tables its own role needs.
Source: Service Authorization Reference, "Amazon DynamoDB Accelerator (DAX)"; DynamoDB developer guide, "DAX access
control".
"""

from __future__ import annotations

from typing import Any

from pocketlake.kernel.authorization import ANY, Authorization, Need, On, template
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import ServiceError

from . import identifiers

CLUSTER = template("dax", "cache/{ClusterName}")
WRITES = {2: "PutItem", 7: "DeleteItem", 9: "UpdateItem", 12: "ConditionCheckItem"}  # a transaction's operations


def _described(call: Call, request: dict[str, Any]) -> list[str]:
    names = request.get("ClusterNames") or [ANY]
    return [call.arn(f"cache/{name}") for name in names]


def _tagged(call: Call, request: dict[str, Any]) -> list[str]:
    """By name or ARN. An ARN that is none is the operation's to refuse."""
    try:
        return [call.arn(f"cache/{identifiers.of_arn(call, request['ResourceName'])}")]
    except ServiceError:
        return [request["ResourceName"]]


def _written(call: Call, request: dict[str, Any]) -> list[Need]:
    """What a transaction does, each once. `Operations` are its numbers on the wire."""
    kinds = [WRITES[number] for number in request.get("Operations") or () if number in WRITES]
    return [Need(f"dax:{kind}", call.arn(f"cache/{request['ClusterName']}")) for kind in dict.fromkeys(kinds)]


authorization = Authorization(
    "dax",
    {
        "create_cluster": (
            On(CLUSTER),
            On(CLUSTER, "TagResource", given="Tags"),
            On("{IamRoleArn}", "iam:PassRole"),
        ),
        "create_parameter_group": ANY,
        "create_subnet_group": ANY,
        "decrease_replication_factor": CLUSTER,
        "delete_cluster": CLUSTER,
        "delete_parameter_group": ANY,
        "delete_subnet_group": ANY,
        "describe_clusters": On(_described),
        "describe_default_parameters": ANY,
        "describe_events": ANY,
        "describe_parameter_groups": ANY,
        "describe_parameters": ANY,
        "describe_subnet_groups": ANY,
        "increase_replication_factor": CLUSTER,
        "list_tags": On(_tagged),
        "reboot_node": CLUSTER,
        "tag_resource": On(_tagged),
        "untag_resource": On(_tagged),
        "update_cluster": CLUSTER,
        "update_parameter_group": ANY,
        "update_subnet_group": ANY,
        # Of the data plane
        "batch_get_item": CLUSTER,
        "batch_write_item": CLUSTER,
        "delete_item": CLUSTER,
        "get_item": CLUSTER,
        "put_item": CLUSTER,
        "query": CLUSTER,
        "scan": CLUSTER,
        "transact_get_items": On(CLUSTER, "GetItem"),
        "transact_write_items": _written,
        "update_item": CLUSTER,
    },
)
