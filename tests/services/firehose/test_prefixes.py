"""Prefix expressions, by table."""

from datetime import UTC, datetime

import pytest

from pocketlake.services.firehose import prefixes

WHEN = datetime(2024, 3, 5, 23, 59, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("", "2024/03/05/23/"),
        ("raw/", "raw/2024/03/05/23/"),
        ("y=!{timestamp:yyyy}/m=!{timestamp:MM}/d=!{timestamp:dd}/", "y=2024/m=03/d=05/"),
        ("!{timestamp:yyyy/MM/dd/HH-mm-ss}/", "2024/03/05/23-59-07/"),
        ("!{timestamp:'at' HH}x", "at 23x"),
        ("!{timestamp:yy-D}", "24-65"),
    ],
)
def test_data_prefixes(prefix, expected):
    assert prefixes.evaluate(prefix, WHEN) == expected


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("bad/", "bad/format-conversion-failed/2024/03/05/23/"),
        ("e/!{firehose:error-output-type}/!{timestamp:yyyy}/", "e/format-conversion-failed/2024/"),
    ],
)
def test_error_prefixes(prefix, expected):
    assert prefixes.evaluate(prefix, WHEN, "format-conversion-failed") == expected


def test_random_strings_differ():
    first, second = (prefixes.evaluate("!{firehose:random-string}/", WHEN) for _ in range(2))
    assert len(first) == 12
    assert first != second


@pytest.mark.parametrize("prefix", ["!{x:y}", "!{timestamp:QQ}", "!{firehose:nope}", "!{timestamp", "!{}"])
def test_what_is_no_expression_is_refused(prefix):
    with pytest.raises(prefixes.InvalidPrefix):
        prefixes.check(prefix, is_error=True)
