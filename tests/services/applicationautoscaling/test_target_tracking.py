"""Target tracking really changes what tables and indexes have."""

from __future__ import annotations

from typing import Any

import pytest

from pocketlake.services.application_autoscaling import target_tracking

from .conftest import WRITES, tracking, units


@pytest.fixture
def scaled(scaling: Any, table: str) -> str:
    """Writes between 5 and 100 units, half of them used."""
    scaling.register_scalable_target(**WRITES, MinCapacity=5, MaxCapacity=100)
    scaling.put_scaling_policy(**WRITES, **tracking())
    return table


def use(lake: Any, dynamodb: Any, minutes: int, a_minute: int, **more: Any) -> None:
    """Writes of so many units in each minute (up to 400)."""
    for _ in range(minutes):
        item = {"p": {"S": str(lake.clock.now())}, "v": {"S": "x" * (1024 * (a_minute - 1))}, **more}
        dynamodb.put_item(TableName="scaled", Item=item)
        lake.clock.advance(seconds=60)


def activities(scaling: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = scaling.describe_scaling_activities(ServiceNamespace="dynamodb")["ScalingActivities"]
    return found


@pytest.mark.claim("AAS-001")
def test_two_minutes_above_the_target_add_units(lake: Any, scaling: Any, dynamodb: Any, scaled: str) -> None:
    use(lake, dynamodb, 1, 399)
    assert units(dynamodb) == (10, 10)
    use(lake, dynamodb, 1, 399)
    assert units(dynamodb) == (10, 14)  # 399 units in a minute are half of 13.3 a second
    (activity,) = activities(scaling)
    assert activity["Description"] == "Setting write capacity units to 14."
    assert activity["StatusCode"] == "Successful"
    assert activity["StatusMessage"] == (
        "Successfully set write capacity units to 14. Change successfully fulfilled by dynamodb."
    )
    assert activity["Cause"].startswith("monitor alarm TargetTracking-table/scaled-AlarmHigh-")
    assert activity["Cause"].endswith("in state ALARM triggered policy follow")


@pytest.mark.claim("AAS-002")
def test_fifteen_minutes_below_it_take_units_away(lake: Any, scaling: Any, dynamodb: Any, scaled: str) -> None:
    use(lake, dynamodb, 14, 100)
    assert units(dynamodb) == (10, 10)
    use(lake, dynamodb, 3, 100)
    assert units(dynamodb) == (10, 5)  # not less than the minimum
    assert "AlarmLow" in activities(scaling)[0]["Cause"]


@pytest.mark.claim("AAS-002")
def test_a_table_that_nobody_uses_keeps_its_units_and_wakes_nobody(
    lake: Any, scaling: Any, dynamodb: Any, scaled: str
) -> None:
    use(lake, dynamodb, 2, 10)
    lake.clock.advance(days=365)
    assert units(dynamodb) == (10, 10)
    assert activities(scaling) == []


@pytest.mark.claim("AAS-003")
def test_units_stay_within_the_targets_range(lake: Any, scaling: Any, dynamodb: Any, scaled: str) -> None:
    scaling.register_scalable_target(**WRITES, MaxCapacity=12)
    use(lake, dynamodb, 3, 399)
    assert units(dynamodb) == (10, 12)


@pytest.mark.claim("AAS-003")
@pytest.mark.parametrize(
    ("suspended", "left"),
    [
        ({"DynamicScalingOutSuspended": True}, 10),
        ({"DynamicScalingInSuspended": True}, 14),
        ({"ScheduledScalingSuspended": True}, 14),
    ],
)
def test_suspended_directions(
    lake: Any, scaling: Any, dynamodb: Any, scaled: str, suspended: dict[str, bool], left: int
) -> None:
    scaling.register_scalable_target(**WRITES, SuspendedState=suspended)
    use(lake, dynamodb, 3, 399)
    assert units(dynamodb)[1] == left


@pytest.mark.claim("AAS-003")
def test_cooldowns(lake: Any, scaling: Any, dynamodb: Any, scaled: str) -> None:
    scaling.put_scaling_policy(**WRITES, **tracking(ScaleOutCooldown=600))
    use(lake, dynamodb, 3, 300)
    assert units(dynamodb) == (10, 10)
    use(lake, dynamodb, 2, 330)
    assert units(dynamodb) == (10, 11)
    use(lake, dynamodb, 4, 399)
    assert units(dynamodb) == (10, 11)
    use(lake, dynamodb, 7, 399)
    assert units(dynamodb) == (10, 14)


@pytest.mark.claim("AAS-003")
def test_scaling_in_may_be_disabled(lake: Any, scaling: Any, dynamodb: Any, scaled: str) -> None:
    scaling.put_scaling_policy(**WRITES, **tracking(DisableScaleIn=True))
    use(lake, dynamodb, 18, 10)
    assert units(dynamodb) == (10, 10)


@pytest.mark.claim("AAS-006")
def test_a_change_that_dynamodb_refuses_is_a_failed_activity(
    lake: Any, scaling: Any, dynamodb: Any, scaled: str
) -> None:
    """The decreases of the day are used up."""
    for writes in (19, 18, 17, 16, 15):
        dynamodb.update_table(
            TableName="scaled", ProvisionedThroughput={"ReadCapacityUnits": 10, "WriteCapacityUnits": writes}
        )
    use(lake, dynamodb, 17, 60)
    assert units(dynamodb) == (10, 15)
    activity = activities(scaling)[0]
    assert activity["StatusCode"] == "Failed"
    assert (
        "Reason: Subscriber limit exceeded: Provisioned throughput decreases are limited" in activity["StatusMessage"]
    )
    use(lake, dynamodb, 60, 60)
    assert units(dynamodb) == (10, 5)


def test_a_global_index_is_scaled_alone(lake: Any, scaling: Any, dynamodb: Any, table: str) -> None:
    target = {
        "ServiceNamespace": "dynamodb",
        "ResourceId": "table/scaled/index/by-g",
        "ScalableDimension": "dynamodb:index:WriteCapacityUnits",
    }
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=100)
    scaling.put_scaling_policy(**target, **tracking())
    for minute in range(3):
        for number in range(16):
            writes = [
                {"PutRequest": {"Item": {"p": {"S": f"{number * 25 + n}"}, "g": {"S": f"{minute}-{n}"}}}}
                for n in range(25)
            ]
            dynamodb.batch_write_item(RequestItems={"scaled": writes})
        lake.clock.advance(seconds=60)
    assert units(dynamodb, index=True)[1] > 13
    assert units(dynamodb) == (10, 10)


def test_many_targets_take_several_turns(
    lake: Any, scaling: Any, dynamodb: Any, scaled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(target_tracking, "AT_ONCE", 1)
    index = {
        **WRITES,
        "ResourceId": "table/scaled/index/by-g",
        "ScalableDimension": "dynamodb:index:WriteCapacityUnits",
    }
    reads = {**WRITES, "ScalableDimension": "dynamodb:table:ReadCapacityUnits"}
    policy = tracking(PredefinedMetricSpecification={"PredefinedMetricType": "DynamoDBReadCapacityUtilization"})
    for target, one in ((index, tracking()), (reads, policy)):
        scaling.register_scalable_target(**target, MinCapacity=5, MaxCapacity=100)
        scaling.put_scaling_policy(**target, **one)
    use(lake, dynamodb, 2, 399)
    assert units(dynamodb) == (10, 14)
    assert units(dynamodb, index=True) == (10, 10)


def test_deleting_the_last_policy_ends_it(lake: Any, scaling: Any, dynamodb: Any, scaled: str) -> None:
    scaling.delete_scaling_policy(**WRITES, PolicyName="follow")
    use(lake, dynamodb, 3, 399)
    assert units(dynamodb) == (10, 10)
