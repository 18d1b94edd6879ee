"""Tables of several regions: clients of each, and what their tests ask again and again."""

from __future__ import annotations

from typing import Any

from botocore.config import Config

HOME, EAST, EUROPE = "us-west-2", "us-east-1", "eu-west-1"
REGIONS = (HOME, EAST, EUROPE)
Clients = dict[str, Any]


def connect(lake: Any) -> Clients:
    options = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    return {region: lake.client("dynamodb", region=region, config=options) for region in REGIONS}


def replicate(lake: Any, clients: Clients, *regions: str, table: str = "things", source: str = HOME) -> None:
    for region in regions:
        clients[source].update_table(TableName=table, ReplicaUpdates=[{"Create": {"RegionName": region}}])
        lake.clock.advance(1)


def put(client: Any, key: str, value: str = "v", **more: Any) -> None:
    client.put_item(TableName="things", Item={"p": {"S": key}, "v": {"S": value}, **more})


def delete(client: Any, key: str) -> None:
    client.delete_item(TableName="things", Key={"p": {"S": key}})


def values(client: Any, table: str = "things") -> dict[str, str]:
    pages = client.get_paginator("scan").paginate(TableName=table)
    return {item["p"]["S"]: item["v"]["S"] for page in pages for item in page["Items"]}


def described(client: Any, table: str = "things") -> dict[str, Any]:
    return client.describe_table(TableName=table)["Table"]


def statuses(client: Any, table: str = "things") -> dict[str, str]:
    return {one["RegionName"]: one["ReplicaStatus"] for one in described(client, table).get("Replicas", [])}
