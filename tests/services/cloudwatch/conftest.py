"""What the tests of CloudWatch share: a client, and the short forms of putting and asking."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

START = datetime(2024, 3, 5, 12, 0, tzinfo=UTC)


@pytest.fixture
def cloudwatch(lake: Any) -> Any:
    """The lake's clock stands at noon."""
    lake.clock.freeze()
    lake.clock.set(START)
    return lake.client("cloudwatch", config=Config(parameter_validation=False, retries={"total_max_attempts": 1}))


def put(cloudwatch: Any, *values: float, name: str = "m", at: datetime | None = None, **more: Any) -> None:
    """Each of the values by itself."""
    when = {} if at is None else {"Timestamp": at}
    data = [{"MetricName": name, "Value": value, **when, **more} for value in values]
    cloudwatch.put_metric_data(Namespace="app", MetricData=data)


def statistics(cloudwatch: Any, *names: str, **asked: Any) -> list[dict[str, Any]]:
    """Datapoints of the hour around noon, in minutes, unless something else is asked; by time."""
    request = {
        "Namespace": "app",
        "MetricName": "m",
        "StartTime": START - timedelta(minutes=30),
        "EndTime": START + timedelta(minutes=30),
        "Period": 60,
    }
    if names:
        request["Statistics"] = list(names)
    found = cloudwatch.get_metric_statistics(**{**request, **asked})["Datapoints"]
    return sorted(found, key=lambda point: point["Timestamp"])


def refused(call: Any, **request: Any) -> tuple[str, str]:
    """Code and message of a refusal."""
    with pytest.raises(ClientError) as raised:
        call(**request)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]
