"""Scaling policies: by which measure a target is scaled.

DynamoDB knows target tracking of its utilization. Other kinds of policies, and policies for other services, are refused
until they can act.
"""

from __future__ import annotations

import uuid
from typing import Any

from pocketlake.kernel.arn import PARTITION
from pocketlake.kernel.call import Call
from pocketlake.kernel.errors import NotImplemented501
from pocketlake.kernel.resources import Resource

from . import listing, namespaces, quotas, target_tracking, targets
from .service import autoscaling, errors
from .target_tracking import CONFIGURATION

TRACKING = "TargetTrackingScaling"
OTHERS = ("StepScalingPolicyConfiguration", "PredictiveScalingPolicyConfiguration")
METRICS = {
    "ReadCapacityUnits": "DynamoDBReadCapacityUtilization",
    "WriteCapacityUnits": "DynamoDBWriteCapacityUtilization",
}
ALARMS = ("AlarmHigh", "AlarmLow", "ProvisionedCapacityHigh", "ProvisionedCapacityLow")


@autoscaling.operation
def put_scaling_policy(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    """Make a policy, or replace the configuration of one."""
    namespaces.check(request)
    target = targets.existing(call, request)
    namespaces.check_acting(request, "PutScalingPolicy")
    resources = call.resources("policy")
    known = resources.find(request["PolicyName"], parent=target.name)
    kind = request.get("PolicyType", known["PolicyType"] if known else "")
    _check(request, kind, target)
    if known is None:
        if call.limits_on and resources.count(target.name) >= quotas.POLICIES.value:
            raise errors.LimitExceededException(
                f"There is a limit of {int(quotas.POLICIES.value)} scaling policies for a scalable target."
            )
        body = {
            **namespaces.identity(request),
            "PolicyType": kind,
            "Alarms": _alarms(call, request["ResourceId"]),
            CONFIGURATION: request[CONFIGURATION],
            "Since": call.now,
        }
        arn = namespaces.arn(call, request, "scalingPolicy", f"policyName/{request['PolicyName']}")
        known = resources.create(request["PolicyName"], body, parent=target.name, arn=arn)
    else:
        known = resources.update(known, **{CONFIGURATION: request[CONFIGURATION], "Since": call.now})
    target_tracking.watch(call)
    return {"PolicyARN": known.arn, "Alarms": known["Alarms"]}


def _check(request: dict[str, Any], kind: str, target: Resource) -> None:
    if kind == "PredictiveScaling":
        raise NotImplemented501("application-autoscaling PutScalingPolicy with PredictiveScaling")
    if kind != TRACKING:
        raise errors.ValidationException(f"Unsupported policy type for DynamoDB: {kind or None}")
    for member in OTHERS:
        if member in request:
            raise errors.ValidationException(f"{member} can't be specified for the policy type {kind}")
    configuration = request.get(CONFIGURATION)
    if configuration is None:
        raise errors.ValidationException(f"{CONFIGURATION} must be specified for the policy type {kind}")
    if "CustomizedMetricSpecification" in configuration:
        raise NotImplemented501("application-autoscaling CustomizedMetricSpecification")
    specification = configuration.get("PredefinedMetricSpecification", {})
    metric = specification.get("PredefinedMetricType")
    expected = METRICS[target["ScalableDimension"].rpartition(":")[2]]
    if metric != expected:
        raise errors.ValidationException(
            f"Predefined metric type {metric} is not supported for scalable dimension {target['ScalableDimension']}"
        )
    if "ResourceLabel" in specification:
        raise errors.ValidationException(f"A resource label can't be specified for the metric type {metric}")
    for member in ("ScaleOutCooldown", "ScaleInCooldown"):
        if configuration.get(member, 0) < 0:
            raise errors.ValidationException(f"{member} must not be negative")
    if not quotas.LEAST_TARGET.value <= configuration["TargetValue"] <= quotas.MOST_TARGET.value:
        raise errors.ValidationException(
            f"Target value must be between {int(quotas.LEAST_TARGET.value)} and {int(quotas.MOST_TARGET.value)} "
            "for DynamoDB capacity utilization"
        )


def _alarms(call: Call, resource_id: str) -> list[dict[str, str]]:
    """The alarms that evaluate the policy. They are this service's own."""
    names = [f"TargetTracking-{resource_id}-{kind}-{uuid.uuid4()}" for kind in ALARMS]
    arn = f"arn:{PARTITION}:cloudwatch:{call.region}:{call.account}:alarm:"
    return [{"AlarmName": name, "AlarmARN": arn + name} for name in names]


@autoscaling.operation
def delete_scaling_policy(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    found = call.resources("policy").find(request["PolicyName"], parent=targets.name(request))
    if found is None:
        raise errors.ObjectNotFoundException(
            f"No scaling policy found for {namespaces.named(request)}, policy name: {request['PolicyName']}"
        )
    remove(call, found)
    return {}


def remove(call: Call, policy: Resource) -> None:
    call.resources("policy").delete(policy)
    if not call.resources("policy").list_all():
        target_tracking.unwatch(call)


@autoscaling.operation
def describe_scaling_policies(call: Call, request: dict[str, Any]) -> dict[str, Any]:
    found = listing.of_targets(call, "policy", request, request.get("PolicyNames"))
    return listing.page(call, request, found, "ScalingPolicies", _describe)


def _describe(policy: Resource) -> dict[str, Any]:
    shown = (*namespaces.IDENTITY, "PolicyType", CONFIGURATION, "Alarms")
    return {
        "PolicyARN": policy.arn,
        "PolicyName": policy.name,
        **{member: policy[member] for member in shown},
        "CreationTime": policy.created,
    }
