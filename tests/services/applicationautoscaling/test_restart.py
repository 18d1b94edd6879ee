"""Targets, policies and schedules outlast the process."""

from __future__ import annotations

import pathlib
from typing import Any

from pocketlake.embedded import run

from .conftest import WRITES, tracking, units


def test_schedules_and_policies_act_after_a_restart(tmp_path: pathlib.Path) -> None:
    with run(tmp_path) as lake:
        lake.clock.freeze("2026-03-02T06:00:00")
        dynamodb, scaling = lake.client("dynamodb"), lake.client("application-autoscaling")
        dynamodb.create_table(
            TableName="scaled",
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
            ProvisionedThroughput={"ReadCapacityUnits": 10, "WriteCapacityUnits": 10},
        )
        scaling.register_scalable_target(**WRITES, MinCapacity=5, MaxCapacity=100)
        scaling.put_scaling_policy(**WRITES, **tracking())
        action: dict[str, Any] = {"ScalableTargetAction": {"MinCapacity": 50}, "Schedule": "cron(0 7 * * ? *)"}
        scaling.put_scheduled_action(**WRITES, ScheduledActionName="morning", **action)
    with run(tmp_path) as lake:
        dynamodb = lake.client("dynamodb")
        for _ in range(3):
            item = {"p": {"S": str(lake.clock.now())}, "v": {"S": "x" * 398 * 1024}}
            dynamodb.put_item(TableName="scaled", Item=item)
            lake.clock.advance(minutes=1)
        assert units(dynamodb) == (10, 14)
        lake.clock.advance(hours=1)
        assert units(dynamodb) == (10, 50)
