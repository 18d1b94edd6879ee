"""Asking CloudWatch what a service has measured."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

NOON = datetime(2024, 3, 5, 12, 0, tzinfo=UTC)


def stand_at_noon(lake: Any) -> None:
    lake.clock.freeze()
    lake.clock.set(NOON)


def measured(
    lake: Any, namespace: str, name: str, statistic: str = "Sum", minutes: int = 60, **dimensions: str
) -> list[float]:
    """The metric from noon on, minute by minute; minutes without a value are left out."""
    found = lake.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": one, "Value": value} for one, value in dimensions.items()],
        StartTime=NOON,
        EndTime=NOON + timedelta(minutes=minutes),
        Period=60,
        Statistics=[statistic],
    )
    return [point[statistic] for point in sorted(found["Datapoints"], key=lambda point: point["Timestamp"])]
