"""What tables are given and what they grow to: on demand, warm throughput, provisioned units and their quotas."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pocketlake.services.dynamodb import quotas

from .conftest import index, invalid, make, refusal, units

LIMIT = "LimitExceededException"


def warm(dynamodb: Any, name: str, of: str | None = None) -> tuple[int, int]:
    table = dynamodb.describe_table(TableName=name)["Table"]
    described = table if of is None else next(i for i in table["GlobalSecondaryIndexes"] if i["IndexName"] == of)
    found = described["WarmThroughput"]
    assert found["Status"] == "ACTIVE"
    return found["ReadUnitsPerSecond"], found["WriteUnitsPerSecond"]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """On-demand tables begin at 40 writes a second, in four partitions of 10."""
    for name, value in (("PARTITION_WRITES", 10), ("PARTITION_READS", 30)):
        monkeypatch.setattr(quotas, name, replace(getattr(quotas, name), value=value))
    from pocketlake.services.dynamodb.capacity import warm_throughput

    monkeypatch.setattr(warm_throughput, "INITIAL", {warm_throughput.READS: 120, warm_throughput.WRITES: 40})


def passing(lake: Any, dynamodb: Any, rate: int, seconds: int, size: int = 1) -> int:
    """Writes that pass of `rate` a second, of `size` units each, over keys that lie evenly."""
    passed, more = 0, {"v": {"S": "x" * (1024 * size - 100)}}
    for _ in range(seconds):
        lake.clock.advance(seconds=1)
        for number in range(rate):
            try:
                dynamodb.put_item(TableName="growing", Item={"p": {"S": f"key-{number * 31}"}, **more})
                passed += 1
            except dynamodb.exceptions.ThrottlingException as error:
                assert error.response["throttlingReasons"][0]["reason"] == "TableWriteKeyRangeThroughputExceeded"
    return passed


@pytest.mark.claim("DDB-511", "DDB-801")
def test_on_demand_tables_bear_twice_their_peak_half_an_hour_later(lake: Any, dynamodb: Any, small: None) -> None:
    lake.clock.freeze()
    make(dynamodb, "growing", "p:S")
    assert warm(dynamodb, "growing") == (120, 40)
    assert passing(lake, dynamodb, 60, 4) <= 4 * 40
    passing(lake, dynamodb, 6, 122, size=6)  # two whole minutes at about 36 a second
    assert warm(dynamodb, "growing") == (120, 40)
    lake.clock.advance(minutes=28)
    assert warm(dynamodb, "growing") == (120, 40)
    lake.clock.advance(minutes=3)
    _, grown = warm(dynamodb, "growing")
    assert 50 <= grown <= 80
    assert passing(lake, dynamodb, 60, 4) > 4 * 45
    lake.clock.advance(days=400)
    assert warm(dynamodb, "growing")[1] == grown  # a peak is not forgotten


@pytest.mark.claim("DDB-803")
def test_what_an_on_demand_table_may_take_at_most(lake: Any, dynamodb: Any) -> None:
    lake.clock.freeze()
    by_g = index("by-g", "g:S", OnDemandThroughput={"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": 1})
    assert "outside of valid range" in invalid(
        dynamodb.create_table,
        TableName="capped",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": "p", "AttributeType": "S"},
            {"AttributeName": "g", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[by_g],
    )
    by_g["OnDemandThroughput"] = {"MaxWriteRequestUnits": 1}
    make(
        dynamodb,
        "capped",
        "p:S",
        also=("g:S",),
        OnDemandThroughput={"MaxWriteRequestUnits": 2},
        GlobalSecondaryIndexes=[by_g],
    )

    def drain(start: int = 0, **more: Any) -> tuple[int, dict[str, Any]]:
        for number in range(1000):
            try:
                dynamodb.put_item(TableName="capped", Item={"p": {"S": str(start + number)}, **more})
            except dynamodb.exceptions.ThrottlingException as error:
                assert error.response["Error"]["Message"] == (
                    "Throughput exceeds the maximum OnDemandThroughput configured on table or index"
                )
                return number, error.response["throttlingReasons"][0]
        raise AssertionError("never throttled")

    passed, reason = drain(g={"S": "x"})
    assert passed == 300  # a burst of 300 seconds goes beyond a maximum, as on AWS
    assert reason["reason"] == "IndexWriteMaxOnDemandThroughputExceeded"
    passed, reason = drain(start=1000)
    assert passed == 300
    assert reason["reason"] == "TableWriteMaxOnDemandThroughputExceeded"
    dynamodb.update_table(TableName="capped", OnDemandThroughput={"MaxWriteRequestUnits": -1})
    assert "OnDemandThroughput" not in dynamodb.describe_table(TableName="capped")["Table"]
    dynamodb.put_item(TableName="capped", Item={"p": {"S": "free"}})
    code, message = refusal(
        dynamodb.update_table, TableName="capped", OnDemandThroughput={"MaxReadRequestUnits": 40_001}
    )
    assert code == LIMIT
    assert "exceeds TableMaxReadCapacityUnits of the account in region us-east-1" in message


def test_on_demand_ends_at_the_accounts_quota_for_a_table(
    lake: Any, dynamodb: Any, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotas, "TABLE_UNITS", replace(quotas.TABLE_UNITS, value=20))
    lake.clock.freeze()
    make(dynamodb, "growing", "p:S")
    with pytest.raises(dynamodb.exceptions.ThrottlingException) as caught:
        for number in range(30):
            dynamodb.put_item(TableName="growing", Item={"p": {"S": f"key-{number * 31}"}})
    assert number == 20
    assert caught.value.response["throttlingReasons"][0]["reason"] == "TableWriteAccountLimitExceeded"


@pytest.mark.claim("DDB-802")
def test_warm_throughput_is_the_most_there_was_and_only_rises(dynamodb: Any) -> None:
    make(dynamodb, "steady", "p:S", ProvisionedThroughput=units(1, 1))
    assert warm(dynamodb, "steady") == (1, 1)
    dynamodb.update_table(TableName="steady", ProvisionedThroughput=units(3, 3))
    dynamodb.update_table(TableName="steady", ProvisionedThroughput=units(2, 1))
    assert warm(dynamodb, "steady") == (3, 3)
    assert "decreasing WarmThroughput is not supported" in invalid(
        dynamodb.update_table, TableName="steady", WarmThroughput={"ReadUnitsPerSecond": 1}
    )
    answer = dynamodb.update_table(
        TableName="steady", WarmThroughput={"ReadUnitsPerSecond": 50, "WriteUnitsPerSecond": 50}
    )["TableDescription"]
    assert answer["TableStatus"] == "ACTIVE"
    assert answer["WarmThroughput"] == {"ReadUnitsPerSecond": 3, "WriteUnitsPerSecond": 3, "Status": "UPDATING"}
    assert warm(dynamodb, "steady") == (50, 50)
    dynamodb.update_table(TableName="steady", BillingMode="PAY_PER_REQUEST")
    assert warm(dynamodb, "steady") == (12_000, 4000)
    dynamodb.update_table(TableName="steady", BillingMode="PROVISIONED", ProvisionedThroughput=units(1, 1))
    assert warm(dynamodb, "steady") == (12_000, 4000)
    code, message = refusal(dynamodb.update_table, TableName="steady", WarmThroughput={"WriteUnitsPerSecond": 40_001})
    assert code == LIMIT
    assert "exceeds TableMaxWriteCapacityUnits of the account" in message


def test_a_new_tables_warm_throughput_is_no_less_than_its_mode_gives(dynamodb: Any) -> None:
    with pytest.raises(
        dynamodb.exceptions.ClientError, match=r"lower than initial throughput for OnDemand\. See: https"
    ):
        make(dynamodb, "cold", "p:S", WarmThroughput={"ReadUnitsPerSecond": 11_999})
    with pytest.raises(dynamodb.exceptions.ClientError, match="lower than WriteCapacityUnits of ProvisionedThrough"):
        make(
            dynamodb,
            "cold",
            "p:S",
            ProvisionedThroughput=units(10, 10),
            WarmThroughput={"ReadUnitsPerSecond": 10, "WriteUnitsPerSecond": 5},
        )
    warm_index = index("by-g", "g:S", WarmThroughput={"ReadUnitsPerSecond": 13_000, "WriteUnitsPerSecond": 4000})
    make(dynamodb, "fine", "p:S", also=("g:S",), GlobalSecondaryIndexes=[warm_index])
    assert warm(dynamodb, "fine", "by-g") == (13_000, 4000)
    assert warm(dynamodb, "fine") == (12_000, 4000)


@pytest.mark.claim("DDB-512")
def test_four_switches_to_on_demand_in_24_hours(lake: Any, dynamodb: Any) -> None:
    make(dynamodb, "fickle", "p:S", ProvisionedThroughput=units(1, 1))
    for _ in range(4):
        dynamodb.update_table(TableName="fickle", BillingMode="PAY_PER_REQUEST")
        dynamodb.update_table(TableName="fickle", BillingMode="PROVISIONED", ProvisionedThroughput=units(1, 1))
        lake.clock.advance(hours=1)
    code, message = refusal(dynamodb.update_table, TableName="fickle", BillingMode="PAY_PER_REQUEST")
    assert code == LIMIT
    assert message.startswith("Subscriber limit exceeded: Update to PayPerRequest mode are limited")
    lake.clock.advance(hours=21)
    dynamodb.update_table(TableName="fickle", BillingMode="PAY_PER_REQUEST")


def test_switching_to_provisioned_needs_units_for_every_index(dynamodb: Any) -> None:
    make(dynamodb, "indexed", "p:S", also=("g:S",), GlobalSecondaryIndexes=[index("by-g", "g:S")])
    switch = {"TableName": "indexed", "BillingMode": "PROVISIONED", "ProvisionedThroughput": units(1, 1)}
    assert invalid(dynamodb.update_table, **switch) == (
        "One or more parameter values were invalid: ProvisionedThroughput must be specified for index: by-g"
    )
    update = {"Update": {"IndexName": "by-g", "ProvisionedThroughput": units(2, 2)}}
    dynamodb.update_table(**switch, GlobalSecondaryIndexUpdates=[update])
    (by_g,) = dynamodb.describe_table(TableName="indexed")["Table"]["GlobalSecondaryIndexes"]
    assert by_g["ProvisionedThroughput"]["ReadCapacityUnits"] == 2


@pytest.mark.claim("DDB-804")
def test_units_are_lowered_four_times_a_day_and_then_hourly(lake: Any, dynamodb: Any) -> None:
    lake.clock.set("2026-03-02T06:00:00")
    make(dynamodb, "shrinking", "p:S", ProvisionedThroughput=units(20, 20))

    def lower(to: int) -> None:
        dynamodb.update_table(TableName="shrinking", ProvisionedThroughput=units(to, 20))

    def today() -> int:
        described = dynamodb.describe_table(TableName="shrinking")["Table"]["ProvisionedThroughput"]
        return int(described["NumberOfDecreasesToday"])

    for to in (19, 18, 17, 16):
        lower(to)
    lake.clock.advance(minutes=59)
    code, message = refusal(dynamodb.update_table, TableName="shrinking", ProvisionedThroughput=units(15, 20))
    assert code == LIMIT
    assert message.startswith(
        "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. After the "
        "first 4 decreases, each subsequent decrease in the same UTC day can be performed at most once every 3600 "
        "seconds. Number of decreases today: 4. Last decrease at Monday, March 2, 2026 at 6:00:"
    )
    assert message.endswith("AM Coordinated Universal Time")
    dynamodb.update_table(TableName="shrinking", ProvisionedThroughput=units(16, 21))  # an increase is free
    lake.clock.advance(minutes=1)
    lower(15)
    assert today() == 5
    assert refusal(dynamodb.update_table, TableName="shrinking", ProvisionedThroughput=units(14, 20))[0] == LIMIT
    lake.clock.set("2026-03-03T00:00:01")
    assert today() == 0
    lower(14)
    assert today() == 1


@pytest.mark.claim("DDB-807")
@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (units(40_001, 1), "above the per table maximum for the account in us-east-1. Per table maximum: 40000."),
        (units(40_000, 1), "Current ReadCapacityUnits reserved by the account: 41000. Limit: 80000. Requested: 40000."),
    ],
)
def test_units_of_a_table_and_of_an_account_are_limited(dynamodb: Any, asked: dict[str, int], message: str) -> None:
    by_g = index("by-g", "g:S", ProvisionedThroughput=units(1000, 1))
    make(dynamodb, "first", "p:S", also=("g:S",), ProvisionedThroughput=units(40_000, 1), GlobalSecondaryIndexes=[by_g])
    make(dynamodb, "second", "p:S", ProvisionedThroughput=units(39_000, 1))
    dynamodb.delete_table(TableName="second")
    with pytest.raises(dynamodb.exceptions.LimitExceededException) as caught:
        make(dynamodb, "third", "p:S", ProvisionedThroughput=asked)
    assert message in caught.value.response["Error"]["Message"]
