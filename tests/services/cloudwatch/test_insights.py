"""Metrics Insights: SELECT in GetMetricData."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from .conftest import START, put, refused
from .test_queries import ask, metric, points

REQUESTS = {("a", "Berlin"): 5, ("a", "Paris"): 7, ("b", "Berlin"): 30}


@pytest.fixture
def filled(cloudwatch: Any) -> Any:
    """Requests of servers in cities, in the first minute; of server a in Berlin in the second one as well."""
    for (server, city), value in REQUESTS.items():
        dimensions = [{"Name": "server", "Value": server}, {"Name": "city", "Value": city}]
        put(cloudwatch, value, 1, name="Requests", at=START, Dimensions=dimensions)
        if (server, city) == ("a", "Berlin"):
            put(cloudwatch, 100, name="Requests", at=START + timedelta(minutes=1), Dimensions=dimensions)
    put(cloudwatch, 1000, name="Requests", at=START, Dimensions=[{"Name": "server", "Value": "a"}])
    put(cloudwatch, 5, name="Other", at=START)
    return cloudwatch


@pytest.mark.claim("CW-612")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT SUM(Requests) FROM app", {"e": {0: 1045, 1: 100}}),
        ('select avg(Requests) from SCHEMA("app", server, city)', {"e": {0: 7.5, 1: 100}}),
        ("SELECT COUNT(Requests) FROM SCHEMA(app, city, server)", {"e": {0: 6, 1: 1}}),
        ("SELECT MAX(Requests) FROM SCHEMA(app, server)", {"e": {0: 1000}}),
        ("SELECT SUM(Requests) FROM app WHERE city = 'Berlin'", {"e": {0: 37, 1: 100}}),
        ("SELECT SUM(Requests) FROM app WHERE city = 'Berlin' AND server != 'a'", {"e": {0: 31}}),
        ("SELECT SUM(Requests) FROM app GROUP BY city", {"Berlin": {0: 37, 1: 100}, "Paris": {0: 8}}),
        (
            "SELECT SUM(Requests) FROM app GROUP BY server, city ORDER BY MAX() DESC LIMIT 2",
            {"a Berlin": {0: 6, 1: 100}, "b Berlin": {0: 31}},
        ),
        ("SELECT MIN(Requests) FROM app GROUP BY city ORDER BY SUM() ASC LIMIT 1", {"Paris": {0: 1}}),
        ("SELECT SUM(Requests) FROM app WHERE city = 'O''Hare'", {"e": {}}),
        ("SELECT SUM(Requests) FROM app WHERE city = 'Rome' GROUP BY city", {}),
    ],
)
def test_queries(filled: Any, query: str, expected: dict[str, dict[int, float]]) -> None:
    found = ask(filled, {"Id": "e", "Expression": query, "Period": 60})
    assert [(result["Label"], points(result)) for result in found] == list(expected.items())
    assert all(result["Id"] == "e" for result in found)


def test_expressions_go_on_with_what_was_selected(filled: Any) -> None:
    query = {"Id": "q", "Expression": "SELECT SUM(Requests) FROM app GROUP BY city", "Period": 60, "ReturnData": False}
    (result,) = ask(filled, query, {"Id": "e", "Expression": "SUM(q) * 2"})
    assert points(result) == {0: 90, 1: 200}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT MEDIAN(Requests) FROM app", "There is no function MEDIAN; there are AVG, COUNT, MAX, MIN, SUM"),
        ("SELECT SUM(Requests)", "FROM is expected, not ''"),
        ("SELECT SUM(Requests) FROM app WHERE city", "The query ends too early"),
        ("SELECT SUM(Requests) FROM app WHERE city = Berlin", "Unexpected 'Berlin'"),
        ("SELECT SUM(Requests) FROM app LIMIT 501", "LIMIT has to lie between 1 and 500"),
        ("SELECT SUM(Requests) FROM app HAVING x", "Unexpected 'HAVING'"),
        ("SELECT SUM(Requests) FROM app;", "Unexpected ';'"),
    ],
)
def test_queries_that_cannot_be_read(filled: Any, query: str, said: str) -> None:
    queries = [metric("m"), {"Id": "e", "Expression": query, "Period": 60}]
    request = {"StartTime": START, "EndTime": START + timedelta(minutes=1), "MetricDataQueries": queries}
    assert refused(filled.get_metric_data, **request) == ("ValidationError", f"Error in expression 'e': {said}\n")


def test_one_query_may_be_a_select(filled: Any) -> None:
    queries = [{"Id": id, "Expression": "SELECT SUM(Requests) FROM app", "Period": 60} for id in ("a", "b")]
    request = {"StartTime": START, "EndTime": START + timedelta(minutes=1), "MetricDataQueries": queries}
    assert refused(filled.get_metric_data, **request)[0] == "ValidationError"
