"""kill -9 under DynamoDB's load: what was acknowledged is there, transactions are whole, indexes agree with tables."""

from __future__ import annotations

import itertools
import os
import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pocketlake import spawned
from pocketlake.embedded import EmbeddedLake

from .writers import IMPATIENT, Writer

ROUNDS = int(os.environ.get("POCKETLAKE_FAULT_ROUNDS", "2"))
SEED = int(os.environ.get("POCKETLAKE_FAULT_SEED", str(random.SystemRandom().randrange(2**32))))
TABLE, COUNTERS = "faults", "counters"
GROUP = 10  # items of one transaction
LOAD_SECONDS = (0.3, 1.5)


@dataclass
class Acknowledged:
    """Item -> value. `attempted` were sent; they may be there, or not."""

    items: dict[str, str] = field(default_factory=dict)
    attempted: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    additions: int = 0
    attempted_additions: int = 0
    deleted: set[str] = field(default_factory=set)


class Load:
    """Puts, batches, deletes, transactions, and one counter that everyone adds to."""

    def __init__(self, lake: EmbeddedLake, number: int) -> None:
        self.acknowledged = Acknowledged()
        self._dynamodb = lake.client("dynamodb", config=IMPATIENT)
        self._names = (f"{number}-{count}" for count in itertools.count())
        self._naming = threading.Lock()
        self._stopped = threading.Event()
        steps = [self._put, self._batch, self._transact, self._transact, self._add, self._delete]
        self._writers = [Writer(step, self._stopped) for step in steps]

    def start(self) -> None:
        for writer in self._writers:
            writer.start()

    def join(self) -> None:
        self._stopped.set()
        for writer in self._writers:
            writer.join(timeout=60)
            assert not writer.is_alive(), "a writer hangs: its call was neither answered nor cut off"
            if writer.error is not None:
                raise writer.error

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
    chance = random.Random(SEED)
    print(f"POCKETLAKE_FAULT_SEED={SEED}")
    directory = tmp_path / "lake"
    lake = spawned.start(directory, "--limits", "off")
    try:
        prepare(lake)
        rounds: list[Acknowledged] = []
        for number in range(ROUNDS):
            load = Load(lake, number)
            load.start()
            time.sleep(chance.uniform(*LOAD_SECONDS))  # the moment of death is what this test is about
            lake.kill()
            load.join()
            rounds.append(load.acknowledged)
            lake = spawned.start(directory, "--limits", "off")
            check_items(lake, rounds)
        assert sum(len(each.items) for each in rounds) > 50 * ROUNDS, "there was hardly any load"
    finally:
        if lake.process.poll() is None:
            lake.kill()


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
