"""Contributor Insights: states, and keys that are really counted."""

from __future__ import annotations

from typing import Any

import click
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketlake.cli.endpoint import ask
from pocketlake.services.dynamodb import keys, numbers, readable_keys
from pocketlake.services.dynamodb.capacity import contributors
from pocketlake.services.dynamodb.capacity.contributors import Insight
from pocketlake.services.dynamodb.schemas import Key

from .conftest import index, make, refusal, units


@pytest.fixture
def table(dynamodb: Any) -> str:
    by_g = index("by-g", "g:S", ProvisionedThroughput=units(1, 1))
    return make(
        dynamodb,
        "watched",
        "p:S",
        "s:N",
        also=("g:S",),
        ProvisionedThroughput=units(50, 50),
        GlobalSecondaryIndexes=[by_g],
    )


def seen(lake: Any, **query: str) -> dict[str, Any]:
    path = "/_pocketlake/views/dynamodb/contributors_of?" + "&".join(f"{k}={v}" for k, v in query.items())
    found: dict[str, Any] = ask(lake.endpoint_url, path)
    return found


def update(dynamodb: Any, action: str, **more: Any) -> str:
    answer = dynamodb.update_contributor_insights(TableName="watched", ContributorInsightsAction=action, **more)
    assert answer["TableName"] == "watched"
    status: str = answer["ContributorInsightsStatus"]
    return status


@pytest.mark.parametrize("query", [{}, {"table": ""}, {"table": "watched", "most": "x"}, {"table": "nowhere"}])
def test_what_cannot_be_shown(lake: Any, table: str, query: dict[str, str]) -> None:
    with pytest.raises(click.ClickException) as caught:
        seen(lake, **query)
    assert "internal fault" not in str(caught.value)


@pytest.mark.claim("DDB-808")
def test_states(lake: Any, dynamodb: Any, table: str) -> None:
    def described(**more: Any) -> dict[str, Any]:
        found: dict[str, Any] = dynamodb.describe_contributor_insights(TableName=table, **more)
        found.pop("ResponseMetadata")
        return found

    assert described() == {"TableName": table, "ContributorInsightsStatus": "DISABLED"}
    assert update(dynamodb, "DISABLE") == "DISABLED"
    assert update(dynamodb, "ENABLE") == "ENABLING"
    assert update(dynamodb, "ENABLE") == "ENABLED"
    rules = [rule.split("-")[1] for rule in described()["ContributorInsightsRuleList"]]
    assert rules == ["PKC", "SKC", "PKT", "SKT"]
    assert described()["ContributorInsightsMode"] == "ACCESSED_AND_THROTTLED_KEYS"
    assert update(dynamodb, "ENABLE", ContributorInsightsMode="THROTTLED_KEYS") == "ENABLING"
    assert len(described()["ContributorInsightsRuleList"]) == 2
    assert update(dynamodb, "ENABLE", IndexName="by-g") == "ENABLING"
    assert described(IndexName="by-g")["ContributorInsightsStatus"] == "ENABLED"
    assert update(dynamodb, "DISABLE") == "DISABLING"
    off = described()
    assert off["ContributorInsightsStatus"] == "DISABLED"
    assert "LastUpdateDateTime" in off
    assert refusal(dynamodb.describe_contributor_insights, TableName=table, IndexName="none") == (
        "ResourceNotFoundException",
        "Requested resource not found: Index: none not found for table: watched",
    )


def test_what_is_enabled_is_listed_in_pages(dynamodb: Any, table: str) -> None:
    make(dynamodb, "another", "p:S")
    update(dynamodb, "ENABLE")
    update(dynamodb, "ENABLE", IndexName="by-g")
    dynamodb.update_contributor_insights(TableName="another", ContributorInsightsAction="ENABLE")
    found, token = [], {}
    while True:
        page = dynamodb.list_contributor_insights(MaxResults=1, **token)
        found += [(one["TableName"], one.get("IndexName")) for one in page["ContributorInsightsSummaries"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert found == [("another", None), ("watched", None), ("watched", "by-g")]
    assert len(dynamodb.list_contributor_insights(TableName="another")["ContributorInsightsSummaries"]) == 1


@pytest.mark.claim("DDB-808")
def test_the_most_used_keys_are_counted(lake: Any, dynamodb: Any, table: str) -> None:
    update(dynamodb, "ENABLE")
    for count, (name, sort) in enumerate((("a", "1"), ("b", "2"), ("b", "-3.5")), start=1):
        for _ in range(count):
            dynamodb.put_item(TableName=table, Item={"p": {"S": name}, "s": {"N": sort}})
    dynamodb.get_item(TableName=table, Key={"p": {"S": "a"}, "s": {"N": "1"}})
    found = seen(lake, table=table)
    counts = [(one["key"]["p"]["S"], one["key"]["s"]["N"], one["requests"]) for one in found["accessed_items"]]
    assert counts[0] == ("b", "-3.5", 3)
    assert sorted(counts[1:]) == [("a", "1", 2), ("b", "2", 2)]
    assert found["accessed_partition_keys"][0] == {"key": {"p": {"S": "b"}}, "requests": 5}
    assert len(seen(lake, table=table, most="1")["accessed_items"]) == 1
    update(dynamodb, "DISABLE")
    assert seen(lake, table=table)["accessed_items"] == []


@pytest.mark.claim("DDB-808")
def test_throttled_keys_are_counted_of_tables_and_indexes(lake: Any, dynamodb: Any, table: str) -> None:
    lake.clock.freeze()
    update(dynamodb, "ENABLE", ContributorInsightsMode="THROTTLED_KEYS")
    update(dynamodb, "ENABLE", IndexName="by-g", ContributorInsightsMode="THROTTLED_KEYS")
    dynamodb.put_item(TableName=table, Item={"p": {"S": "x"}, "s": {"N": "1"}, "v": {"S": "x" * 400_000}})
    for number in range(800):
        try:
            dynamodb.put_item(TableName=table, Item={"p": {"S": "x"}, "s": {"N": str(number + 2)}, "g": {"S": "same"}})
        except dynamodb.exceptions.ProvisionedThroughputExceededException:
            break
    assert seen(lake, table=table, index="by-g")["throttled_partition_keys"] == [
        {"key": {"g": {"S": "same"}}, "requests": 1}
    ]
    assert seen(lake, table=table, index="by-g")["accessed_items"] == []


def test_counts_are_bounded_and_keep_the_heavy_keys() -> None:
    insight = Insight(contributors.ACCESSED, 0.0)
    for number in range(3 * contributors.MOST_KEYS):
        insight.accessed(f"light-{number}".encode(), b"")
        insight.accessed(b"heavy", b"")
    assert len(insight.accessed_keys) <= contributors.MOST_KEYS
    ((heaviest, count), *_) = contributors.top(insight.accessed_keys, 1, by_sort=True)
    assert heaviest == (b"heavy", b"")
    assert count > contributors.MOST_KEYS


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=6))
def test_numbers_in_keys_are_read_back(value: Any) -> None:
    text = numbers.normal(str(value))
    assert readable_keys.number(numbers.sortable(text)) == text


@given(st.lists(st.binary(min_size=1, max_size=8), min_size=2, max_size=4))
def test_keys_of_several_attributes_are_read_back(values: list[bytes]) -> None:
    key = Key(tuple((f"k{at}", "B") for at in range(len(values))), ())
    found = readable_keys.attributes(key, keys.hashed(keys.joined(values)), b"")
    assert orjson.dumps(found)
    assert [keys.binary(value["B"]) for value in found.values()] == values
