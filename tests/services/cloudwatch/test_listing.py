"""ListMetrics."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from .conftest import START, put, refused


def names(cloudwatch: Any, **asked: Any) -> list[str]:
    return [metric["MetricName"] for metric in cloudwatch.list_metrics(**asked)["Metrics"]]


def test_metrics_are_found_by_namespace_name_and_dimensions(cloudwatch: Any) -> None:
    server, city = {"Name": "server", "Value": "a"}, {"Name": "city", "Value": "Berlin"}
    put(cloudwatch, 1, name="plain")
    put(cloudwatch, 1, name="one", Dimensions=[server])
    put(cloudwatch, 1, name="two", Dimensions=[server, city])
    cloudwatch.put_metric_data(Namespace="other", MetricData=[{"MetricName": "one", "Value": 1}])
    assert names(cloudwatch) == ["plain", "one", "two", "one"]
    assert names(cloudwatch, Namespace="app") == ["plain", "one", "two"]
    assert len(names(cloudwatch, MetricName="one")) == 2
    assert names(cloudwatch, Dimensions=[{"Name": "server"}]) == ["one", "two"]
    assert names(cloudwatch, Dimensions=[server, city]) == ["two"]
    assert names(cloudwatch, Dimensions=[{"Name": "server", "Value": "b"}]) == []


def test_metrics_belong_to_a_region(lake: Any, cloudwatch: Any) -> None:
    put(cloudwatch, 1)
    assert names(lake.client("cloudwatch", region_name="eu-west-1")) == []


@pytest.mark.claim("CW-607")
def test_pages_hold_five_hundred(cloudwatch: Any) -> None:
    data = [{"MetricName": f"m{at}", "Value": 1} for at in range(501)]
    cloudwatch.put_metric_data(Namespace="app", MetricData=data)
    first = cloudwatch.list_metrics()
    assert len(first["Metrics"]) == 500
    second = cloudwatch.list_metrics(NextToken=first["NextToken"])
    assert [metric["MetricName"] for metric in second["Metrics"]] == ["m500"]
    assert "NextToken" not in second
    found = refused(cloudwatch.list_metrics, NextToken="mine")
    assert found == ("InvalidParameterValue", "Request parameter NextToken is invalid")


@pytest.mark.claim("CW-607")
def test_what_has_had_no_data_is_not_listed(lake: Any, cloudwatch: Any) -> None:
    put(cloudwatch, 1, name="old", at=START - timedelta(hours=4))
    put(cloudwatch, 1, name="new")
    assert names(cloudwatch, RecentlyActive="PT3H") == ["new"]
    lake.clock.advance(days=13, hours=22)
    assert names(cloudwatch) == ["new"]
    lake.clock.advance(hours=3)
    assert names(cloudwatch) == []
