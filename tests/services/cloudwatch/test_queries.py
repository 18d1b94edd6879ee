"""GetMetricData: metrics, expressions, labels and pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from .conftest import START, put, refused

MINUTE = timedelta(minutes=1)


def metric(id: str, name: str = "m", stat: str = "Sum", period: int = 60, **more: Any) -> dict[str, Any]:
    within = {key: more.pop(key) for key in ("Unit",) if key in more}
    dimensions = more.pop("Dimensions", [])
    held = {"Namespace": "app", "MetricName": name, "Dimensions": dimensions}
    return {"Id": id, "MetricStat": {"Metric": held, "Stat": stat, "Period": period, **within}, **more}


def ask(cloudwatch: Any, *queries: dict[str, Any], minutes: int = 10, **more: Any) -> list[dict[str, Any]]:
    request = {"StartTime": START, "EndTime": START + minutes * MINUTE, "ScanBy": "TimestampAscending", **more}
    return cloudwatch.get_metric_data(MetricDataQueries=list(queries), **request)["MetricDataResults"]


def points(result: dict[str, Any]) -> dict[int, float]:
    """Values by minute after noon."""
    minutes = [int((at - START) / MINUTE) for at in result["Timestamps"]]
    return dict(zip(minutes, result["Values"], strict=True))


@pytest.fixture
def filled(cloudwatch: Any) -> Any:
    """m: 1, 2, 4 in minutes 0, 1 and 3; n: 10, 20, 30 in minutes 0, 1 and 2."""
    for minute, value in {0: 1, 1: 2, 3: 4}.items():
        put(cloudwatch, value, at=START + minute * MINUTE)
    for minute, value in {0: 10, 1: 20, 2: 30}.items():
        put(cloudwatch, value, name="n", at=START + minute * MINUTE)
    return cloudwatch


def test_metrics_each_with_its_statistic_and_period(filled: Any) -> None:
    one, two, three = ask(filled, metric("a"), metric("b", "n", "Maximum", 120), metric("c", "none"))
    assert (one["Id"], points(one), one["StatusCode"]) == ("a", {0: 1, 1: 2, 3: 4}, "Complete")
    assert points(two) == {0: 20, 2: 30}
    assert (three["Timestamps"], three["Values"]) == ([], [])


@pytest.mark.claim("CW-609")
def test_the_latest_comes_first_unless_asked_otherwise(filled: Any) -> None:
    request = {"StartTime": START, "EndTime": START + 10 * MINUTE, "MetricDataQueries": [metric("a")]}
    (result,) = filled.get_metric_data(**request)["MetricDataResults"]
    assert result["Values"] == [4, 2, 1]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("m + n", {0: 11, 1: 22}),
        ("n - m * 2", {0: 8, 1: 16}),
        ("-m ^ 2", {0: -1, 1: -4, 3: -16}),
        ("2 ^ 3 ^ 0 * m", {0: 2, 1: 4, 3: 8}),
        ("(m + 1) * 2", {0: 4, 1: 6, 3: 10}),
        ("m / (m - 2)", {0: -1, 3: 2}),
        ("100 * m / n", {0: 10, 1: 10}),
        ("m >= 2", {0: 0, 1: 1, 3: 1}),
        ("m > 1 AND m < 4", {0: 0, 1: 1, 3: 0}),
        ("m == 1 || m == 4", {0: 1, 1: 0, 3: 1}),
        ("m * 0 + SUM(m)", {0: 7, 1: 7, 3: 7}),
        ("m - AVG(n)", {0: -19, 1: -18, 3: -16}),
        ("SUM([m, n])", {0: 11, 1: 22, 2: 30, 3: 4}),
        ("MAX(METRICS())", {0: 10, 1: 20, 2: 30, 3: 4}),
        ('SUM(METRICS("n"))', {0: 10, 1: 20, 2: 30}),
        ("AVG([m, n])", {0: 5.5, 1: 11, 2: 30, 3: 4}),
        ("FILL(m, 0)", {**dict.fromkeys(range(10), 0), 0: 1, 1: 2, 3: 4}),
        ("FILL(m, LINEAR)", {0: 1, 1: 2, 2: 3, 3: 4}),
        ("FILL(IF(n != 20, n), LINEAR)", {0: 10, 1: 20, 2: 30}),
        ("FILL(m, REPEAT)", {0: 1, 1: 2, 2: 2, **dict.fromkeys(range(3, 10), 4)}),
        ("FILL(m, n)", {0: 1, 1: 2, 2: 30, 3: 4}),
        ("RATE(m) * 60", {1: 1, 3: 1}),
        ("DIFF(m)", {1: 1, 3: 2}),
        ("DIFF_TIME(m)", {1: 60, 3: 120}),
        ("RUNNING_SUM(m)", {0: 1, 1: 3, 3: 7}),
        ("IF(m > 1, m)", {1: 2, 3: 4}),
        ("IF(m > 1, 100, n)", {0: 10, 1: 100, 3: 100}),
        ("ABS(m - 3)", {0: 2, 1: 1, 3: 1}),
        ("CEIL(m / 3) + FLOOR(m / 3)", {0: 1, 1: 1, 3: 3}),
        ("LOG10(n * 10)", {0: 2, 1: pytest.approx(2.30103), 2: pytest.approx(2.47712)}),
        ("MINUTE(m) + HOUR(m)", {0: 12, 1: 13, 3: 15}),
        ("m * PERIOD(m)", {0: 60, 1: 120, 3: 240}),
        ("m * METRIC_COUNT(METRICS())", {0: 2, 1: 4, 3: 8}),
        ("DATAPOINT_COUNT([m, n])", {0: 2, 1: 2, 2: 1, 3: 1}),
        ("FIRST(SORT(METRICS(), MAX, DESC))", {0: 10, 1: 20, 2: 30}),
        ("LAST(SLICE(SORT(METRICS(), SUM, ASC), 0, 1))", {0: 1, 1: 2, 3: 4}),
        ("TIME_SERIES(5)", dict.fromkeys(range(10), 5)),
        ("m * 0 + STDDEV(m) ^ 2", dict.fromkeys((0, 1, 3), pytest.approx(14 / 9))),
    ],
)
@pytest.mark.claim("CW-608")
def test_expressions(filled: Any, expression: str, expected: dict[int, float]) -> None:
    queries = [metric("m", ReturnData=False), metric("n", "n", ReturnData=False)]
    (result,) = ask(filled, *queries, {"Id": "e", "Expression": expression})
    assert (points(result), result["Id"], result["Label"]) == (expected, "e", "e")


def test_expressions_of_expressions_in_any_order(filled: Any) -> None:
    queries = [{"Id": "b", "Expression": "a * 10"}, {"Id": "a", "Expression": "m + 1", "ReturnData": False}]
    (result,) = ask(filled, *queries, metric("m", ReturnData=False))
    assert points(result) == {0: 20, 1: 30, 3: 50}


def test_arrays_are_results_each(filled: Any) -> None:
    queries = [metric("m", ReturnData=False), metric("n", "n", ReturnData=False)]
    first, second = ask(filled, *queries, {"Id": "e", "Expression": "METRICS() / 2"})
    assert (first["Id"], second["Id"]) == ("e", "e")
    assert (points(first)[1], points(second)[1]) == (1, 10)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("m +", "The expression ends too early"),
        ("m $ 2", "Unexpected '$' at position 3"),
        ("m + other", "There is no query with the Id other"),
        ("e + 1", "The query e goes by itself"),
        ("NOSUCH(m)", "There is no function NOSUCH"),
        ("SUM(m)", "The expression must give a time series or an array of them"),
        ("FILL(m)", "FILL does not take 1 arguments"),
        ("(" * 100 + "m" + ")" * 100, "The expression is nested too deeply"),
        ("SEARCH('{app}', 'Sum', 0)", "SEARCH takes a statistic and a period of seconds"),
        ("SEARCH('{app}', 'Sum', 0 - 60)", "SEARCH takes a statistic and a period of seconds"),
    ],
)
def test_expressions_that_cannot_be_worked_out(filled: Any, expression: str, said: str) -> None:
    queries = [metric("m"), {"Id": "e", "Expression": expression}]
    request = {"StartTime": START, "EndTime": START + MINUTE, "MetricDataQueries": queries}
    assert refused(filled.get_metric_data, **request) == ("ValidationError", f"Error in expression 'e': {said}\n")


def test_arrays_of_arrays_end_somewhere(filled: Any) -> None:
    """Six levels of a hundred would be 10^12 series."""
    levels = [
        {"Id": f"e{at}", "Expression": f"[{', '.join(100 * [f'e{at - 1}'])}]", "ReturnData": at == 6}
        for at in range(1, 7)
    ]
    queries = [metric("e0", ReturnData=False), *levels]
    request = {"StartTime": START, "EndTime": START + MINUTE, "MetricDataQueries": queries}
    code, message = refused(filled.get_metric_data, **request)
    assert (code, "More than 5000000 datapoints would have to be worked through" in message) == (
        "ValidationError",
        True,
    )


def test_what_is_not_built_says_so(filled: Any) -> None:
    queries = [metric("m"), {"Id": "e", "Expression": "ANOMALY_DETECTION_BAND(m, 2)"}]
    request = {"StartTime": START, "EndTime": START + MINUTE, "MetricDataQueries": queries}
    assert refused(filled.get_metric_data, **request)[0] == "NotImplemented"


def test_metrics_of_other_accounts_are_not_built(filled: Any) -> None:
    request = {"StartTime": START, "EndTime": START + MINUTE, "MetricDataQueries": [metric("m", AccountId="1" * 12)]}
    assert refused(filled.get_metric_data, **request)[0] == "NotImplemented"
    queries = [{"Id": "e", "Expression": "TIME_SERIES(1)", "AccountId": "1" * 12}]
    assert refused(filled.get_metric_data, **{**request, "MetricDataQueries": queries})[0] == "NotImplemented"
    assert refused(filled.list_metrics, OwningAccount="1" * 12)[0] == "NotImplemented"


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ('{app, server} MetricName="cpu"', ["a cpu", "b cpu"]),
        ("{app, server} cpu NOT server=b", ["a cpu"]),
        ("{app, server} (cpu OR FreeMemory) a", ["a FreeMemory", "a cpu"]),
        ("{app, server} memory", ["a FreeMemory"]),
        ('{app, server} server=("a" OR "b") MetricName=cpu', ["a cpu", "b cpu"]),
        ("{app, city} cpu", []),
        ("{app}", ["cpu"]),
    ],
)
@pytest.mark.claim("CW-608")
def test_searches(cloudwatch: Any, search: str, expected: list[str]) -> None:
    for server in "ab":
        put(cloudwatch, 1, name="cpu", at=START, Dimensions=[{"Name": "server", "Value": server}])
    put(cloudwatch, 1, name="FreeMemory", at=START, Dimensions=[{"Name": "server", "Value": "a"}])
    put(cloudwatch, 1, name="cpu", at=START)
    found = ask(cloudwatch, {"Id": "e", "Expression": f"SEARCH('{search}', 'Sum', 60)"})
    assert [result["Label"] for result in found] == expected
    assert all(points(result) == {0: 1} for result in found)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([("Sum", 60), ("Minimum", 60)], ["m Sum", "m Minimum"]),
        ([("Sum", 60), ("Minimum", 120)], ["m Sum 60", "m Minimum 120"]),
        ([("Sum", 60), ("Sum", 120)], ["m 60", "m 120"]),
        ([("Sum", 60), ("Sum", 60)], ["m", "m"]),
    ],
)
def test_labels_tell_apart_what_differs(filled: Any, pairs: list[tuple[str, int]], expected: list[str]) -> None:
    found = ask(filled, *(metric(f"q{at}", "m", *pair) for at, pair in enumerate(pairs)))
    assert [result["Label"] for result in found] == expected


def test_labels_with_figures_in_them(filled: Any) -> None:
    label = "${PROP('Stat')} ${LABEL}: ${MIN} to ${MAX} (${MAX_TIME}), last ${LAST}, ${AVG}"
    (result,) = ask(filled, metric("m", Label=label), LabelOptions={"Timezone": "+0130"})
    assert result["Label"] == "Sum m: 1 to 4 (2024-03-05 13:33:00 UTC), last 4, 2.333"
    request = {"StartTime": START, "EndTime": START + MINUTE, "MetricDataQueries": [metric("m")]}
    assert refused(filled.get_metric_data, **request, LabelOptions={"Timezone": "CET"})[0] == "ValidationError"


def test_a_label_shows_no_sum_beyond_the_largest_number(filled: Any) -> None:
    (result,) = ask(filled, {"Id": "e", "Expression": "TIME_SERIES(1e308)", "Label": "${SUM} of ${DATAPOINT_COUNT}"})
    assert result["Label"] == "-- of 10"


def test_of_several_units_the_first_is_taken_and_said(cloudwatch: Any) -> None:
    for unit, value in {"Seconds": 60, "Milliseconds": 60_000}.items():
        put(cloudwatch, value, at=START, Unit=unit)
    one, other = ask(cloudwatch, metric("a"), metric("b", Unit="Seconds"))
    said = "Multiple units returned: '[Milliseconds, Seconds]'"
    assert (one["Values"], one["Messages"]) == ([60_000], [{"Code": "MultipleUnits", "Value": said}])
    assert (other["Values"], other.get("Messages", [])) == ([60], [])


@pytest.mark.claim("CW-609")
def test_pages(filled: Any) -> None:
    request = {"StartTime": START, "EndTime": START + 10 * MINUTE, "ScanBy": "TimestampAscending"}
    request |= {"MetricDataQueries": [metric("m"), metric("n", "n")], "MaxDatapoints": 2}
    first = filled.get_metric_data(**request)
    (partial,) = first["MetricDataResults"]
    assert (partial["Values"], partial["StatusCode"]) == ([1, 2], "PartialData")
    second = filled.get_metric_data(**request, NextToken=first["NextToken"])
    rest, begun = second["MetricDataResults"]
    assert (rest["Values"], rest["StatusCode"], begun["Values"]) == ([4], "Complete", [10])
    third = filled.get_metric_data(**request, NextToken=second["NextToken"])
    assert third["MetricDataResults"][0]["Values"] == [20, 30]
    assert "NextToken" not in third
    assert refused(filled.get_metric_data, **request, NextToken="x")[0] == "InvalidNextToken"


def test_arrays_go_on_where_the_page_before_ended(filled: Any) -> None:
    queries = [
        metric("m", ReturnData=False),
        metric("n", "n", ReturnData=False),
        {"Id": "e", "Expression": "[m, n]"},
    ]
    request = {"StartTime": START, "EndTime": START + 10 * MINUTE, "ScanBy": "TimestampAscending", "MaxDatapoints": 3}
    request["MetricDataQueries"] = [*queries, metric("last")]
    pages, token = [], {}
    while True:
        page = filled.get_metric_data(**request, **token)
        pages.append([(result["Id"], result["Values"]) for result in page["MetricDataResults"]])
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert pages == [[("e", [1, 2, 4])], [("e", [10, 20, 30])], [("last", [1, 2, 4])]]


def test_what_lies_behind_a_page_is_read_but_not_worked_out(filled: Any) -> None:
    """An expression that cannot be read is refused at once, one that cannot be worked out when its page comes."""
    request = {"StartTime": START, "EndTime": START + 10 * MINUTE, "MaxDatapoints": 1}
    wrong = {**request, "MetricDataQueries": [metric("m"), {"Id": "e", "Expression": "m +"}]}
    assert refused(filled.get_metric_data, **wrong)[0] == "ValidationError"
    request["MetricDataQueries"] = [metric("m"), {"Id": "e", "Expression": "SUM(m)"}]
    token = {}
    for _ in range(2):
        token = {"NextToken": filled.get_metric_data(**request, **token)["NextToken"]}
    assert refused(filled.get_metric_data, **request, **token)[0] == "ValidationError"


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ([{"Id": "a"}], "The parameter MetricDataQueries.member.1.MetricStat is required.\n"),
        ([metric("a"), metric("a")], "The values for parameter id in MetricDataQueries are not unique.\n"),
        (
            [{**metric("a"), "Expression": "b"}],
            "The parameters MetricDataQueries.member.1.Expression and MetricDataQueries.member.1.MetricStat are "
            "mutually exclusive and you have specified both.\n",
        ),
        (
            [metric("A")],
            "The value A for parameter MetricDataQueries.member.1.Id is not matching the expected pattern "
            "^[a-z][a-zA-Z0-9_]*$.\n",
        ),
        (
            [metric("a", stat="Median")],
            "The value Median for parameter MetricDataQueries.member.1.MetricStat.Stat is not supported.\n",
        ),
        (
            [{"Id": "a", "Expression": "TIME_SERIES(1)", "Period": 7}],
            "The value 7 for parameter MetricDataQueries.member.1.Period is not supported.\n",
        ),
        (
            [metric(f"q{at}") for at in range(501)],
            "The collection MetricDataQueries must not have a size greater than 500.\n",
        ),
    ],
)
def test_what_is_refused(cloudwatch: Any, queries: list[dict[str, Any]], message: str) -> None:
    request = {"StartTime": START, "EndTime": START + MINUTE, "MetricDataQueries": queries}
    assert refused(cloudwatch.get_metric_data, **request) == ("ValidationError", message)


def test_times_that_are_refused(cloudwatch: Any) -> None:
    request = {"MetricDataQueries": [metric("a")], "StartTime": START}
    equal, after = (refused(cloudwatch.get_metric_data, **request, EndTime=end) for end in (START, START - MINUTE))
    assert equal == ("ValidationError", "The parameter StartTime must not equal parameter EndTime.\n")
    assert after == ("ValidationError", "The parameter EndTime must be greater than StartTime.\n")
