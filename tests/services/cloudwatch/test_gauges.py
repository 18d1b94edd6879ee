"""Gauges that say something while nothing happens: a queue in which a message lies is read for the minutes between."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from .conftest import START

VISIBLE = "ApproximateNumberOfMessagesVisible"
STAT = {
    "Metric": {"Namespace": "AWS/SQS", "MetricName": VISIBLE, "Dimensions": [{"Name": "QueueName", "Value": "quiet"}]},
    "Period": 60,
    "Stat": "Maximum",
}
SPAN = {"StartTime": START + timedelta(hours=5), "EndTime": START + timedelta(hours=6)}


def statistics(cloudwatch: Any) -> int:
    asked = {**STAT["Metric"], "Period": 60, "Statistics": ["Maximum"]}
    return len(cloudwatch.get_metric_statistics(**SPAN, **asked)["Datapoints"])


def data(query: dict[str, Any]) -> Callable[[Any], int]:
    def count(cloudwatch: Any) -> int:
        results = cloudwatch.get_metric_data(**SPAN, MetricDataQueries=[{"Id": "q", **query}])["MetricDataResults"]
        return sum(len(result["Values"]) for result in results)

    return count


@pytest.mark.parametrize(
    "count",
    [
        statistics,
        data({"MetricStat": STAT}),
        data({"Expression": f"SEARCH('{{AWS/SQS,QueueName}} MetricName=\"{VISIBLE}\" quiet', 'Maximum', 60)"}),
        data({"Expression": f'SELECT MAX({VISIBLE}) FROM SCHEMA("AWS/SQS", QueueName)', "Period": 60}),
    ],
    ids=["GetMetricStatistics", "MetricStat", "SEARCH", "SELECT"],
)
def test_whoever_reads_a_quiet_queue_sees_every_minute_of_it(lake: Any, cloudwatch: Any, count: Any) -> None:
    url = lake.client("sqs").create_queue(QueueName="quiet")["QueueUrl"]
    lake.client("sqs").send_message(QueueUrl=url, MessageBody="x")
    lake.clock.advance(hours=6)
    assert count(cloudwatch) == 60


def test_a_quiet_queue_is_active_lately(lake: Any, cloudwatch: Any) -> None:
    url = lake.client("sqs").create_queue(QueueName="quiet")["QueueUrl"]
    lake.client("sqs").send_message(QueueUrl=url, MessageBody="x")
    lake.clock.advance(hours=6)
    listed = cloudwatch.list_metrics(Namespace="AWS/SQS", RecentlyActive="PT3H")["Metrics"]
    assert VISIBLE in [metric["MetricName"] for metric in listed]
    assert "SentMessageSize" not in [metric["MetricName"] for metric in listed]
