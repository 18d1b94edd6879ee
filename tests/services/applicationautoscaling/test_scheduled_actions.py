"""Scheduled actions change a target's range, and with it the table, by the lake's clock."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import WRITES, refusal, units


@pytest.fixture
def target(scaling: Any, table: str) -> str:
    """The clock stands at 2026-03-02T06:00:00 UTC."""
    scaling.register_scalable_target(**WRITES, MinCapacity=5, MaxCapacity=100)
    return table


def schedule(scaling: Any, schedule: str, least: int, most: int = 100, name: str = "morning", **more: Any) -> None:
    scaling.put_scheduled_action(
        **WRITES,
        ScheduledActionName=name,
        Schedule=schedule,
        ScalableTargetAction={"MinCapacity": least, "MaxCapacity": most},
        **more,
    )


@pytest.mark.claim("AAS-004")
@pytest.mark.parametrize(
    ("expression", "zone", "minutes"),
    [
        ("at(2026-03-02T07:30:00)", None, 90),
        ("at(2026-03-02T08:30:00)", "Europe/Berlin", 90),
        ("rate(90 minutes)", None, 90),
        ("cron(30 7 * * ? *)", None, 90),
        ("cron(0 10 ? * MON *)", "Europe/Berlin", 180),
    ],
)
def test_an_action_comes_at_its_time(
    lake: Any, scaling: Any, dynamodb: Any, target: str, expression: str, zone: str | None, minutes: int
) -> None:
    schedule(scaling, expression, 30, **({"Timezone": zone} if zone else {}))
    lake.clock.advance(minutes=minutes, seconds=-1)
    assert units(dynamodb) == (10, 10)
    lake.clock.advance(seconds=2)
    assert units(dynamodb) == (10, 30)
    (found,) = scaling.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"]
    assert (found["MinCapacity"], found["MaxCapacity"]) == (30, 100)
    causes = [
        (one["Description"], one["Cause"])
        for one in scaling.describe_scaling_activities(ServiceNamespace="dynamodb")["ScalingActivities"]
    ]
    assert causes == [
        ("Setting write capacity units to 30.", "minimum capacity was set to 30"),
        ("Setting min capacity to 30 and max capacity to 100", "scheduled action name morning was triggered"),
    ]


@pytest.mark.claim("AAS-004")
def test_actions_come_again_until_they_end(lake: Any, scaling: Any, dynamodb: Any, target: str) -> None:
    schedule(scaling, "cron(0 7 * * ? *)", 40, EndTime="2026-03-05T00:00:00Z")
    schedule(scaling, "cron(0 20 * * ? *)", 5, 20, name="evening")
    seen = []
    for _ in range(8):
        lake.clock.advance(hours=12)
        seen.append(units(dynamodb)[1])
    assert seen == [40, 20, 40, 20, 40, 20, 20, 20]


def test_an_action_keeps_what_is_not_given_again_but_its_end(scaling: Any, target: str) -> None:
    schedule(scaling, "rate(1 hour)", 5, Timezone="Europe/Berlin", EndTime="2026-03-05T00:00:00Z")
    scaling.put_scheduled_action(**WRITES, ScheduledActionName="morning", Schedule="rate(2 hours)")
    (found,) = scaling.describe_scheduled_actions(ServiceNamespace="dynamodb")["ScheduledActions"]
    assert found["Schedule"] == "rate(2 hours)"
    assert found["Timezone"] == "Europe/Berlin"
    assert found["ScalableTargetAction"] == {"MinCapacity": 5, "MaxCapacity": 100}
    assert "EndTime" not in found


def test_an_action_of_the_year_9999_waits(lake: Any, scaling: Any, dynamodb: Any, target: str) -> None:
    action = {"ScheduledActionName": "some day", "ScalableTargetAction": {"MinCapacity": 20}}
    schedule = {"Schedule": "cron(0 7 * * ? *)", "StartTime": "9999-12-31T23:59:59Z"}
    scaling.put_scheduled_action(**WRITES, **action, **schedule)
    lake.clock.advance(days=2)
    assert units(dynamodb) == (10, 10)


def test_a_suspended_schedule_and_a_deleted_one_do_nothing(lake: Any, scaling: Any, dynamodb: Any, target: str) -> None:
    schedule(scaling, "at(2026-03-02T07:00:00)", 30)
    schedule(scaling, "at(2026-03-02T08:00:00)", 40, name="later")
    scaling.register_scalable_target(**WRITES, SuspendedState={"ScheduledScalingSuspended": True})
    lake.clock.advance(minutes=61)
    assert units(dynamodb) == (10, 10)
    scaling.register_scalable_target(**WRITES, SuspendedState={"ScheduledScalingSuspended": False})
    scaling.delete_scheduled_action(**WRITES, ScheduledActionName="later")
    lake.clock.advance(hours=2)
    assert units(dynamodb) == (10, 10)


@pytest.mark.parametrize(
    "changed",
    [
        {"Schedule": "every day"},
        {"Schedule": "rate(1 minutes)"},
        {"Schedule": "at(tomorrow)"},
        {"Schedule": f"rate({'9' * 400} days)"},
        {"Schedule": "cron(0 7 * * ? *)", "Timezone": "Europe/Nowhere"},
        {"ScalableTargetAction": {}},
        {"ScalableTargetAction": {"MinCapacity": 5, "MaxCapacity": 4}},
        {"StartTime": "2026-03-05T00:00:00Z", "EndTime": "2026-03-04T00:00:00Z"},
    ],
)
def test_what_is_no_action(scaling: Any, target: str, changed: dict[str, Any]) -> None:
    request = {
        **WRITES,
        "ScheduledActionName": "wrong",
        "Schedule": "rate(2 minutes)",
        "ScalableTargetAction": {"MinCapacity": 1},
        **changed,
    }
    assert refusal(scaling.put_scheduled_action, **request)[0] == "ValidationException"
