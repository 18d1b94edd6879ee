"""Whatever text an expression is, it has a value, is refused, or is not built; it never breaks the lake."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import START, put
from .test_queries import metric

NAMES = ["m", "n", "x", "FILL", "IF", "SUM", "AVG", "METRICS", "SEARCH", "SORT", "SLICE", "RATE", "TIME_SERIES", "LOG"]
PIECES = st.sampled_from(
    [
        *NAMES,
        *"+-*/^<>()[],",
        "==",
        "&&",
        "||",
        " AND ",
        "0",
        "1e308",
        "2.5",
        "'{app}'",
        '"Sum"',
        "60",
        "REPEAT",
        "$",
        "'",
    ]
)
OPERATORS = st.sampled_from(["+", "-", "*", "/", "^", "<", "==", "&&"])
FUNCTIONS = st.sampled_from(
    ["ABS", "AVG", "CEIL", "DIFF", "LOG", "MAX", "RATE", "RUNNING_SUM", "STDDEV", "SUM", "PERIOD"]
)
FORMED = st.recursive(
    st.sampled_from(["m", "n", "0", "1e300", "METRICS()", "-1", "0.5"]),
    lambda inner: st.one_of(
        st.tuples(inner, OPERATORS, inner).map(lambda parts: f"({' '.join(parts)})"),
        st.tuples(FUNCTIONS, inner).map(lambda parts: f"{parts[0]}({parts[1]})"),
        st.tuples(inner, inner).map(lambda parts: f"FILL({parts[0]}, {parts[1]})"),
        st.tuples(inner, inner, inner).map(lambda parts: f"IF({', '.join(parts)})"),
        st.tuples(inner, inner).map(lambda parts: f"[{', '.join(parts)}]"),
        st.tuples(inner, inner).map(lambda parts: f"SLICE([{parts[0]}], {parts[1]})"),
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(expression=st.one_of(st.lists(PIECES, min_size=1, max_size=30).map("".join), FORMED).filter(str.strip))
def test_expressions_have_a_value_or_are_refused(cloudwatch: Any, expression: str) -> None:
    put(cloudwatch, 3, at=START)
    put(cloudwatch, 2.0**359, name="n", at=START)
    answer(cloudwatch, expression[:2048])


@pytest.mark.parametrize(
    "expression",
    ["+".join(["m"] * 1000), "-" * 2000 + "m", "CEIL(1e308 * 10) * m", "SLICE(METRICS(), 0 / 0)", "TIME_SERIES(0 / 0)"],
)
def test_expressions_at_the_edge(cloudwatch: Any, expression: str) -> None:
    put(cloudwatch, 3, at=START)
    answer(cloudwatch, expression)


def answer(cloudwatch: Any, expression: str) -> None:
    queries = [metric("m"), metric("n", "n"), {"Id": "e", "Expression": expression}]
    try:
        request = {"StartTime": START, "EndTime": START + timedelta(minutes=3), "MetricDataQueries": queries}
        results = cloudwatch.get_metric_data(**request)["MetricDataResults"]
    except ClientError as refusal:
        assert refusal.response["Error"]["Code"] in ("ValidationError", "NotImplemented")
    else:
        assert all(abs(value) < float("inf") for result in results for value in result["Values"])
