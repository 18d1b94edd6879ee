"""PutMetricData and what GetMetricStatistics makes of it."""

from __future__ import annotations

import gzip
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from pocketlake.embedded import run

from .conftest import START, put, refused, statistics

ALL = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")


def datum(**more: Any) -> dict[str, Any]:
    return {"Namespace": "app", "MetricData": [{"MetricName": "m", **more}]}


def test_values_of_a_minute_are_one_datapoint(cloudwatch: Any) -> None:
    put(cloudwatch, 1, 2, 6, at=START)
    put(cloudwatch, 3, at=START + timedelta(seconds=59))
    put(cloudwatch, 100, at=START + timedelta(seconds=60))
    first, second = statistics(cloudwatch, *ALL)
    assert first == {
        "Timestamp": START,
        "SampleCount": 4.0,
        "Average": 3.0,
        "Sum": 12.0,
        "Minimum": 1.0,
        "Maximum": 6.0,
        "Unit": "None",
    }
    assert (second["Timestamp"], second["Sum"]) == (START + timedelta(minutes=1), 100.0)


def test_a_value_without_a_timestamp_happens_now(lake: Any, cloudwatch: Any) -> None:
    lake.clock.advance(minutes=7)
    put(cloudwatch, 5)
    (point,) = statistics(cloudwatch, "Sum")
    assert point["Timestamp"] == START + timedelta(minutes=7)


def test_periods_follow_the_start_of_the_request(cloudwatch: Any) -> None:
    for minute in range(10):
        put(cloudwatch, minute, at=START + timedelta(minutes=minute))
    asked = {"StartTime": START + timedelta(minutes=2, seconds=40), "EndTime": START + timedelta(minutes=9)}
    found = statistics(cloudwatch, "Sum", Period=300, **asked)
    assert [(point["Timestamp"].minute, point["Sum"]) for point in found] == [(2, 2 + 3 + 4 + 5 + 6), (7, 7 + 8)]


@pytest.mark.claim("CW-601")
def test_metrics_differ_by_each_of_their_dimensions(cloudwatch: Any) -> None:
    berlin, paris = ({"Name": "city", "Value": value} for value in ("Berlin", "Paris"))
    server = {"Name": "server", "Value": "a"}
    put(cloudwatch, 1, Dimensions=[server, berlin])
    put(cloudwatch, 2, Dimensions=[server, paris])
    put(cloudwatch, 4)
    assert [point["Sum"] for point in statistics(cloudwatch, "Sum", Dimensions=[berlin, server])] == [1.0]
    assert [point["Sum"] for point in statistics(cloudwatch, "Sum")] == [4.0]
    assert statistics(cloudwatch, "Sum", Dimensions=[server]) == []


def test_units_are_kept_apart(cloudwatch: Any) -> None:
    put(cloudwatch, 1, Unit="Seconds")
    put(cloudwatch, 5, Unit="Count")
    put(cloudwatch, 10)
    found = {point["Unit"]: point["Average"] for point in statistics(cloudwatch, "Average")}
    assert found == {"Seconds": 1.0, "Count": 5.0, "None": 10.0}
    assert [point["Average"] for point in statistics(cloudwatch, "Average", Unit="Count")] == [5.0]
    assert statistics(cloudwatch, "Average", Unit="Bytes") == []


def test_values_come_with_their_counts_and_aggregates_add_up(cloudwatch: Any) -> None:
    cloudwatch.put_metric_data(**datum(Values=[1.0, 10.0], Counts=[2, 4]))
    aggregate = {"SampleCount": 3, "Sum": 123, "Minimum": 12, "Maximum": 100}
    cloudwatch.put_metric_data(**datum(StatisticValues=aggregate))
    (point,) = statistics(cloudwatch, *ALL)
    assert [point[name] for name in ALL] == [9.0, 165 / 9, 165.0, 1.0, 100.0]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("p0", 1),
        ("p50", 50),
        ("p90", 90),
        ("p99.9", 100),
        ("p100", 100),
        ("tm50", 25.5),
        ("TM(10%:90%)", 50.5),
        ("TM(:50)", 25.5),
        ("IQM", 50.5),
        ("WM(10%:90%)", 50.5),
        ("WM(:50)", (25.5 * 50 + 50 * 50) / 100),
        ("WM(10.5:49.5)", (10.5 * 10 + 30 * 39 + 49.5 * 51) / 100),
        ("tc90", 90),
        ("TC(90:95)", 5),
        ("ts10", 55),
        ("TS(98:)", 99 + 100),
        ("PR(:25)", 25),
    ],
)
@pytest.mark.claim("CW-606")
def test_extended_statistics(cloudwatch: Any, name: str, expected: float) -> None:
    cloudwatch.put_metric_data(**datum(Values=list(range(1, 101))))
    (point,) = statistics(cloudwatch, ExtendedStatistics=[name])
    assert point["ExtendedStatistics"] == {name: pytest.approx(expected)}


@pytest.mark.claim("CW-606")
def test_percentiles_of_many_values_are_right_to_two_percent(cloudwatch: Any) -> None:
    for first in range(1, 10_001, 1000):
        put(cloudwatch, *range(first, first + 1000))
    (point,) = statistics(cloudwatch, ExtendedStatistics=["p50", "p99"])
    assert point["ExtendedStatistics"] == {"p50": pytest.approx(5000, rel=0.02), "p99": pytest.approx(9900, rel=0.02)}
    (exact,) = statistics(cloudwatch, *ALL)
    assert [exact[name] for name in ALL] == [10_000.0, 5000.5, 50_005_000.0, 1.0, 10_000.0]


def test_aggregates_have_percentiles_only_where_all_values_are_one(cloudwatch: Any) -> None:
    same = {"SampleCount": 3, "Sum": 21, "Minimum": 7, "Maximum": 7}
    cloudwatch.put_metric_data(**datum(StatisticValues=same))
    (point,) = statistics(cloudwatch, ExtendedStatistics=["p50"])
    assert point["ExtendedStatistics"] == {"p50": 7.0}
    cloudwatch.put_metric_data(**datum(StatisticValues={**same, "Maximum": 8, "Sum": 22}))
    assert statistics(cloudwatch, ExtendedStatistics=["p50"]) == []


AT = "MetricData.member.1"


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        ({"Value": float("nan")}, "InvalidParameterValue", f"The value NaN for parameter {AT}.Value is invalid."),
        (
            {"Value": float("inf")},
            "InvalidParameterValue",
            f"The value Infinity for parameter {AT}.Value is invalid.",
        ),
        (
            {"Value": 1.0, "Values": [1.0]},
            "InvalidParameterValue",
            f"The parameters {AT}.Value and {AT}.Values are mutually exclusive and you have specified both.",
        ),
        (
            {"Values": [1.0, 2.0], "Counts": [1]},
            "InvalidParameterValue",
            f"The parameters {AT}.Values and {AT}.Counts must be of the same size.",
        ),
        (
            {"Values": [float(one) for one in range(151)]},
            "InvalidParameterValue",
            f"The collection {AT}.Values must not have a size greater than 150.",
        ),
        (
            {"Value": 1, "StatisticValues": {"SampleCount": 1, "Sum": 1, "Minimum": 1, "Maximum": 1}},
            "InvalidParameterCombination",
            f"The parameters {AT}.Value and {AT}.StatisticValues are mutually exclusive and you have specified both.",
        ),
        (
            {},
            "InvalidParameterCombination",
            f"At least one of the parameters {AT}.Value and {AT}.StatisticValues must be specified.",
        ),
        (
            {"Value": 1, "StorageResolution": 300},
            "InvalidParameterValue",
            f"The parameter {AT}.StorageResolution must be a value in the set [ 1, 60 ].",
        ),
        (
            {"Value": 1, "Timestamp": START - timedelta(days=14, seconds=1)},
            "InvalidParameterValue",
            f"The parameter {AT}.Timestamp must specify a time within the past two weeks.",
        ),
        (
            {"Value": 1, "Timestamp": START + timedelta(hours=2, seconds=1)},
            "InvalidParameterValue",
            f"The parameter {AT}.Timestamp must specify a time no more than two hours in the future.",
        ),
    ],
)
@pytest.mark.claim("CW-602", "CW-603")
def test_what_is_refused(cloudwatch: Any, given: dict[str, Any], code: str, message: str) -> None:
    assert refused(cloudwatch.put_metric_data, **datum(**given)) == (code, message)


@pytest.mark.claim("CW-603")
def test_requests_that_are_wrong_as_a_whole(cloudwatch: Any) -> None:
    one = {"MetricName": "m", "Value": 1}
    code, message = refused(cloudwatch.put_metric_data, Namespace="AWS/EC2", MetricData=[one])
    assert (code, message) == ("InvalidParameterValue", "The value AWS/ for parameter Namespace is invalid.")
    code, _ = refused(cloudwatch.put_metric_data, Namespace="app", MetricData=[])
    assert code == "MissingParameter"
    _, message = refused(cloudwatch.put_metric_data, Namespace="app", MetricData=[one] * 1001)
    assert message == "The collection MetricData must not have a size greater than 1000."
    cloudwatch.put_metric_data(Namespace="app", MetricData=[one] * 1000)
    assert statistics(cloudwatch, "Sum")[0]["Sum"] == 1000.0


@pytest.mark.claim("CW-603")
def test_one_wrong_value_keeps_all_others_out(cloudwatch: Any) -> None:
    data = [{"MetricName": "m", "Value": 1}, {"MetricName": "m", "Value": float("nan")}]
    refused(cloudwatch.put_metric_data, Namespace="app", MetricData=data)
    assert statistics(cloudwatch, "Sum") == []


@pytest.mark.claim("CW-605")
def test_what_statistics_cannot_be_asked(cloudwatch: Any) -> None:
    request = {"Namespace": "app", "MetricName": "m", "StartTime": START, "EndTime": START, "Period": 60}
    ask = cloudwatch.get_metric_statistics
    both = "Must specify either Statistics or ExtendedStatistics"
    assert refused(ask, **request) == ("InvalidParameterCombination", both)
    request["Statistics"] = ["Sum"]
    before = "The parameter StartTime must be less than the parameter EndTime."
    for start in (timedelta(0), timedelta(seconds=1), timedelta(milliseconds=500)):
        assert refused(ask, **{**request, "StartTime": START + start}) == ("InvalidParameterValue", before)
    day = {**request, "EndTime": START + timedelta(days=1)}
    assert ask(**day)["Datapoints"] == []
    assert refused(ask, **{**day, "EndTime": START + timedelta(days=1, minutes=1)}) == (
        "InvalidParameterCombination",
        "You have requested up to 1441 datapoints, which exceeds the limit of 1440. You may reduce the datapoints "
        "requested by increasing Period, or decreasing the time range.",
    )
    assert refused(ask, **{**day, "Period": 45})[0] == "InvalidParameterValue"
    del day["Statistics"]
    assert refused(ask, **day, ExtendedStatistics=["p101"])[0] == "InvalidParameterValue"


@pytest.mark.claim("CW-611")
def test_metric_data_outlives_a_restart(tmp_path: Path) -> None:
    with run(tmp_path) as lake:
        lake.clock.freeze()
        lake.clock.set(START)
        put(lake.client("cloudwatch"), 5, 6)
    with run(tmp_path) as lake:
        assert statistics(lake.client("cloudwatch"), "Sum")[0]["Sum"] == 11.0


@pytest.mark.claim("CW-610")
def test_large_requests_come_compressed(cloudwatch: Any) -> None:
    """boto3 compresses them from 10 KiB on."""
    put(cloudwatch, *range(800), Dimensions=[{"Name": "path", "Value": "x" * 100}])
    (point,) = statistics(cloudwatch, "SampleCount", Dimensions=[{"Name": "path", "Value": "x" * 100}])
    assert point["SampleCount"] == 800.0


@pytest.mark.parametrize("protocol", ["json", "smithy-rpc-v2-cbor", "query"])
@pytest.mark.claim("CW-610")
def test_every_protocol_of_the_model_is_spoken(lake: Any, cloudwatch: Any, protocol: str, monkeypatch: Any) -> None:
    from botocore.session import get_session

    session = get_session()
    model = session.get_component("data_loader").load_service_model("cloudwatch", "service-2")
    model["metadata"] = {**model["metadata"], "protocols": [protocol], "protocol": protocol}
    monkeypatch.setattr(session.get_component("data_loader"), "load_service_model", loader(session, model))
    client = session.create_client(
        "cloudwatch",
        region_name="us-east-1",
        endpoint_url=lake.endpoint_url,
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"total_max_attempts": 1}),
    )
    put(client, 1, 2, Dimensions=[{"Name": "a", "Value": "b"}])
    (point,) = statistics(client, "Sum", Dimensions=[{"Name": "a", "Value": "b"}])
    assert (point["Sum"], point["Timestamp"]) == (3.0, START)
    assert client.list_metrics()["Metrics"][0]["Dimensions"] == [{"Name": "a", "Value": "b"}]
    code, message = refused(client.put_metric_data, **datum(Value=float("nan")))
    assert (code, message) == ("InvalidParameterValue", f"The value NaN for parameter {AT}.Value is invalid.")


def loader(session: Any, model: dict[str, Any]) -> Any:
    """botocore's, but for CloudWatch's own model."""
    load = session.get_component("data_loader").load_service_model

    def load_service_model(service: str, kind: str, api_version: str | None = None) -> Any:
        return model if (service, kind) == ("cloudwatch", "service-2") else load(service, kind, api_version)

    return load_service_model


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (gzip.compress(b'{"Namespace": "app", "MetricData": [{"MetricName": "m", "Value": 7}]}'), 200),
        (b"no gzip", 400),
        (gzip.compress(b'{"Namespace": "app", "MetricData": [{"MetricName": "m", "Value": 7}]}')[:-4], 400),
        (gzip.compress(b'{"Namespace": "app"}') + gzip.compress(b"more"), 400),
        (gzip.compress(b" " * (65 * 1024 * 1024)), 413),
    ],
    ids=["whole", "no gzip", "cut off", "more behind it", "too large"],
)
@pytest.mark.claim("CW-610")
def test_compressed_bodies(lake: Any, cloudwatch: Any, body: bytes, status: int) -> None:
    headers = {
        "Content-Encoding": "gzip",
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": "GraniteServiceVersion20100801.PutMetricData",
    }
    request = urllib.request.Request(lake.endpoint_url, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            found = answer.status
    except urllib.error.HTTPError as refusal:
        found = refusal.code
    assert found == status
    assert [point["Sum"] for point in statistics(cloudwatch, "Sum")] == ([7.0] if status == 200 else [])
