"""A cluster that is available, a table whose key is one text, and a client of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .wire_client import WireClient

ROLE = "arn:aws:iam::000000000000:role/dax"
TABLE = "songs"


@pytest.fixture
def dax(lake):
    return lake.client("dax")


@pytest.fixture
def create(lake, dax) -> Callable[..., dict[str, Any]]:
    """Creates a cluster and waits until it is available."""

    def create(name: str = "cache", nodes: int = 1, **options: Any) -> dict[str, Any]:
        dax.create_cluster(
            ClusterName=name, NodeType="dax.t3.small", ReplicationFactor=nodes, IamRoleArn=ROLE, **options
        )
        lake.clock.advance(5)
        cluster = dax.describe_clusters(ClusterNames=[name])["Clusters"][0]
        assert cluster["Status"] == "available"
        return cluster

    return create


@pytest.fixture
def cluster(create) -> dict[str, Any]:
    return create()


@pytest.fixture
def table(lake):
    """DynamoDB's own client, and a table."""
    dynamodb = lake.client("dynamodb")
    dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "title", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "title", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return dynamodb


@pytest.fixture
def client(table, cluster) -> Iterator[WireClient]:
    with WireClient.of(cluster) as client:
        yield client
