"""kill -9 under DynamoDB's load: what was acknowledged is there, transactions are whole, indexes agree with tables."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pocketlake.embedded import EmbeddedLake

from .mortal import ROUNDS, Mortal
from .writers import IMPATIENT, Writers

TABLE, COUNTERS = "faults", "counters"
GROUP = 10  # items of one transaction


@dataclass
class Acknowledged:
    """Item -> value. `attempted` were sent; they may be there, or not."""

    items: dict[str, str] = field(default_factory=dict)
    attempted: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    additions: int = 0
    attempted_additions: int = 0
    deleted: set[str] = field(default_factory=set)


class Load(Writers):
    """Puts, batches, deletes, transactions, and one counter that everyone adds to."""

    def __init__(self, lake: EmbeddedLake, number: int) -> None:
        self.acknowledged = Acknowledged()
        self._dynamodb = lake.client("dynamodb", config=IMPATIENT)
        self._names = (f"{number}-{count}" for count in itertools.count())
        self._naming = threading.Lock()
        super().__init__(self._put, self._batch, self._transact, self._transact, self._add, self._delete)

    def _name(self) -> str:
        with self._naming:
            return next(self._names)

    def _put(self) -> None:
        name = self._name()
        self.acknowledged.attempted.add(name)
        self._dynamodb.put_item(TableName=TABLE, Item=item(name, "put"))
        self.acknowledged.items[name] = "put"

    def _batch(self) -> None:
        names = [self._name() for _ in range(10)]
        self.acknowledged.attempted.update(names)
        puts = [{"PutRequest": {"Item": item(name, "batch")}} for name in names]
        self._dynamodb.batch_write_item(RequestItems={TABLE: puts})
        self.acknowledged.items.update(dict.fromkeys(names, "batch"))

    def _transact(self) -> None:
        """Items of one group; half of the transactions have a condition that fails."""
        group = f"group-{self._name()}"
        names = [f"{group}/{count}" for count in range(GROUP)]
        self.acknowledged.attempted.update(names)
        writes = [{"Put": {"TableName": TABLE, "Item": item(name, group)}} for name in names]
        if hash(group) % 2:
            check = {"TableName": TABLE, "Key": key("never"), "ConditionExpression": "attribute_exists(p)"}
            try:
                self._dynamodb.transact_write_items(TransactItems=[*writes, {"ConditionCheck": check}])
            except ClientError as error:
                assert error.response["Error"]["Code"] == "TransactionCanceledException", error
            return
        self._dynamodb.transact_write_items(TransactItems=writes)
        self.acknowledged.groups.add(group)

    def _add(self) -> None:
        self.acknowledged.attempted_additions += 1
        self._dynamodb.update_item(
            TableName=COUNTERS,
            Key=key("all"),
            UpdateExpression="ADD n :one",
            ConditionExpression="attribute_not_exists(stop)",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )
        self.acknowledged.additions += 1

    def _delete(self) -> None:
        name = f"gone-{self._name()}"
        self.acknowledged.attempted.add(name)
        self._dynamodb.put_item(TableName=TABLE, Item=item(name, "gone"))
        self._dynamodb.delete_item(TableName=TABLE, Key=key(name))
        self.acknowledged.deleted.add(name)


def key(name: str) -> dict[str, Any]:
    return {"p": {"S": name}}


def item(name: str, value: str) -> dict[str, Any]:
    return {**key(name), "v": {"S": value}}


@pytest.mark.timeout(60 + 40 * ROUNDS)
def test_acknowledged_writes_survive_kill_9_and_transactions_are_whole(tmp_path: Path) -> None:
    with Mortal(tmp_path / "lake", "--limits", "off") as mortal:
        prepare(mortal.lake)
        rounds: list[Acknowledged] = []
        for number in range(ROUNDS):
            load = Load(mortal.lake, number)
            lake = mortal.die(load)
            rounds.append(load.acknowledged)
            check_items(lake, rounds)
        assert sum(len(each.items) for each in rounds) > 50 * ROUNDS, "there was hardly any load"


def prepare(lake: EmbeddedLake) -> None:
    dynamodb = lake.client("dynamodb")
    plain: dict[str, Any] = {
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
    }
    dynamodb.create_table(TableName=COUNTERS, **plain)
    plain["AttributeDefinitions"] = [{"AttributeName": name, "AttributeType": "S"} for name in ("p", "v")]
    by_value = {
        "IndexName": "by-value",
        "KeySchema": [{"AttributeName": "v", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    dynamodb.create_table(TableName=TABLE, GlobalSecondaryIndexes=[by_value], **plain)


def check_items(lake: EmbeddedLake, rounds: list[Acknowledged]) -> None:
    found = scanned(lake)
    promised = {name: value for each in rounds for name, value in each.items.items()}
    lost = {name for name, value in promised.items() if found.get(name) != value}
    assert not lost, f"{len(lost)} acknowledged items are lost, such as {min(lost)}"
    assert found.keys() <= {name for each in rounds for name in each.attempted}
    assert not found.keys() & {name for each in rounds for name in each.deleted}, "deleted items are back"
    whole: dict[str, int] = {}
    for name, value in found.items():
        if name.startswith("group-"):
            whole[value] = whole.get(value, 0) + 1
    torn = {group: count for group, count in whole.items() if count != GROUP}
    assert not torn, f"transactions were done in part: {torn}"
    assert {group for each in rounds for group in each.groups} <= whole.keys()
    assert scanned(lake, IndexName="by-value") == found, "the index and its table differ"
    counted = lake.client("dynamodb").get_item(TableName=COUNTERS, Key=key("all")).get("Item", {"n": {"N": "0"}})
    low, high = (sum(getattr(each, name) for each in rounds) for name in ("additions", "attempted_additions"))
    assert low <= int(counted["n"]["N"]) <= high


def scanned(lake: EmbeddedLake, **more: Any) -> dict[str, str]:
    pages = lake.client("dynamodb").get_paginator("scan").paginate(TableName=TABLE, **more)
    return {item["p"]["S"]: item["v"]["S"] for page in pages for item in page["Items"]}
