"""What the tests of DynamoDB share: a client that shows what the server says, and a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from .regions import EAST, EUROPE, HOME, Clients, connect, replicate


@pytest.fixture
def dynamodb(lake: Any) -> Any:
    """As boto3 makes it, but it neither checks nor repeats."""
    return lake.client("dynamodb", config=Config(parameter_validation=False, retries={"total_max_attempts": 1}))


@pytest.fixture
def table(dynamodb: Any) -> str:
    """Keys: p (text) and s (number); on demand."""
    return make(dynamodb, "things", "p:S", "s:N")


def make(dynamodb: Any, name: str, *keys: str, **more: Any) -> str:
    """A table with these keys, "name:type"; on demand unless it says otherwise."""
    request: dict[str, Any] = {
        "TableName": name,
        "KeySchema": schema(*keys),
        "AttributeDefinitions": definitions(*keys, *more.pop("also", ())),
    }
    if "ProvisionedThroughput" not in more:
        request["BillingMode"] = "PAY_PER_REQUEST"
    dynamodb.create_table(**{**request, **more})
    return name


def schema(*keys: str) -> list[dict[str, str]]:
    kinds = zip(keys, ("HASH", "RANGE"), strict=False)
    return [{"AttributeName": key.partition(":")[0], "KeyType": kind} for key, kind in kinds]


def definitions(*keys: str) -> list[dict[str, str]]:
    return [{"AttributeName": key[:-2], "AttributeType": key[-1]} for key in dict.fromkeys(keys)]


def index(name: str, *keys: str, projection: str = "ALL", **more: Any) -> dict[str, Any]:
    shown: dict[str, Any] = {"ProjectionType": projection}
    if "include" in more:
        shown["NonKeyAttributes"] = more.pop("include")
    return {"IndexName": name, "KeySchema": schema(*keys), "Projection": shown, **more}


def units(read: int, write: int) -> dict[str, int]:
    return {"ReadCapacityUnits": read, "WriteCapacityUnits": write}


def refusal(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    """Code and message with which the call is refused."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def invalid(call: Callable[..., Any], **request: Any) -> str:
    """The message of a ValidationException."""
    code, message = refusal(call, **request)
    assert code == "ValidationException", (code, message)
    return message


@pytest.fixture
def streams(lake: Any) -> Any:
    """DynamoDB's second endpoint, asked without checks and once."""
    return lake.client("dynamodbstreams", config=Config(parameter_validation=False, retries={"total_max_attempts": 1}))


@pytest.fixture
def clients(lake: Any) -> Clients:
    return connect(lake)


@pytest.fixture
def spread(lake: Any, clients: Clients) -> Clients:
    """A table, p (text), in all three regions."""
    make(clients[HOME], "things", "p:S")
    replicate(lake, clients, EAST, EUROPE)
    return clients
