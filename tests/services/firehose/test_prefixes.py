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
    assert prefixes.evaluate(prefix, prefixes.Values(WHEN)) == expected


@pytest.mark.claim("KDF-547")
@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("bad/", "bad/format-conversion-failed/2024/03/05/23/"),
        ("e/!{firehose:error-output-type}/!{timestamp:yyyy}/", "e/format-conversion-failed/2024/"),
    ],
)
def test_error_prefixes(prefix, expected):
    assert prefixes.evaluate(prefix, prefixes.Values(WHEN, error_type="format-conversion-failed")) == expected


def test_partition_keys_come_from_the_query_and_from_the_function():
    prefix = "a=!{partitionKeyFromQuery:a}/b=!{partitionKeyFromLambda:b}/!{timestamp:MM}/"
    values = prefixes.Values(WHEN, query_keys={"a": "1"}, lambda_keys={"b": "2"})
    assert prefixes.evaluate(prefix, values) == "a=1/b=2/03/"


def test_random_strings_differ_by_object_and_place_and_are_the_same_for_one_object_again():
    first, second, again = (
        prefixes.evaluate("!{firehose:random-string}/!{firehose:random-string}/", prefixes.Values(WHEN, seed=seed))
        for seed in ("a", "b", "a")
    )
    assert len(first) == 24
    assert first != second
    assert first == again
    assert first[:12] != first[12:]


@pytest.mark.claim("KDF-547")
@pytest.mark.parametrize(
    ("prefix", "error_prefix", "message"),
    [
        ("!{x:y}", "e/", "Namespace to the left of colon (x) is an invalid keyword!"),
        ("!{timestamp:b}", "e/", "Invalid conversion character used in the value of the expression in Prefix"),
        ("!{firehose:nope}", "e/", "Invalid conversion character used in the value of the expression in Prefix"),
        ("!{timestamp", "e/", "Invalid expression usage"),
        ("!{}", "e/", "Invalid expression usage"),
        ("!{timestamp:yyyy}/", "", "ErrorOutputPrefix cannot be null or empty when Prefix contains expressions"),
        (
            "!{firehose:error-output-type}/",
            "e/",
            "Prefix must not contain any occurrence of !{firehose:error-output-type}",
        ),
        (
            "",
            "!{timestamp:yyyy}/",
            "ErrorOutputPrefix must contain at least one occurrence of !{firehose:error-output-type}",
        ),
        (
            "",
            "!{partitionKeyFromQuery:a}/",
            "Dynamic Partitioning Namespaces can't be part of an error prefix expression",
        ),
        ("x" * 513, "", "Length of evaluated prefix cannot be greater than 512"),
        ("", "x" * 513, "Length of evaluated ErrorOutputPrefix cannot be greater than 512"),
    ],
)
def test_a_prefix_that_breaks_a_rule_is_refused_in_aws_words(prefix, error_prefix, message):
    with pytest.raises(prefixes.InvalidPrefix) as caught:
        prefixes.check(prefix, error_prefix)
    assert str(caught.value) == message
