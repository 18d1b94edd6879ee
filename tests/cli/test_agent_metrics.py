"""What the agent publishes about its sending."""

from __future__ import annotations

import json
import urllib.request
from datetime import timedelta

import pytest

from tests.cli.test_agent import configure, kinesis, logs, once

__all__ = ["kinesis", "logs"]  # fixtures


def published(lake, name, destination="KinesisStream:logs"):
    now = lake.clock.now()
    found = lake.client("cloudwatch").get_metric_statistics(
        Namespace="AWSKinesisAgent",
        MetricName=name,
        Dimensions=[{"Name": "Destination", "Value": destination}],
        StartTime=now - timedelta(minutes=30),
        EndTime=now + timedelta(minutes=30),
        Period=3600,
        Statistics=["Sum"],
    )
    return [point["Sum"] for point in found["Datapoints"]]


@pytest.mark.claim("CW-501")
def test_what_was_sent_to_each_destination(lake, kinesis, logs):
    kinesis.create_stream(StreamName="other", ShardCount=1)
    (logs / "app.log").write_text("one\ntwo\nthree\n")
    (logs / "web.log").write_text("four\n")
    flows = [{}, {"filePattern": f"{logs}/web.log", "kinesisStream": "other"}]
    assert once(lake, configure(logs, *flows)) == 4
    assert published(lake, "BytesSent") == [len("one\ntwo\nthree\n")]
    assert published(lake, "RecordSendAttempts") == [3]
    assert published(lake, "RecordSendErrors") == published(lake, "ServiceErrors") == [0]
    assert published(lake, "RecordSendAttempts", "KinesisStream:other") == [1]


@pytest.mark.claim("CW-501")
@pytest.mark.parametrize(("code", "errors"), [("InternalFailure", 2), ("ProvisionedThroughputExceededException", 0)])
def test_calls_that_fail_are_errors_and_made_again(lake, kinesis, logs, code, errors):
    fault = {"service": "kinesis", "operation": "PutRecords", "code": code, "times": 2}
    request = urllib.request.Request(f"{lake.endpoint_url}/_pocketlake/faults", json.dumps(fault).encode())
    urllib.request.urlopen(request).close()
    (logs / "app.log").write_text("one\ntwo\n")
    assert once(lake, configure(logs)) == 2
    assert published(lake, "RecordSendAttempts") == [6]
    assert published(lake, "RecordSendErrors") == [4]
    assert published(lake, "BytesSent") == [8]
    assert published(lake, "ServiceErrors") == [errors]


def test_metrics_can_be_switched_off(lake, kinesis, logs):
    (logs / "app.log").write_text("one\n")
    assert once(lake, configure(logs, **{"cloudwatch.emitMetrics": False})) == 1
    assert published(lake, "RecordSendAttempts") == []


def test_metrics_that_nobody_takes_hold_no_records_up(lake, kinesis, logs):
    (logs / "app.log").write_text("one\n")
    assert once(lake, configure(logs, **{"cloudwatch.endpoint": "http://127.0.0.1:9"})) == 1
    assert len(kinesis.list_shards(StreamName="logs")["Shards"]) == 1
