"""What the tests of Application Auto Scaling share: clients, and a table whose reads or writes are scaled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

RAW = Config(parameter_validation=False, retries={"total_max_attempts": 1})
WRITES = {
    "ServiceNamespace": "dynamodb",
    "ResourceId": "table/scaled",
    "ScalableDimension": "dynamodb:table:WriteCapacityUnits",
}


@pytest.fixture
def scaling(lake: Any) -> Any:
    return lake.client("application-autoscaling", config=RAW)


@pytest.fixture
def dynamodb(lake: Any) -> Any:
    return lake.client("dynamodb", config=RAW)


@pytest.fixture
def table(lake: Any, dynamodb: Any) -> str:
    """10 reads and 10 writes a second, with a global index by g; the clock stands at the beginning of a minute."""
    lake.clock.freeze("2026-03-02T06:00:00")
    dynamodb.create_table(
        TableName="scaled",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("p", "g")],
        ProvisionedThroughput={"ReadCapacityUnits": 10, "WriteCapacityUnits": 10},
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-g",
                "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
                "ProvisionedThroughput": {"ReadCapacityUnits": 10, "WriteCapacityUnits": 10},
            }
        ],
    )
    return "scaled"


def tracking(target: float = 50.0, **more: Any) -> dict[str, Any]:
    return {
        "PolicyName": "follow",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": target,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "DynamoDBWriteCapacityUtilization"},
            **more,
        },
    }


def units(dynamodb: Any, index: bool = False) -> tuple[int, int]:
    described = dynamodb.describe_table(TableName="scaled")["Table"]
    found = (described["GlobalSecondaryIndexes"][0] if index else described)["ProvisionedThroughput"]
    return found["ReadCapacityUnits"], found["WriteCapacityUnits"]


def refusal(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]
