"""What workgroups publish to CloudWatch."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from .conftest import RESULTS


def published(lake: Any, name: str, statistic: str = "Sum", **dimensions: str) -> list[float]:
    now = lake.clock.now()
    found = lake.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Athena",
        MetricName=name,
        Dimensions=[{"Name": one, "Value": value} for one, value in dimensions.items()],
        StartTime=now - timedelta(minutes=30),
        EndTime=now + timedelta(minutes=30),
        Period=3600,
        Statistics=[statistic],
    )
    return [point[statistic] for point in found["Datapoints"]]


@pytest.mark.claim("CW-009", "ATH-510")
def test_a_workgroup_publishes_its_queries_where_it_is_told_to(athena: Any) -> None:
    for name, publishes in (("told", True), ("quiet", False)):
        configuration = {
            "PublishCloudWatchMetricsEnabled": publishes,
            "ResultConfiguration": {"OutputLocation": RESULTS},
        }
        athena.client.create_work_group(Name=name, Configuration=configuration)
    athena.put("t/a.csv", b"1\n2\n3\n")
    athena.finish(athena.start("CREATE EXTERNAL TABLE t (n int) LOCATION 's3://data/t/'", WorkGroup="told"))
    scanned = 0
    for name in ("told", "quiet"):
        execution = athena.finish(athena.start("SELECT sum(n) FROM t", WorkGroup=name))
        scanned = execution["Statistics"]["DataScannedInBytes"]
    athena.finish(athena.start("SELECT nothing FROM t", WorkGroup="told"))
    assert scanned > 0
    lake = athena.lake
    assert published(lake, "ProcessedBytes", WorkGroup="told") == [scanned]
    assert published(lake, "TotalExecutionTime", "SampleCount", WorkGroup="told") == [3]
    assert published(lake, "QueryQueueTime", WorkGroup="told") == [0]
    good = {"QueryState": "SUCCEEDED", "QueryType": "DML", "WorkGroup": "told"}
    assert published(lake, "EngineExecutionTime", "SampleCount", **good) == [1]
    assert published(lake, "TotalExecutionTime", "SampleCount", **{**good, "QueryState": "FAILED"}) == [1]
    assert published(lake, "TotalExecutionTime", "SampleCount", **{**good, "QueryType": "DDL"}) == [1]
    assert published(lake, "ProcessedBytes", WorkGroup="quiet") == []
