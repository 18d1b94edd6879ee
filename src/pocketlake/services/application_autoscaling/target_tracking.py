"""Target tracking: provisioned units follow the units consumed.

Two minutes above the target add units, so that what was consumed is the target's share of them; fifteen minutes twenty
percent below it take units away. A minute without a measure says nothing: a table that nobody uses keeps its units, as
on AWS. Policies are looked at when CloudWatch has got a whole minute's measures of DynamoDB, so an idle lake is not
woken.

Sources: DynamoDB developer guide, Managing throughput capacity automatically with DynamoDB auto scaling; Application
Auto Scaling user guide, Target tracking scaling policies; thresholds recorded from AWS.
"""

from __future__ import annotations

import math
from itertools import groupby

from pocketlake.kernel.call import Call
from pocketlake.kernel.resources import Resource

from . import capacity, quotas
from .service import autoscaling

CONFIGURATION = "TargetTrackingScalingPolicyConfiguration"
METRICS = {"ReadCapacityUnits": "ConsumedReadCapacityUnits", "WriteCapacityUnits": "ConsumedWriteCapacityUnits"}
MINUTE = 60
AT_ONCE = 20  # targets looked at in one turn
HIGH, LOW = int(quotas.HIGH_MINUTES.value), int(quotas.LOW_MINUTES.value)


def topic(call: Call) -> str:
    """What CloudWatch notifies when it has a whole minute of DynamoDB's measures."""
    return f"cloudwatch/{call.account}/{call.region}/AWS/DynamoDB"


def watch(call: Call) -> None:
    call.watches.add(topic(call), evaluate, "")


def unwatch(call: Call) -> None:
    call.watches.remove(topic(call), evaluate, "")
    call.alarms.clear(evaluate, "")


@autoscaling.alarm
def evaluate(call: Call, key: str) -> None:
    """A minute is over: look at the policies, some targets in each turn. `key`: the target that was looked at last."""
    policies = [policy for policy in call.resources("policy").list_all() if policy.parent > key]
    targets = [(name, list(of)) for name, of in groupby(policies, key=lambda policy: policy.parent)]
    for name, of_target in targets[:AT_ONCE]:
        target = call.resources("target").find(name)
        if target is not None and target.get("RetryAt", 0.0) <= call.now:
            _scale(call, target, of_target)
    if len(targets) > AT_ONCE:
        call.alarms.set(evaluate, targets[AT_ONCE - 1][0], call.now)


def _scale(call: Call, target: Resource, policies: list[Resource]) -> None:
    """The policy that wants most decides; fewer units only if all agree."""
    end = int(call.now // MINUTE) * MINUTE
    consumed = _consumed(call, target, end - LOW * MINUTE, end)
    units = capacity.current(call, target) if end - MINUTE in consumed else None
    if units is None:
        return
    wanted = [(_wanted(target, policy, consumed, units, end), policy) for policy in policies]
    most, policy = max(wanted, key=lambda one: one[0])
    bounded = min(max(most, target["MinCapacity"]), target["MaxCapacity"])
    direction = "Out" if bounded > units else "In"
    if bounded == units or _waits(call, target, policy, direction):
        return
    alarm = policy["Alarms"][0 if direction == "Out" else 1]["AlarmName"]
    cause = f"monitor alarm {alarm} in state ALARM triggered policy {policy.name}"
    if capacity.set_to(call, target, bounded, cause):
        call.resources("target").update(target, **{f"Scaled{direction}": call.now, "RetryAt": None})
    else:
        call.resources("target").update(target, RetryAt=call.now + quotas.RETRY.value)


def _wanted(target: Resource, policy: Resource, consumed: dict[int, float], units: int, end: int) -> int:
    """Units that the policy would have: `units` where neither of its alarms is in state ALARM."""
    configuration = policy[CONFIGURATION]
    share = configuration["TargetValue"] / 100
    since = max(policy["Since"], target.get("ScaledOut", 0.0), target.get("ScaledIn", 0.0)) // MINUTE * MINUTE
    recent = [used for minute, used in consumed.items() if minute >= max(end - HIGH * MINUTE, since)]
    if len(recent) == HIGH and min(recent) > units * MINUTE * share:
        return max(units, _fitting(consumed[end - MINUTE], share))
    if configuration.get("DisableScaleIn") or end - LOW * MINUTE < since:
        return units
    margin, most = share - quotas.LOW_MARGIN.value / 100, max(consumed.values())
    if most < units * MINUTE * margin or (margin <= 0 and most == 0):
        return min(units, max(1, _fitting(most, share)))
    return units


def _fitting(used: float, share: float) -> int:
    """Units a second of which `used` ones a minute are the share."""
    return math.ceil(used / MINUTE / share - 1e-9)


def _consumed(call: Call, target: Resource, start: int, end: int) -> dict[int, float]:
    """Units by minute, where there is a measure."""
    table, index = capacity.place(target["ResourceId"])
    dimensions = [{"Name": "TableName", "Value": table}]
    if index is not None:
        dimensions.append({"Name": "GlobalSecondaryIndexName", "Value": index})
    found = call.aws.cloudwatch.get_metric_statistics(
        Namespace="AWS/DynamoDB",
        MetricName=METRICS[capacity.unit(target)],
        Dimensions=dimensions,
        StartTime=start,
        EndTime=end,
        Period=MINUTE,
        Statistics=["Sum"],
    )["Datapoints"]
    return {int(point["Timestamp"]): float(point["Sum"]) for point in found}


def _waits(call: Call, target: Resource, policy: Resource, direction: str) -> bool:
    """Whether the direction is suspended, or cooling down."""
    if target["SuspendedState"][f"DynamicScaling{direction}Suspended"]:
        return True
    cooldown = policy[CONFIGURATION].get(f"Scale{direction}Cooldown", 0)
    last = target.get("ScaledOut", 0.0)
    if direction == "In":
        last = max(last, target.get("ScaledIn", 0.0))
    return bool(last) and call.now < last + cooldown
