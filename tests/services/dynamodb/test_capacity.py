"""Units of reads and writes to the half unit, and what is throttled."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import index, make, refusal, units

THROTTLED = "ProvisionedThroughputExceededException"


def sized(name: str, size: int, **more: Any) -> dict[str, Any]:
    """An item of exactly so many bytes, names included."""
    room = size - len("p") - len(name) - len("v")
    return {"p": {"S": name}, "v": {"S": "x" * room}, **more}


@pytest.fixture
def simple(dynamodb: Any) -> str:
    return make(dynamodb, "simple", "p:S")


@pytest.mark.claim("DDB-515", "DDB-516", "DDB-517", "DDB-508")
@pytest.mark.parametrize(("size", "cost"), [(100, 1), (1024, 1), (1025, 2), (2048, 2), (4608, 5), (409_600, 400)])
def test_a_write_costs_a_unit_a_kilobyte(dynamodb: Any, simple: str, size: int, cost: float) -> None:
    answer = dynamodb.put_item(TableName=simple, Item=sized("a", size), ReturnConsumedCapacity="TOTAL")
    assert answer["ConsumedCapacity"] == {"TableName": simple, "CapacityUnits": cost}
    answer = dynamodb.put_item(TableName=simple, Item=sized("a", 10), ReturnConsumedCapacity="TOTAL")
    assert answer["ConsumedCapacity"]["CapacityUnits"] == cost  # the larger of what was and what is


@pytest.mark.claim("DDB-519", "DDB-520", "DDB-521")
@pytest.mark.parametrize(("size", "cost"), [(100, 1), (4096, 1), (4097, 2), (12_288, 3)])
def test_a_consistent_read_costs_a_unit_for_4_kb_an_eventual_one_half(
    dynamodb: Any, simple: str, size: int, cost: float
) -> None:
    dynamodb.put_item(TableName=simple, Item=sized("a", size))
    for consistent, factor in ((False, 0.5), (True, 1.0)):
        answer = dynamodb.get_item(
            TableName=simple, Key={"p": {"S": "a"}}, ConsistentRead=consistent, ReturnConsumedCapacity="INDEXES"
        )
        assert answer["ConsumedCapacity"]["CapacityUnits"] == cost * factor
        assert answer["ConsumedCapacity"]["Table"] == {"CapacityUnits": cost * factor}


@pytest.mark.claim("DDB-516", "DDB-517", "DDB-518", "DDB-522", "DDB-523", "DDB-524")
@pytest.mark.parametrize(
    ("count", "kilobytes", "kind", "total"),
    [
        (10, 2, "write", 20),
        (6, 4.5, "write", 30),
        (2, 2, "write", 4),
        (10, 4, "strong", 10),
        (16, 12, "eventual", 24),
        (10, 6, "strong", 20),
    ],
)
def test_what_a_second_of_traffic_needs(
    dynamodb: Any, simple: str, count: int, kilobytes: float, kind: str, total: float
) -> None:
    used = 0.0
    for number in range(count):
        item = sized(str(number), int(kilobytes * 1024))
        answer = dynamodb.put_item(TableName=simple, Item=item, ReturnConsumedCapacity="TOTAL")
        if kind != "write":
            answer = dynamodb.get_item(
                TableName=simple,
                Key={"p": item["p"]},
                ConsistentRead=kind == "strong",
                ReturnConsumedCapacity="TOTAL",
            )
        used += answer["ConsumedCapacity"]["CapacityUnits"]
    assert used == total


@pytest.mark.claim("DDB-509")
def test_default_retries_outlast_a_throttled_second(lake: Any, dynamodb: Any) -> None:
    make(dynamodb, "slow", "p:S", ProvisionedThroughput=units(1, 1))
    patient = lake.client("dynamodb")
    lake.clock.freeze()
    dynamodb.put_item(TableName="slow", Item=sized("a", 301 * 1024))  # the whole burst, and a second's unit more
    lake.clock.run(rate=1)
    answer = patient.put_item(TableName="slow", Item={"p": {"S": "patient"}})
    assert answer["ResponseMetadata"]["RetryAttempts"] >= 1
    assert "Item" in dynamodb.get_item(TableName="slow", Key={"p": {"S": "patient"}}, ConsistentRead=True)


def test_indexes_cost_when_what_they_hold_changes(dynamodb: Any) -> None:
    make(dynamodb, "held", "p:S", also=("g:S",), GlobalSecondaryIndexes=[index("by-g", "g:S", projection="KEYS_ONLY")])

    def cost(**item: Any) -> tuple[float, float]:
        answer = dynamodb.put_item(TableName="held", Item={"p": {"S": "a"}, **item}, ReturnConsumedCapacity="INDEXES")[
            "ConsumedCapacity"
        ]
        used = answer.get("GlobalSecondaryIndexes", {"by-g": {"CapacityUnits": 0.0}})["by-g"]["CapacityUnits"]
        return answer["CapacityUnits"], used

    assert cost(x={"S": "1"}) == (1.0, 0.0)
    assert cost(g={"S": "1"}) == (2.0, 1.0)  # a new entry
    assert cost(g={"S": "1"}, x={"S": "2"}) == (1.0, 0.0)  # nothing that the index holds
    assert cost(g={"S": "2"}) == (3.0, 2.0)  # one entry goes, one comes
    assert cost() == (2.0, 1.0)


def drain(dynamodb: Any, table: str, most: int = 10_000) -> int:
    """Writes of one unit until one is throttled; how many passed."""
    for number in range(most):
        try:
            dynamodb.put_item(TableName=table, Item={"p": {"S": str(number)}})
        except dynamodb.exceptions.ProvisionedThroughputExceededException:
            return number
    return most


@pytest.mark.claim("DDB-502", "DDB-503", "DDB-504")
def test_burst_of_300_seconds_then_the_rate(lake: Any, dynamodb: Any) -> None:
    lake.clock.freeze()
    make(dynamodb, "slow", "p:S", ProvisionedThroughput=units(1, 2))
    assert drain(dynamodb, "slow") == 600
    code, message = refusal(dynamodb.put_item, TableName="slow", Item={"p": {"S": "a"}})
    assert code == THROTTLED
    assert message == (
        "The level of configured provisioned throughput for the table was exceeded. "
        "Consider increasing your provisioning level with the UpdateTable API."
    )
    lake.clock.advance(seconds=10)
    assert drain(dynamodb, "slow") == 20
    lake.clock.advance(seconds=600)
    assert drain(dynamodb, "slow") == 600


@pytest.mark.claim("DDB-505")
def test_reads_are_throttled_too(lake: Any, dynamodb: Any) -> None:
    lake.clock.freeze()
    make(dynamodb, "slow", "p:S", ProvisionedThroughput=units(1, 100))
    dynamodb.put_item(TableName="slow", Item=sized("a", 400_000))
    read = {"TableName": "slow", "Key": {"p": {"S": "a"}}, "ConsistentRead": True}
    for _ in range(4):
        dynamodb.get_item(**read)
    assert refusal(dynamodb.get_item, **read)[0] == THROTTLED


@pytest.mark.claim("DDB-506", "DDB-514")
def test_one_key_bears_a_thousand_writes_a_second_whatever_the_table_has(lake: Any, dynamodb: Any) -> None:
    lake.clock.freeze()
    make(dynamodb, "wide", "p:S", ProvisionedThroughput=units(20_000, 20_000))
    for _ in range(10):
        dynamodb.put_item(TableName="wide", Item=sized("hot", 100 * 1024))
    with pytest.raises(dynamodb.exceptions.ProvisionedThroughputExceededException) as caught:
        dynamodb.put_item(TableName="wide", Item=sized("hot", 1024))
    reasons = caught.value.response["ThrottlingReasons"]
    assert [reason["reason"] for reason in reasons] == ["TableWriteKeyRangeThroughputExceeded"]
    dynamodb.put_item(TableName="wide", Item=sized("cold", 1024))
    lake.clock.advance(seconds=1)
    dynamodb.put_item(TableName="wide", Item=sized("hot", 1024))


@pytest.mark.claim("DDB-556")
def test_throttled_global_index_throttles_its_table(lake: Any, dynamodb: Any) -> None:
    lake.clock.freeze()
    make(
        dynamodb,
        "fast",
        "p:S",
        also=("g:S",),
        ProvisionedThroughput=units(1000, 1000),
        GlobalSecondaryIndexes=[index("slow", "g:S", ProvisionedThroughput=units(1, 1))],
    )
    for number in range(300):
        dynamodb.put_item(TableName="fast", Item={"p": {"S": str(number)}, "g": {"S": "x"}})
    code, message = refusal(dynamodb.put_item, TableName="fast", Item={"p": {"S": "a"}, "g": {"S": "x"}})
    assert code == THROTTLED
    assert "one or more global secondary indexes" in message
    dynamodb.put_item(TableName="fast", Item={"p": {"S": "a"}})


def test_throttled_writes_of_a_batch_come_back(lake: Any, dynamodb: Any) -> None:
    lake.clock.freeze()
    make(dynamodb, "slow", "p:S", ProvisionedThroughput=units(1, 1))
    for number in range(290):
        dynamodb.put_item(TableName="slow", Item={"p": {"S": str(number)}})
    writes = [{"PutRequest": {"Item": {"p": {"S": f"b{n}"}}}} for n in range(20)]
    left = dynamodb.batch_write_item(RequestItems={"slow": writes})["UnprocessedItems"]["slow"]
    assert left == writes[10:]


def test_time_to_live_follows_the_clock(lake: Any, dynamodb: Any, simple: str) -> None:
    now = int(lake.clock.now().timestamp())
    dynamodb.put_item(TableName=simple, Item={"p": {"S": "before"}, "ends": {"N": str(now + 100)}})
    specification = {"Enabled": True, "AttributeName": "ends"}
    dynamodb.update_time_to_live(TableName=simple, TimeToLiveSpecification=specification)
    described = dynamodb.describe_time_to_live(TableName=simple)["TimeToLiveDescription"]
    assert described == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ends"}
    for name, ends in (("soon", {"N": str(now + 50)}), ("late", {"N": str(now + 9000)}), ("text", {"S": "1"})):
        dynamodb.put_item(TableName=simple, Item={"p": {"S": name}, "ends": ends})
    dynamodb.put_item(TableName=simple, Item={"p": {"S": "ancient"}, "ends": {"N": "1000"}})
    dynamodb.put_item(TableName=simple, Item={"p": {"S": "renewed"}, "ends": {"N": str(now + 50)}})
    dynamodb.put_item(TableName=simple, Item={"p": {"S": "renewed"}, "ends": {"N": str(now + 9000)}})

    def names() -> set[str]:
        return {item["p"]["S"] for item in dynamodb.scan(TableName=simple)["Items"]}

    lake.clock.advance(minutes=5)
    assert names() == {"late", "text", "ancient", "renewed"}
    lake.clock.advance(hours=3)
    assert names() == {"text", "ancient"}
