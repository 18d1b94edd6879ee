"""What tables publish to CloudWatch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

START = datetime(2024, 3, 5, 12, 0, tzinfo=UTC)


@pytest.fixture
def dynamodb(lake: Any) -> Any:
    """The lake's clock stands at noon."""
    lake.clock.freeze()
    lake.clock.set(START)
    return lake.client("dynamodb", config=Config(retries={"total_max_attempts": 1}))


def make(dynamodb: Any, reads: int = 5, writes: int = 5) -> None:
    """A table with a global index on `g`."""
    units = {"ReadCapacityUnits": reads, "WriteCapacityUnits": writes}
    dynamodb.create_table(
        TableName="table",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("k", "g")],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-g",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
                "ProvisionedThroughput": units,
            }
        ],
        ProvisionedThroughput=units,
    )
    dynamodb.get_waiter("table_exists").wait(TableName="table")


def asked(lake: Any, name: str, statistic: str = "Sum", **dimensions: str) -> list[float]:
    """The metric of the table, minute by minute."""
    found = lake.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/DynamoDB",
        MetricName=name,
        Dimensions=[{"Name": one, "Value": value} for one, value in {"TableName": "table", **dimensions}.items()],
        StartTime=START,
        EndTime=START + timedelta(minutes=30),
        Period=60,
        Statistics=[statistic],
    )
    return [point[statistic] for point in sorted(found["Datapoints"], key=lambda point: point["Timestamp"])]


@pytest.mark.claim("DDB-701")
def test_consumed_units_of_table_and_index_by_the_minute(lake: Any, dynamodb: Any) -> None:
    make(dynamodb)
    index = {"GlobalSecondaryIndexName": "by-g"}
    dynamodb.put_item(TableName="table", Item={"k": {"S": "a"}, "x": {"S": "x" * 2000}})
    dynamodb.put_item(TableName="table", Item={"k": {"S": "b"}, "g": {"S": "g"}})
    dynamodb.get_item(TableName="table", Key={"k": {"S": "a"}}, ConsistentRead=True)
    dynamodb.scan(TableName="table", IndexName="by-g")
    lake.clock.advance(minutes=1)
    dynamodb.get_item(TableName="table", Key={"k": {"S": "a"}})
    assert asked(lake, "ConsumedWriteCapacityUnits") == [2 + 1]
    assert asked(lake, "ConsumedWriteCapacityUnits", **index) == [1]
    assert asked(lake, "ConsumedReadCapacityUnits") == [1, 0.5]
    assert asked(lake, "ConsumedReadCapacityUnits", **index) == [0.5]
    assert asked(lake, "ConsumedReadCapacityUnits", "SampleCount") == [1, 1]


@pytest.mark.claim("DDB-701")
def test_consumed_units_of_batches_transactions_and_statements(lake: Any, dynamodb: Any) -> None:
    make(dynamodb, 50, 50)
    put = {"Put": {"TableName": "table", "Item": {"k": {"S": "a"}}}}
    get = {"Get": {"TableName": "table", "Key": {"k": {"S": "a"}}}}
    dynamodb.transact_write_items(TransactItems=[put])
    dynamodb.batch_write_item(RequestItems={"table": [{"PutRequest": {"Item": {"k": {"S": one}}}} for one in "bc"]})
    assert asked(lake, "ConsumedWriteCapacityUnits") == [2 + 2]
    dynamodb.transact_get_items(TransactItems=[get])
    dynamodb.batch_get_item(RequestItems={"table": {"Keys": [{"k": {"S": one}} for one in "abc"]}})
    dynamodb.execute_statement(Statement="SELECT * FROM \"table\" WHERE k = 'a'")
    assert asked(lake, "ConsumedReadCapacityUnits") == [2 + 1.5 + 0.5]


def test_what_is_provisioned_is_said_while_the_table_is_used(lake: Any, dynamodb: Any) -> None:
    make(dynamodb, 7, 3)
    dynamodb.get_item(TableName="table", Key={"k": {"S": "a"}})
    lake.clock.advance(minutes=5)
    assert asked(lake, "ProvisionedReadCapacityUnits", "Maximum") == [7]
    assert asked(lake, "ProvisionedWriteCapacityUnits", "Maximum") == [3]


@pytest.mark.claim("DDB-702")
def test_throttled_requests_and_events(lake: Any, dynamodb: Any) -> None:
    make(dynamodb, 1, 1)
    large = {"k": {"S": "a"}, "x": {"S": "x" * 400_000}}
    dynamodb.put_item(TableName="table", Item=large)
    for _ in range(2):
        with pytest.raises(ClientError):
            dynamodb.put_item(TableName="table", Item=large)
    assert asked(lake, "WriteThrottleEvents") == [2]
    assert asked(lake, "ThrottledRequests", Operation="PutItem") == [2]
    assert asked(lake, "ConsumedWriteCapacityUnits") == [391]


@pytest.mark.claim("DDB-703")
def test_latency_and_items_of_each_operation(lake: Any, dynamodb: Any) -> None:
    make(dynamodb)
    for one in "abc":
        dynamodb.put_item(TableName="table", Item={"k": {"S": one}})
    dynamodb.scan(TableName="table")
    assert asked(lake, "SuccessfulRequestLatency", "SampleCount", Operation="PutItem") == [3]
    assert 0 < asked(lake, "SuccessfulRequestLatency", "Average", Operation="PutItem")[0] < 1000
    assert asked(lake, "ReturnedItemCount", Operation="Scan") == [3]


@pytest.mark.claim("DDB-703")
def test_errors_by_kind(lake: Any, dynamodb: Any) -> None:
    make(dynamodb)
    with pytest.raises(ClientError):
        dynamodb.put_item(TableName="table", Item={"k": {"S": "a"}}, ConditionExpression="attribute_exists(k)")
    with pytest.raises(ClientError):
        dynamodb.put_item(TableName="table", Item={"wrong": {"S": "a"}})
    assert asked(lake, "ConditionalCheckFailedRequests") == [1]
    users = lake.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/DynamoDB",
        MetricName="UserErrors",
        StartTime=START,
        EndTime=START + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )
    assert [point["Sum"] for point in users["Datapoints"]] == [1]


@pytest.mark.claim("DDB-703")
def test_items_that_expired(lake: Any, dynamodb: Any) -> None:
    make(dynamodb)
    specification = {"Enabled": True, "AttributeName": "ttl"}
    dynamodb.update_time_to_live(TableName="table", TimeToLiveSpecification=specification)
    gone = str(int(START.timestamp()) + 60)
    for one in "ab":
        dynamodb.put_item(TableName="table", Item={"k": {"S": one}, "ttl": {"N": gone}})
    dynamodb.put_item(TableName="table", Item={"k": {"S": "c"}})
    lake.clock.advance(days=3)
    found = lake.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/DynamoDB",
        MetricName="TimeToLiveDeletedItemCount",
        Dimensions=[{"Name": "TableName", "Value": "table"}],
        StartTime=START,
        EndTime=START + timedelta(days=3),
        Period=3600 * 24 * 3,
        Statistics=["Sum"],
    )
    assert [point["Sum"] for point in found["Datapoints"]] == [2]
