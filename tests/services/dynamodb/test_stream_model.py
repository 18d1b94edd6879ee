"""A stream against a dictionary: whatever is written, however time passes and the lake restarts, the changes of each
item form its history, none lost nor doubled, and together they give the table.

POCKETLAKE_SLOW=1 takes many more steps.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest

import pocketlake

from .conftest import make, units
from .stream_reader import Reader, specification

SEEDS = range(60 if os.environ.get("POCKETLAKE_SLOW") else 4)
STEPS = 120
Item = dict[str, Any]


class World:
    """A table whose stream has several shards, its items by key, and the history of each as it was written."""

    def __init__(self, directory: Path, chance: random.Random) -> None:
        self.directory, self.chance = directory, chance
        self.items: dict[str, Item] = {}
        self.history: dict[str, list[tuple[Item | None, Item | None]]] = {}
        self.seen: dict[str, list[tuple[Item | None, Item | None]]] = {}
        self.numbers: set[str] = set()
        self.start()
        make(self.dynamodb, "things", "p:S", ProvisionedThroughput=units(1, 1500), StreamSpecification=specification())
        ttl = {"Enabled": True, "AttributeName": "until"}
        self.dynamodb.update_time_to_live(TableName="things", TimeToLiveSpecification=ttl)
        arn = self.dynamodb.describe_table(TableName="things")["Table"]["LatestStreamArn"]
        self.reader = Reader(self.lake.client("dynamodbstreams"), arn, chance)

    def start(self) -> None:
        self.running = pocketlake.run(self.directory, limits="off")
        self.lake = self.running.__enter__()
        self.dynamodb = self.lake.client("dynamodb")

    def stop(self) -> None:
        self.running.__exit__(None, None, None)

    # What is done, and what it should do

    def set(self, key: str, new: Item | None) -> None:
        old = self.items.pop(key, None)
        if new is not None:
            self.items[key] = new
        if old != new:
            self.history.setdefault(key, []).append((old, new))

    def any(self) -> tuple[str, Item]:
        """Few values, so that puts often change nothing."""
        key = f"k{self.chance.randrange(12)}"
        return key, {"p": {"S": key}, "v": {"N": str(self.chance.randrange(3))}}

    def several(self) -> dict[str, Item]:
        return dict(self.any() for _ in range(self.chance.randrange(1, 7)))

    def put(self) -> None:
        key, item = self.any()
        self.dynamodb.put_item(TableName="things", Item=item)
        self.set(key, item)

    def delete(self) -> None:
        key, item = self.any()
        self.dynamodb.delete_item(TableName="things", Key={"p": item["p"]})
        self.set(key, None)

    def add(self) -> None:
        key, item = self.any()
        self.dynamodb.update_item(
            TableName="things",
            Key={"p": item["p"]},
            UpdateExpression="ADD v :v",
            ExpressionAttributeValues={":v": item["v"]},
        )
        old = self.items.get(key, {"p": item["p"], "v": {"N": "0"}})
        self.set(key, {**old, "v": {"N": str(int(old["v"]["N"]) + int(item["v"]["N"]))}})

    def refuse(self) -> None:
        key, item = self.any()
        condition = "attribute_exists(p)" if key not in self.items else "attribute_not_exists(p)"
        with pytest.raises(self.dynamodb.exceptions.ConditionalCheckFailedException):
            self.dynamodb.put_item(TableName="things", Item=item, ConditionExpression=condition)

    def batch(self) -> None:
        items = self.several()
        puts = [{"PutRequest": {"Item": item}} for item in items.values()]
        self.dynamodb.batch_write_item(RequestItems={"things": puts})
        for key, item in items.items():
            self.set(key, item)

    def transact(self) -> None:
        """One in three comes to nothing."""
        items = self.several()
        is_refused = self.chance.random() < 0.33
        writes: list[Any] = [{"Put": {"TableName": "things", "Item": item}} for item in items.values()]
        check = {"TableName": "things", "Key": {"p": {"S": "never"}}, "ConditionExpression": "attribute_exists(p)"}
        if is_refused:
            with pytest.raises(self.dynamodb.exceptions.TransactionCanceledException):
                self.dynamodb.transact_write_items(TransactItems=[*writes, {"ConditionCheck": check}])
            return
        self.dynamodb.transact_write_items(TransactItems=writes)
        for key, item in items.items():
            self.set(key, item)

    def statement(self) -> None:
        key, item = self.any()
        if key in self.items:
            text = f"UPDATE things SET v = {item['v']['N']} WHERE p = '{key}'"
            self.dynamodb.execute_statement(Statement=text)
            self.set(key, {**self.items[key], "v": item["v"]})

    def expire(self) -> None:
        key, item = self.any()
        item["until"] = {"N": str(int(self.lake.clock.now().timestamp()) + 30)}
        self.dynamodb.put_item(TableName="things", Item=item)
        self.set(key, item)
        self.lake.clock.advance(minutes=3)
        for expired in [key for key, item in self.items.items() if "until" in item]:
            self.set(expired, None)

    def grow(self) -> None:
        capacity = self.chance.randrange(1, 8) * 1000
        table = self.dynamodb.describe_table(TableName="things")["Table"]
        if table["ProvisionedThroughput"]["WriteCapacityUnits"] != capacity:
            self.dynamodb.update_table(TableName="things", ProvisionedThroughput=units(1, capacity))

    def wait(self) -> None:
        """Sometimes past the end of shards, never past the retention of what is not read."""
        self.read()
        self.lake.clock.advance(hours=self.chance.choice([0.1, 1, 3.9, 4, 9, 22]))

    def restart(self) -> None:
        self.stop()
        self.start()
        self.reader.client = self.lake.client("dynamodbstreams")

    def read(self) -> None:
        if self.chance.random() < 0.5:
            self.reader.forget_iterators()
        for record in self.reader.poll(limit=self.chance.choice([1, 3, 1000])):
            change = record["dynamodb"]
            assert change["SequenceNumber"] not in self.numbers, "a record came twice"
            self.numbers.add(change["SequenceNumber"])
            seen = change.get("OldImage"), change.get("NewImage")
            self.seen.setdefault(change["Keys"]["p"]["S"], []).append(seen)

    def check(self) -> None:
        self.read()
        self.reader.forget_iterators()
        self.read()
        assert self.seen == self.history
        table = {key: changes[-1][1] for key, changes in self.seen.items() if changes[-1][1] is not None}
        assert table == self.items
        assert table == {item["p"]["S"]: item for item in self.dynamodb.scan(TableName="things")["Items"]}


WRITES = [World.put, World.put, World.delete, World.add, World.batch, World.transact, World.statement, World.refuse]
REST = [World.expire, World.grow, World.wait, World.read, World.read]


@pytest.mark.claim("DDB-603")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_stream_tells_each_items_history(tmp_path: Path, seed: int) -> None:
    world = World(tmp_path, chance := random.Random(seed))
    try:
        for _ in range(STEPS):
            if chance.random() < 0.02:
                world.restart()
            chance.choice(WRITES if chance.random() < 0.8 else REST)(world)
        world.check()
        assert sum(map(len, world.history.values())) > STEPS / 2
    finally:
        world.stop()
