"""What each operation must be permitted.

Source: Service Authorization Reference, "AWS Application Auto Scaling".
"""

from __future__ import annotations

from pocketlake.kernel.authorization import ANY, Authorization, On, Request
from pocketlake.kernel.call import Call

from . import targets


def target(call: Call, request: Request) -> list[str]:
    """A target's ARN holds an ID that requests do not name; that of one which is not there is not known whole."""
    found = targets.find(call, request)
    return [found.arn if found is not None else call.arn("scalable-target/*")]


TARGET = On(target)
RESOURCE = "{ResourceARN}"

authorization = Authorization(
    "application-autoscaling",
    {
        "delete_scaling_policy": TARGET,
        "delete_scheduled_action": TARGET,
        "deregister_scalable_target": TARGET,
        "describe_scalable_targets": ANY,
        "describe_scaling_activities": ANY,
        "describe_scaling_policies": ANY,
        "describe_scheduled_actions": ANY,
        "list_tags_for_resource": RESOURCE,
        "put_scaling_policy": TARGET,
        "put_scheduled_action": TARGET,
        "register_scalable_target": TARGET,
        "tag_resource": RESOURCE,
        "untag_resource": RESOURCE,
    },
)
